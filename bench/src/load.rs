//! The load that wrk cannot make, and what [`crate::check`] and [`crate::measure`] need besides: all on one thread.

use std::rc::Rc;
use std::time::{Duration, Instant};

use peer_kit::Exchange;
use rustls::HandshakeKind;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use crate::Result;
use crate::check::{request, talk};
use crate::conn::Conn;
use crate::tables::Row;

/// What a load reports: requests, duration, and median and 99th percentile of the latency where they are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Figures {
    pub(crate) requests: f64,
    pub(crate) duration_us: f64,
    pub(crate) latency_us: Option<[f64; 2]>,
}

/// Connections with one exchange each.
pub(crate) async fn crowd(port: u16, row: &Row, count: usize) -> Result<Vec<Conn>> {
    let mut conns = Vec::with_capacity(count);
    for _ in 0..count {
        let mut conn = Conn::open(port, None).await?;
        talk(&mut conn, row.exchange, 1).await?;
        conns.push(conn);
    }
    Ok(conns)
}

/// All of 64 connections send a batch before the first one receives, so that the server finds many events at a time.
pub(crate) async fn lockstep(port: u16, row: &Row, rounds: usize) -> Result<()> {
    let batch = request(row.exchange).repeat(row.depth());
    let mut conns = crowd(port, row, 64).await?;
    for _ in 0..rounds {
        for conn in &mut conns {
            conn.send(&batch).await?;
        }
        for conn in &mut conns {
            for _ in 0..row.depth() {
                conn.receive().await?;
            }
        }
    }
    Ok(())
}

/// Batches of requests, each in one write; a latency is that of a batch.
pub(crate) async fn batches(port: u16, row: &Row, seconds: u32) -> Result<Figures> {
    let (batch, depth) = (request(row.exchange).repeat(row.depth()), row.depth());
    let mut states = Vec::new();
    for mut conn in crowd(port, row, row.connections).await? {
        let bytes = talk(&mut conn, row.exchange, 1).await? * depth;
        states.push((conn, vec![0; bytes]));
    }
    let exchange = async move |(conn, answers): &mut (Conn, Vec<u8>)| {
        conn.send(&batch).await?;
        conn.receive_exact(answers).await?;
        // All responses have the same length. Each must begin where the one before it ends.
        let mut each = answers.chunks(answers.len() / depth);
        if each.all(|answer| answer.starts_with(b"HTTP/1.1 200 ")) {
            return Ok(());
        }
        Err("a response of another length, or not 200".into())
    };
    drive(states, seconds, exchange).await
}

/// TCP, handshake, one exchange, close. The response proves that the server has finished its side of the handshake, and brings the
/// tickets. Each loop has sessions of its own, so that no other takes its tickets.
pub(crate) async fn handshakes(
    port: u16,
    loops: Vec<TlsConnector>,
    kind: HandshakeKind,
    seconds: u32,
) -> Result<Figures> {
    let states = loops.into_iter().map(|tls| (tls, HandshakeKind::Full));
    let visit = async move |(tls, expected): &mut (_, HandshakeKind)| {
        let mut conn = Conn::open(port, Some(tls)).await?;
        conn.send(&request(Exchange::Plaintext)).await?;
        let (status, found) = (conn.receive().await?.status, conn.handshake);
        if status != 200 || found != Some(*expected) {
            return Err(format!("status {status}, {found:?}").into());
        }
        // The first one brings the session that the others resume.
        *expected = kind;
        Ok(())
    };
    drive(states.collect(), seconds, visit).await
}

/// Repeats the exchange with each of the states until the time is over. One that is active then is finished and counted, and the
/// time taken until the last one, so that the server's CPU time and the count belong together.
async fn drive<S: 'static>(
    states: Vec<S>,
    seconds: u32,
    exchange: impl AsyncFn(&mut S) -> Result<()> + 'static,
) -> Result<Figures> {
    let (started, time) = (Instant::now(), Duration::from_secs(seconds.into()));
    let exchange = Rc::new(exchange);
    let mut tasks: JoinSet<Result<Vec<f64>>> = JoinSet::new();
    for mut state in states {
        let exchange = Rc::clone(&exchange);
        tasks.spawn_local(async move {
            let mut latencies_us = Vec::new();
            while started.elapsed() < time {
                let asked = Instant::now();
                exchange(&mut state).await?;
                latencies_us.push(asked.elapsed().as_secs_f64() * 1e6);
            }
            Ok(latencies_us)
        });
    }
    let mut latencies_us = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        latencies_us.extend(joined??);
    }
    latencies_us.sort_by(f64::total_cmp);
    let last = latencies_us.len().saturating_sub(1);
    let percentile = |percent| latencies_us.get(last * percent / 100).copied();
    Ok(Figures {
        requests: latencies_us.len() as f64,
        duration_us: started.elapsed().as_secs_f64() * 1e6,
        latency_us: percentile(50).zip(percentile(99)).map(Into::into),
    })
}
