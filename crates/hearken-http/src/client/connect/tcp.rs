//! A TCP connection to a host: its addresses, and the first of them that answers.
//!
//! Here: [`addresses`], [`connect`]. Not here: the order and the race of the addresses (`happy.rs`).

use crate::client::agent::options::Family;
use crate::client::connect::happy::{ATTEMPT_DELAY, Progress, interleave, race};
use crate::client::connect::plan::{ConnectPlan, Step};
use crate::client::info::Timings;
use crate::client::runtime::now;
use crate::client::target::TargetUri;
use crate::error::Error;
use crate::error::client::{Addresses, Attempt, Cause, ExchangeError, Over, Party, Phase};
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::time::Duration;
use tokio::net::{TcpSocket, TcpStream, lookup_host};

/// The addresses of a host that may be used, in the order in which to try them, and how many are left out. `party` names the
/// host in errors.
pub(crate) async fn addresses(
    plan: &ConnectPlan,
    target: &TargetUri,
    party: &Party,
    timings: &mut Timings,
) -> Result<(Vec<SocketAddr>, usize), Error> {
    let began = now();
    let step = Step {
        phase: Phase::Resolve,
        party,
        time: plan.agent.shared.options.resolve_timeout,
    };
    let found = match (target.ip(), target.zone()) {
        (Some(ip), None) => vec![SocketAddr::new(ip, target.port())],
        (Some(ip), Some(zone)) => {
            let address = plan.io_within(step, in_zone(ip, zone, target.port()));
            vec![address.await?]
        }
        (None, _) => plan.io_within(step, resolve(plan, target)).await?,
    };
    timings.resolve += now() - began;
    let family = plan.route.as_ref().and_then(|route| route.family);
    let local = plan.route.as_ref().and_then(|route| route.local);
    let usable = found.iter().copied().filter(|address| {
        family.is_none_or(|family| address.is_ipv4() == (family == Family::V4))
            && local.is_none_or(|local| local.is_ipv4() == address.is_ipv4())
    });
    let (usable, left_out) = interleave(usable);
    if usable.is_empty() {
        let cause = Cause::NoAddress(no_address(&found, family, local));
        return Err(ExchangeError::before(Phase::Connect, party, cause));
    }
    Ok((usable, left_out))
}

/// Why none of these addresses may be used.
fn no_address(found: &[SocketAddr], family: Option<Family>, local: Option<IpAddr>) -> String {
    if found.is_empty() {
        return "the name has no address".to_owned();
    }
    let found: Vec<String> = found
        .iter()
        .map(|address| address.ip().to_string())
        .collect();
    let found = found.join(", ");
    let name = |v4| if v4 { "IPv4" } else { "IPv6" };
    let expected = match (family, local) {
        (Some(family), _) => format!("{}, by the option `family`", name(family == Family::V4)),
        (None, Some(local)) => format!("{}, as the local address {local}", name(local.is_ipv4())),
        (None, None) => "another".to_owned(),
    };
    format!("the host has no address that may be used: expected {expected}, found {found}")
}

/// Resolves and connects. `party` names the host in errors.
pub(crate) async fn connect(
    plan: &ConnectPlan,
    target: &TargetUri,
    party: &Party,
    timings: &mut Timings,
) -> Result<TcpStream, Error> {
    let (addresses, left_out) = addresses(plan, target, party, timings).await?;
    let began = now();
    let step = Step {
        phase: Phase::Connect,
        party,
        time: plan.agent.shared.options.connect_timeout,
    };
    let mut progress = Progress::default();
    let attempt = |address| connect_to(plan, address);
    let race = race(&addresses, ATTEMPT_DELAY, attempt, &mut progress);
    let over = match plan.within(step, race).await {
        Ok(Some((stream, _))) => {
            timings.connect += now() - began;
            return Ok(stream);
        }
        Ok(None) => None,
        Err(Cause::Deadline(whole)) => Some(Over::Deadline(whole)),
        Err(_) => Some(Over::Phase),
    };
    let cause = Cause::Addresses(Box::new(Addresses {
        attempts: progress.into_attempts(&addresses, now()),
        left_out,
        over,
    }));
    Err(ExchangeError::before(Phase::Connect, party, cause))
}

async fn resolve(plan: &ConnectPlan, target: &TargetUri) -> io::Result<Vec<SocketAddr>> {
    let (host, port) = (target.host(), target.port());
    if let Some(resolver) = &plan.agent.shared.options.resolver {
        return resolver.resolve(host, port).await;
    }
    if is_localhost(host) {
        let loopback = [
            IpAddr::V6(Ipv6Addr::LOCALHOST),
            IpAddr::V4(Ipv4Addr::LOCALHOST),
        ];
        return Ok(loopback.map(|ip| SocketAddr::new(ip, port)).to_vec());
    }
    Ok(lookup_host((host, port)).await?.collect())
}

/// A name below `localhost` is loopback; the DNS is not asked (RFC 6761 §6.3). `localhost` itself is what the system says, which
/// mostly has it in a file.
fn is_localhost(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    host.to_ascii_lowercase().ends_with(".localhost")
}

/// An IPv6 address with the number of its zone (RFC 4007 §11). The system knows the names of zones, and only those of link-local
/// addresses.
async fn in_zone(ip: IpAddr, zone: &str, port: u16) -> io::Result<SocketAddr> {
    let IpAddr::V6(ip) = ip else {
        return Ok(SocketAddr::new(ip, port));
    };
    let number = match zone.parse() {
        Ok(number) => number,
        Err(_) => {
            let found = lookup_host((format!("fe80::1%{zone}"), port)).await;
            let number = found.ok().and_then(|mut found| match found.next()? {
                SocketAddr::V6(address) => Some(address.scope_id()),
                SocketAddr::V4(_) => None,
            });
            number.filter(|&number| number != 0).ok_or_else(|| {
                let text = format!("expected the zone {zone:?} to be an interface of this host");
                io::Error::new(io::ErrorKind::NotFound, text)
            })?
        }
    };
    Ok(SocketAddrV6::new(ip, port, 0, number).into())
}

async fn connect_to(plan: &ConnectPlan, address: SocketAddr) -> Result<TcpStream, Attempt> {
    let options = &plan.agent.shared.options;
    let unbegun = |what: String| {
        move |error: io::Error| {
            Attempt::Unbegun(io::Error::new(error.kind(), format!("{what}: {error}")))
        }
    };
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    };
    let socket = socket.map_err(unbegun("no socket here".to_owned()))?;
    if let Some(local) = plan.route.as_ref().and_then(|route| route.local) {
        let bound = socket.bind(SocketAddr::new(local, 0));
        bound.map_err(unbegun(format!("the local address {local} cannot be used")))?;
    }
    let stream = socket.connect(address).await.map_err(Attempt::Failed)?;
    // A connection without these options works too.
    let _ = stream.set_nodelay(options.no_delay);
    if let Some(time) = options.tcp_keep_alive {
        let probes = TcpKeepalive::new().with_time(time.max(Duration::from_secs(1)));
        let _ = SockRef::from(&stream).set_tcp_keepalive(&probes);
    }
    Ok(stream)
}
