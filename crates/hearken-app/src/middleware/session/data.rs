//! The session of one request.
//!
//! Here: [`Session`], [`SessionExt`]. Not here: its cookie, and when it is stored (`session.rs`).

use super::{Keep, Options, random_id};
use hearken_http::{Failure, IncomingMessage};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::cell::{Ref, RefCell};
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

/// Reads the session of a request.
///
/// ```
/// use hearken::app::{App, CookieKeys, Sessions, prelude::*};
/// # let keys = CookieKeys::new(["a secret of at least thirty-two bytes"])?;
/// let mut app = App::new();
/// app.with(Sessions::new(keys));
/// app.post("/logout", async |req, res| {
///     req.session().destroy().await?;
///     Ok(res.redirect(303, "/"))
/// });
/// # Ok::<(), hearken::app::KeyError>(())
/// ```
pub trait SessionExt: crate::request::RequestExt {
    /// The session of the client. Express: `req.session`.
    ///
    /// # Panics
    /// When no [`Sessions`](super::Sessions) is before the handler.
    fn session(&self) -> Rc<Session>;
}

impl SessionExt for IncomingMessage {
    fn session(&self) -> Rc<Session> {
        self.extension()
            .expect("expected a session: add `app.with(Sessions::new(keys))` before the route")
    }
}

/// The session of a client: values by names, each of any type that serde knows. Express: `req.session`.
///
/// ```
/// use hearken::app::{App, CookieKeys, Sessions, prelude::*};
/// # let keys = CookieKeys::new(["a secret of at least thirty-two bytes"])?;
/// let mut app = App::new();
/// app.with(Sessions::new(keys));
/// app.post("/login", async |req, res| {
///     let session = req.session();
///     session.regenerate().await?; // an id that was known before the login is worth nothing after it
///     session.set("user", &7)?;
///     Ok(res.redirect(303, "/"))
/// });
/// # Ok::<(), hearken::app::KeyError>(())
/// ```
pub struct Session {
    options: Arc<Options>,
    inner: RefCell<Inner>,
}

struct Inner {
    id: String,
    values: Map<String, Value>,
    /// The store has it.
    known: bool,
    /// It differs from what the store has.
    changed: bool,
    destroyed: bool,
    /// The client has sent a cookie of this name.
    came: bool,
    /// The client has a cookie with this id, signed by the newest secret.
    current: bool,
    /// A change of this request has been stored.
    stored: bool,
    /// The head has left.
    head_sent: bool,
}

impl Session {
    pub(super) fn known(
        options: Arc<Options>,
        id: String,
        values: Map<String, Value>,
        current: bool,
    ) -> Self {
        Self::with(
            options,
            Inner {
                id,
                values,
                known: true,
                came: true,
                current,
                ..Inner::empty()
            },
        )
    }

    pub(super) fn new(options: Arc<Options>, id: String, came: bool) -> Self {
        Self::with(
            options,
            Inner {
                id,
                came,
                ..Inner::empty()
            },
        )
    }

    const fn with(options: Arc<Options>, inner: Inner) -> Self {
        Self {
            options,
            inner: RefCell::new(inner),
        }
    }

    /// The id. A secret of the client: do not log it.
    #[must_use]
    pub fn id(&self) -> String {
        self.inner.borrow().id.clone()
    }

    /// Whether the store does not know it yet.
    #[must_use]
    pub fn is_new(&self) -> bool {
        !self.inner.borrow().known
    }

    /// The value with this name; `None` when there is none.
    ///
    /// # Errors
    /// With status 500 when it is no `T`.
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Result<Option<T>, Failure> {
        let inner = self.inner.borrow();
        let Some(value) = inner.values.get(name) else {
            return Ok(None);
        };
        T::deserialize(value).map(Some).map_err(|error| {
            let text = format!("expected another type of the value {name:?} in the session");
            Failure::new(500, text).caused_by(error)
        })
    }

    /// Sets a value.
    ///
    /// # Errors
    /// With status 500 when it has no JSON form.
    pub fn set<T: Serialize + ?Sized>(&self, name: &str, value: &T) -> Result<(), Failure> {
        let value = serde_json::to_value(value)?;
        let mut inner = self.inner.borrow_mut();
        if inner.values.get(name) != Some(&value) {
            inner.values.insert(name.to_owned(), value);
            inner.changed = true;
        }
        Ok(())
    }

    /// Removes a value. Returns whether there was one.
    pub fn remove(&self, name: &str) -> bool {
        let mut inner = self.inner.borrow_mut();
        let removed = inner.values.remove(name).is_some();
        inner.changed |= removed;
        removed
    }

    /// Removes all values.
    pub fn clear(&self) {
        let mut inner = self.inner.borrow_mut();
        inner.changed |= !inner.values.is_empty();
        inner.values.clear();
    }

