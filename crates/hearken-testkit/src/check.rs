//! Checks that hold for any bytes, shared by property tests, fuzz targets and the replay of seeds.
//!
//! Here: cuts do not matter, nothing panics, nothing is accepted after an error, and another parser (httparse) accepts
//! the same input and reads the same message. Not here: orders of our caller (`operations.rs`).

use crate::{Setup, diff, escape, transcript};
use hearken_proto::{
    BodyLength, Chunk, ChunkedDecoder, Connection, Event, Head, Limits, Role, Version, chunk_head,
};

/// Any bytes as requests to a server.
///
/// # Panics
/// When a promise does not hold.
pub fn check_request(bytes: &[u8]) {
    for limits in [Limits::default(), tight()] {
        for eof in [false, true] {
            let setup = Setup {
                limits: limits.clone(),
                eof,
                switch: eof,
                ..Setup::server()
            };
            check_cuts(&setup, bytes);
        }
    }
}

/// Any bytes as responses to a client; the first byte selects its request.
///
/// # Panics
/// When a promise does not hold.
pub fn check_response(bytes: &[u8]) {
    let Some((&flags, bytes)) = bytes.split_first() else {
        return;
    };
    let method = ["GET", "HEAD", "CONNECT", "POST"][usize::from(flags & 3)];
    let setup = Setup {
        limits: if flags & 4 == 0 {
            Limits::default()
        } else {
            tight()
        },
        method: method.to_owned(),
        upgrade: flags & 8 != 0 && method != "CONNECT",
        requests: u32::from(flags >> 5),
        eof: flags & 16 != 0,
        ..Setup::client()
    };
    check_cuts(&setup, bytes);
}

/// Limits that a few bytes can pass.
fn tight() -> Limits {
    let mut limits = Limits::default();
    limits.head.bytes_max = 96;
    limits.head.target_bytes_max = 12;
    limits.head.method_bytes_max = 7;
    limits.head.fields_max = 3;
    limits.head.interims_max = 2;
    limits.body.chunk_size_digits_max = 6;
    limits.body.chunk_ext_bytes_max = 5;
    limits.body.chunk_ext_total_max = 9;
    limits.body.trailer_bytes_max = 24;
    limits.body.trailer_fields_max = 2;
    limits
}

/// The same log whole, byte by byte, in pieces of several sizes, cut in two at some places, and without lines.
fn check_cuts(setup: &Setup, bytes: &[u8]) {
    let whole = transcript(setup, [bytes]);
    for size in [1, 2, 3, 7, 64, 513] {
        same(&whole, &transcript(setup, bytes.chunks(size)), bytes, size);
    }
    // Every place would be quadratic; a prime step from an offset that the bytes choose covers all places over many runs.
    let first = bytes.first().map_or(0, |&byte| usize::from(byte) % 17);
    for cut in (first..bytes.len()).step_by(17) {
        let (one, other) = bytes.split_at(cut);
        same(&whole, &transcript(setup, [one, other]), bytes, cut);
    }
    let quiet = Setup {
        report_lines: false,
        ..setup.clone()
    };
    let mut whole = whole;
    whole.retain(|entry| !entry.starts_with("line "));
    same(&whole, &transcript(&quiet, [bytes]), bytes, 0);
    same(&whole, &transcript(&quiet, bytes.chunks(1)), bytes, 1);
}

#[track_caller]
fn same(expected: &[String], actual: &[String], bytes: &[u8], cut: usize) {
    if expected != actual {
        let (text, diff) = (escape(bytes), diff(expected, actual));
        panic!("cut {cut} matters for \"{text}\"\n{diff}");
    }
}

