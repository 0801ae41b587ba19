//! Described routes, and the OpenAPI 3.1 document of an application. Feature `openapi`.
//!
//! Here: [`Described`], what a route says about one of its handlers. Not here: adding such routes (`route.rs`), what arguments and
//! answers say (`describe.rs`, collected by `operation.rs`), the document (`document.rs`), its schemas (`schemas.rs`), serving it
//! (`serve.rs`, `page.rs`).

mod describe;
mod document;
mod info;
mod operation;
mod page;
mod route;
mod schemas;
mod serve;
mod template;

pub use describe::{DescribeAnswer, DescribeArgument, DescribeArguments};
pub use info::{Info, SecurityScheme};
pub use operation::Operation;
pub use route::ApiRoute;

/// What a route says about one of its handlers.
#[derive(Clone)]
pub(crate) struct Described {
    pub(crate) summary: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) operation_id: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) deprecated: bool,
    /// Alternatives: each a scheme with its scopes. `None`: not said.
    pub(crate) security: Option<Vec<(String, Vec<String>)>>,
    pub(crate) responses: Vec<Declared>,
    /// What the types of the handler say.
    pub(crate) arguments: fn(&mut Operation<'_>),
    pub(crate) answer: fn(&mut Operation<'_>),
}

/// A response that a route declares beside that of its handler's type.
#[derive(Clone)]
pub(crate) struct Declared {
    pub(crate) status: u16,
    pub(crate) text: String,
    /// `None`: no content.
    pub(crate) answer: Option<fn(&mut Operation<'_>)>,
}
