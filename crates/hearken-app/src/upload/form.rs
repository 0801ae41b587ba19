//! A form that was received.
//!
//! Here: [`UploadedForm`], [`UploadedFile`]. Not here: receiving it (`receive.rs`).

use super::receive::FileHead;
use hearken_http::{Bytes, Failure};
use std::io;
use std::path::{Path, PathBuf};
use tempfile::TempPath;

/// A form that was received: [`Upload::receive`](super::Upload::receive). Its files are removed when it is dropped, unless they
/// were taken and kept.
///
/// ```
/// use hearken::app::{App, Upload};
/// let upload = Upload::new().array("photos", 12);
/// let mut app = App::new();
/// app.post("/photos", async move |mut req, res| {
///     let form = upload.receive(&mut req).await?;
///     let bytes: u64 = form.files().iter().map(|file| file.len()).sum();
///     Ok(res.end(format!("{}: {bytes} bytes\n", form.field("title").unwrap_or("untitled"))))
/// });
/// ```
#[derive(Debug, Default)]
pub struct UploadedForm {
    pub(super) fields: Vec<(String, String)>,
    pub(super) files: Vec<UploadedFile>,
}

impl UploadedForm {
    /// The first value of a field.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields_named(name).next()
    }

    /// All values of a field, in the order of the form.
    pub fn fields_named(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.fields.iter().filter(move |(known, _)| known == name);
        named.map(|(_, value)| value.as_str())
    }

    /// All fields that are no files, in the order of the form. Multer: `req.body`.
    #[must_use]
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }

    /// The first file of a field. Multer: `req.file`.
    #[must_use]
    pub fn file(&self, field: &str) -> Option<&UploadedFile> {
        self.files.iter().find(|file| file.head.field() == field)
    }

    /// All files, in the order of the form. Multer: `req.files`.
    #[must_use]
    pub fn files(&self) -> &[UploadedFile] {
        &self.files
    }

    /// Takes the first file of a field out of the form.
    pub fn take_file(&mut self, field: &str) -> Option<UploadedFile> {
        let at = self
            .files
            .iter()
            .position(|file| file.head.field() == field)?;
        Some(self.files.remove(at))
    }

    /// Takes all files out of the form.
    pub fn take_files(&mut self) -> Vec<UploadedFile> {
        std::mem::take(&mut self.files)
    }
}

/// A file that was received. On disk it is removed when this is dropped; [`keep`](Self::keep) moves it to its place.
#[derive(Debug)]
pub struct UploadedFile {
    pub(super) head: FileHead,
    pub(super) len: u64,
    pub(super) content: Stored,
}

#[derive(Debug)]
pub(super) enum Stored {
    Memory(Bytes),
    Disk(TempPath),
}

impl UploadedFile {
    /// The name of the field of the form. Multer: `fieldname`.
    #[must_use]
    pub fn field(&self) -> &str {
        self.head.field()
    }

    /// As [`FileHead::original_name`].
    #[must_use]
    pub fn original_name(&self) -> &str {
        self.head.original_name()
    }

    /// As [`FileHead::file_name`].
    #[must_use]
    pub fn file_name(&self) -> String {
        self.head.file_name()
    }

    /// As [`FileHead::content_type`].
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.head.content_type()
    }

    /// Its bytes, counted. Multer: `size`.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether it has no content.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Its content, if it is in memory. Multer: `buffer`.
    #[must_use]
    pub const fn bytes(&self) -> Option<&Bytes> {
        match &self.content {
            Stored::Memory(bytes) => Some(bytes),
            Stored::Disk(_) => None,
        }
    }

    /// Where it is, if it is on disk. Multer: `path`.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match &self.content {
            Stored::Memory(_) => None,
            Stored::Disk(path) => Some(path),
        }
    }

    /// Moves the file to `to`, where nothing may be: with one step on the same file system, otherwise by a copy. Returns `to`. Only this
    /// user can read it, as before.
    ///
    /// # Errors
    /// When something is there already, or it cannot be written. The file is removed then.
    pub async fn keep(self, to: impl Into<PathBuf>) -> Result<PathBuf, Failure> {
        let to = to.into();
        let content = self.content;
        let kept = tokio::task::spawn_blocking(move || {
            match content {
                Stored::Memory(bytes) => create(&to, &mut &bytes[..])?,
                Stored::Disk(path) => move_to(path, &to)?,
            }
            Ok::<_, io::Error>(to)
        });
        Ok(kept.await??)
    }
}

fn move_to(path: TempPath, to: &Path) -> io::Result<()> {
    match path.persist_noclobber(to) {
        Ok(()) => Ok(()),
        Err(error) if error.error.kind() == io::ErrorKind::CrossesDevices => {
            create(to, &mut std::fs::File::open(&error.path)?)
        }
        Err(error) => Err(error.error),
    }
}

/// Writes a new file; nothing stays of one that could not be written whole.
fn create(to: &Path, content: &mut dyn io::Read) -> io::Result<()> {
    let directory = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    let mut file = tempfile::NamedTempFile::new_in(directory.unwrap_or_else(|| Path::new(".")))?;
    io::copy(content, &mut file)?;
    file.persist_noclobber(to).map_err(|error| error.error)?;
    Ok(())
}
