//! Automatic fields that are switched off, and the Trailer field, which selects chunks (RFC 9112 §6.3, RFC 9110 §6.6.2).

use crate::encoder::server;
use hearken_proto::{
    BodyLength, Connection, Fields, Half, Length, Limits, Misuse, Request, Response, Role, Without,
};

const GET: &str = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const GET10: &str = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";

fn without(change: impl FnOnce(&mut Without)) -> Without {
    let mut without = Without::default();
    change(&mut without);
    without
}

/// The head that is sent, how the content is framed, and whether the connection stays.
fn head(
    request: &str,
    fields: &[(&str, &str)],
    length: Length,
    without: Without,
) -> Result<(String, BodyLength, bool), Misuse> {
    let mut server = server(request);
    let mut list = Fields::new();
    for (name, value) in fields {
        list.append(name, value).unwrap();
    }
    let mut response = Response::new(200, &list, length);
    response.without = without;
    let mut out = Vec::new();
    let body = server.send_response(&response, &mut out)?;
    if let (Length::Known(length), true) = (length, server.can_send_content()) {
        server.send_content(&vec![b'x'; length as usize], &mut Vec::new())?;
    }
    server.send_end(None, &mut Vec::new())?;
    let stays = server.halves().1 == Half::Idle;
    Ok((String::from_utf8(out).unwrap(), body, stays))
}

fn added_fields(head: &str) -> &str {
    head.strip_prefix("HTTP/1.1 200 OK\r\n").unwrap()
}

#[test]
fn without_content_length_content_is_chunked() {
    let off = without(|without| without.content_length = true);
    let (text, body, stays) = head(GET, &[], Length::Known(3), off).unwrap();
    assert_eq!(added_fields(&text), "Transfer-Encoding: chunked\r\n\r\n");
    assert_eq!((body, stays), (BodyLength::Chunked, true));
    // A Content-Length among the fields is used.
    let (text, body, _) = head(GET, &[("Content-Length", "3")], Length::Known(3), off).unwrap();
    assert_eq!(added_fields(&text), "Content-Length: 3\r\n\r\n");
    assert_eq!(body, BodyLength::Length(3));
}

#[test]
fn without_both_content_ends_at_close() {
    let off = without(|without| {
        without.content_length = true;
        without.transfer_encoding = true;
    });
    let (text, body, stays) = head(GET, &[], Length::Known(3), off).unwrap();
    assert_eq!(added_fields(&text), "Connection: close\r\n\r\n");
    assert_eq!((body, stays), (BodyLength::UntilClose, false));
}

#[test]
fn without_transfer_encoding_a_known_length_is_declared() {
    let off = without(|without| without.transfer_encoding = true);
    let (text, _, stays) = head(GET, &[], Length::Known(3), off).unwrap();
    assert_eq!(
        (added_fields(&text), stays),
        ("Content-Length: 3\r\n\r\n", true)
    );
    let (text, body, stays) = head(GET, &[], Length::Unknown, off).unwrap();
    assert_eq!(added_fields(&text), "Connection: close\r\n\r\n");
    assert_eq!((body, stays), (BodyLength::UntilClose, false));
}

#[test]
fn without_connection_the_close_is_not_declared() {
    let off = without(|without| {
        without.content_length = true;
        without.transfer_encoding = true;
        without.connection = true;
    });
    let (text, _, stays) = head(GET, &[], Length::Known(3), off).unwrap();
    assert_eq!((added_fields(&text), stays), ("\r\n", false));
    let off = without(|without| without.connection = true);
    let (text, _, stays) = head(GET10, &[], Length::Known(3), off).unwrap();
    assert_eq!(
        (added_fields(&text), stays),
        ("Content-Length: 3\r\n\r\n", false)
    );
    let keep = [("Connection", "keep-alive")];
    let (text, _, stays) = head(GET10, &keep, Length::Known(3), off).unwrap();
    assert_eq!(
        (added_fields(&text), stays),
        ("Connection: keep-alive\r\nContent-Length: 3\r\n\r\n", true)
    );
}

#[test]
fn a_trailer_field_selects_chunks() {
    let trailer = [("Trailer", "X-Sum")];
    let (text, body, _) = head(GET, &trailer, Length::Known(3), Without::default()).unwrap();
    assert_eq!(
        added_fields(&text),
        "Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n"
    );
    assert_eq!(body, BodyLength::Chunked);
}

#[test]
fn a_trailer_field_without_a_trailer_section_is_rejected() {
    let both = [("Trailer", "X-Sum"), ("Content-Length", "3")];
    let refused = head(GET, &both, Length::Known(3), Without::default());
    assert_eq!(refused.unwrap_err(), Misuse::TrailersNotAllowed);
    let off = without(|without| without.transfer_encoding = true);
    let refused = head(GET, &[("Trailer", "X-Sum")], Length::Unknown, off);
    assert_eq!(refused.unwrap_err(), Misuse::TrailersNotAllowed);
}

#[test]
fn a_trailer_field_is_ignored_where_no_trailers_are_sent() {
    // The handler knows neither the version of the client nor that the request is HEAD.
    let trailer = [("Trailer", "X-Sum")];
    let (_, body, _) = head(GET10, &trailer, Length::Known(3), Without::default()).unwrap();
    assert_eq!(body, BodyLength::UntilClose);
    let request = "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n";
    let (text, body, stays) =
        head(request, &trailer, Length::Known(3), Without::default()).unwrap();
    assert_eq!(added_fields(&text), "Trailer: X-Sum\r\n\r\n");
    assert_eq!((body, stays), (BodyLength::None, true));
}

#[test]
fn a_request_keeps_the_same_rule() {
    let mut fields = Fields::new();
    fields.set("Host", "a").unwrap();
    fields.set("Trailer", "X-Sum").unwrap();
    let send = |fields: &Fields| {
        let mut client = Connection::new(Role::Client, &Limits::default());
        client.send_request(
            &Request::new("POST", "/", fields, Length::Known(3)),
            &mut Vec::new(),
        )
    };
    assert_eq!(send(&fields), Ok(BodyLength::Chunked));
    fields.set("Content-Length", "3").unwrap();
    assert_eq!(send(&fields), Err(Misuse::TrailersNotAllowed));
}
