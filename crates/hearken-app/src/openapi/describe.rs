//! What arguments and answers of handlers say about themselves in a document.
//!
//! Here: [`DescribeArgument`], [`DescribeAnswer`], for the types of this crate and of hearken-http.

use super::Operation;
use crate::state::State;
use crate::typed::{
    Accepted, Cookies, Created, Extension, Form, Headers, NoContent, Path, Query, WithStatus,
};
use hearken_http::{
    Bytes, Failure, HeaderMap, IncomingMessage, Json, Method, Peer, Sent, ServerResponse,
    StatusCode, Version,
};
use schemars::JsonSchema;
#[cfg(feature = "multipart")]
use serde_json::json;
use std::rc::Rc;

/// An argument of a handler that describes itself: its parameters, its body, how it is rejected. All arguments of this crate do;
/// [`Path`], [`Query`], [`Form`] and [`Json`] ask for [`schemars::JsonSchema`].
///
/// ```
/// use hearken::app::{DescribeArgument, Extract, HeadOnly, Operation};
/// use hearken::{Failure, IncomingMessage, ServerResponse};
///
/// struct Tenant(String);
/// impl Extract for Tenant {
///     type Reads = HeadOnly;
///     async fn extract(req: &IncomingMessage, _res: &ServerResponse) -> Result<Self, Failure> {
///         let name = req.header("x-tenant").ok_or_else(|| Failure::new(400, "expected the field X-Tenant"))?;
///         Ok(Self(name.to_owned()))
///     }
/// }
/// impl DescribeArgument for Tenant {
///     fn describe(operation: &mut Operation<'_>) {
///         operation.header::<String>("X-Tenant", true);
///         operation.fails(400, "No tenant");
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "the argument `{Self}` of a described route has no description",
    label = "expected an argument that implements `DescribeArgument`",
    note = "`T` of `Path`, `Query`, `Json` and `Form` implements `schemars::JsonSchema`: derive it",
    note = "implement `hearken::app::DescribeArgument` for a type of your own, or add the route by `route` and `extract`"
)]
pub trait DescribeArgument {
    /// Adds what it knows to the operation.
    fn describe(operation: &mut Operation<'_>);
}

/// An answer of a handler that describes itself: status, media type, schema.
///
/// ```
/// use hearken::app::{DescribeAnswer, Operation};
/// use hearken::{Answer, Sent, ServerResponse};
/// struct Csv(String);
/// impl Answer for Csv {
///     fn answer(self, res: ServerResponse) -> Sent {
///         res.set("Content-Type", "text/csv").end(self.0)
///     }
/// }
/// impl DescribeAnswer for Csv {
///     fn describe(operation: &mut Operation<'_>) {
///         operation.answer::<String>("text/csv");
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "the answer `{Self}` of a described route has no description",
    label = "expected an answer that implements `DescribeAnswer`",
    note = "`T` of `Json` implements `schemars::JsonSchema`: derive it",
    note = "implement `hearken::app::DescribeAnswer` for a type of your own, or add the route by `route` and `extract`"
)]
pub trait DescribeAnswer {
    /// Adds what it knows to the operation.
    fn describe(operation: &mut Operation<'_>);
}

/// The arguments of a handler of a described route, as a tuple. Implemented for all tuples of up to twelve [`DescribeArgument`]
/// types, and not to be implemented elsewhere.
pub trait DescribeArguments {
    /// Adds what they know to the operation.
    #[doc(hidden)]
    fn describe(operation: &mut Operation<'_>);
}

macro_rules! tuples {
    ($($argument:ident)*) => {
        impl<$($argument: DescribeArgument),*> DescribeArguments for ($($argument,)*) {
            fn describe(_operation: &mut Operation<'_>) {
                $($argument::describe(_operation);)*
            }
        }
    };
}

tuples!();
tuples!(A);
tuples!(A B);
tuples!(A B C);
tuples!(A B C D);
tuples!(A B C D E);
tuples!(A B C D E F);
tuples!(A B C D E F G);
tuples!(A B C D E F G H);
tuples!(A B C D E F G H I);
tuples!(A B C D E F G H I J);
tuples!(A B C D E F G H I J K);
tuples!(A B C D E F G H I J K L);

macro_rules! silent {
    ($($type:ty)*) => {$(
        impl DescribeArgument for $type {
            fn describe(_operation: &mut Operation<'_>) {}
        }
    )*};
}

silent! { Cookies HeaderMap Headers IncomingMessage Method Peer Rc<Peer> ServerResponse Version }

impl<T> DescribeArgument for State<T> {
    fn describe(_operation: &mut Operation<'_>) {}
}

impl<T> DescribeArgument for Extension<T> {
    fn describe(_operation: &mut Operation<'_>) {}
}

impl<T: JsonSchema> DescribeArgument for Path<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.path::<T>();
        operation.fails(400, "A parameter does not parse");
    }
}

impl<T: JsonSchema> DescribeArgument for Query<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.query::<T>();
        operation.fails(400, "A parameter does not parse");
    }
}

impl<T: JsonSchema> DescribeArgument for Json<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.body::<T>("application/json");
        reads_body(operation);
        operation.fails(422, "The body has other data");
    }
}

