//! `hearken serve --upload`.

use super::client::{Answer, Client};
use super::serve::{Tree, curl, seen};

fn put(client: &mut Client, path: &str, content: &str, fields: &str) -> Answer {
    let length = content.len();
    client.send(format!(
        "PUT {path} HTTP/1.1\r\nHost: localhost\r\n{fields}Content-Length: {length}\r\n\r\n{content}"
    ));
    client.answer("PUT")
}

/// A form with these files.
fn post(client: &mut Client, path: &str, files: &[(&str, &str)], fields: &str) -> Answer {
    let mut form = String::new();
    for (name, content) in files {
        form += &format!(
            "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n{content}\r\n"
        );
    }
    form += "--xyz--\r\n";
    client.send(format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=xyz\r\n{fields}Content-Length: {}\r\n\r\n{form}",
        form.len()
    ));
    client.answer("POST")
}

/// What is in `www`, half-received files included.
fn names(tree: &Tree) -> Vec<String> {
    let entries = std::fs::read_dir(tree.path("www")).expect("a directory");
    let name = |entry: std::io::Result<std::fs::DirEntry>| entry.expect("an entry").file_name();
    let mut names: Vec<_> = entries
        .map(|entry| name(entry).to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn nothing_is_received_unless_it_was_asked_for() {
    let tree = Tree::new("no-upload");
    let program = tree.serve(&[]);
    let mut client = program.connect();
    assert_eq!(put(&mut client, "/new.txt", "new", "").status, 405);
    assert_eq!(
        post(&mut program.connect(), "/", &[("new.txt", "new")], "").status,
        405
    );
    assert!(!program.connect().get("/").text().contains("type=\"file\""));
    assert_eq!(names(&tree), [".env", "a.txt", "sub"]);
}

#[test]
fn put_stores_a_file_and_overwrites_none() {
    let tree = Tree::new("put");
    let program = tree.serve(&["--upload"]);
    let mut client = program.connect();
    let stored = put(&mut client, "/sub/n%C3%A9w%20file.txt", "content", "");
    assert_eq!(seen(&stored), (201, "stored n\u{e9}w file.txt, 7 bytes\n"));
    assert_eq!(stored.field("location"), Some("/sub/n%C3%A9w%20file.txt"));
    assert_eq!(
        tree.read("www/sub/n\u{e9}w file.txt").as_deref(),
        Some("content")
    );
    assert_eq!(
        seen(&client.get("/sub/n%C3%A9w%20file.txt")),
        (200, "content")
    );
    let again = put(&mut client, "/a.txt", "other", "");
    assert_eq!(again.status, 409, "{}", again.text());
    assert_eq!(tree.read("www/a.txt").as_deref(), Some("0123456789"));
    assert_eq!(put(&mut client, "/sub", "x", "").status, 409);
    assert_eq!(put(&mut client, "/none/x.txt", "x", "").status, 404);

    let program = tree.serve(&["--upload", "--upload-overwrite"]);
    let mut client = program.connect();
    assert_eq!(put(&mut client, "/a.txt", "other", "").status, 200);
    assert_eq!(tree.read("www/a.txt").as_deref(), Some("other"));
    assert_eq!(put(&mut client, "/sub", "x", "").status, 409);
    assert_eq!(names(&tree), [".env", "a.txt", "sub"]);
}

#[test]
fn no_upload_leaves_the_root() {
    let tree = Tree::new("upload-outside");
    std::os::unix::fs::symlink("..", tree.path("www/up")).expect("a link");
    std::os::unix::fs::symlink("../secret.txt", tree.path("www/link.txt")).expect("a link");
    let program = tree.serve(&["--upload", "--upload-overwrite"]);
    for path in [
        "/../x",
        "/%2e%2e/x",
        "/..%2fx",
        "/up/x",
        "/.x",
        "/x~",
        "/nul",
        "/x/",
        "/a%00",
    ] {
        let answer = put(&mut program.connect(), path, "x", "");
        assert!(
            matches!(answer.status, 400 | 404),
            "{path}: {}",
            answer.status
        );
    }
    // The link is replaced, not the file behind it.
    assert_eq!(
        put(&mut program.connect(), "/link.txt", "mine", "").status,
        200
    );
    assert_eq!(tree.read("secret.txt").as_deref(), Some("secret"));
    // Paths of some browsers are cut to their last part.
    let stored = post(
        &mut program.connect(),
        "/",
        &[("../../evil.txt", "e"), ("C:\\x\\f.txt", "f")],
        "",
    );
    assert_eq!(
        seen(&stored),
        (201, "stored evil.txt, 1 bytes\nstored f.txt, 1 bytes\n")
    );
    for name in ["..", ".htaccess", "x\u{1}y", "con"] {
        let answer = post(&mut program.connect(), "/", &[(name, "x")], "");
        assert_eq!(answer.status, 400, "{name:?}: {}", answer.text());
    }
    assert_eq!(
        names(&tree),
        [
            ".env", "a.txt", "evil.txt", "f.txt", "link.txt", "sub", "up"
        ]
    );
}

#[test]
fn an_upload_has_a_limit_and_leaves_nothing_behind() {
    let tree = Tree::new("upload-limit");
    let program = tree.serve(&["--upload", "--upload-max", "10"]);
    assert_eq!(
        put(&mut program.connect(), "/ten.txt", "0123456789", "").status,
        201
    );
    let large = put(&mut program.connect(), "/large.txt", "0123456789a", "");
    assert_eq!(large.status, 413, "{}", large.text());
    assert!(
        large.text().contains("at most 10 bytes"),
        "{}",
        large.text()
    );
    let form = post(
        &mut program.connect(),
        "/",
        &[("large.txt", "0123456789a")],
        "",
    );
    assert_eq!(form.status, 413);
    // Chunked: the length is not announced.
    let mut client = program.connect();
    client.send("PUT /c.txt HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n");
    assert_eq!(client.answer("PUT").status, 413);
    let part = put(
        &mut program.connect(),
        "/p.txt",
        "x",
        "Content-Range: bytes 1-1/2\r\n",
    );
    assert_eq!(part.status, 400);
    // One that breaks off.
    let mut client = program.connect();
    client.send("PUT /half.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 9\r\n\r\nhalf");
    client.finish();
    let _ = client.cut();
    // The file of a request that broke off is removed by another thread.
    let expected = [".env", "a.txt", "sub", "ten.txt"];
    let mut turns = (0..500).map(|_| program.connect().get("/").status);
    while names(&tree) != expected {
        assert_eq!(turns.next(), Some(200), "left behind: {:?}", names(&tree));
    }
}

#[test]
fn other_sites_cannot_send_files() {
    let tree = Tree::new("upload-sites");
    let program = tree.serve(&["--upload"]);
    let host = program.url.trim_start_matches("http://").to_owned();
    let send = |host: &str, fields: &str| {
        let mut client = program.connect();
        client.send(format!(
            "PUT /x.txt HTTP/1.1\r\nHost: {host}\r\n{fields}Content-Length: 1\r\n\r\nx"
        ));
        client.answer("PUT").status
    };
    for (name, fields) in [
        (host.as_str(), "Origin: http://evil.test\r\n"),
        (&host, "Origin: null\r\n"),
        (&host, "Sec-Fetch-Site: cross-site\r\n"),
        (&host, "Sec-Fetch-Site: same-site\r\n"),
        // DNS rebinding: of one origin with us by the name of the attacker.
        (
            "evil.test:8080",
            "Origin: http://evil.test:8080\r\nSec-Fetch-Site: same-origin\r\n",
        ),
    ] {
        assert_eq!(send(name, fields), 403, "{fields}");
    }
    assert_eq!(tree.read("www/x.txt"), None);
    let own = format!("Origin: http://{host}\r\nSec-Fetch-Site: same-origin\r\n");
    assert_eq!(send(&host, &own), 201);
}

#[test]
fn a_browser_gets_back_to_the_listing() {
    let tree = Tree::new("upload-form");
    tree.write("www/index.html", "<script>run()</script>");
    let program = tree.serve(&["--upload"]);
    let mut client = program.connect();
    let listing = client.get("/sub/");
    assert!(
        listing.text().contains("enctype=\"multipart/form-data\""),
        "{}",
        listing.text()
    );
    let accept = "Accept: text/html,*/*;q=0.8\r\n";
    let stored = post(
        &mut client,
        "/sub/",
        &[("c.txt", "c"), ("d.svg", "<svg/>")],
        accept,
    );
    assert_eq!((stored.status, stored.field("location")), (303, Some("./")));
    assert_eq!(tree.read("www/sub/c.txt").as_deref(), Some("c"));
    let empty = post(&mut client, "/sub/", &[("", "")], accept);
    assert_eq!(empty.status, 400);
    assert_eq!(post(&mut client, "/sub", &[("e.txt", "e")], "").status, 405);
    // What may run in a browser is a download, and no index hides the listing.
    for path in ["/sub/d.svg", "/index.html"] {
        let file = client.get(path);
        assert!(
            file.field("content-disposition")
                .is_some_and(|value| value.starts_with("attachment")),
            "{path}"
        );
        assert_eq!(file.field("content-security-policy"), Some("sandbox"));
    }
    assert!(client.get("/").text().contains("index.html"));
    assert_eq!(client.get("/sub/c.txt").field("content-disposition"), None);
}

#[test]
fn curl_uploads_by_put_and_by_a_form() {
    let tree = Tree::new("upload-curl");
    tree.write("here/up.bin", &"x".repeat(3_000_000));
    let program = tree.serve(&["--upload"]);
    let url = format!("{}/sub/", program.url);
    let here = tree.path("here");
    let Some(stored) = curl(&["-T", "up.bin", &url], &here) else {
        return;
    };
    assert_eq!(stored, "stored up.bin, 3000000 bytes\n");
    let form = curl(&["-F", "file=@up.bin;filename=form.bin", &url], &here);
    assert_eq!(form.as_deref(), Some("stored form.bin, 3000000 bytes\n"));
    assert_eq!(tree.read("www/sub/form.bin"), tree.read("here/up.bin"));
}
