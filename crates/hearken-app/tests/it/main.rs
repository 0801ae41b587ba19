//! Applications as users see them, in memory. One program, so that it is linked once.

mod bodies;
mod compression;
mod etag;
mod failures;
mod logger;
mod request;
mod response;
mod routing;
mod streams;
mod support;
mod templates;
mod upload;
