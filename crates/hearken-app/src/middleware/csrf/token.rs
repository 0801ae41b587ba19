//! A token that only a page of this site can know.
//!
//! Here: [`CsrfToken`], and its check. Not here: what the fields of a request say (`csrf.rs`).
//!
//! The secret stays with the client for long; what a page gets is the secret under a mask that differs each time, so that a compressed page
//! does not leak it (BREACH).

use super::{Csrf, rejection};
use crate::middleware::method_override::{form_value, is_form};
use crate::middleware::session::Session;
use crate::middleware::shared::{random, same_secret, set};
use crate::middleware::signed_cookies::CookieKeys;
use crate::next::Next;
use crate::request::RequestExt;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hearken_http::message::{Cookie, ResponseHead};
use hearken_http::server::Handling;
use hearken_http::{Failure, IncomingMessage, ServerResponse};
use std::cell::Cell;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

const SECRET_BYTES: usize = 32;

type Secret = [u8; SECRET_BYTES];

/// Where the secret is in a session.
const IN_SESSION: &str = "csrf";

#[derive(Clone)]
pub(super) struct TokenOptions {
    place: Place,
    pub(super) always: bool,
    header: Arc<str>,
    field: Arc<str>,
}

/// Where the secret of a client is kept.
#[derive(Clone)]
enum Place {
    None,
    /// In a cookie that these keys sign.
    Cookie(CookieKeys),
    Session,
}

impl Default for TokenOptions {
    fn default() -> Self {
        Self {
            place: Place::None,
            always: false,
            header: "X-CSRF-Token".into(),
            field: "_csrf".into(),
        }
    }
}

impl Csrf {
    /// Adds a token whose secret is in a signed cookie, `csrf`, or `__Host-csrf` when the client uses https.
    ///
    /// ```
    /// use hearken::app::{App, CookieKeys, Csrf, CsrfToken};
    /// let keys = CookieKeys::new(["a secret of at least thirty-two bytes"])?;
    /// let mut app = App::new();
    /// app.with(Csrf::new().double_submit(keys));
    /// app.get("/form", async |req, res| {
    ///     let token = CsrfToken::of(&req)?;
    ///     Ok(res.end(format!("<form method=post><input type=hidden name=_csrf value=\"{token}\"><button>Send</button></form>")))
    /// });
    /// # Ok::<(), hearken::app::KeyError>(())
    /// ```
    pub fn double_submit(self, keys: CookieKeys) -> Self {
        self.change(|options| options.token.place = Place::Cookie(keys))
    }

    /// Adds a token whose secret is in the session: [`Sessions`](crate::Sessions) must be before this.
    pub fn session_token(self) -> Self {
        self.change(|options| options.token.place = Place::Session)
    }

    /// Demands the token of each request that is not safe, also where its fields show that it comes from this site.
    pub fn always_token(self, always: bool) -> Self {
        self.change(|options| options.token.always = always)
    }

    /// The request field that carries the token.
    pub fn header(self, name: &str) -> Self {
        self.change(|options| options.token.header = name.into())
    }

    /// The field of a form that carries the token, if the header field does not. Only `application/x-www-form-urlencoded` is read;
    /// a form with files sends the token in the header field.
    pub fn form_field(self, name: &str) -> Self {
        self.change(|options| options.token.field = name.into())
    }
}

/// The token of a client: [`CsrfToken::of`].
///
/// ```
/// use hearken::app::{App, CookieKeys, Csrf, CsrfToken};
/// use hearken::test::Request;
/// let mut app = App::new();
/// app.with(Csrf::new().double_submit(CookieKeys::new(["a secret of at least thirty-two bytes"])?));
/// app.get("/token", async |req, res| Ok(res.end(CsrfToken::of(&req)?)));
/// let response = app.inject(Request::get("/token"))?;
/// assert_eq!(response.text().len(), 86);
/// assert!(response.header("set-cookie").is_some_and(|cookie| cookie.starts_with("csrf=")));
/// # Ok::<(), Box<dyn std::error::Error + Send + Sync>>(())
/// ```
pub struct CsrfToken {
    place: Place,
    secret: Cell<Option<Secret>>,
    /// The client has no cookie with the secret.
    is_new: Cell<bool>,
    secure: bool,
}

impl CsrfToken {
    /// A token for the page that answers this request: letters, digits, `-` and `_`. Each call returns another one; all are valid as long
    /// as the cookie or the session. The response must not be cached for other clients: it gets `Cache-Control: private` when it sets the
    /// cookie and has no Cache-Control of its own.
    ///
    /// # Errors
    /// With status 500 when no [`Csrf`] with a token is before the handler.
    pub fn of(req: &IncomingMessage) -> Result<String, Failure> {
        let text =
            "expected a token: add `app.with(Csrf::new().double_submit(keys))` before the route";
        let own = req
            .extension::<Self>()
            .ok_or_else(|| Failure::new(500, text))?;
        let secret = match own.secret.get() {
            Some(secret) => secret,
            None => own.begin(req)?,
        };
        let mask: Secret = random();
        let mut token = [0; 2 * SECRET_BYTES];
        for (at, (mask, secret)) in mask.iter().zip(secret).enumerate() {
            token[at] = *mask;
            token[SECRET_BYTES + at] = mask ^ secret;
        }
        Ok(URL_SAFE_NO_PAD.encode(token))
    }

