//! Any bytes to a server: cuts do not change the events, nothing is accepted after an error, nothing panics.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hearken_testkit::check_request(bytes));
