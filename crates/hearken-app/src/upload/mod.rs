//! Forms with files: Express's `multer`. Feature `multipart`.
//!
//! Here: [`Upload`], which files a form may have and where they go. Not here: the files and fields that came (`upload/form.rs`),
//! receiving one form (`upload/receive.rs`), the parser (hearken-http, `message/multipart.rs`).

mod form;
mod receive;

pub use form::{UploadedFile, UploadedForm};
pub use receive::{FileHead, IncomingFile};

use hearken_http::{Failure, IncomingMessage};
use receive::Receiver;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Receives forms with files, `multipart/form-data`: Express's `multer`.
///
/// Files go to disk as they arrive, into files with names that nothing can guess and that only this user can read; they are removed
/// when their [`UploadedFile`] is dropped, also when the form is broken or the client leaves. [`UploadedFile::keep`] moves one to its
/// place. Or they go to memory, or to code of yours: [`receive_with`](Self::receive_with).
///
/// A form has no file unless [`single`](Self::single), [`array`](Self::array) or [`any`](Self::any) allows it.
///
/// | option | `multer` | default | code, status |
/// |---|---|---|---|
/// | [`single`](Self::single), [`array`](Self::array) | `single`, `array`, `fields` | none | `LIMIT_UNEXPECTED_FILE`, 400 |
/// | [`any`](Self::any) | `any` | off | |
/// | [`directory`](Self::directory) | `dest` | the temporary directory of the system | |
/// | [`in_memory`](Self::in_memory) | `memoryStorage()` | off | |
/// | [`filter`](Self::filter) | `fileFilter` | all files | |
/// | [`file_bytes_max`](Self::file_bytes_max) | `limits.fileSize` | 32 MiB | `LIMIT_FILE_SIZE`, 413 |
/// | [`bytes_max`](Self::bytes_max) | | 64 MiB, the whole form | `entity.too.large`, 413 |
/// | [`files_max`](Self::files_max) | `limits.files` | 16 | `LIMIT_FILE_COUNT`, 400 |
/// | [`fields_max`](Self::fields_max) | `limits.fields` | 100 | `LIMIT_FIELD_COUNT`, 400 |
/// | [`field_bytes_max`](Self::field_bytes_max) | `limits.fieldSize` | 1 MiB | `LIMIT_FIELD_VALUE`, 413 |
/// | [`field_name_bytes_max`](Self::field_name_bytes_max) | `limits.fieldNameSize` | 100 | `LIMIT_FIELD_KEY`, 400 |
/// | (fixed) | `limits.headerPairs` | 16 fields in the head of a part | `LIMIT_PART_HEADERS`, 400 |
///
/// `limits.parts` is the sum of files and fields. A part without a name is `MISSING_FIELD_NAME`, 400. Another Content-Type is 415.
///
/// ```
/// use hearken::app::{App, Upload, prelude::*};
/// let upload = Upload::new().single("avatar").file_bytes_max(1 << 20);
/// let mut app = App::new();
/// app.post("/profile", async move |mut req, res| {
///     let mut form = upload.receive(&mut req).await?;
///     let name = form.field("name").unwrap_or_default().to_owned();
///     if let Some(avatar) = form.take_file("avatar") {
///         println!("{name}: {} bytes of {:?}", avatar.len(), avatar.content_type());
///         avatar.keep("/var/lib/profiles/7.png").await?; // otherwise it is removed
///     }
///     Ok(res.status(201).end(""))
/// });
/// ```
#[derive(Clone)]
pub struct Upload {
    /// Names of parts that may be files, and how many of each.
    accepted: Vec<(Box<str>, u32)>,
    any: bool,
    store: Store,
    filter: Option<Arc<Filter>>,
    bounds: Bounds,
}

/// Decides about a file by its head: whether it is received.
type Filter = dyn Fn(&FileHead) -> Result<bool, Failure> + Send + Sync;

#[derive(Clone, Debug)]
enum Store {
    Memory,
    /// `None`: that of the system.
    Directory(Option<PathBuf>),
}

#[derive(Clone, Copy, Debug)]
struct Bounds {
    bytes: u64,
    file_bytes: u64,
    files: u32,
    fields: u32,
    field_bytes: u64,
    field_name_bytes: usize,
}

impl Default for Upload {
    fn default() -> Self {
        Self::new()
    }
}

impl Upload {
    /// Fields, and no files: multer's `none()`.
    #[must_use]
    pub fn new() -> Self {
        Self {
            accepted: Vec::new(),
            any: false,
            store: Store::Directory(None),
            filter: None,
            bounds: Bounds {
                bytes: 64 << 20,
                file_bytes: 32 << 20,
                files: 16,
                fields: 100,
                field_bytes: 1 << 20,
                field_name_bytes: 100,
            },
        }
    }

    /// Allows one file under this name.
    #[must_use]
    pub fn single(self, name: &str) -> Self {
        self.array(name, 1)
    }

    /// Allows up to `max` files under this name. Call it for each name: multer's `fields`.
    #[must_use]
    pub fn array(mut self, name: &str, max: u32) -> Self {
        self.accepted.retain(|(known, _)| **known != *name);
        self.accepted.push((name.into(), max));
        self
    }

