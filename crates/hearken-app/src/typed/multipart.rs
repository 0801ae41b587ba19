//! A form with files as an argument of a handler. Feature `multipart`.
//!
//! Here: [`Multipart`]. Not here: its parts (`message/multipart.rs` of hearken-http).

use super::body::{expect_type, is_without_body};
use super::{Extract, ExtractOption, Rejected, WithBody};
use crate::request::chain;
use hearken_http::message::{self, MultipartLimits};
use hearken_http::{Failure, IncomingMessage, ServerResponse};
use std::ops::{Deref, DerefMut};

/// A form with files, part by part as it is received, as an argument of a handler:
/// [`IncomingMessage::multipart`](IncomingMessage::multipart).
///
/// Its limits are the [`MultipartLimits`] that code around the handler has attached by `req.extend(…)`, or else those that the
/// application shares by [`App::state`](crate::App::state), or else the defaults.
///
/// ```
/// use hearken::app::{App, Multipart, extract, prelude::*};
/// use hearken::message::MultipartLimits;
///
/// let mut limits = MultipartLimits::default();
/// limits.parts_max = 10;
/// let mut app = App::new();
/// app.state(limits);
/// app.post("/upload", extract(async |mut form: Multipart| {
///     let mut bytes = 0;
///     while let Some(mut part) = form.next_part().await? {
///         while let Some(piece) = part.data().await? {
///             bytes += piece.len();
///         }
///     }
///     Ok(format!("{bytes} bytes"))
/// }));
/// ```
#[derive(Debug)]
pub struct Multipart(message::Multipart<'static>);

impl Deref for Multipart {
    type Target = message::Multipart<'static>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Multipart {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

#[diagnostic::do_not_recommend]
impl Extract for Multipart {
    type Reads = WithBody;

    async fn extract(req: IncomingMessage, _res: &ServerResponse) -> Result<Self, Failure> {
        expect_type::<Self>(&req, FORM_DATA, |media| {
            media.eq_ignore_ascii_case(FORM_DATA)
        })?;
        let of_route = req.extension::<MultipartLimits>().map(|limits| *limits);
        let of_app = || {
            let limits = chain(&req)?.app.shared.states.get::<MultipartLimits>()?;
            Some(*limits)
        };
        let limits = of_route.or_else(of_app).unwrap_or_default();
        req.into_multipart(limits).map(Self).map_err(|error| {
            let text = "expected a boundary in the Content-Type multipart/form-data".to_owned();
            Rejected::because::<Self>(400, "entity.parse.failed", text, Some(error.into()))
        })
    }
}

impl ExtractOption for Multipart {
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

pub(super) const FORM_DATA: &str = "multipart/form-data";
