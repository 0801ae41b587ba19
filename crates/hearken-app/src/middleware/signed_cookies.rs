//! Cookies that a client cannot change, or not even read.
//!
//! Here: [`CookieKeys`], [`SignedCookies`], [`SetSignedCookies`]. Not here: plain cookies and their attributes (hearken-http,
//! [`Cookie`]), sessions (`session.rs`).

use crate::request::RequestExt;
use cookie::{CookieJar, Key};
use hearken_http::message::Cookie;
use hearken_http::{IncomingMessage, ServerResponse};
use percent_encoding::percent_decode_str;
use std::fmt;
use std::sync::Arc;

/// The least bytes of a secret: as many as an HMAC-SHA256 has.
const SECRET_BYTES_MIN: usize = 32;

/// Base64 of an HMAC-SHA256, which stands before the value.
const DIGEST_BYTES: usize = 44;

/// Secrets by which cookies are signed and encrypted. npm: the secrets of `cookie-parser`.
///
/// The first secret is used for new cookies, all of them for reading: to replace a secret, put the new one before it, and remove the old
/// one when its cookies have expired. Cheap to clone.
///
/// Shared by [`App::state`](crate::App::state), they are what [`SignedCookies`] and [`SetSignedCookies`] use.
///
/// ```
/// use hearken::app::{App, CookieKeys, prelude::*};
/// use hearken::message::Cookie;
/// # let (new, old) = ("n".repeat(32), "o".repeat(32));
/// let mut app = App::new();
/// app.state(CookieKeys::new([new, old])?); // from the environment, for example
/// app.get("/login", async |_req, res| res.signed_cookie(Cookie::new("user", "ada")).end("hello"));
/// app.get("/", async |req, res| match req.signed_cookie("user") {
///     Some(user) => res.end(format!("hello, {user}")),
///     None => res.redirect(303, "/login"),
/// });
/// # Ok::<(), hearken::app::KeyError>(())
/// ```
#[derive(Clone)]
pub struct CookieKeys(Arc<[Key]>);

/// Why secrets cannot be used.
///
/// ```
/// use hearken::app::CookieKeys;
/// let error = CookieKeys::new(["short"]).expect_err("too short");
/// assert_eq!(error.to_string(), "expected secrets of at least 32 bytes, got 5 bytes as number 1");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyError {
    /// There is none.
    None,
    /// One is too short.
    Short {
        /// Its place, from 1 on.
        number: usize,
        /// Its length.
        bytes: usize,
    },
}

impl fmt::Display for KeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("expected at least one secret for cookies"),
            Self::Short { number, bytes } => write!(
                f,
                "expected secrets of at least {SECRET_BYTES_MIN} bytes, got {bytes} bytes as number {number}"
            ),
        }
    }
}

impl std::error::Error for KeyError {}

impl CookieKeys {
    /// Derives keys from these secrets, each of at least 32 random bytes.
    ///
    /// # Errors
    /// When there is no secret, or one is shorter.
    pub fn new<S: AsRef<[u8]>>(secrets: impl IntoIterator<Item = S>) -> Result<Self, KeyError> {
        let keys = (1..).zip(secrets).map(|(number, secret)| {
            let secret = secret.as_ref();
            if secret.len() < SECRET_BYTES_MIN {
                return Err(KeyError::Short {
                    number,
                    bytes: secret.len(),
                });
            }
            Ok(Key::derive_from(secret))
        });
        let keys: Arc<[Key]> = keys.collect::<Result<_, _>>()?;
        if keys.is_empty() {
            return Err(KeyError::None);
        }
        Ok(Self(keys))
    }

    /// The value with a signature of name and value, so that the value of one cookie does not pass for that of another.
    ///
    /// ```
    /// use hearken::app::CookieKeys;
    /// let keys = CookieKeys::new(["s".repeat(32)])?;
    /// let signed = keys.sign("user", "ada");
    /// assert_eq!(keys.verify("user", &signed), Some("ada"));
    /// assert_eq!(keys.verify("admin", &signed), None);
    /// # Ok::<(), hearken::app::KeyError>(())
    /// ```
    #[must_use]
    pub fn sign(&self, name: &str, value: &str) -> String {
        let digest = self.digest(name, value);
        format!("{digest}{value}")
    }

    fn digest(&self, name: &str, value: &str) -> String {
        let mut jar = CookieJar::new();
        let cookie = cookie::Cookie::new("c", format!("{name}={value}"));
        jar.signed_mut(&self.0[0]).add(cookie);
        let signed = jar.get("c").map_or("", cookie::Cookie::value);
        signed[..DIGEST_BYTES.min(signed.len())].to_owned()
    }

