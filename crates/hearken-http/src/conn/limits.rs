//! Times that mean for ever, `Duration::MAX` say: adding one to a moment would overflow.
//!
//! Here: [`MAX_DURATION`], which stands for them, and [`clamp_all`]. Settings pass through here where they come in, so that deadlines
//! are added up without a thought. Not here: the deadlines (`conn/server/deadlines.rs`, `conn/client/deadlines.rs`).

use hearken_proto::{Limits, TimeLimits};
use std::time::Duration;

/// No exchange lasts as long: a hundred years.
pub(crate) const MAX_DURATION: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// No time is longer than [`MAX_DURATION`] afterwards.
pub(crate) fn clamp_all(limits: &mut Limits) {
    let TimeLimits {
        tls_handshake,
        head,
        request,
        body_idle,
        body_rate_after,
        write_idle,
        inactive,
        keep_alive,
        keep_alive_buffer,
        upgraded_idle,
        connection_age,
        linger,
        linger_idle,
        grace,
        ..
    } = &mut limits.time;
    let times = [
        tls_handshake,
        head,
        request,
        body_idle,
        body_rate_after,
        write_idle,
        inactive,
        keep_alive,
        upgraded_idle,
        connection_age,
        linger,
        linger_idle,
        grace,
    ];
    for time in times.into_iter().chain(keep_alive_buffer) {
        *time = MAX_DURATION.min(*time);
    }
}
