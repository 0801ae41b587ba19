//! A transport to a host through a proxy: forwarded requests, tunnels, SOCKS5.
//!
//! Here: [`through`]. Not here: which proxy serves which host (`client/agent/proxies.rs`), the protocols (`tunnel.rs`, `socks.rs`).

use crate::client::agent::proxies::{Proxy, ProxyKind, Socks};
use crate::client::connect::plan::{ConnectPlan, Step};
use crate::client::connect::{handshake, socks, tcp, tunnel, with_addresses};
use crate::client::info::ConnectionFacts;
use crate::client::runtime::now;
use crate::error::Error;
use crate::error::client::{Addresses, Attempt, Cause, ExchangeError, Party, Phase, SocksError};
use crate::net::transport::BoxIo;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

/// See the module.
pub(crate) async fn through(
    plan: &ConnectPlan,
    proxy: &Proxy,
    facts: &mut ConnectionFacts,
) -> Result<BoxIo, Error> {
    facts.via = Some(Arc::clone(&proxy.via));
    match &proxy.kind {
        ProxyKind::Socks(socks) => through_socks(plan, proxy, socks, facts).await,
        ProxyKind::Http(auth) => {
            let transport = reach(plan, proxy, facts).await?;
            if plan.target.is_https() {
                let to = plan.target.authority();
                let limits = &plan.agent.shared.limits;
                let tunnel = tunnel::open(transport, &to, auth.as_deref(), limits);
                return open(plan, proxy, facts, tunnel).await?.map_err(|cause| {
                    ExchangeError::before(Phase::Proxy, &Party::proxy(&proxy.via), cause)
                });
            }
            facts.proxied = true;
            facts.proxy_auth.clone_from(auth);
            Ok(transport)
        }
    }
}

/// A transport to the proxy.
async fn reach(
    plan: &ConnectPlan,
    proxy: &Proxy,
    facts: &mut ConnectionFacts,
) -> Result<BoxIo, Error> {
    let party = Party::proxy(&proxy.via);
    let stream = tcp::connect(plan, &proxy.target, &party, &mut facts.timings).await?;
    let transport: BoxIo = Box::new(with_addresses(stream, facts));
    if !proxy.target.is_https() {
        return Ok(transport);
    }
    let secured = handshake(plan, &proxy.target, &party, transport, &mut facts.timings);
    Ok(secured.await?.0)
}

/// Waits for the proxy to connect, within the time for it.
async fn open(
    plan: &ConnectPlan,
    proxy: &Proxy,
    facts: &mut ConnectionFacts,
    opening: impl Future<Output = Result<BoxIo, Cause>>,
) -> Result<Result<BoxIo, Cause>, Error> {
    let began = now();
    let party = Party::proxy(&proxy.via);
    let step = Step {
        phase: Phase::Proxy,
        party: &party,
        time: plan.agent.shared.options.connect_timeout,
    };
    let opened = plan.within(step, opening).await;
    facts.timings.proxy += now() - began;
    opened.map_err(|cause| ExchangeError::before(Phase::Proxy, &party, cause))
}

/// A connection by SOCKS5. The addresses of a name that is resolved here are tried one after the other.
async fn through_socks(
    plan: &ConnectPlan,
    proxy: &Proxy,
    socks: &Socks,
    facts: &mut ConnectionFacts,
) -> Result<BoxIo, Error> {
    let target = &plan.target;
    let failed = |cause| ExchangeError::before(Phase::Proxy, &Party::proxy(&proxy.via), cause);
    if socks.resolves && target.ip().is_none() {
        let to = socks::Host::Name(target.host(), target.port());
        let transport = reach(plan, proxy, facts).await?;
        let opening = socks::open(transport, to, socks.login.as_ref());
        return open(plan, proxy, facts, opening).await?.map_err(failed);
    }
    let party = Party::from(target.name());
    let (addresses, left_out) = tcp::addresses(plan, target, &party, &mut facts.timings).await?;
    let mut attempts: Vec<(SocketAddr, Attempt)> = Vec::new();
    for &address in &addresses {
        let transport = reach(plan, proxy, facts).await?;
        let to = socks::Host::Address(address);
        let opening = socks::open(transport, to, socks.login.as_ref());
        match open(plan, proxy, facts, opening).await? {
            Ok(transport) => return Ok(transport),
            Err(Cause::Socks(error @ SocksError::Reply(_))) if addresses.len() > 1 => {
                attempts.push((
                    address,
                    Attempt::Failed(io::Error::other(error.to_string())),
                ));
            }
            Err(cause) => return Err(failed(cause)),
        }
    }
    Err(failed(Cause::Addresses(Box::new(Addresses {
        attempts,
        left_out,
        over: None,
    }))))
}