    /// The value, if a secret has signed it for this name.
    #[must_use]
    pub fn verify<'a>(&self, name: &str, signed: &'a str) -> Option<&'a str> {
        self.verify_by(name, signed).map(|(value, _)| value)
    }

    /// The value, and the number of the secret that has signed it.
    pub(crate) fn verify_by<'a>(&self, name: &str, signed: &'a str) -> Option<(&'a str, usize)> {
        let (digest, value) = signed.split_at_checked(DIGEST_BYTES)?;
        let whole = format!("{digest}{name}={value}");
        let jar = CookieJar::new();
        let number = self.0.iter().position(|key| {
            let cookie = cookie::Cookie::new("c", whole.clone());
            jar.signed(key).verify(cookie).is_some()
        })?;
        Some((value, number))
    }

    /// The value, encrypted and authenticated together with the name.
    ///
    /// ```
    /// use hearken::app::CookieKeys;
    /// let keys = CookieKeys::new(["s".repeat(32)])?;
    /// let encrypted = keys.encrypt("user", "ada");
    /// assert_eq!(keys.decrypt("user", &encrypted).as_deref(), Some("ada"));
    /// assert_eq!(keys.decrypt("admin", &encrypted), None);
    /// # Ok::<(), hearken::app::KeyError>(())
    /// ```
    #[must_use]
    pub fn encrypt(&self, name: &str, value: &str) -> String {
        let mut jar = CookieJar::new();
        let cookie = cookie::Cookie::new(name.to_owned(), value.to_owned());
        jar.private_mut(&self.0[0]).add(cookie);
        jar.get(name).map_or("", cookie::Cookie::value).to_owned()
    }

    /// The value that was encrypted for this name by a secret.
    #[must_use]
    pub fn decrypt(&self, name: &str, encrypted: &str) -> Option<String> {
        let jar = CookieJar::new();
        self.0.iter().find_map(|key| {
            let cookie = cookie::Cookie::new(name.to_owned(), encrypted.to_owned());
            let cookie = jar.private(key).decrypt(cookie)?;
            Some(cookie.value().to_owned())
        })
    }
}

/// Nothing of the secrets.
impl fmt::Debug for CookieKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cookie keys", self.0.len())
    }
}

/// Reads signed and encrypted cookies. Express: `req.signedCookies`.
///
/// The keys are those of `app.state(CookieKeys::new(…)?)`. A cookie that was changed, or signed by another secret or for another name, is
/// none.
///
/// ```
/// use hearken::app::{App, CookieKeys, prelude::*};
/// let mut app = App::new();
/// app.state(CookieKeys::new(["a secret of at least thirty-two bytes"])?);
/// app.get("/", async |req, res| res.end(req.encrypted_cookie("cart").unwrap_or_default()));
/// # Ok::<(), hearken::app::KeyError>(())
/// ```
pub trait SignedCookies: RequestExt {
    /// The value of a signed cookie.
    ///
    /// # Panics
    /// When the application shares no [`CookieKeys`].
    fn signed_cookie(&self, name: &str) -> Option<String>;

    /// The value of an encrypted cookie.
    ///
    /// # Panics
    /// When the application shares no [`CookieKeys`].
    fn encrypted_cookie(&self, name: &str) -> Option<String>;
}

impl SignedCookies for IncomingMessage {
    fn signed_cookie(&self, name: &str) -> Option<String> {
        let keys = self.state::<CookieKeys>();
        let value = keys.verify(name, self.cookies().get(name)?)?;
        percent_decode_str(value).decode_utf8().ok().map(Into::into)
    }

    fn encrypted_cookie(&self, name: &str) -> Option<String> {
        let keys = self.state::<CookieKeys>();
        keys.decrypt(name, self.cookies().get(name)?)
    }
}

mod sealed {
    #[expect(
        unnameable_types,
        reason = "nothing else implements the trait around it"
    )]
    pub trait Sealed {}
    impl Sealed for hearken_http::ServerResponse {}
}

/// Sets signed and encrypted cookies. Express: `res.cookie(name, value, { signed: true })`.
///
/// Both take any text as value, with all attributes of [`Cookie`]; browsers drop cookies of more than 4,096 bytes, signature included, so
/// larger ones are answered 500.
///
/// ```
/// use hearken::app::{App, CookieKeys, prelude::*};
/// use hearken::message::Cookie;
/// use std::time::Duration;
/// let mut app = App::new();
/// app.state(CookieKeys::new(["a secret of at least thirty-two bytes"])?);
/// app.post("/cart", async |_req, res| {
///     res.encrypted_cookie(Cookie::new("cart", "7, 8, 9").max_age(Duration::from_secs(3600))).end("stored")
/// });
/// # Ok::<(), hearken::app::KeyError>(())
/// ```
pub trait SetSignedCookies: sealed::Sealed + Sized {
    /// Adds a signed cookie: the client can read its value, and not change it.
    ///
    /// # Panics
    /// When the application shares no [`CookieKeys`].
    #[must_use]
    fn signed_cookie(self, cookie: Cookie) -> Self;

    /// Adds an encrypted cookie: the client can neither read nor change its value.
    ///
    /// # Panics
    /// When the application shares no [`CookieKeys`].
    #[must_use]
    fn encrypted_cookie(self, cookie: Cookie) -> Self;
}

impl SetSignedCookies for ServerResponse {
    fn signed_cookie(self, cookie: Cookie) -> Self {
        let encoded = Cookie::encoded("c", cookie.value());
        let signed = keys_of(&self).sign(cookie.name(), encoded.value());
        self.cookie(cookie.with_value(signed))
    }

    fn encrypted_cookie(self, cookie: Cookie) -> Self {
        let encrypted = keys_of(&self).encrypt(cookie.name(), cookie.value());
        self.cookie(cookie.with_value(encrypted))
    }
}

fn keys_of(res: &ServerResponse) -> CookieKeys {
    let chain = res.extension::<crate::next::Chain>();
    let keys = chain.and_then(|chain| chain.app.shared.states.get::<CookieKeys>());
    let keys =
        keys.expect("expected keys for cookies: add them by `app.state(CookieKeys::new(…)?)`");
    CookieKeys::clone(&keys)
}
