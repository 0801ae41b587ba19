//! What the compiler says about common mistakes of applications. Its texts depend on its version: they are those of the Rust that the
//! workspace names. `TRYBUILD=overwrite cargo test -p hearken-app --all-features mistakes` writes them again.

use std::process::Command;

/// The version whose texts are held.
const RUST: &str = concat!("rustc ", env!("CARGO_PKG_RUST_VERSION"));

#[test]
fn mistakes_of_applications_have_clear_errors() {
    let compiler = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(compiler).arg("--version").output().unwrap();
    let version = String::from_utf8(output.stdout).unwrap();
    if !version.starts_with(RUST) {
        eprintln!("skipped: the texts are those of {RUST}, not of {version}");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/mistakes/*.rs");
}
