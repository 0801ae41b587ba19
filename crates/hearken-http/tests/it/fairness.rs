//! An ordinary request beside connections that keep their worker busy.

use crate::client::Client;
use hearken_http::{Server, ServerHandle};
use std::time::{Duration, Instant};

/// What a greedy client makes the server compute in all.
const WORK: u32 = 3000;

/// One step of it.
const STEP: Duration = Duration::from_millis(1);

/// In which an ordinary client gets ten responses. Each waits for a few steps, not for all.
const ALLOWED: Duration = Duration::from_secs(1);

fn compute() {
    let began = Instant::now();
    while began.elapsed() < STEP {
        std::hint::spin_loop();
    }
}

/// One worker. `/step` computes once, `/steps` as often as it says, with a piece of content after each step.
fn start() -> ServerHandle {
    let server = Server::new(async |req, res| {
        match req.url() {
            "/step" => compute(),
            "/steps" => {
                for _ in 0..WORK {
                    compute();
                    res.write("x");
                    res.drain().await?;
                }
            }
            _ => {}
        }
        Ok(res.end("x"))
    })
    .workers(1)
    .listen("127.0.0.1:0")
    .unwrap();
    server.start().unwrap()
}

/// Measures an ordinary client, which is connected already, beside a greedy one.
#[track_caller]
fn beside(greedy: &str) {
    let server = start();
    let mut honest = Client::connect(&server);
    honest.get("/");
    let mut client = Client::connect(&server);
    client.send(greedy);
    std::thread::sleep(Duration::from_millis(100)); // the server is at work
    let began = Instant::now();
    for _ in 0..10 {
        assert_eq!(honest.get("/").text(), "x");
    }
    let waited = began.elapsed();
    assert!(waited < ALLOWED, "{waited:?}");
    // A new connection is accepted as well.
    assert_eq!(Client::connect(&server).get("/").text(), "x");
    assert!(began.elapsed() < ALLOWED, "{:?}", began.elapsed());
    drop(client);
    server.close_now();
    server.wait();
}

#[test]
fn a_client_that_pipelines_does_not_delay_others() {
    let request = "GET /step HTTP/1.1\r\nHost: a\r\n\r\n";
    beside(&request.repeat(WORK as usize));
}

#[test]
fn a_handler_that_waits_for_room_after_each_piece_does_not_delay_others() {
    beside("GET /steps HTTP/1.1\r\nHost: a\r\n\r\n");
}
