//! The schemas of a document: those of what is read and those of what is sent, which may differ for one type.
//!
//! Here: [`Schemas`], and how both become one set of names. Not here: where schemas are used (`operation.rs`).

use schemars::JsonSchema;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// Makes schemas. A schema of what is read refers to [`READ`], one of what is sent to [`SENT`].
pub(crate) struct Schemas {
    read: SchemaGenerator,
    sent: SchemaGenerator,
}

/// Which way a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Read,
    Sent,
}

const READ: &str = "/read/";
const SENT: &str = "/sent/";
const SCHEMAS: &str = "#/components/schemas/";
/// Our own schema of failures.
pub(super) const PROBLEM: &str = "#/problem";

impl Schemas {
    pub(super) fn new() -> Self {
        let of = |path: &'static str| {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = path.into();
                settings.meta_schema = None;
            })
        };
        Self {
            read: of(READ).for_deserialize().into_generator(),
            sent: of(SENT).for_serialize().into_generator(),
        }
    }

    fn generator(&mut self, way: Way) -> &mut SchemaGenerator {
        match way {
            Way::Read => &mut self.read,
            Way::Sent => &mut self.sent,
        }
    }

    /// The schema of a type, or a reference to it.
    pub(super) fn of<T: JsonSchema>(&mut self, way: Way) -> Value {
        self.generator(way).subschema_for::<T>().to_value()
    }

    /// The schema of a type that is read, in place: its properties or items are wanted.
    pub(super) fn in_place<T: JsonSchema>(&mut self) -> Value {
        let mut schema = T::json_schema(&mut self.read).to_value();
        for _ in 0..DEPTH_MAX {
            let Some(name) = schema["$ref"]
                .as_str()
                .and_then(|name| name.rsplit('/').next())
            else {
                break;
            };
            let Some(found) = self.read.definitions().get(name) else {
                break;
            };
            schema = found.clone();
        }
        schema
    }

    /// The schemas that were referred to, and the document with its references to them. Types that are read and sent in one form
    /// have one schema; of the others, what is read is called `NameInput`.
    pub(super) fn finish(mut self, document: &mut Value) -> Map<String, Value> {
        let mut read = self.read.take_definitions(true);
        let mut sent = self.sent.take_definitions(true);
        let differing = differing(&read, &sent);
        let names: BTreeSet<String> = read.keys().chain(sent.keys()).cloned().collect();
        let name_of_read = |name: &str| {
            if differing.contains(name) {
                unused(&format!("{name}Input"), &names)
            } else {
                name.to_owned()
            }
        };
        let problem = unused("ProblemDetails", &names);
        let rename = |reference: &str| {
            if reference == PROBLEM {
                return Some(format!("{SCHEMAS}{problem}"));
            }
            let reference = reference.trim_start_matches('#');
            if let Some(name) = reference.strip_prefix(READ) {
                return Some(format!("{SCHEMAS}{}", name_of_read(name)));
            }
            let name = reference.strip_prefix(SENT)?;
            Some(format!("{SCHEMAS}{name}"))
        };
        let each = read.values_mut().chain(sent.values_mut());
        each.for_each(|schema| replace_references(schema, &rename));
        replace_references(document, &rename);
        let mut all = sent;
        all.extend(
            read.into_iter()
                .map(|(name, schema)| (name_of_read(&name), schema)),
        );
        all.insert(problem, super::document::problem_schema());
        all
    }
}

/// References that lead from one to the next.
const DEPTH_MAX: usize = 16;

/// The names whose schemas differ by the way, and those that refer to one of them.
fn differing(read: &Map<String, Value>, sent: &Map<String, Value>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    loop {
        let before = found.len();
        for (name, schema) in read {
            let Some(other) = sent.get(name) else {
                continue;
            };
            let mut as_sent = schema.clone();
            let mut refers = false;
            replace_references(&mut as_sent, &|reference| {
                let name = reference.trim_start_matches('#').strip_prefix(READ)?;
                Some(format!("#{SENT}{name}"))
            });
            visit_references(schema, &mut |reference| {
                refers |=
                    found.contains(reference.trim_start_matches('#').trim_start_matches(READ));
            });
            if refers || as_sent != *other {
                found.insert(name.clone());
            }
        }
        if found.len() == before {
            return found;
        }
    }
}

fn unused(name: &str, names: &BTreeSet<String>) -> String {
    let mut free = name.to_owned();
    let mut number = 2;
    while names.contains(&free) {
        free = format!("{name}{number}");
        number += 1;
    }
    free
}

fn visit_references(value: &Value, visit: &mut impl FnMut(&str)) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                visit(reference);
            }
            object
                .values()
                .for_each(|value| visit_references(value, visit));
        }
        Value::Array(list) => list.iter().for_each(|value| visit_references(value, visit)),
        _ => {}
    }
}

fn replace_references(value: &mut Value, rename: &impl Fn(&str) -> Option<String>) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get_mut("$ref")
                && let Some(renamed) = rename(reference)
            {
                *reference = renamed;
            }
            object
                .values_mut()
                .for_each(|value| replace_references(value, rename));
        }
        Value::Array(list) => list
            .iter_mut()
            .for_each(|value| replace_references(value, rename)),
        _ => {}
    }
}

/// A schema without null: a parameter that is there has a value.
pub(super) fn without_null(mut schema: Value) -> Value {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| kind != "null");
        if let [only] = types.as_slice() {
            schema["type"] = only.clone();
        }
    }
    let of_null = serde_json::json!({ "type": "null" });
    if let Some(Value::Array(any)) = schema.get_mut("anyOf") {
        any.retain(|schema| *schema != of_null);
        if let [only] = any.as_slice() {
            return only.clone();
        }
    }
    schema
}
