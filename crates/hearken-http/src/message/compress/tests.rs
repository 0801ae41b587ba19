//! The decision over heads, and the codings read back by other implementations.

use super::*;
use crate::conn::layers::ContentFilter;
use crate::conn::tests::harness::{Gate, Link, serve};
use bytes::Bytes;
use std::io::Read;

fn decode(coding: &str, bytes: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::new();
    match coding {
        "gzip" => flate2::read::GzDecoder::new(bytes).read_to_end(&mut decoded),
        "deflate" => flate2::read::ZlibDecoder::new(bytes).read_to_end(&mut decoded),
        "br" => brotli::Decompressor::new(bytes, 4096).read_to_end(&mut decoded),
        #[cfg(feature = "compress-zstd")]
        "zstd" => {
            zstd::stream::read::Decoder::new(bytes).and_then(|mut d| d.read_to_end(&mut decoded))
        }
        other => panic!("{other}"),
    }
    .unwrap();
    decoded
}

fn text(bytes: usize) -> Bytes {
    let line = b"All work and no play makes Jack a dull boy.\n";
    line.iter().copied().cycle().take(bytes).collect()
}

/// A server whose response has these fields.
fn serving(fields: &'static [(&'static str, &'static str)], content: Bytes) -> Link {
    let compression = Compression::new();
    serve(async move |req, res| {
        compression.layer(&req, &res);
        let res = fields.iter().fold(res, |res, (name, value)| match *name {
            "status" => res.status(value.parse::<u16>().unwrap()),
            name => res.append(name, value),
        });
        res.end(content.clone())
    })
    .connect()
}

fn ask(link: &mut Link, method: &str, accept: Option<&str>) -> (String, Vec<u8>) {
    let accept = accept.map_or(String::new(), |accept| {
        format!("Accept-Encoding: {accept}\r\n")
    });
    link.send(format!("{method} / HTTP/1.1\r\nHost: a\r\n{accept}\r\n"));
    link.go();
    let heard = link.heard_bytes();
    let end = heard
        .windows(4)
        .position(|four| four == b"\r\n\r\n")
        .unwrap()
        + 4;
    let head = String::from_utf8(heard[..end].to_vec()).unwrap();
    (head, heard[end..].to_vec())
}

fn field<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines
        .filter(|(own, _)| own.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
        .next()
}

const TEXT: &[(&str, &str)] = &[
    ("Content-Type", "text/plain; charset=utf-8"),
    ("ETag", "\"v1\""),
];

#[test]
fn every_coding_is_read_back() {
    let content = text(200_000);
    for (accept, coding) in [
        ("gzip", "gzip"),
        ("deflate", "deflate"),
        ("br", "br"),
        ("gzip;q=0.5, br;q=0.4, deflate;q=0.3", "gzip"),
        ("gzip, deflate, br", "br"),
        #[cfg(feature = "compress-zstd")]
        ("gzip, deflate, br, zstd", "zstd"),
    ] {
        let mut link = serving(TEXT, content.clone());
        let (head, body) = ask(&mut link, "GET", Some(accept));
        assert_eq!(field(&head, "content-encoding"), Some(coding), "{head}");
        assert_eq!(
            field(&head, "content-length"),
            Some(&*body.len().to_string())
        );
        assert_eq!(field(&head, "etag"), Some("W/\"v1\""));
        assert_eq!(field(&head, "vary"), Some("Accept-Encoding"));
        assert!(body.len() < 10_000);
        assert_eq!(decode(coding, &body), content, "{coding}");
    }
}

#[test]
fn a_client_that_accepts_no_coding_gets_the_content_as_it_is() {
    for accept in [
        None,
        Some(""),
        Some("identity"),
        Some("gzip;q=0"),
        Some("compress"),
        Some("*;q=0"),
    ] {
        let (head, body) = ask(&mut serving(TEXT, text(5000)), "GET", accept);
        assert_eq!(field(&head, "content-encoding"), None, "{accept:?}");
        assert_eq!(field(&head, "etag"), Some("\"v1\""));
        assert_eq!(field(&head, "vary"), Some("Accept-Encoding"));
        assert_eq!(body, text(5000));
    }
}

