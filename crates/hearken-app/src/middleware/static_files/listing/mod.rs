//! What a directory contains, as a page and as JSON.
//!
//! Here: [`DirectoryListing`] (the options), [`Order`] (what the query asks for), [`Reading`] a directory, the response. Not here: the text
//! of the page (`page.rs`).

mod page;

use super::find::Asked;
use super::name::{is_hidden, is_legal};
use super::root::OpenRoot;
use crate::request::RequestExt;
use crate::response::ResponseExt;
use hearken_http::{HttpDate, IncomingMessage, Sent, ServerResponse};
use rustix::fs::{AtFlags, Dir, FileType, statat};
use rustix::io::Errno;
use serde::Deserialize;
use std::fs::File;

/// Names that are looked at in one directory; those behind them are left out.
const NAMES_MAX: usize = 100_000;

/// The listing of directories that have no index: [`StaticFiles::listing`](super::StaticFiles::listing).
///
/// A page of HTML, or JSON if the client prefers it. The query asks for an order (`?sort=name`, `size` or `modified`, and
/// `&order=desc`) and for names that contain a text (`?q=`). The page needs no script; its Content-Security-Policy allows none, and
/// only its own style. Without hidden files, special files, links that are not followed, and names that no URL can have.
///
/// | option | default | |
/// |---|---|---|
/// | [`entries_max`](Self::entries_max) | 10,000 | entries of one listing; what is left out is said |
/// | [`upload_form`](Self::upload_form) | false | a form that sends files to the directory |
///
/// ```
/// use hearken::app::{App, DirectoryListing, StaticFiles};
/// let mut app = App::new();
/// app.with_at("/files", StaticFiles::new("shared").listing(DirectoryListing::new()));
/// ```
#[derive(Clone, Debug)]
pub struct DirectoryListing {
    pub(super) entries_max: usize,
    pub(super) upload_form: bool,
}

impl Default for DirectoryListing {
    fn default() -> Self {
        Self::new()
    }
}

impl DirectoryListing {
    /// With the defaults.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            entries_max: 10_000,
            upload_form: false,
        }
    }

    /// The most entries of one listing.
    #[must_use]
    pub const fn entries_max(mut self, entries: usize) -> Self {
        self.entries_max = entries;
        self
    }

    /// Shows a form that sends files by POST, as `multipart/form-data` in fields named `file`, to the URL of the directory. A handler
    /// of yours receives them.
    #[must_use]
    pub const fn upload_form(mut self, show: bool) -> Self {
        self.upload_form = show;
        self
    }
}

/// What the query asks for.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Order {
    sort: Key,
    order: Direction,
    /// Part of the names, in any case.
    q: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Key {
    #[default]
    Name,
    Size,
    Modified,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Direction {
    #[default]
    Asc,
    Desc,
}

impl Order {
    /// A query that is none of this asks for nothing.
    pub(crate) fn of(req: &IncomingMessage) -> Self {
        req.query().unwrap_or_default()
    }
}

/// The entries of a directory.
pub(crate) struct Entries {
    entries: Vec<Entry>,
    /// There are more.
    more: bool,
}

struct Entry {
    name: String,
    directory: bool,
    size: u64,
    modified: HttpDate,
}

/// What reading a directory needs.
pub(crate) struct Reading<'a> {
    pub(crate) root: &'a OpenRoot<'a>,
    /// Of the directory, below the root.
    pub(crate) path: &'a str,
    /// Hidden names are listed.
    pub(crate) hidden: bool,
    pub(crate) order: &'a Order,
    pub(crate) entries_max: usize,
}

