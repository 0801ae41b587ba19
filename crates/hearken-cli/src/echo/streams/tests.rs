//! Tests without a server.

use super::*;

#[test]
fn bytes_are_the_same_for_the_same_seed_however_they_are_split() {
    let whole = SplitMix64(7).bytes(64);
    let mut random = SplitMix64(7);
    let split = [random.bytes(24), random.bytes(40)].concat();
    assert_eq!(whole, split);
    assert_ne!(whole, SplitMix64(8).bytes(64));
    // A piece must end at the end of a word, since the next piece starts with a new word.
    assert_eq!(PIECE_BYTES % 8, 0);
    let ones: u32 = SplitMix64(1)
        .bytes(1000)
        .iter()
        .map(|byte| byte.count_ones())
        .sum();
    assert!((3700..4300).contains(&ones), "{ones} of 8000 bits are set");
}

#[test]
fn types_that_gzip_makes_smaller() {
    for (content_type, compressible) in [
        ("text/plain", true),
        ("Text/HTML; charset=utf-8", true),
        ("application/json;x=y", true),
        ("application/problem+json", true),
        ("image/svg+xml", true),
        ("application/x-www-form-urlencoded", true),
        ("application/octet-stream", false),
        ("image/png", false),
        ("application/gzip", false),
        ("video/text", false),
        ("", false),
    ] {
        assert_eq!(
            is_compressible(content_type.as_bytes()),
            compressible,
            "{content_type}"
        );
    }
}
