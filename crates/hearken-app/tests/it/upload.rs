//! Forms with files: where they go, what is refused, and what stays on disk.

use crate::support::ask;
use hearken::app::{Upload, prelude::*};
use hearken::test::{Request, Response, TestServer};
use serde_json::Value;
use std::path::Path;

/// A part of a form: name, name of the file, content.
type Part<'a> = (&'a str, Option<&'a str>, &'a str);

fn form(parts: &[Part<'_>]) -> Request {
    let mut body = String::new();
    for (name, file, content) in parts {
        body += &format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"");
        if let Some(file) = file {
            body += &format!("; filename=\"{file}\"\r\nContent-Type: text/x");
        }
        body += &format!("\r\n\r\n{content}\r\n");
    }
    Request::post("/")
        .header("Content-Type", "multipart/form-data; boundary=XX")
        .header("Accept", "application/json")
        .body(body + "--XX--\r\n")
}

/// An application that lists what it has received.
fn app(upload: Upload) -> App {
    let mut app = App::new();
    app.post("/", async move |mut req, res| {
        let form = upload.receive(&mut req).await?;
        let mut listed = String::new();
        for (name, value) in form.fields() {
            listed += &format!("{name}={value}\n");
        }
        for file in form.files() {
            let content = match (file.bytes(), file.path()) {
                (Some(bytes), None) => String::from_utf8_lossy(bytes).into_owned(),
                (None, Some(path)) => std::fs::read_to_string(path)?,
                other => panic!("{other:?}"),
            };
            assert_eq!(content.len() as u64, file.len());
            let (field, kind) = (file.field(), file.content_type().unwrap_or("none"));
            listed += &format!(
                "{field}: {} {} {kind} {content:?}\n",
                file.original_name(),
                file.file_name()
            );
        }
        Ok(res.end(listed))
    });
    app
}

fn entries(directory: &Path) -> usize {
    std::fs::read_dir(directory).unwrap().count()
}

#[track_caller]
fn check(response: &Response, status: u16, code: &str) {
    let problem: Value = response.json().unwrap_or_default();
    assert_eq!(
        (response.status().as_u16(), problem["code"].as_str()),
        (status, Some(code))
    );
}

#[test]
fn files_and_fields_come_in_the_order_of_the_form() {
    let directory = tempfile::tempdir().unwrap();
    let upload = Upload::new().single("a").array("b", 2);
    let request = || {
        form(&[
            ("title", None, "one"),
            ("b", Some("../x.txt"), "first"),
            ("title", None, "é"),
            ("a", Some("a.txt"), ""),
            ("b", Some("y.txt"), "second"),
        ])
    };
    let expected = "title=one\ntitle=é\nb: ../x.txt x.txt text/x \"first\"\na: a.txt a.txt text/x \"\"\n\
                    b: y.txt y.txt text/x \"second\"\n";
    let on_disk = upload.clone().directory(directory.path());
    assert_eq!(ask(&app(on_disk), request()).text(), expected);
    assert_eq!(
        entries(directory.path()),
        0,
        "files that are not kept are removed"
    );
    assert_eq!(ask(&app(upload.in_memory()), request()).text(), expected);
}

#[test]
fn a_file_that_is_kept_stays() {
    let directory = tempfile::tempdir().unwrap();
    let (parts, target) = (
        directory.path().join("parts"),
        directory.path().join("kept.txt"),
    );
    std::fs::create_dir(&parts).unwrap();
    for upload in [
        Upload::new().single("a").directory(&parts),
        Upload::new().single("a").in_memory(),
    ] {
        let mut app = App::new();
        let to = target.clone();
        app.post("/", async move |mut req, res| {
            let mut form = upload.receive(&mut req).await?;
            let file = form
                .take_file("a")
                .ok_or_else(|| Failure::new(400, "expected a file"))?;
            assert!(form.file("a").is_none());
            file.keep(&to).await?;
            Ok(res.end(""))
        });
        let request = || form(&[("a", Some("a.txt"), "hello")]);
        assert_eq!(ask(&app, request()).status(), 200);
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "hello");
        assert_eq!(ask(&app, request()).status(), 500, "nothing is overwritten");
        assert_eq!(entries(&parts), 0);
        assert_eq!(entries(directory.path()), 2);
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&target).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::remove_file(&target).unwrap();
    }
}

