//! Two ends on an in-memory link: what one sends the other receives, wherever the bytes are cut.

use hearken_proto::{BodyLength, Half};
use hearken_testkit::{Link, Message};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

fn request(method: &str, target: &str) -> Message {
    Message {
        method: method.to_owned(),
        target: target.to_owned(),
        fields: vec![("Host".to_owned(), b"a".to_vec())],
        known: true,
        ..Message::default()
    }
}

fn response(status: u16) -> Message {
    Message {
        status,
        known: true,
        ..Message::default()
    }
}

#[test]
fn exchanges_with_every_kind_of_framing() {
    let mut link = Link::new();
    let mut upload = request("POST", "/up");
    upload.content = vec![b"one ".to_vec(), b"two".to_vec()];
    upload.known = false;
    upload.trailers = vec![("X-Sum".to_owned(), b"7".to_vec())];
    link.ask(&upload);
    link.carry([3]);
    link.answer_interim(103);
    let mut long = response(200);
    long.content = vec![vec![b'x'; 70_000]];
    link.answer(&long);
    link.carry([1, 2, 3, 5, 1000]);
    link.ask(&request("HEAD", "/long"));
    link.carry([usize::MAX]);
    link.answer(&long);
    link.carry([1]);

    let (up, head) = (&link.at_server[0], &link.at_server[1]);
    assert_eq!((&*up.start, &up.content[..]), ("POST /up", &b"one two"[..]));
    assert_eq!(up.trailers, upload.trailers);
    assert_eq!(&*head.start, "HEAD /long");
    let (first, second) = (&link.at_client[0], &link.at_client[1]);
    assert_eq!(
        (&*first.start, first.content.len(), &first.interim[..]),
        ("200", 70_000, &[103][..])
    );
    assert_eq!((second.content.len(), second.ended), (0, true));
    assert_eq!(link.client.halves(), (Half::Idle, Half::Idle));
    assert_eq!(link.server.halves(), (Half::Idle, Half::Idle));
}

#[test]
fn both_ends_switch_at_the_same_byte() {
    let mut link = Link::new();
    let mut ask = request("GET", "/");
    ask.fields
        .push(("Connection".to_owned(), b"upgrade".to_vec()));
    ask.fields.push(("Upgrade".to_owned(), b"echo".to_vec()));
    link.ask(&ask);
    link.carry([1]);
    let mut grant = response(101);
    grant.fields.push(("Upgrade".to_owned(), b"echo".to_vec()));
    link.answer(&grant);
    link.carry([1]);
    assert!(link.at_client[0].switched);
    assert_eq!(link.client.halves(), (Half::Switched, Half::Switched));
    assert_eq!(link.server.halves(), (Half::Switched, Half::Switched));
}

#[test]
fn close_is_understood_by_both() {
    let mut link = Link::new();
    link.ask(&request("GET", "/"));
    link.carry([9]);
    let mut last = response(200);
    last.fields
        .push(("Connection".to_owned(), b"close".to_vec()));
    link.answer(&last);
    link.carry([9]);
    assert!(link.server.is_finished() && link.client.is_finished());
    assert!(!link.client.persistent());
}

fn name() -> impl Strategy<Value = String> {
    // None of the names that bear on framing or reuse: their effects have tests of their own.
    "[!#$%&'*+.^_`|~A-Za-z0-9-]{1,12}".prop_map(|name| format!("X{name}"))
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    let byte =
        prop_oneof![8 => 0x21..=0x7e_u8, 1 => Just(b' '), 1 => Just(b'\t'), 1 => 0x80..=0xff_u8];
    vec(byte, 0..40).prop_map(|bytes| {
        let blank = |byte: &u8| *byte == b' ' || *byte == b'\t';
        let from = bytes
            .iter()
            .position(|byte| !blank(byte))
            .unwrap_or(bytes.len());
        let to = bytes
            .iter()
            .rposition(|byte| !blank(byte))
            .map_or(from, |last| last + 1);
        bytes[from..to].to_vec()
    })
}

fn fields(most: usize) -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    vec((name(), value()), 0..most)
}

