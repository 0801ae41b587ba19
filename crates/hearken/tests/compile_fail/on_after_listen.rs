use hearken::{Error, Server, event};

fn main() -> Result<(), Error> {
    let mut server = Server::new(async |_req, res| res.end("hi"));
    let listening = server.listen("127.0.0.1:3000")?;
    server.on(event::Connection, |peer| println!("{peer:?}"));
    listening.run()
}
