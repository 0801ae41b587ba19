//! One exchange, both sides, on three transports: memory, a Unix socket, TCP. Each side prints its seven events: LineReady,
//! HeaderReady, DataReady, Ready of the incoming message; HeaderDone, DataDone, Done of the outgoing one.
//!
//! ```sh
//! cargo run --example session                        # both sides in this process
//! cargo run --example session -- 127.0.0.1:3000      # the server's side, for another client:
//! curl -d 'hello' http://127.0.0.1:3000/
//! ```

use hearken::Session;
use hearken::prelude::*;
use hearken::session::{ServerSide, SessionIncoming, SessionOutgoing};
use tokio::io::{AsyncRead, AsyncWrite, duplex};
use tokio::net::{TcpListener, TcpStream, UnixStream};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    if let Some(address) = std::env::args().nth(1) {
        return serve(&TcpListener::bind(address).await?).await;
    }
    println!("memory");
    let (here, there) = duplex(1024);
    exchange(here, there).await?;

    println!("Unix socket");
    let (here, there) = UnixStream::pair()?;
    exchange(here, there).await?;

    println!("TCP");
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let here = TcpStream::connect(listener.local_addr()?).await?;
    exchange(here, listener.accept().await?.0).await
}

/// A request and its response over any transport.
async fn exchange<T: AsyncRead + AsyncWrite + Unpin>(here: T, there: T) -> Result<(), Error> {
    let client = Session::client();
    print_events("client", &client.resp(), &client.req());
    // A session is a future: nothing is read or written before it is awaited, and it returns the transport.
    let asked = client
        .attach(here)
        .req()
        .method("POST")
        .url("/f")
        .send("hello");
    let (asked, served) = tokio::join!(asked, server().attach(there));
    asked?;
    served.map(drop)
}

/// The server's side: listeners first, the transport later.
fn server() -> Session<ServerSide> {
    let server = Session::server();
    let resp = server.resp();
    print_events("server", &server.req(), &resp);
    resp.set("Connection", "close"); // the transport carries one exchange only
    resp.send("thank you\n"); // queued until the request arrives
    server
}

async fn serve(listener: &TcpListener) -> Result<(), Error> {
    println!("http://{}", listener.local_addr()?);
    loop {
        if let Err(error) = server().attach(listener.accept().await?.0).await {
            println!("server: failed: {error}");
        }
    }
}

fn print_events(side: &'static str, incoming: &SessionIncoming, outgoing: &SessionOutgoing) {
    let say = move |text: String| println!("{side}: {text}");
    incoming.on(event::LineReady, move |head| {
        let line = head.as_bytes().trim_ascii_end();
        say(format!("LineReady {}", String::from_utf8_lossy(line)));
    });
    incoming.on(event::HeaderReady, move |head| {
        say(format!("HeaderReady {} fields", head.fields().len()));
    });
    incoming.on(event::DataReady, move |piece| {
        say(format!("DataReady {} bytes", piece.len()));
    });
    incoming.on(event::Ready, move |_| say("Ready".to_owned()));
    outgoing.on(event::HeaderDone, move |()| say("HeaderDone".to_owned()));
    outgoing.on(event::DataDone, move |bytes| {
        say(format!("DataDone {bytes} bytes"))
    });
    outgoing.on(event::Done, move |()| say("Done".to_owned()));
}
