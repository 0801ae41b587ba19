//! A part of a file, sent by the kernel and read, and files that have changed.

use super::*;
use crate::conn::tests::harness::file;
use crate::net::file_reader::{FileReader, READ_BYTES};
use std::future::poll_fn;

fn content() -> Vec<u8> {
    (0..400_000_u32).map(|at| (at % 251) as u8).collect()
}

fn piece(file: File, offset: u64, left: u64) -> FilePiece {
    FilePiece::new(Arc::new(file), offset, left)
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.expect("a runtime").block_on(future)
}

#[test]
fn it_is_read_in_windows_as_it_is_sent() {
    let mut piece = piece(file(&content()), 1000, 390_000);
    let mut all = Vec::new();
    block_on(async {
        for count in (1..).map(|n: usize| n * 997) {
            if piece.left() == 0 {
                break;
            }
            let bytes = poll_fn(|cx| piece.poll_bytes(FileReader::boxed, cx))
                .await
                .unwrap();
            assert!(!bytes.is_empty() && bytes.len() <= READ_BYTES);
            let count = count.min(bytes.len());
            all.extend_from_slice(&bytes[..count]);
            piece.advance(count);
        }
    });
    assert!(all == content()[1000..391_000]);
}

#[test]
fn an_error_of_the_file_is_distinguished_from_one_of_the_transport() {
    let short = piece(file(b"abc"), 3, 1);
    let error = block_on(poll_fn(|cx| short.poll_bytes(FileReader::boxed, cx))).unwrap_err();
    assert!(is_file_error(&error));
    assert_eq!(
        error.to_string(),
        "a file could not be sent to its end: it has become shorter"
    );
    assert!(!is_file_error(&io::ErrorKind::ConnectionReset.into()));
    assert!(!is_file_error(&io::Error::other("x")));
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernel_sends_it_to_a_socket() {
    use std::io::Read;
    use std::os::unix::net::UnixStream;
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    ours.set_nonblocking(true).unwrap();
    let mut piece = piece(file(&content()), 10, 100_000);
    let mut received = Vec::new();
    let mut blocked = 0;
    while piece.left() > 0 {
        match piece.send_to(&ours).expect("the kernel can") {
            Ok(count) => piece.advance(count),
            Err(error) => {
                assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
                blocked += 1;
                let mut some = [0; 5000];
                let count = theirs.read(&mut some).unwrap();
                received.extend_from_slice(&some[..count]);
            }
        }
    }
    drop(ours);
    theirs.read_to_end(&mut received).unwrap();
    assert!(received == content()[10..100_010]);
    assert!(blocked < 1000);
}

#[cfg(target_os = "linux")]
#[test]
fn the_kernel_reports_a_short_file_and_unsupported_files() {
    use std::os::unix::net::UnixStream;
    let (ours, theirs) = UnixStream::pair().unwrap();
    let short = piece(file(b"abc"), 3, 1);
    let error = short.send_to(&ours).expect("the kernel can").unwrap_err();
    assert!(is_file_error(&error));
    // A device without pages is unsupported.
    let device = File::open("/dev/tty").or_else(|_| File::open("/proc/self/mem"));
    let device = piece(device.unwrap(), 0, 1);
    if device.send_to(&ours).is_none() {
        assert!(
            device.send_to(&ours).is_none(),
            "the kernel is not asked again"
        );
    }
    drop(theirs);
    let gone = piece(file(b"abc"), 0, 3);
    let error = gone.send_to(&ours).expect("the kernel can").unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    assert!(!is_file_error(&error));
}
