//! The fast paths have the same results as the general ones: whole responses, usual responses, repeated Host lines.

use crate::encoder::server;
use hearken_proto::{
    Connection, Date, Event, Fields, Half, Length, Limits, Misuse, Response, Role,
};

const REQUESTS: [&str; 6] = [
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n",
];

const FIELDS: [&[(&str, &str)]; 6] = [
    &[],
    &[("Content-Type", "text/plain"), ("X", "")],
    &[("Content-Length", "2")],
    &[("Transfer-Encoding", "chunked")],
    &[("Connection", "close"), ("Date", "today")],
    &[("Trailer", "x")],
];

const STATUSES: [u16; 12] = [99, 103, 200, 201, 204, 205, 206, 299, 304, 404, 999, 1000];

fn fields(lines: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in lines {
        fields.append(name, value).unwrap();
    }
    fields
}

type Sent = (Result<(), Misuse>, Vec<u8>, (Half, Half), bool);

fn state(sent: Result<(), Misuse>, out: Vec<u8>, server: &Connection) -> Sent {
    (sent, out, server.halves(), server.persistent())
}

fn in_steps(server: &mut Connection, response: &Response<'_>, content: &[u8]) -> Sent {
    let mut out = Vec::new();
    let mut response = *response;
    response.length = Length::Known(content.len() as u64);
    let sent = (|| {
        server.send_response(&response, &mut out)?;
        if server.can_send_content() {
            server.send_content(content, &mut out)?;
        }
        if server.halves().1 == Half::Body {
            server.send_end(None, &mut out)?;
        }
        Ok(())
    })();
    state(sent, out, server)
}

#[test]
fn a_whole_response_is_the_same_as_its_parts() {
    let date = Date::new(b"Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
    for request in REQUESTS {
        for status in STATUSES {
            for lines in FIELDS {
                for content in [&b""[..], b"ok", b"0123456789"] {
                    let fields = fields(lines);
                    let mut response = Response::new(status, &fields, Length::Unknown);
                    response.date = (status % 2 == 0).then_some(&date);
                    let expected = in_steps(&mut server(request), &response, content);

                    let (mut server, mut out) = (server(request), Vec::new());
                    let sent = server.send_whole_response(&response, content, &mut out);
                    let sent = state(sent.map(drop), out, &server);
                    assert_eq!(sent, expected, "{status} {lines:?} to {request:?}");
                }
            }
        }
    }
}

#[test]
fn a_usual_response_is_the_same_as_one_with_all_rules() {
    let date = Date::new(b"Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
    for length in [0, 9, 10, 99, 100, 12_345, u64::from(u32::MAX), u64::MAX] {
        for status in STATUSES {
            let mut out = [Vec::new(), Vec::new()];
            for (unusual, out) in out.iter_mut().enumerate() {
                let mut fields = fields(FIELDS[1]);
                if unusual == 1 {
                    // The set remembers that it had such a field: all rules are applied.
                    fields.append("Connection", "close").unwrap();
                    fields.remove("Connection");
                }
                let mut response = Response::new(status, &fields, Length::Known(length));
                response.date = Some(&date);
                let _ = server(REQUESTS[0]).send_response(&response, out);
            }
            assert_eq!(out[0], out[1], "{status}, {length} bytes");
        }
    }
}

#[test]
fn a_whole_response_out_of_order_writes_nothing() {
    let fields = Fields::new();
    let response = Response::new(200, &fields, Length::Unknown);
    let mut out = Vec::new();
    let mut client = Connection::new(Role::Client, &Limits::default());
    let sent = client.send_whole_response(&response, b"ok", &mut out);
    assert_eq!(sent, Err(Misuse::OutOfOrder));

    let mut server = server(REQUESTS[0]);
    server
        .send_response(&Response::new(200, &fields, Length::Known(2)), &mut out)
        .unwrap();
    out.clear();
    let sent = server.send_whole_response(&response, b"ok", &mut out);
    assert_eq!((sent, out.len()), (Err(Misuse::OutOfOrder), 0));
}

/// The hosts that a server reads from successive requests, up to the first error.
fn hosts(input: &str) -> Vec<String> {
    let mut server = Connection::new(Role::Server, &Limits::default());
    let (mut input, mut seen, fields) = (input.as_bytes(), Vec::new(), Fields::new());
    while !input.is_empty() {
        match server.receive(input) {
            Err(error) => {
                seen.push(error.code().to_owned());
                break;
            }
            Ok((consumed, event)) => {
                input = &input[consumed..];
                if let Some(Event::Head { .. }) = event {
                    let host = server.head().fields().get("host").unwrap_or_default();
                    seen.push(String::from_utf8_lossy(host).into_owned());
                    server.receive(input).unwrap();
                    let response = Response::new(200, &fields, Length::Unknown);
                    let sent = server.send_whole_response(&response, b"", &mut Vec::new());
                    sent.unwrap();
                }
            }
        }
    }
    seen
}

#[test]
fn a_repeated_host_line_is_read_like_the_first() {
    let get = |host: &str| format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let long = "a".repeat(60);
    let input = ["a:80", "a:80", "a:8", "a:8080", "A:8080", &long, "b", "a:8"];
    let requests: String = input.iter().map(|host| get(host)).collect();
    assert_eq!(hosts(&requests), input);

    let twice = get("a") + "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n";
    assert_eq!(hosts(&twice), ["a", "H1_HOST_DUPLICATE"]);
    assert_eq!(hosts(&(get("a") + &get("a:65536"))), ["a", "H1_HOST"]);
    let later = get("a") + "GET / HTTP/1.1\r\nX: y\r\nHost: a\r\n\r\n" + &get("a");
    assert_eq!(hosts(&later), ["a", "a", "a"]);
}

#[test]
fn a_repeated_host_line_counts_as_a_field() {
    let mut limits = Limits::default();
    limits.head.fields_max = 0;
    let mut server = Connection::new(Role::Server, &Limits::default());
    let request = REQUESTS[0].as_bytes();
    server.receive(request).unwrap();
    server.receive(b"").unwrap();
    let fields = Fields::new();
    let response = Response::new(200, &fields, Length::Unknown);
    let sent = server.send_whole_response(&response, b"", &mut Vec::new());
    sent.unwrap();
    server.set_limits(&limits);
    assert_eq!(server.receive(request).unwrap_err().code(), "LIMIT_FIELDS");
}
