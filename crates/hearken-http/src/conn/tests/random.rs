//! Random walks of clients and handlers, and the invariants that hold for each.
//!
//! Nothing panics or spins; a client receives a sequence of complete responses, of which only the last may be cut; each
//! connection emits `Connection` and `Disconnected` once; every handler and task ends; nothing of them is kept.

use super::harness::{Gate, Guard, Link, Log, Open, either, file, serve, spawn, tasks};
use crate::{Failure, IncomingMessage, OutgoingMessage, Sent, ServerResponse, event};
use hearken_proto::{Connection, Event, Fields, Length, Limits, Request, Role};
use std::cell::RefCell;
use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

/// Small pseudo-random numbers, the same for the same seed (xorshift).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % sides
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.roll(from.len())]
    }
}

const PATHS: &[&str] = &[
    "/end",
    "/read",
    "/echo",
    "/let-go",
    "/early",
    "/wait",
    "/wait-read",
    "/late-end",
    "/defer",
    "/lost",
    "/task-read",
    "/task-holds",
    "/events",
    "/events-early",
    "/listen-out",
    "/panic",
    "/panic-late",
    "/panic-listener",
    "/error",
    "/error-late",
    "/closed",
    "/either",
    "/short",
    "/big",
    "/flood",
    "/trailers",
    "/cork",
    "/interim",
    "/bare",
    "/file",
    "/ranges",
    "/pipe",
    "/destroy",
    "/destroy-late",
    "/cork-late",
    "/events-paused",
];

type Answered = Result<Sent, Failure>;

/// Handlers that wait for their client only.
async fn at_once(mut req: IncomingMessage, res: ServerResponse) -> Answered {
    let path = req.path().to_owned();
    match path.as_str() {
        "/read" => return Ok(res.end(req.bytes().await?)),
        "/echo" => {
            while let Some(piece) = req.data().await? {
                if !res.write(piece) {
                    res.drain().await?;
                }
            }
            return Ok(res.end(""));
        }
        "/let-go" => drop(req),
        "/panic" => panic!("on purpose"),
        "/panic-late" => {
            res.write("piece");
            panic!("on purpose");
        }
        "/error" => return Err(Failure::new(409, "on purpose")),
        "/closed" => {
            let sent = res.end("x");
            req.closed().await;
            return Ok(sent);
        }
        "/short" => return Ok(res.set("Content-Length", "100").end("short")),
        "/big" => return Ok(res.end(vec![b'.'; 100_000])),
        "/flood" => {
            for _ in 0..300 {
                res.write(vec![b'.'; 9000]);
            }
        }
        "/trailers" => {
            res.write("piece");
            let mut trailers = Fields::new();
            trailers.append("X-T", "1")?;
            return Ok(res.end_with_trailers(&trailers));
        }
        _ => return more_at_once(&path, req, res).await,
    }
    Ok(res.end("done"))
}

async fn more_at_once(path: &str, req: IncomingMessage, res: ServerResponse) -> Answered {
    match path {
        "/cork" => {
            res.cork();
            res.write("piece");
            res.write(vec![b'.'; 70_000]);
            res.write("piece");
        }
        "/interim" => {
            res.write_processing()?;
            res.write_early_hints(["</a>"])?;
        }
        "/bare" => {
            for name in ["content-length", "transfer-encoding", "connection", "date"] {
                res.remove_header(name);
            }
        }
        "/file" => return res.send_file(file(&[b'.'; 300_000])).await,
        "/ranges" => {
            let file = crate::message::SendFile::from(file(&[b'.'; 30_000])).conditional();
            return res.send_file(file).await;
        }
        "/pipe" => return res.pipe_from(req).await,
        "/destroy" => {
            res.write("piece");
            return Ok(res.destroy());
        }
        _ => {}
    }
    Ok(res.end("done"))
}

