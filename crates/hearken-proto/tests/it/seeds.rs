//! Replays the seeds of the fuzz targets: every finding becomes a seed, and so a test without a fuzzer.

use hearken_testkit::{
    check_chunked, check_differential, check_operations, check_request, check_response,
};
use std::fs;
use std::path::Path;

const SEEDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../fuzz/seeds");

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(SEEDS).join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{folder:?}: {error}"));
    let mut number = 0;
    for entry in entries {
        let path = entry.expect("a seed").path();
        let bytes = fs::read(&path).expect("a seed can be read");
        let outcome = std::panic::catch_unwind(|| check(&bytes));
        assert!(outcome.is_ok(), "{} fails, see above", path.display());
        number += 1;
    }
    assert!(number > 0, "no seeds in {}", folder.display());
}

#[test]
fn seeds_of_request() {
    replay("request", check_request);
}

#[test]
fn seeds_of_response() {
    replay("response", check_response);
}

#[test]
fn seeds_of_chunked() {
    replay("chunked", check_chunked);
}

#[test]
fn seeds_of_differential() {
    replay("differential", check_differential);
}

#[test]
fn seeds_of_operations() {
    replay("operations", check_operations);
}
