//! The feed of the live panel.

use super::client::Client;
use super::program::{PATIENCE, Program, command};
use serde_json::Value;

/// Opens the feed, and reads its head.
fn open(program: &Program, fields: &str) -> (Client, String) {
    let mut client = program.connect();
    client.send(format!("GET /live HTTP/1.1\r\nHost: a\r\n{fields}\r\n"));
    let head = client.head();
    (client, head)
}

/// The steps of the next request, up to its end.
fn next(feed: &mut Client) -> Vec<Value> {
    let mut text = String::new();
    let mut steps = Vec::new();
    loop {
        text.push_str(&String::from_utf8(feed.chunk()).expect("UTF-8"));
        while let Some((event, rest)) = text.clone().split_once("\n\n") {
            text = rest.to_owned();
            let Some(data) = event.strip_prefix("event: step\ndata: ") else {
                continue;
            };
            let step: Value = serde_json::from_str(data).expect("JSON");
            let ended = step["step"] == "Ended";
            steps.push(step);
            if ended {
                return steps;
            }
        }
    }
}

fn names(steps: &[Value]) -> Vec<&str> {
    steps
        .iter()
        .filter_map(|step| step["step"].as_str())
        .collect()
}

#[test]
fn each_step_of_a_request_is_shown_with_its_time() {
    let program = Program::start();
    let (mut feed, head) = open(&program, "");
    assert!(
        head.starts_with("HTTP/1.1 200 ") && head.contains("text/event-stream"),
        "{head}"
    );
    assert!(
        !head.to_ascii_lowercase().contains("access-control"),
        "{head}"
    );
    let mut client = program.connect();
    client.send("POST /echo?a=b HTTP/1.1\r\nHost: a\r\nX-A: 1\r\nContent-Length: 2\r\n\r\nhi");
    client.answer("POST");
    let steps = next(&mut feed);
    let names = names(&steps);
    assert_eq!(names.first(), Some(&"Head"));
    for step in [
        "FirstBodyByte",
        "BodyEnd",
        "HandlerStart",
        "ResponseHead",
        "HeadFlushed",
        "LastByteFlushed",
    ] {
        assert!(names.contains(&step), "{step} in {names:?}");
    }
    assert_eq!(
        (&steps[0]["method"], &steps[0]["target"]),
        (&"POST".into(), &"/echo?a=b".into())
    );
    assert_eq!(steps[0]["fields"][1][1], "1");
    let times: Vec<f64> = steps
        .iter()
        .filter_map(|step| step["ms"].as_f64())
        .collect();
    assert!(times.len() == steps.len() && times.is_sorted(), "{times:?}");
    let ids: Vec<&Value> = steps.iter().map(|step| &step["id"]).collect();
    assert!(ids.windows(2).all(|pair| pair[0] == pair[1]), "{ids:?}");
    // Input that is no request is shown too.
    let mut client = program.connect();
    client.send("nonsense\r\n\r\n");
    client.answer("GET");
    let steps = next(&mut feed);
    assert_eq!(steps[0]["step"], "Failed");
    assert_eq!(steps[0]["status"], 400);
}

#[test]
fn secrets_are_masked() {
    let program = Program::start();
    let (mut feed, _) = open(&program, "");
    let fields = "Authorization: Basic Z2VoZWlt\r\nCookie: id=geheim\r\nX-Api-Key: geheim\r\nReferer: http://a:geheim@b/?token=geheim\r\n";
    for target in [
        "/headers?access_token=geheim&x=1",
        "/basic-auth/ada/geheim",
        "/cookies/set?id=geheim",
        "/redirect-to?url=http://a:geheim@b/",
        "http://a:80/bearer?password=geheim",
    ] {
        program.connect().ask("GET", target, fields);
        for step in next(&mut feed) {
            let text = step.to_string();
            assert!(
                !text.contains("geheim") && !text.contains("Z2VoZWlt"),
                "{target}: {text}"
            );
        }
    }
}

#[test]
fn other_origins_cannot_read() {
    let program = Program::start();
    for (fields, status) in [
        ("Sec-Fetch-Site: cross-site\r\n", 403),
        ("Sec-Fetch-Site: same-site\r\n", 403),
        ("Origin: http://b\r\n", 403),
        ("Origin: null\r\n", 403),
        ("Origin: http://a\r\nSec-Fetch-Site: same-origin\r\n", 200),
        ("Sec-Fetch-Site: none\r\n", 200),
    ] {
        let (_, head) = open(&program, fields);
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status} ")),
            "{fields}{head}"
        );
        assert!(
            !head.to_ascii_lowercase().contains("access-control"),
            "{head}"
        );
    }
}

#[test]
fn the_feed_can_be_bounded_and_turned_off() {
    let program = Program::start();
    assert_eq!(
        program.connect().get("/live?seconds=0.01").text(),
        "retry: 2000\n\n"
    );
    for flag in ["--quiet", "--no-panel"] {
        let program = Program::start_with(&mut command(&["echo", "--port", "0", flag]));
        let answer = program.connect().get("/live");
        assert_eq!(answer.status, 503);
        assert!(
            answer.text().contains("the live panel is off"),
            "{}",
            answer.text()
        );
    }
}

#[test]
fn a_page_that_does_not_read_holds_nothing_up() {
    let program = Program::start();
    // It reads nothing but the head.
    let (_feed, _) = open(&program, "");
    let mut client = program.connect();
    for _ in 0..20 {
        client.send("GET /json HTTP/1.1\r\nHost: a\r\n\r\n".repeat(500));
        for _ in 0..500 {
            client.answer("GET");
        }
    }
    // A second page gets the rate that is shown, and the count of the rest.
    let (mut feed, _) = open(&program, "");
    client.send("GET /json HTTP/1.1\r\nHost: a\r\n\r\n".repeat(500));
    let mut text = String::new();
    let began = std::time::Instant::now();
    while !text.contains("event: lost") {
        assert!(began.elapsed() < PATIENCE, "{text}");
        text.push_str(&String::from_utf8(feed.chunk()).expect("UTF-8"));
    }
}

#[test]
fn a_stop_ends_the_feed_at_once() {
    let mut program = Program::start();
    let (mut feed, _) = open(&program, "");
    program.signal("TERM");
    let began = std::time::Instant::now();
    while !feed.chunk().is_empty() {}
    assert!(program.wait().success());
    assert!(
        began.elapsed().as_secs() < 5,
        "it took {:?}",
        began.elapsed()
    );
}
