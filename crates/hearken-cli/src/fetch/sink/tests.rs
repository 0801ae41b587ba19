//! When files are created, and the check for binary bodies.

use super::*;

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("hearken-sink-{}-{name}", std::process::id()))
}

#[test]
fn a_file_is_created_with_the_first_byte_or_at_the_end() {
    let path = path("file");
    let _ = std::fs::remove_file(&path);
    let sink = Sink::new(&Output::File(path.clone()), "", false);
    drop(sink);
    assert!(!path.exists(), "no byte was written");

    let mut sink = Sink::new(&Output::File(path.clone()), "", false);
    sink.write(b"hear\0").expect("a directory for files");
    sink.write(b"ken").expect("room");
    sink.finish().expect("room");
    assert_eq!(std::fs::read(&path).expect("a file"), b"hear\0ken");

    Sink::new(&Output::File(path.clone()), "", false)
        .finish()
        .expect("room");
    assert_eq!(std::fs::read(&path).expect("a file"), b"", "an empty body");
    std::fs::remove_file(&path).expect("the file");
}

#[test]
fn a_failed_write_names_the_file() {
    let path = path("no-directory").join("x");
    let error = Sink::new(&Output::File(path.clone()), "", false)
        .write(b"x")
        .expect_err("no such directory");
    match error {
        SinkError::Failed { what, .. } => assert_eq!(what, path.display().to_string()),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_body_with_a_nul_looks_binary() {
    for (piece, binary) in [
        (&b""[..], false),
        (b"text\r\n\t\x1b[0m", false),
        (b"\x89PNG\r\n\x1a\n\0\0\0", true),
        (b"h\xc3\xa4", false),
    ] {
        assert_eq!(looks_binary(piece), binary);
    }
    let mut late = vec![b'x'; BINARY_CHECK_BYTES];
    late.push(0);
    assert!(!looks_binary(&late));
}

#[test]
fn only_the_first_piece_of_a_body_is_checked() {
    let mut sink = Sink {
        destination: Destination::Nowhere,
        reject_binary: true,
        formatter: None,
    };
    sink.write_head(b"HTTP/1.1 200 OK\r\nX: \0\r\n")
        .expect("a head");
    assert!(matches!(sink.write(b"a\0"), Err(SinkError::Binary)));
    assert!(sink.write(b"a\0").is_ok(), "once");
}
