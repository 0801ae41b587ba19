//! What a server says about how long it keeps an idle connection: the Keep-Alive field.
//!
//! Here: [`hint`]. The field is no standard any more, yet every server that sends it means it: using a connection that the
//! server is about to close is the classic race. Not here: what is made of it (`client/agent/pool.rs`).

use hearken_proto::FieldsRef;
use std::time::Duration;

/// How long the server waits for the next request, and how many more it takes, from `timeout=5, max=100`. What cannot be
/// read is as if it were not there.
pub(crate) fn hint(fields: FieldsRef<'_>) -> (Option<Duration>, Option<u32>) {
    let (mut timeout, mut max) = (None, None);
    for value in fields.get_all("keep-alive") {
        // An octet beyond ASCII spoils its own part, not the others.
        let value = String::from_utf8_lossy(value);
        for part in value.split(',') {
            let Some((name, number)) = part.split_once('=') else {
                continue;
            };
            let Ok(number) = number.trim().trim_matches('"').parse::<u32>() else {
                continue;
            };
            if name.trim().eq_ignore_ascii_case("timeout") {
                timeout = Some(Duration::from_secs(number.into()));
            } else if name.trim().eq_ignore_ascii_case("max") {
                max = Some(number);
            }
        }
    }
    (timeout, max)
}
