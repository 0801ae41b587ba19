//! The OpenAPI 3.1 document of a table of routes.
//!
//! Here: [`document`], which makes it, and what makes it faulty. Not here: what one operation says (`operation.rs`).

use super::operation::{Operation, PathType};
use super::schemas::{Schemas, without_null};
use super::template::{Template, shape, templates};
use super::{Described, Info};
use crate::route::Endpoint;
use crate::table::{Kind, RouteError, Step, Table};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// The methods of a Path Item Object.
const METHODS: [&str; 8] = [
    "GET", "PUT", "POST", "DELETE", "OPTIONS", "HEAD", "PATCH", "TRACE",
];

/// Makes the document, or says what is wrong with it.
pub(crate) fn document(table: &Table, info: &Info) -> Result<Value, RouteError> {
    let mut maker = Maker {
        info,
        schemas: Schemas::new(),
        paths: Map::new(),
        shapes: Vec::new(),
        chosen: BTreeSet::new(),
        made: BTreeSet::new(),
        tags: Vec::new(),
        faults: Vec::new(),
    };
    maker.choose_ids(table);
    for (step, endpoint, described) in described(table) {
        maker.operation(step, endpoint, described);
    }
    maker.check_schemes(info.security.as_deref(), "the document");
    if !maker.faults.is_empty() {
        return Err(RouteError::of(maker.faults));
    }
    Ok(maker.finish())
}

fn described(table: &Table) -> impl Iterator<Item = (&Step, &Endpoint, &Described)> {
    table.steps.iter().flat_map(|step| {
        let endpoints: &[Endpoint] = match &step.kind {
            Kind::Route { endpoints, .. } => endpoints,
            Kind::Middleware(_) => &[],
        };
        let with = |endpoint: &'_ Endpoint| endpoint.described.is_some();
        let endpoints = endpoints.iter().filter(move |endpoint| with(endpoint));
        endpoints.filter_map(move |endpoint| Some((step, endpoint, endpoint.described.as_deref()?)))
    })
}

struct Maker<'a> {
    info: &'a Info,
    schemas: Schemas,
    paths: Map<String, Value>,
    /// The paths by their shapes, which have the names of the first route.
    shapes: Vec<(String, Template)>,
    /// Identifiers that routes have chosen.
    chosen: BTreeSet<String>,
    /// Identifiers that are used.
    made: BTreeSet<String>,
    tags: Vec<String>,
    faults: Vec<String>,
}

