//! Forms with files, as a server receives them.

use super::*;
use crate::fetch::{Form, Part};

/// A file in the directory for temporary files, removed when it is dropped.
struct Temporary(std::path::PathBuf);

impl Temporary {
    fn new(name: &str, content: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("hearken-{}-{name}", std::process::id()));
        std::fs::write(&path, content).expect("a file");
        Self(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// The request of a form, with its boundary replaced by a B.
async fn sent(form: Form) -> String {
    let mut server = Server::once(answer("200 OK", "", "")).await;
    post(server.url("/"))
        .multipart(form)
        .await
        .expect("an answer");
    let asked = server.asked().await.expect("a request");
    let (_, rest) = asked
        .split_once("multipart/form-data; boundary=")
        .expect("a boundary");
    let boundary = rest.lines().next().expect("a line").to_owned();
    assert!(boundary.len() <= 70, "{boundary}");
    asked.replace(&boundary, "B")
}

#[tokio::test]
async fn values_and_files() {
    let file = Temporary::new("a.bin", b"\x00bytes");
    let name = file
        .0
        .file_name()
        .and_then(|name| name.to_str())
        .expect("a name");
    let form = Form::new()
        .text("title", "Tag & Nacht")
        .file("photo", &file.0)
        .part("table", Part::new("1").file_name("t.CSV"))
        .part(
            "notes",
            Part::new("x")
                .file_name("n.md")
                .content_type("text/markdown"),
        )
        .text("title", "");
    let asked = sent(form).await;
    let (head, body) = asked.split_once("\r\n\r\n").expect("a head");
    let expected = format!(
        "--B\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nTag & Nacht\r\n\
         --B\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n\0bytes\r\n\
         --B\r\nContent-Disposition: form-data; name=\"table\"; filename=\"t.CSV\"\r\n\
         Content-Type: text/csv; charset=utf-8\r\n\r\n1\r\n\
         --B\r\nContent-Disposition: form-data; name=\"notes\"; filename=\"n.md\"\r\n\
         Content-Type: text/markdown\r\n\r\nx\r\n\
         --B\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\n\r\n--B--\r\n"
    );
    assert_eq!(body, expected);
    assert!(
        head.contains("Content-Length: ") && !head.contains("Transfer-Encoding"),
        "{head}"
    );
}

#[tokio::test]
async fn a_stream_of_unknown_length_makes_chunks() {
    let part = Part::new(Body::reader(&b"streamed"[..])).file_name("s");
    let asked = sent(Form::new().text("a", "b").part("s", part)).await;
    assert!(asked.contains("Transfer-Encoding: chunked"), "{asked}");
    assert!(asked.ends_with("\r\n\r\nstreamed\r\n--B--\r\n"), "{asked}");
    assert!(sent(Form::new()).await.ends_with("\r\n\r\n--B--\r\n"));
}

#[tokio::test]
async fn no_name_ends_its_field() {
    let evil = "a\"; x=\"y\r\nX-Evil: 1";
    let part = Part::new("v").file_name(evil);
    let asked = sent(Form::new().text(evil, "v").part("p", part)).await;
    let escaped = "\"a%22; x=%22y%0D%0AX-Evil: 1\"";
    assert!(asked.contains(&format!("; name={escaped}\r\n")), "{asked}");
    assert!(
        asked.contains(&format!("; filename={escaped}\r\n")),
        "{asked}"
    );
    let form = Form::new().part("p", Part::new("v").content_type("a/b\r\nX: y"));
    let error = post("http://a/")
        .multipart(form)
        .await
        .expect_err("no media type");
    assert!(
        error.to_string().contains("expected a media type"),
        "{error}"
    );
}

#[tokio::test]
async fn a_form_of_files_follows_a_redirect_and_one_of_streams_does_not() {
    let file = Temporary::new("b.bin", b"again");
    let moved = answer("307 Again", "Location: /there\r\n", "");
    let mut server = Server::start(vec![vec![moved.clone(), answer("200 OK", "", "")]]).await;
    let request = post(server.url("/")).multipart(Form::new().file("f", &file.0));
    assert!(request.try_clone().is_some());
    assert_eq!(request.await.expect("an answer").status().as_u16(), 200);
    let body = |asked: String| asked.split_once("\r\n\r\n").expect("a head").1.to_owned();
    let first = body(server.asked().await.expect("a request"));
    assert!(first.contains("again"), "{first}");
    assert_eq!(body(server.asked().await.expect("a request")), first);
    let server = Server::once(moved).await;
    let form = Form::new().part("s", Part::new(Body::reader(&b"once"[..])));
    let request = post(server.url("/")).multipart(form);
    assert!(request.try_clone().is_none());
    assert!(request.await.expect_err("a stream").is_redirect());
}
