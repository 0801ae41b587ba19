//! The page at `/`: the live panel, and the endpoints with a button for each. One text without external resources, put together
//! from `page/`.
//!
//! Here: the page and its Content-Security-Policy, which allows the page's own script and style by their hashes.

use super::response::ResponseBuilder;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hearken::Sent;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

/// The parts in one text.
static PAGE: LazyLock<String> = LazyLock::new(|| {
    let script = [include_str!("page/try.js"), include_str!("page/panel.js")].concat();
    let page = include_str!("page/page.html");
    let page = page.replacen("{{style}}", include_str!("page/style.css").trim_end(), 1);
    page.replacen("{{script}}", script.trim_end(), 1)
});

static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |element| STANDARD.encode(Sha256::digest(content_of(element)));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash("script"),
        hash("style"),
    )
});

pub(crate) fn respond(response: ResponseBuilder) -> Sent {
    let response = response
        .append("Content-Security-Policy", &*POLICY)
        .append("Referrer-Policy", "no-referrer");
    response.send("text/html; charset=utf-8", PAGE.as_str())
}

/// The content of the only element with this name.
fn content_of(element: &str) -> &'static str {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let rest = PAGE.split_once(&*open).map_or("", |(_, rest)| rest);
    rest.split_once(&*close).map_or("", |(content, _)| content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::echo::route::ENDPOINTS;

    #[test]
    fn the_policy_allows_the_script_and_style_of_the_page() {
        for element in ["script", "style"] {
            assert_eq!(PAGE.matches(&format!("<{element}")).count(), 1);
            assert!(!content_of(element).is_empty(), "{element}");
        }
        let attributes = [
            " style=",
            " onclick=",
            " onsubmit=",
            "src=",
            "http://",
            "https://",
        ];
        let page = PAGE.replace("http://www.w3.org/2000/svg", "");
        for forbidden in attributes {
            assert!(
                !page.contains(forbidden),
                "{forbidden} would be blocked, or load an external resource"
            );
        }
    }

    #[test]
    fn the_page_lists_every_endpoint() {
        for endpoint in ENDPOINTS {
            let path = format!(">{}<", endpoint.path);
            assert!(PAGE.contains(&path), "{path}");
        }
    }
}
