//! Applications as users see them, in memory. One program, so that it is linked once.

mod failures;
mod listings;
mod openapi;
mod request;
mod response;
mod routes;
mod routing;
mod static_files;
mod streams;
mod support;
mod templates;
mod typed;
