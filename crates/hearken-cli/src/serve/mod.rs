//! `hearken serve`: the files of a directory.
//!
//! Here: `flags.rs` and their help, `plan.rs` what they mean, `run.rs` the server and what is around the files; `banner.rs` what is
//! printed at the start, `upload.rs` receiving files, `guard.rs` passwords and other sites. Not here: the files themselves
//! (`StaticFiles` of hearken-app), listening and TLS (`run.rs` and `tls.rs` of the program).

mod banner;
pub(crate) mod flags;
mod guard;
pub(crate) mod plan;
pub(crate) mod run;
mod upload;
