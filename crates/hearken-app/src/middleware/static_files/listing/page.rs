//! The page of a directory. It needs no script, and its policy allows none.

use super::{Direction, Entries, Entry, Key, Place};
use crate::failures::escape;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use std::fmt::Write;

/// All but the unreserved characters of RFC 3986 §2.3, so that a name is one segment and never a scheme.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Allows the style below by its hash, and the forms. A test computes the hash.
pub(super) const POLICY: &str = "default-src 'none'; style-src 'sha256-TlWGVL+fc411KbUBqo2g4nIYV4r/JlGM5Ks+XU7IdzQ='; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const STYLE: &str = "\
:root{color-scheme:light dark}
body{font:1rem/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.25rem;overflow-wrap:anywhere}
a{text-decoration:none;color:light-dark(#0b57d0,#8ab4f8)}
a:hover{text-decoration:underline}
table{width:100%;border-collapse:collapse}
th,td{text-align:left;padding:.3rem .5rem;border-bottom:1px solid light-dark(#ddd,#444)}
td:first-child{overflow-wrap:anywhere}
th:nth-child(n+2),td:nth-child(n+2){text-align:right;white-space:nowrap;font-variant-numeric:tabular-nums}
form{margin:1rem 0}
input,button{font:inherit}
";

/// The page as HTML.
pub(super) fn page(entries: &Entries, place: &Place<'_>) -> String {
    let mut page = String::with_capacity(2048 + entries.entries.len() * 256);
    let title = escape(&place.title);
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n<style>{STYLE}</style>\n<h1>"
    );
    crumbs(&mut page, place);
    page.push_str("</h1>\n");
    forms(&mut page, place);
    page.push_str("<table>\n<thead>\n<tr>");
    for (key, name, label) in [
        (Key::Name, "name", "Name"),
        (Key::Size, "size", "Size"),
        (Key::Modified, "modified", "Modified (UTC)"),
    ] {
        heading(&mut page, place, key, (name, label));
    }
    page.push_str("</tr>\n</thead>\n<tbody>\n");
    if place.depth > 0 {
        page.push_str("<tr><td><a href=\"../\">../</a></td><td></td><td></td></tr>\n");
    }
    entries
        .entries
        .iter()
        .for_each(|entry| row(&mut page, entry));
    page.push_str("</tbody>\n</table>\n");
    if entries.more {
        let _ = writeln!(
            page,
            "<p>There are more entries than these {}.</p>",
            entries.entries.len()
        );
    } else if entries.entries.is_empty() {
        page.push_str("<p>No files.</p>\n");
    }
    page.push_str("</html>\n");
    page
}

/// The path, each directory a link.
fn crumbs(page: &mut String, place: &Place<'_>) {
    let title = place.title.trim_end_matches('/');
    let names: Vec<_> = title.split('/').collect();
    // What is in front of the root is one link: it is not ours.
    let root = names.len().saturating_sub(place.depth);
    let front = names[..root].join("/");
    let up = |levels: usize| {
        if levels == 0 {
            "./".to_owned()
        } else {
            "../".repeat(levels)
        }
    };
    let _ = write!(
        page,
        "<a href=\"{}\">{}/</a>",
        up(place.depth),
        escape(&front)
    );
    for (number, name) in names[root..].iter().enumerate() {
        let levels = place.depth - number - 1;
        let _ = write!(page, "<a href=\"{}\">{}/</a>", up(levels), escape(name));
    }
}

fn forms(page: &mut String, place: &Place<'_>) {
    let _ = writeln!(
        page,
        "<form><input type=\"search\" name=\"q\" value=\"{}\" aria-label=\"Part of a name\"> <button>Search</button></form>",
        escape(&place.order.q)
    );
    if place.options.upload_form {
        page.push_str(
            "<form method=\"post\" enctype=\"multipart/form-data\"><input type=\"file\" name=\"file\" multiple required \
             aria-label=\"Files\"> <button>Upload</button></form>\n",
        );
    }
}

/// A heading that sorts, and the other way at the second click.
fn heading(page: &mut String, place: &Place<'_>, key: Key, (name, label): (&str, &str)) {
    let present = place.order.sort == key;
    let ascending = place.order.order == Direction::Asc;
    let order = if present && ascending { "desc" } else { "asc" };
    let (sorted, arrow) = match (present, ascending) {
        (true, true) => (" aria-sort=\"ascending\"", " \u{2191}"),
        (true, false) => (" aria-sort=\"descending\"", " \u{2193}"),
        (false, _) => ("", ""),
    };
    let search = match place.order.q.as_str() {
        "" => String::new(),
        q => format!("&amp;q={}", utf8_percent_encode(q, SEGMENT)),
    };
    let _ = write!(
        page,
        "<th{sorted}><a href=\"?sort={name}&amp;order={order}{search}\">{label}{arrow}</a></th>"
    );
}

fn row(page: &mut String, entry: &Entry) {
    let slash = if entry.directory { "/" } else { "" };
    let modified = entry.modified.to_iso8601();
    let size = if entry.directory {
        String::new()
    } else {
        size(entry.size)
    };
    let _ = writeln!(
        page,
        "<tr><td><a href=\"{}{slash}\">{}{slash}</a></td><td title=\"{}\">{size}</td><td><time datetime=\"{modified}\">{} {}</time></td></tr>",
        utf8_percent_encode(&entry.name, SEGMENT),
        escape(&entry.name),
        entry.size,
        &modified[..10],
        &modified[11..16],
    );
}

/// A number of bytes as people read it.
fn size(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let power = (bytes.ilog2() / 10) as usize;
    // In hundredths, so that no float is needed.
    let hundredths = u128::from(bytes) * 100 / (1_u128 << (10 * power));
    format!(
        "{}.{:02} {}",
        hundredths / 100,
        hundredths % 100,
        units[power - 1]
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use sha2::Digest;

    #[test]
    fn the_policy_allows_the_style_of_the_page() {
        let hash = base64::engine::general_purpose::STANDARD.encode(sha2::Sha256::digest(STYLE));
        assert!(
            POLICY.contains(&format!("'sha256-{hash}'")),
            "expected {hash}"
        );
    }

    #[test]
    fn sizes_have_the_largest_unit_that_fits() {
        for (bytes, expected) in [
            (0, "0 B"),
            (1023, "1023 B"),
            (1024, "1.00 KiB"),
            (1536, "1.50 KiB"),
            (1024 * 1024 - 1, "1023.99 KiB"),
            (u64::MAX, "15.99 EiB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
