//! Properties over arbitrary bytes and arbitrary sequences of operations.

use hearken_testkit::{
    check_chunked, check_differential, check_operations, check_request, check_response,
};
use proptest::collection::vec;
use proptest::prelude::*;

/// Pieces of HTTP between arbitrary bytes, because noise alone fails at the first byte.
fn http_like() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        8 => proptest::sample::select(TOKENS).prop_map(|token| token.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..4),
    ];
    vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

const TOKENS: &[&str] = &[
    "GET / HTTP/1.1\r\nHost: a\r\n",
    "GET ",
    "HEAD ",
    "POST / HTTP/1.1\r\nHost: a\r\n",
    "CONNECT a:1 HTTP/1.1\r\n",
    "/",
    "*",
    "http://a/",
    " ",
    "HTTP/1.1",
    "HTTP/1.0",
    "HTTP/1.1 200 OK\r\n",
    "HTTP/1.1 204\r\n",
    "HTTP/1.1 101 x\r\n",
    "HTTP/1.1 103 Early Hints\r\n\r\n",
    "\r\n",
    "\r\n\r\n",
    "\n",
    "\r",
    ":",
    ": ",
    "Host: a\r\n",
    "Content-Length: 3\r\n\r\nabc",
    "Content-Length: ",
    "Content-Length: 0\r\n\r\n",
    "Transfer-Encoding: chunked\r\n\r\n",
    "Transfer-Encoding: ",
    "chunked",
    "Connection: close\r\n",
    "Connection: keep-alive\r\n",
    "Connection: upgrade\r\nUpgrade: echo\r\n",
    "Expect: 100-continue\r\n",
    "3\r\nabc\r\n",
    "3;a=b\r\nabc\r\n",
    "0\r\n\r\n",
    "0\r\nX: y\r\n\r\n",
    "a",
    "\t",
    ";a=\"b\"",
    "HTTP/1.1 304 x\r\n",
    "HTTP/1.0 200\r\n",
    "X: y\r\n z\r\n",
    "\r\n ",
    "Content-Length: 0003\r\n\r\nabc",
    "0003 ;a\r\nabc\r\n",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_to_a_server(bytes in http_like()) {
        check_request(&bytes);
    }

    #[test]
    fn any_bytes_to_a_client(flags: u8, bytes in http_like()) {
        check_response(&[&[flags][..], &bytes].concat());
    }

    #[test]
    fn any_bytes_as_chunks(bytes in chunk_like()) {
        check_chunked(&bytes);
    }

    #[test]
    fn accepted_heads_are_accepted_by_another_parser(bytes in http_like()) {
        check_differential(&bytes);
    }

    #[test]
    fn any_order_of_operations(bytes in vec(any::<u8>(), 0..64)) {
        check_operations(&bytes);
    }
}

fn chunk_like() -> impl Strategy<Value = Vec<u8>> {
    let tokens: &[&str] = &[
        "0",
        "1",
        "3",
        "a",
        "F",
        "0\r\n",
        "1\r\nx\r\n",
        "3\r\nabc\r\n",
        "\r\n",
        "\r",
        "\n",
        ";",
        ";a",
        "=b",
        "=\"",
        "\"",
        "\\",
        " ",
        "1;a\r\nx\r\n",
        "x",
        "0123456789abc",
        "00000000000000000000",
        " ;a",
        "\t",
    ];
    let piece = prop_oneof![
        8 => proptest::sample::select(tokens.to_vec()).prop_map(|token| token.as_bytes().to_vec()),
        1 => vec(any::<u8>(), 0..3),
    ];
    vec(piece, 0..16).prop_map(|pieces| pieces.concat())
}
