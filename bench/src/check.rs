//! Does a server work correctly? Checked before it is measured: a fast wrong answer is worth nothing.
//!
//! Not here: clients. They compare responses themselves (`peers/kit`); that they keep connections, [`crate::measure`] checks.

use peer_kit::Exchange;
use rustls::HandshakeKind;
use tokio_rustls::TlsConnector;

use crate::Result;
use crate::conn::{Conn, Response};
use crate::tables::{Load, Row};

/// The bytes of a request.
pub(crate) fn request(exchange: Exchange) -> Vec<u8> {
    let (path, sent) = (exchange.path(), exchange.sent());
    let (method, field) = match exchange {
        Exchange::Upgrade => ("GET", "Connection: Upgrade\r\nUpgrade: echo\r\n".to_owned()),
        _ if sent.is_empty() => ("GET", String::new()),
        _ => ("POST", format!("Content-Length: {}\r\n", sent.len())),
    };
    let head = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{field}\r\n");
    [head.as_bytes(), sent].concat()
}

/// Sends so many requests in one write and compares the responses. Returns the length of a response.
pub(crate) async fn talk(conn: &mut Conn, exchange: Exchange, depth: usize) -> Result<usize> {
    conn.send(&request(exchange).repeat(depth)).await?;
    let mut bytes = 0;
    for _ in 0..depth {
        let response = conn.receive().await?;
        compare(&response, exchange)?;
        bytes = response.head_bytes + response.content.len();
    }
    Ok(bytes)
}

fn compare(response: &Response, exchange: Exchange) -> Result<(), String> {
    let (expected, content_type) = match exchange {
        Exchange::Upgrade => (101, ""),
        Exchange::Json => (200, "application/json"),
        _ => (200, "text/plain"),
    };
    let (status, found) = (response.status, &response.content_type);
    let (content, bytes) = (exchange.content(), response.content.len());
    if status != expected {
        return Err(format!("status {status}, expected {expected}"));
    }
    if !found.starts_with(content_type) {
        return Err(format!("content-type \"{found}\", expected {content_type}"));
    }
    if response.content != content.as_bytes() {
        return Err(format!("a body of {bytes} bytes, not the expected one"));
    }
    Ok(())
}

/// Does the row's exchange with a server, twice on each connection. Returns the length of a response.
pub(crate) async fn server(port: u16, tls: Option<TlsConnector>, row: &Row) -> Result<usize> {
    let kinds = match row.load {
        Load::Handshakes(kind) => vec![HandshakeKind::Full, kind, kind],
        _ => vec![HandshakeKind::Full],
    };
    let mut bytes = 0;
    for kind in kinds {
        let mut conn = Conn::open(port, tls.as_ref()).await?;
        if tls.is_some() && conn.handshake != Some(kind) {
            let found = conn.handshake;
            return Err(format!("{found:?}, expected {kind:?}").into());
        }
        bytes = talk(&mut conn, row.exchange, row.depth()).await?;
        if row.exchange == Exchange::Upgrade {
            let mut returned = [0; 4];
            conn.send(b"ping").await?;
            conn.receive_exact(&mut returned).await?;
            if returned != *b"ping" {
                return Err("does not return what it reads".into());
            }
            continue;
        }
        // A body of another length has another response.
        let another = match row.exchange {
            Exchange::Upload => Exchange::SmallUpload,
            same => same,
        };
        talk(&mut conn, another, row.depth()).await?;
    }
    Ok(bytes)
}

/// Connections and requests that the floor server has counted, this one included.
pub(crate) async fn counts(port: u16) -> Result<(usize, usize)> {
    let mut conn = Conn::open(port, None).await?;
    let request = b"GET /counts HTTP/1.1\r\nHost: localhost\r\n\r\n";
    conn.send(request).await?;
    let text = String::from_utf8(conn.receive().await?.content).unwrap_or_default();
    let counts = text
        .split_once(' ')
        .and_then(|(connections, requests)| connections.parse().ok().zip(requests.parse().ok()));
    counts.ok_or_else(|| "the floor server does not count".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::ROWS;
    use std::io::{Read, Write};
    use std::net::{Ipv4Addr, TcpListener};
    use std::thread;
    use tokio::runtime::Builder;

    /// A server on a port of its own that answers the first bytes of every connection with the same text.
    fn parrot(answer: String) -> Result<u16> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let read = stream.read(&mut [0; 4096]);
                let _ = read.and_then(|_| stream.write_all(answer.as_bytes()));
            }
        });
        Ok(port)
    }

    #[test]
    fn a_right_answer_passes_and_wrong_ones_are_named() -> Result<()> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let check = |answer: &str, depth: usize| {
            let answer = format!("HTTP/1.1 {answer}");
            runtime.block_on(async {
                let mut conn = Conn::open(parrot(answer)?, None).await?;
                talk(&mut conn, Exchange::Plaintext, depth).await
            })
        };
        let text = "200 OK\r\ncontent-type: text/plain\r\ncontent-length:";
        let hello = format!("{text} 13\r\n\r\nHello, World!");
        assert_eq!(check(&hello, 1)?, "HTTP/1.1 ".len() + hello.len());
        for (answer, complaint) in [
            ("500 No\r\ncontent-length: 0\r\n\r\n", "status 500"),
            ("200 OK\r\ncontent-length: 0\r\n\r\n", "content-type \"\""),
            (&format!("{text} 2\r\n\r\nHi"), "body of 2"),
            (&format!("{text} 13\r\n\r\nHi"), "closed"),
        ] {
            let found = check(answer, 1).expect_err("a wrong answer").to_string();
            assert!(found.contains(complaint), "{found}");
        }
        // One answer to sixteen requests is fifteen too few, and one for each connection is one too few.
        assert!(check(&hello, 16).is_err());
        let port = parrot(format!("HTTP/1.1 {hello}"))?;
        assert!(runtime.block_on(server(port, None, &ROWS[0])).is_err());
        Ok(())
    }
}
