//! What the library logs, as lines of the access log.
//!
//! Here: [`listen`], a subscriber for `tracing` without spans: warnings and errors of all crates, and what the server says while it
//! stops. Not here: failed handlers, which the line of their request names (`access.rs`).

use super::Log;
use std::fmt::{self, Write as _};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// Logs from here on. A second call has no effect.
pub(super) fn listen(log: Log) {
    // An error means that there is a subscriber.
    let _ = tracing::subscriber::set_global_default(Library { log });
}

struct Library {
    log: Log,
}

impl Subscriber for Library {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let ours = metadata.target().starts_with("hearken");
        let most = if ours { Level::INFO } else { Level::WARN };
        metadata.is_event()
            && *metadata.level() <= most
            && metadata.fields().field(OF_REQUEST).is_none()
    }

    fn event(&self, event: &Event<'_>) {
        let mut text = Text::default();
        event.record(&mut text);
        let level = match *event.metadata().level() {
            Level::ERROR => "error: ",
            Level::WARN => "warning: ",
            _ => "",
        };
        self.log
            .note(None, &format!("{level}{}{}", text.message, text.fields));
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}
    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}
    fn enter(&self, _span: &Id) {}
    fn exit(&self, _span: &Id) {}
}

/// A field that only the failures of handlers have.
const OF_REQUEST: &str = "request_target";

/// The message and the other fields of an event.
#[derive(Default)]
struct Text {
    message: String,
    fields: String,
}

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a `String` cannot fail.
        let _ = if field.name() == "message" {
            write!(self.message, "{value:?}")
        } else {
            write!(self.fields, "; {}: {value:?}", field.name())
        };
    }
}
