//! The table of the peers and the table of the rows. To add one, add an entry here; see `docs/benchmarking.md`.

use peer_kit::Exchange::{self, Download, Json, Medium, Plaintext, SmallUpload, Upgrade, Upload};
use rustls::HandshakeKind;

use Load::{Handshakes, Idle, Instructions, Wrk};
use Program::{Cargo, Echo, Nginx, Node, Undici};
use Role::{Client, Server, Tls};

/// A program that is measured. Several may share a name, each in a role of its own.
#[derive(Debug, PartialEq)]
pub(crate) struct Peer {
    pub(crate) name: &'static str,
    pub(crate) role: Role,
    pub(crate) program: Program,
    /// The package in the lock file whose version the report shows.
    pub(crate) versioned: &'static str,
    /// The exchanges that it can do. A row that needs another one leaves it out.
    pub(crate) exchanges: &'static [Exchange],
}

/// Part of a peer. A row measures peers of one role.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Role {
    Server,
    /// The floor server answers.
    Client,
    /// A server under TLS.
    Tls,
}

/// How a peer is built and started.
#[derive(Debug, PartialEq)]
pub(crate) enum Program {
    /// A package of this workspace.
    Cargo(&'static str),
    /// `hearken echo`, the command line program of this project.
    Echo,
    Nginx,
    /// Node's own server.
    Node,
    /// A client on Node, from npm.
    Undici,
}

/// All peers, in the order of the reports: the floors, Hearken, the others.
#[rustfmt::skip]
pub(crate) static PEERS: [Peer; 18] = [
    Peer { role: Server, name: "raw-epoll", program: Cargo("peer-raw-epoll"), versioned: "", exchanges: &SERVED },
    Peer { role: Server, name: "bare-tokio", program: Cargo("peer-bare-tokio"), versioned: "tokio", exchanges: &SERVED },
    Peer { role: Server, name: "hearken", program: Cargo("peer-hearken"), versioned: "hearken", exchanges: &[Plaintext, Json, Upload, Download, Upgrade] },
    Peer { role: Server, name: "echo", program: Echo, versioned: "hearken", exchanges: &[Plaintext] },
    Peer { role: Server, name: "may_minihttp", program: Cargo("peer-may_minihttp"), versioned: "may_minihttp", exchanges: &SERVED },
    Peer { role: Server, name: "hyper", program: Cargo("peer-hyper"), versioned: "hyper", exchanges: &SERVED },
    Peer { role: Server, name: "nginx", program: Nginx, versioned: "", exchanges: &SERVED },
    Peer { role: Server, name: "xitca-web", program: Cargo("peer-xitca-web"), versioned: "xitca-web", exchanges: &SERVED },
    Peer { role: Server, name: "actix-web", program: Cargo("peer-actix-web"), versioned: "actix-web", exchanges: &SERVED },
    Peer { role: Server, name: "axum", program: Cargo("peer-axum"), versioned: "axum", exchanges: &SERVED },
    Peer { role: Server, name: "node", program: Node, versioned: "", exchanges: &SERVED },
    Peer { role: Client, name: "hearken", program: Cargo("peer-client-hearken"), versioned: "hearken", exchanges: &Exchange::OF_CLIENTS },
    Peer { role: Client, name: "reqwest", program: Cargo("peer-client-reqwest"), versioned: "reqwest", exchanges: &Exchange::OF_CLIENTS },
    Peer { role: Client, name: "ureq", program: Cargo("peer-client-ureq"), versioned: "ureq", exchanges: &Exchange::OF_CLIENTS },
    Peer { role: Client, name: "undici", program: Undici, versioned: "", exchanges: &Exchange::OF_CLIENTS },
    Peer { role: Tls, name: "hearken", program: Cargo("peer-hearken"), versioned: "hearken", exchanges: &SERVED },
    Peer { role: Tls, name: "hyper", program: Cargo("peer-hyper"), versioned: "hyper", exchanges: &SERVED },
    Peer { role: Tls, name: "nginx", program: Nginx, versioned: "", exchanges: &SERVED },
];

const SERVED: [Exchange; 4] = [Plaintext, Json, Upload, Download];

/// The server that client peers ask: the cheapest one, so that the client is the bottleneck.
pub(crate) static TARGET: &Peer = &PEERS[0];

/// A kind of measurement.
#[derive(Debug, PartialEq)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    pub(crate) role: Role,
    pub(crate) exchange: Exchange,
    pub(crate) connections: usize,
    pub(crate) load: Load,
}

/// What makes the load.
#[derive(Debug, PartialEq)]
pub(crate) enum Load {
    /// wrk, with so many requests in one write.
    Wrk(usize),
    /// The runner: one connection after the other, each with a handshake of this kind and one exchange.
    Handshakes(HandshakeKind),
    /// The runner: connections that wait after one exchange each.
    Idle,
    /// The peer, which is a client.
    Peer,
    /// The peer under callgrind, in each of these rows.
    Instructions(&'static [&'static str]),
}