impl Maker<'_> {
    fn choose_ids(&mut self, table: &Table) {
        for (step, _, described) in described(table) {
            let Some(id) = &described.operation_id else {
                continue;
            };
            if !self.chosen.insert(id.clone()) {
                let fault = format!("{}: the operation id {id:?} is used twice", step.from);
                self.faults.push(fault);
            }
        }
    }

    /// Adds one endpoint under each of its paths.
    fn operation(&mut self, step: &Step, endpoint: &Endpoint, described: &Described) {
        let method = endpoint
            .method
            .as_ref()
            .map_or("", |method| method.as_str());
        if !METHODS.contains(&method) {
            return;
        }
        let place = step.from.to_string();
        self.check_schemes(described.security.as_deref(), &place);
        for tag in &described.tags {
            if !self.tags.contains(tag) {
                self.tags.push(tag.clone());
            }
        }
        let mut first = true;
        for pattern in &step.patterns {
            let known: Vec<&str> = pattern.names().collect();
            for template in templates(pattern) {
                let (text, names) = self.path_of(template);
                let id = self.id(method, &text, described.operation_id.as_deref(), first);
                let made = made(&mut self.schemas, described);
                let types = path_types(&made.path, &known);
                if first {
                    self.faults.extend(types.faults(&known, &place));
                }
                first = false;
                let mut value = about(described);
                value.insert("operationId".into(), id.into());
                let parameters = parameters(&made, &types, &names);
                if !parameters.is_empty() {
                    value.insert("parameters".into(), parameters.into());
                }
                let (body, responses) = made.finish();
                if let Some(body) = body.filter(|_| method != "TRACE") {
                    value.insert("requestBody".into(), body);
                }
                value.insert("responses".into(), responses);
                let item = self.paths.entry(text).or_insert_with(|| json!({}));
                let key = method.to_ascii_lowercase();
                if item.get(&key).is_none() {
                    item[key] = value.into();
                }
            }
        }
    }

    /// The path as the document has it, and its parameters: the names in the pattern, in the document, and which are wildcards.
    fn path_of(&mut self, template: Template) -> (String, Vec<(String, String, bool)>) {
        let shape = shape(&template.text);
        let known = self.shapes.iter().find(|(known, _)| *known == shape);
        let Some((_, known)) = known else {
            let answer = (template.text.clone(), template.names.clone());
            self.shapes.push((shape, template));
            return answer;
        };
        // The route that came first has named the parameters.
        let names = template.names.iter().zip(&known.names);
        let names = names
            .map(|((own, _, wildcard), (_, written, _))| (own.clone(), written.clone(), *wildcard));
        (known.text.clone(), names.collect())
    }

    /// The identifier of an operation: the chosen one for the first of its paths; otherwise one made of method and path.
    fn id(&mut self, method: &str, path: &str, chosen: Option<&str>, first: bool) -> String {
        if let Some(chosen) = chosen.filter(|_| first) {
            return chosen.to_owned();
        }
        let mut base = method.to_ascii_lowercase();
        for word in path.split(|c: char| !c.is_alphanumeric()) {
            if !word.is_empty() {
                base = format!("{base}_{word}");
            }
        }
        let mut id = base.clone();
        let mut number = 2;
        while self.chosen.contains(&id) || !self.made.insert(id.clone()) {
            id = format!("{base}_{number}");
            number += 1;
        }
        id
    }

    fn check_schemes(&mut self, security: Option<&[(String, Vec<String>)]>, place: &str) {
        for (scheme, _) in security.unwrap_or_default() {
            if !self.info.schemes.contains_key(scheme) {
                let fault = format!(
                    "{place}: the security scheme {scheme:?} has no definition: add it by `Info::security_scheme`"
                );
                self.faults.push(fault);
            }
        }
    }

    fn finish(self) -> Value {
        let mut tags = self.info.tags.clone();
        for tag in self.tags {
            if !tags.iter().any(|known| known["name"] == tag) {
                tags.push(json!({ "name": tag }));
            }
        }
        let mut document = json!({
            "openapi": "3.1.0",
            "info": self.info.info,
            "paths": self.paths,
        });
        if !self.info.servers.is_empty() {
            document["servers"] = self.info.servers.clone().into();
        }
        if !tags.is_empty() {
            document["tags"] = tags.into();
        }
        if let Some(security) = &self.info.security {
            document["security"] = requirements(security);
        }
        let mut components = json!({ "schemas": self.schemas.finish(&mut document) });
        if !self.info.schemes.is_empty() {
            components["securitySchemes"] = self.info.schemes.clone().into();
        }
        document["components"] = components;
        document
    }
}

/// What the types of a handler say, and what its route declares beside that.
fn made<'a>(schemas: &'a mut Schemas, described: &Described) -> Operation<'a> {
    let mut made = Operation::new(schemas);
    (described.arguments)(&mut made);
    (described.answer)(&mut made);
    for declared in &described.responses {
        match declared.answer {
            Some(answer) => made.with_status(declared.status, answer),
            None if declared.status >= 400 => made.fails(declared.status, &declared.text),
            None => made.with_status(declared.status, Operation::answer_empty),
        }
        made.text(declared.status, &declared.text);
    }
    made
}

/// What the types of a handler say about the parameters of its path.
struct PathTypes {
    /// By their names in the pattern.
    schemas: Map<String, Value>,
    missing: Vec<String>,
    mismatch: Option<String>,
}

