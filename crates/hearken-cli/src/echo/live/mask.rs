//! Secrets in what the panel shows: replaced by `***`, so that a screen can be shared.
//!
//! Here: [`field`] and [`target`]. Names stay, values go.

use crate::fetch::shown::{MASK, shown};
use std::borrow::Cow;

/// Longest value that is shown, in characters.
const VALUE_MAX: usize = 256;
/// Longest target that is shown.
const TARGET_MAX: usize = 1024;

/// Words in a name whose value may be a secret.
const SECRETS: [&str; 12] = [
    "auth",
    "token",
    "secret",
    "password",
    "passwd",
    "pwd",
    "api-key",
    "apikey",
    "api_key",
    "session",
    "signature",
    "credential",
];

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    SECRETS.iter().any(|word| name.contains(word))
        || matches!(&*name, "key" | "pass" | "sig" | "code")
}

/// The value of a field.
pub(super) fn field(name: &[u8], value: &[u8]) -> String {
    let (name, value) = (
        String::from_utf8_lossy(name),
        String::from_utf8_lossy(value),
    );
    let lower = name.to_ascii_lowercase();
    let masked = match &*lower {
        // The scheme stays, and a challenge is no secret.
        "authorization" | "proxy-authorization" => match value.split_once(' ') {
            Some((scheme, _)) => format!("{scheme} {MASK}").into(),
            None => MASK.into(),
        },
        "www-authenticate" | "proxy-authenticate" => value,
        "cookie" => cookies(&value).into(),
        "set-cookie" => match value.split_once(';') {
            Some((pair, attributes)) => format!("{};{attributes}", cookies(pair)).into(),
            None => cookies(&value).into(),
        },
        "referer" | "location" | "content-location" => target(&value).into(),
        name if is_secret(name) => MASK.into(),
        _ => value,
    };
    cut(&masked, VALUE_MAX)
}

fn cookies(pairs: &str) -> String {
    let masked = pairs.split(';').map(|pair| match pair.split_once('=') {
        Some((name, _)) => format!("{}={MASK}", name.trim()),
        None => MASK.to_owned(),
    });
    masked.collect::<Vec<_>>().join("; ")
}

/// A request target, or a URL.
pub(super) fn target(text: &str) -> String {
    let text = if text.starts_with('/') && !text.starts_with("//") {
        Cow::Borrowed(text)
    } else {
        Cow::Owned(shown(text))
    };
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (&*text, None),
    };
    let mut masked = self::path(path);
    if let Some(query) = query {
        // The values of these are cookies.
        let all = path.ends_with("/cookies/set");
        let pairs = query.split('&').map(|pair| match pair.split_once('=') {
            Some((name, value)) if all || is_secret(name) && !value.is_empty() => {
                format!("{name}={MASK}")
            }
            // It may be a URL with a password.
            Some((name, value)) if value.contains('@') || value.contains("%40") => {
                format!(
                    "{name}={}",
                    shown(
                        &value
                            .replace("%40", "@")
                            .replace("%3A", ":")
                            .replace("%2F", "/")
                    )
                )
            }
            _ => pair.to_owned(),
        });
        masked.push('?');
        masked.push_str(&pairs.collect::<Vec<_>>().join("&"));
    }
    cut(&masked, TARGET_MAX)
}

/// The endpoints whose path has a secret behind its name.
fn path(path: &str) -> String {
    for prefix in ["/basic-auth/", "/cookies/set/"] {
        if let Some((front, rest)) = path.split_once(prefix)
            && let Some((name, _)) = rest.split_once('/')
        {
            return format!("{front}{prefix}{name}/{MASK}");
        }
    }
    path.to_owned()
}

/// At most so many characters.
fn cut(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_secret_fields_are_not_shown() {
        for (name, value, masked) in [
            ("Accept", "*/*", "*/*"),
            ("Authorization", "Basic YTpi", "Basic ***"),
            ("authorization", "secret", "***"),
            ("Proxy-Authorization", "Bearer abc def", "Bearer ***"),
            ("WWW-Authenticate", "Basic realm=\"a\"", "Basic realm=\"a\""),
            ("Cookie", "id=7; theme=dark;x", "id=***; theme=***; ***"),
            (
                "Set-Cookie",
                "id=7; Path=/; Secure",
                "id=***; Path=/; Secure",
            ),
            ("X-Api-Key", "k", "***"),
            ("X-CSRF-Token", "k", "***"),
            (
                "Referer",
                "http://u:p@a/b?token=1&x=2",
                "http://u:***@a/b?token=***&x=2",
            ),
            ("Sec-WebSocket-Key", "k", "k"),
        ] {
            assert_eq!(field(name.as_bytes(), value.as_bytes()), masked, "{name}");
        }
        assert_eq!(field(b"X", &[b'a'; 300]).chars().count(), VALUE_MAX + 1);
    }

    #[test]
    fn secrets_in_targets_are_not_shown() {
        for (text, masked) in [
            ("/a/b?c=d", "/a/b?c=d"),
            (
                "/a?access_token=1&b=2&password=",
                "/a?access_token=***&b=2&password=",
            ),
            ("/basic-auth/u/p", "/basic-auth/u/***"),
            ("/cookies/set?id=7&x=y", "/cookies/set?id=***&x=***"),
            ("/cookies/set/id/7", "/cookies/set/id/***"),
            (
                "http://u:p@a/basic-auth/u/p",
                "http://u:***@a/basic-auth/u/***",
            ),
            (
                "/redirect-to?url=http://u:p@a/",
                "/redirect-to?url=http://u:***@a/",
            ),
            (
                "/redirect-to?url=http%3A%2F%2Fu%3Ap%40a%2F",
                "/redirect-to?url=http://u:***@a/",
            ),
            ("*", "*"),
        ] {
            assert_eq!(target(text), masked);
        }
    }
}
