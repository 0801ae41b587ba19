//! The negotiation as a table: the field lines, the coding of content that gzip makes smaller, and that of other content.

use super::*;
use ContentCoding::{Gzip, Identity};

fn chosen(lines: &[&str], preferred: ContentCoding) -> Result<ContentCoding, NotAcceptable> {
    AcceptEncoding::parse(lines.iter().map(|line| line.as_bytes())).choose(preferred)
}

#[test]
fn the_coding_follows_the_weights() {
    let none = Err(NotAcceptable);
    for (lines, text, noise) in [
        (&[][..], Ok(Identity), Ok(Identity)),
        (&[""], Ok(Identity), Ok(Identity)),
        (&["gzip"], Ok(Gzip), Ok(Identity)),
        (&["x-gzip"], Ok(Gzip), Ok(Identity)),
        (&["GZip"], Ok(Gzip), Ok(Identity)),
        (&["gzip, deflate, br, zstd"], Ok(Gzip), Ok(Identity)),
        (&["br", "deflate , gzip"], Ok(Gzip), Ok(Identity)),
        (&["br"], Ok(Identity), Ok(Identity)),
        (&["gzip;q=0"], Ok(Identity), Ok(Identity)),
        (&["gzip;q=0.000"], Ok(Identity), Ok(Identity)),
        (&["gzip;q=0.001"], Ok(Gzip), Ok(Identity)),
        (&["gzip ; q=1.000"], Ok(Gzip), Ok(Identity)),
        (&["gzip;Q=0.5"], Ok(Gzip), Ok(Identity)),
        (&["gzip;q=0.5, identity"], Ok(Identity), Ok(Identity)),
        (&["gzip;q=0.5, identity;q=0.5"], Ok(Gzip), Ok(Identity)),
        (&["identity;q=0.4, gzip;q=0.5"], Ok(Gzip), Ok(Identity)),
        (&["identity;q=0, gzip;q=0.1"], Ok(Gzip), Ok(Gzip)),
        (&["identity;q=0"], none, none),
        (&["identity;q=0, br"], none, none),
        (&["*"], Ok(Gzip), Ok(Identity)),
        (&["*;q=0"], none, none),
        (&["gzip, *;q=0"], Ok(Gzip), Ok(Gzip)),
        (&["identity, *;q=0"], Ok(Identity), Ok(Identity)),
        (&["*, gzip;q=0"], Ok(Identity), Ok(Identity)),
        (&["*;q=0.5, gzip;q=0.1"], Ok(Identity), Ok(Identity)),
        // A malformed weight invalidates its item only.
        (&["gzip;q=2"], Ok(Identity), Ok(Identity)),
        (&["gzip;q=1.001"], Ok(Identity), Ok(Identity)),
        (&["gzip;q=0.1234"], Ok(Identity), Ok(Identity)),
        (&["gzip;q=-1"], Ok(Identity), Ok(Identity)),
        (&["gzip;q="], Ok(Identity), Ok(Identity)),
        (&["gzip;level=9"], Ok(Identity), Ok(Identity)),
        (&["gzip;q=1;x=y"], Ok(Identity), Ok(Identity)),
        (&[",;q=1,, gzip"], Ok(Gzip), Ok(Identity)),
        (&["gzipped, gzip2"], Ok(Identity), Ok(Identity)),
        (&["gzip\u{1}"], Ok(Identity), Ok(Identity)),
    ] {
        assert_eq!(chosen(lines, Gzip), text, "{lines:?}");
        assert_eq!(
            chosen(lines, Identity),
            noise,
            "{lines:?}, not compressible"
        );
    }
}
