//! Node's http for Rust.
