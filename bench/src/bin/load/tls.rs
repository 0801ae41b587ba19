//! Load under TLS: handshakes, and bodies of 1 MiB.
//!
//! A handshake counts together with what makes it useful and proves it: TCP before it, one small GET after it, whose answer comes
//! only if the server has finished too. Then the connection is reset, so that no port waits in TIME_WAIT.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use harness::response;
use harness::rows::Row;
use harness::tls::{HOST, Sessions, hasty};
use rustls::HandshakeKind;
use rustls::pki_types::ServerName;
use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::{GET, PATIENCE, drive, exchange, large_post, late, post, print_figures};

/// The request for the large body.
const GET_LARGE: &[u8] = b"GET /download HTTP/1.1\r\nHost: localhost\r\n\r\n";

/// What all rows are told.
pub(crate) struct Plan {
    pub(crate) to: SocketAddr,
    pub(crate) connections: usize,
    pub(crate) time: Duration,
    pub(crate) certificate: PathBuf,
}

/// Does the load of a row and prints its figures.
pub(crate) async fn run(row: &str, plan: Plan) -> io::Result<()> {
    let Plan {
        to,
        connections,
        time,
        certificate,
    } = plan;
    let named = Row::ALL.into_iter().find(|one| one.name() == row);
    let row = named.ok_or_else(|| io::Error::other(format!("no row {row}")))?;
    let sessions = Sessions::of(row);
    let kind = match sessions {
        Sessions::Kept => HandshakeKind::Resumed,
        Sessions::Forgotten => HandshakeKind::Full,
    };
    // Settings of its own for each connection, so that tickets are not taken by another.
    let door = move || {
        Ok::<_, io::Error>(Door {
            connector: hasty(&certificate, sessions)?.into(),
            to,
        })
    };
    let driven = match row {
        Row::TlsFull | Row::TlsResumed => {
            let connect = async move || {
                let door = door()?;
                // The session that is resumed from now on.
                door.visit(HandshakeKind::Full).await?;
                Ok(door)
            };
            let visit = async move |door: &mut Door| door.visit(kind).await;
            drive(connections, time, connect, visit).await?
        }
        Row::TlsDownload => {
            let connect = async move || Ok((door()?.enter().await?, vec![0; 64 * 1024]));
            drive(connections, time, connect, async |(stream, piece)| {
                timeout(PATIENCE, download(stream, piece))
                    .await
                    .map_err(late)?
            })
            .await?
        }
        Row::TlsUpload => {
            let request: Rc<[u8]> = large_post();
            let connect = async move || door()?.enter().await;
            let send = async move |stream: &mut TlsStream<TcpStream>| post(stream, &request).await;
            drive(connections, time, connect, send).await?
        }
        _ => return Err(io::Error::other("no row under TLS")),
    };
    print_figures(driven, 1);
    Ok(())
}

/// A server, and the sessions that one connection after the other has with it.
struct Door {
    connector: TlsConnector,
    to: SocketAddr,
}

impl Door {
    /// A connection with its handshake done.
    async fn enter(&self) -> io::Result<TlsStream<TcpStream>> {
        let stream = TcpStream::connect(self.to).await?;
        stream.set_nodelay(true)?;
        SockRef::from(&stream).set_linger(Some(Duration::ZERO))?;
        let host = ServerName::try_from(HOST).map_err(io::Error::other)?;
        self.connector.connect(host, stream).await
    }

    /// A connection, one answer, and away.
    async fn visit(&self, expected: HandshakeKind) -> io::Result<()> {
        let mut stream = timeout(PATIENCE, self.enter()).await.map_err(late)??;
        let response = exchange(&mut stream, GET).await?;
        let kind = stream.get_ref().1.handshake_kind();
        if response.status != 200 || kind != Some(expected) {
            let status = response.status;
            let text = format!("status {status} after a handshake of kind {kind:?}");
            return Err(io::Error::other(text));
        }
        Ok(())
    }
}

/// One large answer, counted and not kept.
async fn download(stream: &mut TlsStream<TcpStream>, piece: &mut [u8]) -> io::Result<()> {
    stream.write_all(GET_LARGE).await?;
    stream.flush().await?;
    let mut filled = 0;
    let head = loop {
        let count = stream.read(&mut piece[filled..]).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        filled += count;
        if let Some(head) = response::head(&piece[..filled])? {
            break head;
        }
    };
    let mut left = (head.body_at + head.body_bytes).checked_sub(filled);
    while let Some(more @ 1..) = left {
        let count = stream.read(piece).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        left = more.checked_sub(count);
    }
    if head.status != 200 || head.body_bytes != peer_kit::LARGE_BYTES || left.is_none() {
        let (status, bytes) = (head.status, head.body_bytes);
        let text = format!("status {status} with {bytes} bytes, or more than these");
        return Err(io::Error::other(text));
    }
    Ok(())
}
