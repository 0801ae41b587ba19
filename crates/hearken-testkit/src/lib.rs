//! What the tests of Hearken share.
//!
//! **In scope:** vectors (Markdown pages with bytes and the log they must give), dialogues, an in-memory link between two
//! connections, and the checks that property tests and fuzz targets have in common.
//! **Out of scope:** anything a user runs. This crate is a dev-dependency only, and a test that fails here panics with a
//! text that says where.

mod check;
mod dialogue;
mod diff;
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
