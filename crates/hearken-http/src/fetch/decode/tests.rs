//! Every coding: cut at every place, truncated at every place, with trailing bytes, and as a bomb.

use super::*;

fn coding_for(head: bool, status: u16, lines: &[&str]) -> Result<Option<String>, DecodeError> {
    let status = StatusCode::from_u16(status).expect("a status");
    coding_of(head, status, lines.iter().map(|line| line.as_bytes()))
        .map(|coding| coding.map(|coding| coding.to_string()))
}

#[test]
fn without_a_coding_nothing_is_decoded() {
    for (head, status, lines) in [
        (false, 200, &[][..]),
        (false, 200, &[""]),
        (false, 200, &["identity"]),
        (false, 200, &["Identity, "]),
        (false, 200, &["compress"]),
        (false, 200, &["aes128gcm"]),
        (true, 200, &["gzip"]),
        (false, 204, &["gzip"]),
        (false, 206, &["gzip"]),
        (false, 304, &["gzip"]),
        (false, 304, &["gzip, gzip"]),
    ] {
        assert_eq!(
            coding_for(head, status, lines),
            Ok(None),
            "{status} {lines:?}"
        );
    }
}

#[test]
fn several_codings_are_an_error() {
    for lines in [&["gzip, gzip"][..], &["gzip", "br"], &["br,compress,gzip"]] {
        let error = coding_for(false, 200, lines)
            .expect_err("layers")
            .to_string();
        assert!(error.contains(&lines.join(", ")), "{error}");
    }
}

#[cfg(feature = "compression")]
mod codings {
    use super::*;
    use std::io::Write;

