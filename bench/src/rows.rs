//! The rows: what is measured, in whom, and with how many connections. How: `measure.rs`.

/// Connections of the rows with small answers.
pub const CONNECTIONS: u32 = 64;

/// Connections of the rows with bodies, and of the handshakes.
pub const BODY_CONNECTIONS: u32 = 16;

/// Requests in one write of the row `pipelined`; `wrk/pipeline.lua` has the same number.
pub const PIPELINE_DEPTH: usize = 16;

/// What a peer takes part as. Each row measures peers of one role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It serves HTTP.
    Server,
    /// It asks; the cheapest server answers.
    Client,
    /// It serves HTTP under TLS.
    Tls,
}

impl Role {
    /// As it is called on the command line, where it stands for all its rows.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Client => "client",
            Self::Tls => "tls",
        }
    }

    /// The peers that the figures of its rows are divided by.
    #[must_use]
    pub fn bases(self) -> &'static [&'static str] {
        match self {
            Self::Server => &["hyper"],
            Self::Client => &["reqwest", "hearken"],
            Self::Tls => &["hyper", "nginx", "hearken"],
        }
    }
}

/// A kind of load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Row {
    /// Small answers, one request at a time.
    Plain,
    /// Small answers, sixteen requests at a time.
    Pipelined,
    /// 1 KiB of JSON, serialised for each request.
    Json,
    /// 1 MiB to the server.
    Upload,
    /// 1 MiB from the server.
    Download,
    /// Memory of connections that wait.
    Idle,
    /// A client: small answers, one after the other.
    ClientGet,
    /// A client: small answers, many at a time.
    ClientMany,
    /// A client: 64 KiB received.
    ClientDownload,
    /// A client: 16 KiB sent.
    ClientUpload,
    /// A client: its shortest form, JSON parsed.
    ClientJson,
    /// A client: instructions of all its other rows.
    ClientInstructions,
    /// Connections with a full handshake.
    TlsFull,
    /// Connections with a resumed session.
    TlsResumed,
    /// 1 MiB from the server, encrypted.
    TlsDownload,
    /// 1 MiB to the server, encrypted.
    TlsUpload,
}

impl Row {
    /// All rows, in the order of the report.
    pub const ALL: [Self; 16] = [
        Self::Plain,
        Self::Pipelined,
        Self::Json,
        Self::Upload,
        Self::Download,
        Self::Idle,
        Self::ClientGet,
        Self::ClientMany,
        Self::ClientDownload,
        Self::ClientUpload,
        Self::ClientJson,
        Self::ClientInstructions,
        Self::TlsFull,
        Self::TlsResumed,
        Self::TlsDownload,
        Self::TlsUpload,
    ];

    /// The rows whose instructions [`Row::ClientInstructions`] counts, in the order of its columns.
    pub const COUNTED: [Self; 5] = [
        Self::ClientGet,
        Self::ClientMany,
        Self::ClientDownload,
        Self::ClientUpload,
        Self::ClientJson,
    ];

    /// As it is called on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Pipelined => "pipelined",
            Self::Json => "json",
            Self::Upload => "upload",
            Self::Download => "download",
            Self::Idle => "idle",
            Self::ClientGet => "client-get",
            Self::ClientMany => "client-64",
            Self::ClientDownload => "client-download",
            Self::ClientUpload => "client-upload",
            Self::ClientJson => "client-json",
            Self::ClientInstructions => "client-instructions",
            Self::TlsFull => "tls-full",
            Self::TlsResumed => "tls-resumed",
            Self::TlsDownload => "tls-download",
            Self::TlsUpload => "tls-upload",
        }
    }

    /// What is done, in a line.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Plain => "GET /plaintext, 64 keep-alive connections",
            Self::Pipelined => {
                "GET /plaintext, 64 connections, pipelined 16 deep (latency is of a batch)"
            }
            Self::Json => "GET /json, 1 KiB serialised for each request, 64 connections",
            Self::Upload => "POST /upload, 1 MiB, 16 connections",
            Self::Download => "GET /download, 1 MiB, 16 connections",
            Self::Idle => "memory of idle keep-alive connections, each after one request",
            Self::ClientGet => "a client's GET of 13 bytes, one after the other",
            Self::ClientMany => "a client's GET of 13 bytes, 64 at a time",
            Self::ClientDownload => "a client's GET of 64 KiB, 16 at a time",
            Self::ClientUpload => "a client's POST of 16 KiB, 16 at a time",
            Self::ClientJson => {
                "a client's shortest GET of 1 KiB of JSON, parsed, one after the other"
            }
            Self::ClientInstructions => "instructions of one request of a client, by row",
            Self::TlsFull => "TCP, full TLS 1.3 handshake, one small GET, gone; 16 at a time",
            Self::TlsResumed => "the same with a session resumed by ticket",
            Self::TlsDownload => "GET /download, 1 MiB under TLS, 16 connections",
            Self::TlsUpload => "POST /upload, 1 MiB under TLS, 16 connections",
        }
    }

    /// Whom it measures.
    #[must_use]
    pub fn role(self) -> Role {
        match self {
            Self::Plain
            | Self::Pipelined
            | Self::Json
            | Self::Upload
            | Self::Download
            | Self::Idle => Role::Server,
            Self::ClientGet
            | Self::ClientMany
            | Self::ClientDownload
            | Self::ClientUpload
            | Self::ClientJson
            | Self::ClientInstructions => Role::Client,
            Self::TlsFull | Self::TlsResumed | Self::TlsDownload | Self::TlsUpload => Role::Tls,
        }
    }

    /// Whether `name` means it: its own, or that of its role.
    #[must_use]
    pub fn is_called(self, name: &str) -> bool {
        self.name() == name || self.role().name() == name
    }

    /// Whether every round would find the same, so that one will do.
    #[must_use]
    pub fn once(self) -> bool {
        self == Self::ClientInstructions
    }

    /// Whether wrk is its load generator.
    #[must_use]
    pub fn uses_wrk(self) -> bool {
        matches!(
            self,
            Self::Plain | Self::Pipelined | Self::Json | Self::Download
        )
    }

    /// The connections of its load; of the row `idle`, those of its first crowd.
    #[must_use]
    pub fn connections(self) -> u32 {
        match self {
            Self::ClientGet | Self::ClientJson | Self::ClientInstructions => 1,
            Self::Plain | Self::Pipelined | Self::Json | Self::Idle | Self::ClientMany => {
                CONNECTIONS
            }
            Self::Upload
            | Self::Download
            | Self::ClientDownload
            | Self::ClientUpload
            | Self::TlsFull
            | Self::TlsResumed
            | Self::TlsDownload
            | Self::TlsUpload => BODY_CONNECTIONS,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_pipelines_as_deep_as_the_check() {
        let script = include_str!("../wrk/pipeline.lua");
        assert!(script.contains(&format!("string.rep(one, {PIPELINE_DEPTH})")));
    }

    #[test]
    fn a_role_stands_for_all_its_rows() {
        let of = |name| Row::ALL.into_iter().filter(move |row| row.is_called(name));
        assert_eq!(of("server").count(), 6);
        assert_eq!(of("client").count(), 6);
        assert_eq!(of("tls-full").collect::<Vec<_>>(), [Row::TlsFull]);
        assert!(Row::COUNTED.iter().all(|row| row.role() == Role::Client));
    }
}
