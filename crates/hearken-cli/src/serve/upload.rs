//! Receiving files: by PUT, and by the form of a listing.
//!
//! A file is written under a hidden name and gets its own when it is complete, so that no half of one is ever served. It goes into a
//! directory beneath the root, by the rules by which files are served. Not here: who may send one (`guard.rs`), the form
//! (`DirectoryListing` of hearken-app).

use super::guard::is_cross_site;
use super::plan::{UploadPlan, is_reachable};
use hearken::app::{Middleware, Next, StaticFiles};
use hearken::listen::ListenAddr;
use hearken::message::MultipartLimits;
use hearken::server::Handling;
use hearken::{Bytes, Failure, IncomingMessage, Sent, ServerResponse};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use rustix::fs::{AtFlags, Mode, OFlags, linkat, openat, renameat, statat, unlinkat};
use rustix::io::Errno;
use std::fs::File;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::task::spawn_blocking;

/// All but the unreserved characters of a URI.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Files in one form. Each costs a descriptor while it is written, and nothing afterwards.
const FILES_MAX: u32 = 1000;

/// The layer that receives files.
pub(crate) struct Uploads(Arc<Inner>);

struct Inner {
    files: StaticFiles,
    plan: UploadPlan,
    /// Only this machine reaches the server, so that every name in Host but its own is that of an attacker.
    local: bool,
}

impl Uploads {
    pub(crate) fn new(files: StaticFiles, plan: UploadPlan, address: &ListenAddr) -> Self {
        let has_name = matches!(address, ListenAddr::Socket(_) | ListenAddr::Host { .. });
        let local = has_name && !is_reachable(address);
        Self(Arc::new(Inner { files, plan, local }))
    }
}

impl Middleware for Uploads {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        let put = match req.head().method_bytes() {
            b"PUT" => true,
            b"POST" => false,
            _ => return next.run(req, res),
        };
        let inner = Arc::clone(&self.0);
        Handling::new(async move {
            let again = res.again();
            let result = match put {
                true => inner.put(req, res).await,
                false => inner.form(req, res).await,
            };
            result.unwrap_or_else(|failure| again.fail(failure))
        })
    }
}

impl Inner {
    /// `PUT /directory/name`: one file.
    async fn put(&self, mut req: IncomingMessage, res: ServerResponse) -> Result<Sent, Failure> {
        self.check(&req)?;
        if req.header("content-range").is_some() {
            return Err(Failure::new(
                400,
                "expected a whole file, not a part of one",
            )); // RFC 9110 §14.4
        }
        let path = self
            .files
            .path_of(&req)
            .filter(|_| !req.path().ends_with('/'));
        let path = path
            .ok_or_else(|| Failure::new(400, "expected the name of a file that can be served"))?;
        let (directory, name) = path.rsplit_once('/').unwrap_or(("", &path));
        let directory = self.directory(directory.to_owned()).await?;
        let mut target = Target::new(&directory, name, self.plan).await?;
        while let Some(piece) = req.data().await? {
            target.write(piece).await?;
        }
        let status = if target.replaces { 200 } else { 201 };
        let length = target.commit().await?;
        let location: Vec<_> = path.split('/').map(encoded).collect();
        let res = res
            .status(status)
            .set("Location", format!("/{}", location.join("/")));
        Ok(text(res, format!("stored {name}, {length} bytes\n")))
    }

