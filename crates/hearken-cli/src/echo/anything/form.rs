//! The parts of a `multipart/form-data` that is in memory (RFC 7578, RFC 2046 §5.1).

use crate::echo::json::text_or_url;

/// Names and values: those of values, and those of files.
pub(super) type Parts = Vec<(String, String)>;

/// Values and files. `None` if it is not a well-formed multipart form.
pub(super) fn multipart(content_type: &str, content: &[u8]) -> Option<(Parts, Parts)> {
    let (essence, parameters) = content_type.split_once(';')?;
    if !essence.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary").filter(|boundary| !boundary.is_empty())?;
    let delimiter = format!("\r\n--{boundary}");
    // The first delimiter has no line end in front of it.
    let content = [b"\r\n", content].concat();
    let mut rest = &content[find(&content, delimiter.as_bytes())? + delimiter.len()..];
    let (mut values, mut files) = (Vec::new(), Vec::new());
    loop {
        if rest.starts_with(b"--") {
            return Some((values, files));
        }
        let end_of_line = find(rest, b"\r\n")?;
        let end = find(rest, delimiter.as_bytes())?;
        // A part without fields begins with the empty line.
        let part = &rest[end_of_line..end];
        let head_end = find(part, b"\r\n\r\n")?;
        let (head, body) = (&part[..head_end], &part[head_end + 4..]);
        let head = String::from_utf8_lossy(head);
        let field = |name: &str| {
            let mut lines = head.lines().filter_map(|line| line.split_once(':'));
            let found = lines.find(|(known, _)| known.trim().eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.trim())
        };
        let disposition = field("content-disposition")?;
        let name = parameter(disposition, "name")?;
        let value = text_or_url(body, field("content-type").unwrap_or_default());
        if parameter(disposition, "filename").is_some() {
            files.push((name, value));
        } else {
            values.push((name, value));
        }
        rest = &rest[end + delimiter.len()..];
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// The value of a parameter, without quotes. Escapes are those of browsers: `%22` for a quote, so a backslash is itself.
fn parameter(text: &str, name: &str) -> Option<String> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ';']);
        let (found, value) = match rest.split_once('=') {
            Some((found, value)) if !found.contains(';') => (found, value),
            // A word without a value.
            _ => {
                rest = rest.split_once(';')?.1;
                continue;
            }
        };
        let (value, behind) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => value.split_once(';').unwrap_or((value, "")),
        };
        if found.trim().eq_ignore_ascii_case(name) {
            return Some(value.trim().to_owned());
        }
        rest = behind;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_values_and_files() {
        let content = b"preamble\r\n--b\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n\
            --b\r\ncontent-disposition: form-data; name=f; filename=\"x;y\"\r\nContent-Type: text/x\r\n\r\n\
            line\r\n--bb\r\nContent-Disposition: form-data; name=\"\"\r\n\r\n\r\n--b--\r\nepilogue";
        // `--bb` is a delimiter with garbage behind it for a reader of RFC 2046, as it is here.
        let (values, files) =
            multipart("multipart/form-data; boundary=\"b\"", content).expect("a form");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(values, [pair("a", "1"), pair("", "")]);
        assert_eq!(files, [pair("f", "line")]);
        assert_eq!(
            multipart("multipart/form-data; boundary=b", b"--b--\r\n"),
            Some((vec![], vec![]))
        );
    }

    #[test]
    fn what_is_malformed_is_no_form() {
        for (content_type, content) in [
            ("text/plain; boundary=b", "--b--"),
            ("multipart/form-data", "--b--"),
            ("multipart/form-data; boundary=", "--b--"),
            ("multipart/form-data; boundary=b", ""),
            ("multipart/form-data; boundary=b", "--b\r\n"),
            ("multipart/form-data; boundary=b", "--b\r\n\r\nx\r\n--b--"),
            (
                "multipart/form-data; boundary=b",
                "--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--",
            ),
        ] {
            assert_eq!(
                multipart(content_type, content.as_bytes()),
                None,
                "{content}"
            );
        }
    }
}
