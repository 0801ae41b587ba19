//! Lines of the logger, identifiers of requests and times, with the clock of the test.

use hearken::app::{
    Compression, LogValues, Logger, RequestId, RequestIds, ResponseTime, ServerTiming, Timings,
    prelude::*,
};
use hearken::message::TrustedProxies;
use hearken::test::{Request, Response, TestServer};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::sleep;

/// The lines that were written.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

impl Lines {
    fn of(&self, logger: Logger) -> Logger {
        let lines = self.clone();
        logger.to(move |line| lines.0.lock().unwrap().push(line.to_owned()))
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

fn app(logger: Logger) -> App {
    let mut app = App::new();
    app.with(logger);
    app.get("/hello", async |_req, res| {
        sleep(Duration::from_millis(250)).await;
        res.set("X-Kind", "a \"quoted\"\tone").end("hello")
    });
    app.get("/stream", async |_req, res| {
        res.write("hello");
        sleep(Duration::from_millis(1500)).await;
        res.end("")
    });
    app.get("/slow", async |_req, res| {
        sleep(Duration::from_secs(5)).await;
        res.end("")
    });
    app.get("/user", async |req, res| {
        if let Some(values) = req.extension::<LogValues>() {
            values.set("user", "ada\n");
        }
        res.end("")
    });
    app.get("/broken", async |_req, _res| {
        Err::<&str, _>(Failure::from("broken"))
    });
    app
}

/// The response to one request, whose handler may sleep for two seconds.
fn ask(app: &App, request: Request) -> Response {
    let server = TestServer::new(&app.clone().server().unwrap());
    let mut client = server.connect();
    client.request(request).unwrap();
    server.advance(Duration::from_secs(2));
    client.response().unwrap_or_else(|error| panic!("{error}"))
}

/// The line of one request.
fn line(logger: Logger, request: Request) -> String {
    let lines = Lines::default();
    ask(&app(lines.of(logger)), request);
    let mut written = lines.take();
    assert_eq!(written.len(), 1, "{written:?}");
    written.remove(0)
}

#[test]
fn formats_with_names_are_those_of_morgan() {
    let request = || {
        Request::get("/hello?a=1")
            .header("Referer", "http://b/")
            .header("User-Agent", "curl/8")
            .header("Authorization", "Basic YWRhOnNlY3JldA==")
    };
    let common = "- - ada [01/Jan/1970:00:00:00 +0000] \"GET /hello?a=1 HTTP/1.1\" 200 5";
    for (logger, expected) in [
        (
            Logger::combined(),
            format!("{common} \"http://b/\" \"curl/8\"\n"),
        ),
        (Logger::common(), format!("{common}\n")),
        (
            Logger::short(),
            "- ada GET /hello?a=1 HTTP/1.1 200 5 - 250.000 ms\n".to_owned(),
        ),
        (
            Logger::tiny(),
            "GET /hello?a=1 200 5 - 250.000 ms\n".to_owned(),
        ),
        (
            Logger::dev(),
            "\x1b[0mGET /hello?a=1 \x1b[32m200\x1b[0m 250.000 ms - 5\n".to_owned(),
        ),
    ] {
        assert_eq!(line(logger, request()), expected);
    }
    let missing = line(Logger::dev(), Request::get("/nope"));
    assert!(missing.contains("\x1b[33m404\x1b[0m"), "{missing}");
    let broken = line(Logger::dev(), Request::get("/broken"));
    assert!(broken.contains("\x1b[31m500\x1b[0m"), "{broken}");
}

#[test]
fn tokens_have_their_values() {
    let format = ":date[iso] | :date | :req[x-two] | :res[x-kind] | :res[x-none] | :response-time[0] \
                  | :total-time[1] | :own | :unknown | :http-version";
    let logger = Logger::new(format).token("own", |req| req.header("host").map(str::to_owned));
    let request = Request::get("/hello")
        .header("X-Two", "1")
        .header("X-Two", "2");
    assert_eq!(
        line(logger, request),
        "1970-01-01T00:00:00Z | Thu, 01 Jan 1970 00:00:00 GMT | 1, 2 | a \\x22quoted\\x22\\x09one | - | 250 \
         | 250.0 | localhost | - | 1.1\n"
    );
    let pid = line(Logger::new(":pid"), Request::get("/hello"));
    assert_eq!(pid.trim_end(), std::process::id().to_string());
}

#[test]
fn a_stream_has_both_times_and_no_length() {
    let format = ":status :res[content-length] :response-time[0] :total-time[0] :date[iso]";
    let streamed = line(Logger::new(format), Request::get("/stream"));
    assert_eq!(streamed, "200 - 0 1500 1970-01-01T00:00:01Z\n");
}

#[test]
fn a_request_cannot_forge_a_line() {
    let request = Request::get("/hello?\"x\\")
        .header(
            "User-Agent",
            "a\" 200\tb\u{1b}[2J\u{2028}\u{202e}é".replace('\u{1b}', ""),
        )
        .header("Authorization", "Basic Cg0iOng="); // a user of a line end and a quotation mark
    let written = line(Logger::combined(), request);
    assert_eq!(written.matches('\n').count(), 1);
    assert!(written.contains(" - \\x0a\\x0d\\x22 ["), "{written}");
    assert!(
        written.contains("\"a\\x22 200\\x09b[2J\\u{2028}\\u{202e}é\""),
        "{written}"
    );
    let user = line(Logger::new(":url :user"), Request::get("/user"));
    assert_eq!(user, "/user ada\\x0a\n");
}

#[test]
fn skip_and_immediate_decide_whether_and_when() {
    let lines = Lines::default();
    let logger = Logger::tiny().skip(|request| {
        assert_eq!((request.method(), request.url()), ("GET", "/hello?x"));
        assert_eq!(request.response_time(), Some(Duration::from_millis(250)));
        request.path() == "/hello" && request.status() == Some(200)
    });
    ask(&app(lines.of(logger)), Request::get("/hello?x"));
    assert_eq!(lines.take(), [""; 0]);
    let server = TestServer::new(
        &app(lines.of(Logger::tiny().immediate(true)))
            .server()
            .unwrap(),
    );
    let mut client = server.connect();
    client.request(Request::get("/hello")).unwrap();
    assert_eq!(lines.take(), ["GET /hello - - - - ms\n"]);
    server.advance(Duration::from_secs(1));
    assert_eq!(lines.take(), [""; 0]);
}

#[test]
fn a_client_that_left_has_a_line() {
    let lines = Lines::default();
    let format = ":method :url :status :res[content-length] :response-time :total-time[0]";
    let server = app(lines.of(Logger::new(format))).server().unwrap();
    let server = TestServer::new(&server);
    let mut client = server.connect();
    client.request(Request::get("/slow")).unwrap();
    server.advance(Duration::from_secs(1));
    assert_eq!(lines.take(), [""; 0]);
    client.reset();
    server.advance(Duration::from_secs(10));
    assert_eq!(lines.take(), ["GET /slow - - - 1000\n"]);
}

#[test]
fn the_length_is_that_of_what_is_sent() {
    let lines = Lines::default();
    let mut app = App::new();
    app.with(lines.of(Logger::new(":status :res[content-length]")));
    app.with(Compression::new());
    app.get("/", async |_req, _res| "hello ".repeat(1000));
    let plain = ask(&app, Request::get("/"));
    let tag = plain.header("etag").unwrap().to_owned();
    ask(&app, Request::get("/").header("Accept-Encoding", "gzip"));
    ask(&app, Request::get("/").header("If-None-Match", tag));
    assert_eq!(lines.take(), ["200 6000\n", "200 -\n", "304 -\n"]);
}

#[test]
fn a_writer_gets_the_lines() {
    struct Writer(Lines);
    impl std::io::Write for Writer {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let line = String::from_utf8_lossy(bytes).into_owned();
            self.0.0.lock().unwrap().push(line);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let logger = Logger::new(":status").to_writer(Writer(lines.clone()));
    ask(&app(logger), Request::get("/hello"));
    assert_eq!(lines.take(), ["200\n"]);
}

fn with_ids(ids: RequestIds, format: &str) -> (App, Lines) {
    let lines = Lines::default();
    let mut app = App::new();
    app.with(lines.of(Logger::new(format)));
    app.with(ids);
    app.get("/", async |req, res| {
        res.end(req.extension::<RequestId>().unwrap().to_string())
    });
    app.get("/broken", async |_req, _res| {
        Err::<&str, _>(Failure::from("broken"))
    });
    (app, lines)
}

#[test]
fn each_request_has_an_identifier() {
    let (app, lines) = with_ids(RequestIds::new(), ":id");
    let request = || Request::get("/").header("X-Request-Id", "chosen");
    let (first, second) = (ask(&app, request()), ask(&app, request()));
    let id = first.header("x-request-id").unwrap();
    assert_eq!(first.text(), id);
    assert_ne!(first.text(), second.text());
    let parts: Vec<usize> = id.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12], "{id}");
    assert_eq!(&id[14..15], "4");
    assert!("89ab".contains(&id[19..20]));
    assert_eq!(
        lines.take(),
        [format!("{id}\n"), format!("{}\n", second.text())]
    );
    let broken = ask(&app, Request::get("/broken"));
    assert_eq!(broken.status(), 500);
    assert!(broken.header("x-request-id").is_some());
    let missing = ask(&app, Request::get("/nope"));
    assert!(missing.header("x-request-id").is_some());
}

#[test]
fn identifiers_of_trusted_proxies_are_kept_if_they_are_harmless() {
    let unix = TrustedProxies::networks(["unix"]).unwrap(); // as a connection in memory, it has no address
    let (app, _) = with_ids(RequestIds::new().trust(unix.clone()), "");
    let id = |value: &str| {
        ask(&app, Request::get("/").header("X-Request-Id", value))
            .text()
            .into_owned()
    };
    assert_eq!(id("chosen-1"), "chosen-1");
    for harmful in ["a b", "a\"b", "é", "", &"x".repeat(129)] {
        assert_ne!(id(harmful), harmful);
    }
    let (mut app, _) = with_ids(
        RequestIds::new()
            .header("X-Trace")
            .generator(|| "made".to_owned()),
        "",
    );
    let request = || Request::get("/").header("X-Trace", "chosen");
    assert_eq!(ask(&app, request()).header("x-trace"), Some("made"));
    app.settings(|settings| settings.trust_proxy = unix);
    assert_eq!(ask(&app, request()).header("x-trace"), Some("chosen"));
}

#[test]
fn times_stand_in_the_response() {
    let mut app = App::new();
    app.with(ResponseTime::new());
    app.with(ServerTiming::new());
    app.get("/", async |req, res| {
        let timings = req.extension::<Timings>().unwrap();
        timings
            .measure("db", sleep(Duration::from_millis(20)))
            .await;
        timings.add("a b", Duration::from_micros(1500), Some("say \"x\"\n"));
        sleep(Duration::from_millis(5)).await;
        res.end("")
    });
    app.get("/own", async |_req, res| {
        res.set("X-Response-Time", "7").end("")
    });
    let response = ask(&app, Request::get("/"));
    assert_eq!(response.header("x-response-time"), Some("25.000ms"));
    assert_eq!(
        response.header("server-timing"),
        Some("db;dur=20.000, a_b;desc=\"say \\\"x\\\"?\";dur=1.500, total;dur=25.000")
    );
    assert_eq!(
        ask(&app, Request::get("/own")).header("x-response-time"),
        Some("7")
    );
    let mut app = App::new();
    app.with(ResponseTime::new().digits(0).suffix(false).header("X-Took"));
    assert_eq!(ask(&app, Request::get("/")).header("x-took"), Some("0"));
}
