//! Why the server cannot listen, and what to do about it.
//!
//! Here: [`text`], from the kind, address and source of a [`ListenError`]. Not here: the search for the process that listens
//! already (`port_holder.rs`).

use super::port_holder::PortHolder;
use hearken::listen::{ListenError, ListenErrorKind};
use std::error::Error;
use std::io;
use std::net::SocketAddr;

/// The text for the terminal. Where there is no advice, the library's own text.
pub(crate) fn text(error: &ListenError) -> String {
    let source = error.source().and_then(|source| source.downcast_ref());
    let advice = match error.addr().strip_prefix("unix:") {
        Some(path) => unix_advice(error.kind(), path, source),
        None => tcp_advice(error.kind(), socket_addr(error.addr())),
    };
    match advice {
        Some(advice) => format!("cannot listen on {}: {advice}", error.addr()),
        None => error.to_string(),
    }
}

/// The program that listens there, by its name.
pub(crate) fn holder(addr: SocketAddr) -> String {
    name_of(PortHolder::of_tcp(addr).as_ref())
}

/// The address of `127.0.0.1:80`, or of `localhost:80 (127.0.0.1:80)`, where a name was looked up.
fn socket_addr(addr: &str) -> Option<SocketAddr> {
    let looked_up = addr
        .strip_suffix(')')
        .and_then(|addr| addr.rsplit_once('('));
    looked_up.map_or(addr, |(_, addr)| addr).parse().ok()
}

fn tcp_advice(kind: ListenErrorKind, addr: Option<SocketAddr>) -> Option<String> {
    match (kind, addr) {
        (ListenErrorKind::AddressInUse, Some(addr)) => {
            Some(port_in_use(PortHolder::of_tcp(addr).as_ref()))
        }
        (ListenErrorKind::PermissionDenied, Some(addr)) => {
            Some(port_not_allowed(addr.port(), first_unprivileged_port()))
        }
        (ListenErrorKind::AddressNotLocal, Some(addr)) => Some(not_local(addr)),
        (ListenErrorKind::TooManyDescriptors, _) => Some(no_descriptor_left()),
        _ => None,
    }
}

/// Advice for a Unix socket. A path in use without a process that listens is described by the library: it may be a stale
/// socket, or another file.
fn unix_advice(kind: ListenErrorKind, path: &str, source: Option<&io::Error>) -> Option<String> {
    match (kind, source.map(io::Error::kind)) {
        (ListenErrorKind::AddressInUse, _) => path_holder(path).map(|holder| {
            format!(
                "{} listens at that path already; stop that one, or choose another path",
                name_of(Some(&holder))
            )
        }),
        (ListenErrorKind::PermissionDenied, _) => Some(
            "this user may not create files in that directory; choose another directory or change its owner".to_owned(),
        ),
        (ListenErrorKind::InvalidAddress, Some(_)) => Some(
            "the path does not fit in a socket address (about 100 bytes); choose a shorter one".to_owned(),
        ),
        (ListenErrorKind::TooManyDescriptors, _) => Some(no_descriptor_left()),
        (_, Some(io::ErrorKind::NotFound)) => {
            Some("the directory does not exist; create it first".to_owned())
        }
        _ => None,
    }
}

#[cfg(unix)]
fn path_holder(path: &str) -> Option<PortHolder> {
    PortHolder::of_unix(path.as_ref())
}

#[cfg(not(unix))]
fn path_holder(_: &str) -> Option<PortHolder> {
    None
}

fn name_of(holder: Option<&PortHolder>) -> String {
    match holder {
        Some(holder) if holder.is_this_process() => "this program itself".to_owned(),
        Some(holder) => holder.to_string(),
        None => "another program".to_owned(),
    }
}

fn port_in_use(holder: Option<&PortHolder>) -> String {
    format!(
        "the port is in use by {}; stop that one, or choose another port (0 takes any free one)",
        name_of(holder)
    )
}

fn port_not_allowed(port: u16, first_unprivileged: u16) -> String {
    if port == 0 || port >= first_unprivileged {
        return "the system does not let this process listen there (a sandbox or security module?)"
            .to_owned();
    }
    let above = match port {
        443 => 8443,
        _ => 8080,
    };
    format!(
        "ports below {first_unprivileged} need a right that this process does not have; choose one above, such as {above}, \
         or give the program the right (setcap cap_net_bind_service=+ep PROGRAM), \
         or let the service manager open the socket and listen on fd:0"
    )
}

/// A setting on Linux; 1024 on other systems and by default.
fn first_unprivileged_port() -> u16 {
    let setting = std::fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start");
    setting
        .ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(1024)
}

fn not_local(addr: SocketAddr) -> String {
    let (this_machine, all) = match addr {
        SocketAddr::V4(_) => ("127.0.0.1", "0.0.0.0"),
        SocketAddr::V6(_) => ("[::1]", "[::]"),
    };
    format!(
        "no interface of this machine has the address {}; use {this_machine} to serve this machine alone, {all} for all its \
         interfaces, or one of its own addresses (`ip address` lists them)",
        addr.ip()
    )
}

fn no_descriptor_left() -> String {
    let limit =
        descriptor_limit().map_or(String::new(), |limit| format!(" (its limit is {limit})"));
    format!(
        "this process has no file descriptor left{limit}; raise the limit (ulimit -n, LimitNOFILE=)"
    )
}

#[cfg(unix)]
fn descriptor_limit() -> Option<u64> {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current
}

#[cfg(not(unix))]
fn descriptor_limit() -> Option<u64> {
    None
}

#[cfg(test)]
mod tests;
