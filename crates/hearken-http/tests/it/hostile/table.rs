//! Every behaviour that works in memory, in simulated time: its outcome, in one table, and that of the next request.

use super::{Met, Outcome, exchange, meet, request, simulate, summary};
use hearken_testkit::hostile::{
    self, Ask, Behaviour, connection, endless, framing, interim, malformed, slow,
};
use std::time::Duration;
use tokio::time::timeout;

const GROUPS: &[(&str, &[Behaviour])] = &[
    ("connection", connection::ALL),
    ("malformed", malformed::ALL),
    ("framing", framing::ALL),
    ("endless", endless::ALL),
    ("slow", slow::ALL),
    ("interim", interim::ALL),
    ("tls", hostile::tls::ALL),
];

/// Needs sockets: a refusal, a full queue, a reset without an end. Or a proxy.
fn is_seen_in_memory(behaviour: &Behaviour) -> bool {
    const SOCKETS: &[&str] = &["REFUSES", "NEVER_ACCEPTS", "RESETS_UNBOUNDED_BODY"];
    behaviour.ask != Ask::Connect && !SOCKETS.contains(&behaviour.name)
}

/// All groups, one line for each behaviour, as [`TABLE`] has them.
fn lines(line: impl Fn(&Behaviour) -> String) -> String {
    let mut text = String::new();
    for (group, behaviours) in GROUPS {
        text += &format!("{group}\n");
        for behaviour in behaviours.iter().filter(|one| is_seen_in_memory(one)) {
            text += &format!("  {}: {}\n", behaviour.name, line(behaviour));
        }
    }
    text
}

/// The outcome in one line; its time, if it took a second; and whether the connection is kept.
fn row(met: &Met) -> String {
    let mut row = match &met.outcome {
        Outcome::Nothing(error) => summary(error),
        Outcome::Broken(status, error) => format!("{status}, {}", summary(error)),
        Outcome::Whole(status, content) => format!("{status} {content:?}"),
    };
    if met.took >= Duration::from_secs(1) {
        row += &format!(", after {} s", met.took.as_secs());
    }
    if met.stats.idle > 0 {
        row += ", kept";
    }
    row
}

#[test]
fn each_ends_as_the_table_says() {
    let found = lines(|behaviour| {
        let (met, ..) = simulate(meet(behaviour));
        met.check(behaviour.name);
        if let Err(why) = met.outcome.agrees(behaviour.verdict) {
            panic!("{}: {why}", behaviour.name);
        }
        row(&met)
    });
    let mut wrong = Vec::new();
    for pair in TABLE.lines().zip(found.lines()) {
        if pair.0 != pair.1 {
            wrong.push(pair);
        }
    }
    assert!(wrong.is_empty(), "expected and found: {wrong:#?}");
    assert_eq!(TABLE.lines().count(), found.lines().count());
}

/// A connection that is not kept gets no second request; one that is kept holds no bytes that would answer it.
#[test]
fn the_next_request_gets_nothing_of_it() {
    lines(|behaviour| {
        let name = behaviour.name;
        simulate(async {
            let (met, agent, server) = meet(behaviour).await;
            let (next, body) = request(&agent, Ask::Get, "hostile/next").expect("a request");
            // Its server mostly misbehaves again, or does not answer at all.
            let next = timeout(Duration::from_secs(2), exchange(next, body, true)).await;
            let content = match next {
                Ok(Outcome::Whole(_, content)) => content,
                _ => String::new(),
            };
            assert_ne!(content, "evil", "{name}");
            let first = &server.conversations()[0];
            let heard = String::from_utf8_lossy(&first.received);
            let mut targets = first.requests.iter().map(|seen| &*seen.target);
            let asked = heard.contains("GET /next/") || targets.any(|it| it == "/next/first");
            // Behind a body of more than the record keeps, the rest is not recorded.
            let known = first.received_bytes == first.received.len() as u64;
            let kept = met.stats.idle > 0;
            assert!(asked == kept || (kept && !known), "{name}: {asked} {kept}");
        });
        String::new()
    });
}

