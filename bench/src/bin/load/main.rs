//! `load`: the benchmark's own load generator, for what wrk cannot do.
//!
//! `load tls-full|tls-resumed|tls-download|tls-upload PORT CONNECTIONS SECONDS CERTIFICATE`: see `tls.rs`.
//! `load upload PORT CONNECTIONS SECONDS` sends bodies of 1 MiB and prints a line of figures.
//! `load pipelined PORT CONNECTIONS SECONDS DEPTH` sends so many requests at a time and prints a line of figures.
//! `load idle PORT CONNECTIONS` opens connections, asks once on each, prints `ready N`, waits for a line on standard
//! input, prints how many connections the server has kept by then, and ends.
//! Only ever to 127.0.0.1.

mod tls;

use std::io::{self, BufRead};
use std::net::{Ipv4Addr, SocketAddr};
use std::process::ExitCode;
use std::rc::Rc;
use std::time::{Duration, Instant};

use harness::response::{self, Response};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::timeout;

/// Connections that are being opened at one time; more would overflow the accept queues.
const OPENING: usize = 64;

/// The small request.
const GET: &[u8] = b"GET /plaintext HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// How long one exchange may take.
const PATIENCE: Duration = Duration::from_secs(10);

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = LocalSet::new();
    match arguments.as_slice() {
        ["upload", port, connections, seconds] => {
            let seconds = Duration::from_secs(number(seconds)?);
            local.block_on(
                &runtime,
                upload(address(port)?, number(connections)?, seconds),
            )
        }
        ["pipelined", port, connections, seconds, depth] => {
            let seconds = Duration::from_secs(number(seconds)?);
            let connections = number(connections)?;
            local.block_on(
                &runtime,
                pipelined(address(port)?, connections, seconds, number(depth)?),
            )
        }
        [row, port, connections, seconds, certificate] if row.starts_with("tls-") => {
            let plan = tls::Plan {
                to: address(port)?,
                connections: number(connections)?,
                time: Duration::from_secs(number(seconds)?),
                certificate: (*certificate).into(),
            };
            local.block_on(&runtime, tls::run(row, plan))
        }
        ["idle", port, connections] => {
            let streams = local.block_on(&runtime, gather(address(port)?, number(connections)?))?;
            println!("ready {}", streams.len());
            io::stdin().lock().read_line(&mut String::new())?;
            println!("kept {}", local.block_on(&runtime, count_open(streams)));
            Ok(())
        }
        _ => Err(io::Error::other(
            "usage: load upload|pipelined|idle|tls-... PORT CONNECTIONS ...; see its first lines",
        )),
    }
}

fn number<N: std::str::FromStr>(text: &str) -> io::Result<N> {
    text.parse()
        .map_err(|_| io::Error::other(format!("expected a number, not {text}")))
}

fn address(port: &str) -> io::Result<SocketAddr> {
    Ok((Ipv4Addr::LOCALHOST, number(port)?).into())
}

/// Bodies of 1 MiB, one after the other on each connection.
async fn upload(to: SocketAddr, connections: usize, time: Duration) -> io::Result<()> {
    let request = large_post();
    let connect = async move || TcpStream::connect(to).await;
    let latencies_us = drive(connections, time, connect, async move |stream| {
        post(stream, &request).await
    });
    print_figures(latencies_us.await?, 1);
    Ok(())
}

/// A request with a body of 1 MiB.
fn large_post() -> Rc<[u8]> {
    let body = peer_kit::large();
    let length = body.len();
    let head =
        format!("POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body.as_bytes()].concat().into()
}

/// Sends what [`large_post`] made and wants its length back.
async fn post<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S, request: &[u8]) -> io::Result<()> {
    let response = exchange(stream, request).await?;
    if response.status != 200 || response.body != peer_kit::LARGE_BYTES.to_string().as_bytes() {
        let status = response.status;
        return Err(io::Error::other(format!(
            "status {status} or a wrong count"
        )));
    }
    Ok(())
}

/// Batches of requests, each sent in one write; a latency is that of a whole batch.
///
/// All answers are as long as the first one, so a batch has ended when so many bytes are there. Each must begin as an
/// answer where the one before it ends; the runner has compared the bodies before.
async fn pipelined(
    to: SocketAddr,
    connections: usize,
    time: Duration,
    depth: usize,
) -> io::Result<()> {
    let batch: Rc<[u8]> = GET.repeat(depth).into();
    let connect = async move || {
        let mut stream = TcpStream::connect(to).await?;
        let first = exchange(&mut stream, GET).await?;
        let length = first.head_bytes + first.body.len();
        Ok((stream, length, vec![0; length * depth]))
    };
    let latencies_us = drive(
        connections,
        time,
        connect,
        async move |(stream, length, answers)| {
            let exchange = async {
                stream.write_all(&batch).await?;
                stream.read_exact(answers).await
            };
            timeout(PATIENCE, exchange).await.map_err(late)??;
            if answers
                .chunks(*length)
                .all(|answer| answer.starts_with(b"HTTP/1.1 200 "))
            {
                Ok(())
            } else {
                Err(io::Error::other(
                    "an answer that is not as long as the first, or not 200",
                ))
            }
        },
    );
    print_figures(latencies_us.await?, depth);
    Ok(())
}

