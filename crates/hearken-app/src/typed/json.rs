//! The body as JSON: hearken-http's [`Json`], which is an answer too.

use super::body::{collect, expect_type, is_without_body};
use super::{Extract, ExtractOption, Invalid, InvalidField, Rejected, WithBody};
use hearken_http::{Bytes, Failure, IncomingMessage, Json, ServerResponse};
use serde::de::DeserializeOwned;
use serde_json::error::Category;

impl<T: DeserializeOwned> Extract for Json<T> {
    type Reads = WithBody;

    async fn extract(mut req: IncomingMessage, _res: &ServerResponse) -> Result<Self, Failure> {
        expect_type::<Self>(&req, "application/json", is_json)?;
        let bytes = collect::<Self>(&mut req).await?;
        parse(&bytes).map(Self)
    }
}

impl<T: DeserializeOwned> ExtractOption for Json<T> {
    async fn extract_option(
        req: IncomingMessage,
        res: &ServerResponse,
    ) -> Result<Option<Self>, Failure> {
        if is_without_body(&req) {
            return Ok(None);
        }
        Self::extract(req, res).await.map(Some)
    }
}

/// `application/json`, and types whose syntax is JSON (RFC 6839 §3.1).
fn is_json(media: &str) -> bool {
    let media = media.to_ascii_lowercase();
    let structured = media.starts_with("application/") && media.ends_with("+json");
    media == "application/json" || structured
}

fn parse<T: DeserializeOwned>(bytes: &Bytes) -> Result<T, Failure> {
    let text = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes); // RFC 8259 §8.1
    let error = match serde_json::from_slice(text) {
        Ok(value) => return Ok(value),
        Err(error) => error,
    };
    if error.classify() != Category::Data {
        let text = format!("expected a body of JSON: {error}");
        return Err(Rejected::because::<Json<T>>(
            400,
            "entity.parse.failed",
            text,
            Some(error.into()),
        ));
    }
    // Once more, to find out which field it is: a body that is in order does not pay for that.
    let mut again = serde_json::Deserializer::from_slice(text);
    let field = match serde_path_to_error::deserialize::<_, T>(&mut again) {
        Err(error) => error.path().to_string(),
        Ok(_) => String::new(),
    };
    let field = if field == "." { String::new() } else { field };
    let invalid = Invalid::new([InvalidField::new(field, without_place(&error.to_string()))]);
    let text = format!("expected other data in the body of JSON: {invalid}");
    let invalid = Box::new(invalid);
    Err(Rejected::because::<Json<T>>(
        422,
        "entity.data.invalid",
        text,
        Some(invalid),
    ))
}

/// The text of an error of serde_json without line and column: the field says where it is.
fn without_place(text: &str) -> &str {
    text.rfind(" at line ").map_or(text, |at| &text[..at])
}
