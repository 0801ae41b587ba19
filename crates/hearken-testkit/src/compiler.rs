//! Which compiler runs the tests.

use std::process::Command;

/// The version of another compiler than `tested`, say `1.95`, if one runs: texts of the compiler that a test holds differ there.
///
/// # Panics
/// When the compiler does not start.
#[must_use]
pub fn other_compiler(tested: &str) -> Option<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc).arg("--version").output();
    let output = output.expect("expected to run rustc").stdout;
    let version = String::from_utf8_lossy(&output);
    // `rustc 1.95.0 (59807616e 2026-04-14)`
    let number = version.split(' ').nth(1).unwrap_or_default();
    let same = number.starts_with(&format!("{tested}.")) && !number.contains('-');
    (!same).then(|| version.trim().to_owned())
}
