//! Applications as users see them, in memory. One program, so that it is linked once.

mod listings;
mod routing;
mod static_files;
mod support;
