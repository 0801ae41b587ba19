//! Hearken's client against other servers, which tests/interop/ours.py starts: `hearken-interop NAME=VALUE...`
//!
//! Prints a line for each check, "ok" or "FAIL", which tests/interop/run counts, and exits with 1 after a failure. Here: the
//! servers and the checks of each. Not here: checks for every server (`common.rs`) and for Node alone (`node.rs`), stale
//! connections (`stale.rs`), TLS and proxies (`secure.rs`), shared functions (`checks.rs`).

mod checks;
mod common;
mod node;
mod secure;
mod stale;

use checks::{Checks, Result};
use std::collections::HashMap;
use std::process::ExitCode;

/// The servers that the script has started: `node`, `node-tls`, `node-short` (closes idle connections after 50 ms), `node-unix` (a path),
/// `node-other` and `node-expired` (certificates for another name, and of another time), `python`, `python-tls`, `nginx`, `nginx-tls`,
/// `echo`, `echo-tls`; and `ca`, the file of the authority that all of them have theirs from.
struct Servers(HashMap<String, String>);

impl Servers {
    fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    let arguments = std::env::args().skip(1);
    let pairs = arguments.filter_map(|argument| {
        let (name, value) = argument.split_once('=')?;
        Some((name.to_owned(), value.to_owned()))
    });
    let servers = Servers(pairs.collect());
    let mut checks = Checks::new();
    if let Err(error) = run(&servers, &mut checks).await {
        checks.fail("the whole", &error.to_string());
    }
    checks.leave()
}

async fn run(servers: &Servers, checks: &mut Checks) -> Result<()> {
    let ca = servers.get("ca").ok_or("no ca=FILE was given")?;
    for name in ["node", "python", "nginx", "echo"] {
        for (name, tls) in [(name.to_owned(), false), (format!("{name}-tls"), true)] {
            let Some(url) = servers.get(&name) else {
                continue;
            };
            common::all(checks, &name, url, ca).await;
            if tls {
                secure::resumption(checks, &name, url, ca).await;
            }
        }
    }
    for name in ["echo", "echo-tls"] {
        if let Some(url) = servers.get(name) {
            node::hints(checks, name, url, ca).await;
            node::switch(checks, name, &format!("{url}/upgrade/echo"), 426, ca).await;
        }
    }
    if let Some(url) = servers.get("node") {
        node::all(checks, "node", url, ca).await;
    }
    if let Some(url) = servers.get("node-tls") {
        node::all(checks, "node-tls", url, ca).await;
    }
    if let Some(path) = servers.get("node-unix") {
        node::unix(checks, path).await;
    }
    if let Some(url) = servers.get("node-short") {
        stale::all(checks, url).await;
    }
    secure::refusals(checks, servers, ca).await;
    if let (Some(proxy), Some(plain), Some(secure)) = (
        servers.get("node"),
        servers.get("python"),
        servers.get("python-tls"),
    ) {
        secure::through_a_proxy(checks, proxy, plain, secure, ca).await;
    }
    Ok(())
}
