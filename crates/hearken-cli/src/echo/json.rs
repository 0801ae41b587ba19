//! JSON for people: indented, and octets as text.
//!
//! Here: how values are sent, and how fields and content become text.

use super::response::ResponseBuilder;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hearken::{FieldsRef, Sent};
use serde::{Serialize, Serializer};
use serde_json::json;
use std::borrow::Cow;

pub(crate) const JSON: &str = "application/json";

pub(crate) fn send_json(response: ResponseBuilder, value: &impl Serialize) -> Sent {
    response.send(JSON, pretty(value))
}

/// Indented and with a final line feed, for terminals.
pub(crate) fn pretty(value: &impl Serialize) -> Vec<u8> {
    // Values are text and numbers and keys are text, so this cannot fail.
    let mut text = serde_json::to_vec_pretty(value).unwrap_or_default();
    text.push(b'\n');
    text
}

/// Fields as one JSON object, in the order and case in which they were sent; the values of a repeated name are a list.
pub(crate) struct FieldObject<'a>(pub(crate) FieldsRef<'a>);

impl Serialize for FieldObject<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut grouped: Vec<(&[u8], Vec<Cow<'_, str>>)> = Vec::new();
        for (name, value) in self.0.iter() {
            let group = grouped
                .iter_mut()
                .find(|(known, _)| known.eq_ignore_ascii_case(name));
            match group {
                Some((_, values)) => values.push(text_of(value)),
                None => grouped.push((name, vec![text_of(value)])),
            }
        }
        let one_or_all = |values: Vec<Cow<'_, str>>| match values.as_slice() {
            [one] => json!(one),
            all => json!(all),
        };
        let pairs = grouped.into_iter();
        serializer.collect_map(pairs.map(|(name, values)| (text_of(name), one_or_all(values))))
    }
}

/// Decodes UTF-8, or ISO 8859-1 if it is not UTF-8.
pub(crate) fn text_of(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.into(),
        Err(_) => bytes.iter().copied().map(char::from).collect(),
    }
}

/// The text, or a data URL if it is not UTF-8.
pub(crate) fn text_or_url(bytes: &[u8], essence: &str) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => {
            let essence = if essence.is_empty() {
                "application/octet-stream"
            } else {
                essence
            };
            format!("data:{essence};base64,{}", STANDARD.encode(bytes))
        }
    }
}

#[cfg(test)]
mod tests;