#[test]
fn some_responses_are_left_alone() {
    const HTML: (&str, &str) = ("Content-Type", "text/html");
    let check = |fields, vary: Option<&str>| {
        let (head, body) = ask(&mut serving(fields, text(5000)), "GET", Some("gzip"));
        let had = fields.iter().find(|(name, _)| *name == "Content-Encoding");
        assert_eq!(
            field(&head, "content-encoding"),
            had.map(|(_, value)| *value),
            "{head}"
        );
        assert_eq!(field(&head, "vary"), vary, "{head}");
        assert!(body.is_empty() || body == text(5000));
    };
    check(&[], None);
    check(&[("Content-Type", "image/png")], None);
    check(&[("Content-Type", "application/octet-stream")], None);
    check(&[HTML, ("Content-Encoding", "br")], None);
    check(&[HTML, ("Cache-Control", "max-age=1, no-transform")], None);
    check(
        &[
            HTML,
            ("Cache-Control", "private"),
            ("Cache-Control", "No-Transform"),
        ],
        None,
    );
    check(&[HTML, ("Content-Digest", "sha-256=:x:")], None);
    check(
        &[
            HTML,
            ("status", "206"),
            ("Content-Range", "bytes 0-4999/9999"),
        ],
        None,
    );
    check(&[HTML, ("status", "204")], None);
    let (head, body) = ask(&mut serving(TEXT, text(1023)), "GET", Some("gzip"));
    assert_eq!(field(&head, "content-encoding"), None);
    assert_eq!(body, text(1023));
    let (head, _) = ask(&mut serving(TEXT, text(1024)), "GET", Some("gzip"));
    assert_eq!(field(&head, "content-encoding"), Some("gzip"));
    let (head, body) = ask(&mut serving(TEXT, text(5000)), "HEAD", Some("gzip"));
    assert_eq!(field(&head, "content-encoding"), None);
    assert_eq!(field(&head, "vary"), Some("Accept-Encoding"));
    assert!(body.is_empty());
}

#[test]
fn not_modified_has_the_validators_of_the_compressed_response() {
    let fields = &[("status", "304"), ("ETag", "\"v1\"")];
    let (head, body) = ask(&mut serving(fields, Bytes::new()), "GET", Some("gzip"));
    assert_eq!(field(&head, "etag"), Some("W/\"v1\""));
    assert_eq!(field(&head, "vary"), Some("Accept-Encoding"));
    assert_eq!(field(&head, "content-encoding"), None);
    assert!(body.is_empty());
    let (head, _) = ask(&mut serving(fields, Bytes::new()), "GET", None);
    assert_eq!(field(&head, "etag"), Some("\"v1\""));
}

#[test]
fn vary_is_completed() {
    const HTML: (&str, &str) = ("Content-Type", "text/html");
    for (vary, lines) in [
        ("Origin", 2),
        ("*", 1),
        ("Origin, accept-ENCODING", 1),
        ("Accept-Encoding-X", 2),
    ] {
        let fields: &'static [(&str, &str)] = Box::leak(Box::new([HTML, ("Vary", vary)]));
        let (head, _) = ask(&mut serving(fields, text(5000)), "GET", Some("gzip"));
        let count = head
            .lines()
            .filter(|line| line.starts_with("Vary: "))
            .count();
        assert_eq!(count, lines, "{head}");
    }
}

#[test]
fn what_was_written_arrives_before_the_end() {
    for accept in ["gzip", "deflate", "br"] {
        let gate = Gate::default();
        let (wait, compression) = (gate.clone(), Compression::new());
        let mut link = serve(async move |req, res| {
            compression.layer(&req, &res);
            let res = res.set("Content-Type", "text/event-stream");
            res.write("data: 1\n\n");
            wait.wait().await;
            res.end("data: 2\n\n")
        })
        .connect();
        link.send(format!(
            "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {accept}\r\n\r\n"
        ));
        let first = link.heard_bytes();
        let head = String::from_utf8_lossy(&first).into_owned();
        assert_eq!(field(&head, "content-encoding"), Some(accept));
        let first = chunks(&first);
        assert!(!first.is_empty(), "{accept}: nothing came before the end");
        gate.open();
        link.run();
        let all = [first, chunks(&link.heard_bytes())].concat();
        assert_eq!(decode(accept, &all), b"data: 1\n\ndata: 2\n\n");
    }
}

