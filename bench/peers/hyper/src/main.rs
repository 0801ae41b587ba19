//! hyper 1.x, HTTP/1 only, on one current-thread tokio runtime. No timer is set, so it runs without deadlines: its cheapest
//! form. `pipeline_flush` is on without TLS: it joins the responses to pipelined requests.
//!
//! Under TLS: tokio-rustls. Sessions are resumed by tickets that hold the state, as in nginx; the default of rustls keeps the
//! last 256 in memory.

use std::convert::Infallible;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let acceptor = match peer_kit::tls_arguments() {
        Some((certificate, key)) => Some(TlsAcceptor::from(configuration(&certificate, &key)?)),
        None => None,
    };
    let listener = TcpListener::bind(peer_kit::address()).await?;
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        stream.set_nodelay(true)?;
        match acceptor.clone() {
            None => drop(tokio::spawn(serve(stream, true))),
            Some(acceptor) => drop(tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, false).await;
                }
            })),
        }
    }
}

async fn serve(stream: impl AsyncRead + AsyncWrite + Unpin + 'static, pipeline_flush: bool) {
    let connection = http1::Builder::new()
        .pipeline_flush(pipeline_flush)
        .serve_connection(TokioIo::new(stream), service_fn(answer));
    // An error means that the client has gone away, which is no fault here.
    let _ = connection.await;
}

fn configuration(certificate: &Path, key: &Path) -> Result<Arc<ServerConfig>, Box<dyn Error>> {
    let chain = CertificateDer::pem_file_iter(certificate)?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(key)?;
    let mut configuration = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    configuration.alpn_protocols = vec![b"http/1.1".to_vec()];
    configuration.ticketer = ring::Ticketer::new()?;
    Ok(Arc::new(configuration))
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    let hello = || Bytes::from_static(peer_kit::HELLO.as_bytes());
    let large = || Bytes::from_static(peer_kit::large().as_bytes());
    Ok(match (request.method(), request.uri().path()) {
        (&Method::GET, "/plaintext") => ok("text/plain", hello()),
        (&Method::GET, "/json") => match serde_json::to_vec(peer_kit::page()) {
            Ok(text) => ok("application/json", text.into()),
            Err(_) => bare(StatusCode::INTERNAL_SERVER_ERROR),
        },
        (&Method::GET, "/download") => ok("text/plain", large()),
        (&Method::POST, "/upload") => match count(request.into_body()).await {
            Ok(bytes) => ok("text/plain", bytes.to_string().into()),
            Err(_) => bare(StatusCode::BAD_REQUEST),
        },
        _ => bare(StatusCode::NOT_FOUND),
    })
}

async fn count(mut body: Incoming) -> Result<usize, hyper::Error> {
    let mut bytes = 0;
    while let Some(frame) = body.frame().await {
        bytes += frame?.data_ref().map_or(0, Bytes::len);
    }
    Ok(bytes)
}

fn ok(content_type: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

fn bare(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
