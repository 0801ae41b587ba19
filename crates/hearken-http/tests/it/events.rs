//! The events of a server from start to stop, compared with docs/events.md.

use crate::client::{Client, eventually};
use crate::running::{Running, stop};
use hearken_http::observe::{Observation, Observer};
use hearken_http::{Server, event};
use std::sync::{Arc, Mutex};

pub(crate) const PAGE: &str = include_str!("../../../../docs/events.md");

/// The log in docs/events.md under this heading.
pub(crate) fn documented(heading: &str) -> Vec<&'static str> {
    let section = PAGE
        .split_once(&format!("### {heading}\n"))
        .unwrap_or_else(|| panic!("docs/events.md has no section {heading:?}"))
        .1;
    let (_, block) = section.split_once("```text\n").expect("a log");
    let (block, _) = block.split_once("```").expect("the end of the log");
    block.lines().collect()
}

type Log = Arc<Mutex<Vec<String>>>;

fn add(log: &Log, line: impl Into<String>) {
    log.lock().unwrap().push(line.into());
}

#[test]
fn a_server_from_its_first_event_to_its_last() {
    let log = Log::default();
    let [listening, connection, request, gone, close, handler] = [(); 6].map(|()| Arc::clone(&log));
    let mut server = Server::new(async move |_req, res| {
        add(&handler, "handler");
        res.end("x")
    });
    server
        .on(event::Listening, move |_| {
            add(&listening, "server Listening")
        })
        .on(event::Connection, move |_| {
            add(&connection, "server Connection")
        })
        .on(event::Request, move |head| {
            add(&request, format!("server Request {}", head.url()))
        })
        .on(event::Disconnected, move |(_, why)| {
            add(&gone, format!("server Disconnected {why:?}"))
        })
        .on(event::Close, move |()| add(&close, "server Close"));
    let server = server.workers(2).running();
    let mut client = Client::connect(&server);
    client.get("/1");
    client.get("/2");
    drop(client);
    eventually("closed", || server.connections() == 0);
    stop(&server);
    let expected = documented("A server, from its first event to its last");
    assert_eq!(*log.lock().unwrap(), expected);
}

struct Times(Arc<Mutex<Vec<std::time::Instant>>>);

impl Observer for Times {
    fn observe(&self, seen: &Observation<'_>) {
        self.0.lock().unwrap().push(seen.at);
    }
}

/// The times of steps never go back, also when several share one reading of the clock.
#[test]
fn the_times_of_steps_never_go_back() {
    let times = Arc::default();
    let mut server = Server::new(async |_req, res| res.end("x"));
    server.observer(Times(Arc::clone(&times)));
    let began = std::time::Instant::now();
    let server = server.workers(1).running();
    let mut client = Client::connect(&server);
    for _ in 0..50 {
        client.get("/");
    }
    drop(client);
    stop(&server);
    let times = times.lock().unwrap();
    assert!(times.len() > 50 * 7);
    assert!(times.is_sorted());
    assert!(times[0] >= began);
}
