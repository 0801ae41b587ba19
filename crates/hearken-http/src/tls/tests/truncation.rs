//! A truncated response must not be taken for a complete one (RFC 9112 §9.8).

use super::authority::Authority;
use crate::Agent;
use crate::client::AgentOptions;
use crate::tls::{ClientTls, ServerTls};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// What a client reads of a response, from a server that ends TLS by close_notify or closes TCP without it.
async fn fetch(answer: &'static str, close_notify: bool) -> Result<String, String> {
    let authority = Authority::new("Test Root");
    let pair = authority.issue(&["127.0.0.1"]);
    let tls = ServerTls::from_pem(pair.chain.as_bytes(), pair.key.as_bytes()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/", listener.local_addr().unwrap());
    let serve = async {
        let (socket, _) = listener.accept().await.unwrap();
        let mut stream = TlsAcceptor::from(tls.config())
            .accept(socket)
            .await
            .unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            request.push(stream.read_u8().await.unwrap());
        }
        stream.write_all(answer.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        if close_notify {
            stream.shutdown().await.unwrap();
        }
        stream.into_inner().0.shutdown().await.unwrap();
    };
    let ask = async {
        let mut options = AgentOptions::default();
        let client = ClientTls::new().system_roots(false);
        options.tls = client.root_pem(authority.root().as_bytes()).unwrap();
        let request = Agent::new(options).request("GET", &url).unwrap();
        let mut response = request.end("").await.map_err(|error| error.to_string())?;
        response.text().await.map_err(|error| error.to_string())
    };
    tokio::join!(ask, serve).0
}

#[tokio::test]
async fn a_body_delimited_by_close_needs_a_close_notify() {
    let answer = "HTTP/1.1 200 OK\r\n\r\nhello";
    assert_eq!(fetch(answer, true).await.unwrap(), "hello");
    let error = fetch(answer, false).await.unwrap_err();
    assert!(error.contains("closed"), "{error}");
}

#[tokio::test]
async fn a_body_with_framing_needs_no_close_notify() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    ] {
        assert_eq!(fetch(answer, false).await.unwrap(), "hello");
    }
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
    ] {
        for close_notify in [true, false] {
            assert!(fetch(answer, close_notify).await.is_err(), "{answer}");
        }
    }
}
