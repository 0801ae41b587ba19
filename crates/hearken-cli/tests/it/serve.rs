//! `hearken serve`: files, listings, and what is not served.

use super::client::Answer;
use super::program::{Program, command};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A directory of its own for one test, removed at its end. What is served is `www` in it.
pub(crate) struct Tree(PathBuf);

impl Tree {
    pub(crate) fn new(name: &str) -> Self {
        let name = format!("hearken-serve-{name}-{}", std::process::id());
        let path = std::env::temp_dir().join(name);
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(path.join("www")).expect("a temporary directory");
        let tree = Self(path.canonicalize().expect("it exists"));
        tree.write("secret.txt", "secret");
        tree.write("www/a.txt", "0123456789");
        tree.write("www/sub/b.txt", "b");
        tree.write("www/.env", "PASSWORD=1");
        tree
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect(name);
        std::fs::write(path, text).expect(name);
    }

    pub(crate) fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.path(name)).ok()
    }

    /// Serves `www` with these flags.
    pub(crate) fn serve(&self, flags: &[&str]) -> Program {
        let www = self.path("www");
        let mut args = vec!["serve", "--port", "0", www.to_str().expect("UTF-8")];
        args.extend(flags);
        Program::start_with(&mut command(&args))
    }
}

impl Drop for Tree {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn seen(answer: &Answer) -> (u16, &str) {
    (answer.status, answer.text())
}

#[test]
fn files_are_served_with_ranges_and_conditions() {
    let tree = Tree::new("files");
    let program = tree.serve(&[]);
    let mut client = program.connect();
    let whole = client.get("/a.txt");
    assert_eq!(seen(&whole), (200, "0123456789"));
    assert_eq!(
        whole.field("content-type"),
        Some("text/plain; charset=utf-8")
    );
    assert_eq!(whole.field("x-content-type-options"), Some("nosniff"));
    let part = client.ask("GET", "/a.txt", "Range: bytes=2-4\r\n");
    assert_eq!(seen(&part), (206, "234"));
    let etag = whole.field("etag").expect("an ETag");
    let same = client.ask("GET", "/a.txt", &format!("If-None-Match: {etag}\r\n"));
    assert_eq!(same.status, 304);
    assert_eq!(
        client.ask("HEAD", "/a.txt", "").field("content-length"),
        Some("10")
    );
    assert_eq!(client.get("/sub").field("location"), Some("/sub/"));
    let post = client.ask("DELETE", "/a.txt", "");
    assert_eq!((post.status, post.field("allow")), (405, Some("GET, HEAD")));
    assert_eq!(client.get("/nothing").status, 404);
}

#[test]
fn what_is_hidden_or_outside_is_not_served() {
    let tree = Tree::new("outside");
    std::os::unix::fs::symlink("../secret.txt", tree.path("www/out.txt")).expect("a link");
    std::os::unix::fs::symlink("a.txt", tree.path("www/in.txt")).expect("a link");
    let program = tree.serve(&[]);
    let mut client = program.connect();
    for path in [
        "/out.txt",
        "/.env",
        "/%2eenv",
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/sub/../../secret.txt",
        "//etc/passwd",
    ] {
        assert_eq!(client.get(path).status, 404, "{path}");
    }
    assert_eq!(seen(&client.get("/in.txt")), (200, "0123456789"));
    let listing = client.get("/");
    assert!(
        listing.text().contains("in.txt") && !listing.text().contains("out.txt"),
        "{}",
        listing.text()
    );
    assert!(!listing.text().contains(".env"));
    let program = tree.serve(&["--hidden"]);
    assert_eq!(program.connect().get("/.env").status, 200);
}

#[test]
fn a_listing_is_a_page_or_json() {
    let tree = Tree::new("listing");
    tree.write("www/<b>.txt", "x");
    let program = tree.serve(&[]);
    let mut client = program.connect();
    let page = client.ask("GET", "/?sort=size", "Accept: text/html\r\n");
    assert_eq!(page.field("content-type"), Some("text/html; charset=utf-8"));
    assert!(
        page.field("content-security-policy")
            .is_some_and(|policy| policy.starts_with("default-src 'none'"))
    );
    assert!(
        page.text().contains("&lt;b&gt;.txt") && !page.text().contains("<b>"),
        "{}",
        page.text()
    );
    let json = client
        .ask(
            "GET",
            "/?q=.TXT&sort=size&order=desc",
            "Accept: application/json\r\n",
        )
        .json();
    let entries = json["entries"].as_array().expect("entries");
    let names: Vec<_> = entries
        .iter()
        .map(|entry| entry["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(names, ["a.txt", "<b>.txt"]);
    let program = tree.serve(&["--no-listing"]);
    assert_eq!(program.connect().get("/").status, 404);
}

#[test]
fn an_application_of_one_page_gets_its_paths() {
    let tree = Tree::new("spa");
    tree.write("www/index.html", "page");
    tree.write("www/start.html", "start");
    let program = tree.serve(&["--spa"]);
    let mut client = program.connect();
    assert_eq!(seen(&client.get("/users/7")), (200, "page"));
    assert_eq!(client.get("/gone.js").status, 404);
    let program = tree.serve(&[
        "--spa=start.html",
        "--index",
        "no.html",
        "--index",
        "start.html",
    ]);
    let mut client = program.connect();
    assert_eq!(seen(&client.get("/users/7")), (200, "start"));
    assert_eq!(seen(&client.get("/")), (200, "start"));
}

#[test]
fn compressed_siblings_are_sent_on_request() {
    let tree = Tree::new("siblings");
    tree.write("www/a.txt.br", "br");
    let asked = |flags: &[&str]| {
        let program = tree.serve(flags);
        let answer = program
            .connect()
            .ask("GET", "/a.txt", "Accept-Encoding: br\r\n");
        answer.field("content-encoding").map(str::to_owned)
    };
    assert_eq!(asked(&[]), None);
    assert_eq!(asked(&["--precompressed"]).as_deref(), Some("br"));
}

#[test]
fn a_password_protects_everything() {
    let tree = Tree::new("auth");
    let program = tree.serve(&[
        "--auth",
        "me:se:cret",
        "--auth",
        "you:x",
        "--upload",
        "--cors",
    ]);
    let mut client = program.connect();
    let denied = client.get("/a.txt");
    assert_eq!(denied.status, 401);
    assert_eq!(
        denied.field("www-authenticate"),
        Some("Basic realm=\"files\", charset=\"UTF-8\"")
    );
    for (fields, expected) in [
        ("Authorization: Basic bWU6c2U6Y3JldA==\r\n", 200), // me:se:cret
        ("Authorization: basic eW91Ong=\r\n", 200),         // you:x
        ("Authorization: Basic bWU6c2U=\r\n", 401),         // me:se
        ("Authorization: Bearer bWU6c2U6Y3JldA==\r\n", 401),
        ("Authorization: Basic !\r\n", 401),
    ] {
        assert_eq!(
            client.ask("GET", "/a.txt", fields).status,
            expected,
            "{fields}"
        );
    }
    let upload = client.ask("PUT", "/new.txt", "Content-Length: 0\r\n");
    assert_eq!((upload.status, tree.read("www/new.txt")), (401, None));
    let preflight = "Origin: http://other.test\r\nAccess-Control-Request-Method: GET\r\n";
    assert_eq!(client.ask("OPTIONS", "/a.txt", preflight).status, 204);
    assert_eq!(
        client.get("/a.txt").field("access-control-allow-origin"),
        Some("*"),
        "on errors too"
    );
}

#[test]
fn fields_are_added_to_every_response() {
    let tree = Tree::new("fields");
    let program = tree.serve(&[
        "-H",
        "X-A: 1",
        "--header",
        "x-a: 2",
        "--header",
        "Cache-Control: no-store",
    ]);
    let mut client = program.connect();
    for path in ["/a.txt", "/", "/nothing"] {
        let answer = client.get(path);
        assert_eq!(answer.field("cache-control"), Some("no-store"), "{path}");
        assert!(
            answer.head.contains("\nX-A: 1\n") && answer.head.contains("\nx-a: 2\n"),
            "{}",
            answer.head
        );
        assert_eq!(answer.field("access-control-allow-origin"), None);
    }
}

#[test]
fn requests_are_logged() {
    let tree = Tree::new("log");
    let program = tree.serve(&[]);
    assert_eq!(program.connect().get("/a.txt").status, 200);
    let line = std::iter::repeat_with(|| program.log_line())
        .take(5)
        .find(|line| line.contains("GET "));
    let line = line.expect("a line for the request");
    assert!(line.contains(" GET /a.txt 200 10 B "), "{line}");
}

#[test]
fn https_is_as_in_echo() {
    let tree = Tree::new("https");
    let certificate = tree.path("own.pem");
    let flag = format!("--tls-self-signed={}", certificate.display());
    let program = tree.serve(&[&flag]);
    assert!(
        program.url.starts_with("https://127.0.0.1:"),
        "{}",
        program.url
    );
    let file = format!("{}/a.txt", program.url);
    let pem = certificate.to_str().expect("UTF-8");
    let fetched = super::program::output(&mut command(&["fetch", "--cacert", pem, &file]));
    assert_eq!(
        String::from_utf8_lossy(&fetched.stdout).trim_end(),
        "0123456789"
    );
}

/// `None`: curl is not installed.
pub(crate) fn curl(args: &[&str], directory: &Path) -> Option<String> {
    let mut curl = Command::new("curl");
    curl.args([
        "--silent",
        "--show-error",
        "--max-time",
        "20",
        "--noproxy",
        "*",
    ]);
    let output = curl.args(args).current_dir(directory).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "curl {args:?}: {error}{text}");
    Some(text)
}

#[test]
fn curl_goes_on_where_a_download_stopped() {
    let tree = Tree::new("curl");
    let program = tree.serve(&[]);
    tree.write("here/a.txt", "0123");
    let url = format!("{}/a.txt", program.url);
    if curl(&["-C", "-", "-O", &url], &tree.path("here")).is_none() {
        return;
    }
    assert_eq!(tree.read("here/a.txt").as_deref(), Some("0123456789"));
    let several = curl(&["-i", "-r", "0-1,8-9", &url], &tree.path("here")).expect("curl");
    assert!(several.contains("multipart/byteranges"), "{several}");
    let raw = curl(
        &[
            "--path-as-is",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            &format!("{}/../secret.txt", program.url),
        ],
        &tree.path("here"),
    );
    assert_eq!(raw.as_deref(), Some("404"));
}
