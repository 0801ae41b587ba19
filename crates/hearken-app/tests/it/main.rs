//! Applications as users see them, in memory. One program, so that it is linked once.

mod auth;
mod body_limit;
mod concurrency;
mod cors;
mod csrf;
mod failures;
mod favicon;
mod listings;
mod method_override;
mod rate_limit;
mod request;
mod response;
mod routing;
mod seams;
mod security_headers;
mod session;
mod signed_cookies;
mod static_files;
mod streams;
mod support;
mod templates;
mod timeout;
mod vhost;
