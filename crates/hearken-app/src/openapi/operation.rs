//! What arguments and answers say about an operation.
//!
//! Here: [`Operation`], which collects it. Not here: what they say (`describe.rs`), the document around it (`document.rs`).

use super::schemas::{PROBLEM, Schemas, Way, without_null};
use schemars::JsonSchema;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// One handler of a described route, as its arguments and its answer describe it. Passed to
/// [`DescribeArgument`](crate::DescribeArgument) and [`DescribeAnswer`](crate::DescribeAnswer).
pub struct Operation<'a> {
    schemas: &'a mut Schemas,
    pub(super) parameters: Vec<Parameter>,
    /// What the types say about parameters of the path.
    pub(super) path: Vec<PathType>,
    body: Option<(bool, Map<String, Value>)>,
    responses: BTreeMap<String, Response>,
    /// The argument may be missing.
    optional: bool,
    /// The key of the response that is described.
    status: String,
}

/// A parameter in another place than the path.
pub(super) struct Parameter {
    pub(super) place: &'static str,
    pub(super) name: String,
    pub(super) required: bool,
    pub(super) schema: Value,
}

/// What a type says about parameters of the path.
pub(super) enum PathType {
    /// The only one.
    One(Value),
    /// By their order.
    List(Vec<Value>),
    /// By their names; the required ones must be there.
    Named(Map<String, Value>, Vec<String>),
}

#[derive(Default)]
struct Response {
    text: Option<String>,
    content: Map<String, Value>,
}

impl<'a> Operation<'a> {
    pub(super) fn new(schemas: &'a mut Schemas) -> Self {
        Self {
            schemas,
            parameters: Vec::new(),
            path: Vec::new(),
            body: None,
            responses: BTreeMap::new(),
            optional: false,
            status: "200".to_owned(),
        }
    }

