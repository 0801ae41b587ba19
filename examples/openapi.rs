//! Notes with a described interface: handlers take arguments by their types, bodies are validated, and the OpenAPI document, its page
//! and the route table follow from the same types.
//!
//! ```sh
//! cargo run --example openapi
//! curl -i http://127.0.0.1:3000/notes --json '{"title": "", "stars": 6}' -H 'Accept: application/json'   # 422, with the fields
//! curl http://127.0.0.1:3000/openapi.json
//! open http://127.0.0.1:3000/docs
//! ```

use hearken::app::{
    Created, DescribeArgument, HeadOnly, Info, Multipart, NoContent, Operation, SecurityScheme,
    Valid, WithStatus, prelude::*,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Mutex;

/// A note as it is stored.
#[derive(Clone, Serialize, JsonSchema)]
struct Note {
    id: u64,
    #[serde(flatten)]
    text: NewNote,
}

/// A note as it is written.
#[derive(Clone, Deserialize, Serialize, JsonSchema, garde::Validate)]
struct NewNote {
    #[garde(length(min = 1, max = 80))]
    title: String,
    /// From 0 to 5.
    #[garde(range(max = 5))]
    #[serde(default)]
    stars: u8,
    #[garde(skip)]
    label: Option<Label>,
}

#[derive(Clone, Copy, PartialEq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Label {
    Home,
    Work,
}

#[derive(Deserialize, JsonSchema)]
struct Filter {
    /// Only notes with this label.
    label: Option<Label>,
    /// How many at most.
    #[serde(default = "twenty")]
    limit: usize,
}

fn twenty() -> usize {
    20
}

#[derive(Default)]
struct Notes(Mutex<BTreeMap<u64, NewNote>>);

/// An argument of our own: the writer of a note shows a token.
struct Writer;

impl Extract for Writer {
    type Reads = HeadOnly;

    async fn extract(req: &IncomingMessage, _res: &ServerResponse) -> Result<Self, Failure> {
        match req.header("authorization") {
            Some("Bearer secret") => Ok(Self),
            _ => {
                Err(Failure::new(401, "expected the token")
                    .with_header("WWW-Authenticate", "Bearer"))
            }
        }
    }
}

impl DescribeArgument for Writer {
    fn describe(operation: &mut Operation<'_>) {
        operation.fails(401, "No token, or another one");
    }
}

fn info() -> Info {
    Info::new("Notes", "1.0.0")
        .description("Notes with stars.")
        .license("MIT")
        .tag("notes", "Reading and writing notes")
        .security_scheme("token", SecurityScheme::bearer("opaque"))
}

async fn list(Query(filter): Query<Filter>, notes: State<Notes>) -> Json<Vec<Note>> {
    let notes = notes.0.lock().expect("no handler panics with it");
    let wanted = notes
        .iter()
        .filter(|(_, text)| filter.label.is_none() || text.label == filter.label);
    let wanted = wanted.map(|(&id, text)| Note {
        id,
        text: text.clone(),
    });
    Json(wanted.take(filter.limit).collect())
}

async fn add(
    _: Writer,
    Valid(Json(text)): Valid<Json<NewNote>>,
    notes: State<Notes>,
) -> Created<Json<Note>> {
    let mut notes = notes.0.lock().expect("no handler panics with it");
    let id = notes.keys().next_back().map_or(1, |last| last + 1);
    notes.insert(id, text.clone());
    Created(Json(Note { id, text }))
}

async fn one(Path(id): Path<u64>, notes: State<Notes>) -> Result<Json<Note>, Failure> {
    let notes = notes.0.lock().expect("no handler panics with it");
    match notes.get(&id) {
        Some(text) => Ok(Json(Note {
            id,
            text: text.clone(),
        })),
        None => Err(Failure::new(404, format!("there is no note {id}")).with_code("note.missing")),
    }
}

async fn remove(_: Writer, Path(id): Path<u64>, notes: State<Notes>) -> NoContent {
    notes
        .0
        .lock()
        .expect("no handler panics with it")
        .remove(&id);
    NoContent
}

fn app() -> App {
    let mut app = App::new();
    app.state(Notes::default());
    app.api("/notes")
        .tag("notes")
        .summary("All notes")
        .get(list)
        .summary("Adds a note")
        .operation_id("addNote")
        .security("token", &[])
        .post(add);
    app.api("/notes/:id")
        .tag("notes")
        .summary("One note")
        .response(404, "There is none")
        .get(one)
        .summary("Removes a note")
        .security("token", &[])
        .delete(remove);
    app.api("/notes/:id/parts{/:number}")
        .tag("notes")
        .summary("Stores parts of a note, and forgets them")
        .deprecated()
        .put(
            async |Path((id, _)): Path<(u64, Option<u8>)>, mut form: Multipart| {
                let mut parts = 0;
                while form.next_part().await?.is_some() {
                    parts += 1;
                }
                Ok(WithStatus::<202, _>(format!("{parts} parts of {id}\n")))
            },
        );
    app.api("/labels")
        .get(async || Json([Label::Home, Label::Work]))
        .head(async || StatusCode::OK);
    app.serve_openapi(info(), "/openapi.json", "/docs");
    app
}

fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let address = std::env::args()
        .nth(1)
        .unwrap_or_else(|| "127.0.0.1:3000".to_owned());
    let app = app();
    app.openapi(&info())?; // its faults show at start
    print!("{}", app.routes()?);
    let listening = app.listen(&*address)?;
    println!("{}", listening.address());
    Ok(listening.run()?)
}
