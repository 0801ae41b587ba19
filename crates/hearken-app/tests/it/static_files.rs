//! Static files: what serve-static does, what it does not, and what must not come out of the root.

use crate::support::Tree;
use hearken::app::{App, DirectoryListing, Dotfiles, StaticFiles, Symlinks, prelude::*};
use hearken::test::{Request, Response, TestServer};
use std::time::Duration;

fn tree(name: &str) -> Tree {
    let tree = Tree::new(name);
    tree.write("secret.txt", "secret");
    tree.write("www/index.html", "<h1>root</h1>");
    tree.write("www/app.js", "let a = 1;");
    tree.write("www/digits.txt", "0123456789");
    tree.write("www/a b/é.txt", "accent");
    tree.write("www/docs/index.html", "docs");
    tree.write("www/about.html", "about");
    tree.write("www/empty/nested/x.txt", "x");
    tree.write("www/.env", "PASSWORD=1");
    tree.write("www/.git/config", "git");
    tree.write("www/page.php.bak", "source");
    tree.write("www/draft~", "draft");
    tree
}

fn served(files: StaticFiles) -> App {
    let mut app = App::new();
    app.with(files);
    app.all("/*rest", async |_req, res| res.status(404).end("next"));
    app
}

fn get(app: &App, path: &str) -> Response {
    app.inject(Request::get(path)).expect(path)
}

fn shown(response: &Response) -> String {
    format!("{} {}", response.status().as_u16(), response.text())
}

#[test]
fn a_file_has_its_type_its_validators_and_its_length() {
    let tree = tree("plain");
    let app = served(StaticFiles::new(tree.path("www")));
    let response = get(&app, "/app.js");
    assert_eq!(shown(&response), "200 let a = 1;");
    for (name, expected) in [
        ("content-type", "text/javascript; charset=utf-8"),
        ("content-length", "10"),
        ("accept-ranges", "bytes"),
        ("cache-control", "public, max-age=0"),
        ("x-content-type-options", "nosniff"),
    ] {
        assert_eq!(response.header(name), Some(expected), "{name}");
    }
    let etag = response.header("etag").expect("an ETag").to_owned();
    assert!(etag.starts_with('"'), "{etag} is strong");
    assert!(response.header("last-modified").is_some());
    assert_eq!(response.header("vary"), None);

    let again = app
        .inject(Request::get("/app.js").header("If-None-Match", &etag))
        .expect("304");
    assert_eq!(shown(&again), "304 ");
    assert_eq!(again.header("etag"), Some(etag.as_str()));
    assert_eq!(again.header("cache-control"), Some("public, max-age=0"));

    let head = app
        .inject(Request::new(hearken::Method::HEAD, "/app.js"))
        .expect("HEAD");
    assert_eq!(
        (shown(&head).as_str(), head.header("content-length")),
        ("200 ", Some("10"))
    );
    assert_eq!(shown(&get(&app, "/a%20b/%C3%A9.txt")), "200 accent");
    assert_eq!(shown(&get(&app, "/app.js?v=1%23x")), "200 let a = 1;");
}

