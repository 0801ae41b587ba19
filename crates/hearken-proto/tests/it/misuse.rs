//! Calls that are rejected: every misuse is provoked, and line breaks are rejected in every argument.

use crate::encoder::{requested, server};
use hearken_proto::{
    Connection, Date, Fields, Half, Length, Limits, Misuse, Request, Response, Role,
};
use hearken_testkit::{Say, escape, talk};
use std::collections::BTreeSet;

/// Every misuse, and the call that provokes it.
#[test]
fn every_misuse_can_be_provoked() {
    let mut seen = BTreeSet::new();
    let mut note = |misuse: Result<(), Misuse>| {
        seen.insert(
            misuse
                .expect_err("an order that cannot be carried out")
                .code(),
        );
    };
    let mut fields = Fields::new();
    note(fields.append("a b", "c"));
    note(fields.append("a", "b\r\nc: d"));
    assert!(fields.view().is_empty());
    let provoked: &[(Role, Say<'_>)] = &[
        (Role::Client, Say::Request("G T", "/", Length::Known(0))),
        (Role::Client, Say::Request("GET", "/a b", Length::Known(0))),
        (
            Role::Client,
            Say::RequestWith("GET", "/", Length::Known(0), &[("Host", "a,b")]),
        ),
        (
            Role::Client,
            Say::Request("CONNECT", "a:1", Length::Known(1)),
        ),
        (Role::Server, Say::Head(99, Length::Known(0))),
        (
            Role::Server,
            Say::HeadWith(200, Length::Unknown, &[("Content-Length", "5, 5")]),
        ),
        (
            Role::Server,
            Say::HeadWith(200, Length::Unknown, &[("Transfer-Encoding", "gzip")]),
        ),
        (
            Role::Server,
            Say::HeadWith(200, Length::Known(6), &[("Content-Length", "5")]),
        ),
        (
            Role::Server,
            Say::HeadWith(200, Length::Known(4), &[("Content-Length", "5")]),
        ),
        (Role::Server, Say::Head(101, Length::Known(0))),
        (Role::Server, Say::End),
    ];
    for (role, say) in provoked {
        let end = match role {
            Role::Server => requested("1.1"),
            Role::Client => talk(*role),
        };
        end.with(|it| note(try_say(it, *say)));
    }
    provoke_directly(&mut note);
    let all: BTreeSet<_> = Misuse::ALL.iter().map(Misuse::code).collect();
    assert_eq!(seen, all);
}

/// The misuses that a dialogue cannot express.
fn provoke_directly(note: &mut impl FnMut(Result<(), Misuse>)) {
    let fields = Fields::new();
    let mut server = server("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut out = Vec::new();
    let mut response = Response::new(200, &fields, Length::Unknown);
    response.reason = Some(b"O\nK");
    note(server.send_response(&response, &mut out).map(drop));
    let mut client = Connection::new(Role::Client, &Limits::default());
    let request = Request::new("GET", "/", &fields, Length::Known(0));
    note(client.send_request(&request, &mut out).map(drop));
    response.reason = None;
    let hints = Response::new(103, &fields, Length::Unknown);
    for _ in 0..64 {
        server
            .send_response(&hints, &mut out)
            .expect("so many are legal");
    }
    note(server.send_response(&hints, &mut out).map(drop));
    server
        .send_response(&response, &mut out)
        .expect("now it is legal");
    note(server.send_response(&hints, &mut out).map(drop));
    let mut trailers = Fields::new();
    trailers
        .append("Content-Length", "1")
        .expect("a legal field");
    note(server.send_end(Some(&trailers), &mut out));
    trailers.clear();
    trailers.append("X", "y").expect("a legal field");
    server
        .send_end(Some(&trailers), &mut out)
        .expect("now it is legal");
    server
        .receive(b"GET / HTTP/1.0\r\n\r\n")
        .expect("a legal request");
    server.receive(b"").expect("its end");
    response.length = Length::Known(0);
    server
        .send_response(&response, &mut out)
        .expect("a legal response");
    note(server.send_end(Some(&trailers), &mut out));
}

fn try_say(connection: &mut Connection, say: Say<'_>) -> Result<(), Misuse> {
    let mut fields = Fields::new();
    let mut out = Vec::new();
    let result = match say {
        Say::Head(status, length) => {
            let response = Response::new(status, &fields, length);
            connection.send_response(&response, &mut out).map(drop)
        }
        Say::HeadWith(status, length, pairs) => {
            for (name, value) in pairs {
                fields.append(name, value)?;
            }
            let response = Response::new(status, &fields, length);
            connection.send_response(&response, &mut out).map(drop)
        }
        Say::Request(method, target, length) => {
            fields.append("Host", "a")?;
            let request = Request::new(method, target, &fields, length);
            connection.send_request(&request, &mut out).map(drop)
        }
        Say::RequestWith(method, target, length, pairs) => {
            for (name, value) in pairs {
                fields.append(name, value)?;
            }
            let request = Request::new(method, target, &fields, length);
            connection.send_request(&request, &mut out).map(drop)
        }
        _ => connection.send_end(None, &mut out),
    };
    assert_eq!(escape(&out), "", "what is refused leaves no trace");
    result
}

/// CR, LF and NUL, and every other control character, in each argument that takes bytes.
#[test]
fn line_breaks_are_rejected_everywhere() {
    let mut bad: Vec<u8> = (0..0x20).chain([0x7f]).collect();
    bad.retain(|&byte| byte != b'\t');
    for byte in bad {
        let text = [b'a', byte, b'b'];
        let mut fields = Fields::new();
        assert_eq!(
            fields.append(text, "v"),
            Err(Misuse::FieldName),
            "{byte:#x}"
        );
        assert_eq!(fields.set(text, "v"), Err(Misuse::FieldName), "{byte:#x}");
        assert_eq!(
            fields.append("n", text),
            Err(Misuse::FieldValue),
            "{byte:#x}"
        );
        assert_eq!(fields.set("n", text), Err(Misuse::FieldValue), "{byte:#x}");
        assert!(fields.view().is_empty());
        let mut date = *b"Sun, 06 Nov 1994 08:49:37 GMT";
        date[11] = byte;
        assert_eq!(
            Date::new(&date).err(),
            Some(Misuse::FieldValue),
            "{byte:#x}"
        );

        let mut out = Vec::new();
        let mut response = Response::new(200, &fields, Length::Known(0));
        response.reason = Some(&text);
        let mut server = server("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let refused = server.send_response(&response, &mut out);
        assert_eq!(refused, Err(Misuse::Reason), "{byte:#x}");

        let text = String::from_utf8(text.to_vec()).expect("ASCII");
        fields.append("Host", "a").expect("a legal field");
        let mut client = Connection::new(Role::Client, &Limits::default());
        let request = Request::new(&text, "/", &fields, Length::Known(0));
        let refused = client.send_request(&request, &mut out);
        assert_eq!(refused, Err(Misuse::Method), "{byte:#x}");
        let target = format!("/{text}");
        let request = Request::new("GET", &target, &fields, Length::Known(0));
        let refused = client.send_request(&request, &mut out);
        assert_eq!(refused, Err(Misuse::Target), "{byte:#x}");
        assert_eq!(escape(&out), "");
    }
}

#[test]
fn malformed_framing_fields_are_rejected() {
    let refused: &[(&str, &str, Misuse)] = &[
        ("Content-Length", "", Misuse::ContentLength),
        ("Content-Length", "+5", Misuse::ContentLength),
        ("Content-Length", "0x5", Misuse::ContentLength),
        ("content-length", "9007199254740992", Misuse::ContentLength),
        ("Transfer-Encoding", "", Misuse::TransferEncoding),
        (
            "transfer-encoding",
            "chunked, chunked",
            Misuse::TransferEncoding,
        ),
        ("Transfer-Encoding", "identity", Misuse::TransferEncoding),
    ];
    for (name, value, misuse) in refused {
        requested("1.1")
            .refuse(
                Say::HeadWith(200, Length::Unknown, &[(name, value)]),
                *misuse,
            )
            .halves(Half::Done, Half::Idle);
    }
    for name in ["Content-Length", "Transfer-Encoding"] {
        let value = if name == "Content-Length" {
            "5"
        } else {
            "chunked"
        };
        let twice = [(name, value), (name, value)];
        let (_, _, misuse) = refused.iter().find(|row| row.0 == name).expect("a row");
        requested("1.1").refuse(Say::HeadWith(200, Length::Unknown, &twice), *misuse);
    }
}
