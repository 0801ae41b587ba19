//! The routes of an application as data.

use hearken::Method;
use hearken::app::prelude::*;

fn passing() -> impl Middleware {
    middleware(async |req, res, next| next.run(req, res).await)
}

fn app() -> App {
    let mut app = App::new();
    app.get("/", async |_req, res| res.end(""));
    app.with(passing());
    app.with_at("/users", passing());
    app.with_at("/admin", passing());
    app.route("/users")
        .get(async |_req, res| res.end(""))
        .with(passing())
        .post(async |_req, res| res.end(""))
        .limits(|limits| limits.body.buffered_bytes_max = 7);
    let mut comments = Router::new();
    comments.with(passing());
    comments
        .get("/:number{.:format}", async |_req, res| res.end(""))
        .name("comment");
    app.mount("/users/:id/comments", comments);
    app.all(["/about", "/imprint"], async |_req, res| res.end(""));
    app
}

#[test]
fn routes_are_data() {
    let routes = app().routes().unwrap();
    let facts: Vec<_> = routes
        .iter()
        .map(|route| {
            let method = route.method().map_or("ALL", Method::as_str);
            let limit = route.limits().map(|limits| limits.body.buffered_bytes_max);
            let patterns = route.patterns().join(" ");
            (method, patterns, route.middleware(), limit, route.name())
        })
        .collect();
    let comment = "/users/:id/comments/:number{.:format}";
    assert_eq!(
        facts,
        [
            ("GET", "/".to_owned(), 0, None, None),
            ("GET", "/users".to_owned(), 2, Some(7), None),
            ("POST", "/users".to_owned(), 3, Some(7), None),
            ("GET", comment.to_owned(), 3, None, Some("comment")),
            ("ALL", "/about /imprint".to_owned(), 1, None, None),
        ]
    );
    for route in &routes {
        assert!(route.place().file().ends_with("routes.rs"));
    }
    assert_eq!((routes.len(), routes.is_empty()), (5, false));
}

#[test]
fn routes_are_a_tree_in_the_terminal() {
    let routes = app().routes().unwrap();
    let tree = routes.to_string();
    // Places move with the source: the columns are compared without them.
    let tree: Vec<_> = tree
        .lines()
        .map(|line| {
            let words = line.split("  ").filter(|word| !word.contains("routes.rs"));
            words.collect::<Vec<_>>().join("  ").trim_end().to_owned()
        })
        .collect();
    let expected = [
        "/                             GET",
        "├─ users                      GET     2 middleware, own limits",
        "│  │                          POST    3 middleware, own limits",
        "│  └─ :id",
        "│     └─ comments",
        "│        └─ :number{.:format}  GET     3 middleware, name \"comment\"",
        "├─ about                      ALL     1 middleware",
        "└─ imprint                    ALL     1 middleware",
    ];
    let squeezed = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    let tree: Vec<_> = tree.iter().map(|line| squeezed(line)).collect();
    assert_eq!(tree, expected.map(squeezed));
    let places = routes.to_string().matches("tests/it/routes.rs:").count();
    assert_eq!(places, 6, "each line with a method has its place");
}

#[test]
fn a_wrong_pattern_is_an_error_of_the_table() {
    let mut app = App::new();
    app.get("/(", async |_req, res| res.end(""));
    assert!(app.routes().unwrap_err().to_string().contains("routes.rs"));
}
