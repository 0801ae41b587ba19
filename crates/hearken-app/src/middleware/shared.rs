//! What several middlewares need.
//!
//! Here: Vary, comparison of secrets, random bytes. Not here: middlewares themselves.

use hearken_http::message::ResponseHead;
use subtle::ConstantTimeEq;

/// Adds a name to Vary, unless the field has it or is `*`.
pub(crate) fn vary(head: &mut ResponseHead<'_>, name: &str) {
    let has = head
        .fields()
        .get_all("vary")
        .flat_map(|line| line.split(|&byte| byte == b','))
        .any(|member| {
            let member = member.trim_ascii();
            member == b"*" || member.eq_ignore_ascii_case(name.as_bytes())
        });
    if !has {
        // The names that middlewares pass are tokens.
        let _ = head.append("Vary", name);
    }
}

/// Sets a field that a middleware has checked when it was made.
pub(crate) fn set(head: &mut ResponseHead<'_>, name: &str, value: &str) {
    if let Err(misuse) = head.set(name, value) {
        tracing::error!(%misuse, name, "a middleware could not set a field");
    }
}

/// Whether a client has sent the secret. The time depends on the length of what the client sent, and neither on where the two differ nor
/// on the length of the secret.
pub(crate) fn same_secret(sent: &[u8], secret: &[u8]) -> bool {
    let mut same = (sent.len() as u64).ct_eq(&(secret.len() as u64));
    for (at, byte) in sent.iter().enumerate() {
        let known = if secret.is_empty() {
            &0
        } else {
            &secret[at % secret.len()]
        };
        same &= byte.ct_eq(known);
    }
    same.into()
}

/// Bytes of the system's random source.
///
/// # Panics
/// When the system has none: no secret can be made then.
pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("expected the system to have random bytes");
    bytes
}

/// Whether a text can stand between quotation marks without escapes.
pub(crate) fn is_plain(text: &str) -> bool {
    text.bytes()
        .all(|byte| (b' '..0x7f).contains(&byte) && !matches!(byte, b'"' | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::same_secret;

    #[test]
    fn secrets_are_equal_or_not() {
        for (sent, secret, same) in [
            ("", "", true),
            ("a", "a", true),
            ("secret", "secret", true),
            ("", "a", false),
            ("a", "", false),
            ("aa", "a", false), // the secret repeated
            ("secre", "secret", false),
            ("secrets", "secret", false),
            ("sEcret", "secret", false),
            ("\0", "", false),
        ] {
            assert_eq!(
                same_secret(sent.as_bytes(), secret.as_bytes()),
                same,
                "{sent} {secret}"
            );
        }
    }
}
