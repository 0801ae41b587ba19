//! What an application adds to a response.

use hearken::app::ETag;
use hearken::app::prelude::*;
use hearken::test::{Request, Response};

use crate::support::ask;

/// Status, Content-Type and content.
fn shown(response: &Response) -> String {
    let content_type = response.header("content-type").unwrap_or("-");
    format!(
        "{} {content_type}: {}",
        response.status().as_u16(),
        response.text()
    )
}

fn get(app: &App, path: &str) -> Response {
    ask(app, Request::get(path))
}

#[test]
fn send_says_what_the_content_is() {
    let mut app = App::new();
    app.get("/text", async |_req, res| res.send("<p>é"));
    app.get("/string", async |_req, res| res.send(String::from("s")));
    app.get("/bytes", async |_req, res| res.send(vec![104, 105]));
    app.get("/own", async |_req, res| {
        res.set("Content-Type", "text/x-own").send("o")
    });
    app.get("/empty", async |_req, res| res.send(""));
    for (path, expected) in [
        ("/text", "200 text/html; charset=utf-8: <p>é"),
        ("/string", "200 text/html; charset=utf-8: s"),
        ("/bytes", "200 application/octet-stream: hi"),
        ("/own", "200 text/x-own; charset=utf-8: o"),
        ("/empty", "200 text/html; charset=utf-8: "),
    ] {
        assert_eq!(shown(&get(&app, path)), expected, "{path}");
    }
}

#[test]
fn what_was_sent_has_a_tag_and_is_sent_once() {
    let mut app = App::new();
    app.all("/", async |_req, res| res.set("X-A", "1").send("hello"));
    app.get("/own", async |_req, res| {
        res.set("ETag", "\"own\"").send("hello")
    });
    app.get("/date", async |_req, res| {
        res.set("Last-Modified", "Fri, 01 Jan 1965 00:00:00 GMT")
            .send("x")
    });
    app.get("/404", async |_req, res| res.status(404).send("no"));
    let first = get(&app, "/");
    let tag = first.header("etag").expect("a tag").to_owned();
    assert!(tag.starts_with("W/\"5-"), "{tag}");
    let again = ask(&app, Request::get("/").header("If-None-Match", &tag));
    assert_eq!(shown(&again), "304 -: ");
    assert_eq!(
        (again.header("etag"), again.header("x-a")),
        (Some(&*tag), Some("1"))
    );
    let head = ask(&app, Request::head("/").header("If-None-Match", &tag));
    assert_eq!(head.status(), 304);
    let other = ask(&app, Request::get("/").header("If-None-Match", "\"other\""));
    assert_eq!(other.text(), "hello");
    // A tag of the content is not for changes, nor for errors.
    let post = ask(&app, Request::post("/").header("If-None-Match", &tag));
    assert_eq!((post.status().as_u16(), post.header("etag")), (200, None));
    assert_eq!(get(&app, "/404").header("etag"), None);
    let own = ask(
        &app,
        Request::get("/own").header("If-None-Match", "\"own\""),
    );
    assert_eq!(
        (own.status().as_u16(), own.header("etag")),
        (304, Some("\"own\""))
    );
    let date = ("If-Modified-Since", "Fri, 01 Jan 1965 00:00:00 GMT");
    let dated = ask(&app, Request::get("/date").header(date.0, date.1));
    assert_eq!(dated.status(), 304);
    let matched = ask(&app, Request::get("/").header("If-Match", "\"other\""));
    assert_eq!(
        matched.status(),
        200,
        "as in Express: the content was made already"
    );

    app.settings(|settings| settings.etag = ETag::Strong);
    let strong = get(&app, "/");
    assert!(
        strong
            .header("etag")
            .is_some_and(|tag| tag.starts_with("\"5-")),
        "{strong:?}"
    );
    app.settings(|settings| settings.etag = ETag::Off);
    assert_eq!(get(&app, "/").header("etag"), None);
}

#[test]
fn some_statuses_have_no_content() {
    let mut app = App::new();
    app.get("/:status", async |req, res| {
        let status: u16 = req.param("status")?;
        Ok(res.status(status).send("content"))
    });
    for status in [204_u16, 205, 304] {
        let response = get(&app, &format!("/{status}"));
        assert_eq!(shown(&response), format!("{status} -: "));
    }
}

