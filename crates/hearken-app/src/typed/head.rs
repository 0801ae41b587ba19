//! Arguments that read the head of a request, its connection, or what code around the handler shares.
//!
//! Here: [`Headers`], [`Extension`], and [`Extract`] for [`State`] and for the types of hearken-http. Not here: cookies
//! (`cookies.rs`), the path (`path/`), the query (`query.rs`).

use super::{Extract, ExtractOption, HeadOnly, Rejected, short_name};
use crate::request::chain;
use crate::state::State;
use hearken_http::{Failure, HeaderMap, IncomingMessage, Method, Peer, ServerResponse, Version};
use std::any::type_name;
use std::fmt;
use std::ops::Deref;
use std::rc::Rc;

/// The fields of the head, as an argument of a handler: [`IncomingMessage::headers`].
///
/// ```
/// use hearken::app::{App, Headers, extract};
/// let mut app = App::new();
/// app.get("/", extract(async |Headers(fields): Headers| format!("{} fields", fields.len())));
/// ```
#[derive(Clone, Debug)]
#[expect(clippy::exhaustive_structs, reason = "users take it apart")]
pub struct Headers(pub HeaderMap);

/// A value that code around the handler has attached by `req.extend(…)`, as an argument of a handler:
/// [`IncomingMessage::extension`].
///
/// ```
/// use hearken::app::{App, Extension, extract, middleware};
/// struct User { name: String }
/// let mut app = App::new();
/// app.with(middleware(async |req, res, next| {
///     req.extend(User { name: "ada".to_owned() });
///     next.run(req, res).await
/// }));
/// app.get("/me", extract(async |user: Extension<User>| user.name.clone()));
/// ```
pub struct Extension<T: ?Sized>(pub Rc<T>);

impl<T: ?Sized> Clone for Extension<T> {
    fn clone(&self) -> Self {
        Self(Rc::clone(&self.0))
    }
}

impl<T: ?Sized> Deref for Extension<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Extension<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: 'static> Extract for Extension<T> {
    type Reads = HeadOnly;

    async fn extract(req: &IncomingMessage, res: &ServerResponse) -> Result<Self, Failure> {
        let found = Self::extract_option(req, res).await?;
        found.ok_or_else(|| {
            let name = short_name(type_name::<T>());
            let text = format!(
                "expected an attached value of type {name}: attach it by `req.extend(…)` before the handler"
            );
            Rejected::failure::<Self>(500, "extension.missing", text)
        })
    }
}

impl<T: 'static> ExtractOption for Extension<T> {
    async fn extract_option(
        req: &IncomingMessage,
        _res: &ServerResponse,
    ) -> Result<Option<Self>, Failure> {
        Ok(req.extension().map(Self))
    }
}

impl<T: Send + Sync + 'static> Extract for State<T> {
    type Reads = HeadOnly;

    async fn extract(req: &IncomingMessage, res: &ServerResponse) -> Result<Self, Failure> {
        let found = Self::extract_option(req, res).await?;
        found.ok_or_else(|| {
            let name = short_name(type_name::<T>());
            let text = format!("expected a shared value of type {name}: add it by `app.state(…)`");
            Rejected::failure::<Self>(500, "state.missing", text)
        })
    }
}

impl<T: Send + Sync + 'static> ExtractOption for State<T> {
    async fn extract_option(
        req: &IncomingMessage,
        _res: &ServerResponse,
    ) -> Result<Option<Self>, Failure> {
        Ok(chain(req).and_then(|chain| chain.app.shared.states.get()))
    }
}

macro_rules! of_head {
    ($($type:ty: $req:ident, $res:ident => $value:expr;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl Extract for $type {
            type Reads = HeadOnly;

            async fn extract($req: &IncomingMessage, $res: &ServerResponse) -> Result<Self, Failure> {
                Ok($value)
            }
        }
    )*};
}

of_head! {
    Headers: req, _res => Self(req.headers());
    HeaderMap: req, _res => req.headers();
    Method: req, _res => req.method();
    Version: req, _res => req.version();
    Rc<Peer>: req, _res => req.peer();
    Peer: req, _res => (*req.peer()).clone();
    ServerResponse: _req, res => res.again();
}