/// Group, name, and the outcome: a status and its content, or an error by its phase and its code or kind. "After": in
/// simulated time, by the limits of this test. "Kept": the connection is used again.
const TABLE: &str = "\
connection
  NEVER_ANSWERS: wait, timeout, after 7 s
  NEVER_READS: write, timeout, after 3 s
  CLOSES_AT_ONCE: wait, closed
  RESETS_AT_ONCE: wait, closed
  CLOSES_AFTER_REQUEST: wait, closed
  RESETS_AFTER_REQUEST: wait, closed
  HALF_CLOSES_AFTER_REQUEST: wait, closed
  CLOSES_DURING_REQUEST: write, closed
  RESETS_DURING_REQUEST: write, closed
  CLOSES_IN_STATUS_LINE: wait, H1_TRUNCATED_HEAD
  CLOSES_IN_HEAD: wait, H1_TRUNCATED_HEAD
  RESETS_IN_HEAD: wait, H1_TRUNCATED_HEAD
  CLOSES_IN_BODY: 200, read, H1_TRUNCATED_BODY
  RESETS_IN_BODY: 200, read, H1_TRUNCATED_BODY
  HALF_CLOSES_IN_BODY: 200, read, H1_TRUNCATED_BODY
  CLOSES_IN_CHUNK: 200, read, H1_TRUNCATED_BODY
  CLOSES_BEFORE_LAST_CHUNK: 200, read, H1_TRUNCATED_BODY
  CLOSES_IN_TRAILERS: 200, read, H1_TRUNCATED_BODY
  CLOSES_AS_END: 200 \"hello\"
  ANSWERS_EARLY_AND_STOPS_READING: 413 \"no\"
  ANSWERS_EARLY: 413 \"no\"
  SAYS_CLOSE_AND_STAYS: 200 \"hello\"
malformed
  GARBAGE: wait, H1_STATUS_LINE
  OTHER_PROTOCOL: wait, H1_STATUS_LINE
  STATUS_IS_WORD: wait, H1_STATUS_LINE
  STATUS_TOO_SHORT: wait, H1_STATUS_LINE
  STATUS_TOO_LOW: wait, H1_STATUS_LINE
  STATUS_TOO_LONG: wait, H1_STATUS_LINE
  HTTP_0_9: wait, H1_STATUS_LINE
  VERSION_1_2: wait, H1_VERSION_UNSUPPORTED
  VERSION_2: wait, H1_VERSION_UNSUPPORTED
  FRAME_OF_HTTP_2: wait, H1_STATUS_LINE
  ICY: wait, H1_STATUS_LINE
  LOWER_CASE_VERSION: wait, H1_STATUS_LINE
  FIELD_WITHOUT_COLON: wait, H1_FIELD_NAME
  FIELD_WITHOUT_NAME: wait, H1_FIELD_NAME
  SPACE_BEFORE_COLON: wait, H1_SPACE_BEFORE_COLON
  FOLDED_FIELD: 200 \"\", kept
  FOLD_IN_LENGTH: wait, H1_CONTENT_LENGTH
  SPACE_BEFORE_FIRST_FIELD: wait, H1_SPACE_BEFORE_FIELD
  NUL_IN_VALUE: wait, H1_FIELD_VALUE
  CR_IN_VALUE: wait, H1_BARE_CR
  BARE_LINE_FEEDS: wait, H1_BARE_LF
framing
  LENGTH_TOO_LONG: 200, read, H1_TRUNCATED_BODY
  LENGTH_TOO_SHORT: 200 \"hello\"
  TWO_LENGTHS: wait, H1_CONTENT_LENGTH_DUPLICATE
  TWO_EQUAL_LENGTHS: wait, H1_CONTENT_LENGTH_DUPLICATE
  LENGTHS_IN_A_LIST: wait, H1_CONTENT_LENGTH
  LENGTH_AND_CHUNKED: wait, H1_LENGTH_AMBIGUOUS
  LENGTH_WITH_ZEROS: 200 \"hello\", kept
  NEGATIVE_LENGTH: wait, H1_CONTENT_LENGTH
  LENGTH_WITH_PLUS: wait, H1_CONTENT_LENGTH
  HEXADECIMAL_LENGTH: wait, H1_CONTENT_LENGTH
  LENGTH_OVERFLOWS: wait, H1_CONTENT_LENGTH
  EMPTY_LENGTH: wait, H1_CONTENT_LENGTH
  UNKNOWN_TRANSFER_CODING: wait, H1_TRANSFER_ENCODING_UNSUPPORTED
  CHUNKED_TWICE: wait, H1_TRANSFER_ENCODING
  CHUNKED_IN_HTTP_1_0: wait, H1_TRANSFER_ENCODING_VERSION
  CHUNK_SIZE_IS_WORD: 200, read, H1_CHUNK_SIZE
  CHUNK_SIZE_WITH_PREFIX: 200, read, H1_CHUNK_SIZE
  NEGATIVE_CHUNK_SIZE: 200, read, H1_CHUNK_SIZE
  CHUNK_SIZE_OVERFLOWS: 200, read, H1_CHUNK_SIZE
  CHUNK_SIZE_WITH_ZEROS: 200 \"hello\", kept
  CHUNK_EXTENSION_AFTER_SPACE: 200 \"hello\", kept
  CHUNK_SIZE_WITH_SPACE: 200, read, H1_CHUNK_EXTENSION
  EMPTY_CHUNK_SIZE: 200, read, H1_CHUNK_SIZE
  CHUNK_TOO_LONG: 200, read, H1_CHUNK_END
  CHUNK_WITHOUT_END: 200, read, H1_CHUNK_END
  CHUNK_SIZE_WITH_LINE_FEED: 200, read, H1_BARE_LF
  MALFORMED_TRAILER: 200, read, H1_FIELD_NAME
  LENGTH_IN_TRAILERS: 200 \"hello\", kept
  CONTENT_AFTER_204: 204 \"\"
  CONTENT_AFTER_304: 304 \"\"
  LENGTH_AND_CHUNKED_IN_204: 204 \"\"
  ODD_LENGTH_IN_304: 304 \"\"
  TWO_LENGTHS_FOR_HEAD: 200 \"\"
  CONTENT_FOR_HEAD: 200 \"\"
