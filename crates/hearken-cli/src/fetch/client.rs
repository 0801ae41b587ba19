//! The agent of a run: the way to the server as the flags want it.

use super::plan::{ConnectionPlan, HostAddresses, ProxyPlan, Trust};
use super::seen::Watcher;
use crate::plan::CommandError;
use hearken::Agent;
use hearken::client::{AgentOptions, Destination, Proxies};
use hearken::tls::ClientTls;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::net::{UnixStream, lookup_host};

pub(crate) fn agent(
    plan: &ConnectionPlan,
    watcher: Option<&Watcher>,
) -> Result<Agent, CommandError> {
    let mut options = AgentOptions::default();
    options.tls = tls(&plan.trust)?;
    options.proxies = proxies(plan)?;
    if let Some(path) = &plan.unix_socket {
        options.connector(unix_connector(path.clone()));
    }
    if !plan.resolve.is_empty() {
        options.resolver(resolver(plan.resolve.clone()));
    }
    if let Some(time) = plan.connect_timeout {
        options.connect_timeout = time;
    }
    if let Some(rate) = plan.rate_min {
        options.limits.time.body_rate_min = rate;
    }
    if let Some(time) = plan.rate_after {
        options.limits.time.body_rate_after = time;
    }
    if let Some(limit) = plan.max_head {
        limit.apply_to(&mut options.limits.head);
    }
    if let Some(watcher) = watcher {
        options.observer(watcher.clone());
    }
    Ok(Agent::new(options))
}

fn tls(trust: &Trust) -> Result<ClientTls, CommandError> {
    Ok(match trust {
        Trust::SystemRoots => ClientTls::new(),
        Trust::SystemRootsAnd(path) => ClientTls::new()
            .root_file(path)
            .map_err(|error| CommandError::Usage(format!("--cacert: {error}")))?,
        Trust::AnyCertificate => ClientTls::new().dangerously_accept_any_certificate(),
    })
}

fn proxies(plan: &ConnectionPlan) -> Result<Proxies, CommandError> {
    let wrong =
        |name: &str, error: &dyn std::fmt::Display| CommandError::Usage(format!("{name}: {error}"));
    let proxies = match &plan.proxy {
        ProxyPlan::Environment => Proxies::from_env(),
        ProxyPlan::None => return Ok(Proxies::none()),
        ProxyPlan::Url(url) => Proxies::all(url).map_err(|error| wrong("-x", &error))?,
    };
    if let Some(hosts) = &plan.no_proxy {
        let proxies = proxies.except(hosts);
        return proxies.map_err(|error| wrong("--noproxy", &error));
    }
    // As in curl, the variable holds for -x too. With the proxies of the environment it is read already.
    let variables = ["no_proxy", "NO_PROXY"].map(|name| (name, std::env::var_os(name)));
    let set = variables.into_iter().find_map(|(name, value)| {
        let value = value.filter(|value| !value.is_empty())?;
        Some((name, value))
    });
    match (set, &plan.proxy) {
        (Some((name, value)), ProxyPlan::Url(_)) => {
            let proxies = proxies.except(&value.to_string_lossy());
            proxies.map_err(|error| wrong(name, &error))
        }
        _ => Ok(proxies),
    }
}

fn unix_connector(path: PathBuf) -> impl hearken::client::Connect {
    let path = Arc::new(path);
    move |_: Destination| {
        let path = Arc::clone(&path);
        async move {
            // The error of the library names the host of the URL.
            UnixStream::connect(&*path).await.map_err(|error| {
                io::Error::new(error.kind(), format!("{}: {error}", path.display()))
            })
        }
    }
}

/// The addresses of the flags; other names are resolved by the system.
fn resolver(known: Vec<HostAddresses>) -> impl hearken::client::Resolve {
    let known = Arc::new(known);
    move |host: String, port: u16| {
        let known = Arc::clone(&known);
        async move {
            // An entry for the name comes before one for all names.
            let of_port = || known.iter().filter(|entry| entry.port == port);
            let entry = of_port()
                .find(|entry| entry.host.as_deref() == Some(&*host))
                .or_else(|| of_port().find(|entry| entry.host.is_none()));
            match entry {
                Some(entry) => {
                    let addresses = entry.addresses.iter();
                    Ok(addresses.map(|ip| SocketAddr::new(*ip, port)).collect())
                }
                None => Ok(lookup_host((host, port)).await?.collect()),
            }
        }
    }
}
