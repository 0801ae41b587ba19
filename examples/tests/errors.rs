//! The two error types in programs of users: with anyhow, with thiserror, with `Box<dyn Error>`.

use hearken::prelude::*;
use hearken::test::Request;

mod with_anyhow {
    use super::*;
    use anyhow::Context;

    /// A function of a program that uses anyhow throughout.
    pub(crate) fn setting(name: &str) -> anyhow::Result<u32> {
        let text = std::fs::read_to_string("/nonexistent")
            .with_context(|| format!("no setting {name}"))?;
        Ok(text.trim().parse()?)
    }

    pub(crate) async fn total(req: &mut IncomingMessage) -> anyhow::Result<i64> {
        let numbers: Vec<i64> = req.json().await.context("the body")?;
        anyhow::ensure!(!numbers.is_empty(), "expected at least one number");
        Ok(numbers.iter().sum())
    }

    pub(crate) fn listen() -> anyhow::Result<()> {
        let server = Server::new(async |_req, res| res.end(""));
        server.listen("127.0.0.1:http")?.run()?;
        Ok(())
    }
}

mod with_thiserror {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    pub(crate) enum Trouble {
        #[error("the request was not understood")]
        Body(#[from] Error),
        #[error("no note {0}")]
        Missing(u32),
        #[error("the store is gone")]
        Store(#[from] std::io::Error),
    }

    /// A status for each variant. The error itself goes to the log.
    pub(crate) fn respond(trouble: Trouble) -> Failure {
        match trouble {
            Trouble::Missing(note) => {
                Failure::new(404, format!("there is no note {note}")).with_code("note_missing")
            }
            other => other.into(),
        }
    }

    pub(crate) async fn note(req: &mut IncomingMessage) -> Result<String, Trouble> {
        match req.json::<u32>().await? {
            7 => Ok("seven".to_owned()),
            8 => Err(std::io::Error::other("disk 3 is on fire").into()),
            other => Err(Trouble::Missing(other)),
        }
    }
}

fn post(server: &Server, body: &str) -> (u16, String) {
    let response = server
        .inject(Request::post("/").body(body.to_owned()))
        .unwrap();
    (response.status().as_u16(), response.text().into_owned())
}

#[test]
fn a_program_with_anyhow() {
    let server = Server::new(async |mut req, res| {
        let total = with_anyhow::total(&mut req).await?;
        Ok(res.end(total.to_string()))
    });
    assert_eq!(post(&server, "[1, 2]"), (200, "3".to_owned()));
    let (status, text) = post(&server, "[1, 2");
    assert_eq!(
        status, 400,
        "the error of the body is found behind its context"
    );
    assert!(text.starts_with("expected a body of JSON: "), "{text}");
    assert_eq!(
        post(&server, "[]"),
        (500, "Internal Server Error\n".to_owned())
    );

    let server =
        Server::new(async |_req, res| Ok(res.end(with_anyhow::setting("depth")?.to_string())));
    assert_eq!(post(&server, "").0, 500);
    let error = with_anyhow::listen().unwrap_err();
    assert!(error.to_string().contains("127.0.0.1:http"), "{error}");
}

#[test]
fn a_program_with_thiserror() {
    let server = Server::new(async |mut req, res| {
        let note = with_thiserror::note(&mut req)
            .await
            .map_err(with_thiserror::respond)?;
        Ok(res.end(note))
    });
    assert_eq!(post(&server, "7"), (200, "seven".to_owned()));
    assert_eq!(
        post(&server, "8"),
        (500, "Internal Server Error\n".to_owned())
    );
    assert_eq!(post(&server, "9"), (404, "there is no note 9\n".to_owned()));
    assert_eq!(
        post(&server, "nine").0,
        400,
        "the status of the error in the chain"
    );
}

#[test]
fn a_program_with_boxes() {
    fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let server = Server::new(async |_req, res| res.end("hi"));
        let handle = server.listen("127.0.0.1:0")?.start()?;
        handle.close();
        handle.wait();
        Ok(())
    }
    main().unwrap();

    fn text(bytes: &[u8]) -> Result<&str, Box<dyn std::error::Error + Send + Sync>> {
        Ok(std::str::from_utf8(bytes)?)
    }
    let server = Server::new(async |mut req, res| {
        let bytes = req.bytes().await?;
        if bytes.is_empty() {
            Err("expected a body")?;
        }
        Ok(res.end(text(&bytes)?.to_uppercase()))
    });
    assert_eq!(post(&server, "abc"), (200, "ABC".to_owned()));
    assert_eq!(post(&server, "").0, 500);
}

#[test]
fn one_form_for_all_failures() {
    let mut server = Server::new(async |mut req, res| {
        match req.path() {
            "/panic" => panic!("on purpose"),
            "/deferred" => {
                let (sent, deferred) = res.defer();
                drop(deferred);
                return Ok(sent);
            }
            "/busy" => Err(Failure::new(503, "pool 2 is full").with_header("Retry-After", "5"))?,
            _ => {}
        }
        Ok(res.set("X-Set", "by the handler").end(req.text().await?))
    });
    server.on_failure(|failure, req, res| {
        assert_ne!(req.header("x-mode"), Some("panic"), "on purpose");
        let res = res.set("Content-Type", "application/problem+json");
        let text = serde_json::json!({
            "status": failure.status().as_u16(),
            "title": failure.public_message(),
            "instance": req.url(),
        });
        res.end(text.to_string())
    });
    let get = |path: &str| server.inject(Request::get(path)).unwrap();
    for (path, status, title) in [
        ("/panic", 500, "Internal Server Error"),
        ("/deferred", 500, "Internal Server Error"),
        ("/busy", 503, "Service Unavailable"),
    ] {
        let response = get(path);
        assert_eq!(response.status(), status, "{path}");
        let expected = format!(r#"{{"instance":"{path}","status":{status},"title":"{title}"}}"#);
        assert_eq!(response.text(), expected);
        let retry = response.header("retry-after");
        assert_eq!(retry, (path == "/busy").then_some("5"));
    }
    let request = Request::post("/").body(vec![0xff]);
    let response = server.inject(request).unwrap();
    assert_eq!(response.status(), 400);
    assert!(response.header("x-set").is_none());
    // A panic in the function itself: the default response.
    let response = server
        .inject(Request::get("/busy").header("X-Mode", "panic"))
        .unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.text(), "Service Unavailable\n");
    assert_eq!(response.header("retry-after"), Some("5"));
}
