//! What we accept as a head httparse accepts and reads the same.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hearken_testkit::check_differential(bytes));