    /// `POST /directory/`: the files of a form.
    async fn form(&self, mut req: IncomingMessage, res: ServerResponse) -> Result<Sent, Failure> {
        self.check(&req)?;
        let path = self
            .files
            .path_of(&req)
            .filter(|_| req.path().ends_with('/'));
        let path = path.ok_or_else(|| {
            let text = "expected the path of a directory, with a slash at its end";
            Failure::new(405, text).with_header("Allow", "GET, HEAD, PUT")
        })?;
        let directory = self.directory(path).await?;
        let mut limits = MultipartLimits::default();
        limits.part_bytes_max = self.plan.bytes_max;
        limits.bytes_max = self.plan.bytes_max.saturating_add(FORM_BYTES);
        limits.parts_max = FILES_MAX;
        let mut stored = String::new();
        let mut form = req.multipart(limits)?;
        while let Some(mut part) = form.next_part().await? {
            // Some browsers send a path; an empty field of files has an empty name.
            let name = part.file_name().unwrap_or_default();
            let name = name
                .rsplit(['/', '\\'])
                .next()
                .unwrap_or_default()
                .to_owned();
            if name.is_empty() {
                continue;
            }
            if !self.files.serves_name(&name) {
                let text =
                    format!("a file of the name {name:?} would not be served: choose another name");
                return Err(Failure::new(400, text));
            }
            let mut target = Target::new(&directory, &name, self.plan).await?;
            while let Some(piece) = part.data().await? {
                target.write(piece).await?;
            }
            let length = target.commit().await?;
            stored.push_str(&format!("stored {name}, {length} bytes\n"));
        }
        if stored.is_empty() {
            return Err(Failure::new(400, "expected a form with a file"));
        }
        if req.accepts(&["text/plain", "text/html"]) == Some("text/html") {
            return Ok(res.redirect(303, "./")); // back to the listing
        }
        Ok(text(res.status(201), stored))
    }

    /// Whether the request is the user's own, and not longer than it may be.
    fn check(&self, req: &IncomingMessage) -> Result<(), Failure> {
        if is_cross_site(req) || (self.local && !names_this_machine(req)) {
            return Err(Failure::new(
                403,
                "expected an upload from a page of this server, or from a program",
            ));
        }
        let announced: Option<u64> = req
            .header("content-length")
            .and_then(|text| text.parse().ok());
        if announced.is_some_and(|length| length > self.plan.bytes_max.saturating_add(FORM_BYTES)) {
            return Err(too_large(self.plan.bytes_max));
        }
        Ok(())
    }

    /// Opens a directory beneath the root.
    async fn directory(&self, path: String) -> Result<Arc<File>, Failure> {
        let files = self.files.clone();
        let opened = spawn_blocking(move || {
            let directory = files.open(&path).ok()?;
            directory
                .metadata()
                .is_ok_and(|metadata| metadata.is_dir())
                .then_some(directory)
        });
        match opened.await? {
            Some(directory) => Ok(Arc::new(directory)),
            None => Err(Failure::new(404, "there is no such directory")),
        }
    }
}

/// What a form needs beside its files.
const FORM_BYTES: u64 = 1 << 20;

fn encoded(segment: &str) -> String {
    utf8_percent_encode(segment, SEGMENT).to_string()
}

fn text(res: ServerResponse, text: String) -> Sent {
    res.set("Content-Type", "text/plain; charset=utf-8")
        .set("X-Content-Type-Options", "nosniff")
        .end(text)
}

fn too_large(bytes_max: u64) -> Failure {
    Failure::new(
        413,
        format!("expected at most {bytes_max} bytes in one upload"),
    )
}

/// Another site can give its own name an address of this machine (DNS rebinding), and its pages are then of one origin with this
/// server. They cannot change the name.
fn names_this_machine(req: &IncomingMessage) -> bool {
    let Some(host) = req.header("host") else {
        return true; // HTTP/1.0, no browser
    };
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let ip: Option<std::net::IpAddr> = name.parse().ok();
    let name = name.to_ascii_lowercase();
    ip.is_some_and(|ip| ip.is_loopback()) || name == "localhost" || name.ends_with(".localhost")
}

/// A file that is being received. Removed unless it is complete.
struct Target {
    temporary: Temporary,
    name: String,
    plan: UploadPlan,
    file: tokio::fs::File,
    length: u64,
    /// There was a file of its name.
    replaces: bool,
}

