//! Any sequence of input, ends and calls on one connection.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hearken_testkit::check_operations(bytes));
