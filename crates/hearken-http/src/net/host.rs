//! Hosts as they are written before a port: an IPv6 address in brackets (RFC 3986 §3.2.2).
//!
//! Here: [`unbracketed`]. Not here: reading whole URLs (the crate `url`) and addresses to listen on (`net/listen/addr.rs`).

/// The host without the brackets of an IPv6 address, as resolvers, TLS and the parser of addresses take it.
pub(crate) fn unbracketed(host: &str) -> &str {
    host.strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host)
}

#[cfg(test)]
mod tests {
    use super::unbracketed;

    #[test]
    fn only_a_pair_of_brackets_is_removed() {
        for (host, bare) in [
            ("[::1]", "::1"),
            ("::1", "::1"),
            ("a.example", "a.example"),
            ("[::1", "[::1"),
            ("::1]", "::1]"),
            ("", ""),
        ] {
            assert_eq!(unbracketed(host), bare);
        }
    }
}
