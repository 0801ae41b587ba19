//! hyper 1.x, HTTP/1 only, on one current-thread tokio runtime. No timer is given, so it runs without deadlines: its
//! cheapest form. `pipeline_flush` is on, which joins the answers to pipelined requests.

use std::convert::Infallible;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let listener = TcpListener::bind(peer_kit::address()).await?;
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let connection = http1::Builder::new()
                .pipeline_flush(true)
                .serve_connection(TokioIo::new(stream), service_fn(answer));
            // A client that goes away is no news here.
            let _ = connection.await;
        });
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(match (request.method(), request.uri().path()) {
        (&Method::GET, "/plaintext") => {
            ok("text/plain", Bytes::from_static(peer_kit::HELLO.as_bytes()))
        }
        (&Method::GET, "/json") => match serde_json::to_vec(peer_kit::page()) {
            Ok(text) => ok("application/json", text.into()),
            Err(_) => bare(StatusCode::INTERNAL_SERVER_ERROR),
        },
        (&Method::GET, "/download") => ok(
            "text/plain",
            Bytes::from_static(peer_kit::large().as_bytes()),
        ),
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
    response.headers_mut().insert(
        CONTENT_TYPE,
        hyper::header::HeaderValue::from_static(content_type),
    );
    response
}

fn bare(status: StatusCode) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::default());
    *response.status_mut() = status;
    response
}
