//! What the path of a request leads to: a file, its compressed sibling, an index, a directory.
//!
//! Here: [`Finding`] (the options), [`Asked`], [`Found`]. Opens files and sends nothing. Not here: opening itself (`root.rs`), what a
//! listing contains (`listing/`), the response (`respond.rs`).

use super::listing::{DirectoryListing, Entries, Order, Reading};
use super::name::Relative;
use super::root::{OpenRoot, Patience, Root};
use hearken_http::IncomingMessage;
use hearken_http::message::media_type_of;
use rustix::io::Errno;
use std::fs::{File, Metadata};
use std::io;

/// What is done with names that begin with a dot, as `.env` and `.git`, and with copies that editors and tools leave behind: `x~`,
/// `#x#`, `x.bak`, `x.orig`, `x.swp`. It counts for every segment of a path.
///
/// ```
/// use hearken::app::{App, Dotfiles, StaticFiles};
/// let mut app = App::new();
/// // RFC 8615 makes these public; the other dot-files stay hidden.
/// app.with_at("/.well-known", StaticFiles::new("public/.well-known"));
/// app.with(StaticFiles::new("public").dotfiles(Dotfiles::Deny));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dotfiles {
    /// As if there were none.
    #[default]
    Ignore,
    /// 403, whether there is one or not.
    Deny,
    /// As any other file.
    Allow,
}

/// Codings of compressed siblings, the preferred first, with the ending of their names.
pub(crate) const CODINGS: [(&str, &str); 3] = [("br", "br"), ("zstd", "zst"), ("gzip", "gz")];

/// Which files answer a path.
#[derive(Clone, Debug)]
pub(crate) struct Finding {
    pub(crate) root: Root,
    pub(crate) dotfiles: Dotfiles,
    pub(crate) index: Vec<String>,
    pub(crate) extensions: Vec<String>,
    pub(crate) precompressed: bool,
    pub(crate) listing: Option<DirectoryListing>,
    pub(crate) spa: Option<String>,
}

/// What a request wants, taken from it so that another thread can look for it.
pub(crate) struct Asked {
    pub(crate) relative: Relative,
    /// The codings that the client prefers to none, the best first.
    codings: Vec<&'static str>,
    /// A page may stand in for a file that is not there.
    pub(crate) page: bool,
    /// Of a listing.
    pub(crate) order: Order,
}

/// What was found.
pub(crate) enum Found {
    File(Box<FoundFile>),
    /// A directory whose path has no slash at the end.
    Directory,
    Listing(Entries),
    Missing,
    /// Hidden by [`Dotfiles::Deny`], or the system does not let this process read it.
    Denied,
    /// The disk must be waited for.
    Undecided,
    Failed(io::Error),
}

pub(crate) struct FoundFile {
    pub(crate) file: File,
    pub(crate) metadata: Metadata,
    /// Its path below the root, without the ending of a coding.
    pub(crate) path: String,
    pub(crate) coding: Option<&'static str>,
    /// It stands in for a file that is not there.
    pub(crate) is_spa: bool,
}

impl Asked {
    /// `None`: no file can have this path.
    pub(crate) fn of(req: &IncomingMessage, path: &str, finding: &Finding) -> Option<Self> {
        Some(Self::new(req, Relative::of_request(path)?, finding))
    }

    pub(crate) fn new(req: &IncomingMessage, relative: Relative, finding: &Finding) -> Self {
        let page = finding.spa.is_some()
            && media_type_of(relative.name()).is_none()
            && req.accepts(&["html"]).is_some();
        Self {
            codings: if finding.precompressed {
                codings(req)
            } else {
                Vec::new()
            },
            page,
            order: finding
                .listing
                .as_ref()
                .map_or_else(Order::default, |_| Order::of(req)),
            relative,
        }
    }
}

/// The codings of siblings that the client prefers to none.
fn codings(req: &IncomingMessage) -> Vec<&'static str> {
    let mut offers: Vec<_> = CODINGS.iter().map(|&(coding, _)| coding).collect();
    offers.push("identity");
    let mut preferred = Vec::new();
    while let Some(best) = req
        .accepts_encodings(&offers)
        .filter(|&best| best != "identity")
    {
        preferred.push(best);
        offers.retain(|&offer| offer != best);
    }
    preferred
}

impl Finding {
    /// Looks for it. With [`Patience::None`] the result may be [`Found::Undecided`].
    pub(crate) fn find(&self, asked: &Asked, patience: Patience) -> Found {
        if asked.relative.hidden && self.dotfiles != Dotfiles::Allow {
            return match self.dotfiles {
                Dotfiles::Deny => Found::Denied,
                _ => Found::Missing,
            };
        }
        let found = self.root.open(patience).and_then(|root| {
            let search = Search {
                finding: self,
                asked,
                root,
                patience,
            };
            search.all()
        });
        found.unwrap_or_else(of_error)
    }
}

