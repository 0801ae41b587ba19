//! Tables for RFC 9110 §14.

#![expect(clippy::single_range_in_vec_init, reason = "these are lists of ranges")]

use super::*;

#[track_caller]
fn parts(field: &str, len: u64) -> Vec<Range<u64>> {
    match Ranges::parse(field.as_bytes(), len) {
        Ranges::One(range) => vec![range],
        Ranges::Several(ranges) => ranges,
        other => panic!("{field} of {len}: {other:?}"),
    }
}

#[test]
fn satisfiable_ranges() {
    let table: &[(&str, u64, &[Range<u64>])] = &[
        // The examples of RFC 9110 §14.1.2, for 10,000 bytes.
        ("bytes=0-499", 10_000, &[0..500]),
        ("bytes=500-999", 10_000, &[500..1000]),
        ("bytes=-500", 10_000, &[9500..10_000]),
        ("bytes=9500-", 10_000, &[9500..10_000]),
        ("bytes=0-0,-1", 10_000, &[0..1, 9999..10_000]),
        (
            "bytes= 0-999, 4500-5499, -1000",
            10_000,
            &[0..1000, 4500..5500, 9000..10_000],
        ),
        ("bytes=500-600,601-999", 10_000, &[500..601, 601..1000]),
        // Cut to the length.
        ("bytes=0-", 1, &[0..1]),
        ("bytes=0-99999", 10, &[0..10]),
        ("bytes=-99999", 10, &[0..10]),
        ("bytes=9-9", 10, &[9..10]),
        // Numbers beyond 64 bits.
        ("bytes=0-18446744073709551615", 10, &[0..10]),
        ("bytes=0-99999999999999999999999", 10, &[0..10]),
        ("bytes=-99999999999999999999999", 10, &[0..10]),
        ("bytes=1-", u64::MAX, &[1..u64::MAX]),
        // Unsatisfiable ones are left out.
        ("bytes=50-60,1-2", 10, &[1..3]),
        ("bytes=1-2,99999999999999999999999-", 10, &[1..3]),
        ("bytes=-0,1-2", 10, &[1..3]),
        // In the order of the field, not sorted.
        ("bytes=8-9,0-1,4-5", 10, &[8..10, 0..2, 4..6]),
        // Spelling.
        ("Bytes=1-2", 10, &[1..3]),
        ("bytes=,, 1-2 ,\t,", 10, &[1..3]),
        ("bytes=0001-02", 10, &[1..3]),
    ];
    for (field, len, expected) in table {
        assert_eq!(&parts(field, *len), expected, "{field} of {len}");
    }
}

#[test]
fn unsatisfiable_ranges() {
    for (field, len) in [
        ("bytes=10-", 10),
        ("bytes=10-20", 10),
        ("bytes=-0", 10),
        ("bytes=99-,-0,100-200", 10),
        ("bytes=18446744073709551616-", 10),
        ("bytes=99999999999999999999999-99999999999999999999999", 10),
    ] {
        assert_eq!(
            Ranges::parse(field.as_bytes(), len),
            Ranges::Unsatisfiable,
            "{field}"
        );
    }
}

#[test]
fn ignored_fields() {
    let many = format!("bytes={}", vec!["0-0"; 17].join(","));
    let overlapping = format!("bytes={}", vec!["0-"; 16].join(","));
    let long = format!("bytes={}", ",".repeat(30_000));
    for field in [
        "",
        "bytes",
        "bytes=",
        "bytes=,",
        "bytes 0-1",
        "items=0-1",
        "byte=0-1",
        "bytes =0-1",
        "bytes=x-1",
        "bytes=1-x",
        "bytes=-",
        "bytes=1",
        "bytes=2-1",
        "bytes=+1-2",
        "bytes=1--2",
        "bytes=-1-2",
        "bytes=0x1-2",
        "bytes=1 -2",
        "bytes=0-1;2-3",
        "bytes=0-1,x",
        "bytes=99-,2-1",
        "\u{ff}ytes=0-1",
        "bytes=0-4,4-5",
        "bytes=4-5,0-4",
        "bytes=0-9,2-3",
        &many,
        &overlapping,
        &long,
    ] {
        assert_eq!(
            Ranges::parse(field.as_bytes(), 10),
            Ranges::Whole,
            "{field}"
        );
    }
    // An empty representation has no parts.
    for field in ["bytes=0-", "bytes=-1", "bytes=5-6"] {
        assert_eq!(Ranges::parse(field.as_bytes(), 0), Ranges::Whole, "{field}");
    }
}

#[test]
fn sixteen_ranges_are_accepted_and_add_up_to_at_most_the_length() {
    let items: Vec<String> = (0..16).map(|at| format!("{}-{}", at * 2, at * 2)).collect();
    let parts = parts(&format!("bytes={}", items.join(",")), 32);
    assert_eq!(parts.len(), 16);
    assert_eq!(
        parts
            .iter()
            .map(|range| range.end - range.start)
            .sum::<u64>(),
        16
    );
}

#[test]
fn ranges_that_overlap_or_touch_are_combined() {
    let table: &[(&str, Ranges)] = &[
        ("bytes=0-4, 2-6", Ranges::One(0..7)),
        ("bytes=0-4, 5-6", Ranges::One(0..7)),
        ("bytes=0-4, 6-7", Ranges::Several(vec![0..5, 6..8])),
        // Each stands where its first came: as in Express.
        ("bytes=8-9, 0-1, 1-2", Ranges::Several(vec![8..10, 0..3])),
        ("bytes=5-6, 0-9, 2-3", Ranges::One(0..10)),
        (
            "bytes=-1, 0-0, 9-9, 20-30",
            Ranges::Several(vec![9..10, 0..1]),
        ),
        ("bytes=20-30", Ranges::Unsatisfiable),
        ("bytes=x", Ranges::Whole),
    ];
    for (field, expected) in table {
        assert_eq!(
            &Ranges::parse_combined(field.as_bytes(), 10),
            expected,
            "{field}"
        );
    }
    assert_eq!(Ranges::parse_combined(b"bytes=0-1", 0), Ranges::Whole);
}
