//! Any bytes as a chunked body: compared with httparse, and encoded again.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hearken_testkit::check_chunked(bytes));
