//! The one-liner on top of the client.

mod cookies;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "what sends requests comes next")
)]
mod decode;
#[cfg_attr(
    not(test),
    expect(dead_code, reason = "what sends requests comes next")
)]
mod redirect;
mod url;

pub use cookies::CookieJar;
pub use redirect::{RedirectAction, RedirectAttempt, Redirects};
pub use url::{ToUrl, Url, UrlError};
