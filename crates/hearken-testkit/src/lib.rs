//! What the tests of Hearken share.
//!
//! **In scope:** vectors (Markdown pages with bytes and the log they must give), dialogues, an in-memory link between two
//! connections, the checks that property tests and fuzz targets have in common, and servers that misbehave.
//! **Out of scope:** anything a user runs. This crate is a dev-dependency only, and a test that fails here panics with a
//! text that says where.

mod check;
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
pub use dialogue::{Say, Talk, talk};
pub use diff::diff;
pub use link::{Heard, Link, Message};
pub use notation::{block, escape};
pub use operations::check_operations;
pub use transcript::{Setup, transcript};
pub use vectors::{Case, Page};