    /// All values.
    #[must_use]
    pub fn values(&self) -> Ref<'_, Map<String, Value>> {
        Ref::map(self.inner.borrow(), |inner| &inner.values)
    }

    /// Stores the session at the end of the response even if no value has changed, so that its life begins again.
    pub fn touch(&self) {
        self.inner.borrow_mut().changed = true;
    }

    /// Replaces the session by a new, empty one with another id; the store drops the old one. At a login it keeps an attacker out who
    /// has made the client use an id that the attacker knows.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn regenerate(&self) -> Result<(), Failure> {
        self.clear();
        self.renew().await
    }

    /// As [`regenerate`](Self::regenerate), and keeps the values.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn renew(&self) -> Result<(), Failure> {
        let old = {
            let mut inner = self.inner.borrow_mut();
            let old = std::mem::replace(&mut inner.id, random_id());
            inner.current = false;
            inner.destroyed = false;
            inner.changed = true;
            std::mem::take(&mut inner.known).then_some(old)
        };
        match old {
            Some(old) => self.options.store.destroy(&old).await,
            None => Ok(()),
        }
    }

    /// Drops the session from the store, and the cookie from the client. A value that is set later begins a new session.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn destroy(&self) -> Result<(), Failure> {
        self.renew().await?;
        let mut inner = self.inner.borrow_mut();
        inner.values.clear();
        (inner.changed, inner.destroyed) = (false, true);
        Ok(())
    }

    /// Reads the values again from the store, and drops what has changed since. Does nothing for a new session.
    ///
    /// # Errors
    /// When the store fails, and with status 500 when it has no such session any more.
    pub async fn reload(&self) -> Result<(), Failure> {
        if self.is_new() {
            return Ok(());
        }
        let id = self.id();
        let text = self.options.store.load(&id).await?;
        let text = text.ok_or_else(|| {
            Failure::new(
                500,
                "expected the session to be in its store: it has expired or was destroyed",
            )
        })?;
        let mut inner = self.inner.borrow_mut();
        inner.values = serde_json::from_str(&text)?;
        inner.changed = false;
        Ok(())
    }

    /// Stores the session now. At the end of the response it is stored without this.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn save(&self) -> Result<(), Failure> {
        self.touch();
        self.store_changes().await
    }

    /// What the client is to keep. The head leaves now.
    pub(super) fn at_head(&self, options: &Options) -> Keep {
        let mut inner = self.inner.borrow_mut();
        inner.head_sent = true;
        if !inner.known && !inner.wants_store(options) {
            let removes = inner.came && inner.destroyed;
            return if removes { Keep::Nothing } else { Keep::Cookie };
        }
        let renews =
            options.rolling || (options.max_age.is_some() && (inner.changed || inner.stored));
        if inner.current && !renews {
            return Keep::Cookie;
        }
        inner.current = true;
        Keep::Id(inner.id.clone())
    }

    /// Brings the store up to date.
    pub(super) async fn store_changes(&self) -> Result<(), Failure> {
        let (options, lifetime) = (&self.options, self.options.lifetime());
        let (id, work) = {
            let mut inner = self.inner.borrow_mut();
            if inner.head_sent && !inner.current && inner.changed {
                tracing::error!(
                    "a session was begun after the head of its response had been sent: it is lost"
                );
                return Ok(());
            }
            let work = inner.work(options)?;
            inner.stored |= std::mem::take(&mut inner.changed);
            (inner.id.clone(), work)
        };
        match work {
            Work::Nothing => {}
            Work::Touch => {
                options.store.touch(&id, lifetime).await?;
            }
            Work::Update(text) => {
                // One that another request has destroyed stays so.
                options.store.update(&id, &text, lifetime).await?;
            }
            Work::Create(text) => {
                if !options.store.create(&id, &text, lifetime).await? {
                    return Err(Failure::new(
                        500,
                        "expected a new id of a session, and the store has it already",
                    ));
                }
                self.inner.borrow_mut().known = true;
            }
        }
        Ok(())
    }
}

/// What the store has to do.
enum Work {
    Nothing,
    Touch,
    Update(String),
    Create(String),
}

impl Inner {
    fn empty() -> Self {
        Self {
            id: String::new(),
            values: Map::new(),
            known: false,
            changed: false,
            destroyed: false,
            came: false,
            current: false,
            stored: false,
            head_sent: false,
        }
    }

    /// Whether a session that the store does not know is to be stored.
    fn wants_store(&self, options: &Options) -> bool {
        self.changed || (options.save_uninitialized && !self.destroyed)
    }

    fn work(&self, options: &Options) -> Result<Work, Failure> {
        let text = || serde_json::to_string(&self.values);
        Ok(match (self.known, self.changed) {
            (false, _) if self.wants_store(options) => Work::Create(text()?),
            (false, _) => Work::Nothing,
            (true, changed) if changed || options.resave => Work::Update(text()?),
            (true, _) => Work::Touch,
        })
    }
}

/// Neither id nor values: both are secrets.
impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = self.inner.borrow();
        f.debug_struct("Session")
            .field("known", &inner.known)
            .field("changed", &inner.changed)
            .finish_non_exhaustive()
    }
}
