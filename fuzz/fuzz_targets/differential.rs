//! httparse accepts every head that Hearken accepts, and reads it alike.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| hearken_testkit::check_differential(bytes));
