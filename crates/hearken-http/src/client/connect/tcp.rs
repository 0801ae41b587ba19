//! A TCP connection to a host: its addresses, and the first of them that answers.
//!
//! Here: [`connect`]. Not here: the order and the race of the addresses (`happy.rs`).

use crate::client::agent::options::Family;
use crate::client::connect::happy::{ATTEMPT_DELAY, interleave, race};
use crate::client::connect::plan::{ConnectPlan, Step};
use crate::client::info::Timings;
use crate::client::runtime::now;
use crate::client::target::TargetUri;
use crate::error::Error;
use crate::error::client::{Cause, ExchangeError, Phase};
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream, lookup_host};

/// Resolves and connects. `peer` is the host in errors.
pub(crate) async fn connect(
    plan: &ConnectPlan,
    target: &TargetUri,
    peer: &Arc<str>,
    timings: &mut Timings,
) -> Result<TcpStream, Error> {
    let options = &plan.agent.shared.options;
    let began = now();
    let found = match target.ip() {
        Some(ip) => vec![SocketAddr::new(ip, target.port())],
        None => {
            let step = Step {
                phase: Phase::Resolve,
                peer,
                time: options.resolve_timeout,
            };
            plan.io_within(step, resolve(plan, target)).await?
        }
    };
    timings.resolve = now() - began;
    let family = plan.route.as_ref().and_then(|route| route.family);
    let local = plan.route.as_ref().and_then(|route| route.local);
    let usable = found.into_iter().filter(|address| {
        family.is_none_or(|family| address.is_ipv4() == (family == Family::V4))
            && local.is_none_or(|local| local.is_ipv4() == address.is_ipv4())
    });
    let addresses = interleave(usable);
    let began = now();
    let step = Step {
        phase: Phase::Connect,
        peer,
        time: options.connect_timeout,
    };
    let attempt = |address| connect_to(plan, address);
    let race = race(&addresses, ATTEMPT_DELAY, attempt);
    let cause = match plan.within(step, race).await {
        Ok(Ok((stream, _))) => {
            timings.connect = now() - began;
            return Ok(stream);
        }
        Ok(Err(tried)) => Cause::Addresses(tried),
        Err(deadline @ Cause::Deadline(_)) => deadline,
        Err(_) => {
            let late = || {
                let text = format!("no answer within {:?}", options.connect_timeout);
                io::Error::new(io::ErrorKind::TimedOut, text)
            };
            Cause::Addresses(addresses.iter().map(|&address| (address, late())).collect())
        }
    };
    Err(ExchangeError::before(Phase::Connect, peer, cause))
}

async fn resolve(plan: &ConnectPlan, target: &TargetUri) -> io::Result<Vec<SocketAddr>> {
    let (host, port) = (target.host(), target.port());
    match &plan.agent.shared.options.resolver {
        Some(resolver) => resolver.resolve(host, port).await,
        None => Ok(lookup_host((host, port)).await?.collect()),
    }
}

async fn connect_to(plan: &ConnectPlan, address: SocketAddr) -> io::Result<TcpStream> {
    let options = &plan.agent.shared.options;
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    if let Some(local) = plan.route.as_ref().and_then(|route| route.local) {
        socket.bind(SocketAddr::new(local, 0))?;
    }
    let stream = socket.connect(address).await?;
    stream.set_nodelay(options.no_delay)?;
    if let Some(time) = options.tcp_keep_alive {
        let probes = TcpKeepalive::new().with_time(time.max(Duration::from_secs(1)));
        SockRef::from(&stream).set_tcp_keepalive(&probes)?;
    }
    Ok(stream)
}
