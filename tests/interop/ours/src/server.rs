//! A server whose handlers behave badly, for tests/interop/ends.py, crowd.py and upgraded.py: `hearken-interop-server NAME=VALUE...`
//!
//! `grace`, `idle`: milliseconds; `workers`, `max`, `per_address`: numbers; `listen`: an address. Prints its URL, and writes events to
//! stderr. Exit codes as those of `hearken echo`.

use hearken::{Failure, IncomingMessage, Limits, Sent, Server, ServerResponse, event};
use std::collections::HashMap;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Longer than every script.
const LONG: Duration = Duration::from_secs(300);

async fn handle(req: IncomingMessage, res: ServerResponse) -> Result<Sent, Failure> {
    match req.path() {
        "/block" => thread::sleep(LONG),
        "/blocking" => {
            // A panic of the task is an error here.
            let _ = tokio::task::spawn_blocking(|| thread::sleep(LONG)).await;
        }
        "/forever" => std::future::pending().await,
        "/panic" => panic!("as you asked"),
        "/events" => return events(&req, res).await,
        _ => {}
    }
    Ok(res.end("done"))
}

/// Server-sent events until the client or the server ends.
async fn events(req: &IncomingMessage, res: ServerResponse) -> Result<Sent, Failure> {
    let res = res.set("Content-Type", "text/event-stream");
    let mut closing = req.closing();
    for number in 0_u64.. {
        res.write(format!("data: {number}\n\n"));
        res.drain().await?;
        tokio::select! {
            () = &mut closing => break,
            () = tokio::time::sleep(Duration::from_millis(100)) => {}
        }
    }
    Ok(res.end("data: bye\n\n"))
}

/// Every byte comes back.
async fn echo(_req: IncomingMessage, res: ServerResponse) -> Result<Sent, Failure> {
    let (sent, upgrading) = res.upgrade("echo")?;
    let mut stream = upgrading.await?;
    let mut buffer = [0; 1024];
    loop {
        match stream.read(&mut buffer).await {
            Ok(0) => break,
            Ok(count) => stream.write_all(&buffer[..count]).await?,
            Err(error) => {
                eprintln!("upgraded: {:?}: {error}", error.kind());
                break;
            }
        }
    }
    Ok(sent)
}

/// The settings from the command line.
struct Settings(HashMap<String, String>);

impl Settings {
    fn read() -> Self {
        let pairs = std::env::args().skip(1).filter_map(|argument| {
            let (name, value) = argument.split_once('=')?;
            Some((name.to_owned(), value.to_owned()))
        });
        Self(pairs.collect())
    }

    fn number(&self, name: &str) -> Option<usize> {
        let value = self.0.get(name)?;
        Some(
            value
                .parse()
                .unwrap_or_else(|_| panic!("{name}={value}: expected a number")),
        )
    }

    fn millis(&self, name: &str) -> Option<Duration> {
        self.number(name)
            .map(|millis| Duration::from_millis(millis as u64))
    }
}

fn server(settings: &Settings) -> Server {
    let mut server = Server::new(handle);
    server.handle(event::Upgrade, echo);
    server.on(event::Listening, |address| println!("{address}"));
    server.on(event::HandlerFailed, |failure| {
        eprintln!("error: {failure}")
    });
    server.on(event::Error, |error| eprintln!("error: {error}"));
    server.on(event::HandlerFailed, |failure| match failure.request() {
        Some(request) => eprintln!("failed: {request}: {failure}"),
        None => eprintln!("failed: {failure}"),
    });
    server.on(event::Close, |()| eprintln!("closed"));
    server.on(event::DropConnection, |peer| eprintln!("dropped: {peer:?}"));
    server.on(event::Timeout, |timeout| {
        eprintln!("timeout: {:?}", timeout.deadline())
    });
    let mut limits = Limits::default();
    if let Some(grace) = settings.millis("grace") {
        limits.time.grace = grace;
    }
    if let Some(idle) = settings.millis("idle") {
        limits.time.upgraded_idle = idle;
    }
    let mut server = server
        .limits(limits)
        .workers(settings.number("workers").unwrap_or(2));
    if let Some(max) = settings.number("max") {
        server = server.connections_max(max);
    }
    if let Some(max) = settings.number("per_address") {
        server = server.connections_per_address_max(max);
    }
    server
}

fn main() -> ExitCode {
    let settings = Settings::read();
    let address = settings
        .0
        .get("listen")
        .map_or("127.0.0.1:0", String::as_str);
    let listening = match server(&settings).listen(address) {
        Ok(listening) => listening,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    match listening.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error
            .signal()
            .map_or(ExitCode::FAILURE, |signal| ExitCode::from(128 + signal)),
    }
}
