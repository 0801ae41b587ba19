//! Values that belong to one client.

use hearken::app::prelude::*;
use hearken::app::{CookieKeys, MemorySessionStore, SessionStore, Sessions, StoreFuture};
use hearken::message::{SameSite, TrustedProxies};
use hearken::test::{Connection, Request, Response, TestServer};
use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const SECRET: &str = "a secret of thirty-two bytes and more";

fn keys() -> CookieKeys {
    CookieKeys::new([SECRET]).expect("long enough")
}

fn app(sessions: Sessions) -> App {
    let mut app = App::new();
    app.settings(|settings| {
        settings.trust_proxy = TrustedProxies::networks(["unix"]).expect("a name")
    });
    app.with(sessions);
    app.get("/nothing", async |_req, res| res.end(""));
    app.get("/read", async |req, res| {
        Ok(res.end(format!("{:?}", req.session().get::<u32>("n")?)))
    });
    app.get("/count", async |req, res| {
        let session = req.session();
        let n = session.get::<u32>("n")?.unwrap_or(0) + 1;
        session.set("n", &n)?;
        Ok(res.end(n.to_string()))
    });
    app.get("/login", async |req, res| {
        req.session().regenerate().await?;
        req.session().set("n", &100)?;
        Ok(res.end(""))
    });
    app.get("/renew", async |req, res| {
        req.session().renew().await?;
        Ok(res.end(""))
    });
    app.get("/logout", async |req, res| {
        req.session().destroy().await?;
        Ok(res.end(""))
    });
    app.get("/stream", async |req, res| {
        res.write("begun ");
        req.session().set("n", &50)?;
        Ok(res.end("ended"))
    });
    app.get("/later", async |req, res| {
        let (sent, later) = res.defer();
        tokio::task::spawn_local(async move {
            tokio::time::sleep(Duration::from_secs(1)).await;
            req.session().set("n", &70).expect("a number");
            later.end("later");
        });
        Ok(sent)
    });
    app.get("/fails", async |req, _res| {
        req.session().set("n", &60)?;
        Err::<&str, _>(Failure::new(418, "no coffee"))
    });
    app.get("/slow-logout", async |req, res| {
        let session = req.session();
        session.set("n", &1)?;
        tokio::time::sleep(Duration::from_secs(5)).await;
        Ok(res.end("slow"))
    });
    app
}

/// A browser with one cookie.
struct Client {
    connection: Connection,
    cookie: Option<String>,
}

impl Client {
    fn new(test: &TestServer) -> Self {
        Self {
            connection: test.connect(),
            cookie: None,
        }
    }

    fn request(&self, path: &str) -> Request {
        match &self.cookie {
            Some(cookie) => Request::get(path).header("Cookie", cookie),
            None => Request::get(path),
        }
    }

    fn get(&mut self, path: &str) -> Response {
        let request = self.request(path);
        let response = self.connection.inject(request).expect("a response");
        self.take(&response);
        response
    }

    fn take(&mut self, response: &Response) {
        if let Some(field) = response.header("set-cookie") {
            let pair = field.split(';').next().unwrap_or_default();
            self.cookie = (!field.contains("Max-Age=0")).then(|| pair.to_owned());
        }
    }

    fn text(&mut self, path: &str) -> String {
        self.get(path).text().into_owned()
    }
}

fn test_of(sessions: Sessions) -> TestServer {
    TestServer::new(&app(sessions).server().expect("routes"))
}

#[test]
fn a_client_gets_a_session_once_there_is_something_to_keep() {
    let test = test_of(Sessions::new(keys()));
    let mut client = Client::new(&test);
    for path in ["/nothing", "/read"] {
        assert_eq!(client.get(path).header("set-cookie"), None, "{path}");
    }
    let first = client.get("/count");
    let field = first.header("set-cookie").expect("a cookie").to_owned();
    assert!(
        field.starts_with("sid=") && field.ends_with("; Path=/; HttpOnly; SameSite=Lax"),
        "{field}"
    );
    let second = client.get("/count");
    assert_eq!((second.header("set-cookie"), &*second.text()), (None, "2"));
    assert_eq!(
        Client::new(&test).text("/count"),
        "1",
        "another client has another session"
    );
}

#[test]
fn ids_are_long_and_never_the_same() {
    let store = Arc::new(MemorySessionStore::default());
    let test = test_of(Sessions::new(keys()).store(Shared(Arc::clone(&store))));
    let mut ids = HashSet::new();
    for _ in 0..50 {
        let mut client = Client::new(&test);
        client.get("/count");
        let cookie = client.cookie.expect("a cookie");
        let id = keys()
            .verify("sid", cookie.trim_start_matches("sid="))
            .expect("signed")
            .to_owned();
        assert_eq!(id.len(), 43, "256 bits");
        assert!(ids.insert(id));
    }
    assert_eq!(store.len(), 50);
}