#[test]
fn ranges_are_answered_and_errors_are_not_kept_by_caches() {
    let tree = tree("ranges");
    let year = Duration::from_secs(400 * 24 * 60 * 60);
    let app = served(
        StaticFiles::new(tree.path("www"))
            .max_age(year)
            .immutable(true),
    );
    let ranged = |range: &str| {
        app.inject(Request::get("/digits.txt").header("Range", range))
            .expect(range)
    };
    let one = ranged("bytes=2-4");
    assert_eq!(shown(&one), "206 234");
    assert_eq!(one.header("content-range"), Some("bytes 2-4/10"));
    assert_eq!(
        one.header("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    assert_eq!(shown(&ranged("bytes=-3")), "206 789");
    assert_eq!(shown(&ranged("bytes=-300")), "206 0123456789");
    let two = ranged("bytes=0-0,9-9");
    assert!(
        two.header("content-type")
            .is_some_and(|value| value.starts_with("multipart/byteranges"))
    );
    for range in [
        "bytes=0-5,3-9",
        "bytes=5-2",
        "lines=1-2",
        "bytes=0-18446744073709551616,0-1",
    ] {
        assert_eq!(shown(&ranged(range)), "200 0123456789", "{range}");
    }
    let many: Vec<_> = (0..17).map(|_| "0-0").collect();
    assert_eq!(ranged(&format!("bytes={}", many.join(","))).status(), 200);
    let none = ranged("bytes=10-");
    assert_eq!(
        (shown(&none).as_str(), none.header("content-range")),
        ("416 ", Some("bytes */10"))
    );
    assert_eq!(none.header("cache-control"), None);
    let failed = app
        .inject(Request::get("/digits.txt").header("If-Match", "\"x\""))
        .expect("412");
    assert_eq!(
        (failed.status().as_u16(), failed.header("cache-control")),
        (412, None)
    );
    let post = app
        .inject(Request::post("/digits.txt").header("Range", "bytes=0-1"))
        .expect("POST");
    assert_eq!(shown(&post), "404 next");

    let without = served(StaticFiles::new(tree.path("www")).accept_ranges(false));
    let whole = without
        .inject(Request::get("/digits.txt").header("Range", "bytes=2-4"))
        .expect("whole");
    assert_eq!(
        (shown(&whole).as_str(), whole.header("accept-ranges")),
        ("200 0123456789", None)
    );
}

#[test]
fn fields_can_be_left_out_and_set() {
    let tree = tree("fields");
    let bare = StaticFiles::new(tree.path("www"))
        .etag(false)
        .last_modified(false)
        .cache_control(false);
    let response = get(&served(bare), "/app.js");
    for name in ["etag", "last-modified", "cache-control"] {
        assert_eq!(response.header(name), None, "{name}");
    }
    let set = StaticFiles::new(tree.path("www")).set_headers(|res, file| {
        res.set(
            "X-File",
            format!("{} {}", file.path(), file.metadata().len()),
        )
        .set("Cache-Control", "private")
        .set("Content-Type", "text/plain")
    });
    let response = get(&served(set), "/docs/");
    assert_eq!(response.header("x-file"), Some("docs/index.html 4"));
    assert_eq!(response.header("cache-control"), Some("private"));
    assert_eq!(response.header("content-type"), Some("text/plain"));
}

#[test]
fn a_directory_is_redirected_and_answered_by_its_index() {
    let tree = tree("index");
    let app = served(StaticFiles::new(tree.path("www")).index(["no.html", "index.html"]));
    assert_eq!(shown(&get(&app, "/")), "200 <h1>root</h1>");
    assert_eq!(shown(&get(&app, "/docs/")), "200 docs");
    let redirect = get(&app, "/docs?a=b&c");
    assert_eq!(
        (redirect.status().as_u16(), redirect.header("location")),
        (301, Some("/docs/?a=b&c"))
    );
    assert_eq!(
        redirect.header("content-security-policy"),
        Some("default-src 'none'")
    );
    assert_eq!(shown(&get(&app, "/empty/")), "404 next");
    assert_eq!(shown(&get(&app, "/app.js/")), "404 next");

    let none: [&str; 0] = [];
    let app = served(
        StaticFiles::new(tree.path("www"))
            .index(none)
            .redirect(false),
    );
    assert_eq!(shown(&get(&app, "/docs/")), "404 next");
    assert_eq!(shown(&get(&app, "/docs")), "404 next");
}

#[test]
fn paths_count_from_where_the_files_are_mounted() {
    let tree = tree("mounted");
    let mut inner = Router::new();
    inner.with(StaticFiles::new(tree.path("www")));
    let mut app = App::new();
    app.with_at("/static", StaticFiles::new(tree.path("www")));
    app.mount("/in/:name", inner);
    app.all("/*rest", async |_req, res| res.status(404).end("next"));
    for path in [
        "/static/app.js",
        "/STATIC/app.js",
        "/in/a%2Fb/app.js",
        "/st%61tic/app.js",
    ] {
        assert_eq!(shown(&get(&app, path)), "200 let a = 1;", "{path}");
    }
    assert_eq!(shown(&get(&app, "/static/")), "200 <h1>root</h1>");
    assert_eq!(get(&app, "/static").header("location"), Some("/static/"));
    assert_eq!(
        get(&app, "/in/x/docs").header("location"),
        Some("/in/x/docs/")
    );
    for path in [
        "/app.js",
        "/staticapp.js",
        "/static//app.js",
        "//static/app.js",
    ] {
        assert_eq!(shown(&get(&app, path)), "404 next", "{path}");
    }
}

#[test]
fn endings_are_tried_when_there_is_no_file() {
    let tree = tree("endings");
    tree.write("www/both", "plain");
    tree.write("www/both.html", "html");
    let app = served(StaticFiles::new(tree.path("www")).extensions(["htm", "html"]));
    assert_eq!(shown(&get(&app, "/about")), "200 about");
    assert_eq!(
        get(&app, "/about").header("content-type"),
        Some("text/html; charset=utf-8")
    );
    assert_eq!(shown(&get(&app, "/both")), "200 plain");
    assert_eq!(shown(&get(&app, "/nothing")), "404 next");
    assert_eq!(shown(&get(&app, "/about/")), "404 next");
}

#[test]
fn what_is_not_there_goes_on_or_is_answered() {
    let tree = tree("fallthrough");
    let app = served(StaticFiles::new(tree.path("www")));
    assert_eq!(shown(&get(&app, "/nothing")), "404 next");
    assert_eq!(
        shown(&app.inject(Request::post("/app.js")).expect("POST")),
        "404 next"
    );

    let app = served(StaticFiles::new(tree.path("www")).fallthrough(false));
    let missing = get(&app, "/nothing");
    assert_eq!(shown(&missing), "404 Cannot GET /nothing\n");
    let post = app.inject(Request::post("/app.js")).expect("POST");
    assert_eq!(
        (post.status().as_u16(), post.header("allow")),
        (405, Some("GET, HEAD"))
    );
    let nowhere = served(StaticFiles::new(tree.path("nowhere")).fallthrough(false));
    assert_eq!(get(&nowhere, "/x").status(), 404);
}

/// CVE-2021-41773, CVE-2021-42013 and their kind: each form names no file, whatever is below the root.
#[test]
fn no_path_leads_out_of_the_root() {
    let tree = tree("traversal");
    tree.write("www/docs/%2e%2e", "odd");
    let app = served(StaticFiles::new(tree.path("www")).spa("index.html"));
    for path in [
        "/../secret.txt",
        "/docs/../../secret.txt",
        "/docs/../app.js",
        "/%2e%2e/secret.txt",
        "/.%2e/secret.txt",
        "/%2E./secret.txt",
        "/..%2fsecret.txt",
        "/..%5csecret.txt",
        "/docs%2findex.html",
        "/docs%2Findex.html",
        "/docs%5cindex.html",
        "/%252e%252e/secret.txt",
        "/..%252fsecret.txt",
        "/./app.js",
        "//app.js",
        "/docs//index.html",
        "/app.js%00.txt",
        "/%00",
        "/app.js%0a",
    ] {
        let response = get(&app, path);
        let text = response.text();
        assert_eq!(shown(&response), "404 next", "{path}: {text}");
    }
    // Decoded once: `%25` is a percent sign in a name.
    assert_eq!(shown(&get(&app, "/docs/%252e%252e")), "200 odd");
    // Overlong UTF-8 is no UTF-8.
    for path in ["/%c0%ae%c0%ae/secret.txt", "/%c0%afetc", "/%ff"] {
        assert_eq!(get(&app, path).status(), 400, "{path}");
    }
    // As raw bytes, which clients never send.
    let server = TestServer::new(&app.server().expect("a server"));
    for path in [
        "/..\\secret.txt",
        "/../secret.txt",
        "http://a/../secret.txt",
    ] {
        let mut connection = server.connect();
        connection.send(format!(
            "GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        ));
        server.settle();
        let received = connection.received();
        assert!(received.starts_with("HTTP/1.1 4"), "{path}: {received}");
    }
}

/// Windows opens another file than the name says for each of these.
#[test]
fn names_of_windows_are_rejected_on_every_system() {
    let tree = tree("windows");
    for name in ["x:y", "nul.txt", "COM1", "a.", "b ", "PROGRA~1", "aux"] {
        tree.write(&format!("www/{name}"), "never");
    }
    let app = served(StaticFiles::new(tree.path("www")));
    for path in [
        "/C:/secret.txt",
        "/x:y",
        "/app.js::$DATA",
        "/app.js:stream",
        "/nul.txt",
        "/COM1",
        "/aux",
        "/a.",
        "/b%20",
        "/app.js.",
        "/PROGRA~1",
        "/%5C%5Chost%5Cshare",
    ] {
        assert_eq!(shown(&get(&app, path)), "404 next", "{path}");
    }
}

#[test]
fn links_do_not_lead_out_of_the_root() {
    let tree = tree("links");
    tree.link("../secret.txt", "www/out.txt");
    tree.link(
        &tree.path("secret.txt").display().to_string(),
        "www/absolute.txt",
    );
    tree.link("..", "www/up");
    tree.link("app.js", "www/in.js");
    tree.link(
        &tree.path("www/app.js").display().to_string(),
        "www/absolute.js",
    );
    tree.link("loop", "www/loop");
    let app = served(StaticFiles::new(tree.path("www")));
    for path in [
        "/out.txt",
        "/absolute.txt",
        "/up/secret.txt",
        "/up/",
        "/loop",
    ] {
        assert_eq!(shown(&get(&app, path)), "404 next", "{path}");
    }
    for path in ["/in.js", "/absolute.js"] {
        assert_eq!(shown(&get(&app, path)), "200 let a = 1;", "{path}");
    }
    let never = served(StaticFiles::new(tree.path("www")).symlinks(Symlinks::Never));
    assert_eq!(shown(&get(&never, "/in.js")), "404 next");
    let everywhere = served(StaticFiles::new(tree.path("www")).symlinks(Symlinks::Everywhere));
    assert_eq!(shown(&get(&everywhere, "/out.txt")), "200 secret");
    assert_eq!(shown(&get(&everywhere, "/../secret.txt")), "404 next");
}

#[test]
fn hidden_files_are_not_served_unless_they_are_allowed() {
    let tree = tree("hidden");
    let paths = [
        "/.env",
        "/%2eenv",
        "/.git/config",
        "/page.php.bak",
        "/draft~",
    ];
    let app = |dotfiles| served(StaticFiles::new(tree.path("www")).dotfiles(dotfiles));
    for (dotfiles, expected) in [
        (Dotfiles::Ignore, 404),
        (Dotfiles::Deny, 403),
        (Dotfiles::Allow, 200),
    ] {
        let app = app(dotfiles);
        for path in paths {
            assert_eq!(get(&app, path).status(), expected, "{path} {dotfiles:?}");
        }
    }
    assert_eq!(get(&app(Dotfiles::Deny), "/.nothing").status(), 403);
}

/// Opening a FIFO for reading waits for a writer: the server must not.
#[test]
fn only_regular_files_are_sent() {
    let tree = tree("special");
    let made = std::process::Command::new("mkfifo")
        .arg(tree.path("www/fifo"))
        .status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo");
    let _socket =
        std::os::unix::net::UnixListener::bind(tree.path("www/socket")).expect("a socket");
    tree.link("/dev/zero", "www/zero");
    let listing = DirectoryListing::new();
    let everywhere = StaticFiles::new(tree.path("www")).symlinks(Symlinks::Everywhere);
    let app = served(everywhere.index(["fifo", "no"]).listing(listing));
    for path in ["/fifo", "/socket", "/zero"] {
        assert_eq!(shown(&get(&app, path)), "404 next", "{path}");
    }
    let listed = get(&app, "/").text().into_owned();
    for name in ["fifo", "socket", "zero"] {
        assert!(!listed.contains(name), "{name}");
    }
}

#[test]
fn a_redirect_stays_on_this_host() {
    let tree = tree("open-redirect");
    tree.write("www/evil.com/x", "x");
    let app = served(StaticFiles::new(tree.path("www")));
    assert_eq!(
        get(&app, "/evil.com").header("location"),
        Some("/evil.com/")
    );
    for path in [
        "//evil.com",
        "//evil.com/..",
        "/%2fevil.com",
        "/\\evil.com",
        "/%5cevil.com",
        "/%0a/evil.com",
    ] {
        let Ok(response) = app.inject(Request::get(path)) else {
            continue; // the protocol rejects it
        };
        assert_eq!(response.header("location"), None, "{path}");
    }
    let absolute = Request::get("http://evil.com/docs").header("Host", "evil.com");
    let response = app.inject(absolute).expect("a redirect");
    assert_eq!(response.header("location"), Some("/docs/"));
    let mut app = App::new();
    app.with_at("/:first", StaticFiles::new(tree.path("www")));
    for path in ["/%2Fevil.com", "/x%0d%0aSet-Cookie:a", "/%5Cevil.com"] {
        let response = get(&app, path);
        let location = response.header("location").unwrap_or("/").to_owned();
        assert!(
            location.starts_with('/') && !location.starts_with("//"),
            "{location}"
        );
        assert!(!location.contains(['\\', '\r', '\n']), "{location}");
        assert_eq!(response.header("set-cookie"), None);
    }
}

#[test]
fn the_best_compressed_sibling_is_sent() {
    let tree = tree("precompressed");
    tree.write("www/app.js.br", "as br");
    tree.write("www/app.js.gz", "as gz");
    tree.write("www/digits.txt.gz/x", "a directory is no sibling");
    let app = served(StaticFiles::new(tree.path("www")).precompressed(true));
    let asked = |accept: Option<&str>| {
        let request = Request::get("/app.js");
        let request = match accept {
            Some(accept) => request.header("Accept-Encoding", accept),
            None => request,
        };
        app.inject(request).expect("a response")
    };
    let mut tags = std::collections::HashSet::new();
    for (accept, text, coding) in [
        (None, "let a = 1;", None),
        (Some("gzip, br, zstd"), "as br", Some("br")),
        (Some("gzip;q=1, br;q=0.5"), "as gz", Some("gzip")),
        (Some("zstd, gzip;q=0.1"), "as gz", Some("gzip")),
        (Some("zstd"), "let a = 1;", None),
        (Some("identity, br;q=0.5"), "let a = 1;", None),
        (Some("br;q=0"), "let a = 1;", None),
        (Some("*"), "as br", Some("br")),
        (Some("identity;q=0, zstd"), "let a = 1;", None),
    ] {
        let response = asked(accept);
        assert_eq!(shown(&response), format!("200 {text}"), "{accept:?}");
        assert_eq!(response.header("content-encoding"), coding, "{accept:?}");
        assert_eq!(
            response.header("vary"),
            Some("Accept-Encoding"),
            "{accept:?}"
        );
        assert_eq!(
            response.header("content-type"),
            Some("text/javascript; charset=utf-8")
        );
        tags.insert(response.header("etag").expect("an ETag").to_owned());
    }
    assert_eq!(tags.len(), 3, "each coding has its own: {tags:?}");
    let etag = asked(Some("br"))
        .header("etag")
        .expect("an ETag")
        .to_owned();
    let request = |coding: &str| {
        let request = Request::get("/app.js").header("Accept-Encoding", coding);
        app.inject(request.header("If-None-Match", &etag))
            .expect("a response")
    };
    let same = request("br");
    assert_eq!(
        (same.status().as_u16(), same.header("vary")),
        (304, Some("Accept-Encoding"))
    );
    assert_eq!(request("gzip").status(), 200);
    let request = Request::get("/digits.txt").header("Accept-Encoding", "gzip");
    assert_eq!(
        shown(&app.inject(request).expect("a response")),
        "200 0123456789"
    );
}

#[test]
fn a_page_stands_in_for_what_is_not_there() {
    let tree = tree("spa");
    let files = StaticFiles::new(tree.path("www"))
        .spa("/index.html")
        .max_age(Duration::from_secs(60));
    let app = served(files);
    for path in ["/users/7", "/users/john.doe", "/users/", "/docs/x"] {
        let response = get(&app, path);
        assert_eq!(shown(&response), "200 <h1>root</h1>", "{path}");
        assert_eq!(response.header("cache-control"), Some("no-cache"));
        assert_eq!(response.header("vary"), Some("Accept"));
    }
    assert_eq!(
        get(&app, "/app.js").header("cache-control"),
        Some("public, max-age=60")
    );
    assert_eq!(shown(&get(&app, "/assets/gone.js")), "404 next");
    let json = Request::get("/users/7").header("Accept", "application/json");
    assert_eq!(shown(&app.inject(json).expect("a response")), "404 next");
    assert_eq!(
        shown(&app.inject(Request::post("/users/7")).expect("a response")),
        "404 next"
    );
    assert_eq!(shown(&get(&app, "/.env")), "404 next");
}

#[test]
fn a_handler_sends_files_of_its_root_only() {
    let tree = tree("handler");
    let files = StaticFiles::new(tree.path("www"));
    let mut app = App::new();
    let sent = files.clone();
    app.get("/send/*path", async move |req, res| {
        let path: String = req.param("path")?;
        sent.send(&req, res, &path).await
    });
    app.get("/download", async move |req, res| {
        files.download(&req, res, "app.js", Some("é.js")).await
    });
    assert_eq!(shown(&get(&app, "/send/a%20b/%C3%A9.txt")), "200 accent");
    assert_eq!(shown(&get(&app, "/send/docs%2Findex.html")), "200 docs");
    let part = app
        .inject(Request::get("/send/digits.txt").header("Range", "bytes=1-2"))
        .expect("206");
    assert_eq!(shown(&part), "206 12");
    for path in [
        "..%2Fsecret.txt",
        "%2e%2e/secret.txt",
        "docs",
        "nothing",
        ".env",
        "%2Fetc%2Fpasswd",
        "a%5Cb",
    ] {
        assert_eq!(get(&app, &format!("/send/{path}")).status(), 404, "{path}");
    }
    let download = get(&app, "/download");
    let disposition = download.header("content-disposition");
    assert_eq!(
        disposition,
        Some("attachment; filename=\"_.js\"; filename*=UTF-8''%C3%A9.js")
    );
    assert_eq!(shown(&download), "200 let a = 1;");
}
