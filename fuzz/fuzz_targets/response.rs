//! Any bytes to a client; the first byte selects its request.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hearken_testkit::check_response(bytes));
