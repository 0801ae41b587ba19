//! Why an argument of a handler was rejected.
//!
//! Here: [`Rejected`], which names the argument for the log; [`Invalid`], the fields that are not as they must be. Not here: how
//! they become a response (`failures.rs`).

use hearken_http::Failure;
use serde_json::{Value, json};
use std::any::type_name;
use std::error::Error;
use std::fmt;

/// What is behind the failure of an argument: its type, and the error of the crate that read it. For the log.
#[derive(Debug)]
pub(crate) struct Rejected {
    argument: String,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Rejected {
    /// A failure of the argument `E`: `text` is for the client.
    pub(crate) fn failure<E>(status: u16, code: &'static str, text: String) -> Failure {
        Self::because::<E>(status, code, text, None)
    }

    /// As [`failure`](Self::failure), with the error behind it.
    pub(crate) fn because<E>(
        status: u16,
        code: &'static str,
        text: String,
        source: Option<Box<dyn Error + Send + Sync>>,
    ) -> Failure {
        let errors = source
            .as_ref()
            .and_then(|source| source.downcast_ref())
            .map(Invalid::errors);
        let rejected = Self {
            argument: short_name(type_name::<E>()),
            source,
        };
        let failure = Failure::new(status, text)
            .with_code(code)
            .caused_by(rejected);
        match errors {
            Some(errors) => failure.with_member("errors", errors),
            None => failure,
        }
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the argument {} of the handler", self.argument)
    }
}

impl Error for Rejected {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        let source: &(dyn Error + 'static) = &**self.source.as_ref()?;
        Some(source)
    }
}

/// The name of a type without its modules: `Json<New>`.
pub(crate) fn short_name(name: &str) -> String {
    let mut short = String::new();
    let mut word = String::new();
    for c in name.chars() {
        if c == ':' {
            word.clear();
        } else if c.is_alphanumeric() || c == '_' {
            word.push(c);
        } else {
            short.push_str(&word);
            short.push(c);
            word.clear();
        }
    }
    short + &word
}

/// The fields of a request that are not as they must be: behind a failure with status 422. The default form of failures shows them
/// as `errors` in problem+json, and a line each in text; a form of your own finds them by [`of`](Self::of).
///
/// ```
/// use hearken::app::{App, Invalid};
/// let mut app = App::new();
/// app.error(|failure, _req, res| match Invalid::of(failure) {
///     Some(invalid) => res.end(invalid.fields().iter().map(|field| format!("{field}\n")).collect::<String>()),
///     None => res.end(failure.public_message().into_owned()),
/// });
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    fields: Vec<InvalidField>,
}

/// One field of [`Invalid`].
///
/// ```
/// use hearken::app::{Invalid, InvalidField};
/// let failure = Invalid::new([InvalidField::new("email", "is taken")]).into_failure();
/// assert_eq!(failure.public_message(), "email: is taken");
/// assert_eq!(failure.status(), 422);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidField {
    field: String,
    message: String,
}

impl Invalid {
    /// Fields with what is wrong with each.
    pub fn new(fields: impl IntoIterator<Item = InvalidField>) -> Self {
        Self {
            fields: fields.into_iter().collect(),
        }
    }

    /// The fields behind a failure, if it has some.
    #[must_use]
    pub fn of(failure: &Failure) -> Option<&Self> {
        let mut source: Option<&(dyn Error + 'static)> = failure.source();
        while let Some(error) = source {
            if let Some(invalid) = error.downcast_ref() {
                return Some(invalid);
            }
            source = error.source();
        }
        None
    }

    /// The fields, in the order in which they were found.
    #[must_use]
    pub fn fields(&self) -> &[InvalidField] {
        &self.fields
    }

    /// The failure with status 422 and code `validation.failed`: for rules that a handler checks itself.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        Failure::new(422, self.to_string())
            .with_code("validation.failed")
            .with_member("errors", self.errors())
            .caused_by(self)
    }

    /// As a member of problem+json.
    fn errors(&self) -> Value {
        let fields = self.fields.iter();
        fields
            .map(|field| json!({ "field": field.field, "message": field.message }))
            .collect()
    }
}

impl InvalidField {
    /// A field by its path in the data, such as `authors[0].name`, and what is wrong with it. An empty path is the whole.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }

    /// The path of the field.
    #[must_use]
    pub fn field(&self) -> &str {
        &self.field
    }

    /// What is wrong with it.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for InvalidField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.field.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.field, self.message)
        }
    }
}

/// One line for each field.
impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, field) in self.fields.iter().enumerate() {
            if number > 0 {
                f.write_str("\n")?;
            }
            field.fmt(f)?;
        }
        Ok(())
    }
}

impl Error for Invalid {}