#[test]
fn each_bound_has_the_code_of_multer() {
    let directory = tempfile::tempdir().unwrap();
    let base = Upload::new()
        .single("a")
        .array("b", 3)
        .directory(directory.path());
    let refused = |upload: Upload, parts: &[Part<'_>], status, code| {
        check(&ask(&app(upload), form(parts)), status, code);
        assert_eq!(entries(directory.path()), 0, "{code}");
    };
    let file = |name| (name, Some("x"), "0123456789");
    refused(base.clone(), &[file("c")], 400, "LIMIT_UNEXPECTED_FILE");
    refused(
        base.clone(),
        &[file("a"), file("a")],
        400,
        "LIMIT_UNEXPECTED_FILE",
    );
    refused(Upload::new(), &[file("a")], 400, "LIMIT_UNEXPECTED_FILE");
    refused(
        base.clone().file_bytes_max(9),
        &[file("b"), file("a")],
        413,
        "LIMIT_FILE_SIZE",
    );
    refused(
        base.clone().files_max(2),
        &[file("b"); 3],
        400,
        "LIMIT_FILE_COUNT",
    );
    refused(
        base.clone().fields_max(1),
        &[("x", None, "1"), ("y", None, "2")],
        400,
        "LIMIT_FIELD_COUNT",
    );
    refused(
        base.clone().field_bytes_max(9),
        &[("x", None, "0123456789")],
        413,
        "LIMIT_FIELD_VALUE",
    );
    refused(
        base.clone().field_name_bytes_max(2),
        &[file("b"), ("xyz", None, "")],
        400,
        "LIMIT_FIELD_KEY",
    );
    refused(base.clone(), &[("", None, "1")], 400, "MISSING_FIELD_NAME");
    refused(
        base.bytes_max(200),
        &[file("b"), ("x", None, &"x".repeat(200))],
        413,
        "entity.too.large",
    );
}

#[test]
fn a_form_at_the_bounds_is_taken() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name| (name, Some("x"), "0123456789");
    let base = Upload::new()
        .single("a")
        .array("b", 3)
        .directory(directory.path());
    let at_the_bounds = base
        .clone()
        .file_bytes_max(10)
        .files_max(3)
        .fields_max(1)
        .field_bytes_max(1);
    let parts = [file("b"), file("b"), file("b"), ("x", None, "1")];
    assert_eq!(ask(&app(at_the_bounds), form(&parts)).status(), 200);
    let any = ask(
        &app(Upload::new().any().in_memory()),
        form(&[file("whatever")]),
    );
    assert_eq!(any.status(), 200);
    let other = Request::post("/")
        .header("Content-Type", "text/plain")
        .body("x");
    assert_eq!(ask(&app(base), other).status(), 415);
}

#[test]
fn a_filter_skips_or_refuses_files() {
    let upload = Upload::new()
        .any()
        .in_memory()
        .filter(|file| match file.original_name() {
            "bad" => Err(Failure::new(415, "expected another file").with_code("own")),
            name => Ok(name != "skipped"),
        });
    let app = app(upload);
    let parts = [
        ("a", Some("skipped"), "1"),
        ("b", Some("kept"), "2"),
        ("c", None, "3"),
    ];
    assert_eq!(
        ask(&app, form(&parts)).text(),
        "c=3\nb: kept kept text/x \"2\"\n"
    );
    check(&ask(&app, form(&[("a", Some("bad"), "1")])), 415, "own");
}

#[test]
fn an_input_without_a_chosen_file_is_no_file() {
    let app = app(Upload::new().single("a").in_memory());
    assert_eq!(
        ask(&app, form(&[("a", Some(""), ""), ("b", None, "1")])).text(),
        "b=1\n"
    );
}

#[test]
fn a_handler_gets_a_file_as_it_arrives() {
    let mut app = App::new();
    let upload = Upload::new().any().file_bytes_max(100);
    app.post("/", async move |mut req, res| {
        let mut listed = String::new();
        let form = upload
            .receive_with(&mut req, async |file| {
                listed += file.head().field();
                if file.head().field() == "ignored" {
                    return Ok(());
                }
                while let Some(piece) = file.data().await? {
                    listed += &String::from_utf8_lossy(&piece);
                }
                Ok(())
            })
            .await?;
        Ok(res.end(format!("{listed} {:?}", form.fields())))
    });
    let parts = [
        ("a", Some("x"), "1"),
        ("ignored", Some("x"), "2"),
        ("c", None, "3"),
        ("d", Some("x"), "4"),
    ];
    assert_eq!(
        ask(&app, form(&parts)).text(),
        "a1ignoredd4 [(\"c\", \"3\")]"
    );
    let large = "x".repeat(101);
    check(
        &ask(&app, form(&[("a", Some("x"), &large)])),
        413,
        "LIMIT_FILE_SIZE",
    );
}

#[test]
fn a_client_that_leaves_leaves_no_file() {
    let directory = tempfile::tempdir().unwrap();
    let app = app(Upload::new().single("a").directory(directory.path()));
    let server = TestServer::new(&app.server().unwrap());
    let mut client = server.connect();
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=XX\r\nContent-Length: 1000\r\n\r\n");
    client
        .send("--XX\r\nContent-Disposition: form-data; name=\"a\"; filename=\"x\"\r\n\r\nhello, ");
    let mut patience = 0;
    while entries(directory.path()) == 0 && patience < 500 {
        std::thread::sleep(std::time::Duration::from_millis(2));
        server.settle();
        patience += 1;
    }
    assert_eq!(entries(directory.path()), 1, "the file is being received");
    client.reset();
    while entries(directory.path()) > 0 && patience < 1000 {
        std::thread::sleep(std::time::Duration::from_millis(2));
        server.settle();
        patience += 1;
    }
    assert_eq!(entries(directory.path()), 0);
}
