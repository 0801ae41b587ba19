//! Field lines as text and as maps: Node's `headers` and `headersDistinct`, the map of the `http` crate.
//!
//! Here: [`MergedHeaders`] and its rules, as functions of field lines. Not here: the lines as sent (hearken-proto), the
//! message that has them (`message/incoming.rs`).

use hearken_proto::FieldsRef;
use http::{HeaderMap, HeaderName, HeaderValue};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

/// Fields that must not be repeated, in lower case: the first value is kept.
const SINGLETONS: [&str; 18] = [
    "age",
    "authorization",
    "content-length",
    "content-type",
    "etag",
    "expires",
    "from",
    "host",
    "if-modified-since",
    "if-unmodified-since",
    "last-modified",
    "location",
    "max-forwards",
    "proxy-authorization",
    "referer",
    "retry-after",
    "server",
    "user-agent",
];

/// What [`MergedHeaders`] does with the second value of a field that must not be repeated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "there is no third way")]
pub enum Duplicates {
    /// Drops it. Node's default.
    #[default]
    Drop,
    /// Joins it to the first with a comma, as for all other fields. Node's `joinDuplicateHeaders: true`.
    #[doc(alias = "joinDuplicateHeaders")]
    Join,
}

/// One value for each field name, merged by Node's rules:
///
/// - Values of `cookie` are joined with `; `, others with `, `.
/// - Of `age`, `authorization`, `content-length`, `content-type`, `etag`, `expires`, `from`, `host`, `if-modified-since`,
///   `if-unmodified-since`, `last-modified`, `location`, `max-forwards`, `proxy-authorization`, `referer`, `retry-after`,
///   `server` and `user-agent` the first value is kept, unless [`Duplicates::Join`] was chosen.
/// - `set-cookie` is a list apart, since its values contain commas.
///
/// A value that is not UTF-8 is decoded as ISO 8859-1.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MergedHeaders {
    values: BTreeMap<String, String>,
    set_cookie: Vec<String>,
}

impl MergedHeaders {
    pub(crate) fn new(fields: FieldsRef<'_>, duplicates: Duplicates) -> Self {
        let mut merged = Self::default();
        for (name, value) in fields.iter() {
            let (name, value) = (lower(name), text(value));
            if name == "set-cookie" {
                merged.set_cookie.push(value);
            } else {
                merged.add(name, &value, duplicates);
            }
        }
        merged
    }

    fn add(&mut self, name: String, value: &str, duplicates: Duplicates) {
        let separator = if name == "cookie" { "; " } else { ", " };
        let dropped = duplicates == Duplicates::Drop && SINGLETONS.contains(&name.as_str());
        match self.values.entry(name) {
            Entry::Vacant(entry) => {
                entry.insert(value.to_owned());
            }
            Entry::Occupied(_) if dropped => {}
            Entry::Occupied(mut entry) => {
                let joined = entry.get_mut();
                joined.push_str(separator);
                joined.push_str(value);
            }
        }
    }

    /// The merged value of a field; `name` in lower case. Always `None` for `set-cookie`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Each value of `set-cookie`.
    #[must_use]
    pub fn set_cookie(&self) -> &[String] {
        &self.set_cookie
    }

    /// Names in lower case, sorted, with their merged values; without `set-cookie`.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.values
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// The fields as a map of the `http` crate.
pub(crate) fn map_of(fields: FieldsRef<'_>) -> HeaderMap {
    // The capacity of a map has a bound, and exceeding it panics.
    let mut map = HeaderMap::with_capacity(fields.len().min(1024));
    for (name, value) in fields.iter() {
        if let (Ok(name), Ok(value)) =
            (HeaderName::from_bytes(name), HeaderValue::from_bytes(value))
        {
            // The default limits stay far below the capacity of the map; a full map keeps its first entries.
            let _ = map.try_append(name, value);
        }
    }
    map
}

/// All values of each name.
pub(crate) fn distinct(fields: FieldsRef<'_>) -> BTreeMap<String, Vec<String>> {
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in fields.iter() {
        values.entry(lower(name)).or_default().push(text(value));
    }
    values
}

/// Decodes UTF-8, or else ISO 8859-1.
pub(crate) fn text(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().copied().map(char::from).collect(),
    }
}

fn lower(name: &[u8]) -> String {
    text(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hearken_proto::Fields;

    fn merged(lines: &[(&str, &[u8])], duplicates: Duplicates) -> MergedHeaders {
        let mut fields = Fields::new();
        for (name, value) in lines {
            fields.append(name, value).unwrap();
        }
        MergedHeaders::new(fields.view(), duplicates)
    }

    #[test]
    fn the_first_value_of_a_singleton_is_kept() {
        for name in SINGLETONS {
            let lines: &[(&str, &[u8])] = &[(name, b"1"), (name, b"2")];
            assert_eq!(
                merged(lines, Duplicates::Drop).get(name),
                Some("1"),
                "{name}"
            );
            assert_eq!(
                merged(lines, Duplicates::Join).get(name),
                Some("1, 2"),
                "{name}"
            );
        }
    }

    #[test]
    fn other_fields_are_joined() {
        let lines: &[(&str, &[u8])] = &[
            ("Accept", b"a"),
            ("X-Any", b"1"),
            ("COOKIE", b"a=1"),
            ("accept", b"b, c"),
            ("Set-Cookie", b"a=1; Expires=Sun, 06 Nov 1994 08:49:37 GMT"),
            ("cookie", b"b=2"),
            ("set-cookie", b"b=2"),
            ("X-Latin", b"caf\xe9"),
            ("X-Utf8", "café".as_bytes()),
        ];
        let all = merged(lines, Duplicates::Drop);
        assert_eq!(all.get("accept"), Some("a, b, c"));
        assert_eq!(all.get("cookie"), Some("a=1; b=2"));
        assert_eq!(all.get("set-cookie"), None);
        assert_eq!(
            all.set_cookie(),
            ["a=1; Expires=Sun, 06 Nov 1994 08:49:37 GMT", "b=2"]
        );
        assert_eq!(all.get("x-latin"), Some("café"));
        assert_eq!(all.get("x-utf8"), Some("café"));
        let names: Vec<_> = all.iter().map(|(name, _)| name).collect();
        assert_eq!(names, ["accept", "cookie", "x-any", "x-latin", "x-utf8"]);
        assert_eq!(all, merged(lines, Duplicates::Join));
    }

    #[test]
    fn distinct_keeps_each_value() {
        let mut fields = Fields::new();
        for (name, value) in [("A", "1"), ("b", "2"), ("a", "3")] {
            fields.append(name, value).unwrap();
        }
        let values = distinct(fields.view());
        assert_eq!(values["a"], ["1", "3"]);
        assert_eq!(values["b"], ["2"]);
        assert_eq!(values.len(), 2);
    }
}