impl Reading<'_> {
    /// Waits for the disk.
    pub(crate) fn entries(&self, directory: &File) -> Result<Entries, Errno> {
        let part = self.order.q.to_lowercase();
        let mut entries = Vec::new();
        let mut more = false;
        for (number, entry) in Dir::read_from(directory)?.enumerate() {
            let entry = entry?;
            let Ok(name) = entry.file_name().to_str() else {
                continue; // no URL names it: paths are UTF-8
            };
            let listed = is_legal(name)
                && (self.hidden || !is_hidden(name))
                && (part.is_empty() || name.to_lowercase().contains(&part));
            if !listed {
                continue;
            }
            if entries.len() == self.entries_max || number >= NAMES_MAX {
                more = true;
                break;
            }
            entries.extend(self.entry(directory, name));
        }
        self.sort(&mut entries);
        Ok(Entries { entries, more })
    }

    /// `None` for an entry that cannot be served.
    fn entry(&self, directory: &File, name: &str) -> Option<Entry> {
        let stat = statat(directory, name, AtFlags::SYMLINK_NOFOLLOW).ok()?;
        let (directory, size, modified) = match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => (
                false,
                u64::try_from(stat.st_size).unwrap_or(0),
                seconds(&stat),
            ),
            FileType::Directory => (true, 0, seconds(&stat)),
            FileType::Symlink => {
                let path = match self.path {
                    "" => name.to_owned(),
                    path => format!("{path}/{name}"),
                };
                let metadata = self.root.file(&path).ok()?.metadata().ok()?;
                if !metadata.is_file() && !metadata.is_dir() {
                    return None;
                }
                let size = if metadata.is_dir() { 0 } else { metadata.len() };
                (metadata.is_dir(), size, metadata.modified().ok()?.into())
            }
            _ => return None,
        };
        Some(Entry {
            name: name.to_owned(),
            directory,
            size,
            modified,
        })
    }

    /// Directories come first; names without case.
    fn sort(&self, entries: &mut [Entry]) {
        entries.sort_by_cached_key(|entry| (entry.name.to_lowercase(), entry.name.clone()));
        match self.order.sort {
            Key::Name => {}
            Key::Size => entries.sort_by_key(|entry| entry.size),
            Key::Modified => entries.sort_by_key(|entry| entry.modified),
        }
        if self.order.order == Direction::Desc {
            entries.reverse();
        }
        entries.sort_by_key(|entry| !entry.directory);
    }
}

fn seconds(stat: &rustix::fs::Stat) -> HttpDate {
    #[allow(clippy::useless_conversion, reason = "its type depends on the system")]
    let seconds = i64::try_from(stat.st_mtime).unwrap_or(i64::MAX);
    HttpDate::from_unix_seconds(seconds)
}

/// What the page needs beside the entries.
struct Place<'a> {
    /// The path as people read it, from where the files are mounted.
    title: String,
    /// Directories between the root and this one.
    depth: usize,
    order: &'a Order,
    options: &'a DirectoryListing,
}

impl Entries {
    /// Responds.
    pub(super) fn respond(
        &self,
        req: &IncomingMessage,
        res: ServerResponse,
        asked: &Asked,
        options: &DirectoryListing,
    ) -> Sent {
        let path = asked.relative.path.as_str();
        let base = percent_encoding::percent_decode_str(req.base_url()).decode_utf8_lossy();
        let place = Place {
            title: match path {
                "" => format!("{base}/"),
                path => format!("{base}/{path}/"),
            },
            depth: if path.is_empty() {
                0
            } else {
                path.split('/').count()
            },
            order: &asked.order,
            options,
        };
        let res = res
            .vary("Accept")
            .set("Cache-Control", "no-cache")
            .set("X-Content-Type-Options", "nosniff");
        if req.accepts(&["html", "json"]) == Some("json") {
            return res.json(&self.json(&place));
        }
        res.set("Content-Type", "text/html; charset=utf-8")
            .set("Content-Security-Policy", page::POLICY)
            .set("Referrer-Policy", "no-referrer")
            .end(page::page(self, &place))
    }

    fn json(&self, place: &Place<'_>) -> serde_json::Value {
        let entry = |entry: &Entry| {
            serde_json::json!({
                "name": entry.name,
                "type": if entry.directory { "directory" } else { "file" },
                "size": (!entry.directory).then_some(entry.size),
                "modified": entry.modified.to_iso8601(),
            })
        };
        serde_json::json!({
            "path": place.title,
            "entries": self.entries.iter().map(entry).collect::<Vec<_>>(),
            "truncated": self.more,
        })
    }
}
