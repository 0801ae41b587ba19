//! What Forwarded (RFC 7239) and X-Forwarded-For report, from the right.

use std::net::{IpAddr, SocketAddr};

/// From the proxy next to us on. `None` for an entry that is no address.
pub(super) fn addresses_of_x_forwarded_for<'a>(
    lines: impl Iterator<Item = &'a [u8]>,
) -> impl Iterator<Item = Option<IpAddr>> {
    let lines: Vec<_> = lines.collect();
    let entries = lines
        .into_iter()
        .rev()
        .flat_map(|line| line.rsplit(|&byte| byte == b','));
    entries.map(|entry| node(std::str::from_utf8(entry).ok()?))
}

/// An element of Forwarded: what one proxy reports.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Element {
    /// `None` also for a `for` that is no address.
    pub(super) address: Option<IpAddr>,
    pub(super) proto: Option<String>,
    pub(super) host: Option<String>,
}

/// From the proxy next to us on. A malformed line counts as one element that reports nothing.
pub(super) fn elements_of_forwarded<'a>(
    lines: impl Iterator<Item = &'a [u8]>,
) -> impl Iterator<Item = Element> {
    let mut all = Vec::new();
    for line in lines {
        match elements(line) {
            Some(elements) => all.extend(elements),
            None => all.push(Element::default()),
        }
    }
    all.into_iter().rev()
}

/// The elements of a line. `None` if it is malformed.
fn elements(line: &[u8]) -> Option<Vec<Element>> {
    let mut rest = std::str::from_utf8(line).ok()?;
    let mut all = Vec::new();
    let mut element = Element::default();
    // RFC 7239 §4: each parameter at most once in an element.
    let mut seen = [false; 3];
    loop {
        rest = trim_start(rest);
        let end = rest.find(['=', ';', ',']).unwrap_or(rest.len());
        let name = rest[..end].trim_end_matches([' ', '\t']);
        rest = &rest[end..];
        if let Some(behind) = rest.strip_prefix('=') {
            let (value, behind) = value(behind)?;
            rest = trim_start(behind);
            let known = ["for", "proto", "host"];
            let known = known
                .iter()
                .position(|known| name.eq_ignore_ascii_case(known));
            if known.is_some_and(|known| std::mem::replace(&mut seen[known], true)) {
                return None;
            }
            match known {
                Some(0) => element.address = node(&value),
                Some(1) => element.proto = Some(value),
                Some(_) => element.host = Some(value),
                None => {}
            }
        } else if !name.is_empty() {
            return None;
        }
        match rest.as_bytes().first() {
            Some(b';') => {}
            Some(b',') => {
                all.push(std::mem::take(&mut element));
                seen = [false; 3];
            }
            None => {
                all.push(element);
                return Some(all);
            }
            Some(_) => return None,
        }
        rest = &rest[1..];
    }
}

/// A token or a quoted string at the front, and what follows. Also takes an address without quotation marks, as some proxies
/// send it.
fn value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',', ' ', '\t']).unwrap_or(text.len());
        return Some((text[..end].to_owned(), &text[end..]));
    };
    let mut value = String::new();
    let mut escaped = false;
    for (at, c) in quoted.char_indices() {
        match c {
            c if std::mem::take(&mut escaped) => value.push(c),
            '\\' => escaped = true,
            '"' => return Some((value, &quoted[at + 1..])),
            c => value.push(c),
        }
    }
    None
}

fn trim_start(text: &str) -> &str {
    text.trim_start_matches([' ', '\t'])
}

/// An address with or without a port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches([' ', '\t']);
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'));
    let address = match bare {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().ok()?.into(),
        None => match text.parse::<IpAddr>() {
            Ok(address) => address,
            Err(_) => without_port(text)?,
        },
    };
    Some(address.to_canonical())
}

/// RFC 7239 §6: a port may be a number or an obfuscated one, `_x`.
fn without_port(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address.ip());
    }
    let (address, _) = text.rsplit_once(":_")?;
    let bare = address
        .strip_prefix('[')
        .and_then(|address| address.strip_suffix(']'));
    match bare {
        Some(v6) => v6.parse::<std::net::Ipv6Addr>().ok().map(Into::into),
        None => address.parse::<std::net::Ipv4Addr>().ok().map(Into::into),
    }
}
