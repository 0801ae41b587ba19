//! Opening files beneath a root, so that no symbolic link and no change of the tree meanwhile leads out of it.
//!
//! Here: [`Root`], [`Symlinks`], [`Patience`]; the kernel's way (`openat2`) and the same by steps where the kernel has none. Not here:
//! which names are opened (`name.rs`, `find.rs`).

use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{CWD, Mode, OFlags, openat, readlinkat};
use rustix::io::Errno;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::os::unix::ffi::OsStringExt;
use std::path::{Component, Path, PathBuf};

/// Symbolic links on the way to one file; more are taken for a circle. As in Linux.
const LINKS_MAX: usize = 40;

/// Which symbolic links are followed.
///
/// ```
/// use hearken::app::{App, StaticFiles, Symlinks};
/// let mut app = App::new();
/// app.with(StaticFiles::new("public").symlinks(Symlinks::Never));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Symlinks {
    /// Those that lead to a file inside of the root. A link that leaves the root on its way is refused, if it comes back too.
    #[default]
    Inside,
    /// None: a path with a link names no file.
    Never,
    /// All: a user who can create a link in the root can have any file served.
    Everywhere,
}

/// Whether opening may wait for a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Patience {
    /// On a worker: only what the kernel has in memory is opened; otherwise the error is [`Errno::AGAIN`].
    None,
    /// On a thread that may wait.
    Some,
}

/// A directory, by its path: it is opened for each request, so that it can be replaced.
#[derive(Clone, Debug)]
pub(crate) struct Root {
    pub(crate) path: PathBuf,
    pub(crate) symlinks: Symlinks,
}

/// The root, open for one request.
pub(crate) struct OpenRoot<'a> {
    root: &'a Root,
    fd: OwnedFd,
    patience: Patience,
}

#[cfg(any(target_os = "linux", target_os = "android"))]
const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY).union(OFlags::CLOEXEC);
#[cfg(not(any(target_os = "linux", target_os = "android")))]
const DIRECTORY: OFlags = OFlags::RDONLY
    .union(OFlags::DIRECTORY)
    .union(OFlags::CLOEXEC);

/// Opening a FIFO without a writer must not wait for one; a terminal must not become that of the process.
const READ: OFlags = OFlags::RDONLY
    .union(OFlags::NONBLOCK)
    .union(OFlags::NOCTTY)
    .union(OFlags::CLOEXEC);

impl Root {
    pub(crate) fn open(&self, patience: Patience) -> Result<OpenRoot<'_>, Errno> {
        let fd = match patience {
            Patience::None => cached(CWD, &self.path, DIRECTORY)?,
            Patience::Some => openat(CWD, &self.path, DIRECTORY, Mode::empty())?,
        };
        Ok(OpenRoot {
            root: self,
            fd,
            patience,
        })
    }
}

impl OpenRoot<'_> {
    /// Opens what `relative` names: a file of any kind, or a directory. The empty path is the root itself.
    pub(crate) fn file(&self, relative: &str) -> Result<File, Errno> {
        let path = if relative.is_empty() { "." } else { relative };
        let result = match (self.patience, self.root.symlinks) {
            (patience, symlinks) if HAS_OPENAT2 => {
                beneath(self.fd.as_fd(), path, symlinks, patience)
            }
            (Patience::None, _) => Err(Errno::AGAIN),
            (Patience::Some, _) => Err(Errno::NOSYS),
        };
        match result {
            Ok(fd) => Ok(fd.into()),
            Err(error) if self.patience == Patience::None && is_undecided(error) => {
                Err(Errno::AGAIN)
            }
            Err(error) if is_undecided(error) => self.by_steps(path),
            Err(error) => Err(error),
        }
    }

    fn by_steps(&self, path: &str) -> Result<File, Errno> {
        if self.root.symlinks == Symlinks::Everywhere {
            return openat(&self.fd, path, READ, Mode::empty()).map(File::from);
        }
        let walk = Walk {
            root: self.fd.as_fd(),
            root_path: &self.root.path,
            follow: self.root.symlinks == Symlinks::Inside,
            open: Vec::new(),
            left: Vec::new(),
            links: 0,
        };
        walk.to(Path::new(path)).map(File::from)
    }
}

/// The kernel knows no `openat2`, a filter of system calls refuses it, it cannot tell whether an absolute link stays inside, or the
/// tree changed under it.
const fn is_undecided(error: Errno) -> bool {
    matches!(
        error,
        Errno::NOSYS | Errno::PERM | Errno::INVAL | Errno::TOOBIG | Errno::XDEV | Errno::AGAIN
    )
}

