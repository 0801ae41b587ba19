//! Conditional requests on a file and on content of one's own (RFC 9110 §13.2.2).

use super::harness::{Link, file, serve};
use crate::message::{EntityTag, Precondition, SendFile, Validators};
use crate::{IncomingMessage, ServerResponse};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

/// 1994, as [`DATE`].
fn changed() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(784_111_777_250)
}

/// A server with one file, its tag is `"v1"`.
fn of_file() -> Link {
    let file = file(b"0123456789");
    file.set_modified(changed()).unwrap();
    let file = Rc::new(file);
    serve(async move |_req, res| {
        let copy = SendFile::from(file.try_clone()?)
            .named("a.txt")
            .with_validators();
        let res = res.set("ETag", "\"v1\"").set("Vary", "Accept");
        res.send_file(copy).await
    })
    .connect()
}

/// The same, as content of its own.
fn of_content() -> Link {
    serve(async |req: IncomingMessage, res: ServerResponse| {
        let tag = EntityTag::strong("v1")?;
        let validators = Validators::new().etag(tag).modified(changed());
        let res = res.set("Content-Type", "text/plain; charset=utf-8");
        let res = res.set("Vary", "Accept").validators(&validators);
        let precondition = req.preconditions(&validators);
        let ranges = precondition.ranges(&req, 10);
        match precondition {
            Precondition::Met { .. } => match ranges {
                crate::message::Ranges::One(range) => {
                    let (start, end) = (range.start as usize, range.end as usize);
                    Ok(res.status(206).end(&b"0123456789"[start..end]))
                }
                _ => Ok(res.end("0123456789")),
            },
            unmet => Ok(res.end_unmet(unmet)),
        }
    })
    .connect()
}

fn status(heard: &str) -> u16 {
    heard[9..12].parse().unwrap()
}

/// Asks both servers.
#[track_caller]
fn check(method: &str, fields: &[(&str, &str)], expected: u16) {
    for (name, mut link) in [("file", of_file()), ("content", of_content())] {
        let heard = link.ask(method, fields);
        assert_eq!(
            status(&heard),
            expected,
            "{name} {method} {fields:?}: {heard}"
        );
        if expected == 304 {
            let (head, body) = heard.split_once("\r\n\r\n").unwrap();
            assert_eq!(body, "");
            let head = head.to_ascii_lowercase();
            for line in ["etag: \"v1\"", "vary: accept", "date: "] {
                assert!(head.contains(line), "{name}: {line} of a 200: {head}");
            }
            assert!(!head.contains("content-"), "{name}: {head}");
        }
    }
}

const RANGE: (&str, &str) = ("Range", "bytes=0-1");

#[test]
fn if_match_is_the_first_condition() {
    check("GET", &[("If-Match", "\"v1\"")], 200);
    check("GET", &[("If-Match", "*")], 200);
    check("GET", &[("If-Match", "\"x\", \"v1\"")], 200);
    check("GET", &[("If-Match", "\"x\""), ("If-Match", "\"v1\"")], 200);
    check("GET", &[("If-Match", "\"nope\"")], 412);
    check("GET", &[("If-Match", "W/\"v1\"")], 412);
    check("GET", &[("If-Match", "v1")], 412);
    check("HEAD", &[("If-Match", "\"nope\"")], 412);
    check("PUT", &[("If-Match", "\"nope\"")], 412);
    check("DELETE", &[("If-Match", "\"v1\"")], 200);
    // Before a range, and before the others.
    check("GET", &[("If-Match", "\"nope\""), RANGE], 412);
    check("GET", &[("If-Match", "\"v1\""), RANGE], 206);
    check(
        "GET",
        &[("If-Match", "\"nope\""), ("If-None-Match", "\"v1\"")],
        412,
    );
    check(
        "GET",
        &[("If-Match", "\"v1\""), ("If-None-Match", "\"v1\"")],
        304,
    );
    check(
        "GET",
        &[("If-Match", "\"v1\""), ("If-Unmodified-Since", EARLIER)],
        200,
    );
}

#[test]
fn if_unmodified_since_is_the_second() {
    check("GET", &[("If-Unmodified-Since", DATE)], 200);
    check("GET", &[("If-Unmodified-Since", LATER)], 200);
    check("GET", &[("If-Unmodified-Since", EARLIER)], 412);
    check("PUT", &[("If-Unmodified-Since", EARLIER)], 412);
    check(
        "GET",
        &[("If-Unmodified-Since", "Sun, 06 Nov 1904 08:49:37 GMT")],
        412,
    );
    check("GET", &[("If-Unmodified-Since", "yesterday")], 200);
    check("GET", &[("If-Unmodified-Since", EARLIER), RANGE], 412);
    check(
        "GET",
        &[
            ("If-Unmodified-Since", EARLIER),
            ("If-Modified-Since", DATE),
        ],
        412,
    );
    let twice = [
        ("If-Unmodified-Since", EARLIER),
        ("If-Unmodified-Since", EARLIER),
    ];
    check("GET", &twice, 200);
}

