//! axum with its own `serve`, on one current-thread tokio runtime.

use axum::body::{Body, Bytes};
use axum::http::{StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::serve::ListenerExt;
use axum::{Json, Router};
use futures_util::StreamExt;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> std::io::Result<()> {
    let app = Router::new()
        .route(
            "/plaintext",
            get(async || ([(header::CONTENT_TYPE, "text/plain")], peer_kit::HELLO)),
        )
        .route("/json", get(async || Json(peer_kit::page())))
        .route("/download", get(download))
        .route("/upload", post(upload));
    let listener = TcpListener::bind(peer_kit::address())
        .await?
        .tap_io(|stream| {
            // Without it answers are only later, not wrong.
            let _ = stream.set_nodelay(true);
        });
    axum::serve(listener, app).await
}

async fn download() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "text/plain")],
        Bytes::from_static(peer_kit::large().as_bytes()),
    )
}

/// `Body` as an argument is the raw stream: axum's limit of 2 MB applies to collected bodies only.
async fn upload(body: Body) -> Result<impl IntoResponse, StatusCode> {
    let mut stream = body.into_data_stream();
    let mut bytes = 0;
    while let Some(chunk) = stream.next().await {
        bytes += chunk.map_err(|_| StatusCode::BAD_REQUEST)?.len();
    }
    Ok(([(header::CONTENT_TYPE, "text/plain")], bytes.to_string()))
}
