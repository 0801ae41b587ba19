//! What a user of the program can do about an error: flags, ports, rights.
//!
//! Here: errors of the library turned into texts for the terminal. The library names the kind, the address and the cause; the
//! names of flags and the look at other processes belong here. `listen.rs` has the errors of listening, `port_holder.rs` finds
//! the process that listens already, `tls.rs` names the flags that help against TLS errors of `hearken fetch`.

pub(crate) mod listen;
mod port_holder;
pub(crate) mod tls;
