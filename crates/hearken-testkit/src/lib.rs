//! Shared code of Hearken's tests.
//!
//! **In scope:** vectors (Markdown pages with bytes and the expected log), dialogues, an in-memory link between two
//! connections, checks shared by property tests and fuzz targets, and misbehaving servers.
//! **Out of scope:** code that a user runs. This crate is a dev-dependency only; a failing check panics with the place of
//! the failure.

mod check;
mod compiler;
mod dialogue;
mod diff;
#[cfg(feature = "hostile")]
pub mod hostile;
mod link;
mod notation;
mod operations;
mod transcript;
mod vectors;

pub use check::{check_chunked, check_differential, check_request, check_response};
pub use compiler::other_compiler;
pub use dialogue::{Say, Talk, talk};
pub use diff::diff;
pub use link::{Heard, Link, Message};
pub use notation::{block, escape};
pub use operations::check_operations;
pub use transcript::{Setup, transcript};
pub use vectors::{Case, Page};
