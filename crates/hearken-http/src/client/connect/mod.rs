//! How a connection comes about: queue, name, address, proxy, TLS, each with its time and its error.
//!
//! Here: [`acquire`], from a request's wish to a connection in its hands, and [`open`], which makes one. Not here: who is
//! first in line (`pool.rs`), the race between addresses (`happy.rs`), the words spoken to a proxy (`tunnel.rs`).

pub(crate) mod happy;
pub(crate) mod tunnel;

use crate::client::agent::connection::{Wire, now};
use crate::client::agent::options::{Connect, Destination, Family, Route};
use crate::client::agent::pool::KeyRef;
use crate::client::agent::proxies::Proxy;
use crate::client::agent::{Agent, Lease, Leased, Taken};
use crate::client::connect::happy::{ATTEMPT_DELAY, interleave, race};
use crate::client::info::{Origin, Timings};
use crate::client::target::Target;
use crate::conn::client::ClientConnection;
use crate::error::Error;
use crate::error::failure::{Cause, Failure, Phase};
use crate::net::transport::BoxIo;
use socket2::{SockRef, TcpKeepalive};
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::{TcpSocket, TcpStream, UnixStream, lookup_host};
use tokio::runtime::Handle;
use tokio::time::timeout;

/// Where a request wants to go.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) agent: Agent,
    pub(crate) target: Target,
    pub(crate) route: Option<Arc<Route>>,
    pub(crate) connector: Option<Arc<dyn Connect>>,
    /// When the exchange as a whole must be over.
    pub(crate) until: Option<(Instant, Duration)>,
    /// How far the connection that is being made has come, for whoever gives it up. Shared with the clone that makes it.
    pub(crate) step: Option<Arc<Step>>,
}

/// What is being waited for, and with whom.
type Step = Mutex<Option<(Phase, Arc<str>)>>;

impl Plan {
    /// What is being waited for, and with whom.
    pub(crate) fn step(&self) -> Option<(Phase, Arc<str>)> {
        let step = self.step.as_ref()?;
        step.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn begin_step(&self, phase: Phase, peer: &Arc<str>) {
        if let Some(step) = &self.step {
            let mut step = step.lock().unwrap_or_else(PoisonError::into_inner);
            *step = Some((phase, Arc::clone(peer)));
        }
    }

    pub(crate) fn key(&self, runtime: &Handle) -> KeyRef<'_, Route> {
        KeyRef {
            https: self.target.is_https(),
            host: self.target.host(),
            port: self.target.port(),
            route: self.route.as_deref(),
            runtime: runtime.id(),
        }
    }
}

/// A connection for this request: `taken` is what the pool had for it.
pub(crate) async fn acquire(plan: Plan, taken: Taken) -> Result<Leased, Error> {
    let began = now();
    let lease = match taken {
        Taken::Idle(leased) => return Ok(leased),
        Taken::Open(lease) => lease,
        Taken::Wait(turn) => {
            let time = plan.agent.inner.options.queue_timeout;
            let peer = plan.target.authority();
            let failed = |cause| Failure::before(Phase::Queue, &peer, cause);
            let step = (Phase::Queue, &peer, time);
            let waited = in_time(&plan, step, turn).await.map_err(failed)?;
            let grant = waited.map_err(|_| failed(Cause::Aborted))?;
            match grant.wire {
                Some(wire) => {
                    return Ok(Leased {
                        wire,
                        lease: grant.lease,
                    });
                }
                None => grant.lease,
            }
        }
    };
    open(&plan, lease, began).await
}

/// A step within its own time and that of the exchange as a whole, so that whichever is over is told with the step's phase.
/// Everything that is waited for before there is a connection goes through here.
async fn in_time<T>(
    plan: &Plan,
    (phase, peer, time): (Phase, &Arc<str>, Duration),
    step: impl Future<Output = T>,
) -> Result<T, Cause> {
    plan.begin_step(phase, peer);
    match plan.until {
        Some((at, whole)) if at.saturating_duration_since(now()) < time => {
            let done = tokio::time::timeout_at(at.into(), step).await;
            done.map_err(|_| Cause::CompleteMessage(whole))
        }
        _ => {
            let done = timeout(time, step).await;
            done.map_err(|_| Cause::Timeout(time))
        }
    }
}

