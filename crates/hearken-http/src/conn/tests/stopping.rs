//! Draining: idle connections close, running exchanges finish, requests that were read are answered, and at the end all is
//! cut.

use super::harness::{Gate, Guard, Log, get, ok, post_head, serve, serve_gated, serve_with_gate};
use crate::conn::Ending;
use crate::event;

fn last(body: &str) -> String {
    ok(body).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
}

#[test]
fn an_idle_connection_closes_at_once() {
    for before in ["", &get("/")] {
        let mut link = serve(async |_req, res| res.end("x")).connect();
        link.send(before);
        link.heard();
        link.env.exchange.draining.set(true);
        link.run();
        assert_eq!(link.heard(), "");
        assert_eq!(link.ended(), Some(Ending::Now));
    }
}

#[test]
fn a_running_exchange_is_the_last_one() {
    let (server, gate) = serve_gated(async |_req, res| res.end("x"));
    let mut link = server.connect();
    link.send(get("/"));
    link.env.exchange.draining.set(true);
    link.run();
    assert!(link.is_open());
    gate.open();
    link.go();
    assert_eq!(link.heard(), last("x"));
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn every_request_that_was_read_is_answered() {
    let (server, gate) = serve_gated(async |req, res| res.end(req.url().to_owned()));
    let mut link = server.connect();
    link.send(get("/1") + &get("/2") + &get("/3"));
    link.env.exchange.draining.set(true);
    link.run();
    gate.open();
    link.go();
    assert_eq!(link.heard(), ok("/1") + &ok("/2") + &last("/3"));
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn a_request_that_arrives_while_draining_begins_is_served() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.env.exchange.draining.set(true);
    link.send(get("/"));
    assert_eq!(link.heard(), last("x"));
    assert_eq!(link.ended(), Some(Ending::Linger));
}

#[test]
fn a_head_that_has_begun_is_awaited_until_its_usual_deadline() {
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send("GET / HT");
    link.env.exchange.draining.set(true);
    link.run();
    assert!(link.is_open());
    link.send("TP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(link.heard(), last("x"));
    let mut link = serve(async |_req, res| res.end("x")).connect();
    link.send("GET / HT");
    link.env.exchange.draining.set(true);
    link.run();
    link.secs(10);
    assert!(link.heard().starts_with("HTTP/1.1 408 "));
}

#[test]
fn an_upload_and_a_download_in_progress_finish() {
    let mut link = serve(async |mut req, res| {
        let body = req.bytes().await?;
        for byte in &body {
            if !res.write(vec![*byte; 60_000]) {
                res.drain().await?;
            }
        }
        Ok(res.end(""))
    })
    .connect();
    link.room = 0;
    link.send(post_head(4) + "ab");
    link.env.exchange.draining.set(true);
    link.run();
    link.send("cd");
    link.give_room(usize::MAX / 2);
    let heard = link.heard();
    assert!(heard.contains("\r\nConnection: close\r\n"));
    assert!(heard.ends_with("\r\n0\r\n\r\n"), "whole");
    assert_eq!(link.ended(), Some(Ending::Linger));
}

/// Draining begins in the middle of a response, whose head did not announce the close.
#[test]
fn a_response_that_had_begun_is_the_last_too() {
    let (server, gate) = serve_with_gate(async |_req, res, gate| {
        res.flush_headers();
        gate.wait().await;
        res.end("x")
    });
    let mut link = server.connect();
    link.send(get("/"));
    link.env.exchange.draining.set(true);
    link.run();
    gate.open();
    link.go();
    assert!(link.heard().ends_with("1\r\nx\r\n0\r\n\r\n"));
    assert_eq!(link.ended(), Some(Ending::Now));
}

#[test]
fn exchanges_that_still_run_are_cut_at_the_end() {
    let log = Log::default();
    let (seen, gone) = (log.clone(), log.clone());
    let mut link = serve(async move |req, res| {
        let _guard = Guard(seen.clone(), "dropped");
        res.write("part");
        seen.add(format!("{:?}", req.closed().await));
        Gate::default().wait().await;
        res.end("")
    })
    .on(event::Disconnected, move |(_, why)| {
        gone.add(format!("gone {why:?}"))
    })
    .connect();
    link.send(get("/") + &get("/"));
    link.env.exchange.draining.set(true);
    link.run();
    link.env.close_all();
    link.run();
    assert_eq!(log.take(), ["Stopped", "dropped", "gone Stopped"]);
    assert!(link.heard().ends_with("4\r\npart\r\n"));
    assert_eq!(link.ended(), Some(Ending::Cut));
}

#[test]
fn a_client_that_does_not_read_cannot_delay_the_end() {
    let mut link = serve(async |_req, res| res.end(vec![b'.'; 1 << 20])).connect();
    link.room = 0;
    link.send(get("/"));
    link.env.exchange.draining.set(true);
    link.run();
    assert!(link.is_open());
    link.env.close_all();
    link.run();
    assert_eq!(link.ended(), Some(Ending::Cut));
    let mut link = serve(async |_req, res| res.end("")).connect();
    link.env.close_all();
    link.run();
    assert_eq!(
        link.ended(),
        Some(Ending::Now),
        "an idle connection is not cut"
    );
}

#[test]
fn closing_resolves_when_draining_begins_and_leaves_nothing_behind() {
    let log = Log::default();
    let seen = log.clone();
    let mut link = serve(async move |req, res| {
        let dropped = req.closing();
        drop(dropped);
        req.closing().await;
        seen.add("closing");
        res.end("x")
    })
    .connect();
    link.send(get("/"));
    assert_eq!(link.env.exchange.draining.waiting(), 1);
    link.env.exchange.draining.set(true);
    link.go();
    assert_eq!(log.take(), ["closing"]);
    assert_eq!(link.heard(), last("x"));
    assert_eq!(link.env.exchange.draining.waiting(), 0);
}

#[test]
fn a_handler_that_is_dropped_waits_no_longer_for_the_end_of_the_server() {
    let mut link = serve(async move |req, res| {
        req.closing().await;
        res.end("x")
    })
    .connect();
    link.send(get("/"));
    assert_eq!(link.env.exchange.draining.waiting(), 1);
    link.lose(std::io::ErrorKind::ConnectionReset);
    assert_eq!(link.env.exchange.draining.waiting(), 0);
}