#[test]
fn an_id_that_the_server_did_not_give_is_not_adopted() {
    let test = test_of(Sessions::new(keys()));
    let signed = keys().sign("sid", "chosen");
    let foreign = CookieKeys::new(["another secret of thirty-two bytes"])
        .expect("long enough")
        .sign("sid", "chosen");
    for cookie in [
        format!("sid={signed}"),
        format!("sid={foreign}"),
        "sid=chosen".to_owned(),
        "sid=".to_owned(),
    ] {
        let mut client = Client::new(&test);
        client.cookie = Some(cookie.clone());
        assert_eq!(client.text("/count"), "1");
        assert_ne!(client.cookie, Some(cookie), "the client gets another id");
        assert_eq!(client.text("/count"), "2");
    }
}

#[test]
fn a_login_changes_the_id() {
    let test = test_of(Sessions::new(keys()));
    let mut client = Client::new(&test);
    client.get("/count");
    let before = client.cookie.clone();
    client.get("/login");
    assert_ne!(client.cookie, before);
    assert_eq!(client.text("/read"), "Some(100)");
    let mut attacker = Client::new(&test);
    attacker.cookie = before;
    assert_eq!(
        attacker.text("/read"),
        "None",
        "the id from before the login is worth nothing"
    );
    let before = client.cookie.clone();
    client.get("/renew");
    assert_ne!(client.cookie, before);
    assert_eq!(client.text("/read"), "Some(100)", "the values stay");
}

#[test]
fn a_logout_removes_session_and_cookie() {
    let test = test_of(Sessions::new(keys()));
    let mut client = Client::new(&test);
    client.get("/count");
    let kept = client.cookie.clone();
    let response = client.get("/logout");
    let field = response.header("set-cookie").expect("a removal");
    assert!(
        field.starts_with("sid=;") && field.contains("Max-Age=0"),
        "{field}"
    );
    assert_eq!(client.get("/logout").header("set-cookie"), None);
    client.cookie = kept;
    assert_eq!(client.text("/read"), "None");
}

#[test]
fn a_logout_holds_against_a_request_that_was_running() {
    let test = test_of(Sessions::new(keys()));
    let mut client = Client::new(&test);
    client.get("/count");
    let cookie = client.cookie.clone();
    let mut running = test.connect();
    running
        .request(client.request("/slow-logout"))
        .expect("sent");
    client.get("/logout");
    test.advance(Duration::from_secs(5));
    assert_eq!(running.response().expect("a response").text(), "slow");
    client.cookie = cookie;
    assert_eq!(
        client.text("/read"),
        "None",
        "the session does not come back"
    );
}

#[test]
fn sessions_expire_and_live_on_with_each_request() {
    let test = test_of(Sessions::new(keys()).idle(Duration::from_secs(60)));
    let mut client = Client::new(&test);
    client.get("/count");
    for _ in 0..3 {
        test.advance(Duration::from_secs(50));
        let mut again = Client::new(&test);
        again.cookie = client.cookie.clone();
        assert_eq!(again.text("/read"), "Some(1)");
    }
    test.advance(Duration::from_secs(61));
    let mut late = Client::new(&test);
    late.cookie = client.cookie.clone();
    assert_eq!(late.text("/read"), "None");
}

#[test]
fn a_cookie_with_an_age_is_renewed() {
    for (rolling, on_read) in [(false, false), (true, true)] {
        let test = test_of(
            Sessions::new(keys())
                .max_age(Duration::from_secs(60))
                .rolling(rolling),
        );
        let mut client = Client::new(&test);
        for _ in 0..2 {
            let response = client.get("/count");
            assert!(
                response
                    .header("set-cookie")
                    .is_some_and(|field| field.contains("Max-Age=60")),
                "changed: {rolling}"
            );
        }
        assert_eq!(client.get("/read").header("set-cookie").is_some(), on_read);
    }
}

#[test]
fn attributes_and_names_are_chosen() {
    let sessions = Sessions::new(keys())
        .name("__Host-id")
        .cookie(|cookie| cookie.same_site(SameSite::Strict));
    let test = test_of(sessions.save_uninitialized(true));
    let response = Client::new(&test).get("/nothing");
    let field = response
        .header("set-cookie")
        .expect("a cookie for each client");
    assert!(
        field.starts_with("__Host-id=")
            && field.ends_with("; Path=/; HttpOnly; Secure; SameSite=Strict"),
        "{field}"
    );
    assert!(std::panic::catch_unwind(|| Sessions::new(keys()).name("a b")).is_err());
}