#[test]
fn a_status_is_its_own_text() {
    let mut app = App::new();
    app.get("/:status", async |req, res| {
        let status: u16 = req.param("status")?;
        Ok(res.send_status(status))
    });
    for (path, expected) in [
        ("/200", "200 text/plain; charset=utf-8: OK"),
        ("/404", "404 text/plain; charset=utf-8: Not Found"),
        ("/599", "599 text/plain; charset=utf-8: 599"),
        ("/204", "204 -: "),
    ] {
        assert_eq!(shown(&get(&app, path)), expected, "{path}");
    }
}

#[test]
fn json_follows_the_settings() {
    let mut app = App::new();
    app.get("/res", async |_req, res| {
        res.json(&serde_json::json!({ "a": "<b>" }))
    });
    app.get("/value", async |_req, _res| {
        Json(serde_json::json!({ "a": "<b>" }))
    });
    assert_eq!(get(&app, "/res").text(), r#"{"a":"<b>"}"#);
    app.settings(|settings| {
        settings.json_spaces = 1;
        settings.json_escape = true;
    });
    for path in ["/res", "/value"] {
        assert_eq!(
            shown(&get(&app, path)),
            "200 application/json: {\n \"a\": \"\\u003cb\\u003e\"\n}",
            "{path}"
        );
    }
}

#[test]
fn jsonp_calls_only_what_can_be_a_function() {
    let mut app = App::new();
    app.get("/", async |_req, res| {
        res.jsonp(&serde_json::json!({ "a": "\u{2028}" }))
    });
    let script = |function: &str| {
        let text =
            format!("/**/ typeof {function} === 'function' && {function}({{\"a\":\"\\u2028\"}});");
        format!("200 text/javascript; charset=utf-8: {text}")
    };
    let json = "200 application/json: {\"a\":\"\u{2028}\"}".to_owned();
    for (query, expected) in [
        ("", json.clone()),
        ("?callback=", json.clone()),
        ("?callback=()", json.clone()),
        ("?other=f", json.clone()),
        ("?callback=f", script("f")),
        ("?callback=f&callback=g", script("f")),
        ("?callback=a.b%5B0%5D.$c_", script("a.b[0].$c_")),
        ("?callback=alert(1)//<script>", script("alert1script")),
        ("?callback=%3Cscript%3E", script("script")),
    ] {
        let response = get(&app, &format!("/{query}"));
        assert_eq!(shown(&response), expected, "{query}");
        assert_eq!(
            response.header("x-content-type-options"),
            Some("nosniff"),
            "{query}"
        );
    }
    app.settings(|settings| settings.jsonp_callback_name = "cb".to_owned());
    assert_eq!(shown(&get(&app, "/?cb=f")), script("f"));
    assert_eq!(shown(&get(&app, "/?callback=f")), json);
}

#[test]
fn links_are_a_list() {
    let mut app = App::new();
    app.get("/", async |_req, res| {
        let res = res.links([("next", "/p?n=3"), ("last", "/p n>")]);
        res.links([("prev", "/p?n=1")])
            .links::<&str, &str>([])
            .send("")
    });
    app.get("/bad", async |_req, res| {
        res.links([("a\"; x", "/")]).send("")
    });
    let link = get(&app, "/").header("link").unwrap_or_default().to_owned();
    assert_eq!(
        link,
        r#"</p?n=3>; rel="next", </p%20n%3E>; rel="last", </p?n=1>; rel="prev""#
    );
    assert_eq!(get(&app, "/bad").status(), 500);
}

#[test]
fn vary_names_each_field_once() {
    let mut app = App::new();
    app.get("/", async |_req, res| {
        res.vary("Accept")
            .append("Vary", "Origin")
            .vary("accept, Accept-Encoding")
            .vary("")
            .send("")
    });
    app.get("/any", async |_req, res| {
        res.vary("Accept").vary("*").vary("Origin").send("")
    });
    assert_eq!(
        get(&app, "/").header("vary"),
        Some("Accept, Origin, Accept-Encoding")
    );
    assert_eq!(get(&app, "/any").header("vary"), Some("*"));
    assert_eq!(get(&app, "/").headers().get_all("vary").iter().count(), 1);
}

#[test]
fn a_location_is_encoded_once() {
    let mut app = App::new();
    app.get("/", async |_req, res| {
        res.status(201).location("/a b/%20é\r\nX: y").send("")
    });
    assert_eq!(
        get(&app, "/").header("location"),
        Some("/a%20b/%20%C3%A9%0D%0AX:%20y")
    );
}

#[test]
fn the_representation_is_the_one_that_the_client_prefers() {
    let mut app = App::new();
    app.get("/", async |_req, res| {
        res.format()
            .on("text", |res| res.send("text"))
            .on("html", |res| res.send("<p>html"))
            .on("application/json", |res| res.json("json"))
            .end()
    });
    app.get("/default", async |_req, res| {
        res.format()
            .on("json", |res| res.json("json"))
            .or_else(|res| res.send_status(406))
    });
    let by = |accept: &str| ask(&app, Request::get("/").header("Accept", accept));
    for (accept, expected) in [
        ("*/*", "200 text/plain; charset=utf-8: text"),
        ("text/html", "200 text/html; charset=utf-8: <p>html"),
        ("application/json", "200 application/json: \"json\""),
        (
            "text/html;q=0.5, application/json",
            "200 application/json: \"json\"",
        ),
        (
            "text/*;q=0.5, text/html",
            "200 text/html; charset=utf-8: <p>html",
        ),
    ] {
        let response = by(accept);
        assert_eq!(shown(&response), expected, "{accept}");
        assert_eq!(response.header("vary"), Some("Accept"));
    }
    assert_eq!(
        shown(&get(&app, "/")),
        "200 text/plain; charset=utf-8: text"
    );
    let none = by("image/png");
    assert_eq!(none.status(), 406);
    assert_eq!(
        none.text(),
        "expected an Accept field with one of text/plain; charset=utf-8, text/html; charset=utf-8, application/json\n"
    );
    let other = ask(&app, Request::get("/default").header("Accept", "image/png"));
    assert_eq!(
        shown(&other),
        "406 text/plain; charset=utf-8: Not Acceptable"
    );
}

#[test]
fn a_redirect_shows_where_it_leads() {
    let mut app = App::new();
    app.get("/", async |_req, res| res.redirect(302, "/a?b=<c>&d"));
    let by = |accept: &str| ask(&app, Request::get("/").header("Accept", accept));
    let html = by("text/html");
    assert_eq!(html.header("location"), Some("/a?b=%3Cc%3E&d"));
    assert_eq!(html.header("vary"), Some("Accept"));
    assert!(
        html.text().contains("<a href=\"/a?b=%3Cc%3E&amp;d\">"),
        "{}",
        html.text()
    );
    assert_eq!(
        html.header("content-type"),
        Some("text/html; charset=utf-8")
    );
    for accept in ["*/*", "application/json"] {
        assert_eq!(
            shown(&by(accept)),
            "302 text/plain; charset=utf-8: See /a?b=%3Cc%3E&d\n",
            "{accept}"
        );
    }
}

#[test]
fn a_download_has_a_name() {
    let directory = std::env::temp_dir().join(format!("hearken-download-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("report.txt");
    std::fs::write(&path, "0123456789").unwrap();
    let mut app = App::new();
    let of = path.clone();
    app.get("/own", async move |_req, res| res.download(&of, None).await);
    let of = path;
    app.get("/named", async move |_req, res| {
        res.download(&of, Some("Bericht für Mai.csv")).await
    });
    let of = directory.clone();
    app.get("/directory", async move |_req, res| {
        res.download(&of, None).await
    });
    app.get("/missing", async |_req, res| {
        res.download("no such file", None).await
    });
    let own = get(&app, "/own");
    assert_eq!(shown(&own), "200 text/plain; charset=utf-8: 0123456789");
    assert_eq!(
        own.header("content-disposition"),
        Some("attachment; filename=\"report.txt\"")
    );
    let named = get(&app, "/named");
    assert_eq!(
        named.header("content-disposition"),
        Some(
            "attachment; filename=\"Bericht f_r Mai.csv\"; filename*=UTF-8''Bericht%20f%C3%BCr%20Mai.csv"
        )
    );
    let part = ask(&app, Request::get("/own").header("Range", "bytes=2-4"));
    assert_eq!((part.status().as_u16(), part.text().as_ref()), (206, "234"));
    let tag = own.header("etag").unwrap();
    assert_eq!(
        ask(&app, Request::get("/own").header("If-None-Match", tag)).status(),
        304
    );
    for missing in ["/missing", "/directory"] {
        let response = get(&app, missing);
        assert_eq!(response.status(), 404, "{missing}");
        assert_eq!(response.header("content-disposition"), None, "{missing}");
    }
    std::fs::remove_dir_all(&directory).unwrap();
}
