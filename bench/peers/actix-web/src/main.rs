//! actix-web with one worker. The main thread accepts, the worker's thread serves; both run on the same core.

use std::time::Duration;

use actix_web::{App, Error, HttpResponse, HttpServer, web};
use futures_util::StreamExt;

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    HttpServer::new(|| {
        App::new()
            .route("/plaintext", web::get().to(plaintext))
            .route("/json", web::get().to(json))
            .route("/download", web::get().to(download))
            .route("/upload", web::post().to(upload))
    })
    .workers(1)
    .keep_alive(Duration::from_secs(peer_kit::KEEP_ALIVE_SECONDS))
    .bind(peer_kit::address())?
    .run()
    .await
}

async fn plaintext() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain")
        .body(peer_kit::HELLO)
}

async fn json() -> HttpResponse {
    HttpResponse::Ok().json(peer_kit::page())
}

async fn download() -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/plain")
        .body(peer_kit::large())
}

/// `web::Payload` is the raw stream: no limit applies to it.
async fn upload(mut body: web::Payload) -> Result<HttpResponse, Error> {
    let mut bytes = 0;
    while let Some(chunk) = body.next().await {
        bytes += chunk?.len();
    }
    Ok(HttpResponse::Ok()
        .content_type("text/plain")
        .body(bytes.to_string()))
}
