//! Applications as users see them, in memory. One program, so that it is linked once.

mod bodies;
mod compression;
mod etag;
mod logger;
mod routing;
mod support;
mod upload;