/// Handlers that wait for the gate, themselves or in a task.
async fn later(mut req: IncomingMessage, res: ServerResponse, gate: Gate) -> Answered {
    let path = req.path().to_owned();
    match path.as_str() {
        "/wait" => gate.wait().await,
        "/wait-read" => {
            gate.wait().await;
            return Ok(res.end(req.bytes().await?));
        }
        "/late-end" => {
            let sent = res.end("first");
            gate.wait().await;
            return Ok(sent);
        }
        "/error-late" => {
            res.flush_headers();
            gate.wait().await;
            return Err(Failure::new(409, "on purpose"));
        }
        "/destroy-late" => {
            let sent = res.end(vec![b'.'; 100_000]);
            gate.wait().await;
            req.destroy();
            return Ok(sent);
        }
        "/cork-late" => {
            res.cork();
            res.write("piece");
            gate.wait().await;
            res.write(vec![b'.'; 10_000]);
        }
        "/either" => {
            either(async { drop(req.data().await) }, gate.wait()).await;
            req.closed().await;
        }
        "/defer" | "/lost" => {
            let (sent, answer) = res.defer();
            spawn(async move {
                gate.wait().await;
                if path == "/defer" {
                    answer.end("later");
                } else {
                    drop(answer.take());
                }
            });
            return Ok(sent);
        }
        _ => spawn(async move {
            if path == "/task-read" {
                let _ = req.bytes_up_to(u64::MAX).await;
            }
            gate.wait().await;
            drop(req);
        }),
    }
    Ok(res.end("done"))
}

/// Handlers with listeners; guards record that the listeners are freed.
fn listening(req: &IncomingMessage, res: ServerResponse, log: &Log) -> Sent {
    let guard = Guard(log.clone(), "-listener");
    log.add("+listener");
    if req.path() == "/listen-out" {
        res.on(event::Done, move |()| {
            let _ = &guard;
        });
        res.write("piece");
        return res.end("done");
    }
    let (sent, answer) = res.defer();
    if req.path() == "/events-early" {
        answer.end("early");
    }
    let panics = req.path() == "/panic-listener";
    req.on(event::DataReady, move |_| assert!(!panics, "on purpose"));
    req.on(event::Ready, move |_| {
        let _ = &guard;
        answer.end("ready");
    });
    sent
}

/// A listener that pauses after each piece; the gate resumes the request.
fn pausing(req: IncomingMessage, res: ServerResponse, log: &Log, gate: Gate) -> Sent {
    let req = Rc::new(req);
    let sent = listening(&req, res, log);
    let slow = Rc::downgrade(&req);
    req.on(event::DataReady, move |_| {
        if let Some(req) = slow.upgrade() {
            req.pause();
        }
    });
    spawn(async move {
        gate.wait().await;
        for _ in 0..10 {
            req.resume();
        }
        drop(req);
    });
    sent
}

/// A server whose handlers act by their path; they wait at the current gate.
fn server(log: &Log, gates: &Rc<RefCell<Gate>>) -> Open {
    let (came, gone, guards) = (log.clone(), log.clone(), log.clone());
    let gates = Rc::clone(gates);
    let setup = serve(async move |req, res| {
        let _guard = Guard(guards.clone(), "-handler");
        guards.add("+handler");
        let gate = gates.borrow().clone();
        match req.path() {
            "/events" | "/events-early" | "/panic-listener" | "/listen-out" => {
                Ok(listening(&req, res, &guards))
            }
            "/events-paused" => Ok(pausing(req, res, &guards, gate)),
            "/wait" | "/wait-read" | "/late-end" | "/error-late" | "/either" | "/defer"
            | "/destroy-late" | "/cork-late" | "/lost" | "/task-read" | "/task-holds" => {
                later(req, res, gate).await
            }
            _ => at_once(req, res).await,
        }
    });
    setup
        .on(event::Connection, move |_| came.add("+connection"))
        .on(event::Disconnected, move |_| gone.add("-connection"))
        .limits(|limits| limits.body.write_queue_bytes_max = 1 << 20)
        .open()
}

