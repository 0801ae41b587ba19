//! The answer to a request that no route fits: 404, 405, or that to OPTIONS.

use super::{Chain, done};
use hearken_http::server::Handling;
use hearken_http::{Failure, IncomingMessage, ServerResponse};

impl Chain {
    /// No route fits.
    pub(super) fn answer_without_route(
        &self,
        req: &IncomingMessage,
        res: ServerResponse,
    ) -> Handling {
        self.now.borrow_mut().step = usize::MAX;
        let mut allowed = self.allowed.take();
        allowed.sort_unstable();
        let list = allowed.join(", ");
        let method = req.method_str().as_bytes();
        if method == b"OPTIONS" && (!list.is_empty() || req.url() == "*") {
            let res = res
                .set("Allow", &list)
                .set("Content-Type", "text/plain; charset=utf-8")
                .set("X-Content-Type-Options", "nosniff");
            return done(res.end(list));
        }
        self.set_form(0, &res);
        let what = format!("{} {}", String::from_utf8_lossy(method), req.path());
        if list.is_empty() {
            return done(res.fail(Failure::new(404, format!("Cannot {what}"))));
        }
        let failure = Failure::new(405, format!("Cannot {what}: expected one of {list}"));
        done(res.fail(failure.with_header("Allow", &list)))
    }
}
