//! Credentials: Basic (RFC 7617) and Bearer (RFC 6750).

use super::response::ResponseBuilder;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hearken::{IncomingMessage, Sent};
use serde_json::json;

/// 200 for these credentials, otherwise 401 with a challenge.
pub(crate) fn basic(
    req: &IncomingMessage,
    user: &str,
    password: &str,
    response: ResponseBuilder,
) -> Sent {
    let expected = format!("{user}:{password}");
    let given = credentials(req, "Basic").and_then(|text| STANDARD.decode(text).ok());
    if given.as_deref() == Some(expected.as_bytes()) {
        let content = json!({ "authenticated": true, "user": user });
        return super::json::send_json(response, &content);
    }
    reject(response, "Basic realm=\"echo\", charset=\"UTF-8\"")
}

/// 200 for any token, otherwise 401 with a challenge.
pub(crate) fn bearer(req: &IncomingMessage, response: ResponseBuilder) -> Sent {
    match credentials(req, "Bearer").filter(|token| !token.is_empty()) {
        Some(token) => {
            let content = json!({ "authenticated": true, "token": token });
            super::json::send_json(response, &content)
        }
        None => reject(response, "Bearer realm=\"echo\""),
    }
}

/// The text behind the scheme, whose name has no case (RFC 9110 §11.1).
fn credentials<'a>(req: &'a IncomingMessage, scheme: &str) -> Option<&'a str> {
    let value = std::str::from_utf8(req.raw_headers().get("authorization")?).ok()?;
    let (name, rest) = value.split_once(' ')?;
    name.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

fn reject(response: ResponseBuilder, challenge: &str) -> Sent {
    let response = response.status(401).append("WWW-Authenticate", challenge);
    response.send(
        "application/json",
        super::json::pretty(&json!({ "authenticated": false })),
    )
}