    /// Makes the secret of a client that has none.
    fn begin(&self, req: &IncomingMessage) -> Result<Secret, Failure> {
        let secret: Secret = random();
        self.secret.set(Some(secret));
        self.is_new.set(true);
        if let Place::Session = self.place {
            session(req)?.set(IN_SESSION, &URL_SAFE_NO_PAD.encode(secret))?;
        }
        Ok(secret)
    }

    const fn cookie_name(secure: bool) -> &'static str {
        if secure { "__Host-csrf" } else { "csrf" }
    }

    /// Sets the cookie when the secret was made for this response.
    fn add_cookie(&self, head: &mut ResponseHead<'_>) {
        let (Place::Cookie(keys), Some(secret), true) =
            (&self.place, self.secret.get(), self.is_new.get())
        else {
            return;
        };
        let name = Self::cookie_name(self.secure);
        let value = keys.sign(name, &URL_SAFE_NO_PAD.encode(secret));
        if let Ok(field) = Cookie::new(name, value).to_field() {
            // What is legal in a cookie is legal in a field.
            let _ = head.append("Set-Cookie", field);
        }
        if head.get("cache-control").is_none() {
            set(head, "Cache-Control", "private");
        }
    }

    fn fits(&self, token: &str) -> bool {
        let Some(secret) = self.secret.get() else {
            return false;
        };
        let mut bytes = [0; 2 * SECRET_BYTES];
        if URL_SAFE_NO_PAD.decode_slice(token, &mut bytes) != Ok(2 * SECRET_BYTES) {
            return false;
        }
        let (mask, masked) = bytes.split_at(SECRET_BYTES);
        let sent: Vec<u8> = mask
            .iter()
            .zip(masked)
            .map(|(mask, masked)| mask ^ masked)
            .collect();
        same_secret(&sent, &secret)
    }
}

fn session(req: &IncomingMessage) -> Result<Rc<Session>, Failure> {
    let text = "expected a session for the token: add `Sessions` before `Csrf`";
    req.extension().ok_or_else(|| Failure::new(500, text))
}

fn secret_of(text: &str) -> Option<Secret> {
    URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()
}

impl TokenOptions {
    pub(super) const fn is_used(&self) -> bool {
        !matches!(self.place, Place::None)
    }

    /// Attaches the token of the client, and checks what it has sent if that is needed.
    pub(super) fn handle(
        &self,
        needed: bool,
        req: IncomingMessage,
        res: ServerResponse,
        next: Next,
    ) -> Handling {
        let secure = req.secure();
        let secret = match &self.place {
            Place::None => None,
            Place::Cookie(keys) => {
                let name = CsrfToken::cookie_name(secure);
                let sent = req.cookies().get(name);
                sent.and_then(|sent| secret_of(keys.verify(name, sent)?))
            }
            Place::Session => {
                match session(&req).and_then(|session| session.get::<String>(IN_SESSION)) {
                    Ok(text) => text.as_deref().and_then(secret_of),
                    Err(failure) => return Handling::new(std::future::ready(res.fail(failure))),
                }
            }
        };
        let token = Rc::new(CsrfToken {
            place: self.place.clone(),
            secret: Cell::new(secret),
            is_new: Cell::new(false),
            secure,
        });
        res.attach(Rc::clone(&token));
        let of_head = Rc::clone(&token);
        res.on_head(move |head| of_head.add_cookie(head));
        if !needed {
            return next.run(req, res);
        }
        let own = self.clone();
        Handling::new(async move {
            let mut req = req;
            match own.sent_by(&mut req).await {
                Ok(Some(sent)) if token.fits(&sent) => next.run(req, res).await,
                Ok(_) => res.fail(rejection(
                    "expected the token of a page of this site",
                    "csrf.token",
                )),
                Err(error) => res.fail(error),
            }
        })
    }

    async fn sent_by(
        &self,
        req: &mut IncomingMessage,
    ) -> Result<Option<String>, hearken_http::Error> {
        if let Some(token) = req.header(&self.header) {
            return Ok(Some(token.to_owned()));
        }
        if is_form(req) {
            return form_value(req, &self.field).await;
        }
        Ok(None)
    }
}

/// Not the token: it is a secret of the client.
impl fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CsrfToken")
            .field("is_new", &self.is_new)
            .finish_non_exhaustive()
    }
}
