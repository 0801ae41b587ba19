//! The negotiation as a table: what the client says, and what it gets for content that gzip makes smaller and for
//! content that it does not.

use super::*;
use Coding::{Gzip, Identity};

fn chosen(lines: &[&str], better: Coding) -> Result<Coding, NoneLeft> {
    Accepts::read(lines.iter().map(|line| line.as_bytes())).choose(better)
}

#[test]
fn the_table() {
    let none = Err(NoneLeft);
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
        // What is not a weight makes its item void, not the others.
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
