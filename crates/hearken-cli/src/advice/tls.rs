//! The flags of `hearken fetch` that help when TLS fails.
//!
//! Not here: the texts of the errors (hearken-http).

use hearken::Error;
use hearken::tls::{TlsError, TlsErrorKind};
use std::error::Error as _;

/// The text of an error, with the flags that help.
pub(crate) fn text(error: &Error) -> String {
    let text = error.to_string();
    let tls = error
        .source()
        .and_then(|source| source.downcast_ref::<TlsError>());
    match tls.and_then(|tls| hint(tls.kind())) {
        Some(hint) if !names_a_flag(&text) => format!("{text} ({hint})"),
        _ => text,
    }
}

/// An error of the settings can only be about the roots: no other setting of TLS has a flag.
fn hint(kind: TlsErrorKind) -> Option<&'static str> {
    match kind {
        TlsErrorKind::Certificate => Some("--cacert FILE adds a root, -k accepts any certificate"),
        TlsErrorKind::Settings => Some("--cacert FILE adds a root"),
        _ => None,
    }
}

fn names_a_flag(text: &str) -> bool {
    text.contains("--cacert") || text.contains("(-k)")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_untrusted_certificate_names_the_flags_that_help() {
        let hint = hint(TlsErrorKind::Certificate).unwrap_or_default();
        assert!(hint.contains("--cacert") && hint.contains("-k"), "{hint}");
    }

    #[test]
    fn other_errors_name_no_flag() {
        for kind in [
            TlsErrorKind::Alert,
            TlsErrorKind::Closed,
            TlsErrorKind::Incompatible,
            TlsErrorKind::Io,
            TlsErrorKind::Protocol,
            TlsErrorKind::Timeout,
        ] {
            assert_eq!(hint(kind), None, "{kind:?}");
        }
        let error = Error::from(std::io::Error::other("no TLS in here"));
        assert_eq!(text(&error), error.to_string());
    }
}
