//! What the tests share.

use hearken::app::App;
use hearken::test::{Request, Response};

/// The response to one request.
pub(crate) fn ask(app: &App, request: Request) -> Response {
    app.inject(request)
        .unwrap_or_else(|error| panic!("{error}"))
}

/// Its status and content.
pub(crate) fn text(app: &App, path: &str) -> String {
    let response = ask(app, Request::get(path));
    format!(
        "{} {}",
        response.status().as_u16(),
        response.text().trim_end()
    )
}
