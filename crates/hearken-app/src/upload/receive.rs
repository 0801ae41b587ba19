//! Receives one form.
//!
//! Here: [`Receiver`], which collects the fields of a form and stops at each file; [`IncomingFile`]. Not here: what is allowed
//! (`mod.rs`).

use super::Upload;
use super::form::{Stored, UploadedFile, UploadedForm};
use hearken_http::message::{Multipart, MultipartLimits, Part};
use hearken_http::{Bytes, Failure, IncomingMessage};
use std::path::Path;
use tokio::io::AsyncWriteExt;

/// See the module.
pub(super) struct Receiver<'r> {
    upload: &'r Upload,
    form: Multipart<'r>,
    /// Files of each accepted name.
    counts: Vec<u32>,
    files: u32,
    fields: u32,
}

/// What the head of a file says. All of it is chosen by the client.
///
/// ```
/// use hearken::app::Upload;
/// let upload = Upload::new().any().filter(|file| Ok(file.file_name().ends_with(".csv")));
/// ```
#[derive(Clone, Debug)]
pub struct FileHead {
    field: String,
    original: String,
    content_type: Option<String>,
}

/// A file while it is being received: [`Upload::receive_with`].
#[derive(Debug)]
pub struct IncomingFile<'m, 'r> {
    head: FileHead,
    part: Part<'m, 'r>,
    bytes_max: u64,
    bytes: u64,
}

fn refuse(status: u16, code: &'static str, text: String) -> Failure {
    Failure::new(status, text).with_code(code)
}

impl<'r> Receiver<'r> {
    pub(super) fn new(upload: &'r Upload, req: &'r mut IncomingMessage) -> Result<Self, Failure> {
        let bounds = &upload.bounds;
        let mut limits = MultipartLimits::default();
        limits.bytes_max = bounds.bytes;
        // Files and fields have bounds of their own, which are checked here.
        limits.part_bytes_max = bounds.file_bytes.max(bounds.field_bytes).saturating_add(1);
        limits.parts_max = bounds.files.saturating_add(bounds.fields).saturating_add(1);
        Ok(Self {
            upload,
            form: req.multipart(limits)?,
            counts: vec![0; upload.accepted.len()],
            files: 0,
            fields: 0,
        })
    }

    /// Collects fields up to the next file.
    pub(super) async fn next_file(
        &mut self,
        form: &mut UploadedForm,
    ) -> Result<Option<IncomingFile<'_, 'r>>, Failure> {
        // A loop would keep the part that it returns borrowed: parts are looked at, and taken again at the end.
        let head = loop {
            let Some(part) = self.form.next_part().await? else {
                return Ok(None);
            };
            let name = part.name().unwrap_or_default().to_owned();
            if name.is_empty() {
                let text = "expected a name for each part of a form".to_owned();
                return Err(refuse(400, "MISSING_FIELD_NAME", text));
            }
            let name_max = self.upload.bounds.field_name_bytes;
            if name.len() > name_max {
                let text = format!("expected names of at most {name_max} bytes in a form");
                return Err(refuse(400, "LIMIT_FIELD_KEY", text));
            }
            let Some(original) = part.file_name().map(str::to_owned) else {
                self.fields += 1;
                let fields_max = self.upload.bounds.fields;
                if self.fields > fields_max {
                    let text = format!("expected a form of at most {fields_max} fields");
                    return Err(refuse(400, "LIMIT_FIELD_COUNT", text));
                }
                let value = text_of(part, self.upload.bounds.field_bytes).await?;
                form.fields.push((name, value));
                continue;
            };
            let head = FileHead {
                content_type: part.content_type().map(str::to_owned),
                field: name,
                original,
            };
            // A browser sends an input without a chosen file as a file without name and content.
            if head.original.is_empty() && is_empty(part).await? {
                continue;
            }
            if self.accepts(&head)? {
                break head;
            }
        };
        let bytes_max = self.upload.bounds.file_bytes;
        let part = self.form.current_part();
        Ok(part.map(|part| IncomingFile {
            head,
            part,
            bytes_max,
            bytes: 0,
        }))
    }

    /// Whether the file is received. Counts it.
    fn accepts(&mut self, head: &FileHead) -> Result<bool, Failure> {
        let mut accepted = self.upload.accepted.iter();
        let at = accepted.position(|(name, _)| **name == *head.field);
        let room = match at {
            Some(at) => {
                self.counts[at] += 1;
                self.counts[at] <= self.upload.accepted[at].1
            }
            None => self.upload.any,
        };
        if !room {
            let text = format!("expected no further file {:?} in a form", head.field);
            return Err(refuse(400, "LIMIT_UNEXPECTED_FILE", text));
        }
        self.files += 1;
        let files_max = self.upload.bounds.files;
        if self.files > files_max {
            let text = format!("expected a form of at most {files_max} files");
            return Err(refuse(400, "LIMIT_FILE_COUNT", text));
        }
        match &self.upload.filter {
            Some(filter) => filter(head),
            None => Ok(true),
        }
    }
}