    fn text() -> Vec<u8> {
        let mut text = Vec::new();
        for line in 0..2000 {
            writeln!(text, "line {line} of {}", line * 7919 % 1000).expect("memory");
        }
        text
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn zlib(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn bare(bytes: &[u8]) -> Vec<u8> {
        let mut encoder =
            flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn brotli(bytes: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut encoder = brotli::CompressorWriter::new(&mut out, 4096, 5, 22);
        encoder.write_all(bytes).expect("memory");
        drop(encoder);
        out
    }

    type Encode = fn(&[u8]) -> Vec<u8>;

    fn all() -> Vec<(Coding, Encode)> {
        vec![
            (Coding::Gzip, gzip as Encode),
            (Coding::Deflate, zlib),
            (Coding::Deflate, bare),
            (Coding::Brotli, brotli),
            #[cfg(feature = "zstd")]
            (Coding::Zstd, |bytes| {
                zstd::stream::encode_all(bytes, 3).expect("memory")
            }),
        ]
    }

    /// Feeds the pieces, and returns the whole output.
    fn decode<'a>(
        coding: Coding,
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Vec<u8>, DecodeError> {
        let mut decoding = Decoding::new(coding);
        let mut out = Vec::new();
        for piece in pieces {
            decoding.feed(Bytes::copy_from_slice(piece));
            while let Some(bytes) = decoding.next()? {
                assert!(!bytes.is_empty() && bytes.len() <= PIECE);
                out.extend_from_slice(&bytes);
            }
        }
        decoding.finish()?;
        Ok(out)
    }

    #[test]
    fn names() {
        for (line, coding) in [
            ("gzip", Coding::Gzip),
            ("GZip", Coding::Gzip),
            ("x-gzip", Coding::Gzip),
            ("identity, deflate", Coding::Deflate),
            (" br ,", Coding::Brotli),
            #[cfg(feature = "zstd")]
            ("zstd", Coding::Zstd),
        ] {
            assert_eq!(
                coding_for(false, 200, &[line]),
                Ok(Some(coding.to_string()))
            );
        }
        assert_eq!(coding_for(false, 404, &["br"]), Ok(Some("br".to_owned())));
        for coding in ACCEPTED.split(", ") {
            let known = coding_for(false, 200, &[coding]);
            assert_eq!(
                known,
                Ok(Some(coding.to_owned())),
                "what is asked for is known"
            );
        }
    }

    #[test]
    fn whole_and_byte_by_byte() {
        let text = text();
        for (coding, encode) in all() {
            let encoded = encode(&text);
            assert!(encoded.len() < text.len() / 2);
            assert!(
                decode(coding, [&encoded[..]]).as_ref() == Ok(&text),
                "{coding}"
            );
            assert!(
                decode(coding, encoded.chunks(1)).as_ref() == Ok(&text),
                "{coding}"
            );
            assert_eq!(
                decode(coding, [&encode(b"")[..]]),
                Ok(Vec::new()),
                "{coding}"
            );
        }
    }

    #[test]
    fn cut_in_two_at_every_place() {
        let text = &text()[..600];
        for (coding, encode) in all() {
            let encoded = encode(text);
            for cut in 0..=encoded.len() {
                let (one, two) = encoded.split_at(cut);
                assert_eq!(
                    decode(coding, [one, two]).as_deref(),
                    Ok(text),
                    "{coding} at {cut}"
                );
            }
        }
    }

    #[test]
    fn truncated_at_every_place() {
        let text = &text()[..600];
        for (coding, encode) in all() {
            let encoded = encode(text);
            for end in 1..encoded.len() {
                assert_eq!(
                    decode(coding, [&encoded[..end]]),
                    Err(DecodeError::Truncated(coding)),
                    "{coding} cut at {end} of {}",
                    encoded.len()
                );
            }
            // Not a single byte: an empty body with the field in its head.
            assert_eq!(decode(coding, []), Ok(Vec::new()));
        }
    }

    #[test]
    fn bytes_behind_the_end_are_an_error() {
        for (coding, encode) in all() {
            let mut encoded = encode(b"hearken");
            encoded.extend_from_slice(b"\nmore");
            let error = decode(coding, [&encoded[..]]).expect_err("too many bytes");
            // For zstd they are a broken next frame.
            assert!(
                matches!(error, DecodeError::Trailing(_) | DecodeError::Broken(_)),
                "{error}"
            );
        }
    }

    #[test]
    fn several_members_are_one_gzip_file() {
        let both = [gzip(b"hear"), gzip(b""), gzip(b"ken")].concat();
        assert_eq!(
            decode(Coding::Gzip, [&both[..]]).as_deref(),
            Ok(&b"hearken"[..])
        );
        assert_eq!(
            decode(Coding::Gzip, both.chunks(1)).as_deref(),
            Ok(&b"hearken"[..])
        );
        let cut = &both[..both.len() - 1];
        assert_eq!(
            decode(Coding::Gzip, [cut]),
            Err(DecodeError::Truncated(Coding::Gzip))
        );
    }

    #[test]
    fn what_is_not_in_the_coding() {
        for (coding, _) in all() {
            let garbage = b"<!doctype html><title>not what the field says</title>\n".repeat(100);
            let error = decode(coding, [&garbage[..]]).expect_err("garbage");
            assert_eq!(error, DecodeError::Broken(coding), "{error}");
        }
        // A gzip file whose checksum is wrong.
        let mut encoded = gzip(b"hearken");
        let at = encoded.len() - 6;
        encoded[at] ^= 1;
        assert_eq!(
            decode(Coding::Gzip, [&encoded[..]]),
            Err(DecodeError::Broken(Coding::Gzip))
        );
    }

    #[test]
    fn bombs_end_within_their_limit() {
        let zeros = vec![0; 3 << 20];
        for (coding, encode) in all() {
            let encoded = encode(&zeros);
            let mut decoding = Decoding::new(coding);
            decoding.feed(encoded.into());
            let mut wrote = 0;
            let error = loop {
                match decoding.next() {
                    Ok(Some(bytes)) => wrote += bytes.len() as u64,
                    Ok(None) => panic!("{coding}: all of it came out"),
                    Err(error) => break error,
                }
            };
            assert!(matches!(error, DecodeError::Bomb { .. }), "{error}");
            let read = decoding.read;
            let limit = RATIO_AFTER.max(read * RATIO_MAX) + PIECE as u64;
            assert!(wrote <= limit, "{coding}: {wrote} bytes out of {read}");
        }
        // 1 MiB is allowed at any ratio.
        let encoded = gzip(&zeros[..1 << 20]);
        assert_eq!(
            decode(Coding::Gzip, [&encoded[..]]).map(|out| out.len()),
            Ok(1 << 20)
        );
    }

    #[cfg(feature = "zstd")]
    #[test]
    fn a_zstd_window_has_a_bound() {
        use zstd::stream::raw::CParameter;
        for (log, fits) in [(23, true), (24, false), (27, false)] {
            let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).expect("memory");
            encoder
                .set_parameter(CParameter::WindowLog(log))
                .expect("a legal window");
            encoder.include_contentsize(false).expect("a legal choice");
            encoder.write_all(b"hearken").expect("memory");
            // Flushed before the end, so that the encoder does not know how short it is.
            encoder.flush().expect("memory");
            let encoded = encoder.finish().expect("memory");
            let decoded = decode(Coding::Zstd, [&encoded[..]]);
            assert_eq!(decoded.is_ok(), fits, "2^{log}: {decoded:?}");
        }
    }

    #[test]
    fn a_brotli_window_has_a_bound() {
        // The first byte of a stream with a large window (draft-vandevenne-shared-brotli-format), and some of it.
        let large = [0x11, 0x1e, 0x00, 0x00, 0x00];
        assert_eq!(
            decode(Coding::Brotli, [&large[..]]),
            Err(DecodeError::Broken(Coding::Brotli))
        );
    }
}
