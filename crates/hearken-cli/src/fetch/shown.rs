//! URLs as they are printed: without the password that was typed in them.

/// The URL with its password replaced. A name without a password is replaced too: it is mostly a token. The text need not be a
/// valid URL.
pub(crate) fn shown(url: &str) -> String {
    // URL parsers leave these out, wherever they stand.
    let url = url.replace(['\t', '\n', '\r'], "");
    let url = url.trim_matches(|c: char| c <= ' ');
    let slash = |c| matches!(c, '/' | '\\');
    // What stands before the authority: scheme and slashes, in any number, because URL parsers take any number.
    let behind_scheme = url.split_once(':').and_then(|(scheme, rest)| {
        let is_scheme = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.'));
        (is_scheme && rest.starts_with(slash)).then(|| rest.trim_start_matches(slash))
    });
    let rest = behind_scheme.unwrap_or_else(|| url.trim_start_matches(slash));
    let before = &url[..url.len() - rest.len()];
    let end = rest.find(['/', '\\', '?', '#']).unwrap_or(rest.len());
    let Some(at) = rest[..end].rfind('@') else {
        return url.to_owned();
    };
    let name = match rest[..at].split_once(':') {
        Some((name, _)) => format!("{name}:"),
        None => String::new(),
    };
    format!("{before}{name}{MASK}{}", &rest[at..])
}

/// Stands for a secret.
pub(crate) const MASK: &str = "***";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_a_url_is_not_shown() {
        for (url, text) in [
            ("http://a/b?c=d@e", "http://a/b?c=d@e"),
            ("http://a:1/@b:c@d", "http://a:1/@b:c@d"),
            ("http://user:password@a/b", "http://user:***@a/b"),
            ("http://user:p@ss:word@a:1/b", "http://user:***@a:1/b"),
            ("http://:password@a", "http://:***@a"),
            ("https://token@a/b", "https://***@a/b"),
            ("HTTP:/user:password@a", "HTTP:/user:***@a"),
            ("http:\\\\user:password@a\\b", "http:\\\\user:***@a\\b"),
            ("//user:password@a", "//user:***@a"),
            ("user:password@a/b", "user:***@a/b"),
            ("http://user:password@a?b", "http://user:***@a?b"),
            (
                "http://user:password@[::1]:1#x",
                "http://user:***@[::1]:1#x",
            ),
            ("socks5h://user:password@a", "socks5h://user:***@a"),
            (" http://user:password@a", "http://user:***@a"),
            ("ht\ntp:/\t/user:pass\rword@a", "http://user:***@a"),
            ("http:user:password@a", "http:***@a"),
            ("", ""),
        ] {
            assert_eq!(shown(url), text);
        }
    }
}
