//! Applications as users see them, in memory. One program, so that it is linked once.

mod failures;
mod request;
mod response;
mod routing;
mod streams;
mod support;
mod templates;
