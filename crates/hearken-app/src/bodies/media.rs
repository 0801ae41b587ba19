//! Media types and patterns of them.
//!
//! Here: [`is_one_of`]. Not here: what a client accepts (hearken-http, `message/accept.rs`).

/// Whether the value of a Content-Type field fits one of the patterns.
pub(super) fn is_one_of(content_type: &str, patterns: &[Box<str>]) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    let Some((kind, subtype)) = media_type.split_once('/') else {
        return false;
    };
    patterns.iter().any(|pattern| {
        let (own_kind, own_subtype) = pattern.split_once('/').unwrap_or_default();
        (own_kind == "*" || own_kind.eq_ignore_ascii_case(kind)) && fits(subtype, own_subtype)
    })
}

/// `json`, `*`, or `*+json`.
fn fits(subtype: &str, pattern: &str) -> bool {
    match pattern.strip_prefix('*') {
        None => subtype.eq_ignore_ascii_case(pattern),
        Some("") => true,
        Some(suffix) => {
            let at = subtype.len().checked_sub(suffix.len());
            let end = at.and_then(|at| subtype.get(at..));
            end.is_some_and(|end| end.eq_ignore_ascii_case(suffix))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_one_of;

    #[test]
    fn patterns_fit_media_types() {
        let fits = |content_type, pattern: &str| is_one_of(content_type, &[pattern.into()]);
        assert!(fits("Application/JSON; charset=utf-8", "application/json"));
        assert!(fits("application/ld+json", "application/*+json"));
        assert!(fits("text/csv", "text/*"));
        assert!(fits("image/png", "*/*"));
        for (content_type, pattern) in [
            ("", "*/*"),
            ("json", "application/json"),
            ("application/jsonp", "application/json"),
            ("application/json", "application/*+json"),
            ("text/json", "application/json"),
            ("application/é+json", "application/*é+json-"),
        ] {
            assert!(!fits(content_type, pattern), "{content_type} {pattern}");
        }
    }
}
