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

/// The examples of docs/guide, compiled as doctests.
#[cfg(doctest)]
mod guide {
    #[doc = include_str!("../docs/guide/README.md")]
    struct First;
    #[doc = include_str!("../docs/guide/routing.md")]
    struct Routing;
    #[doc = include_str!("../docs/guide/middleware.md")]
    struct Middleware;
    #[doc = include_str!("../docs/guide/responses.md")]
    struct Responses;
    #[doc = include_str!("../docs/guide/errors.md")]
    struct Errors;
    #[doc = include_str!("../docs/guide/state.md")]
    struct State;
    #[doc = include_str!("../docs/guide/testing.md")]
    struct Testing;
    #[doc = include_str!("../docs/guide/deployment.md")]
    struct Deployment;
}