#[test]
fn the_cookie_is_secure_behind_a_trusted_proxy_that_ends_tls() {
    let test = test_of(Sessions::new(keys()));
    let request = Request::get("/count")
        .header("X-Forwarded-Proto", "https")
        .header("X-Forwarded-For", "192.0.2.1");
    let response = test.connect().inject(request).expect("a response");
    assert!(
        response
            .header("set-cookie")
            .is_some_and(|field| field.contains("; Secure"))
    );
}

#[test]
fn secrets_are_replaced() {
    let store = Arc::new(MemorySessionStore::default());
    let before = test_of(Sessions::new(keys()).store(Shared(Arc::clone(&store))));
    let mut client = Client::new(&before);
    client.get("/count");
    let both =
        CookieKeys::new(["a new secret of thirty-two bytes or more", SECRET]).expect("long enough");
    let after = test_of(Sessions::new(both).store(Shared(Arc::clone(&store))));
    let mut again = Client::new(&after);
    again.cookie = client.cookie.clone();
    let response = again.get("/read");
    assert_eq!(response.text(), "Some(1)");
    assert!(
        response.header("set-cookie").is_some(),
        "signed again by the new secret"
    );
    assert_eq!(again.get("/read").header("set-cookie"), None);
}

#[test]
fn errors_and_later_answers_store_the_session() {
    let test = test_of(Sessions::new(keys()));
    let mut client = Client::new(&test);
    assert_eq!(client.get("/fails").status(), 418);
    assert_eq!(client.text("/read"), "Some(60)");
    client
        .connection
        .request(client.request("/later"))
        .expect("sent");
    test.advance(Duration::from_secs(1));
    assert_eq!(
        client.connection.response().expect("a response").text(),
        "later"
    );
    assert_eq!(client.text("/read"), "Some(70)");
}

#[test]
fn a_stream_stores_a_known_session_and_cannot_begin_one() {
    let test = test_of(Sessions::new(keys()));
    let mut client = Client::new(&test);
    let response = client.get("/stream");
    assert_eq!(
        (response.header("set-cookie"), &*response.text()),
        (None, "begun ended")
    );
    client.get("/count");
    assert_eq!(client.text("/stream"), "begun ended");
    assert_eq!(client.text("/read"), "Some(50)");
}

/// A store that several servers share.
struct Shared(Arc<MemorySessionStore>);

impl SessionStore for Shared {
    fn load<'a>(&'a self, id: &'a str) -> StoreFuture<'a, Option<String>> {
        self.0.load(id)
    }
    fn create<'a>(
        &'a self,
        id: &'a str,
        data: &'a str,
        lifetime: Duration,
    ) -> StoreFuture<'a, bool> {
        self.0.create(id, data, lifetime)
    }
    fn update<'a>(
        &'a self,
        id: &'a str,
        data: &'a str,
        lifetime: Duration,
    ) -> StoreFuture<'a, bool> {
        self.0.update(id, data, lifetime)
    }
    fn touch<'a>(&'a self, id: &'a str, lifetime: Duration) -> StoreFuture<'a, bool> {
        self.0.touch(id, lifetime)
    }
    fn destroy<'a>(&'a self, id: &'a str) -> StoreFuture<'a, ()> {
        self.0.destroy(id)
    }
}

/// A store that takes its time, notes its calls, and may fail.
#[derive(Default)]
struct Slow {
    inner: MemorySessionStore,
    calls: Arc<Mutex<Vec<&'static str>>>,
    fails: Arc<AtomicBool>,
}

impl Slow {
    async fn note(&self, call: &'static str) -> Result<(), Failure> {
        tokio::time::sleep(Duration::from_secs(2)).await;
        self.calls.lock().expect("no panic").push(call);
        if self.fails.load(Ordering::Relaxed) {
            return Err(Failure::new(500, "the store is down"));
        }
        Ok(())
    }
}

impl SessionStore for Slow {
    fn load<'a>(&'a self, id: &'a str) -> StoreFuture<'a, Option<String>> {
        self.inner.load(id)
    }
    fn create<'a>(
        &'a self,
        id: &'a str,
        data: &'a str,
        lifetime: Duration,
    ) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            self.note("create").await?;
            self.inner.create(id, data, lifetime).await
        })
    }
    fn update<'a>(
        &'a self,
        id: &'a str,
        data: &'a str,
        lifetime: Duration,
    ) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            self.note("update").await?;
            self.inner.update(id, data, lifetime).await
        })
    }
    fn touch<'a>(&'a self, id: &'a str, lifetime: Duration) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            self.note("touch").await?;
            self.inner.touch(id, lifetime).await
        })
    }
    fn destroy<'a>(&'a self, id: &'a str) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.note("destroy").await?;
            self.inner.destroy(id).await
        })
    }
}

