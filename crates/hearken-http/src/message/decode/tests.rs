//! Every coding: cut at every place, truncated at every place, with trailing bytes, and as a bomb.

use super::*;

/// The codings to undo, in that order.
fn codings_for(head: bool, status: u16, lines: &[&str]) -> String {
    let status = StatusCode::from_u16(status).expect("a status");
    let codings = codings_of(head, status, lines.iter().map(|line| line.as_bytes()));
    let names: Vec<String> = codings.iter().map(ToString::to_string).collect();
    names.join(" ")
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
        // Where one is unknown, or there are too many, the body is given as it came.
        (false, 200, &["br,compress,gzip"]),
        (false, 200, &["gzip", "utf-8"]),
        (false, 200, &["gzip,gzip,gzip,gzip,gzip"]),
    ] {
        assert_eq!(codings_for(head, status, lines), "", "{status} {lines:?}");
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
        decode_all(&[coding], pieces)
    }

    fn decode_all<'a>(
        codings: &[Coding],
        pieces: impl IntoIterator<Item = &'a [u8]>,
    ) -> Result<Vec<u8>, DecodeError> {
        let mut decoding = Decoding::new(codings).expect("a coding");
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
            assert_eq!(codings_for(false, 200, &[line]), coding.to_string());
        }
        assert_eq!(codings_for(false, 404, &["br"]), "br");
        for coding in ACCEPTED.split(", ") {
            let known = codings_for(false, 200, &[coding]);
            assert_eq!(known, coding, "what is asked for is known");
        }
        // The last one applied is undone first.
        for lines in [
            &["gzip, br"][..],
            &["gzip", "br"],
            &["x-gzip, identity", "BR"],
        ] {
            assert_eq!(codings_for(false, 200, lines), "br gzip", "{lines:?}");
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
            assert_eq!(error, DecodeError::Trailing(coding));
        }
    }

    #[test]
    fn several_codings_in_a_row_are_undone() {
        let text = &text()[..3000];
        let chains: [(&[Coding], Vec<u8>); 4] = [
            (&[Coding::Brotli, Coding::Gzip], brotli(&gzip(text))),
            (&[Coding::Gzip, Coding::Gzip], gzip(&gzip(text))),
            (&[Coding::Deflate, Coding::Gzip], bare(&gzip(text))),
            (
                &[Coding::Gzip, Coding::Brotli, Coding::Deflate, Coding::Gzip],
                gzip(&brotli(&zlib(&gzip(text)))),
            ),
        ];
        for (codings, encoded) in &chains {
            for size in [1, 7, encoded.len()] {
                let decoded = decode_all(codings, encoded.chunks(size));
                assert_eq!(decoded.as_deref(), Ok(text), "{codings:?} by {size}");
            }
            for end in 1..encoded.len() {
                let cut = decode_all(codings, [&encoded[..end]]);
                assert!(
                    matches!(cut, Err(DecodeError::Truncated(_))),
                    "{codings:?} cut at {end}"
                );
            }
            assert_eq!(decode_all(codings, []), Ok(Vec::new()));
        }
        // A coding within a coding that is cut off, though the outer one is whole.
        let inner = gzip(text);
        let cut = brotli(&inner[..inner.len() / 2]);
        assert_eq!(
            decode_all(&[Coding::Brotli, Coding::Gzip], [&cut[..]]),
            Err(DecodeError::Truncated(Coding::Gzip))
        );
    }

    /// Two codings multiply; the bound is one for both.
    #[test]
    fn a_bomb_within_a_bomb_ends_within_the_limit() {
        let bomb = gzip(&gzip(&vec![0; 16 << 20]));
        let mut decoding = Decoding::new(&[Coding::Gzip, Coding::Gzip]).expect("a coding");
        let received = bomb.len() as u64;
        decoding.feed(bomb.into());
        let mut wrote = 0;
        let error = loop {
            match decoding.next() {
                Ok(Some(bytes)) => wrote += bytes.len() as u64,
                Ok(None) => panic!("all of it came out"),
                Err(error) => break error,
            }
        };
        assert!(matches!(error, DecodeError::Bomb { .. }), "{error}");
        let limit = RATIO_AFTER.max(received * RATIO_MAX) + PIECE as u64;
        assert!(wrote <= limit, "{wrote} bytes out of {received}");
    }

    #[test]
    fn zeros_and_line_ends_behind_the_end_are_ignored() {
        for (coding, encode) in all() {
            for padding in [&b"\0"[..], b"\n", b"\r\n", &[0; 512], b"\n\0\0\r\n"] {
                let padded = [&encode(b"hearken"), padding].concat();
                for size in [1, padded.len()] {
                    assert_eq!(
                        decode(coding, padded.chunks(size)).as_deref(),
                        Ok(&b"hearken"[..]),
                        "{coding} {padding:?}"
                    );
                }
                let more = [&padded[..], b"x"].concat();
                let error = decode(coding, [&more[..]]).expect_err("more than padding");
                assert_eq!(error, DecodeError::Trailing(coding), "{padding:?}");
            }
        }
    }

    #[test]
    fn padding_alone_is_no_body() {
        let error = decode(Coding::Gzip, [&b"\r\n\0\0"[..]]).expect_err("no member");
        assert_eq!(error, DecodeError::Broken(Coding::Gzip));
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
            let mut decoding = Decoding::new(&[coding]).expect("a coding");
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
            let read = decoding.layers[0].read;
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
