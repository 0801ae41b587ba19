//! Redirects that lead nowhere, or where they should not.
//!
//! [`to`] leads to a chosen place: a second server that records its requests shows whether credentials leak.

use super::super::Ask::Get;
use super::super::Verdict::{Good, NoResponse, TooMuch};
use super::super::{Seen, Turn};
use super::{GOOD, Step, answer, behaviours};

behaviours! {
    /// To itself.
    LOOP = Get => TooMuch, |_| answer(redirect(302, "/"));
    /// From `/` to `/1`, and so on to `/1000`, which responds: longer than any client follows.
    CHAIN = Get => TooMuch, |_| vec![Step::Request, Step::reply(|seen| next_of(seen, 1000))];
    /// From `/` to `/1`, `/2` and `/3`, which responds: short enough for every client.
    SHORT_CHAIN = Get => Good(200, "hello"), |_| vec![Step::Request, Step::reply(|seen| next_of(seen, 3))];
    /// To nowhere: a 3xx without Location is a plain response.
    WITHOUT_LOCATION = Get => Good(302, "hello"), |_| answer("HTTP/1.1 302 Found\r\nContent-Length: 5\r\n\r\nhello");
    /// To an invalid URL.
    TO_NO_URL = Get => NoResponse, |_| answer(redirect(302, "http://[::"));
    /// To a file of the client's machine.
    TO_FILE = Get => NoResponse, |_| answer(redirect(302, "file:///etc/passwd"));
    /// To another protocol.
    TO_OTHER_SCHEME = Get => NoResponse, |_| answer(redirect(302, "gopher://127.0.0.1:1/"));
    /// To two places.
    TO_TWO_PLACES = Get => NoResponse, |_| {
        answer("HTTP/1.1 302 Found\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n")
    };
    /// With an endless body: the client must not wait for its end.
    WITH_ENDLESS_BODY = Get => Good(200, "hello"), |turn| match turn.connection {
        0 => vec![Step::Request, Step::say("HTTP/1.1 302 Found\r\nLocation: /there\r\n\r\n"), Step::endless("a")],
        _ => answer(GOOD),
    };
}

/// Redirects each request to `location` with this status. For [`Hostile::playing`](super::super::Hostile::playing).
///
/// ```
/// use hearken_testkit::hostile::{Hostile, connection, redirects};
/// let other = Hostile::new(connection::NEVER_ANSWERS).listen();
/// let server = Hostile::playing(redirects::to(307, other.url("/there"))).listen();
/// # drop(server);
/// ```
pub fn to(status: u16, location: impl Into<String>) -> impl Fn(&Turn) -> Vec<Step> + Send + Sync {
    let response = redirect(status, &location.into());
    move |_| answer(&response)
}

fn redirect(status: u16, location: &str) -> String {
    format!("HTTP/1.1 {status} Elsewhere\r\nLocation: {location}\r\nContent-Length: 0\r\n\r\n")
}

/// The next place of a chain with so many redirects.
fn next_of(seen: &Seen, last: u32) -> Vec<u8> {
    let number = seen.target.trim_start_matches('/').parse().unwrap_or(0);
    if number >= last {
        return GOOD.into();
    }
    redirect(302, &format!("/{}", number + 1)).into()
}
