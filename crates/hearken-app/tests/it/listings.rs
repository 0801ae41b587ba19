//! Listings of directories.

use crate::support::Tree;
use hearken::app::{App, DirectoryListing, Dotfiles, StaticFiles};
use hearken::test::{Request, Response};
use serde_json::{Value, json};

fn app(tree: &Tree, listing: DirectoryListing) -> App {
    let mut app = App::new();
    app.with_at("/files", StaticFiles::new(tree.path("")).listing(listing));
    app
}

fn page(app: &App, path: &str) -> Response {
    let response = app.inject(Request::get(path).header("Accept", "text/html,*/*;q=0.8"));
    let response = response.expect(path);
    assert_eq!(response.status(), 200, "{path}");
    response
}

fn json(app: &App, path: &str) -> Value {
    let response = app.inject(Request::get(path).header("Accept", "application/json"));
    let response = response.expect(path);
    assert_eq!(response.header("content-type"), Some("application/json"));
    response.json().expect("JSON")
}

fn names(listing: &Value) -> Vec<&str> {
    let entries = listing["entries"].as_array().expect("entries");
    entries
        .iter()
        .map(|entry| entry["name"].as_str().expect("a name"))
        .collect()
}

#[test]
fn a_listing_is_sorted_and_searched() {
    let tree = Tree::new("listing-order");
    tree.write("b.txt", "12345");
    tree.write("A.txt", "1");
    tree.write("c.log", "123");
    tree.write("sub/x", "x");
    tree.write(".hidden", "x");
    for (number, name) in ["b.txt", "c.log", "A.txt", "sub"].into_iter().enumerate() {
        tree.set_modified(name, 1_000_000_000 + number as u64);
    }
    let app = app(&tree, DirectoryListing::new());
    for (query, expected) in [
        ("", vec!["sub", "A.txt", "b.txt", "c.log"]),
        (
            "?sort=name&order=desc",
            vec!["sub", "c.log", "b.txt", "A.txt"],
        ),
        ("?sort=size", vec!["sub", "A.txt", "c.log", "b.txt"]),
        (
            "?sort=size&order=desc",
            vec!["sub", "b.txt", "c.log", "A.txt"],
        ),
        ("?sort=modified", vec!["sub", "b.txt", "c.log", "A.txt"]),
        ("?q=TXT", vec!["A.txt", "b.txt"]),
        ("?q=nothing", vec![]),
        ("?sort=nonsense", vec!["sub", "A.txt", "b.txt", "c.log"]),
    ] {
        assert_eq!(
            names(&json(&app, &format!("/files/{query}"))),
            expected,
            "{query}"
        );
    }
    let listing = json(&app, "/files/?q=b.txt");
    let expected = json!({
        "path": "/files/",
        "entries": [{ "name": "b.txt", "type": "file", "size": 5, "modified": "2001-09-09T01:46:40Z" }],
        "truncated": false,
    });
    assert_eq!(listing, expected);

    let page = page(&app, "/files/?sort=size&q=t");
    assert_eq!(page.header("vary"), Some("Accept"));
    assert_eq!(page.header("cache-control"), Some("no-cache"));
    let text = page.text();
    assert!(
        text.contains("<a href=\"?sort=size&amp;order=desc&amp;q=t\">Size"),
        "{text}"
    );
    assert!(text.contains("2001-09-09 01:46</time>"), "{text}");
    let head = app
        .inject(Request::new(hearken::Method::HEAD, "/files/"))
        .expect("HEAD");
    assert_eq!((head.status().as_u16(), head.text().as_ref()), (200, ""));
    assert_eq!(
        app.inject(Request::get("/files/none/"))
            .expect("404")
            .status(),
        404
    );
}

/// A name of a file is text: neither markup, nor a scheme, nor a path.
#[test]
fn names_are_escaped() {
    let tree = Tree::new("listing-escape");
    let markup = "<img src=x onerror=alert(1)>\"'&.txt";
    tree.write(markup, "x");
    tree.write("a?b#c%41.txt", "odd");
    tree.write("javascript_alert(1)", "x");
    tree.write("line\nbreak", "x");
    tree.write("javascript:alert(1)", "x");
    tree.write("<b>/inner", "x");
    let app = app(&tree, DirectoryListing::new());
    let response = page(&app, "/files/?q=%3Cscript%3E");
    assert!(
        !response.text().contains("<script"),
        "the text that was searched for is escaped"
    );
    let response = page(&app, "/files/");
    let text = response.text();
    assert!(!text.contains("<img"), "{text}");
    assert!(
        text.contains("&lt;img src=x onerror=alert(1)&gt;&quot;&#39;&amp;.txt"),
        "{text}"
    );
    assert!(text.contains("href=\"a%3Fb%23c%2541.txt\""), "{text}");
    assert!(!text.contains("javascript:"), "{text}");
    assert!(!text.contains("break"), "{text}");
    let policy = response
        .header("content-security-policy")
        .expect("a policy")
        .to_owned();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
    // The links lead to the files.
    let odd = app
        .inject(Request::get("/files/a%3Fb%23c%2541.txt"))
        .expect("the file");
    assert_eq!(odd.text(), "odd");
    let inner = page(&app, "/files/%3Cb%3E/");
    let text = inner.text();
    assert!(text.contains("<title>/files/&lt;b&gt;/</title>"), "{text}");
    assert!(
        text.contains("<a href=\"../\">/files/</a><a href=\"./\">&lt;b&gt;/</a>"),
        "{text}"
    );
    assert!(text.contains("<a href=\"../\">../</a>"), "{text}");
}

#[test]
fn a_listing_shows_only_what_is_served() {
    let tree = Tree::new("listing-links");
    tree.write("shown.txt", "12");
    tree.write(".env", "x");
    tree.write("old~", "x");
    tree.write("con", "x");
    tree.link("shown.txt", "link.txt");
    tree.link("/etc/passwd", "out.txt");
    tree.link("/etc", "etc");
    tree.link("nowhere", "dangling");
    let listed = |dotfiles| {
        let mut app = App::new();
        let files = StaticFiles::new(tree.path("")).listing(DirectoryListing::new());
        app.with_at("/files", files.dotfiles(dotfiles));
        json(&app, "/files/")
    };
    let listing = listed(Dotfiles::Ignore);
    assert_eq!(names(&listing), ["link.txt", "shown.txt"]);
    assert_eq!(listing["entries"][0]["size"], 2);
    assert_eq!(
        names(&listed(Dotfiles::Allow)),
        [".env", "link.txt", "old~", "shown.txt"]
    );
}

#[test]
fn a_large_directory_is_cut_and_says_so() {
    let tree = Tree::new("listing-large");
    (0..25).for_each(|number| tree.write(&format!("{number}"), ""));
    let app = app(&tree, DirectoryListing::new().entries_max(10));
    let listing = json(&app, "/files/");
    assert_eq!(names(&listing).len(), 10);
    assert_eq!(listing["truncated"], true);
    assert!(
        page(&app, "/files/")
            .text()
            .contains("more entries than these 10")
    );
    assert_eq!(json(&app, "/files/?q=24")["truncated"], false);
}

#[test]
fn a_form_for_uploads_is_shown_on_request() {
    let tree = Tree::new("listing-form");
    let has_form = |listing| {
        page(&app(&tree, listing), "/files/")
            .text()
            .contains("type=\"file\"")
    };
    assert!(!has_form(DirectoryListing::new()));
    assert!(has_form(DirectoryListing::new().upload_form(true)));
}
