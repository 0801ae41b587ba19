//! xitca-web with one worker. One thread accepts, the worker's thread serves; both run on the same core.

use std::pin::pin;
use std::time::Duration;

use xitca_web::App;
use xitca_web::body::{BodyExt, RequestBody, ResponseBody};
use xitca_web::bytes::Bytes;
use xitca_web::error::Error;
use xitca_web::handler::body::Body;
use xitca_web::handler::handler_service;
use xitca_web::handler::json::Json;
use xitca_web::http::const_header_value::TEXT;
use xitca_web::http::header::CONTENT_TYPE;
use xitca_web::http::{Response, WebResponse};
use xitca_web::route::{get, post};

fn main() -> std::io::Result<()> {
    App::new()
        .at(
            "/plaintext",
            get(handler_service(async || {
                text(Bytes::from_static(peer_kit::HELLO.as_bytes()))
            })),
        )
        .at(
            "/json",
            get(handler_service(async || Json(peer_kit::page()))),
        )
        .at(
            "/download",
            get(handler_service(async || {
                text(Bytes::from_static(peer_kit::large().as_bytes()))
            })),
        )
        .at("/upload", post(handler_service(upload)))
        .serve()
        .worker_threads(1)
        .keep_alive_timeout(Duration::from_secs(peer_kit::KEEP_ALIVE_SECONDS))
        .bind(peer_kit::address())?
        .run()
        .wait()
}

/// The raw stream of the body: no limit applies to it.
async fn upload(Body(body): Body<RequestBody>) -> Result<WebResponse, Error> {
    let mut body = pin!(body);
    let mut bytes = 0;
    while let Some(data) = body.as_mut().data().await {
        bytes += data?.len();
    }
    Ok(text(Bytes::from(bytes.to_string())))
}

fn text(body: Bytes) -> WebResponse {
    let mut response = Response::new(ResponseBody::from(body));
    response.headers_mut().insert(CONTENT_TYPE, TEXT);
    response
}
