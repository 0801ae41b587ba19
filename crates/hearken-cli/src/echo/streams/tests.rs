//! What can be looked at without a server.

use super::*;

#[test]
fn noise_is_the_same_for_the_same_seed_however_it_is_cut() {
    let whole = Noise(7).piece(64);
    let mut noise = Noise(7);
    let cut = [noise.piece(24), noise.piece(40)].concat();
    assert_eq!(whole, cut);
    assert_ne!(whole, Noise(8).piece(64));
    // A power of two that words divide: else a piece would end within a word, and the next begin with a new one.
    assert_eq!(PIECE_BYTES % 8, 0);
    let ones: u32 = Noise(1)
        .piece(1000)
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
