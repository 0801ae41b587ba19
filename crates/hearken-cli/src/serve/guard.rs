//! Who may do what: passwords (RFC 7617), pages of other origins (the CORS protocol of the Fetch standard), and uploads that another
//! site lets a browser send.

use super::plan::Credentials;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hearken::app::{Middleware, Next};
use hearken::server::Handling;
use hearken::{Failure, IncomingMessage, ServerResponse};
use sha2::{Digest, Sha256};

/// Asks for a user and a password.
pub(crate) struct Passwords {
    /// Hashes have one length, and comparing them shows nothing of the passwords.
    hashes: Vec<[u8; 32]>,
}

impl Passwords {
    pub(crate) fn new(users: &[Credentials]) -> Self {
        Self {
            hashes: users.iter().map(|user| hash(user.0.as_bytes())).collect(),
        }
    }

    fn admits(&self, req: &IncomingMessage) -> bool {
        let given = credentials(req).map(|given| hash(&given));
        let matching = self.hashes.iter().filter(|&&known| Some(known) == given);
        matching.count() > 0
    }
}

fn hash(credentials: &[u8]) -> [u8; 32] {
    Sha256::digest(credentials).into()
}

/// What is behind the scheme, whose name has no case (RFC 9110 §11.1).
fn credentials(req: &IncomingMessage) -> Option<Vec<u8>> {
    let (scheme, rest) = req.header("authorization")?.split_once(' ')?;
    let basic = scheme.eq_ignore_ascii_case("Basic");
    STANDARD.decode(rest.trim()).ok().filter(|_| basic)
}

impl Middleware for Passwords {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        if self.admits(&req) {
            return next.run(req, res);
        }
        let failure = Failure::new(401, "expected a user and a password").with_header(
            "WWW-Authenticate",
            "Basic realm=\"files\", charset=\"UTF-8\"",
        );
        Handling::new(async move { res.fail(failure) })
    }
}

/// Lets pages of all origins read. They may not send files.
pub(crate) struct AllOrigins;

impl Middleware for AllOrigins {
    fn handle(&self, req: IncomingMessage, res: ServerResponse, next: Next) -> Handling {
        res.on_head(|head| {
            // Legal fields.
            let _ = head.set("Access-Control-Allow-Origin", "*");
            let _ = head.set("Access-Control-Expose-Headers", "*");
            let _ = head.set("Cross-Origin-Resource-Policy", "cross-origin");
        });
        let preflight = req.head().method_bytes() == b"OPTIONS"
            && req.header("origin").is_some()
            && req.header("access-control-request-method").is_some();
        if !preflight {
            return next.run(req, res);
        }
        let mut res = res
            .status(204)
            .set("Access-Control-Allow-Methods", "GET, HEAD")
            .set("Access-Control-Max-Age", "3600");
        if let Some(names) = req.header("access-control-request-headers") {
            res = res.set("Access-Control-Allow-Headers", names);
        }
        Handling::new(async move { res.end("") })
    }
}

/// Whether another site lets the browser of a user send this request. Programs that are no browsers send neither field.
pub(crate) fn is_cross_site(req: &IncomingMessage) -> bool {
    let host = req.header("host").unwrap_or_default();
    if let Some(origin) = req.header("origin") {
        let same = origin
            .split_once("://")
            .is_some_and(|(_, origin)| origin.eq_ignore_ascii_case(host));
        if !same {
            return true;
        }
    }
    let site = req.header("sec-fetch-site").unwrap_or("none");
    !matches!(site, "same-origin" | "none")
}
