//! Sends back what comes, while it comes: neither the request nor the response is ever whole in memory.
//!
//! ```sh
//! cargo run --example echo
//! curl --data-binary 'hello' http://127.0.0.1:3000/
//! head -c 1G /dev/zero | curl -sT - http://127.0.0.1:3000/ | wc -c
//! ```

use hearken::prelude::*;

fn main() -> Result<(), Error> {
    let listening = Server::new(echo).listen(common::address().as_str())?;
    println!("{}", listening.address());
    listening.run()
}

async fn echo(mut req: IncomingMessage, res: ServerResponse) -> Result<Sent, Error> {
    let content_type = req.header("content-type");
    let content_type = content_type.unwrap_or("application/octet-stream");
    let res = res.set("Content-Type", content_type);

    // Each piece is one that the client has sent; there is none before somebody asks. An error means that the rest will
    // never come, and `?` ends the exchange so that the client does not take the part for the whole.
    while let Some(piece) = req.data().await? {
        // `write` queues the piece and says whether there is room for more. A client that sends and does not read
        // stops us here, and then we stop reading: so its own sending stops.
        if !res.write(piece) {
            res.drain().await?;
        }
    }
    Ok(res.end(""))
}
