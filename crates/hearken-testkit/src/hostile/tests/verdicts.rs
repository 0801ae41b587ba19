//! The verdict of each behaviour, in a careful client.

use super::client::{Client, Outcome, meet, simulate};
use crate::hostile::{
    Ask, Behaviour, Ending, Hostile, Verdict, all, codings, connection, endless, framing, interim,
    malformed, redirects, reuse, slow, tls,
};
use flate2::read::MultiGzDecoder;
use std::collections::HashSet;
use std::io::Read;
use std::time::Duration;

/// Verdicts that differ in memory, where a reset is an end and a refusal is silence.
const ONLY_ON_SOCKETS: &[&str] = &["REFUSES", "RESETS_UNBOUNDED_BODY"];

/// Compares each outcome with its verdict, and reports all that differ.
fn agree(behaviours: &[Behaviour], as_seen: impl Fn(Verdict) -> Outcome) {
    let mut wrong = Vec::new();
    for behaviour in behaviours {
        if ONLY_ON_SOCKETS.contains(&behaviour.name) {
            continue;
        }
        let (_, outcome) = simulate(meet(*behaviour));
        let expected = as_seen(behaviour.verdict);
        if outcome != expected {
            wrong.push(format!("{}: {outcome:?}, not {expected:?}", behaviour.name));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn outcome_of(verdict: Verdict) -> Outcome {
    match verdict {
        Verdict::NoResponse => Outcome::NoResponse,
        Verdict::BrokenBody => Outcome::BrokenBody,
        Verdict::TooSlow => Outcome::TooSlow,
        Verdict::TooMuch => Outcome::TooMuch,
        Verdict::Good(status, content) => Outcome::Good(status, content.into()),
    }
}

#[test]
fn connections() {
    agree(connection::ALL, outcome_of);
}

#[test]
fn malformed_heads() {
    agree(malformed::ALL, outcome_of);
}

#[test]
fn framings() {
    agree(framing::ALL, outcome_of);
}

#[test]
fn endless_things() {
    agree(endless::ALL, outcome_of);
}

#[test]
fn slow_things() {
    agree(slow::ALL, outcome_of);
}

/// The layers above the protocol check whether a switch was offered, and what a tunnel carries.
#[test]
fn interim_responses() {
    let above = ["SWITCH_TO_NOTHING", "SWITCH_TO_OTHER"];
    let below = |one: &&Behaviour| one.ask != Ask::Connect && !above.contains(&one.name);
    let of_protocol: Vec<_> = interim::ALL.iter().filter(below).copied().collect();
    agree(&of_protocol, outcome_of);
}

/// Each is a plain response to a client that neither follows nor decodes.
#[test]
fn redirects_and_codings_are_whole_responses() {
    for behaviour in [redirects::ALL, codings::ALL].concat() {
        let (_, outcome) = simulate(meet(behaviour));
        let endless = behaviour.name == "WITH_ENDLESS_BODY";
        match outcome {
            Outcome::Good(status, _) => assert!(matches!(status, 200 | 302), "{}", behaviour.name),
            Outcome::TooMuch => assert!(endless, "{}", behaviour.name),
            other => panic!("{}: {other:?}", behaviour.name),
        }
    }
}

/// A client must not reuse a connection with unsolicited bytes; a new one works.
#[test]
fn a_second_request_is_answered_elsewhere() {
    for behaviour in reuse::ALL {
        simulate(async {
            let server = Hostile::new(*behaviour);
            let good = Outcome::Good(200, b"hello".to_vec());
            let mut client = Client::connect(&server);
            assert_eq!(client.ask(Ask::Get).await, good, "{}", behaviour.name);
            if !client.is_disturbed().await {
                let again = client.ask(Ask::Get).await;
                assert_eq!(again, Outcome::NoResponse, "{}", behaviour.name);
                let asked = server.conversations()[0].requests.len();
                assert_eq!(asked, 2, "{}: the second request was read", behaviour.name);
            }
            let mut other = Client::connect(&server);
            assert_eq!(other.ask(Ask::Get).await, good, "{}", behaviour.name);
            assert_eq!(other.ask(Ask::Get).await, good, "{}", behaviour.name);
        });
    }
}

/// A client with a limit stops before the bound of an endless step.
#[test]
fn a_client_with_a_limit_stops_an_endless_response() {
    for behaviour in endless::ALL {
        let (server, _) = simulate(meet(*behaviour));
        let conversation = &server.conversations()[0];
        assert_ne!(
            conversation.ending,
            Some(Ending::Exhausted),
            "{}",
            behaviour.name
        );
        assert!(conversation.sent_bytes < 8 << 20, "{}", behaviour.name);
    }
}

#[test]
fn a_drip_is_a_byte_each_tick() {
    simulate(async {
        let server = Hostile::new(slow::BYTE_BY_BYTE).tick(Duration::from_millis(500));
        let mut client = Client::connect(&server);
        let start = tokio::time::Instant::now();
        let outcome = client.ask(Ask::Get).await;
        assert_eq!(outcome, Outcome::Good(200, b"hello".to_vec()));
        let bytes = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello".len() as u32;
        // The first byte comes at once; the timer's resolution is a millisecond.
        let expected = Duration::from_millis(500) * (bytes - 1);
        let late = start.elapsed().saturating_sub(expected);
        assert!(
            start.elapsed() >= expected && late < Duration::from_millis(100),
            "{late:?}"
        );
    });
}

#[test]
fn gzip_behaviours_are_gzip() {
    let content_of = |behaviour| match simulate(meet(behaviour)).1 {
        Outcome::Good(200, content) => content,
        other => panic!("{other:?}"),
    };
    let decode = |coded: &[u8]| {
        let mut content = Vec::new();
        let read = MultiGzDecoder::new(coded)
            .take(3 << 20)
            .read_to_end(&mut content);
        read.map(|_| content)
    };
    assert_eq!(decode(&content_of(codings::GZIP)).expect("gzip"), b"hello");
    let twice = decode(&content_of(codings::GZIP_TWICE)).expect("gzip");
    assert_eq!(decode(&twice).expect("gzip"), b"hello");

    let bomb = content_of(codings::GZIP_BOMB);
    assert!(bomb.len() < 1 << 19, "{} bytes of a bomb", bomb.len());
    assert_eq!(decode(&bomb).expect("gzip"), vec![0; 3 << 20]);
    let size = bomb.last_chunk::<4>().copied().map(u32::from_le_bytes);
    assert_eq!(size, Some(256 << 20));
    let outer = content_of(codings::GZIP_BOMB_TWICE);
    assert!(outer.len() < 1 << 14, "{} bytes of a bomb", outer.len());
    assert_eq!(decode(&outer).expect("gzip"), bomb);

    for lie in [
        codings::NO_GZIP,
        codings::GZIP_CUT,
        codings::GZIP_WRONG_CHECKSUM,
    ] {
        assert!(decode(&content_of(lie)).is_err(), "{}", lie.name);
    }
}

#[test]
fn names_are_unique() {
    let all: Vec<_> = all().collect();
    let groups = [
        connection::ALL,
        malformed::ALL,
        framing::ALL,
        endless::ALL,
        slow::ALL,
        interim::ALL,
        reuse::ALL,
        redirects::ALL,
        codings::ALL,
        tls::ALL,
    ];
    for group in groups {
        let names: HashSet<_> = group.iter().map(|behaviour| behaviour.name).collect();
        assert_eq!(names.len(), group.len());
    }
    assert_eq!(
        all.len(),
        groups.iter().map(|group| group.len()).sum::<usize>()
    );
}