fn request(dice: &mut Dice) -> String {
    let path = dice.pick(PATHS);
    let body = ".".repeat(
        dice.pick(&["0", "1", "5", "5000", "70000", "300000"])
            .parse()
            .unwrap(),
    );
    let version = dice.pick(&["1.1", "1.1", "1.1", "1.1", "1.0"]);
    let connection = dice.pick(&[
        "",
        "",
        "",
        "Connection: keep-alive\r\n",
        "Connection: close\r\n",
    ]);
    let expect = dice.pick(&["", "", "", "Expect: 100-continue\r\n"]);
    let range = dice.pick(&[
        "",
        "Range: bytes=1-20000\r\n",
        "Range: bytes=0-0,-9000,5-99\r\n",
    ]);
    let head = format!("{path} HTTP/{version}\r\nHost: a\r\n{connection}{range}");
    match dice.roll(8) {
        0..=2 => format!("GET {head}\r\n"),
        3..=5 => format!(
            "POST {head}{expect}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ),
        6 if version == "1.1" => {
            let chunk = format!("{:x}\r\n{body}\r\n", body.len());
            let chunk = if body.is_empty() {
                String::new()
            } else {
                chunk
            };
            format!("POST {head}{expect}Transfer-Encoding: chunked\r\n\r\n{chunk}0\r\n\r\n")
        }
        7 if dice.roll(4) == 0 => dice
            .pick(&["BAD\n", "GET / HTTP/9.9\r\n\r\n", "\r\n"])
            .to_owned(),
        _ => format!("GET {head}\r\n"),
    }
}

/// One step of a walk.
fn step(link: &mut Link, gates: &RefCell<Gate>, dice: &mut Dice) {
    match dice.roll(40) {
        0..=13 => drop(link.send(request(dice))),
        14..=16 => {
            let text = request(dice);
            let at = dice.roll(text.len());
            link.send(&text[..at]).send(&text[at..]);
        }
        17 => drop(link.send(&request(dice)[..1])),
        18..=24 => {
            gates.replace(Gate::default()).open();
            link.go();
        }
        25..=28 => drop(link.pass(Duration::from_millis(dice.roll(20_000) as u64))),
        29 => drop(link.pass(Duration::from_secs(40))),
        30..=33 => drop(link.give_room(dice.roll(200_000))),
        34 => link.room = dice.roll(1000),
        35 => link.cut = 1 + dice.roll(3000),
        36 => link.take = 1 + dice.roll(3000),
        37 => link.owned = !link.owned,
        38 if dice.roll(4) == 0 => drop(link.end_input()),
        39 if dice.roll(8) == 0 => drop(link.lose(ErrorKind::ConnectionReset)),
        _ => link.run(),
    }
}

/// Parses the received bytes as a client: complete responses, then perhaps the beginning of one.
fn check_heard(heard: &[u8], seed: u64) {
    let mut rest = heard;
    while !rest.is_empty() {
        let mut client = Connection::new(Role::Client, &Limits::default());
        let mut fields = Fields::new();
        fields.append("Host", "a").unwrap();
        let mut out = Vec::new();
        client
            .send_request(
                &Request::new("GET", "/", &fields, Length::Known(0)),
                &mut out,
            )
            .unwrap();
        client.send_end(None, &mut out).unwrap();
        loop {
            match client.receive(rest) {
                Ok((used, Some(event))) => {
                    rest = &rest[used..];
                    if event == Event::End {
                        break;
                    }
                }
                Ok((used, None)) => {
                    assert_eq!(used, rest.len(), "seed {seed}");
                    return; // cut, or until close
                }
                Err(error) => panic!("seed {seed}: {error}: {:?}", String::from_utf8_lossy(heard)),
            }
        }
    }
}

/// Each `+x` in the log has its `-x`.
fn check_pairs(log: &Log, seed: u64) {
    let lines = log.take();
    for name in ["connection", "handler", "listener"] {
        let count = |sign: char| {
            let line = format!("{sign}{name}");
            lines.iter().filter(|seen| **seen == line).count()
        };
        assert_eq!(count('+'), count('-'), "seed {seed}: {name}s");
    }
}

fn walk(seed: u64) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let (log, gates) = (Log::default(), Rc::new(RefCell::new(Gate::default())));
    let server = server(&log, &gates);
    let mut links: Vec<_> = (0..3).map(|_| server.connect()).collect();
    for _ in 0..dice.roll(40) {
        let one = dice.roll(links.len());
        step(&mut links[one], &gates, &mut dice);
    }
    let order = dice.roll(6);
    server.env.exchange.draining.set(order == 0);
    if order == 1 {
        server.env.close_all();
    }
    for link in &mut links {
        link.run();
    }
    // At the end clients read everything and send nothing more, and all gates open.
    for _ in 0..50 {
        gates.replace(Gate::default()).open();
        for link in &mut links {
            link.room = usize::MAX;
            link.go();
            link.run();
            link.secs(60);
        }
    }
    for mut link in links {
        if link.is_open() {
            // A handler may still wait for the end of its client.
            link.lose(ErrorKind::ConnectionReset);
        }
        link.go();
        assert!(!link.is_open(), "seed {seed}");
        let heard = link.heard_bytes();
        check_heard(&heard, seed);
    }
    gates.replace(Gate::default()).open();
    let mut last = server.connect();
    last.go();
    drop(last);
    assert_eq!(tasks(), 0, "seed {seed}");
    check_pairs(&log, seed);
}

#[test]
fn random_walks_of_clients_and_handlers() {
    for seed in 0..2_000 {
        if std::panic::catch_unwind(|| walk(seed)).is_err() {
            panic!("the walk with seed {seed} failed");
        }
    }
}