/// The content of chunks behind an optional head.
fn chunks(bytes: &[u8]) -> Vec<u8> {
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n");
    let mut rest = match head {
        Some(end) if bytes.starts_with(b"HTTP/") => &bytes[end + 4..],
        _ => bytes,
    };
    let mut content = Vec::new();
    while let Some(end) = rest.windows(2).position(|two| two == b"\r\n") {
        let size = std::str::from_utf8(&rest[..end]).unwrap();
        let size = usize::from_str_radix(size, 16).unwrap();
        content.extend_from_slice(&rest[end + 2..end + 2 + size]);
        rest = &rest[(end + 4 + size).min(rest.len())..];
    }
    content
}

/// Random bytes, so that each step yields output.
fn noise(bytes: usize) -> Bytes {
    let mut state = 1_u32;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..bytes).map(next).collect()
}

#[test]
fn a_large_piece_is_compressed_in_steps() {
    let noise = noise(1_000_000);
    for coding in Settings::default().codings {
        let mut encoder = Encoder::new(coding, None);
        let mut out = Vec::new();
        encoder.write(noise.clone(), &mut out);
        // Brotli keeps a whole block back.
        let steps = out.len() > 3 || coding == ContentCoding::Br;
        assert!(steps, "{coding:?}: {}", out.len());
        encoder.end(&mut out);
        encoder.end(&mut out);
        assert_eq!(decode(coding.name(), &out.concat()), noise, "{coding:?}");
    }
}

#[test]
fn a_large_response_is_compressed_in_turns() {
    let noise: Bytes = noise(1_000_000);
    for coding in ["gzip", "deflate", "br"] {
        let mut link = serving(TEXT, noise.clone());
        let before = link.wakes();
        let (head, body) = ask(&mut link, "GET", Some(coding));
        let content = match field(&head, "transfer-encoding") {
            Some(_) => chunks(&body),
            None => body, // Brotli returns it at the end: then the length is known
        };
        let turns = link.wakes() - before;
        assert!(turns >= 1_000_000 / 32_768, "{coding}: {turns} turns");
        assert_eq!(decode(coding, &content), noise, "{coding}");
        // The connection goes on, and a client that does not read stops the work.
        link.room = 10_000;
        let before = link.wakes();
        link.send(format!(
            "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: {coding}\r\n\r\n"
        ));
        link.go();
        assert!(link.wakes() - before < turns || coding == "br");
        link.give_room(usize::MAX / 2);
        link.go();
        assert!(link.is_open() && link.heard_len() > 1_000_000);
    }
}

#[test]
fn a_file_is_compressed_as_it_is_read() {
    let content = text(1_000_000);
    let file = std::rc::Rc::new(crate::conn::tests::harness::file(&content));
    let compression = Compression::new();
    let mut link = serve(async move |req, res| {
        compression.layer(&req, &res);
        let copy = crate::message::SendFile::from(file.try_clone()?)
            .named("a.txt")
            .conditional();
        res.send_file(copy).await
    })
    .connect();
    let (head, body) = ask(&mut link, "GET", Some("gzip"));
    assert_eq!(field(&head, "content-encoding"), Some("gzip"), "{head}");
    assert_eq!(field(&head, "accept-ranges"), None);
    assert_eq!(decode("gzip", &chunks(&body)), content);
    link.send("GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nRange: bytes=0-3\r\n\r\n");
    link.go();
    let heard = link.heard();
    assert!(
        heard.starts_with("HTTP/1.1 206 ") && heard.ends_with("\r\n\r\nAll "),
        "{heard}"
    );
}

#[test]
fn media_types_that_shrink_are_compressed() {
    for yes in [
        "text/html",
        "application/json",
        "application/problem+json",
        "image/svg+xml",
        "application/wasm",
        "font/ttf",
        "image/bmp",
        "text/event-stream",
    ] {
        assert!(is_compressible(yes), "{yes}");
    }
    for no in [
        "image/png",
        "video/mp4",
        "application/zip",
        "font/woff2",
        "multipart/byteranges",
        "",
    ] {
        assert!(!is_compressible(no), "{no}");
    }
}
