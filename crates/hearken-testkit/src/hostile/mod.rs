//! Misbehaving servers, to test a client against them.
//!
//! Here: [`Hostile`], a server that follows a script and records what it received; [`Behaviour`], the named scripts,
//! in groups ([`connection`], [`malformed`], [`framing`], [`endless`], [`slow`], [`interim`], [`reuse`], [`redirects`],
//! [`codings`], [`tls`]), with the outcome in a careful client ([`Verdict`]); [`Step`], the parts of your own
//! scripts. Not here: a client, and the texts of its errors.
//!
//! A script knows no transport: `actor.rs` turns it into orders to read, write, wait and close. `socket.rs` carries them
//! out on 127.0.0.1 with threads, `memory.rs` on any `AsyncRead + AsyncWrite` of tokio, with its clock, paused or not.
//!
//! ```
//! use hearken_testkit::hostile::{Hostile, framing};
//! use std::io::{Read, Write};
//!
//! let server = Hostile::new(framing::LENGTH_TOO_LONG).listen();
//! let mut link = std::net::TcpStream::connect(server.address()).unwrap();
//! link.write_all(b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
//! let mut answer = String::new();
//! link.read_to_string(&mut answer).unwrap();
//! assert!(answer.contains("Content-Length: 100"));
//! assert!(answer.ends_with("\r\n\r\nhello"), "and then the connection ends");
//! assert_eq!(server.requests()[0].target, "/a");
//! ```

mod actor;
mod behaviours;
mod memory;
mod record;
mod requests;
mod script;
mod socket;

pub use behaviours::{
    all, codings, connection, endless, framing, interim, malformed, redirects, reuse, slow, tls,
};
pub use record::{Conversation, Ending};
pub use requests::Seen;
pub use script::{Ask, Behaviour, Script, Step, Turn, Verdict};
pub use socket::Listening;

use record::Record;
use std::sync::Arc;
use std::time::Duration;

/// A server that follows a script. Clones share the script and the record.
#[derive(Clone, Debug)]
pub struct Hostile {
    script: Script,
    record: Arc<Record>,
    tick: Duration,
}

impl Hostile {
    /// A server with this behaviour. It does nothing before [`listen`](Self::listen) or [`serve`](Self::serve).
    #[must_use]
    pub fn new(behaviour: Behaviour) -> Self {
        Self::playing(behaviour.script)
    }

    /// A server that follows your script: the steps for each exchange of each connection.
    ///
    /// ```
    /// use hearken_testkit::hostile::{Hostile, Step};
    /// let answers = ["HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"];
    /// let server = Hostile::playing(move |turn| vec![Step::Request, Step::say(answers[turn.exchange.min(1)])]);
    /// # drop(server);
    /// ```
    #[must_use]
    pub fn playing(script: impl Fn(&Turn) -> Vec<Step> + Send + Sync + 'static) -> Self {
        Self {
            script: Script::new(script),
            record: Arc::default(),
            tick: Duration::from_millis(10),
        }
    }

    /// How long a tick is: the unit of [`Step::Wait`] and the time between two slow bytes. 10 ms by default.
    #[must_use]
    pub const fn tick(mut self, tick: Duration) -> Self {
        self.tick = tick;
        self
    }

    /// Listens on a free port of 127.0.0.1 until the result is dropped. Each call listens on another port.
    ///
    /// # Panics
    /// When the system gives no socket.
    #[must_use]
    pub fn listen(&self) -> Listening {
        Listening::start(self.clone())
    }

    /// Plays the server's end of one connection in memory, with the clock of tokio. Ends when the script ends the
    /// connection or the client has closed it. A transport in memory has no reset and no refusal: a reset becomes an
    /// end, [`Step::NotListening`] and [`Step::NotAccepting`] become silence.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
    /// use hearken_testkit::hostile::{Hostile, slow};
    /// use tokio::io::AsyncWriteExt;
    /// let server = Hostile::new(slow::STALLS_IN_HEAD);
    /// let (mut client, theirs) = tokio::io::duplex(64);
    /// tokio::join!(server.serve(theirs), async move {
    ///     client.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    /// });
    /// assert_eq!(server.requests().len(), 1);
    /// # });
    /// ```
    pub async fn serve<T>(&self, transport: T)
    where
        T: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        memory::run(self, transport).await;
    }

    /// The record of each connection so far, in the order of accepting.
    #[must_use]
    pub fn conversations(&self) -> Vec<Conversation> {
        self.record.with(<[Conversation]>::to_vec)
    }

    /// The requests of all connections, complete or not, connection by connection.
    #[must_use]
    pub fn requests(&self) -> Vec<Seen> {
        let conversations = self.conversations().into_iter();
        conversations.flat_map(|one| one.requests).collect()
    }

    /// Waits until the record meets this condition, for 20 seconds at most. Returns whether it does. For
    /// tests on sockets: in memory, await [`serve`](Self::serve).
    pub fn wait(&self, until: impl Fn(&[Conversation]) -> bool) -> bool {
        self.record.wait(until)
    }

    /// Waits until this many connections were accepted and each is over, as [`wait`](Self::wait) does.
    pub fn wait_for_ends(&self, connections: usize) -> bool {
        self.wait(|all| all.len() >= connections && all.iter().all(|one| one.ending.is_some()))
    }
}

#[cfg(test)]
mod tests;
