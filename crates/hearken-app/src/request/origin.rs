//! Where a request comes from and where it wants to go, as the settings trust it.
//!
//! Here: names of hosts, absolute URLs. Not here: reading the fields of proxies (hearken-http).

use super::{RequestExt, chain};
use crate::settings::Settings;
use hearken_http::{Failure, IncomingMessage};
use std::net::IpAddr;

/// Calls `read` with the settings of the application; with the defaults outside of one.
pub(super) fn by_settings<T>(req: &IncomingMessage, read: impl FnOnce(&Settings) -> T) -> T {
    match chain(req) {
        Some(chain) => read(&chain.app.shared.settings),
        None => read(&Settings::default()),
    }
}

/// A host without its port.
pub(super) fn name_of(host: &str) -> &str {
    let behind_address = host.starts_with('[').then(|| host.find(']')).flatten();
    let from = behind_address.unwrap_or(0);
    host[from..].find(':').map_or(host, |at| &host[..from + at])
}

/// The labels before the last `offset`, from right to left.
pub(super) fn subdomains(name: &str, offset: usize) -> Vec<String> {
    if name.starts_with('[') || name.parse::<IpAddr>().is_ok() {
        return Vec::new();
    }
    let labels = name.trim_end_matches('.').rsplit('.');
    labels.skip(offset).map(str::to_owned).collect()
}

pub(super) fn absolute_url(
    req: &IncomingMessage,
    settings: &Settings,
    path: &str,
) -> Result<String, Failure> {
    let is_path = path.starts_with('/') && !path.starts_with("//") && !path.starts_with("/\\");
    if !is_path || path.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
        let text =
            format!("expected a path that begins with one slash and has no spaces, not {path:?}");
        return Err(Failure::new(500, text));
    }
    if let Some(base) = &settings.public_url {
        return Ok(format!("{}{path}", base.trim_end_matches('/')));
    }
    if settings.trusted_hosts.is_empty() {
        let text = "expected a setting `public_url` or `trusted_hosts`: a client can send any Host, so no URL is made of it";
        return Err(Failure::new(500, text));
    }
    let host = req.host().unwrap_or_default();
    if !settings
        .trusted_hosts
        .iter()
        .any(|trusted| matches(trusted, &host))
    {
        let text = format!("the host {host:?} is not one of this application");
        return Err(Failure::new(421, text).with_code("host.unknown"));
    }
    Ok(format!("{}://{host}{path}", req.protocol()))
}

/// Whether a host is the trusted one, or below it.
fn matches(trusted: &str, host: &str) -> bool {
    let has_port = name_of(trusted).len() < trusted.len();
    let host = if has_port { host } else { name_of(host) };
    match trusted.strip_prefix('*') {
        Some(domain) if domain.starts_with('.') => {
            let at = host.len().checked_sub(domain.len());
            at.filter(|&at| at > 0)
                .and_then(|at| host.get(at..))
                .is_some_and(|end| end.eq_ignore_ascii_case(domain))
        }
        _ => trusted.eq_ignore_ascii_case(host),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_cut_off() {
        for (host, name) in [
            ("a.example:80", "a.example"),
            ("a.example", "a.example"),
            ("[::1]:80", "[::1]"),
            ("[::1]", "[::1]"),
            ("[::1", "["),
            (":80", ""),
            ("", ""),
        ] {
            assert_eq!(name_of(host), name, "{host}");
        }
    }

    #[test]
    fn subdomains_stand_from_right_to_left() {
        for (name, offset, expected) in [
            ("tobi.ferrets.example.com", 2, &["ferrets", "tobi"][..]),
            ("tobi.ferrets.example.com", 3, &["tobi"]),
            ("tobi.ferrets.example.com.", 2, &["ferrets", "tobi"]),
            ("example.com", 2, &[]),
            ("example.com", 0, &["com", "example"]),
            ("localhost", 2, &[]),
            ("127.0.0.1", 2, &[]),
            ("[::1]", 0, &[]),
        ] {
            assert_eq!(subdomains(name, offset), expected, "{name} {offset}");
        }
    }

    #[test]
    fn a_trusted_host_matches_without_case() {
        for (trusted, host, expected) in [
            ("shop.example", "shop.example", true),
            ("shop.example", "SHOP.example:8080", true),
            ("shop.example:80", "shop.example:80", true),
            ("shop.example:80", "shop.example", false),
            ("shop.example", "evil.example", false),
            ("shop.example", "shop.example.evil.example", false),
            ("*.shop.example", "a.shop.example", true),
            ("*.shop.example", "a.b.shop.example:1", true),
            ("*.shop.example", "shop.example", false),
            ("*.shop.example", ".shop.example", false),
            ("*.shop.example", "evilshop.example", false),
            ("*", "anything", false),
            ("", "a", false),
        ] {
            assert_eq!(matches(trusted, host), expected, "{trusted} {host}");
        }
    }
}
