//! What the compiler says about common mistakes with an application: `compile_fail/*.rs`, each with the text in the `.stderr` beside it.
//!
//! The texts are those of the Rust version that the workspace names; another version words them differently. A change of them
//! is looked at and then taken over: `TRYBUILD=overwrite cargo test -p hearken-app --test compile_fail`.

#[test]
#[expect(clippy::print_stderr, reason = "a test that does not run says why")]
fn common_mistakes_have_helpful_errors() {
    let tested = env!("CARGO_PKG_RUST_VERSION");
    if let Some(other) = hearken_testkit::other_compiler(tested) {
        eprintln!("skipped: the texts are those of rustc {tested}, this is {other}");
        return;
    }
    trybuild::TestCases::new().compile_fail("tests/compile_fail/*.rs");
}
