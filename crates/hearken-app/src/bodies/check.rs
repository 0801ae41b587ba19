//! What a body must be before a handler sees it.
//!
//! Here: [`json`]. Not here: forms (`request/nested.rs`), parsing it into a type.

use hearken_http::Failure;
use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Whether it is JSON, and with `strict` an object or array. An empty body is left to what parses it.
pub(super) fn json(content: &[u8], strict: bool) -> Result<(), Failure> {
    let text = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content);
    let first = text
        .iter()
        .find(|byte| !matches!(byte, b' ' | b'\t' | b'\n' | b'\r'));
    let Some(first) = first else {
        return Ok(());
    };
    let fail = |text| Err(Failure::new(400, text).with_code("entity.parse.failed"));
    if strict && !matches!(first, b'{' | b'[') {
        return fail("expected an object or array of JSON".to_owned());
    }
    match serde_json::from_slice::<Shape>(text) {
        Ok(Shape) => Ok(()),
        Err(error) => fail(format!("expected a body of JSON: {error}")),
    }
}

/// Any value, nested as deep as serde_json allows. Unlike [`IgnoredAny`] it is visited by recursion, and so counted.
struct Shape;

impl<'de> Deserialize<'de> for Shape {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShapeVisitor)
    }
}

struct ShapeVisitor;

macro_rules! scalars {
    ($($name:ident: $type:ty;)*) => {
        $(fn $name<E>(self, _: $type) -> Result<Shape, E> {
            Ok(Shape)
        })*
    };
}

impl<'de> Visitor<'de> for ShapeVisitor {
    type Value = Shape;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    scalars! {
        visit_bool: bool;
        visit_i64: i64;
        visit_u64: u64;
        visit_f64: f64;
        visit_str: &str;
    }

    fn visit_unit<E>(self) -> Result<Shape, E> {
        Ok(Shape)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Shape, A::Error> {
        while let Some(Shape) = items.next_element()? {}
        Ok(Shape)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Shape, A::Error> {
        while let Some((IgnoredAny, Shape)) = entries.next_entry()? {}
        Ok(Shape)
    }
}
