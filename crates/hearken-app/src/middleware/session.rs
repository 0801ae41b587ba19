//! Values that belong to one client, from request to request.
//!
//! Here: [`Sessions`], the middleware. Not here: the values of one request (`session/data.rs`), where they are kept
//! (`session/store.rs`).

mod data;
mod store;

pub use data::{Session, SessionExt};
pub use store::{MemorySessionStore, SessionStore};

use super::Middleware;
use super::shared::random;
use super::signed_cookies::CookieKeys;
use crate::next::Next;
use crate::request::RequestExt;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hearken_http::message::{Cookie, ResponseHead};
use hearken_http::server::Handling;
use hearken_http::{Failure, IncomingMessage, Sent, ServerResponse};
use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

type CookieFn = dyn Fn(Cookie) -> Cookie + Send + Sync;
type IdFn = dyn Fn(&IncomingMessage) -> String + Send + Sync;

/// Gives each client a session: values that are kept on the server, found by a signed cookie. npm: `express-session`.
///
/// | option | default |
/// |---|---|
/// | [`new`](Self::new) | the keys that sign the cookie |
/// | [`store`](Self::store) | memory of this process: [`MemorySessionStore`] |
/// | [`name`](Self::name) | `sid` |
/// | [`cookie`](Self::cookie) | attributes of [`Cookie`]: `Path=/`, `HttpOnly`, `SameSite=Lax`, `Secure` when the client uses https |
/// | [`max_age`](Self::max_age) | none: the cookie lives until the browser is closed |
/// | [`idle`](Self::idle) | 24 h without a request, then the store drops the session |
/// | [`rolling`](Self::rolling) | false: the cookie is set again only when the session has changed |
/// | [`resave`](Self::resave) | false: a session that has not changed is only touched |
/// | [`save_uninitialized`](Self::save_uninitialized) | false: a client gets a cookie once there is something to keep |
/// | [`generate_id`](Self::generate_id) | 256 bits of the system's random source |
///
/// Handlers read and change it by [`req.session()`](SessionExt::session). An id that the store does not know is never adopted: the client
/// gets a new one. Call [`Session::regenerate`] or [`Session::renew`] at each login.
///
/// The session is stored before the response ends, so that the next request of the client finds it; if that fails, the response is a
/// failure. What a handler changes after it has ended its response is lost. Of two requests of one session at the same time, the one that
/// is stored last wins; a session that another request has destroyed does not come back.
///
/// ```
/// use hearken::app::{App, CookieKeys, Sessions, prelude::*};
/// let keys = CookieKeys::new(["a secret of at least thirty-two bytes"])?;
/// let mut app = App::new();
/// app.with(Sessions::new(keys));
/// app.get("/", async |req, res| {
///     let session = req.session();
///     let visits: u32 = session.get("visits")?.unwrap_or(0) + 1;
///     session.set("visits", &visits)?;
///     Ok(res.end(format!("visit {visits}")))
/// });
/// # Ok::<(), hearken::app::KeyError>(())
/// ```
#[derive(Clone)]
#[must_use = "a middleware does nothing until it is added by `with`"]
pub struct Sessions {
    options: Arc<Options>,
}

#[derive(Clone)]
pub(crate) struct Options {
    keys: CookieKeys,
    pub(crate) store: Arc<dyn SessionStore>,
    name: Arc<str>,
    cookie: Option<Arc<CookieFn>>,
    max_age: Option<Duration>,
    idle: Duration,
    rolling: bool,
    resave: bool,
    save_uninitialized: bool,
    generate_id: Option<Arc<IdFn>>,
}

impl Sessions {
    /// Sessions whose cookie is signed by these keys, in the memory of this process.
    pub fn new(keys: CookieKeys) -> Self {
        Self {
            options: Arc::new(Options {
                keys,
                store: Arc::new(MemorySessionStore::default()),
                name: "sid".into(),
                cookie: None,
                max_age: None,
                idle: Duration::from_secs(24 * 60 * 60),
                rolling: false,
                resave: false,
                save_uninitialized: false,
                generate_id: None,
            }),
        }
    }

    fn change(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(Arc::make_mut(&mut self.options));
        self
    }

    /// Keeps sessions elsewhere: in a database that several processes share.
    pub fn store(self, store: impl SessionStore) -> Self {
        self.change(|options| options.store = Arc::new(store))
    }

    /// The name of the cookie. `__Host-sid` keeps hosts below this domain from setting it, and needs https.
    ///
    /// # Panics
    /// When it is no name of a cookie.
    #[track_caller]
    pub fn name(self, name: &str) -> Self {
        let legal = Cookie::new(name.to_owned(), "").to_field();
        assert!(legal.is_ok(), "expected the name of a cookie, got {name:?}");
        self.change(|options| options.name = name.into())
    }

    /// Changes the attributes of the cookie, each time it is set. The expiry is that of [`max_age`](Self::max_age).
    ///
    /// ```
    /// use hearken::app::{App, CookieKeys, Sessions};
    /// use hearken::message::SameSite;
    /// # let keys = CookieKeys::new(["a secret of at least thirty-two bytes"])?;
    /// let mut app = App::new();
    /// app.with(Sessions::new(keys).cookie(|cookie| cookie.path("/app").same_site(SameSite::Strict).secure(true)));
    /// # Ok::<(), hearken::app::KeyError>(())
    /// ```
    pub fn cookie(self, change: impl Fn(Cookie) -> Cookie + Send + Sync + 'static) -> Self {
        self.change(|options| options.cookie = Some(Arc::new(change)))
    }

