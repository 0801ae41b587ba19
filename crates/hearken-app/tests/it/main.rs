//! Applications as users see them, in memory. One program, so that it is linked once.

mod compression;
mod etag;
mod routing;
mod support;