endless
  STATUS_LINE: wait, LIMIT_HEAD_BYTES
  FIELD: wait, LIMIT_HEAD_BYTES
  FIELD_NAME: wait, LIMIT_HEAD_BYTES
  FIELDS: wait, LIMIT_FIELDS
  COOKIES: wait, LIMIT_FIELDS
  TEN_THOUSAND_COOKIES: wait, LIMIT_FIELDS
  FOLDS: wait, LIMIT_HEAD_BYTES
  EMPTY_LINES: wait, H1_STATUS_LINE
  BODY: 200, -, too large
  BODY_WITH_LENGTH: 200, -, too large
  CHUNKS: 200, -, too large
  CHUNK_EXTENSIONS: 200, read, LIMIT_CHUNK_EXT_TOTAL
  CHUNK_EXTENSION: 200, read, LIMIT_CHUNK_EXT_BYTES
  CHUNK_SIZE: 200, read, LIMIT_CHUNK_SIZE_DIGITS
  TRAILERS: 200, read, LIMIT_TRAILER_FIELDS
  INTERIM_RESPONSES: wait, LIMIT_INTERIMS
  RESPONSES: 200 \"hello\"
slow
  HEAD: wait, timeout, after 7 s
  BODY: 200, read, timeout, after 9 s
  BODY_WITH_LENGTH: 200, read, timeout, after 9 s
  CHUNKS: 200, read, timeout, after 9 s
  INTERIM_RESPONSES: wait, LIMIT_INTERIMS, after 1 s
  STALLS_IN_HEAD: wait, timeout, after 7 s
  STALLS_IN_BODY: 200, read, timeout, after 4 s
  STALLS_AFTER_INTERIM: wait, timeout, after 7 s
  BYTE_BY_BYTE: 200 \"hello\", kept
interim
  UNASKED_CONTINUE: 200 \"hello\", kept
  SEVERAL: 200 \"hello\", kept
  WITH_LENGTH: 200 \"hello\", kept
  WITH_CHUNKED: 200 \"hello\", kept
  WITH_ODD_LENGTH: 200 \"hello\", kept
  UNASKED_SWITCH: wait, H1_STATUS_UNEXPECTED
  SWITCH_TO_NOTHING: wait, expected a switch to a protocol that was offered, not to \"\" (RFC 9110 §7.8)
  SWITCH_TO_OTHER: wait, expected a switch to a protocol that was offered, not to \"other\" (RFC 9110 §7.8)
  NO_SWITCH: 200 \"hello\", kept
  CLOSES_INSTEAD_OF_SWITCH: wait, closed
  EXPECTATION_IGNORED: 200 \"hello\", after 1 s, kept
  CONTINUES_THREE_TIMES: 200 \"hello\", kept
  EXPECTATION_FAILED: 417 \"no\"
  CLOSES_AFTER_CONTINUE: wait, H1_TRUNCATED_HEAD
tls
  GARBAGE: tls, protocol
  PLAIN_HTTP: tls, protocol
  CLOSES_AFTER_HELLO: tls, closed
  RESETS_AFTER_HELLO: tls, closed
  SILENT: tls, timeout, after 6 s
  ALERT: tls, alert
  UNRECOGNIZED_NAME: tls, alert
  CLOSES_IN_RECORD: tls, closed
  RECORD_TOO_LONG: tls, protocol
  ENDLESS_HANDSHAKE: tls, protocol
  ENDLESS_ALERTS: tls, protocol
  SLOW: tls, timeout, after 6 s
";