/// The hidden name of a file. Made on the thread that creates the file, so that it is removed too when the request ends meanwhile.
struct Temporary {
    directory: Arc<File>,
    name: String,
    committed: bool,
}

impl Target {
    async fn new(directory: &Arc<File>, name: &str, plan: UploadPlan) -> Result<Self, Failure> {
        let random = || RandomState::new().build_hasher().finish();
        let mut temporary = Temporary {
            directory: Arc::clone(directory),
            name: format!(".upload-{:016x}{:016x}", random(), random()),
            committed: true, // there is no file yet
        };
        let own = name.to_owned();
        let create = move || {
            let at = Arc::clone(&temporary.directory);
            let replaces = statat(&at, &own, AtFlags::SYMLINK_NOFOLLOW).is_ok();
            if replaces && !plan.overwrite {
                return Err(Errno::EXIST); // before its content is sent
            }
            let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
            let mode = Mode::from_raw_mode(0o666); // less the umask
            let file = openat(&at, &temporary.name, flags, mode)?;
            temporary.committed = false;
            Ok((file, temporary, replaces))
        };
        let created = spawn_blocking(create).await?;
        let (file, temporary, replaces) = created.map_err(|error| failure(error, name))?;
        Ok(Self {
            temporary,
            name: name.to_owned(),
            plan,
            file: tokio::fs::File::from_std(file.into()),
            length: 0,
            replaces,
        })
    }

    async fn write(&mut self, piece: Bytes) -> Result<(), Failure> {
        self.length += piece.len() as u64;
        if self.length > self.plan.bytes_max {
            return Err(too_large(self.plan.bytes_max));
        }
        self.file
            .write_all(&piece)
            .await
            .map_err(|error| self.failure_of(&error))
    }

    /// Gives the file its name. Returns its length.
    async fn commit(mut self) -> Result<u64, Failure> {
        self.file
            .flush()
            .await
            .map_err(|error| self.failure_of(&error))?;
        let (at, from, to) = (
            Arc::clone(&self.temporary.directory),
            self.temporary.name.clone(),
            self.name.clone(),
        );
        let overwrite = self.plan.overwrite;
        let named = spawn_blocking(move || match overwrite {
            true => renameat(&at, &from, &at, &to),
            false => name_new(&at, &from, &to),
        });
        named.await?.map_err(|error| failure(error, &self.name))?;
        self.temporary.committed = true;
        Ok(self.length)
    }

    fn failure_of(&self, error: &std::io::Error) -> Failure {
        failure(Errno::from_io_error(error).unwrap_or(Errno::IO), &self.name)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.committed {
            let _ = unlinkat(&*self.directory, &self.name, AtFlags::empty()); // it may have been named
        }
    }
}

/// Gives a file a name that no other file has, in one step.
fn name_new(directory: &File, from: &str, to: &str) -> Result<(), Errno> {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        use rustix::fs::{RenameFlags, renameat_with};
        let renamed = renameat_with(directory, from, directory, to, RenameFlags::NOREPLACE);
        if !matches!(renamed, Err(Errno::INVAL | Errno::NOSYS)) {
            return renamed;
        }
    }
    // Fails when the name is in use, too.
    linkat(directory, from, directory, to, AtFlags::empty())?;
    unlinkat(directory, from, AtFlags::empty())
}

fn failure(error: Errno, name: &str) -> Failure {
    match error {
        Errno::EXIST | Errno::ISDIR | Errno::NOTEMPTY => Failure::new(
            409,
            format!("{name:?} is there already, and is not replaced"),
        ),
        Errno::NOSPC | Errno::DQUOT => Failure::new(507, "the disk is full")
            .with_public_message("the disk is full")
            .caused_by(std::io::Error::from(error)),
        Errno::ACCESS | Errno::PERM | Errno::ROFS => {
            Failure::new(403, "the server may not write into this directory")
        }
        Errno::NAMETOOLONG => Failure::new(400, "the name of the file is too long"),
        error => Failure::from(std::io::Error::from(error)),
    }
}
