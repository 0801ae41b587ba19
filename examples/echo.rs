//! Sends each piece of the request content back as it arrives: neither message is ever held in memory as a whole.
//!
//! ```sh
//! cargo run --example echo
//! curl --data-binary 'hello' http://127.0.0.1:3000/
//! head -c 1G /dev/zero | curl -sT - http://127.0.0.1:3000/ | wc -c
//! ```

use hearken::prelude::*;

fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1);
    let listening = Server::new(echo).listen(address.as_deref().unwrap_or("127.0.0.1:3000"))?;
    println!("{}", listening.address());
    listening.run()
}

async fn echo(mut req: IncomingMessage, res: ServerResponse) -> Result<Sent, Failure> {
    let content_type = req.header("content-type");
    let content_type = content_type.unwrap_or("application/octet-stream");
    let res = res.set("Content-Type", content_type);

    // `data` reads from the socket only when it is awaited. An error means that the rest will not arrive; `?` then closes
    // the connection before the end of the response, so the client sees that it is incomplete.
    while let Some(piece) = req.data().await? {
        // `write` queues the piece and returns whether there is room for more. When a client sends but does not read, the
        // handler waits here, the server stops reading, and TCP flow control stops the client.
        if !res.write(piece) {
            res.drain().await?;
        }
    }
    Ok(res.end(""))
}
