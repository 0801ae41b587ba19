//! From the path of a request to a path below the root. Decided by its text alone, before anything is opened.
//!
//! Here: [`Relative`], which forms are rejected, which names are hidden. Not here: symbolic links, which only opening shows
//! (`root.rs`).
//!
//! The forms of Windows are rejected on every system, so that a tree of files means the same everywhere.

use percent_encoding::percent_decode;

/// A path below the root that has no form that could lead elsewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Relative {
    /// Segments between single slashes; empty for the root itself.
    pub(crate) path: String,
    /// It ended with a slash: a directory is meant.
    pub(crate) directory: bool,
    /// A segment is hidden: [`is_hidden`].
    pub(crate) hidden: bool,
}

impl Relative {
    /// Decodes the path of a request, once. `None` for a form that names no file: see the module.
    pub(crate) fn of_request(path: &str) -> Option<Self> {
        let mut decoded = String::with_capacity(path.len());
        for (number, segment) in path.split('/').enumerate() {
            if number > 0 {
                decoded.push('/');
            }
            decoded.push_str(&decode(segment)?);
        }
        Self::of_decoded(&decoded)
    }

    /// A path without escapes: from a parameter, or from code.
    pub(crate) fn of_decoded(path: &str) -> Option<Self> {
        if path.starts_with("//") {
            return None;
        }
        let below = path.strip_prefix('/').unwrap_or(path);
        let (below, slash) = match below.strip_suffix('/') {
            Some(directory) => (directory, true),
            None => (below, below.is_empty() && !path.is_empty()),
        };
        if below.is_empty() {
            return Some(Self {
                path: String::new(),
                directory: slash,
                hidden: false,
            });
        }
        below.split('/').all(is_legal).then(|| Self {
            path: below.to_owned(),
            directory: slash,
            hidden: below.split('/').any(is_hidden),
        })
    }

    /// The last segment.
    pub(crate) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

/// One segment without its escapes. `None` if an escape is broken, is none of UTF-8, or is that of a separator.
fn decode(segment: &str) -> Option<std::borrow::Cow<'_, str>> {
    let mut rest = segment.as_bytes();
    while let Some(at) = rest.iter().position(|&byte| byte == b'%') {
        let digits = rest.get(at + 1..at + 3)?;
        let separator = [*b"2f", *b"2F", *b"5c", *b"5C"]
            .iter()
            .any(|other| digits == other);
        if separator || !digits.iter().all(u8::is_ascii_hexdigit) {
            return None;
        }
        rest = &rest[at + 3..];
    }
    percent_decode(segment.as_bytes()).decode_utf8().ok()
}

/// Whether a segment can be the name of a file that is served.
pub(crate) fn is_legal(name: &str) -> bool {
    let character = |c: char| !c.is_control() && !matches!(c, '/' | '\\' | ':');
    !name.is_empty()
        && !name.ends_with(['.', ' ']) // Windows drops them; `.` and `..` are among them
        && name.chars().all(character)
        && !is_device(name)
        && !is_short(name)
}

/// Names of devices on Windows, with any ending: `con`, `nul.txt`, `com1`.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default().trim_end();
    let is = |device: &str| stem.eq_ignore_ascii_case(device);
    if ["con", "prn", "aux", "nul", "conin$", "conout$"]
        .into_iter()
        .any(is)
    {
        return true;
    }
    let mut characters = stem.chars();
    let Some(number) = characters.next_back() else {
        return false;
    };
    let port = characters.as_str();
    (port.eq_ignore_ascii_case("com") || port.eq_ignore_ascii_case("lpt"))
        && matches!(number, '0'..='9' | '¹' | '²' | '³')
}

/// A second name that Windows gives to a long one: `PROGRA~1`, `INDEX~12.HTM`.
fn is_short(name: &str) -> bool {
    let (stem, ending) = name.split_once('.').unwrap_or((name, ""));
    let Some((_, number)) = stem.rsplit_once('~') else {
        return false;
    };
    stem.len() <= 8
        && ending.len() <= 3
        && !number.is_empty()
        && number.bytes().all(|byte| byte.is_ascii_digit())
}

/// Names that begin with a dot, and copies that editors and tools leave behind.
pub(crate) fn is_hidden(name: &str) -> bool {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    let copy = ending.is_some_and(|ending| {
        ["bak", "orig", "swp"]
            .into_iter()
            .any(|other| ending.eq_ignore_ascii_case(other))
    });
    name.starts_with('.')
        || name.ends_with('~')
        || (name.starts_with('#') && name.ends_with('#'))
        || copy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_decoded_once_and_kept_below_the_root() {
        for (path, expected) in [
            ("/", Some(("", true))),
            ("", Some(("", false))),
            ("/a/b.txt", Some(("a/b.txt", false))),
            ("/a%20b/%C3%A9/", Some(("a b/é", true))),
            ("/%2541", Some(("%41", false))),
            ("/a~b", Some(("a~b", false))),
            ("/console.txt", Some(("console.txt", false))),
            ("/..", None),
            ("/../x", None),
            ("/a/..", None),
            ("/%2e%2e/x", None),
            ("/.%2E/x", None),
            ("/./x", None),
            ("//", None),
            ("//x", None),
            ("/a//x", None),
            ("/a//", None),
            ("/a%2fx", None),
            ("/a%2Fx", None),
            ("/a\\x", None),
            ("/a%5cx", None),
            ("/a%00.txt", None),
            ("/a%0d%0aX:y", None),
            ("/%c0%ae%c0%ae/x", None),
            ("/%zz", None),
            ("/50%", None),
            ("/C:/x", None),
            ("/c%3a/x", None),
            ("/x.txt::$DATA", None),
            ("/x.txt.", None),
            ("/x.txt%20", None),
            ("/CON", None),
            ("/a/nul.txt", None),
            ("/Com1.log", None),
            ("/lpt¹", None),
            ("/PROGRA~1/x", None),
            ("/index~12.htm", None),
        ] {
            let relative = Relative::of_request(path);
            let found = relative
                .as_ref()
                .map(|found| (found.path.as_str(), found.directory));
            assert_eq!(found, expected, "{path:?}");
        }
    }

    #[test]
    fn hidden_names_are_known_in_every_segment() {
        for (path, hidden) in [
            ("/.env", true),
            ("/.git/config", true),
            ("/%2eenv", true),
            ("/a/b~", true),
            ("/a/#b#", true),
            ("/index.php.BAK", true),
            ("/a.b", false),
            ("/a.backup", false),
        ] {
            let relative = Relative::of_request(path).expect(path);
            assert_eq!(relative.hidden, hidden, "{path}");
        }
    }
}
