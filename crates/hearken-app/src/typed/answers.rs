//! Answers whose status is part of their type, so that a description of the route knows it.
//!
//! Here: [`WithStatus`], [`Created`], [`Accepted`], [`NoContent`]. Not here: a status that the handler chooses, `(status, value)`
//! (hearken-http).

use hearken_http::{Answer, Sent, ServerResponse};

/// A value with a status that is part of its type.
///
/// ```
/// use hearken::app::{App, WithStatus, extract};
/// let mut app = App::new();
/// app.get("/", extract(async || WithStatus::<203, _>("from a copy")));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "users construct it")]
pub struct WithStatus<const STATUS: u16, T>(pub T);

impl<const STATUS: u16, T: Answer> Answer for WithStatus<STATUS, T> {
    fn answer(self, res: ServerResponse) -> Sent {
        (STATUS, self.0).answer(res)
    }
}

/// A value with the status 201, of a resource that was created.
///
/// ```
/// use hearken::app::{App, Created, extract, prelude::*};
/// let mut app = App::new();
/// app.post("/notes", extract(async |res: ServerResponse| {
///     let _ = res.set("Location", "/notes/7"); // goes with the answer
///     Created(Json(7))
/// }));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "users construct it")]
pub struct Created<T>(pub T);

impl<T: Answer> Answer for Created<T> {
    fn answer(self, res: ServerResponse) -> Sent {
        (201, self.0).answer(res)
    }
}

/// A value with the status 202, of work that goes on.
///
/// ```
/// use hearken::app::{App, Accepted, extract};
/// let mut app = App::new();
/// app.post("/reports", extract(async || Accepted("come back later")));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "users construct it")]
pub struct Accepted<T>(pub T);

impl<T: Answer> Answer for Accepted<T> {
    fn answer(self, res: ServerResponse) -> Sent {
        (202, self.0).answer(res)
    }
}

/// The status 204: done, and nothing to say.
///
/// ```
/// use hearken::app::{App, NoContent, Path, extract};
/// let mut app = App::new();
/// app.delete("/notes/:id", extract(async |Path(_id): Path<u64>| NoContent));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_structs, reason = "users construct it")]
pub struct NoContent;

impl Answer for NoContent {
    fn answer(self, res: ServerResponse) -> Sent {
        res.status(204).end("")
    }
}
