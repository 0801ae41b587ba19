//! The default limits, each at its value and one beyond; and the chunk decoder on its own.

use hearken_proto::{
    Chunk, ChunkedDecoder, Connection, Error, Event, Fault, Length, Limit, Limits, Role, chunk_head,
};

fn first(request: &[u8]) -> Result<(), Error> {
    let mut server = Connection::new(Role::Server, &Limits::default());
    let whole = server.receive(request).map(|(_, event)| {
        assert!(matches!(event, Some(Event::Head { .. })), "{event:?}");
    });
    // The same byte by byte.
    let mut server = Connection::new(Role::Server, &Limits::default());
    let mut result = Ok(());
    for byte in request.chunks(1) {
        result = server.receive(byte).map(drop);
        if result.is_err() {
            break;
        }
    }
    assert_eq!(whole, result);
    whole
}

fn limit(limit: Limit, max: u64, at: u64) -> Result<(), Error> {
    Err(Error::Limit { limit, max, at })
}

#[test]
fn a_head_of_32_kib() {
    let filled = |bytes: usize| {
        let mut request = b"GET / HTTP/1.1\r\nHost: a\r\nX: ".to_vec();
        request.resize(bytes - 4, b'x');
        request.extend_from_slice(b"\r\n\r\n");
        request
    };
    assert_eq!(first(&filled(32 * 1024)), Ok(()));
    assert_eq!(
        first(&filled(32 * 1024 + 1)),
        limit(Limit::HeadBytes, 32_768, 32_768)
    );
}

#[test]
fn a_target_of_8_kib() {
    let target =
        |bytes: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n\r\n", "x".repeat(bytes - 1));
    assert_eq!(first(target(8192).as_bytes()), Ok(()));
    assert_eq!(
        first(target(8193).as_bytes()),
        limit(Limit::TargetBytes, 8192, 4 + 8192)
    );
}

#[test]
fn a_method_of_32_bytes() {
    let method = |bytes| format!("{} / HTTP/1.1\r\nHost: a\r\n\r\n", "M".repeat(bytes));
    assert_eq!(first(method(32).as_bytes()), Ok(()));
    assert_eq!(
        first(method(33).as_bytes()),
        limit(Limit::MethodBytes, 32, 32)
    );
}

#[test]
fn a_hundred_fields() {
    let fields = |number| format!("GET / HTTP/1.0\r\n{}\r\n", "X: y\r\n".repeat(number));
    assert_eq!(first(fields(100).as_bytes()), Ok(()));
    assert_eq!(
        first(fields(101).as_bytes()),
        limit(Limit::Fields, 100, 16 + 600)
    );
}

/// A whole chunked body to a server.
fn chunked(body: &str) -> Result<(), Error> {
    let mut server = Connection::new(Role::Server, &Limits::default());
    let head = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
    let input = [head, body.as_bytes()].concat();
    let mut rest = &input[..];
    loop {
        let (consumed, event) = server.receive(rest)?;
        rest = &rest[consumed..];
        match event {
            Some(Event::End) => return Ok(()),
            Some(_) => {}
            None => panic!("the body must end"),
        }
    }
}

#[test]
fn chunk_extensions_of_256_bytes_and_4_kib() {
    let one = |bytes: usize| format!("0;{}\r\n\r\n", "x".repeat(bytes - 1));
    assert_eq!(chunked(&one(256)), Ok(()));
    assert_eq!(
        chunked(&one(257)),
        limit(Limit::ChunkExtBytes, 256, 56 + 1 + 256)
    );
    let all = |last: usize| {
        let chunk = format!("1;{}\r\nx\r\n", "x".repeat(127));
        format!("{}0;{}\r\n\r\n", chunk.repeat(31), "x".repeat(last - 1))
    };
    assert_eq!(chunked(&all(128)), Ok(()));
    let at = 56 + 31 * (1 + 128 + 2 + 3) + 1 + 128;
    assert_eq!(chunked(&all(129)), limit(Limit::ChunkExtTotal, 4096, at));
}

#[test]
fn chunk_sizes_of_8_kib() {
    let zeros = |digits: usize| format!("{}\r\n\r\n", "0".repeat(digits));
    assert_eq!(chunked(&zeros(8192)), Ok(()));
    assert_eq!(
        chunked(&zeros(8193)),
        limit(Limit::ChunkSizeDigits, 8192, 56 + 8192)
    );
    // The zeros leave room for 13 digits, and for no more.
    let number = |digits: &str| format!("{}{digits}\r\n", "0".repeat(100));
    let mut decoder = ChunkedDecoder::new(&Limits::default().body);
    let largest = number("fffffffffffff");
    assert_eq!(
        decoder.decode(largest.as_bytes()),
        Ok((largest.len(), Chunk::More))
    );
    let mut decoder = ChunkedDecoder::new(&Limits::default().body);
    let large = number("10000000000000");
    let error = decoder.decode(large.as_bytes());
    let error = error.expect_err("a size of 2^52");
    assert_eq!((error.fault(), error.at()), (Some(Fault::ChunkSize), 113));
}

