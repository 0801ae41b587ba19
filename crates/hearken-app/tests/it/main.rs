//! Applications as users see them, in memory. One program, so that it is linked once.

mod auth;
mod body_limit;
mod concurrency;
mod cors;
mod favicon;
mod method_override;
mod rate_limit;
mod routing;
mod security_headers;
mod support;
mod timeout;
