//! Reads the parameters of a path by the type that is wanted, with serde.
//!
//! Here: [`Parameters`], all of them; [`Value`], one; [`Fault`], whose fault it is when they do not fit.

use crate::next::Parameter;
use serde::de::value::{MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{self, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;
use std::fmt;

/// Why parameters do not fit a type.
#[derive(Debug)]
pub(super) enum Fault {
    /// The request has another value.
    OfClient(String),
    /// The type does not fit the pattern.
    OfHandler(String),
    /// What a type says about a value, before the parameter is known.
    Bare(String),
}

impl Fault {
    /// Names the parameter.
    fn of(self, parameter: &Parameter) -> Self {
        let Self::Bare(text) = self else { return self };
        let (name, value) = (&parameter.name, parameter.value.as_deref());
        let value = value.unwrap_or_default();
        Self::OfClient(format!(
            "expected another value of the parameter {name:?} of the path, got {value:?}: {text}"
        ))
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OfClient(text) | Self::OfHandler(text) | Self::Bare(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for Fault {}

impl de::Error for Fault {
    fn custom<T: fmt::Display>(text: T) -> Self {
        Self::Bare(text.to_string())
    }

    /// The parameters are there: the type wants others.
    fn missing_field(field: &'static str) -> Self {
        Self::OfHandler(format!("the path has no parameter {field:?}"))
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::OfHandler(format!(
            "expected a parameter of {expected:?}, got {field:?}"
        ))
    }

    fn invalid_length(len: usize, expected: &dyn de::Expected) -> Self {
        Self::OfHandler(format!("expected {expected}, got {len} parameters"))
    }
}

/// All parameters of a path.
pub(super) struct Parameters<'a> {
    all: &'a [Parameter],
}

impl<'a> Parameters<'a> {
    pub(super) const fn new(all: &'a [Parameter]) -> Self {
        Self { all }
    }

    /// The only one, for a type that is one value.
    fn only(self) -> Result<Value<'a>, Fault> {
        match self.all {
            [only] => Ok(Value::new(only)),
            all => Err(Fault::OfHandler(format!(
                "expected a pattern with one parameter for one value, got {}: take a tuple or a struct",
                all.len()
            ))),
        }
    }

    fn list(self) -> impl Iterator<Item = Value<'a>> {
        self.all.iter().map(|parameter| Value {
            parameter,
            of_list: true,
        })
    }
}

macro_rules! only {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            self.only()?.$method(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Parameters<'_> {
    type Error = Fault;

    only! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128 deserialize_u8
        deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128 deserialize_f32 deserialize_f64 deserialize_char
        deserialize_str deserialize_string deserialize_bytes deserialize_byte_buf deserialize_identifier
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        if self.all.iter().any(|parameter| parameter.value.is_some()) {
            visitor.visit_some(self)
        } else {
            visitor.visit_none()
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.all {
            [only] if only.wildcard => Value::new(only).deserialize_seq(visitor),
            _ => SeqDeserializer::new(self.list()).deserialize_seq(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        self,
        _len: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        SeqDeserializer::new(self.list()).deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_tuple(len, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        let present = self
            .all
            .iter()
            .filter(|parameter| parameter.value.is_some());
        let pairs = present.map(|parameter| (parameter.name.as_str(), Value::new(parameter)));
        MapDeserializer::new(pairs).deserialize_map(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.only()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }
}

/// One parameter.
#[derive(Clone, Copy)]
pub(super) struct Value<'a> {
    parameter: &'a Parameter,
    /// One of all parameters in their order: a pair is its name and its value.
    of_list: bool,
}

impl<'a> Value<'a> {
    const fn new(parameter: &'a Parameter) -> Self {
        Self {
            parameter,
            of_list: false,
        }
    }

    fn text(self) -> Result<&'a str, Fault> {
        self.parameter.value.as_deref().ok_or_else(|| {
            let name = &self.parameter.name;
            Fault::OfHandler(format!(
                "the parameter {name:?} is in a group that may be missing: take it as an `Option`"
            ))
        })
    }

    fn parse<T: std::str::FromStr>(self) -> Result<T, Fault> {
        let text = self.text()?;
        text.parse().map_err(|_| {
            let (name, expected) = (&self.parameter.name, std::any::type_name::<T>());
            Fault::OfClient(format!(
                "expected a value of type {expected} as the parameter {name:?} of the path, got {text:?}"
            ))
        })
    }

    fn fault(self) -> impl Fn(Fault) -> Fault + use<'a> {
        move |fault| fault.of(self.parameter)
    }
}

impl<'de> IntoDeserializer<'de, Fault> for Value<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed {
    ($($method:ident $visit:ident;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
            visitor.$visit(self.parse()?).map_err(self.fault())
        }
    )*};
}

impl<'de> Deserializer<'de> for Value<'_> {
    type Error = Fault;

    parsed! {
        deserialize_bool visit_bool;
        deserialize_i8 visit_i8;
        deserialize_i16 visit_i16;
        deserialize_i32 visit_i32;
        deserialize_i64 visit_i64;
        deserialize_i128 visit_i128;
        deserialize_u8 visit_u8;
        deserialize_u16 visit_u16;
        deserialize_u32 visit_u32;
        deserialize_u64 visit_u64;
        deserialize_u128 visit_u128;
        deserialize_f32 visit_f32;
        deserialize_f64 visit_f64;
        deserialize_char visit_char;
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_str(self.text()?).map_err(self.fault())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match self.parameter.value {
            Some(_) => visitor.visit_some(self),
            None => visitor.visit_none(),
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        self.text()?;
        let segments = self.parameter.segments.iter().map(|segment| Parameter {
            name: self.parameter.name.clone(),
            value: Some(segment.clone()),
            segments: Vec::new(),
            wildcard: false,
        });
        let segments: Vec<_> = segments.collect();
        let values = segments.iter().map(Value::new);
        SeqDeserializer::new(values).deserialize_seq(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Fault> {
        if self.of_list && len == 2 {
            let pair = [self.parameter.name.as_str(), self.text()?];
            return SeqDeserializer::new(pair.into_iter()).deserialize_seq(visitor);
        }
        self.deserialize_seq(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        let name: StrDeserializer<'_, Fault> = self.text()?.into_deserializer();
        visitor.visit_enum(name).map_err(self.fault())
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_unit()
    }

    fn deserialize_map<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Fault> {
        let name = &self.parameter.name;
        Err(Fault::OfHandler(format!(
            "the parameter {name:?} is one value, and no struct or map"
        )))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        str string bytes byte_buf unit_struct tuple_struct identifier
    }
}