#[cfg(any(target_os = "linux", target_os = "android"))]
mod by_kernel {
    use super::{Errno, Mode, OFlags, Patience, READ, Symlinks};
    use rustix::fd::{BorrowedFd, OwnedFd};
    use rustix::fs::{ResolveFlags, openat2};
    use std::path::Path;

    pub(super) const HAS_OPENAT2: bool = true;

    pub(super) fn cached(at: BorrowedFd<'_>, path: &Path, flags: OFlags) -> Result<OwnedFd, Errno> {
        openat2(at, path, flags, Mode::empty(), ResolveFlags::CACHED)
    }

    pub(super) fn beneath(
        root: BorrowedFd<'_>,
        path: &str,
        symlinks: Symlinks,
        patience: Patience,
    ) -> Result<OwnedFd, Errno> {
        let mut resolve = ResolveFlags::NO_MAGICLINKS;
        match symlinks {
            Symlinks::Inside => resolve |= ResolveFlags::BENEATH,
            Symlinks::Never => resolve |= ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS,
            Symlinks::Everywhere => {}
        }
        if patience == Patience::None {
            resolve |= ResolveFlags::CACHED;
        }
        openat2(root, path, READ, Mode::empty(), resolve)
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod by_kernel {
    use super::{Errno, OFlags, Patience, Symlinks};
    use rustix::fd::{BorrowedFd, OwnedFd};
    use std::path::Path;

    pub(super) const HAS_OPENAT2: bool = false;

    pub(super) fn cached(_: BorrowedFd<'_>, _: &Path, _: OFlags) -> Result<OwnedFd, Errno> {
        Err(Errno::AGAIN)
    }

    pub(super) fn beneath(
        _: BorrowedFd<'_>,
        _: &str,
        _: Symlinks,
        _: Patience,
    ) -> Result<OwnedFd, Errno> {
        Err(Errno::NOSYS)
    }
}

use by_kernel::{HAS_OPENAT2, beneath, cached};

/// A path that is opened segment by segment. `..` of a link goes back to a directory that is open, so that a directory that is moved
/// meanwhile does not lead out.
struct Walk<'a> {
    root: BorrowedFd<'a>,
    root_path: &'a Path,
    follow: bool,
    /// The directories below the root, down to the present one.
    open: Vec<OwnedFd>,
    /// The segments that are left, the next one last.
    left: Vec<OsString>,
    links: usize,
}

impl Walk<'_> {
    fn to(mut self, path: &Path) -> Result<OwnedFd, Errno> {
        self.push(path)?;
        while let Some(name) = self.left.pop() {
            if name == ".." {
                self.open.pop().ok_or(Errno::XDEV)?;
                continue;
            }
            let last = self.left.is_empty();
            let flags = if last { READ } else { DIRECTORY };
            match openat(
                self.present(),
                &name,
                flags | OFlags::NOFOLLOW,
                Mode::empty(),
            ) {
                Ok(fd) if last => return Ok(fd),
                Ok(fd) => self.open.push(fd),
                // What systems say of a symbolic link.
                Err(error @ (Errno::LOOP | Errno::NOTDIR | Errno::MLINK)) => {
                    self.link(&name, error)?
                }
                Err(error) => return Err(error),
            }
        }
        openat(self.present(), ".", READ, Mode::empty())
    }

    fn present(&self) -> BorrowedFd<'_> {
        self.open.last().map_or(self.root, AsFd::as_fd)
    }

    /// Goes on with what a link names. `error`: if it is none.
    fn link(&mut self, name: &OsStr, error: Errno) -> Result<(), Errno> {
        let target = readlinkat(self.present(), name, Vec::new()).map_err(|_| error)?;
        self.links += 1;
        if !self.follow || self.links > LINKS_MAX {
            return Err(Errno::LOOP);
        }
        let target = PathBuf::from(OsString::from_vec(target.into_bytes()));
        if target.is_relative() {
            return self.push(&target);
        }
        let root = std::fs::canonicalize(self.root_path).map_err(|_| Errno::XDEV)?;
        let inside = target.strip_prefix(&root).map_err(|_| Errno::XDEV)?;
        self.open.clear();
        self.push(inside)
    }

    fn push(&mut self, path: &Path) -> Result<(), Errno> {
        for component in path.components().rev() {
            match component {
                Component::Normal(name) => self.left.push(name.to_owned()),
                Component::ParentDir => self.left.push("..".into()),
                Component::CurDir => {}
                Component::RootDir | Component::Prefix(_) => return Err(Errno::XDEV),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
