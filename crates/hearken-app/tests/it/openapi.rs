//! Described routes and the document of an application.

use hearken::app::prelude::*;
use hearken::app::{
    Accepted, Created, Form, Info, Multipart, NoContent, Path, Query, SecurityScheme, Valid,
    WithStatus,
};
use hearken::test::Request;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::ask;

/// An article as it is sent.
#[derive(Serialize, JsonSchema)]
struct Article {
    slug: String,
    author: Author,
    tags: Vec<String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Author {
    name: String,
    /// Filled in when it is missing, so that it differs by the way.
    #[serde(default)]
    bio: String,
}

#[derive(Deserialize, JsonSchema, garde::Validate)]
#[expect(dead_code, reason = "the document is what counts")]
struct New {
    #[garde(length(min = 1, max = 80))]
    title: String,
    #[garde(skip)]
    author: Author,
    #[garde(skip)]
    summary: Option<String>,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "the document is what counts")]
struct Page {
    /// Where to begin.
    after: Option<u32>,
    limit: u8,
    #[serde(default)]
    tag: Vec<String>,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "the document is what counts")]
struct Place {
    slug: String,
    number: u64,
}

fn info() -> Info {
    Info::new("Articles", "1.0")
        .description("Articles & their <comments>.")
        .license("MIT")
        .contact("Ada", "ada@example.org")
        .server("/", "here")
        .tag("articles", "Texts")
        .security_scheme("token", SecurityScheme::bearer("JWT"))
        .security_scheme("key", SecurityScheme::header("X-Key"))
        .security("token", &[])
}

/// An application with one of everything that a document describes. The interop run validates its document too.
fn app() -> App {
    let mut app = App::new();
    app.get("/plain", async |_req, res| res.end("not described"));
    app.api("/articles")
        .tag("articles")
        .summary("All articles")
        .public()
        .get(async |Query(_): Query<Page>| Json(Vec::<Article>::new()))
        .summary("Adds an article")
        .description("At length.")
        .operation_id("addArticle")
        .security("token", &[])
        .security("key", &[])
        .post(
            async |Valid(Json(_)): Valid<Json<New>>| -> Result<Created<Json<Article>>, Failure> {
                Err(Failure::new(409, "taken"))
            },
        );
    app.api("/articles/:slug")
        .tag("articles")
        .response(404, "There is none")
        .get(
            async |Path(slug): Path<String>| -> Result<Json<Article>, Failure> {
                Err(Failure::new(404, slug))
            },
        )
        .deprecated()
        .delete(async |Path(_): Path<String>| NoContent);
    let mut comments = Router::new();
    comments
        .api("/:number{.:format}")
        .response_of::<String>(202, "Later")
        .get(async |Path(_): Path<Place>| (200, Bytes::new()));
    app.mount("/articles/:slug/comments", comments);
    app.api("/articles/:other")
        .put(async |Path(_): Path<String>, form: Option<Form<Author>>| {
            format!("{}", form.is_some())
        });
    app.api("/files/*path")
        .post(async |Path(_): Path<Vec<String>>, _form: Multipart| Accepted(""))
        .put(async |Path(_): Path<String>, _body: Bytes| WithStatus::<207, _>(""));
    app.api("/raw")
        .head(async |res: ServerResponse| res.end(""))
        .post(async |text: String| text);
    app.serve_openapi(info(), "/openapi.json", "/docs");
    app
}

fn document() -> Value {
    app().openapi(&info()).unwrap()
}