impl<T: JsonSchema> DescribeArgument for Form<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.body::<T>("application/x-www-form-urlencoded");
        reads_body(operation);
        operation.fails(422, "The body has other data");
    }
}

#[cfg(feature = "multipart")]
impl DescribeArgument for crate::typed::Multipart {
    fn describe(operation: &mut Operation<'_>) {
        operation.body_of("multipart/form-data", Some(json!({ "type": "object" })));
        reads_body(operation);
    }
}

impl DescribeArgument for Bytes {
    fn describe(operation: &mut Operation<'_>) {
        operation.body_of("application/octet-stream", None);
        operation.fails(413, "The body is too large");
    }
}

impl DescribeArgument for String {
    fn describe(operation: &mut Operation<'_>) {
        operation.body::<Self>("text/plain");
        reads_body(operation);
    }
}

fn reads_body(operation: &mut Operation<'_>) {
    operation.fails(400, "The body does not parse");
    operation.fails(413, "The body is too large");
    operation.fails(415, "The body has another Content-Type");
}

impl<E: DescribeArgument> DescribeArgument for Option<E> {
    fn describe(operation: &mut Operation<'_>) {
        operation.optional(E::describe);
    }
}

impl<E: DescribeArgument> DescribeArgument for Result<E, Failure> {
    fn describe(operation: &mut Operation<'_>) {
        operation.optional(E::describe);
    }
}

#[cfg(feature = "validate")]
impl<E: DescribeArgument> DescribeArgument for crate::typed::Valid<E> {
    fn describe(operation: &mut Operation<'_>) {
        operation.fails(422, "A field breaks a rule");
        E::describe(operation);
    }
}

impl<T: JsonSchema> DescribeAnswer for Json<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.answer::<T>("application/json");
    }
}

impl DescribeAnswer for String {
    fn describe(operation: &mut Operation<'_>) {
        operation.answer::<Self>("text/plain");
    }
}

impl DescribeAnswer for &'static str {
    fn describe(operation: &mut Operation<'_>) {
        operation.answer::<Self>("text/plain");
    }
}

macro_rules! bytes {
    ($($type:ty)*) => {$(
        impl DescribeAnswer for $type {
            fn describe(operation: &mut Operation<'_>) {
                operation.answer_of("application/octet-stream", None);
            }
        }
    )*};
}

bytes! { Bytes Vec<u8> &'static [u8] }

/// What the handler sends is not known.
impl DescribeAnswer for Sent {
    fn describe(operation: &mut Operation<'_>) {
        operation.with_any_status(Operation::answer_empty);
    }
}

impl DescribeAnswer for StatusCode {
    fn describe(operation: &mut Operation<'_>) {
        operation.with_any_status(<String as DescribeAnswer>::describe);
    }
}

/// The status is not known.
impl<T: DescribeAnswer> DescribeAnswer for (StatusCode, T) {
    fn describe(operation: &mut Operation<'_>) {
        operation.with_any_status(T::describe);
    }
}

/// The status is not known.
impl<T: DescribeAnswer> DescribeAnswer for (u16, T) {
    fn describe(operation: &mut Operation<'_>) {
        operation.with_any_status(T::describe);
    }
}

impl<T: DescribeAnswer> DescribeAnswer for Result<T, Failure> {
    fn describe(operation: &mut Operation<'_>) {
        T::describe(operation);
        operation.may_fail();
    }
}

impl<const STATUS: u16, T: DescribeAnswer> DescribeAnswer for WithStatus<STATUS, T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.with_status(STATUS, T::describe);
    }
}

impl<T: DescribeAnswer> DescribeAnswer for Created<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.with_status(201, T::describe);
    }
}

impl<T: DescribeAnswer> DescribeAnswer for Accepted<T> {
    fn describe(operation: &mut Operation<'_>) {
        operation.with_status(202, T::describe);
    }
}

impl DescribeAnswer for NoContent {
    fn describe(operation: &mut Operation<'_>) {
        operation.with_status(204, Operation::answer_empty);
    }
}