    /// What `describe` adds may be missing.
    pub fn optional(&mut self, describe: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.optional, true);
        describe(self);
        self.optional = before;
    }

    /// Adds a field of the head that the argument reads.
    pub fn header<T: JsonSchema>(&mut self, name: &str, required: bool) {
        self.parameter("header", name, required, |schemas| {
            schemas.of::<T>(Way::Read)
        });
    }

    /// Adds a cookie that the argument reads.
    pub fn cookie<T: JsonSchema>(&mut self, name: &str, required: bool) {
        self.parameter("cookie", name, required, |schemas| {
            schemas.of::<T>(Way::Read)
        });
    }

    fn parameter(
        &mut self,
        place: &'static str,
        name: &str,
        required: bool,
        schema: impl FnOnce(&mut Schemas) -> Value,
    ) {
        let schema = schema(self.schemas);
        let known = |known: &Parameter| known.place == place && known.name == name;
        if !self.parameters.iter().any(known) {
            self.parameters.push(Parameter {
                place,
                name: name.to_owned(),
                required: required && !self.optional,
                schema: without_null(schema),
            });
        }
    }

    /// Adds the properties of `T` as parameters of the query.
    pub fn query<T: JsonSchema>(&mut self) {
        let schema = self.schemas.in_place::<T>();
        let Some(properties) = schema["properties"].as_object() else {
            // A map: every name.
            self.parameter("query", "query", false, |_| schema);
            return;
        };
        let required = names(&schema["required"]);
        for (name, schema) in properties {
            let is_required = required.contains(name) && schema.get("default").is_none();
            self.parameter("query", name, is_required, |_| schema.clone());
        }
    }

    /// Adds what `T` says about the parameters of the path.
    pub fn path<T: JsonSchema>(&mut self) {
        let schema = self.schemas.in_place::<T>();
        let described = if let Some(properties) = schema["properties"].as_object() {
            let required = if self.optional {
                Vec::new()
            } else {
                names(&schema["required"])
            };
            PathType::Named(properties.clone(), required)
        } else if let Some(items) = schema["prefixItems"].as_array() {
            PathType::List(items.clone())
        } else if schema["type"] == "array" || schema["type"] == "object" {
            return; // a wildcard, or all of them: text
        } else {
            PathType::One(schema)
        };
        self.path.push(described);
    }

    /// Adds a body of this media type with the schema of `T`.
    pub fn body<T: JsonSchema>(&mut self, media_type: &str) {
        let schema = self.schemas.of::<T>(Way::Read);
        self.body_of(media_type, Some(schema));
    }

    /// Adds a body of this media type with a JSON schema, or with any content.
    pub fn body_of(&mut self, media_type: &str, schema: Option<Value>) {
        let required = !self.optional;
        let (was_required, content) = self.body.get_or_insert_with(|| (required, Map::new()));
        *was_required &= required;
        content.insert(media_type.to_owned(), media(schema));
    }

    /// Adds a response with a failure: problem+json.
    pub fn fails(&mut self, status: u16, text: &str) {
        let response = self.responses.entry(status.to_string()).or_default();
        response.text.get_or_insert_with(|| text.to_owned());
        add_problem(response);
    }

    /// Adds the response with a failure of any status.
    pub fn may_fail(&mut self) {
        let response = self.responses.entry("default".to_owned()).or_default();
        response
            .text
            .get_or_insert_with(|| "Any failure".to_owned());
        add_problem(response);
    }

    /// The answer that `describe` adds has this status. Default 200.
    pub fn with_status(&mut self, status: u16, describe: impl FnOnce(&mut Self)) {
        self.under(status.to_string(), describe);
    }

    /// The answer that `describe` adds has any status.
    pub fn with_any_status(&mut self, describe: impl FnOnce(&mut Self)) {
        self.under("default".to_owned(), describe);
    }

    fn under(&mut self, key: String, describe: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.status, key);
        describe(self);
        self.status = before;
    }

    /// Adds an answer of this media type with the schema of `T`.
    pub fn answer<T: JsonSchema>(&mut self, media_type: &str) {
        let schema = self.schemas.of::<T>(Way::Sent);
        self.answer_of(media_type, Some(schema));
    }

    /// Adds an answer of this media type with a JSON schema, or with any content.
    pub fn answer_of(&mut self, media_type: &str, schema: Option<Value>) {
        let response = self.responses.entry(self.status.clone()).or_default();
        response
            .content
            .insert(media_type.to_owned(), media(schema));
    }

    /// Adds an answer without content, or with content that is not known.
    pub fn answer_empty(&mut self) {
        self.responses.entry(self.status.clone()).or_default();
    }

    /// Sets the text of a response that was added; adds one if there is none.
    pub(super) fn text(&mut self, status: u16, text: &str) {
        let response = self.responses.entry(status.to_string()).or_default();
        response.text = Some(text.to_owned());
    }

    /// `requestBody` and `responses`.
    pub(super) fn finish(self) -> (Option<Value>, Value) {
        let body = self
            .body
            .map(|(required, content)| json!({ "required": required, "content": content }));
        let mut responses = Map::new();
        for (key, response) in self.responses {
            let text = response.text.unwrap_or_else(|| reason(&key).to_owned());
            let mut value = json!({ "description": text });
            if !response.content.is_empty() {
                value["content"] = response.content.into();
            }
            responses.insert(key, value);
        }
        if responses.is_empty() {
            responses.insert(
                "default".to_owned(),
                json!({ "description": "The response" }),
            );
        }
        (body, responses.into())
    }
}

impl std::fmt::Debug for Operation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Operation")
    }
}

fn media(schema: Option<Value>) -> Value {
    match schema {
        Some(schema) => json!({ "schema": schema }),
        None => json!({}),
    }
}

fn add_problem(response: &mut Response) {
    let problem = json!({ "schema": { "$ref": PROBLEM } });
    response
        .content
        .insert("application/problem+json".to_owned(), problem);
}

fn names(list: &Value) -> Vec<String> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(|name| Some(name.as_str()?.to_owned()))
        .collect()
}

/// The text of a response that has none.
fn reason(key: &str) -> &str {
    let status = key.parse().ok().and_then(|code: u16| {
        let status = hearken_http::StatusCode::from_u16(code).ok()?;
        status.canonical_reason()
    });
    status.unwrap_or("The response")
}
