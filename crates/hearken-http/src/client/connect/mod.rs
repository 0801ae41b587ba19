//! How a connection is opened: queue, name, address, proxy, TLS, each with its time-out and its error.
//!
//! Here: [`acquire`], which waits in the queue, and [`open`]; what a request wants of its connection (`plan.rs`), TCP (`tcp.rs`), the
//! race between addresses (`happy.rs`), tunnels through proxies (`tunnel.rs`).
//! May know: the agent and its pool (`client/agent/`), sockets, TLS.
//! Must not know: requests and responses (`client/request/`).

pub(crate) mod happy;
pub(crate) mod plan;
pub(crate) mod tcp;
pub(crate) mod tunnel;

use crate::client::agent::connection::PooledConnection;
use crate::client::agent::options::Destination;
use crate::client::agent::proxies::Proxy;
use crate::client::agent::shared::{Acquired, Permit, QueueTicket};
use crate::client::connect::plan::{ConnectPlan, Step};
use crate::client::info::{ConnectionFacts, Timings, Tls};
use crate::client::runtime::{self, now};
use crate::client::target::TargetUri;
use crate::conn::client::{ClassifyError, ClientConnection};
use crate::error::Error;
use crate::error::failure::{Cause, Failure, Phase};
use crate::net::transport::BoxIo;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;
use tokio::net::{TcpStream, UnixStream};

/// Waits in the queue, then opens a connection if the pool has none.
pub(crate) async fn acquire(
    plan: ConnectPlan,
    ticket: QueueTicket,
) -> Result<Box<PooledConnection>, Error> {
    let began = now();
    let peer = plan.target.authority();
    let step = Step {
        phase: Phase::Queue,
        peer: &peer,
        time: plan.agent.shared.options.queue_timeout,
    };
    let waited = plan.within(step, ticket).await;
    let waited = waited.and_then(|acquired| acquired.map_err(|_| Cause::Aborted));
    match waited.map_err(|cause| Failure::before(Phase::Queue, &peer, cause))? {
        Acquired::Connection(connection) => Ok(connection),
        Acquired::Permit(permit) => open(plan, permit, began).await,
    }
}

/// Recognises the errors of TLS among those of a transport.
#[cfg(feature = "tls")]
const CLASSIFY: ClassifyError = crate::tls::classify;
#[cfg(not(feature = "tls"))]
const CLASSIFY: ClassifyError = |_, _| None;

/// Opens a connection. `began`: when the wait for it began.
pub(crate) async fn open(
    plan: ConnectPlan,
    permit: Permit,
    began: Instant,
) -> Result<Box<PooledConnection>, Error> {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let shared = &plan.agent.shared;
    let peer = plan.target.authority();
    let mut facts = ConnectionFacts {
        id: NUMBER.fetch_add(1, Ordering::Relaxed),
        ..ConnectionFacts::default()
    };
    facts.timings.queue = now() - began;
    let transport = reach(&plan, &peer, &mut facts).await?;
    let transport = secure(&plan, &peer, transport, &mut facts).await?;
    let http = ClientConnection::new(&shared.limits, &peer, now(), CLASSIFY);
    let runtime = runtime::current()?;
    shared.count(|counts| counts.created += 1);
    Ok(Box::new(PooledConnection::new(
        transport, http, facts, runtime, permit,
    )))
}