/// Opens a connection in the room that was leased.
pub(crate) async fn open(plan: &Plan, lease: Lease, began: Instant) -> Result<Leased, Error> {
    static NUMBER: AtomicU64 = AtomicU64::new(1);
    let inner = &plan.agent.inner;
    let peer = plan.target.authority();
    let mut origin = Origin {
        id: NUMBER.fetch_add(1, Ordering::Relaxed),
        ..Origin::default()
    };
    origin.timings.queue = now() - began;
    let transport = reach(plan, &peer, &mut origin).await?;
    let transport = secure(plan, &peer, transport, &mut origin).await?;
    let used = ClientConnection::new(&inner.limits, &peer, now());
    let wire = Box::new(Wire::new(
        transport,
        used,
        origin,
        crate::client::agent::runtime()?,
    ));
    inner.count(|counts| counts.created += 1);
    Ok(Leased { wire, lease })
}

/// A stream of bytes to the host of the request, or to the proxy that stands for it.
async fn reach(plan: &Plan, peer: &Arc<str>, origin: &mut Origin) -> Result<BoxIo, Error> {
    let options = &plan.agent.inner.options;
    let target = &plan.target;
    let began = now();
    if let Some(connector) = plan.connector.as_ref().or(options.connector.as_ref()) {
        let to = Destination {
            host: target.host().to_owned(),
            port: target.port(),
            https: target.is_https(),
        };
        let step = (Phase::Connect, peer, options.connect_timeout);
        let transport = timely(plan, step, connector.connect(to)).await?.0;
        origin.timings.connect = now() - began;
        return Ok(transport);
    }
    if let Some(path) = plan.route.as_ref().and_then(|route| route.unix.as_ref()) {
        let peer: Arc<str> = path.display().to_string().into();
        let connecting = UnixStream::connect(path);
        let step = (Phase::Connect, &peer, options.connect_timeout);
        let stream = timely(plan, step, connecting).await?;
        origin.timings.connect = now() - began;
        return Ok(Box::new(stream));
    }
    let Some(proxy) = options.proxies.for_target(target) else {
        let stream = tcp(plan, target, peer, &mut origin.timings).await?;
        return Ok(Box::new(known(stream, origin)));
    };
    let via = proxy.target.authority();
    let stream = tcp(plan, &proxy.target, &via, &mut origin.timings).await?;
    let stream = known(stream, origin);
    let transport: BoxIo = if proxy.target.is_https() {
        handshake(
            plan,
            &proxy.target,
            &via,
            Box::new(stream),
            &mut origin.timings,
        )
        .await?
        .0
    } else {
        Box::new(stream)
    };
    if !target.is_https() {
        origin.proxied = true;
        origin.proxy_auth.clone_from(&proxy.auth);
        return Ok(transport);
    }
    through(plan, proxy, &via, transport, &mut origin.timings).await
}

/// A tunnel to the host through a proxy.
async fn through(
    plan: &Plan,
    proxy: &Proxy,
    via: &Arc<str>,
    transport: BoxIo,
    timings: &mut Timings,
) -> Result<BoxIo, Error> {
    let began = now();
    let time = plan.agent.inner.options.connect_timeout;
    let to = plan.target.authority();
    let asked = tunnel::through(transport, &to, proxy.auth.as_deref());
    let tunnel = match in_time(plan, (Phase::Proxy, via, time), asked).await {
        Ok(Ok(tunnel)) => tunnel,
        Ok(Err(cause)) | Err(cause) => return Err(Failure::before(Phase::Proxy, via, cause)),
    };
    timings.proxy = now() - began;
    Ok(tunnel)
}

/// Remembers the addresses of a connection.
fn known(stream: TcpStream, origin: &mut Origin) -> TcpStream {
    origin.remote = stream.peer_addr().ok();
    origin.local = stream.local_addr().ok();
    stream
}

/// TLS, if the request asks for it.
async fn secure(
    plan: &Plan,
    peer: &Arc<str>,
    transport: BoxIo,
    origin: &mut Origin,
) -> Result<BoxIo, Error> {
    if !plan.target.is_https() {
        return Ok(transport);
    }
    let (transport, info) =
        handshake(plan, &plan.target, peer, transport, &mut origin.timings).await?;
    origin.tls = info;
    Ok(transport)
}

