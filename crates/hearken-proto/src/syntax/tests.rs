use super::*;

#[test]
fn value_scan_agrees_with_the_table_at_every_place() {
    for bad in 0..=255_u8 {
        for at in 0..20 {
            let mut bytes = [b'a'; 20];
            bytes[at] = bad;
            let expected = bytes.iter().position(|&b| !is_value_byte(b)).unwrap_or(20);
            assert_eq!(skip_value(&bytes, 0), expected, "byte {bad:#x} at {at}");
        }
    }
}

#[test]
fn value_scan_is_not_misled_by_a_neighbour() {
    for first in 0..=255_u8 {
        for second in 0..=255_u8 {
            let bytes = [b'a', first, second, b'a', b'a', b'a', b'a', b'a', b'a'];
            let expected = bytes.iter().position(|&b| !is_value_byte(b)).unwrap_or(9);
            assert_eq!(skip_value(&bytes, 0), expected, "{first:#x} {second:#x}");
        }
    }
}

#[test]
fn decimals() {
    assert_eq!(decimal(b"0"), Some(0));
    assert_eq!(decimal(b"9007199254740991"), Some((1 << 53) - 1));
    for bad in [
        "",
        "00",
        "05",
        "+5",
        "-0",
        "5 ",
        "0x5",
        "5_0",
        "9007199254740992",
        "99999999999999999999",
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
