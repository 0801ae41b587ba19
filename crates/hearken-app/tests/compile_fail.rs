//! What the compiler says about common mistakes with an application: `compile_fail/*.rs`, each with the text in the `.stderr` beside it.
//!
//! The texts are those of the Rust version that the workspace names; another version words them differently. A change of them
//! is looked at and then taken over: `TRYBUILD=overwrite cargo test -p hearken-app --test compile_fail`.

use std::process::Command;

#[test]
#[expect(clippy::print_stderr, reason = "a test that does not run says why")]
fn common_mistakes_have_helpful_errors() {
    let tested = env!("CARGO_PKG_RUST_VERSION");
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    let output = output.expect("expected to run rustc").stdout;
    let version = String::from_utf8_lossy(&output);
    // `rustc 1.95.0 (59807616e 2026-04-14)`
    let number = version.split(' ').nth(1).unwrap_or_default();
    if !number.starts_with(&format!("{tested}.")) || number.contains('-') {
        eprintln!("skipped: the texts are those of rustc {tested}, this is {version}");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