#[test]
fn the_document_says_what_the_types_say() {
    let document = document();
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(document["info"]["license"]["identifier"], "MIT");
    let paths: Vec<_> = document["paths"].as_object().unwrap().keys().collect();
    assert_eq!(
        paths,
        [
            "/articles",
            "/articles/{slug}",
            "/articles/{slug}/comments/{number}",
            "/articles/{slug}/comments/{number}.{format}",
            "/files/{path}",
            "/raw",
        ]
    );
    let list = &document["paths"]["/articles"]["get"];
    assert_eq!(list["summary"], "All articles");
    assert_eq!(list["operationId"], "get_articles");
    assert_eq!(list["tags"], json!(["articles"]));
    assert_eq!(list["security"], json!([]));
    let parameters: Vec<_> = list["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|parameter| {
            (
                parameter["name"].as_str().unwrap(),
                parameter["required"].as_bool().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        parameters,
        [("after", false), ("limit", true), ("tag", false)]
    );
    assert_eq!(list["parameters"][0]["description"], "Where to begin.");
    assert_eq!(
        list["parameters"][0]["schema"]["type"], "integer",
        "without null"
    );
    let content = &list["responses"]["200"]["content"]["application/json"]["schema"];
    assert_eq!(content["items"]["$ref"], "#/components/schemas/Article");

    let add = &document["paths"]["/articles"]["post"];
    assert_eq!(add["operationId"], "addArticle");
    assert_eq!(add["tags"], json!(["articles"]), "tags hold on");
    assert_eq!(add["security"], json!([{ "token": [] }, { "key": [] }]));
    assert_eq!(add["requestBody"]["required"], true);
    assert_eq!(
        add["requestBody"]["content"]["application/json"]["schema"]["$ref"],
        "#/components/schemas/New"
    );
    let statuses: Vec<_> = add["responses"].as_object().unwrap().keys().collect();
    assert_eq!(statuses, ["201", "400", "413", "415", "422", "default"]);
    assert_eq!(
        add["responses"]["422"]["description"],
        "A field breaks a rule"
    );
    let problem = &add["responses"]["default"]["content"]["application/problem+json"]["schema"];
    assert_eq!(problem["$ref"], "#/components/schemas/ProblemDetails");
}

#[test]
fn paths_have_the_parameters_of_their_patterns() {
    let document = document();
    let one = &document["paths"]["/articles/{slug}"];
    assert_eq!(
        one["get"]["responses"]["404"]["description"],
        "There is none"
    );
    assert_eq!(one["delete"]["deprecated"], true);
    assert_eq!(
        one["delete"]["responses"]["404"],
        Value::Null,
        "of the handler before"
    );
    assert_eq!(
        one["delete"]["responses"]["204"],
        json!({ "description": "No Content" })
    );
    // The same path under another name: the first name holds.
    assert_eq!(one["put"]["parameters"][0]["name"], "slug");
    assert_eq!(one["put"]["requestBody"]["required"], false);

    let comment = &document["paths"]["/articles/{slug}/comments/{number}.{format}"]["get"];
    let types: Vec<_> = comment["parameters"]
        .as_array()
        .unwrap()
        .iter()
        .map(|parameter| {
            (
                parameter["name"].as_str().unwrap(),
                parameter["schema"]["type"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        types,
        [
            ("slug", "string"),
            ("number", "integer"),
            ("format", "string")
        ]
    );
    assert_eq!(comment["responses"]["202"]["description"], "Later");
    assert!(comment["responses"]["default"]["content"]["application/octet-stream"].is_object());
    let ids = document["paths"].as_object().unwrap().values();
    let ids = ids.flat_map(|item| item.as_object().unwrap().values());
    let mut ids: Vec<_> = ids
        .map(|operation| operation["operationId"].as_str().unwrap())
        .collect();
    let count = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), count, "{ids:?}");

    let files = &document["paths"]["/files/{path}"];
    assert_eq!(files["post"]["parameters"][0]["schema"]["type"], "string");
    assert!(files["post"]["requestBody"]["content"]["multipart/form-data"].is_object());
    assert!(files["post"]["responses"]["202"].is_object());
    assert!(files["put"]["responses"]["207"].is_object());
    assert!(document["paths"]["/raw"]["head"]["responses"]["default"].is_object());
}

#[test]
fn a_type_that_differs_by_the_way_has_two_schemas() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let names: Vec<_> = schemas.keys().collect();
    assert_eq!(
        names,
        ["Article", "Author", "AuthorInput", "New", "ProblemDetails"]
    );
    assert_eq!(
        schemas["Article"]["properties"]["author"]["$ref"],
        "#/components/schemas/Author"
    );
    assert_eq!(
        schemas["New"]["properties"]["author"]["$ref"],
        "#/components/schemas/AuthorInput"
    );
    assert_eq!(
        schemas["New"]["properties"]["title"]["maxLength"], 80,
        "rules of garde are in the schema"
    );
    assert_eq!(schemas["Author"]["required"], json!(["name", "bio"]));
    assert_eq!(schemas["AuthorInput"]["required"], json!(["name"]));
    // Each reference leads somewhere.
    let text = document.to_string();
    for part in text.split("\"$ref\":\"").skip(1) {
        let reference = part.split('"').next().unwrap();
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

#[test]
fn faults_of_descriptions_have_their_places() {
    let mut app = App::new();
    app.api("/:id")
        .operation_id("one")
        .security("nope", &[])
        .get(async |Path(_): Path<Place>| "");
    app.api("/two/:a/:b")
        .operation_id("one")
        .get(async |Path(_): Path<u8>| "");
    let error = app.openapi(&Info::new("A", "1")).unwrap_err();
    let faults = error.faults().join("\n");
    for part in [
        "the operation id \"one\" is used twice",
        "the type of the path has \"slug\", and the pattern has only [\"id\"]",
        "the security scheme \"nope\" has no definition",
        "the type of the path is one value, and the pattern has the parameters [\"a\", \"b\"]",
    ] {
        assert!(faults.contains(part), "{part}: {faults}");
    }
    assert!(
        error
            .faults()
            .iter()
            .all(|fault| fault.contains("openapi.rs:")),
        "{faults}"
    );
}

#[test]
fn described_routes_work_as_any_other() {
    let app = app();
    let body = json!({ "title": "", "author": { "name": "a" } });
    let response = ask(&app, Request::post("/articles").json(&body));
    assert_eq!(response.status(), 422);
    assert_eq!(ask(&app, Request::get("/articles/x")).text(), "x\n");
    assert_eq!(ask(&app, Request::delete("/articles/x")).status(), 204);
    assert_eq!(ask(&app, Request::get("/articles?limit=x")).status(), 400);
    assert_eq!(ask(&app, Request::get("/articles?limit=1")).text(), "[]");
}

#[test]
fn the_document_and_its_page_are_served() {
    let app = app();
    let served = ask(&app, Request::get("/openapi.json"));
    assert_eq!(served.header("content-type"), Some("application/json"));
    assert_eq!(served.json::<Value>().unwrap(), document());
    let page = ask(&app, Request::get("/docs"));
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'"), "{policy}");
    let text = page.text();
    for part in [
        "<h1>Articles",
        "Articles &amp; their &lt;comments&gt;.",
        "href=\"/openapi.json\"",
        "<h2>articles</h2>",
        "/articles/{slug}",
        "Adds an article",
        "<b>deprecated</b>",
        "id=\"type-AuthorInput\"",
        "Security: <code>token</code> or <code>key</code>",
    ] {
        assert!(text.contains(part), "{part}");
    }
    for part in ["<script", "http://", "https://", "src="] {
        assert!(
            !text.contains(part),
            "{part}: the page needs no network and no script"
        );
    }
}

/// The interop run validates what this writes: HEARKEN_OPENAPI_OUT=FILE.
#[test]
fn the_document_can_be_written_for_a_validator() {
    let document = document();
    if let Some(path) = std::env::var_os("HEARKEN_OPENAPI_OUT") {
        std::fs::write(path, document.to_string()).unwrap();
    }
    assert!(document["paths"].is_object());
}