#[cfg(feature = "tls")]
async fn handshake(
    plan: &Plan,
    with: &Target,
    peer: &Arc<str>,
    transport: BoxIo,
    timings: &mut Timings,
) -> Result<(BoxIo, Option<crate::client::info::Tls>), Error> {
    let began = now();
    let options = &plan.agent.inner.options;
    let time = options.tls_timeout;
    let shaking = options.tls.connect(with.host(), transport);
    let shaken = in_time(plan, (Phase::Tls, peer, time), shaking).await;
    let failed = |cause| Failure::before(Phase::Tls, peer, cause);
    let (stream, info) = shaken.map_err(failed)?.map_err(|error| {
        failed(Cause::Tls {
            error: Box::new(error),
            handshake: true,
        })
    })?;
    timings.tls += now() - began;
    Ok((Box::new(stream), Some(info)))
}

#[cfg(not(feature = "tls"))]
async fn handshake(
    _plan: &Plan,
    _with: &Target,
    peer: &Arc<str>,
    _transport: BoxIo,
    _timings: &mut Timings,
) -> Result<(BoxIo, Option<crate::client::info::Tls>), Error> {
    let cause = Cause::Tls {
        error: "this program was built without the feature `tls`".into(),
        handshake: true,
    };
    Err(Failure::before(Phase::Tls, peer, cause))
}

/// A TCP connection to the first address of a host that answers.
async fn tcp(
    plan: &Plan,
    target: &Target,
    peer: &Arc<str>,
    timings: &mut Timings,
) -> Result<TcpStream, Error> {
    let options = &plan.agent.inner.options;
    let began = now();
    let found = match target.ip() {
        Some(ip) => vec![SocketAddr::new(ip, target.port())],
        None => {
            let looked = resolve(plan, target);
            let step = (Phase::Resolve, peer, options.resolve_timeout);
            timely(plan, step, looked).await?
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
    let raced = race(&addresses, ATTEMPT_DELAY, |address| {
        connect_to(plan, address)
    });
    let step = (Phase::Connect, peer, options.connect_timeout);
    let connected = match in_time(plan, step, raced).await {
        Ok(Ok((stream, _))) => stream,
        Ok(Err(tried)) => {
            return Err(Failure::before(
                Phase::Connect,
                peer,
                Cause::Addresses(tried),
            ));
        }
        Err(whole @ Cause::CompleteMessage(_)) => {
            return Err(Failure::before(Phase::Connect, peer, whole));
        }
        Err(_) => {
            let late = || {
                io::Error::new(
                    io::ErrorKind::TimedOut,
                    format!("no answer within {:?}", options.connect_timeout),
                )
            };
            let tried = addresses.iter().map(|&address| (address, late())).collect();
            return Err(Failure::before(
                Phase::Connect,
                peer,
                Cause::Addresses(tried),
            ));
        }
    };
    timings.connect = now() - began;
    Ok(connected)
}

async fn resolve(plan: &Plan, target: &Target) -> io::Result<Vec<SocketAddr>> {
    let (host, port) = (target.host(), target.port());
    match &plan.agent.inner.options.resolver {
        Some(resolver) => resolver.resolve(host, port).await,
        None => Ok(lookup_host((host, port)).await?.collect()),
    }
}

async fn connect_to(plan: &Plan, address: SocketAddr) -> io::Result<TcpStream> {
    let options = &plan.agent.inner.options;
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

/// A step of the system within its time.
async fn timely<T>(
    plan: &Plan,
    (phase, peer, time): (Phase, &Arc<str>, Duration),
    step: impl Future<Output = io::Result<T>>,
) -> Result<T, Error> {
    let done = in_time(plan, (phase, peer, time), step).await;
    done.and_then(|done| done.map_err(Cause::Io))
        .map_err(|cause| Failure::before(phase, peer, cause))
}

/// A connection that the request has brought its own connector for: in no pool.
pub(crate) async fn single(plan: Plan, began: Instant) -> Result<Leased, Error> {
    open(&plan, Lease::none(), began).await
}

/// A new connection in the room of one that was closed.
pub(crate) async fn again(plan: Plan, lease: Lease) -> Result<Leased, Error> {
    open(&plan, lease, now()).await
}
