//! The one-liner on real sockets, against servers that follow a script.

mod again;
mod answers;
mod bodies;
mod forms;
mod hops;
mod requests;
mod server;
mod table;

use super::*;
use server::{Act, Server, answer, say};

/// All that a user may want to spawn.
#[test]
fn everything_can_be_sent_to_another_thread() {
    fn is_send<T: Send>(_: &T) {}
    fn is_send_type<T: Send>() {}
    is_send(&get("http://a/"));
    is_send(&get("http://a/").send());
    is_send(&get("http://a/").into_future());
    is_send_type::<Fetched>();
    is_send_type::<BodyStream>();
    is_send_type::<Body>();
    fn is_shared_type<T: Send + Sync>() {}
    is_shared_type::<CookieJar>();
    is_shared_type::<Redirects>();
    async fn reading(fetched: Fetched) {
        let _ = fetched.bytes().await;
    }
    fn spawned(fetched: Fetched) {
        drop(tokio::spawn(reading(fetched)));
    }
    let _: fn(Fetched) = spawned;
}