#[test]
fn if_none_match_is_the_third() {
    for list in [
        "\"v1\"",
        "W/\"v1\"",
        "*",
        "\"x\", W/\"v1\", \"y\"",
        "\"a,b\",\"v1\"",
    ] {
        check("GET", &[("If-None-Match", list)], 304);
        check("HEAD", &[("If-None-Match", list)], 304);
        check("POST", &[("If-None-Match", list)], 412);
        check("GET", &[("If-None-Match", list), RANGE], 304);
    }
    for list in ["\"v2\"", "v1", "", "\"v1", "w/\"v1\""] {
        check("GET", &[("If-None-Match", list)], 200);
        check("PUT", &[("If-None-Match", list)], 200);
    }
    // If-Modified-Since is ignored beside it.
    check(
        "GET",
        &[("If-None-Match", "\"v2\""), ("If-Modified-Since", LATER)],
        200,
    );
    check(
        "GET",
        &[("If-None-Match", "\"v1\""), ("If-Modified-Since", EARLIER)],
        304,
    );
    let lines = [("If-None-Match", "\"x\""), ("If-None-Match", "\"v1\"")];
    check("GET", &lines, 304);
}

#[test]
fn if_modified_since_is_the_fourth_for_get_and_head_alone() {
    for date in [
        DATE,
        LATER,
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Fri, 31 Dec 9999 23:59:59 GMT",
    ] {
        check("GET", &[("If-Modified-Since", date)], 304);
        check("HEAD", &[("If-Modified-Since", date)], 304);
        check("GET", &[("If-Modified-Since", date), RANGE], 304);
        check("POST", &[("If-Modified-Since", date)], 200);
    }
    for date in [
        EARLIER,
        "Sun, 06 Nov 1904 08:49:37 GMT",
        "1994",
        "",
        "Sun, 31 Feb 1994 08:49:37 GMT",
    ] {
        check("GET", &[("If-Modified-Since", date)], 200);
    }
    check(
        "GET",
        &[("If-Modified-Since", DATE), ("If-Modified-Since", DATE)],
        200,
    );
}

#[test]
fn if_range_is_the_last() {
    check("GET", &[RANGE, ("If-Range", "\"v1\"")], 206);
    check("GET", &[RANGE, ("If-Range", DATE)], 206);
    for other in ["\"v2\"", "W/\"v1\"", EARLIER, LATER, "", "*"] {
        check("GET", &[RANGE, ("If-Range", other)], 200);
    }
    check(
        "GET",
        &[RANGE, ("If-Range", "\"v1\""), ("If-Range", "\"v1\"")],
        200,
    );
    check("GET", &[("If-Range", "\"v1\"")], 200);
    check("HEAD", &[RANGE, ("If-Range", "\"v1\"")], 200);
    let out_of_range = ("Range", "bytes=99-");
    let heard = of_file().ask("GET", &[out_of_range, ("If-Range", "\"v1\"")]);
    assert_eq!(status(&heard), 416, "{heard}");
    let heard = of_file().ask("GET", &[out_of_range, ("If-Range", "\"v2\"")]);
    assert_eq!(status(&heard), 200, "{heard}");
}

#[test]
fn methods_that_select_no_representation_have_no_condition() {
    check("OPTIONS", &[("If-Match", "\"nope\"")], 200);
    check("TRACE", &[("If-None-Match", "*")], 200);
}

#[test]
fn a_response_other_than_200_ignores_conditions() {
    let file = Rc::new(file(b"gone"));
    let mut link = serve(async move |_req, res| {
        let copy = SendFile::from(file.try_clone()?).with_validators();
        res.status(404).send_file(copy).await
    })
    .connect();
    for condition in [("If-Match", "\"nope\""), ("If-None-Match", "*"), RANGE] {
        assert_eq!(status(&link.ask("GET", &[condition])), 404);
    }
}

#[test]
fn a_file_may_have_any_time() {
    let earlier = |seconds| SystemTime::UNIX_EPOCH - Duration::from_secs(seconds);
    let later = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    let now = super::harness::NOW;
    for (time, sent) in [
        (earlier(185_760_000), "Wed, 12 Feb 1964 00:00:00 GMT"),
        (earlier(1), "Wed, 31 Dec 1969 23:59:59 GMT"),
        (later(0), "Thu, 01 Jan 1970 00:00:00 GMT"),
        // In the future: the date of the response.
        (later(now + 1), "Tue, 02 Oct 2096 07:06:40 GMT"),
        (later(253_402_300_800), "Tue, 02 Oct 2096 07:06:40 GMT"),
    ] {
        let file = file(b"0123456789");
        if file.set_modified(time).is_err() {
            continue; // this file system cannot store it
        }
        let stored = file.metadata().unwrap().modified().unwrap();
        let file = Rc::new(file);
        let mut link = serve(async move |_req, res| {
            let copy = SendFile::from(file.try_clone()?).with_validators();
            res.send_file(copy).await
        })
        .connect();
        let heard = link.ask("GET", &[]);
        assert_eq!(status(&heard), 200, "{heard}");
        if stored == time {
            let line = format!("Last-Modified: {sent}\r\n");
            assert!(heard.contains(&line), "{sent}: {heard}");
        }
        let (_, tag) = heard.split_once("ETag: ").unwrap();
        let (tag, _) = tag.split_once("\r\n").unwrap();
        let again = link.ask("GET", &[("If-None-Match", tag)]);
        assert_eq!(status(&again), 304, "{again}");
        let again = link.ask("GET", &[("If-Modified-Since", sent)]);
        assert_eq!(status(&again), 304, "{again}");
    }
}