#[test]
fn the_response_waits_until_the_session_is_stored() {
    let store = Slow::default();
    let (calls, fails) = (Arc::clone(&store.calls), Arc::clone(&store.fails));
    let test = test_of(Sessions::new(keys()).store(store));
    let mut client = Client::new(&test);
    client
        .connection
        .request(client.request("/count"))
        .expect("sent");
    test.advance(Duration::from_millis(1_999));
    assert!(
        client
            .connection
            .response_so_far()
            .expect("no fault")
            .is_none(),
        "nothing is sent before"
    );
    test.advance(Duration::from_millis(1));
    let response = client.connection.response().expect("a response");
    assert_eq!(response.text(), "1");
    client.take(&response);
    for (path, call) in [("/count", "update"), ("/read", "touch")] {
        client
            .connection
            .request(client.request(path))
            .expect("sent");
        test.advance(Duration::from_secs(2));
        assert_eq!(
            client.connection.response().expect("a response").status(),
            200
        );
        assert_eq!(calls.lock().expect("no panic").last(), Some(&call));
    }
    fails.store(true, Ordering::Relaxed);
    client
        .connection
        .request(client.request("/count"))
        .expect("sent");
    test.advance(Duration::from_secs(2));
    assert_eq!(
        client.connection.response().expect("a response").status(),
        500,
        "a change that is lost is no success"
    );
}

#[test]
fn resave_stores_what_has_not_changed() {
    let store = Slow::default();
    let calls = Arc::clone(&store.calls);
    let test = test_of(Sessions::new(keys()).store(store).resave(true));
    let mut client = Client::new(&test);
    for path in ["/count", "/read"] {
        client
            .connection
            .request(client.request(path))
            .expect("sent");
        test.advance(Duration::from_secs(2));
        let response = client.connection.response().expect("a response");
        client.take(&response);
    }
    assert_eq!(*calls.lock().expect("no panic"), ["create", "update"]);
}

#[test]
fn the_memory_store_is_bounded() {
    let store = Arc::new(MemorySessionStore::default().sessions_max(100));
    let test = test_of(Sessions::new(keys()).store(Shared(Arc::clone(&store))));
    let mut connection = test.connect();
    for _ in 0..1_000 {
        assert_eq!(
            connection
                .inject(Request::get("/count"))
                .expect("a response")
                .text(),
            "1"
        );
        assert!(store.len() <= 100);
    }
    let small = Arc::new(MemorySessionStore::default().bytes_max(1_000));
    let test = test_of(Sessions::new(keys()).store(Shared(Arc::clone(&small))));
    let mut connection = test.connect();
    for _ in 0..100 {
        assert_eq!(
            connection
                .inject(Request::get("/count"))
                .expect("a response")
                .status(),
            200
        );
    }
    assert!(small.len() <= 20, "{}", small.len());
    let mut app = App::new();
    app.with(Sessions::new(keys()).store(MemorySessionStore::default().bytes_max(1_000)));
    app.get("/", async |req, res| {
        req.session().set("x", &"x".repeat(2_000))?;
        Ok(res.end(""))
    });
    assert_eq!(crate::support::ask(&app, Request::get("/")).status(), 500);
}

#[test]
fn values_have_types_and_can_be_removed() {
    let mut app = App::new();
    app.with(Sessions::new(keys()));
    app.get("/", async |req, res| {
        let session = req.session();
        session.set("list", &["a", "b"])?;
        session.set("n", &1)?;
        assert_eq!(
            session.get::<Vec<String>>("list")?,
            Some(vec!["a".to_owned(), "b".to_owned()])
        );
        assert_eq!(
            session
                .get::<String>("n")
                .map_err(|failure| failure.status().as_u16()),
            Err(500)
        );
        assert!(session.remove("n") && !session.remove("n"));
        assert_eq!(session.values().len(), 1);
        session.clear();
        assert!(session.is_new() && session.values().is_empty());
        let shown = format!("{session:?}");
        assert!(
            !shown.contains(&session.id()),
            "the id is a secret: {shown}"
        );
        session.save().await?;
        assert!(!session.is_new());
        session.set("n", &2)?;
        session.reload().await?;
        assert_eq!(session.get::<u32>("n")?, None);
        Ok(res.end("fine"))
    });
    app.get("/without", async |_req, res| res.end(""));
    assert_eq!(crate::support::ask(&app, Request::get("/")).text(), "fine");
}
