//! What a body must be before a handler sees it.
//!
//! Here: [`json`], [`form`], [`nested`]. Not here: parsing it into a type.

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

/// Whether a form has not too many fields, nor names that are nested too deep.
pub(super) fn form(content: &[u8], fields_max: u32, depth_max: usize) -> Result<(), Failure> {
    let fields = content.split(|&byte| byte == b'&');
    if fields.clone().nth(fields_max as usize).is_some() {
        let text = format!("expected a form of at most {fields_max} fields");
        return Err(Failure::new(413, text).with_code("parameters.too.many"));
    }
    let deepest = fields.map(depth_of).max();
    if deepest > Some(depth_max) {
        let text =
            format!("expected a form whose names are nested at most {depth_max} levels deep");
        return Err(Failure::new(400, text).with_code("querystring.parse.rangeError"));
    }
    Ok(())
}

/// How deep names may be nested where no middleware says otherwise.
#[cfg(feature = "nested-forms")]
const DEPTH_MAX: usize = 32;

/// Parses a form with nested names.
#[cfg(feature = "nested-forms")]
pub(crate) fn nested<T: serde::de::DeserializeOwned>(
    content: &[u8],
    fields_max: u32,
) -> Result<T, Failure> {
    form(content, fields_max, DEPTH_MAX)?;
    let parser = serde_qs::Config::new().max_depth(DEPTH_MAX);
    let parsed = parser.use_form_encoding(true).deserialize_bytes(content);
    parsed.map_err(|error| {
        let text = format!("expected a body of form fields: {error}");
        Failure::new(400, text).with_code("entity.parse.failed")
    })
}

/// How many brackets the name of a field opens, escaped or not.
fn depth_of(field: &[u8]) -> usize {
    let end = field.iter().position(|&byte| byte == b'=');
    let name = &field[..end.unwrap_or(field.len())];
    let escaped = |at: usize| {
        let escape = name.get(at..at + 3);
        escape.is_some_and(|escape| escape.eq_ignore_ascii_case(b"%5b"))
    };
    let opens = |&at: &usize| name[at] == b'[' || escaped(at);
    (0..name.len()).filter(opens).count()
}
