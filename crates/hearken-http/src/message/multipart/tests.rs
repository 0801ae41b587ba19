//! Forms at every cut, malformed ones, and each limit.

use super::*;
use crate::conn::tests::harness::{Link, serve};

/// A server that lists the parts of a form.
fn serving(change: impl Fn(&mut MultipartLimits) + 'static) -> Link {
    serve(async move |mut req: IncomingMessage, res| {
        let mut limits = MultipartLimits::default();
        change(&mut limits);
        let mut form = req.multipart(limits)?;
        let mut listed = String::new();
        while let Some(part) = form.next_part().await? {
            let (name, file) = (
                part.name().map(str::to_owned),
                part.file_name().map(str::to_owned),
            );
            let media_type = part.content_type().map(str::to_owned);
            if name.as_deref() == Some("skipped") {
                continue;
            }
            let text = part.text().await?;
            listed += &format!("{name:?} {file:?} {media_type:?} {text:?}\n");
        }
        assert!(form.next_part().await?.is_none());
        Ok(crate::ServerResponse::end(res, listed))
    })
    .connect()
}

fn post(content_type: &str, body: &str) -> String {
    format!(
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
}

const FORM: &str = "multipart/form-data; boundary=\"b 1\"";

const BODY: &str = "preamble\r\n--b 1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\none\r\n\
    --b 1\r\nContent-Disposition: form-data; name=\"skipped\"\r\n\r\n\r\n--b\r\nmore\r\n\
    --b 1\r\nContent-Disposition: form-data; name=\"f\"; filename=\"../a b.txt\"\r\nContent-Type: text/x\r\n\r\n\
    line\r\n--b\r\nline\r\n--b 1--\r\nepilogue";

const LISTED: &str = "Some(\"a\") None None \"one\"\n\
    Some(\"f\") Some(\"../a b.txt\") Some(\"text/x\") \"line\\r\\n--b\\r\\nline\"\n";

fn status_and_body(heard: &str) -> (u16, &str) {
    let (head, body) = heard.split_once("\r\n\r\n").unwrap();
    (head[9..12].parse().unwrap(), body)
}

#[test]
fn a_form_is_read_part_by_part() {
    let mut link = serving(|_| ());
    for cut in [1, 2, 3, 7, 50, usize::MAX] {
        link.cut = cut;
        link.send(post(FORM, BODY));
        assert!(link.is_open());
        assert_eq!(status_and_body(&link.heard()), (200, LISTED), "{cut}");
    }
}

#[test]
fn other_content_is_refused() {
    for (content_type, status) in [
        ("text/plain", 415),
        ("application/x-www-form-urlencoded", 415),
        ("multipart/form-data", 400),
        ("multipart/form-data; boundary=", 400),
        ("multipart/form-data; boundary=\"a\u{e9}\"", 400),
    ] {
        let mut link = serving(|_| ());
        link.send(post(content_type, BODY));
        assert_eq!(status_and_body(&link.heard()).0, status, "{content_type}");
    }
    for body in [
        "",
        "--b 1",
        "--b 1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nno end",
        "--b 1\r\nno head\r\n\r\nx\r\n--b 1--\r\n",
    ] {
        let mut link = serving(|_| ());
        link.send(post(FORM, body));
        assert_eq!(status_and_body(&link.heard()).0, 400, "{body}");
    }
}

#[test]
fn each_limit_holds() {
    let part = "--b 1\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n0123456789\r\n";
    let body = part.repeat(3) + "--b 1--\r\n";
    let check = |change: fn(&mut MultipartLimits), status| {
        let mut link = serving(change);
        link.send(post(FORM, &body));
        assert_eq!(status_and_body(&link.heard()).0, status);
    };
    check(|_| (), 200);
    check(|limits| limits.parts_max = 3, 200);
    check(|limits| limits.parts_max = 2, 400);
    check(|limits| limits.part_bytes_max = 10, 200);
    check(|limits| limits.part_bytes_max = 9, 413);
    check(|limits| limits.buffered_bytes_max = 9, 413);
    check(|limits| limits.bytes_max = 100, 413);
    for endless in [
        "x".repeat(300_000),
        "--b 1\r\n".to_owned() + &"A: b\r\n".repeat(50_000),
    ] {
        let mut link = serving(|_| ());
        link.send(post(FORM, &endless));
        assert_eq!(status_and_body(&link.heard()).0, 400);
    }
}

#[test]
fn text_before_the_first_boundary_and_fields_of_parts_are_bounded() {
    let part = "--b 1\r\nContent-Disposition: form-data; name=\"a\"\r\n";
    let check = |before: usize, fields: usize, cut: usize, status| {
        let mut link = serving(|_| ());
        link.cut = cut;
        let body = "x".repeat(before)
            + "\r\n"
            + part
            + &(0..fields)
                .map(|n| format!("A{n}: b\r\n"))
                .collect::<String>()
            + "\r\n1\r\n--b 1--\r\n";
        link.send(post(FORM, &body));
        assert_eq!(
            status_and_body(&link.heard()).0,
            status,
            "{before} {fields} {cut}"
        );
    };
    for cut in [100, usize::MAX] {
        check(4094, 0, cut, 200);
        check(4095, 0, cut, 400);
        check(0, 15, cut, 200);
        check(0, 16, cut, 400);
    }
    let mut link = serving(|_| ());
    let epilogue = "x".repeat(100_000);
    link.send(post(FORM, &(BODY.to_owned() + &epilogue)));
    assert_eq!(status_and_body(&link.heard()).0, 200);
}

#[test]
fn malformed_heads_of_parts_are_refused_in_bounded_time() {
    let semicolons = format!("name=\"a\"{}", ";".repeat(60_000));
    let quotes = format!("name=\"{}", "\\\"".repeat(30_000));
    for disposition in [
        semicolons.as_str(),
        &quotes,
        "name=\"a",
        "name=a; name=b",
        "\0",
    ] {
        let mut link = serving(|_| ());
        let body = format!(
            "--b 1\r\nContent-Disposition: form-data; {disposition}\r\n\r\n1\r\n--b 1--\r\n"
        );
        let began = std::time::Instant::now();
        link.send(post(FORM, &body));
        let status = status_and_body(&link.heard()).0;
        assert!([200, 400].contains(&status), "{status}");
        assert!(began.elapsed().as_secs() < 5);
    }
}

#[test]
fn a_client_that_disconnects_is_no_malformed_form() {
    let mut link = serving(|_| ());
    let whole = post(FORM, BODY);
    link.send(&whole[..whole.len() - 20]).end_input();
    let heard = link.heard();
    assert!(
        heard.is_empty() || !heard.starts_with("HTTP/1.1 200"),
        "{heard}"
    );
}
