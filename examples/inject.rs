//! A test of a server without a socket: requests in memory, and a clock that jumps. In a project of your own this is
//! `tests/server.rs`, with `hearken = { version = "…", features = ["test"] }` under `[dev-dependencies]`.
//!
//! ```sh
//! cargo run --example inject
//! ```

use hearken::prelude::*;
use hearken::test::{InjectError, Request, TestServer};
use std::time::Duration;

/// The server under test: sums the numbers that it gets, and reports progress on `/progress`.
fn server() -> Server {
    let server = Server::new(async |mut req, res| match req.path() {
        "/sum" => {
            let numbers: Vec<i64> = req.json().await?;
            Ok(res.end(numbers.iter().sum::<i64>().to_string()))
        }
        "/progress" => {
            for percent in [0, 50, 100] {
                res.write(format!("{percent} %\n"));
                tokio::time::sleep(Duration::from_secs(60)).await;
            }
            Ok(res.end("done\n"))
        }
        _ => Ok(res.status(404).end("not found")),
    });
    let mut limits = Limits::default();
    limits.time.keep_alive = Duration::from_secs(30);
    server.limits(limits)
}

fn main() -> Result<(), InjectError> {
    // One request through the whole stack.
    let response = server().inject(Request::post("/sum").json(&[1, 2, 3]))?;
    assert_eq!(response.status(), 200);
    assert_eq!(response.text(), "6");

    // A request that is wrong is answered like any other.
    let response = server().inject(Request::post("/sum").body("[1, 2"))?;
    assert_eq!(response.status(), 400);
    println!(
        "answered {}: {}",
        response.status(),
        response.text().trim_end()
    );

    // Several requests on one connection, two of them pipelined.
    let test = TestServer::new(&server());
    let mut connection = test.connect();
    assert_eq!(connection.inject(Request::get("/none"))?.status(), 404);
    connection.request(Request::post("/sum").json(&[4]))?;
    connection.request(Request::post("/sum").json(&[5]))?;
    assert_eq!(connection.response()?.text(), "4");
    assert_eq!(connection.response()?.text(), "5");

    // Two minutes pass at once. The handler sleeps on the same clock.
    connection.request(Request::get("/progress"))?;
    let text = |response: Option<&hearken::test::Response>| {
        response.map(|response| response.text().into_owned())
    };
    assert_eq!(text(connection.response_so_far()?), Some("0 %\n".into()));
    test.advance(Duration::from_secs(120));
    assert_eq!(
        text(connection.response_so_far()?),
        Some("0 %\n50 %\n100 %\n".into())
    );
    test.advance(Duration::from_secs(60));
    assert!(connection.response()?.text().ends_with("done\n"));

    // The limits obey it too: an idle connection is closed after 30 seconds.
    assert!(connection.is_open());
    test.advance(Duration::from_secs(30));
    assert!(!connection.is_open());
    println!(
        "{} s of the test's clock have passed",
        test.elapsed().as_secs()
    );
    Ok(())
}
