use super::*;

#[test]
fn word_scans_agree_with_the_table_at_every_position() {
    for byte in 0..=255_u8 {
        for at in 0..20 {
            let mut bytes = [b'a'; 20];
            bytes[at] = byte;
            let legal = |class: fn(u8) -> bool| if class(byte) { 20 } else { at };
            let place = format_args!("byte {byte:#x} at {at}");
            assert_eq!(value_len(&bytes), legal(is_value_byte), "{place}");
            assert_eq!(target_len(&bytes), legal(is_target_byte), "{place}");
            for len in at + 1..=20 {
                let bytes = &bytes[..len];
                assert_eq!(is_value(bytes), is_value_byte(byte), "{place} of {len}");
                assert_eq!(is_token(bytes), is_token_byte(byte), "{place} of {len}");
            }
        }
    }
}

#[test]
fn word_scans_are_not_misled_by_a_neighbour() {
    for first in 0..=255_u8 {
        for second in 0..=255_u8 {
            let bytes = [b'a', first, second, b'a', b'a', b'a', b'a', b'a', b'a'];
            let expected = |class: fn(u8) -> bool| bytes.iter().position(|&b| !class(b));
            let place = format_args!("{first:#x} {second:#x}");
            let value = expected(is_value_byte).unwrap_or(9);
            assert_eq!(value_len(&bytes), value, "{place}");
            let target = expected(is_target_byte).unwrap_or(9);
            assert_eq!(target_len(&bytes), target, "{place}");
            assert_eq!(is_value(&bytes), value == 9, "{place}");
            let token = expected(is_token_byte).is_none();
            assert_eq!(is_token(&bytes), token, "{place}");
        }
    }
}

#[test]
fn a_plain_authority_is_an_authority() {
    let bytes: &[u8] = &[
        0, b'-', b'.', b'/', b'0', b'9', b':', b'@', b'Z', b'[', b'`', b'z', b'{', 0xc3,
    ];
    for &first in bytes {
        for &second in bytes {
            for port in [
                "", ":", ":80", ":00443", ":65535", ":65536", ":000080", ":8a",
            ] {
                for prefix in ["", "example", "www.example.org"] {
                    let mut line = [prefix.as_bytes(), &[first, second], port.as_bytes()].concat();
                    let len = line.len();
                    line.extend_from_slice(b"\r\nAccept: */*");
                    if let Some(end) = plain_authority_len(&line) {
                        assert_eq!(end, len, "{line:?}");
                        assert!(authority(&line[..len]).is_some(), "{line:?}");
                    }
                }
            }
        }
    }
    for host in [
        "localhost\r\n\r\n",
        "127.0.0.1:65535\r\n\r\n",
        "www.example.org:8080\r\n\r\n1234",
    ] {
        let end = host.find('\r');
        assert_eq!(plain_authority_len(host.as_bytes()), end, "{host}");
    }
}

#[test]
fn decimals() {
    assert_eq!(decimal(b"0"), Some(0));
    assert_eq!(decimal(b"9007199254740991"), Some((1 << 53) - 1));
    assert_eq!(decimal(b"00"), Some(0));
    assert_eq!(decimal(b"0000344"), Some(344));
    let padded = [&[b'0'; 1000][..], b"9007199254740991"].concat();
    assert_eq!(decimal(&padded), Some((1 << 53) - 1));
    for bad in [
        "",
        "+5",
        "-0",
        "5 ",
        "0x5",
        "5_0",
        "9007199254740992",
        "0009007199254740992",
        "99999999999999999999",
        "18446744073709551616",
    ] {
        assert_eq!(decimal(bad.as_bytes()), None, "{bad}");
    }
}

#[test]
fn authorities() {
    for good in [
        "",
        "a",
        "a:80",
        "a:",
        "[::1]",
        "[::1]:8080",
        "127.0.0.1:1",
        "xn--a.example",
        "a%20b",
    ] {
        assert!(authority(good.as_bytes()).is_some(), "{good}");
    }
    for bad in [
        "a,b", "u@a", "a/b", "a b", "a:b", "a:65536", "[::1", "[::1]x", "[g]", "a%2", "\u{85}",
        "a:1:2", "a?b", "a\\b",
    ] {
        assert!(authority(bad.as_bytes()).is_none(), "{bad}");
    }
}

#[test]
fn a_question_mark_is_found_at_every_place() {
    for len in 0..40 {
        let path = "/x".repeat(20);
        assert_eq!(query_at(&path.as_bytes()[..len]), None, "{len}");
        for at in 0..len {
            let mut target = path.as_bytes()[..len].to_vec();
            target[at..].fill(b'?');
            assert_eq!(query_at(&target), Some(at), "{len}");
        }
    }
}