/// Any bytes as a chunked body, up to its last chunk: cuts do not matter, another parser reads the same sizes, and
/// encoding the decoded content and decoding it again returns it.
///
/// # Panics
/// When a promise does not hold.
pub fn check_chunked(bytes: &[u8]) {
    let (whole, sizes) = decode_chunks(bytes, usize::MAX);
    for size in [1, 2, 5, 64] {
        assert_eq!(whole, decode_chunks(bytes, size).0, "pieces of {size}");
    }
    for (at, size) in sizes {
        // httparse takes at most 15 digits; zeros in front of others change no number.
        let line = &bytes[at..];
        let is_padding = |pair: &[u8]| pair[0] == b'0' && pair[1].is_ascii_hexdigit();
        let zeros = line.windows(2).take_while(|pair| is_padding(pair)).count();
        match httparse::parse_chunk_size(&line[zeros..]) {
            Ok(httparse::Status::Complete((_, other))) => assert_eq!(size, other),
            other => panic!("httparse: {other:?} for {}", escape(line)),
        }
    }
    if let Decoded {
        data,
        ended: Some(_),
        ..
    } = whole
    {
        let mut again = Vec::new();
        for piece in data.chunks(9) {
            let (line, from) = chunk_head(piece.len());
            again.extend_from_slice(&line[from..]);
            again.extend_from_slice(piece);
            again.extend_from_slice(b"\r\n");
        }
        again.extend_from_slice(b"0\r\n");
        let (decoded, _) = decode_chunks(&again, usize::MAX);
        assert_eq!((decoded.data, decoded.ended), (data, Some(again.len())));
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Decoded {
    data: Vec<u8>,
    /// Length of the body in bytes, if its last chunk is complete.
    ended: Option<usize>,
    /// Code and byte offset of the error, if there is one.
    error: Option<(&'static str, usize)>,
}

/// The decoder's result, and the offset of each chunk size (valid for a single piece only).
fn decode_chunks(bytes: &[u8], size: usize) -> (Decoded, Vec<(usize, u64)>) {
    let mut decoder = ChunkedDecoder::new(&Limits::default().body);
    let (mut out, mut sizes, mut used, mut line) = (Decoded::default(), Vec::new(), 0, 0);
    let mut end = 0;
    while end < bytes.len() {
        end = bytes.len().min(used.max(end).saturating_add(size));
        while used < end {
            match decoder.decode(&bytes[used..end]) {
                Err(error) => {
                    let code = error.fault().map(|fault| fault.code());
                    let code = code.or_else(|| error.limit().map(|limit| limit.code()));
                    out.error = Some((code.unwrap_or_default(), used + error.at()));
                    return (out, sizes);
                }
                Ok((consumed, Chunk::Data(data))) => {
                    used += consumed;
                    out.data.extend_from_slice(data);
                    // In one piece each chunk is one event, and CR LF stand before the next line.
                    if used + 2 <= bytes.len() {
                        sizes.push((line, data.len() as u64));
                        line = used + 2;
                    }
                }
                Ok((consumed, Chunk::Last)) => {
                    used += consumed;
                    out.ended = Some(used);
                    sizes.push((line, 0));
                    return (out, sizes);
                }
                Ok((consumed, Chunk::More)) => used += consumed,
            }
        }
    }
    (out, sizes)
}

/// Any bytes as a request and as a response: if we accept the head, httparse accepts it and reads the same.
///
/// # Panics
/// When the two disagree.
pub fn check_differential(bytes: &[u8]) {
    if let Some((head, _)) = accepted(Role::Server, bytes) {
        same_request(&head, bytes);
    }
    if let Some((head, _)) = accepted(Role::Client, bytes) {
        same_response(&head, bytes);
    }
}

/// The first head of the bytes, if it is a legal and final one.
fn accepted(role: Role, bytes: &[u8]) -> Option<(Head, BodyLength)> {
    let mut connection = Connection::new(role, &Limits::default());
    if role == Role::Client {
        let mut fields = hearken_proto::Fields::new();
        fields.append("Host", "a").ok()?;
        let length = hearken_proto::Length::Known(0);
        let request = hearken_proto::Request::new("GET", "/", &fields, length);
        connection.send_request(&request, &mut Vec::new()).ok()?;
    }
    match connection.receive(bytes) {
        Ok((_, Some(Event::Head { body }))) => Some((connection.head().clone(), body)),
        _ => None,
    }
}

fn same_request(head: &Head, bytes: &[u8]) {
    let mut headers = [httparse::EMPTY_HEADER; 128];
    let mut request = httparse::Request::new(&mut headers);
    match request.parse(bytes) {
        Ok(httparse::Status::Complete(length)) => assert_eq!(length, head.as_bytes().len()),
        other => panic!("httparse: {other:?} for {}", escape(bytes)),
    }
    assert_eq!(request.method, Some(head.method()));
    assert_eq!(request.path, Some(head.url()));
    assert_eq!(request.version, Some(minor(head)));
    same_fields(head, request.headers);
}

fn same_response(head: &Head, bytes: &[u8]) {
    let mut headers = [httparse::EMPTY_HEADER; 128];
    let mut response = httparse::Response::new(&mut headers);
    let mut parser = httparse::ParserConfig::default();
    parser.allow_obsolete_multiline_headers_in_responses(true);
    match parser.parse_response(&mut response, bytes) {
        Ok(httparse::Status::Complete(length)) => assert_eq!(length, head.as_bytes().len()),
        other => panic!("httparse: {other:?} for {}", escape(bytes)),
    }
    assert_eq!(response.code, Some(head.status()));
    assert_eq!(response.version, Some(minor(head)));
    same_fields(head, response.headers);
}

fn minor(head: &Head) -> u8 {
    u8::from(head.version() == Version::Http11)
}

fn same_fields(head: &Head, others: &[httparse::Header<'_>]) {
    assert_eq!(head.fields().len(), others.len());
    for ((name, value), other) in head.fields().iter().zip(others) {
        assert_eq!(
            (name, value),
            (other.name.as_bytes(), &*unfolded(other.value))
        );
    }
}

/// A value that httparse returns with its folds: one SP for each (RFC 9112 §5.2).
fn unfolded(value: &[u8]) -> Vec<u8> {
    let lines = value.split(|byte| b"\r\n".contains(byte));
    let lines = lines
        .map(<[u8]>::trim_ascii)
        .filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(&b' ')
}