    /// Allows files under any name. Files that nothing reads are a way to fill a disk: prefer names.
    #[must_use]
    pub fn any(mut self) -> Self {
        self.any = true;
        self
    }

    /// The directory of the files that are being received. It must exist. Files can be kept without a copy only on the same file system.
    #[must_use]
    pub fn directory(mut self, directory: impl Into<PathBuf>) -> Self {
        self.store = Store::Directory(Some(directory.into()));
        self
    }

    /// Keeps files in memory: small ones only. Bound them by [`file_bytes_max`](Self::file_bytes_max) and
    /// [`files_max`](Self::files_max).
    #[must_use]
    pub fn in_memory(mut self) -> Self {
        self.store = Store::Memory;
        self
    }

    /// Decides by the head of a file whether it is received (`Ok(true)`), skipped, or fails the form. Names and types are what the
    /// client says.
    ///
    /// ```
    /// use hearken::Failure;
    /// use hearken::app::Upload;
    /// let upload = Upload::new().single("photo").filter(|file| match file.content_type() {
    ///     Some("image/png" | "image/jpeg") => Ok(true),
    ///     _ => Err(Failure::new(415, "expected a photo as PNG or JPEG")),
    /// });
    /// ```
    #[must_use]
    pub fn filter(
        mut self,
        filter: impl Fn(&FileHead) -> Result<bool, Failure> + Send + Sync + 'static,
    ) -> Self {
        self.filter = Some(Arc::new(filter));
        self
    }

    /// The most bytes of the whole form, with its boundaries and heads.
    #[must_use]
    pub fn bytes_max(mut self, bytes: u64) -> Self {
        self.bounds.bytes = bytes;
        self
    }

    /// The most bytes of one file. More than [`bytes_max`](Self::bytes_max) raises that, too.
    #[must_use]
    pub fn file_bytes_max(mut self, bytes: u64) -> Self {
        self.bounds.file_bytes = bytes;
        self.bounds.bytes = self.bounds.bytes.max(bytes.saturating_add(1 << 20));
        self
    }

    /// The most files.
    #[must_use]
    pub fn files_max(mut self, files: u32) -> Self {
        self.bounds.files = files;
        self
    }

    /// The most fields that are no files.
    #[must_use]
    pub fn fields_max(mut self, fields: u32) -> Self {
        self.bounds.fields = fields;
        self
    }

    /// The most bytes of the value of a field.
    #[must_use]
    pub fn field_bytes_max(mut self, bytes: u64) -> Self {
        self.bounds.field_bytes = bytes;
        self
    }

    /// The most bytes of the name of a field or file.
    #[must_use]
    pub fn field_name_bytes_max(mut self, bytes: usize) -> Self {
        self.bounds.field_name_bytes = bytes;
        self
    }

    /// Receives the form of a request, with its files on disk or in memory.
    ///
    /// # Errors
    /// With the codes of the table above. Files that were received are removed then.
    pub async fn receive(&self, req: &mut IncomingMessage) -> Result<UploadedForm, Failure> {
        let mut receiver = Receiver::new(self, req)?;
        let mut form = UploadedForm::default();
        while let Some(mut file) = receiver.next_file(&mut form).await? {
            let stored = match &self.store {
                Store::Memory => file.keep_in_memory().await?,
                Store::Directory(directory) => file.keep_on_disk(directory.as_deref()).await?,
            };
            form.files.push(stored);
        }
        Ok(form)
    }

    /// Receives the form of a request, and calls `handle` for each file as it arrives. What it does not read of a file is skipped. The
    /// fields are those that stood in the form, also behind the files.
    ///
    /// ```
    /// use hearken::app::{App, Upload, prelude::*};
    /// let upload = Upload::new().single("log");
    /// let mut app = App::new();
    /// app.post("/lines", async move |mut req, res| {
    ///     let mut lines = 0;
    ///     upload.receive_with(&mut req, async |file| {
    ///         while let Some(piece) = file.data().await? {
    ///             lines += piece.iter().filter(|&&byte| byte == b'\n').count();
    ///         }
    ///         Ok(())
    ///     }).await?;
    ///     Ok(res.end(format!("{lines} lines\n")))
    /// });
    /// ```
    ///
    /// # Errors
    /// As [`receive`](Self::receive), and what `handle` returns.
    pub async fn receive_with(
        &self,
        req: &mut IncomingMessage,
        mut handle: impl AsyncFnMut(&mut IncomingFile<'_, '_>) -> Result<(), Failure>,
    ) -> Result<UploadedForm, Failure> {
        let mut receiver = Receiver::new(self, req)?;
        let mut form = UploadedForm::default();
        while let Some(mut file) = receiver.next_file(&mut form).await? {
            handle(&mut file).await?;
        }
        Ok(form)
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("accepted", &self.accepted)
            .field("any", &self.any)
            .field("store", &self.store)
            .field("bounds", &self.bounds)
            .finish_non_exhaustive()
    }
}