/// A transport to the host of the request, or to the proxy in its place.
async fn reach(
    plan: &ConnectPlan,
    peer: &Arc<str>,
    facts: &mut ConnectionFacts,
) -> Result<BoxIo, Error> {
    let options = &plan.agent.shared.options;
    let target = &plan.target;
    let began = now();
    let step = Step {
        phase: Phase::Connect,
        peer,
        time: options.connect_timeout,
    };
    if let Some(connector) = plan.connector.as_ref().or(options.connector.as_ref()) {
        let to = Destination {
            host: target.host().to_owned(),
            port: target.port(),
            https: target.is_https(),
        };
        let transport = plan.io_within(step, connector.connect(to)).await?.0;
        facts.timings.connect = now() - began;
        return Ok(transport);
    }
    if let Some(path) = plan.route.as_ref().and_then(|route| route.unix.as_ref()) {
        let peer: Arc<str> = path.display().to_string().into();
        let step = Step {
            peer: &peer,
            ..step
        };
        let stream = plan.io_within(step, UnixStream::connect(path)).await?;
        facts.timings.connect = now() - began;
        return Ok(Box::new(stream));
    }
    let Some(proxy) = options.proxies.for_target(target) else {
        let stream = tcp::connect(plan, target, peer, &mut facts.timings).await?;
        return Ok(Box::new(with_addresses(stream, facts)));
    };
    let via = proxy.target.authority();
    let stream = tcp::connect(plan, &proxy.target, &via, &mut facts.timings).await?;
    let mut transport: BoxIo = Box::new(with_addresses(stream, facts));
    if proxy.target.is_https() {
        let timings = &mut facts.timings;
        (transport, _) = handshake(plan, &proxy.target, &via, transport, timings).await?;
    }
    if !target.is_https() {
        facts.proxied = true;
        facts.proxy_auth.clone_from(&proxy.auth);
        return Ok(transport);
    }
    open_tunnel(plan, proxy, &via, transport, &mut facts.timings).await
}

/// A tunnel to the host through a proxy.
async fn open_tunnel(
    plan: &ConnectPlan,
    proxy: &Proxy,
    via: &Arc<str>,
    transport: BoxIo,
    timings: &mut Timings,
) -> Result<BoxIo, Error> {
    let began = now();
    let step = Step {
        phase: Phase::Proxy,
        peer: via,
        time: plan.agent.shared.options.connect_timeout,
    };
    let to = plan.target.authority();
    let limits = &plan.agent.shared.limits;
    let tunnel = tunnel::open(transport, &to, proxy.auth.as_deref(), limits);
    let tunnel = plan.within(step, tunnel).await.flatten();
    let tunnel = tunnel.map_err(|cause| Failure::before(Phase::Proxy, via, cause))?;
    timings.proxy = now() - began;
    Ok(tunnel)
}

/// Notes the addresses of a connection.
fn with_addresses(stream: TcpStream, facts: &mut ConnectionFacts) -> TcpStream {
    facts.remote = stream.peer_addr().ok();
    facts.local = stream.local_addr().ok();
    stream
}

/// The TLS handshake, if the request needs one.
async fn secure(
    plan: &ConnectPlan,
    peer: &Arc<str>,
    transport: BoxIo,
    facts: &mut ConnectionFacts,
) -> Result<BoxIo, Error> {
    if !plan.target.is_https() {
        return Ok(transport);
    }
    let timings = &mut facts.timings;
    let (transport, tls) = handshake(plan, &plan.target, peer, transport, timings).await?;
    facts.tls = tls;
    Ok(transport)
}

#[cfg(feature = "tls")]
async fn handshake(
    plan: &ConnectPlan,
    with: &TargetUri,
    peer: &Arc<str>,
    transport: BoxIo,
    timings: &mut Timings,
) -> Result<(BoxIo, Option<Tls>), Error> {
    let began = now();
    let options = &plan.agent.shared.options;
    let step = Step {
        phase: Phase::Tls,
        peer,
        time: options.tls_timeout,
    };
    let handshake = options.tls.connect(with.host(), transport);
    let failed = |cause| Failure::before(Phase::Tls, peer, cause);
    let done = plan.within(step, handshake).await.map_err(failed)?;
    let (stream, tls) = done.map_err(|error| {
        failed(Cause::Tls {
            error: Box::new(error),
            handshake: true,
        })
    })?;
    timings.tls += now() - began;
    Ok((Box::new(stream), Some(tls)))
}

#[cfg(not(feature = "tls"))]
async fn handshake(
    _plan: &ConnectPlan,
    _with: &TargetUri,
    peer: &Arc<str>,
    _transport: BoxIo,
    _timings: &mut Timings,
) -> Result<(BoxIo, Option<Tls>), Error> {
    let cause = Cause::Tls {
        error: "this program was built without the feature `tls`".into(),
        handshake: true,
    };
    Err(Failure::before(Phase::Tls, peer, cause))
}
