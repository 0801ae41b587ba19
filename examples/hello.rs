//! The smallest server: a function of a request and a response.
//!
//! ```sh
//! cargo run --example hello
//! curl http://127.0.0.1:3000/
//! ```

use hearken::prelude::*;

fn main() -> Result<(), Error> {
    let address = std::env::args().nth(1);
    // `end` consumes the response and returns `Sent`. A handler that does not return one does not compile.
    let server = Server::new(async |_req, res| res.end("Hello, World!\n"));

    // Listening and running are two steps, so that the address is known before the first request. Port 0 selects a free one.
    let listening = server.listen(address.as_deref().unwrap_or("127.0.0.1:3000"))?;
    println!("{}", listening.address());

    // Serves on all cores until Ctrl-C or SIGTERM; requests in progress still get their responses.
    listening.run()
}