fn of_error(error: Errno) -> Found {
    match error {
        Errno::AGAIN => Found::Undecided,
        // A socket file cannot be opened (ENXIO), and a link that leads out is no file.
        Errno::NOENT
        | Errno::NOTDIR
        | Errno::NAMETOOLONG
        | Errno::LOOP
        | Errno::NXIO
        | Errno::NODEV
        | Errno::XDEV
        | Errno::ILSEQ
        | Errno::INVAL => Found::Missing,
        Errno::ACCESS | Errno::PERM => Found::Denied,
        error => Found::Failed(error.into()),
    }
}

struct Search<'a> {
    finding: &'a Finding,
    asked: &'a Asked,
    root: OpenRoot<'a>,
    patience: Patience,
}

impl Search<'_> {
    fn all(&self) -> Result<Found, Errno> {
        let relative = &self.asked.relative;
        let found = if relative.directory {
            self.directory(&relative.path)?
        } else {
            self.named(&relative.path)?
        };
        let Some(page) = self.finding.spa.as_deref().filter(|_| self.asked.page) else {
            return Ok(found);
        };
        if !matches!(found, Found::Missing) {
            return Ok(found);
        }
        Ok(match self.file(page)? {
            Found::File(mut file) => {
                file.is_spa = true;
                Found::File(file)
            }
            _ => Found::Missing,
        })
    }

    /// A path without a slash at the end: the file, or the first that has one more ending.
    fn named(&self, path: &str) -> Result<Found, Errno> {
        let found = self.file(path)?;
        let has_ending = self.asked.relative.name().contains('.');
        if !matches!(found, Found::Missing) || has_ending {
            return Ok(found);
        }
        for extension in &self.finding.extensions {
            if let found @ Found::File(_) = self.file(&format!("{path}.{extension}"))? {
                return Ok(found);
            }
        }
        Ok(Found::Missing)
    }

    /// A path with a slash at the end: the index, or the listing.
    fn directory(&self, path: &str) -> Result<Found, Errno> {
        for index in &self.finding.index {
            let found = match path {
                "" => self.file(index)?,
                _ => self.file(&format!("{path}/{index}"))?,
            };
            if !matches!(found, Found::Missing | Found::Directory) {
                return Ok(found);
            }
        }
        let Some(options) = &self.finding.listing else {
            return Ok(Found::Missing);
        };
        let directory = self.root.file(path)?;
        if !directory.metadata().is_ok_and(|metadata| metadata.is_dir()) {
            return Ok(Found::Missing);
        }
        if self.patience == Patience::None {
            return Err(Errno::AGAIN); // reading a directory takes its time
        }
        let hidden = self.finding.dotfiles == Dotfiles::Allow;
        let read = Reading {
            root: &self.root,
            path,
            hidden,
            order: &self.asked.order,
            entries_max: options.entries_max,
        };
        Ok(Found::Listing(read.entries(&directory)?))
    }

    /// One file, or its sibling in the best coding.
    fn file(&self, path: &str) -> Result<Found, Errno> {
        let Some((file, metadata)) = self.regular(path)? else {
            return Ok(Found::Missing);
        };
        if metadata.is_dir() {
            return Ok(Found::Directory);
        }
        let mut found = FoundFile {
            file,
            metadata,
            path: path.to_owned(),
            coding: None,
            is_spa: false,
        };
        for &coding in &self.asked.codings {
            let ending = CODINGS.iter().find(|&&(known, _)| known == coding);
            let Some((_, ending)) = ending else { continue };
            match self.regular(&format!("{path}.{ending}")) {
                Ok(Some((file, metadata))) if metadata.is_file() => {
                    (found.file, found.metadata, found.coding) = (file, metadata, Some(coding));
                    break;
                }
                Err(Errno::AGAIN) => return Err(Errno::AGAIN),
                _ => {} // a sibling that cannot be sent is none
            }
        }
        Ok(Found::File(Box::new(found)))
    }

    /// A regular file or a directory. Judged by the open file, not by its name.
    fn regular(&self, path: &str) -> Result<Option<(File, Metadata)>, Errno> {
        let file = match self.root.file(path) {
            Ok(file) => file,
            Err(error) => {
                return match of_error(error) {
                    Found::Missing => Ok(None),
                    _ => Err(error),
                };
            }
        };
        let metadata = file
            .metadata()
            .map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))?;
        let served = metadata.is_file() || metadata.is_dir();
        Ok(served.then_some((file, metadata)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_become_answers() {
        let kind = |error| match of_error(error) {
            Found::Missing => "missing",
            Found::Denied => "denied",
            Found::Undecided => "undecided",
            Found::Failed(_) => "failed",
            _ => "found",
        };
        for (error, expected) in [
            (Errno::NOENT, "missing"),
            (Errno::NAMETOOLONG, "missing"),
            (Errno::XDEV, "missing"),
            (Errno::LOOP, "missing"),
            (Errno::NXIO, "missing"),
            (Errno::ACCESS, "denied"),
            (Errno::AGAIN, "undecided"),
            (Errno::MFILE, "failed"),
            (Errno::IO, "failed"),
        ] {
            assert_eq!(kind(error), expected, "{error}");
        }
    }
}
