//! Applications as users see them, in memory. One program, so that it is linked once.

mod mistakes;
mod openapi;
mod routes;
mod routing;
mod support;
mod typed;