/// The parts that both kinds of message have.
fn message(content_max: usize) -> impl Strategy<Value = Message> {
    let pieces = vec(vec(any::<u8>(), 0..content_max), 0..4);
    (any::<bool>(), pieces, fields(5), fields(3)).prop_map(|(known, content, fields, trailers)| {
        Message {
            fields,
            content,
            known,
            trailers: if known { Vec::new() } else { trailers },
            ..Message::default()
        }
    })
}

fn requests() -> impl Strategy<Value = Message> {
    let usual = select(vec!["GET", "HEAD", "POST", "PUT", "DELETE"]).prop_map(str::to_owned);
    let method = prop_oneof![usual, "[A-Z]{1,32}"];
    let method = method.prop_filter("CONNECT is another thing", |method| method != "CONNECT");
    let target = prop_oneof![r#"/[!-"$-~]{0,30}"#, r#"http://a(:80)?(/[!-"$-~]{0,20})?"#];
    (method, target, message(200)).prop_map(|(method, target, mut message)| {
        message.fields.push(("Host".to_owned(), b"a".to_vec()));
        Message {
            method,
            target,
            ..message
        }
    })
}

fn responses() -> impl Strategy<Value = Message> {
    let status = prop_oneof![
        4 => Just(200_u16),
        1 => 200..=599_u16,
        1 => Just(204),
        1 => Just(304),
        1 => 600..=999_u16,
    ];
    let status = status.prop_filter("205 has no content", |status| *status != 205);
    (status, message(200)).prop_map(|(status, message)| Message { status, ..message })
}

/// The fields that the encoder did not add.
fn own(fields: &[(String, Vec<u8>)]) -> Vec<(String, Vec<u8>)> {
    let added = ["content-length", "transfer-encoding"];
    let mut fields = fields.to_vec();
    fields.retain(|(name, _)| !added.contains(&&*name.to_ascii_lowercase()));
    fields
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    /// decode(encode(x)) = x for requests and responses, with chunks and trailers, in successive exchanges, wherever the
    /// link cuts.
    #[test]
    fn what_is_sent_is_received(
        exchanges in vec((requests(), 0..3_usize, responses()), 1..4),
        cuts in vec(1..90_usize, 1..8),
    ) {
        let mut link = Link::new();
        for (request, _, response) in &exchanges {
            let bodyless = request.method == "HEAD" || matches!(response.status, 204 | 304);
            let mut response = response.clone();
            if bodyless {
                response.content.clear();
                response.trailers.clear();
            }
            link.ask(request);
            link.carry(cuts.iter().copied());
            let received = link.at_server.last().expect("a request was received");
            prop_assert_eq!(&received.start, &format!("{} {}", request.method, request.target));
            prop_assert_eq!(own(&received.fields), own(&request.fields));
            prop_assert_eq!(&received.content, &request.content.concat());
            prop_assert_eq!(&received.trailers, &request.trailers);
            prop_assert!(received.ended);
            link.answer(&response);
            link.carry(cuts.iter().rev().copied());
            let received = link.at_client.last().expect("a response was received");
            prop_assert_eq!(&received.start, &response.status.to_string());
            prop_assert_eq!(own(&received.fields), own(&response.fields));
            prop_assert_eq!(&received.content, &response.content.concat());
            prop_assert_eq!(&received.trailers, &response.trailers);
            prop_assert!(received.ended);
            prop_assert_eq!(link.client.halves(), (Half::Idle, Half::Idle));
            prop_assert_eq!(link.server.halves(), (Half::Idle, Half::Idle));
        }
        prop_assert_eq!(link.at_server.len(), exchanges.len());
        prop_assert_eq!(link.at_client.len(), exchanges.len());
    }
}

#[test]
fn both_ends_agree_on_the_framing() {
    // The framing that the other end decodes, not the one that the encoder returns.
    let mut link = Link::new();
    for (known, expected) in [(true, BodyLength::Length(3)), (false, BodyLength::Chunked)] {
        let mut ask = request("PUT", "/");
        ask.content = vec![b"abc".to_vec()];
        ask.known = known;
        link.ask(&ask);
        link.carry([2]);
        let received = link.at_server.last().expect("a request was received");
        let has = |name: &str| received.fields.iter().any(|(own, _)| own == name);
        assert_eq!(has("Content-Length"), expected == BodyLength::Length(3));
        assert_eq!(has("Transfer-Encoding"), expected == BodyLength::Chunked);
        link.answer(&response(200));
        link.carry([2]);
    }
}
