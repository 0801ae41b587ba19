//! Rendering, with the engine of the feature `templates` and with one of the user's own.

use hearken::app::prelude::*;
use hearken::app::{Templates, middleware};
use hearken::test::Request;
use serde_json::{Value, json};
use std::path::PathBuf;

use crate::support::{ask, text};

/// A directory with templates, removed when it is dropped.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let path = std::env::temp_dir().join(format!("hearken-{name}-{}", std::process::id()));
        for (file, text) in files {
            let file = path.join(file);
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        }
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn values_of_the_call_win_over_those_of_the_exchange_and_of_the_application() {
    let views = Directory::new(
        "merge",
        &[
            ("show.html", "{{ a }} {{ b }} {{ c }}"),
            ("mail/hi.txt", "<{{ a }}>"),
        ],
    );
    let mut app = App::new();
    app.engine(Templates::new(&views.0));
    app.local("a", "app").local("b", "app").local("c", "app");
    app.with(middleware(async |req, res: ServerResponse, next: Next| {
        res.locals().set("b", "exchange");
        res.locals().set("c", "exchange");
        next.run(req, res).await
    }));
    app.get("/", async |_req, res| {
        res.render("show", &json!({ "c": "call" }))
    });
    app.get("/none", async |_req, res| res.render("show.html", &()));
    app.get("/text", async |_req, res| res.render("mail/hi.txt", &()));
    app.get("/list", async |_req, res| res.render("show", &[1]));
    let page = ask(&app, Request::get("/"));
    assert_eq!(page.text(), "app exchange call");
    assert_eq!(
        page.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    let tag = page.header("etag").unwrap();
    assert_eq!(
        ask(&app, Request::get("/").header("If-None-Match", tag)).status(),
        304
    );
    assert_eq!(text(&app, "/none"), "200 app exchange exchange");
    let mail = ask(&app, Request::get("/text"));
    assert_eq!(mail.text(), "<app>");
    assert_eq!(
        mail.header("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(ask(&app, Request::get("/list")).status(), 500);
    assert_eq!(app.render("mail/hi.txt", &()).unwrap(), "<app>");
}

#[test]
fn values_are_escaped_in_html() {
    let views = Directory::new(
        "escape",
        &[
            (
                "page.html",
                "{{ v }} {{ v | safe }}{% include 'part.html' %}",
            ),
            ("part.html", "[{{ v }}]"),
            ("plain.txt", "{{ v }}"),
        ],
    );
    let mut app = App::new();
    app.engine(Templates::new(&views.0));
    app.get("/*name", async |req, res| {
        let name: String = req.param("name")?;
        Ok(res.render(&name, &json!({ "v": "<b>&\"'" })))
    });
    assert_eq!(
        text(&app, "/page"),
        "200 &lt;b&gt;&amp;&quot;&#x27; <b>&\"'[&lt;b&gt;&amp;&quot;&#x27;]"
    );
    assert_eq!(text(&app, "/plain.txt"), "200 <b>&\"'");
}

#[test]
fn a_template_lies_below_its_directory() {
    let views = Directory::new(
        "below",
        &[
            ("views/a.html", "a"),
            ("secret.html", "secret"),
            ("views/.b.html", "b"),
        ],
    );
    let mut app = App::new();
    app.engine(Templates::new(views.0.join("views")));
    app.settings(|settings| settings.development = false);
    app.get("/*name", async |req, res| {
        let name: String = req.param("name")?;
        Ok(res.render(&name, &()))
    });
    assert_eq!(text(&app, "/a.html"), "200 a");
    let absolute = format!("/{}", views.0.join("secret.html").display());
    for path in [
        "/..%2Fsecret.html",
        "/%2e%2e/secret.html",
        "/.b.html",
        "/..%5Csecret.html",
        "/missing",
        &absolute,
    ] {
        assert_eq!(text(&app, path), "500 Internal Server Error", "{path}");
    }
}

#[test]
fn a_changed_file_is_read_again_unless_it_is_cached() {
    let views = Directory::new("cache", &[("a.html", "one")]);
    let mut app = App::new();
    app.engine(Templates::new(&views.0).cache(true));
    let mut fresh = App::new();
    fresh.engine(Templates::new(&views.0).cache(false));
    for app in [&app, &fresh] {
        assert_eq!(app.render("a", &()).unwrap(), "one");
    }
    std::fs::write(views.0.join("a.html"), "another").unwrap();
    assert_eq!(app.render("a", &()).unwrap(), "one");
    assert_eq!(fresh.render("a", &()).unwrap(), "another");
}

#[test]
fn any_function_is_an_engine() {
    let mut app = App::new();
    app.settings(|settings| settings.development = false);
    app.get("/", async |_req, res| res.render("hi", &json!({ "n": 1 })));
    assert_eq!(text(&app, "/"), "500 Internal Server Error");
    app.engine(|name: &str, values: &Value| match name {
        "hi" => Ok(format!("hi {}", values["n"])),
        _ => Err("no such template".into()),
    });
    assert_eq!(text(&app, "/"), "200 hi 1");
    let error = app.render("x", &()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the template \"x\" cannot be rendered: no such template"
    );
}
