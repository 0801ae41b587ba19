//! The addresses in Forwarded (RFC 7239) and X-Forwarded-For, from the right.

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

/// As above. An element without `for` is no address either; a malformed line counts as one such element.
pub(super) fn addresses_of_forwarded<'a>(
    lines: impl Iterator<Item = &'a [u8]>,
) -> impl Iterator<Item = Option<IpAddr>> {
    let mut all = Vec::new();
    for line in lines {
        match elements(line) {
            Some(elements) => all.extend(elements),
            None => all.push(None),
        }
    }
    all.into_iter().rev()
}

/// The elements of a line, with the address of each. `None` if it is malformed.
fn elements(line: &[u8]) -> Option<Vec<Option<IpAddr>>> {
    let mut rest = std::str::from_utf8(line).ok()?;
    let mut all = Vec::new();
    let mut address = None;
    let mut seen = false;
    loop {
        rest = trim_start(rest);
        let end = rest.find(['=', ';', ',']).unwrap_or(rest.len());
        let name = rest[..end].trim_end_matches([' ', '\t']);
        rest = &rest[end..];
        if let Some(behind) = rest.strip_prefix('=') {
            let (value, behind) = value(behind)?;
            rest = trim_start(behind);
            if name.eq_ignore_ascii_case("for") {
                if seen {
                    return None; // RFC 7239 §4: at most once in an element
                }
                (seen, address) = (true, node(&value));
            }
        } else if !name.is_empty() {
            return None;
        }
        match rest.as_bytes().first() {
            Some(b';') => {}
            Some(b',') => {
                all.push(address.take());
                seen = false;
            }
            None => {
                all.push(address);
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
