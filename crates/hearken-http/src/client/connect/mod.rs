//! How a connection is opened: queue, name, address, proxy, TLS, each with its time-out and its error.
//!
//! Here: [`acquire`], which waits in the queue, and [`open`]; what a request wants of its connection (`plan.rs`), TCP (`tcp.rs`), the
//! race between addresses (`happy.rs`), proxies (`proxy.rs`) by tunnels (`tunnel.rs`) and SOCKS5 (`socks.rs`).
//! May know: the agent and its pool (`client/agent/`), sockets, TLS.
//! Must not know: requests and responses (`client/request/`).

mod happy;
pub(crate) mod plan;
mod proxy;
mod socks;
mod tcp;
mod tunnel;

use crate::client::agent::connection::PooledConnection;
use crate::client::agent::options::Destination;
use crate::client::agent::shared::{Acquired, Permit, QueueTicket};
use crate::client::connect::plan::{ConnectPlan, Step};
use crate::client::info::{ConnectionFacts, Timings, Tls};
use crate::client::runtime::{self, now};
use crate::client::target::TargetUri;
use crate::conn::client::{ClassifyError, ClientConnection};
use crate::error::Error;
use crate::error::client::{Cause, ExchangeError, Party, Phase, TlsStage};
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
    let party = Party::from(plan.target.name());
    let step = Step {
        phase: Phase::Queue,
        party: &party,
        time: plan.agent.shared.options.queue_timeout,
    };
    let waited = plan.within(step, ticket).await;
    let waited = waited.and_then(|acquired| acquired.map_err(|_| Cause::Aborted));
    match waited.map_err(|cause| ExchangeError::before(Phase::Queue, &party, cause))? {
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
    let party = Party::from(plan.target.name());
    let mut facts = ConnectionFacts {
        id: NUMBER.fetch_add(1, Ordering::Relaxed),
        ..ConnectionFacts::default()
    };
    facts.timings.queue = now() - began;
    check_tls(&plan, &party)?;
    let transport = reach(&plan, &party, &mut facts).await?;
    let party = party.through(facts.via.clone());
    let transport = secure(&plan, &party, transport, &mut facts).await?;
    let http = ClientConnection::new(&shared.limits, party, now(), CLASSIFY);
    let runtime = runtime::current()?;
    shared.count(|counts| counts.created += 1);
    Ok(Box::new(PooledConnection::new(
        transport, http, facts, runtime, permit,
    )))
}

/// A transport to the host of the request, or to the proxy in its place.
async fn reach(
    plan: &ConnectPlan,
    party: &Party,
    facts: &mut ConnectionFacts,
) -> Result<BoxIo, Error> {
    let options = &plan.agent.shared.options;
    let target = &plan.target;
    let began = now();
    let step = Step {
        phase: Phase::Connect,
        party,
        time: options.connect_timeout,
    };
    if let Some(connector) = plan.connector.as_ref().or(options.connector.as_ref()) {
        let to = Destination {
            host: match target.zone() {
                None => target.host().to_owned(),
                Some(zone) => format!("{}%{zone}", target.host()),
            },
            port: target.port(),
            https: target.is_https(),
        };
        let transport = plan.io_within(step, connector.connect(to)).await?.0;
        facts.timings.connect = now() - began;
        return Ok(transport);
    }
    if let Some(path) = plan.route.as_ref().and_then(|route| route.unix.as_ref()) {
        let party = Party::from(Arc::<str>::from(path.display().to_string()));
        let step = Step {
            party: &party,
            ..step
        };
        let stream = plan.io_within(step, UnixStream::connect(path)).await?;
        facts.timings.connect = now() - began;
        return Ok(Box::new(stream));
    }
    let proxy = options.proxies.for_target(target).map_err(|error| {
        let cause = Cause::Setting(Arc::clone(error));
        ExchangeError::before(Phase::Proxy, party, cause)
    })?;
    if let Some(proxy) = proxy {
        return proxy::through(plan, proxy, facts).await;
    }
    let stream = tcp::connect(plan, target, party, &mut facts.timings).await?;
    Ok(Box::new(with_addresses(stream, facts)))
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
    party: &Party,
    transport: BoxIo,
    facts: &mut ConnectionFacts,
) -> Result<BoxIo, Error> {
    if !plan.target.is_https() {
        return Ok(transport);
    }
    let timings = &mut facts.timings;
    let (transport, tls) = handshake(plan, &plan.target, party, transport, timings).await?;
    facts.tls = tls;
    Ok(transport)
}

#[cfg(feature = "tls")]
async fn handshake(
    plan: &ConnectPlan,
    with: &TargetUri,
    party: &Party,
    transport: BoxIo,
    timings: &mut Timings,
) -> Result<(BoxIo, Option<Tls>), Error> {
    let began = now();
    let options = &plan.agent.shared.options;
    let step = Step {
        phase: Phase::Tls,
        party,
        time: options.tls_timeout,
    };
    let handshake = options.tls.connect(with.host(), transport);
    let failed = |cause| ExchangeError::before(Phase::Tls, party, cause);
    let done = plan.within(step, handshake).await.map_err(failed)?;
    let (stream, tls) = done.map_err(|error| {
        failed(Cause::Tls {
            error: Box::new(error),
            stage: TlsStage::Handshake,
        })
    })?;
    timings.tls += now() - began;
    Ok((Box::new(stream), Some(tls)))
}

/// Without the feature `tls` there is no connection that needs it: see [`check_tls`].
#[cfg(not(feature = "tls"))]
async fn handshake(
    _plan: &ConnectPlan,
    _with: &TargetUri,
    party: &Party,
    _transport: BoxIo,
    _timings: &mut Timings,
) -> Result<(BoxIo, Option<Tls>), Error> {
    Err(no_tls(
        party,
        "this program was built without the feature `tls`".into(),
    ))
}

/// Whether TLS can be spoken, before there is a connection for it: with the server, and with the proxy on the way to it.
fn check_tls(plan: &ConnectPlan, party: &Party) -> Result<(), Error> {
    if plan.target.is_https() {
        check_tls_with(plan, plan.target.host(), party)?;
    }
    Ok(())
}

#[cfg(feature = "tls")]
fn check_tls_with(plan: &ConnectPlan, host: &str, party: &Party) -> Result<(), Error> {
    let checked = plan.agent.shared.options.tls.check(host);
    checked.map_err(|error| no_tls(party, Box::new(error)))
}

#[cfg(not(feature = "tls"))]
fn check_tls_with(_plan: &ConnectPlan, _host: &str, party: &Party) -> Result<(), Error> {
    Err(no_tls(
        party,
        "this program was built without the feature `tls`".into(),
    ))
}

fn no_tls(party: &Party, error: Box<dyn std::error::Error + Send + Sync>) -> Error {
    let stage = TlsStage::Settings;
    ExchangeError::before(Phase::Tls, party, Cause::Tls { error, stage })
}