    /// How long cookie and session live without a change of the session; with [`rolling`](Self::rolling), without a request.
    pub fn max_age(self, age: Duration) -> Self {
        self.change(|options| options.max_age = Some(age))
    }

    /// How long the store keeps a session without a request, when there is no [`max_age`](Self::max_age).
    pub fn idle(self, time: Duration) -> Self {
        self.change(|options| options.idle = time)
    }

    /// Sets the cookie again with each response, so that its life begins again.
    pub fn rolling(self, rolling: bool) -> Self {
        self.change(|options| options.rolling = rolling)
    }

    /// Stores a session again that has not changed: for stores that cannot be touched.
    pub fn resave(self, resave: bool) -> Self {
        self.change(|options| options.resave = resave)
    }

    /// Stores new sessions that have no values, and gives each client a cookie. Fills the store with the sessions of robots.
    pub fn save_uninitialized(self, save: bool) -> Self {
        self.change(|options| options.save_uninitialized = save)
    }

    /// Makes ids in another way. They need at least 128 bits that cannot be guessed, and the characters of a cookie. Those of
    /// [`Session::regenerate`] stay random. npm: `genid`.
    pub fn generate_id(
        self,
        generate: impl Fn(&IncomingMessage) -> String + Send + Sync + 'static,
    ) -> Self {
        self.change(|options| options.generate_id = Some(Arc::new(generate)))
    }
}

impl Options {
    fn lifetime(&self) -> Duration {
        self.max_age.unwrap_or(self.idle)
    }

    /// The id in the cookie of a request, and whether the newest secret has signed it.
    fn id_of(&self, req: &IncomingMessage) -> Option<(String, bool)> {
        let sent = req.cookies().get(&self.name)?;
        let (id, secret) = self.keys.verify_by(&self.name, sent)?;
        (!id.is_empty()).then(|| (id.to_owned(), secret == 0))
    }

    fn field(&self, value: String, secure: bool) -> Cookie {
        let mut cookie = Cookie::new(self.name.to_string(), value);
        if secure {
            cookie = cookie.secure(true);
        }
        if let Some(age) = self.max_age {
            cookie = cookie.max_age(age);
        }
        match &self.cookie {
            Some(change) => change(cookie),
            None => cookie,
        }
    }

    /// Adds the cookie, if the client needs one.
    fn add_cookie(&self, session: &Session, secure: bool, head: &mut ResponseHead<'_>) {
        let cookie = match session.at_head(self) {
            Keep::Cookie => return,
            Keep::Nothing => self.field(String::new(), secure).removal(),
            Keep::Id(id) => self.field(self.keys.sign(&self.name, &id), secure),
        };
        match cookie.to_field() {
            Ok(field) => {
                // What is legal in a cookie is legal in a field.
                let _ = head.append("Set-Cookie", field);
            }
            Err(error) => tracing::error!(%error, "the cookie of a session cannot be set"),
        }
    }
}

/// What a client is to keep of its session.
pub(crate) enum Keep {
    /// What it has.
    Cookie,
    /// No cookie.
    Nothing,
    /// This id.
    Id(String),
}

impl Middleware for Sessions {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        if req.extension::<Session>().is_some() {
            return next.run(req, res); // that of an outer router
        }
        Handling::new(run(Arc::clone(&self.options), req, res, next))
    }
}

async fn run(options: Arc<Options>, req: IncomingMessage, res: ServerResponse, next: Next) -> Sent {
    let session = match load(&options, &req).await {
        Ok(session) => Rc::new(session),
        Err(failure) => return res.fail(failure),
    };
    res.attach(Rc::clone(&session));
    let secure = req.secure();
    let (own, of_head) = (Arc::clone(&options), Rc::clone(&session));
    res.on_head(move |head| own.add_cookie(&of_head, secure, head));
    let hold = res.hold_end();
    let again = res.again();
    let mut handling = pin!(next.run(req, res));
    // A handler may answer later, or go on after it has answered: both are polled.
    let mut sent = None;
    let result = {
        let mut stored = pin!(async {
            hold.asked().await;
            session.store_changes().await
        });
        poll_fn(|cx| {
            if sent.is_none()
                && let Poll::Ready(done) = handling.as_mut().poll(cx)
            {
                sent = Some(done);
            }
            stored.as_mut().poll(cx)
        })
        .await
    };
    let failed = match result {
        Ok(()) => {
            drop(hold);
            None
        }
        Err(failure) => {
            hold.cancel();
            Some(again.fail(failure))
        }
    };
    let sent = match sent {
        Some(sent) => sent,
        None => handling.await,
    };
    failed.unwrap_or(sent)
}

/// The session that the cookie names, or a new one.
async fn load(options: &Arc<Options>, req: &IncomingMessage) -> Result<Session, Failure> {
    let sent = options.id_of(req);
    let came = req.cookies().get(&options.name).is_some();
    if let Some((id, newest)) = sent
        && let Some(text) = options.store.load(&id).await?
    {
        let values = serde_json::from_str(&text).map_err(|error| {
            Failure::new(
                500,
                "expected the store to return a session as it was stored",
            )
            .caused_by(error)
        })?;
        return Ok(Session::known(Arc::clone(options), id, values, newest));
    }
    Ok(Session::new(
        Arc::clone(options),
        new_id(options, req),
        came,
    ))
}

fn new_id(options: &Options, req: &IncomingMessage) -> String {
    match &options.generate_id {
        Some(generate) => generate(req),
        None => random_id(),
    }
}

pub(crate) fn random_id() -> String {
    URL_SAFE_NO_PAD.encode(random::<32>())
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions")
            .field("name", &self.options.name)
            .finish_non_exhaustive()
    }
}
