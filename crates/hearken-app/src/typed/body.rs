//! Arguments that read the body as it is, and what all arguments that read it share.
//!
//! Here: [`Extract`] for `Bytes`, `String` and `IncomingMessage`; media types and limits. Not here: formats (`json.rs`, `form.rs`,
//! `multipart.rs`).

use super::{Extract, ExtractOption, Rejected, WithBody};
use hearken_http::{Bytes, Error, Failure, IncomingMessage, ServerResponse};

#[diagnostic::do_not_recommend]
impl Extract for IncomingMessage {
    type Reads = WithBody;

    async fn extract(req: Self, _res: &ServerResponse) -> Result<Self, Failure> {
        Ok(req)
    }
}

#[diagnostic::do_not_recommend]
impl Extract for Bytes {
    type Reads = WithBody;

    async fn extract(mut req: IncomingMessage, _res: &ServerResponse) -> Result<Self, Failure> {
        collect::<Self>(&mut req).await
    }
}

impl ExtractOption for Bytes {
    async fn extract_option(
        req: IncomingMessage,
        res: &ServerResponse,
    ) -> Result<Option<Self>, Failure> {
        let bytes = Self::extract(req, res).await?;
        Ok(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }
}

#[diagnostic::do_not_recommend]
impl Extract for String {
    type Reads = WithBody;

    async fn extract(mut req: IncomingMessage, _res: &ServerResponse) -> Result<Self, Failure> {
        expect_utf8::<Self>(&req)?;
        let bytes = collect::<Self>(&mut req).await?;
        Self::from_utf8(bytes.into()).map_err(|error| {
            let text = format!("expected a body of UTF-8: {error}");
            Rejected::because::<Self>(400, "entity.parse.failed", text, Some(error.into()))
        })
    }
}

impl ExtractOption for String {
    async fn extract_option(
        req: IncomingMessage,
        res: &ServerResponse,
    ) -> Result<Option<Self>, Failure> {
        let text = Self::extract(req, res).await?;
        Ok(Some(text).filter(|text| !text.is_empty()))
    }
}

/// Collects the body up to the limit of the route.
pub(super) async fn collect<E>(req: &mut IncomingMessage) -> Result<Bytes, Failure> {
    let collected = req.bytes().await;
    collected.map_err(|error: Error| {
        if error.status() != 413 {
            return Failure::from(error);
        }
        let text = Failure::from(error.clone()).public_message().into_owned();
        Rejected::because::<E>(413, "entity.too.large", text, Some(error.into()))
    })
}

/// The Content-Type without parameters.
pub(super) fn media_type(req: &IncomingMessage) -> Option<&str> {
    let field = req.header("content-type")?;
    Some(field.split(';').next().unwrap_or_default().trim())
}

/// Whether the request has neither a Content-Type nor content.
pub(super) fn is_without_body(req: &IncomingMessage) -> bool {
    req.header("content-type").is_none()
        && req.header("transfer-encoding").is_none()
        && req.head().content_length().unwrap_or_default() == 0
}

/// Rejects a body of another media type.
pub(super) fn expect_type<E>(
    req: &IncomingMessage,
    expected: &str,
    fits: impl Fn(&str) -> bool,
) -> Result<(), Failure> {
    let came = media_type(req);
    if came.is_some_and(fits) {
        return Ok(());
    }
    let came = came.map_or_else(|| "none".to_owned(), |came| format!("{came:?}"));
    let text = format!("expected a body with the Content-Type {expected}, got {came}");
    let failure = Rejected::failure::<E>(415, "media.type.unsupported", text);
    Err(failure.with_header("Accept", expected))
}

/// Rejects text in another charset than UTF-8.
pub(super) fn expect_utf8<E>(req: &IncomingMessage) -> Result<(), Failure> {
    let parameters = req
        .header("content-type")
        .into_iter()
        .flat_map(|field| field.split(';').skip(1));
    let charset = parameters.filter_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_charset = name.trim().eq_ignore_ascii_case("charset");
        is_charset.then(|| value.trim().trim_matches('"'))
    });
    let known = ["utf-8", "utf8", "us-ascii"];
    match charset
        .into_iter()
        .find(|value| !known.iter().any(|known| value.eq_ignore_ascii_case(known)))
    {
        None => Ok(()),
        Some(other) => {
            let text = format!("expected a body in the charset UTF-8, got {other:?}");
            Err(Rejected::failure::<E>(415, "charset.unsupported", text))
        }
    }
}
