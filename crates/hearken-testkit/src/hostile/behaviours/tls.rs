//! Faults in place of a TLS handshake (RFC 8446 §4, §5.1, §6). Tests with a real TLS server cover invalid
//! certificates.

use super::super::Ask::Tls;
use super::super::Step::{Anything, Close, Listen, Reset, Wait};
use super::super::Verdict::{NoResponse, TooSlow};
use super::{Step, behaviours};

behaviours! {
    /// Bytes of another world.
    GARBAGE = Tls => NoResponse, |_| hello(b"\xff\xfe\x00\x01garbage garbage garbage", Listen);
    /// A plain HTTP response: the wrong port.
    PLAIN_HTTP = Tls => NoResponse, |_| {
        hello(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello", Close)
    };
    /// Closes after the ClientHello.
    CLOSES_AFTER_HELLO = Tls => NoResponse, |_| vec![Anything, Wait(1), Close];
    /// Resets after the ClientHello.
    RESETS_AFTER_HELLO = Tls => NoResponse, |_| vec![Anything, Wait(1), Reset];
    /// Says nothing.
    SILENT = Tls => TooSlow, |_| vec![Listen];
    /// The alert `handshake_failure`.
    ALERT = Tls => NoResponse, |_| hello(b"\x15\x03\x03\x00\x02\x02\x28", Close);
    /// The alert `unrecognized_name`.
    UNRECOGNIZED_NAME = Tls => NoResponse, |_| hello(b"\x15\x03\x03\x00\x02\x02\x70", Close);
    /// Closes within a record.
    CLOSES_IN_RECORD = Tls => NoResponse, |_| hello(b"\x16\x03\x03\x01\x00\x02\x00", Close);
    /// A record above the maximum length.
    RECORD_TOO_LONG = Tls => NoResponse, |_| hello(&[b"\x16\x03\x03\xff\xff".as_slice(), &[0; 0xffff]].concat(), Listen);
    /// A handshake message of 16 MiB, record after record.
    ENDLESS_HANDSHAKE = Tls => NoResponse, |_| {
        let record = [b"\x16\x03\x03\x40\x00".as_slice(), b"\x02\xff\xff\xff", &[0; 0x3ffc]].concat();
        vec![Anything, Step::Endless(record)]
    };
    /// Warnings without an end.
    ENDLESS_ALERTS = Tls => NoResponse, |_| vec![Anything, Step::endless(b"\x15\x03\x03\x00\x02\x01\x5a")];
    /// A handshake byte by byte, without an end.
    SLOW = Tls => TooSlow, |_| {
        vec![Anything, Step::say(b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc"), Step::EndlessSlowly(b"\x03".to_vec())]
    };
}

/// Waits for the ClientHello, sends these bytes and carries out this step.
fn hello(bytes: &[u8], last: Step) -> Vec<Step> {
    vec![Anything, Step::say(bytes), last]
}