#[test]
fn a_client_takes_larger_heads_than_a_server() {
    let response = |fields: usize| format!("HTTP/1.1 204 x\r\n{}\r\n", "X: y\r\n".repeat(fields));
    let receive = |limits: &Limits, fields: usize| {
        let mut client = Connection::new(Role::Client, limits);
        let mut own = hearken_proto::Fields::new();
        own.append("Host", "a").expect("a legal field");
        let request = hearken_proto::Request::new("GET", "/", &own, Length::Known(0));
        (client.send_request(&request, &mut Vec::new())).expect("a legal request");
        client.receive(response(fields).as_bytes()).map(drop)
    };
    assert_eq!(receive(&Limits::client(), 2_000), Ok(()));
    let error = receive(&Limits::client(), 2_001);
    assert_eq!(error, limit(Limit::Fields, 2_000, 16 + 12_000));
    let error = receive(&Limits::default(), 101);
    assert_eq!(error, limit(Limit::Fields, 100, 16 + 600));
}

#[test]
fn trailers_of_8_kib_and_32_fields() {
    let bytes = |bytes: usize| format!("0\r\nX: {}\r\n\r\n", "x".repeat(bytes - 7));
    assert_eq!(chunked(&bytes(8192)), Ok(()));
    assert_eq!(
        chunked(&bytes(8193)),
        limit(Limit::TrailerBytes, 8192, 59 + 8192)
    );
    let fields = |number| format!("0\r\n{}\r\n", "X: y\r\n".repeat(number));
    assert_eq!(chunked(&fields(32)), Ok(()));
    assert_eq!(
        chunked(&fields(33)),
        limit(Limit::TrailerFields, 32, 59 + 32 * 6)
    );
}

#[test]
fn an_unfinished_head_takes_no_more_than_its_limit() {
    // A client that sends a head without end: rejected after 32 KiB, for every size of piece.
    for size in [1, 7, 511, 512, 513, 40_000] {
        let mut server = Connection::new(Role::Server, &Limits::default());
        server
            .receive(b"GET / HTTP/1.1\r\nX: ")
            .expect("a beginning");
        let piece = vec![b'x'; size];
        let mut sent = 19;
        let error = loop {
            match server.receive(&piece) {
                Ok((consumed, None)) => assert_eq!(consumed, size),
                Ok(other) => panic!("{other:?}"),
                Err(error) => break error,
            }
            sent += size as u64;
            assert!(sent <= 32_768, "{sent} bytes were consumed");
        };
        assert_eq!(
            Err(error),
            limit(Limit::HeadBytes, 32_768, 32_768),
            "pieces of {size}"
        );
        assert!(server.head().as_bytes().len() <= 32_769);
    }
}

#[test]
fn chunk_heads_of_every_length_of_number() {
    for (len, expected) in [
        (0, "0\r\n"),
        (1, "1\r\n"),
        (15, "f\r\n"),
        (16, "10\r\n"),
        (0xabcdef, "abcdef\r\n"),
        (usize::MAX, "ffffffffffffffff\r\n"),
    ] {
        let (buffer, from) = chunk_head(len);
        assert_eq!(&buffer[from..], expected.as_bytes());
    }
}

#[test]
fn a_decoder_alone() {
    let mut limits = Limits::default().body;
    let mut decoder = ChunkedDecoder::new(&limits);
    assert_eq!(decoder.decode(b""), Ok((0, Chunk::More)));
    assert_eq!(decoder.decode(b"3\r\nab"), Ok((5, Chunk::Data(b"ab"))));
    assert_eq!(decoder.decode(b"c\r\n1"), Ok((1, Chunk::Data(b"c"))));
    assert_eq!(decoder.decode(b"\r\n1"), Ok((3, Chunk::More)));
    assert_eq!(decoder.decode(b"0\r\n"), Ok((3, Chunk::More)));
    assert_eq!(
        decoder.decode(b"0123456789abcdef\r\n0\r\nX"),
        Ok((16, Chunk::Data(b"0123456789abcdef")))
    );
    assert_eq!(decoder.decode(b"\r\n0\r\nX"), Ok((5, Chunk::Last)));
    let error = ChunkedDecoder::new(&limits).decode(b"1\r\nab").map(drop);
    assert_eq!(error, Ok(()));
    limits.chunk_ext_bytes_max = 2;
    let mut decoder = ChunkedDecoder::new(&limits);
    let error = decoder
        .decode(b"1;ab\r\n")
        .expect_err("an extension too long");
    assert_eq!(
        (error.limit(), error.fault(), error.at()),
        (Some(Limit::ChunkExtBytes), None, 3)
    );
    (limits.chunk_ext_bytes_max, limits.chunk_ext_total_max) = (0, 0);
    let error = ChunkedDecoder::new(&limits)
        .decode(b"1;\n")
        .expect_err("a broken extension");
    assert_eq!(
        (error.limit(), error.fault(), error.at()),
        (None, Some(Fault::BareLf), 2)
    );
}
