//! The programs in the pages, compiled as doctests. The examples themselves use nothing from here.

/// The examples of the README, compiled as doctests.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;

/// The examples of docs/client.md, compiled as doctests.
#[cfg(doctest)]
#[doc = include_str!("../docs/client.md")]
pub struct ClientPage;

/// The examples of docs/server.md, compiled as doctests.
#[cfg(doctest)]
#[doc = include_str!("../docs/server.md")]
pub struct ServerPage;