/// What all connections did together.
struct Driven {
    latencies_us: Vec<u128>,
    duration_us: u128,
}

/// Opens the connections, and repeats the exchange on each until the time is over. An exchange that is under way then is
/// finished and counted, and the time taken until the last one, so that the server's CPU time and the count belong together.
async fn drive<C: 'static>(
    connections: usize,
    time: Duration,
    connect: impl AsyncFn() -> io::Result<C> + 'static,
    exchange: impl AsyncFn(&mut C) -> io::Result<()> + 'static,
) -> io::Result<Driven> {
    let (connect, exchange) = (Rc::new(connect), Rc::new(exchange));
    let started = Instant::now();
    let mut tasks: JoinSet<io::Result<Vec<u128>>> = JoinSet::new();
    for _ in 0..connections {
        let (connect, exchange) = (Rc::clone(&connect), Rc::clone(&exchange));
        tasks.spawn_local(async move {
            let mut connection = connect().await?;
            let mut latencies_us = Vec::new();
            while started.elapsed() < time {
                let asked = Instant::now();
                exchange(&mut connection).await?;
                latencies_us.push(asked.elapsed().as_micros());
            }
            Ok(latencies_us)
        });
    }
    let mut latencies_us = Vec::new();
    while let Some(joined) = tasks.join_next().await {
        latencies_us.extend(joined.map_err(io::Error::other)??);
    }
    latencies_us.sort_unstable();
    Ok(Driven {
        latencies_us,
        duration_us: started.elapsed().as_micros(),
    })
}

/// The line that the runner reads. A failed exchange has ended the program before, hence no errors.
fn print_figures(driven: Driven, requests_each: usize) {
    let Driven {
        latencies_us,
        duration_us,
    } = driven;
    let last = latencies_us.len().saturating_sub(1);
    let percentile = |percent: usize| latencies_us.get(last * percent / 100).unwrap_or(&0);
    let (requests, p50, p99) = (
        latencies_us.len() * requests_each,
        percentile(50),
        percentile(99),
    );
    println!(
        "figures requests={requests} duration_us={duration_us} p50_us={p50} p99_us={p99} errors=0"
    );
}

/// Opens the connections and gets one answer on each.
async fn gather(to: SocketAddr, connections: usize) -> io::Result<Vec<TcpStream>> {
    let mut streams = Vec::with_capacity(connections);
    let mut tasks = JoinSet::new();
    let mut left = connections;
    while left > 0 || !tasks.is_empty() {
        while left > 0 && tasks.len() < OPENING {
            left -= 1;
            tasks.spawn_local(async move {
                let mut stream = TcpStream::connect(to).await?;
                // A reset at the end instead of ten thousand ports in TIME_WAIT.
                SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
                let response = exchange(&mut stream, GET).await?;
                if response.status == 200 {
                    Ok(stream)
                } else {
                    Err(io::Error::other("a status other than 200"))
                }
            });
        }
        if let Some(joined) = tasks.join_next().await {
            streams.push(joined.map_err(io::Error::other)??);
        }
    }
    Ok(streams)
}

/// How many connections the server has not closed.
async fn count_open(streams: Vec<TcpStream>) -> usize {
    // One turn of the reactor, so that it has seen every close that has happened.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let open = |stream: &&TcpStream| matches!(stream.try_read(&mut [0; 16]), Err(error) if error.kind() == io::ErrorKind::WouldBlock);
    streams.iter().filter(open).count()
}

/// One request and its answer.
async fn exchange<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    request: &[u8],
) -> io::Result<Response> {
    timeout(PATIENCE, async {
        stream.write_all(request).await?;
        stream.flush().await?;
        let mut input = Vec::with_capacity(512);
        loop {
            if stream.read_buf(&mut input).await? == 0 {
                return Err(io::Error::other("the server closed the connection"));
            }
            if let Some(response) = response::take(&mut input)? {
                return Ok(response);
            }
        }
    })
    .await
    .map_err(late)?
}

fn late(_: tokio::time::error::Elapsed) -> io::Error {
    io::Error::other(format!("no answer within {} s", PATIENCE.as_secs()))
}
