//! The rules over the fields of a complete head: RFC 9112 §3.2, §6, §9; RFC 9110 §7.2, §7.8, §10.1.1.
//!
//! Here: [`judge_request`], [`judge_target`], [`framing_fault`]. Why so strict: two recipients that disagree about any of
//! these see different requests (RFC 9112 §11.2). Not here: what is collected field by field (`facts.rs`), the body length
//! that follows (`body_length.rs`).

use crate::facts::Facts;
use crate::head::{Head, RequestTarget, Version};
use crate::special::Special;
use crate::{Fault, syntax};
use core::net::Ipv6Addr;

/// The rules that need the complete head of a request. `pass_expectations`: unknown expectations are left to the caller.
#[inline]
pub(crate) fn judge_request(head: &Head, pass_expectations: bool) -> Result<(), Fault> {
    let facts = &head.facts;
    if facts.host.is_none() && head.version == Version::Http11 {
        return Err(Fault::HostMissing);
    }
    if head.chunked_in_http10() {
        return Err(Fault::TransferEncodingVersion);
    }
    // RFC 9110 §10.1.1: in HTTP/1.0 an expectation is ignored.
    if facts.expect_other && head.version == Version::Http11 && !pass_expectations {
        return Err(Fault::ExpectationUnknown);
    }
    let target = head.second.start as usize;
    if head.bytes[target] == b'/' {
        Ok(())
    } else {
        judge_unusual_target(head)
    }
}

/// The fault of the first field of a response that frames its body in an illegal way, and where its line begins.
pub(crate) fn framing_fault(head: &Head) -> Option<(Fault, u32)> {
    if !head.facts.odd_framing {
        return None;
    }
    let mut facts = Facts::NONE;
    let mut lines = head.lines.iter().enumerate();
    lines.find_map(|(index, line)| {
        let special = Special::of(line.name_in(&head.bytes))?;
        if !matches!(special, Special::ContentLength | Special::TransferEncoding) {
            return None;
        }
        let noted = facts.note_special(special, line.value_in(&head.bytes), index);
        noted.err().map(|fault| (fault, line.name))
    })
}

fn judge_unusual_target(head: &Head) -> Result<(), Fault> {
    let facts = &head.facts;
    if let RequestTarget::Authority(_) = head.request_target() {
        // A length of zero says what RFC 9110 §9.3.6 says: a CONNECT has no content.
        if facts.content_length.is_some_and(|length| length > 0) {
            return Err(Fault::ContentLengthNotAllowed);
        }
        if facts.chunked {
            return Err(Fault::TransferEncodingNotAllowed);
        }
    }
    let host = facts
        .host
        .map(|index| head.lines[index as usize].value_in(&head.bytes));
    if host.is_none_or(|host| host_agrees(host, head.url())) {
        Ok(())
    } else {
        Err(Fault::HostMismatch)
    }
}

/// Whether the value of Host is legal and matches a target in a legal form: it must name the same host and port, if the target
/// has an authority (RFC 9112 §3.2.2). A port may be left out if it is the default of the scheme, and for CONNECT always,
/// as the example of §3.2.3 does.
pub(crate) fn host_agrees(host: &[u8], target: &str) -> bool {
    if matches!(target.as_bytes(), [b'/', ..] | b"*") {
        return syntax::authority(host).is_some();
    }
    let (authority, default_port): (&[u8], &[u8]) = match split_absolute(target) {
        Some(parts) => parts,
        None => match syntax::authority(target.as_bytes()) {
            Some((_, port)) => (target.as_bytes(), port),
            None => return false,
        },
    };
    same_authority(authority, host, default_port)
}

/// Whether the target is in a form that the method allows (RFC 9112 §3.2.1 to §3.2.4).
pub(crate) fn judge_target(method: &str, target: &str) -> Result<(), Fault> {
    let legal = match target.as_bytes() {
        _ if method == "CONNECT" => syntax::authority(target.as_bytes())
            .is_some_and(|(host, port)| !host.is_empty() && !port.is_empty()),
        [b'/', ..] => true,
        b"*" => method == "OPTIONS",
        _ => split_absolute(target).is_some(),
    };
    if legal {
        Ok(())
    } else {
        Err(Fault::TargetForm)
    }
}

/// Authority and default port of an absolute-form target with the scheme http or https. User information is rejected
/// (RFC 9110 §4.2.4), and so is an empty host (§4.2.1).
fn split_absolute(target: &str) -> Option<(&[u8], &'static [u8])> {
    let (scheme, rest) = target.split_once("://")?;
    let port: &[u8] = match scheme {
        _ if scheme.eq_ignore_ascii_case("http") => b"80",
        _ if scheme.eq_ignore_ascii_case("https") => b"443",
        _ => return None,
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let authority = &rest.as_bytes()[..end];
    let (host, _) = syntax::authority(authority)?;
    (!host.is_empty()).then_some((authority, port))
}

fn same_authority(one: &[u8], other: &[u8], default_port: &[u8]) -> bool {
    let (Some((host, port)), Some((other_host, other_port))) =
        (syntax::authority(one), syntax::authority(other))
    else {
        return false;
    };
    let number = |port: &[u8]| {
        let port = if port.is_empty() { default_port } else { port };
        // Digits up to 65535, with any number of zeros in front: `authority` has checked them.
        port.iter()
            .fold(0_u32, |number, digit| number * 10 + u32::from(digit - b'0'))
    };
    same_host(host, other_host) && number(port) == number(other_port)
}

/// Whether two hosts are equal by RFC 3986 §6.2.2: without case, with percent-encoded letters, digits and `-._~` decoded, and
/// IPv6 addresses as numbers (RFC 4291 §2.2 has several spellings of each). A dot at the end makes another name: resolvers
/// and certificates treat it so. An IPv4 address in an IPv6 one is another host.
fn same_host(one: &[u8], other: &[u8]) -> bool {
    match (ipv6(one), ipv6(other)) {
        (Some(one), Some(other)) => one == other,
        (None, None) => Spelling(one).eq(Spelling(other)),
        _ => false,
    }
}

fn ipv6(host: &[u8]) -> Option<Ipv6Addr> {
    let address = host.strip_prefix(b"[")?.strip_suffix(b"]")?;
    core::str::from_utf8(address).ok()?.parse().ok()
}

/// The bytes of a legal host in lower case, with what need not be percent-encoded decoded.
struct Spelling<'a>(&'a [u8]);

impl Iterator for Spelling<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        if first == b'%'
            && let [high, low, behind @ ..] = rest
            && let Some(byte) = unreserved(*high, *low)
        {
            self.0 = behind;
            return Some(byte.to_ascii_lowercase());
        }
        Some(first.to_ascii_lowercase())
    }
}

/// The byte that two hexadecimal digits mean, if it is unreserved (RFC 3986 §2.3).
fn unreserved(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = u8::try_from(digit(high)? * 16 + digit(low)?).ok()?;
    (byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')).then_some(byte)
}