async fn text_of(mut part: Part<'_, '_>, max: u64) -> Result<String, Failure> {
    let mut all = Vec::new();
    while let Some(piece) = part.data().await? {
        if (all.len() + piece.len()) as u64 > max {
            let text = format!("expected fields of at most {max} bytes in a form");
            return Err(refuse(413, "LIMIT_FIELD_VALUE", text));
        }
        all.extend_from_slice(&piece);
    }
    String::from_utf8(all).map_err(|_| {
        let text = "expected a field of a form to be UTF-8".to_owned();
        refuse(400, "entity.parse.failed", text)
    })
}

/// Whether a file without a name has no content either. One with content is an error.
async fn is_empty(mut part: Part<'_, '_>) -> Result<bool, Failure> {
    while let Some(piece) = part.data().await? {
        if !piece.is_empty() {
            let text = "expected a name for each file of a form".to_owned();
            return Err(refuse(400, "MISSING_FILE_NAME", text));
        }
    }
    Ok(true)
}

impl FileHead {
    /// The name of the field of the form.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The name of the file on the client's machine, as the client gives it: any text, with slashes and dots. Multer: `originalname`.
    #[must_use]
    pub fn original_name(&self) -> &str {
        &self.original
    }

    /// The last component of [`original_name`](Self::original_name), without control characters, and without the characters that have a
    /// meaning in the names of some file systems (`<>:"|?*`), dots at its ends and spaces; at most 200 bytes. `file` if nothing is
    /// left. Names that devices have on Windows begin with an underscore.
    #[must_use]
    pub fn file_name(&self) -> String {
        safe_name(&self.original)
    }

    /// The media type that the client gives. Multer: `mimetype`.
    #[must_use]
    pub fn content_type(&self) -> Option<&str> {
        self.content_type.as_deref()
    }
}

fn safe_name(original: &str) -> String {
    const BYTES_MAX: usize = 200;
    const DEVICES: [&str; 4] = ["con", "prn", "aux", "nul"];
    let last = original.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept = last
        .chars()
        .filter(|c| !c.is_control() && !r#"<>:"|?*"#.contains(*c));
    let mut name: String = kept.collect();
    let mut end = name.len().min(BYTES_MAX);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    name.truncate(end);
    let name = name.trim_matches(|c: char| c == '.' || c.is_whitespace());
    if name.is_empty() {
        return "file".to_owned();
    }
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let stem = stem.to_ascii_lowercase();
    let numbered = stem
        .strip_prefix("com")
        .or_else(|| stem.strip_prefix("lpt"));
    let is_port = numbered.is_some_and(|rest| rest.chars().count() == 1);
    if is_port || DEVICES.contains(&stem.as_str()) {
        return format!("_{name}");
    }
    name.to_owned()
}

impl IncomingFile<'_, '_> {
    /// What its head says.
    #[must_use]
    pub const fn head(&self) -> &FileHead {
        &self.head
    }

    /// Waits for the next piece of the content. `None` at its end.
    ///
    /// # Errors
    /// With the code `LIMIT_FILE_SIZE` above the limit, and when the form cannot become complete.
    pub async fn data(&mut self) -> Result<Option<Bytes>, Failure> {
        let piece = self.part.data().await?;
        self.bytes += piece.as_ref().map_or(0, |piece| piece.len() as u64);
        if self.bytes > self.bytes_max {
            let text = format!(
                "expected files of at most {} bytes in a form",
                self.bytes_max
            );
            return Err(refuse(413, "LIMIT_FILE_SIZE", text));
        }
        Ok(piece)
    }

    pub(super) async fn keep_in_memory(&mut self) -> Result<UploadedFile, Failure> {
        let mut all = bytes::BytesMut::new();
        while let Some(piece) = self.data().await? {
            all.extend_from_slice(&piece);
        }
        Ok(self.stored(Stored::Memory(all.freeze())))
    }

    /// The file is removed if this fails, or is dropped.
    pub(super) async fn keep_on_disk(
        &mut self,
        directory: Option<&Path>,
    ) -> Result<UploadedFile, Failure> {
        let mut named = tempfile::Builder::new();
        let named = named.prefix("upload-");
        let file = match directory {
            Some(directory) => named.tempfile_in(directory)?,
            None => named.tempfile()?,
        };
        let (file, path) = file.into_parts();
        let mut file = tokio::fs::File::from_std(file);
        while let Some(piece) = self.data().await? {
            file.write_all(&piece).await?;
        }
        file.flush().await?;
        Ok(self.stored(Stored::Disk(path)))
    }

    fn stored(&self, content: Stored) -> UploadedFile {
        UploadedFile {
            head: self.head.clone(),
            len: self.bytes,
            content,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::safe_name;

    #[test]
    fn names_of_files_become_safe() {
        for (original, expected) in [
            ("photo.png", "photo.png"),
            ("C:\\Users\\ada\\photo.png", "photo.png"),
            ("../../etc/passwd", "passwd"),
            ("..", "file"),
            ("", "file"),
            ("a/", "file"),
            (".htaccess", "htaccess"),
            ("a\0b\r\n.txt", "ab.txt"),
            ("a:b<c>.txt ", "abc.txt"),
            ("naïve résumé.pdf", "naïve résumé.pdf"),
            ("NUL.txt", "_NUL.txt"),
            ("com1", "_com1"),
            ("comet", "comet"),
        ] {
            assert_eq!(safe_name(original), expected, "{original:?}");
        }
        assert_eq!(safe_name(&"é".repeat(300)).len(), 200);
    }
}
