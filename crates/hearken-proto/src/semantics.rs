//! The rules over the fields of a complete head: RFC 9112 §3.2, §6, §9; RFC 9110 §7.2, §7.8, §10.1.1.
//!
//! Here: [`judge_request`], [`judge_target`], [`framing_fault`]. Why so strict: two recipients that disagree about any of
//! these see different requests (RFC 9112 §11.2). Not here: what is collected field by field (`facts.rs`), the body length
//! that follows (`body_length.rs`).

use crate::facts::Facts;
use crate::head::{Head, RequestTarget, Version};
use crate::special::Special;
use crate::{Fault, syntax};

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
    if host.is_none_or(|host| host_agrees(host, head.target())) {
        Ok(())
    } else {
        Err(Fault::HostMismatch)
    }
}

/// Whether the value of Host is legal and matches a target in a legal form: it must equal the authority, if the target
/// has one (RFC 9112 §3.2.2). A port may be left out if it is the default of the scheme, and for CONNECT always,
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
    let or_default = |port| {
        if <[u8]>::is_empty(port) {
            default_port
        } else {
            port
        }
    };
    host.eq_ignore_ascii_case(other_host) && or_default(port) == or_default(other_port)
}