impl PathTypes {
    fn faults(&self, known: &[&str], place: &str) -> Vec<String> {
        let of_name = |name: &String| {
            format!(
                "{place}: the type of the path has {name:?}, and the pattern has only {known:?}"
            )
        };
        let mut faults: Vec<_> = self.missing.iter().map(of_name).collect();
        faults.extend(self.mismatch.iter().map(|text| format!("{place}: {text}")));
        faults
    }
}

fn path_types(types: &[PathType], known: &[&str]) -> PathTypes {
    let mut found = PathTypes {
        schemas: Map::new(),
        missing: Vec::new(),
        mismatch: None,
    };
    for described in types {
        match described {
            PathType::One(schema) => match known {
                [only] => {
                    found.schemas.insert((*only).to_owned(), schema.clone());
                }
                _ => {
                    found.mismatch = Some(format!(
                        "the type of the path is one value, and the pattern has the parameters {known:?}"
                    ));
                }
            },
            PathType::List(schemas) => {
                if schemas.len() != known.len() {
                    found.mismatch = Some(format!(
                        "the type of the path has {} values, and the pattern has the parameters {known:?}",
                        schemas.len()
                    ));
                }
                for (name, schema) in known.iter().zip(schemas) {
                    found.schemas.insert((*name).to_owned(), schema.clone());
                }
            }
            PathType::Named(schemas, required) => {
                let missing = required
                    .iter()
                    .filter(|name| !known.contains(&name.as_str()));
                found.missing.extend(missing.cloned());
                found.schemas.extend(schemas.clone());
            }
        }
    }
    found
}

/// The Parameter Objects of an operation.
fn parameters(
    made: &Operation<'_>,
    types: &PathTypes,
    names: &[(String, String, bool)],
) -> Vec<Value> {
    let mut parameters = Vec::new();
    for (name, written, wildcard) in names {
        let schema = types.schemas.get(name).cloned();
        let schema = schema.unwrap_or_else(|| json!({ "type": "string" }));
        let mut value = parameter("path", written, true, without_null(schema));
        if *wildcard {
            value["schema"] = json!({ "type": "string" });
            value["description"] = "One segment or several, with the slashes between them".into();
        }
        parameters.push(value);
    }
    for own in &made.parameters {
        parameters.push(parameter(
            own.place,
            &own.name,
            own.required,
            own.schema.clone(),
        ));
    }
    parameters
}

fn parameter(place: &str, name: &str, required: bool, mut schema: Value) -> Value {
    let mut value = json!({ "in": place, "name": name, "required": required });
    if let Some(text) = schema
        .as_object_mut()
        .and_then(|schema| schema.remove("description"))
    {
        value["description"] = text;
    }
    if schema["deprecated"] == true {
        value["deprecated"] = true.into();
    }
    value["schema"] = schema;
    value
}

/// What the route says.
fn about(described: &Described) -> Map<String, Value> {
    let mut value = Map::new();
    let texts = [
        ("summary", &described.summary),
        ("description", &described.description),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            value.insert(key.into(), text.as_str().into());
        }
    }
    if !described.tags.is_empty() {
        value.insert("tags".into(), described.tags.clone().into());
    }
    if described.deprecated {
        value.insert("deprecated".into(), true.into());
    }
    if let Some(security) = &described.security {
        value.insert("security".into(), requirements(security));
    }
    value
}

fn requirements(alternatives: &[(String, Vec<String>)]) -> Value {
    let alternatives = alternatives.iter();
    alternatives
        .map(|(scheme, scopes)| json!({ (scheme.as_str()): scopes }))
        .collect()
}

/// RFC 9457, with the members that the default form of failures adds.
pub(super) fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "A failure (RFC 9457)",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": { "type": "string", "format": "uri-reference", "description": "The kind of problem" },
            "title": { "type": "string", "description": "The reason phrase of the status" },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "type": "string", "description": "What is wrong, for people" },
            "code": { "type": "string", "description": "What is wrong, for programs" },
            "errors": {
                "type": "array",
                "description": "The fields that are not as they must be",
                "items": {
                    "type": "object",
                    "required": ["field", "message"],
                    "properties": { "field": { "type": "string" }, "message": { "type": "string" } }
                }
            }
        }
    })
}
