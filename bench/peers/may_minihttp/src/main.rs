//! may_minihttp with one worker: stackful coroutines. The runner pins the process, so may's own pinning is off.

use std::io::{self, BufRead};

use bytes::BufMut;
use may_minihttp::{HttpServer, HttpService, Request, Response};

#[derive(Clone)]
struct Peer;

impl HttpService for Peer {
    fn call(
        &mut self,
        request: Request<'_, '_, '_>,
        response: &mut Response<'_>,
    ) -> io::Result<()> {
        match (request.method(), request.path()) {
            ("GET", "/plaintext") => response
                .header("Content-Type: text/plain")
                .body(peer_kit::HELLO),
            ("GET", "/json") => {
                response.header("Content-Type: application/json");
                serde_json::to_writer(response.body_mut().writer(), peer_kit::page())?;
            }
            ("GET", "/download") => response
                .header("Content-Type: text/plain")
                .body(peer_kit::large()),
            ("POST", "/upload") => {
                let bytes = count(request.body())?;
                response
                    .header("Content-Type: text/plain")
                    .body_vec(bytes.to_string().into_bytes());
            }
            _ => {
                response.status_code(404, "Not Found");
            }
        }
        Ok(())
    }
}

fn count(mut body: impl BufRead) -> io::Result<usize> {
    let mut bytes = 0;
    loop {
        let piece = body.fill_buf()?.len();
        if piece == 0 {
            return Ok(bytes);
        }
        body.consume(piece);
        bytes += piece;
    }
}

fn main() -> io::Result<()> {
    may::config().set_workers(1).set_worker_pin(false);
    let server = HttpServer(Peer).start(peer_kit::address())?;
    server
        .join()
        .map_err(|_| io::Error::other("the accepting coroutine panicked"))
}
