//! The page at `/`: lists what there is and lets one try it. One file, nothing from elsewhere.
//!
//! Here: the page and its policy. Its script and style are named by their hashes, so nothing else can run in it.

use super::reply::Reply;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hearken::Sent;
use sha2::{Digest, Sha256};
use std::sync::LazyLock;

const PAGE: &str = include_str!("page.html");

static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = |element| STANDARD.encode(Sha256::digest(inside(element)));
    format!(
        "default-src 'none'; script-src 'sha256-{}'; style-src 'sha256-{}'; img-src data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        hash("script"),
        hash("style"),
    )
});

pub(crate) fn answer(reply: Reply) -> Sent {
    let reply = reply
        .set("Content-Security-Policy", &*POLICY)
        .set("Referrer-Policy", "no-referrer");
    reply.whole("text/html; charset=utf-8", PAGE)
}

/// What stands in the one element of this name.
fn inside(element: &str) -> &'static str {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    let rest = PAGE.split_once(&*open).map_or("", |(_, rest)| rest);
    rest.split_once(&*close).map_or("", |(inside, _)| inside)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::echo::call::ENDPOINTS;

    #[test]
    fn the_policy_names_what_is_in_the_page() {
        for element in ["script", "style"] {
            assert_eq!(PAGE.matches(&format!("<{element}")).count(), 1);
            assert!(!inside(element).is_empty(), "{element}");
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
                "{forbidden} would be blocked, or come from elsewhere"
            );
        }
    }

    #[test]
    fn the_page_lists_all_there_is() {
        for endpoint in ENDPOINTS {
            let path = format!(">{}<", endpoint.path);
            assert!(PAGE.contains(&path), "{path}");
        }
    }
}
