//! The client: a request in one line, an agent, content that streams in both directions, and errors. It starts its own server.
//!
//! ```sh
//! cargo run --example client
//! ```

use hearken::client::AgentOptions;
use hearken::prelude::*;
use hearken::{Agent, Body, post};
use serde::{Deserialize, Serialize};
use std::time::Duration;

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Point {
    x: i32,
    y: i32,
}

/// The server that the client sends its requests to.
async fn server(mut req: IncomingMessage, res: ServerResponse) -> Result<Sent, Failure> {
    match req.path() {
        "/old" => Ok(res.status(302).set("Location", "/new").end("")),
        "/new" => Ok(res.end("you have been sent here\n")),
        "/echo" => {
            while let Some(piece) = req.data().await? {
                if !res.write(piece) {
                    res.drain().await?;
                }
            }
            Ok(res.end(""))
        }
        _ => Err(Failure::new(404, "try /old, /new or /echo")),
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let handle = Server::new(server).listen("127.0.0.1:0")?.start()?;
    let base = handle.address().to_string();

    // One line. It follows redirects and decompresses the content.
    let answer = hearken::get(format!("{base}/old")).await?;
    println!(
        "{} after {} redirect",
        answer.status(),
        answer.history().len()
    );
    print!("{}", answer.text().await?);

    // JSON in both directions.
    let point = Point { x: 3, y: 4 };
    let same: Point = post(format!("{base}/echo"))
        .json(&point)
        .await?
        .json()
        .await?;
    println!("{same:?}");

    // An agent pools connections and holds timeouts.
    let mut options = AgentOptions::default();
    options.connect_timeout = Duration::from_secs(3);
    let agent = Agent::new(options);

    // Streams content in both directions, without holding all of it in memory.
    let body = Body::reader(tokio::io::AsyncReadExt::take(
        tokio::io::repeat(b'x'),
        10_000_000,
    ));
    let mut answer = agent.post(format!("{base}/echo")).body(body).await?;
    let mut bytes = 0;
    while let Some(piece) = answer.data().await? {
        bytes += piece.len();
    }
    println!("{bytes} bytes came back");

    // A status of 400 or above is not an error, unless `error_for_status` makes it one.
    let answer = agent.get(format!("{base}/nowhere")).await?;
    println!("{}", answer.error_for_status().expect_err("a 404"));

    // An error names the phase, the peer and what to do.
    handle.close();
    handle.closed().await;
    let error = agent
        .get(format!("{base}/new"))
        .await
        .expect_err("the server is closed");
    println!("{:?}: {error}", error.phase());
    Ok(())
}