/// All rows, in the order of the report.
#[rustfmt::skip]
pub(crate) static ROWS: [Row; 18] = [
    Row { role: Server, name: "plain", exchange: Plaintext, connections: 64, load: Wrk(1),
        title: "GET /plaintext, 64 keep-alive connections" },
    Row { role: Server, name: "pipelined", exchange: Plaintext, connections: 64, load: Wrk(16),
        title: "the same, 16 requests in one write (latency is of a batch)" },
    Row { role: Server, name: "json", exchange: Json, connections: 64, load: Wrk(1),
        title: "GET /json, 1 KiB serialised for each request, 64 connections" },
    Row { role: Server, name: "upload", exchange: Upload, connections: 16, load: Wrk(1),
        title: "POST /upload, 1 MiB, 16 connections" },
    Row { role: Server, name: "download", exchange: Download, connections: 16, load: Wrk(1),
        title: "GET /download, 1 MiB, 16 connections" },
    Row { role: Server, name: "idle", exchange: Plaintext, connections: 64, load: Idle,
        title: "memory of idle keep-alive connections, each after one request" },
    Row { role: Server, name: "idle-upgraded", exchange: Upgrade, connections: 64, load: Idle,
        title: "memory of idle connections after 101 Switching Protocols" },
    Row { role: Server, name: "instructions", exchange: Plaintext, connections: 64, load: Instructions(&["plain", "pipelined"]),
        title: "instructions of one request of a server, by row" },
    Row { role: Client, name: "client-get", exchange: Plaintext, connections: 1, load: Load::Peer,
        title: "a client's GET of 13 bytes, one after the other" },
    Row { role: Client, name: "client-64", exchange: Plaintext, connections: 64, load: Load::Peer,
        title: "a client's GET of 13 bytes, 64 at a time" },
    Row { role: Client, name: "client-download", exchange: Medium, connections: 16, load: Load::Peer,
        title: "a client's GET of 64 KiB, 16 at a time" },
    Row { role: Client, name: "client-upload", exchange: SmallUpload, connections: 16, load: Load::Peer,
        title: "a client's POST of 16 KiB, 16 at a time" },
    Row { role: Client, name: "client-json", exchange: Json, connections: 1, load: Load::Peer,
        title: "a client's shortest GET of 1 KiB of JSON, parsed, one after the other" },
    Row { role: Client, name: "client-instructions", exchange: Plaintext, connections: 1, load: Instructions(&["client-get", "client-64", "client-download", "client-upload", "client-json"]),
        title: "instructions of one request of a client, by row" },
    Row { role: Tls, name: "tls-full", exchange: Plaintext, connections: 16, load: Handshakes(HandshakeKind::Full),
        title: "TCP, full TLS 1.3 handshake, one small GET, close; 16 at a time" },
    Row { role: Tls, name: "tls-resumed", exchange: Plaintext, connections: 16, load: Handshakes(HandshakeKind::Resumed),
        title: "the same with a session resumed by ticket" },
    Row { role: Tls, name: "tls-download", exchange: Download, connections: 16, load: Wrk(1),
        title: "GET /download, 1 MiB under TLS, 16 connections" },
    Row { role: Tls, name: "tls-upload", exchange: Upload, connections: 16, load: Wrk(1),
        title: "POST /upload, 1 MiB under TLS, 16 connections" },
];

impl Role {
    /// Its name on the command line, where it means all its rows.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Tls => "tls",
        }
    }
}

impl Row {
    /// The ratios of its table: the start of a figure's title, and the peer whose figure it is divided by.
    pub(crate) fn ratios(&self) -> &'static [(&'static str, &'static str)] {
        match (&self.load, self.role) {
            (Idle, _) => &[],
            (Instructions(_), Client) => &[("", "reqwest")],
            (Instructions(_), _) => &[("", "hyper"), ("", "hearken")],
            (_, Server) => &[("user", "hyper"), ("user", "hearken")],
            (_, Client) => &[("user", "reqwest"), ("CPU", "reqwest"), ("CPU", "hearken")],
            (_, Tls) => &[
                ("user", "hyper"),
                ("CPU", "hyper"),
                ("CPU", "nginx"),
                ("CPU", "hearken"),
            ],
        }
    }

    /// Whether the name on the command line means it: its own, or that of its role.
    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.name == name || self.role.name() == name
    }

    /// Whether the peer takes part. Instructions are counted of machine code that the peer itself brings.
    pub(crate) fn measures(&self, peer: &Peer) -> bool {
        let counted = matches!(peer.program, Cargo(_) | Echo);
        self.role == peer.role
            && peer.exchanges.contains(&self.exchange)
            && (counted || !matches!(self.load, Instructions(_)))
    }

    /// Whether every round would find the same, so that one is enough.
    pub(crate) fn once(&self) -> bool {
        matches!(self.load, Instructions(_))
    }

    /// The rows whose instructions it counts; of any other row, itself.
    pub(crate) fn parts(&self) -> Vec<&Self> {
        match self.load {
            Instructions(names) => {
                let rows = ROWS.iter();
                rows.filter(|row| names.contains(&row.name)).collect()
            }
            _ => vec![self],
        }
    }

    /// How many requests go in one write.
    pub(crate) fn depth(&self) -> usize {
        match self.load {
            Wrk(depth) => depth,
            _ => 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_stands_for_all_its_rows() {
        let of = |role| ROWS.iter().filter(move |row| row.role == role).count();
        assert_eq!([of(Server), of(Client), of(Tls)], [8, 6, 4]);
        for row in &ROWS {
            assert!(PEERS.iter().any(|peer| row.measures(peer)), "{}", row.name);
            assert!(row.parts().iter().all(|part| part.role == row.role));
        }
        let counted = ROWS.iter().filter(|row| row.once());
        let parts: usize = counted.map(|row| row.parts().len()).sum();
        assert_eq!(parts, 7, "every name of a counted row is one");
    }
}
