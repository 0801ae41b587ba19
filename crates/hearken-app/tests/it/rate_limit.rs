//! Requests of one client in a time.

use hearken::app::prelude::*;
use hearken::app::{
    MemoryRateLimitStore, Quota, RateLimit, RateLimitHeaders, RateLimitStore, StoreFuture, Taken,
};
use hearken::message::TrustedProxies;
use hearken::test::{Connection, Request, Response, TestServer};
use std::time::Duration;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn test_of(limit: RateLimit) -> TestServer {
    let mut app = App::new();
    app.settings(|settings| {
        settings.trust_proxy = TrustedProxies::networks(["unix"]).expect("a name")
    });
    app.settings(|settings| settings.development = false);
    app.with(limit);
    app.get("/", async |_req, res| res.end("hi"));
    app.get("/fails", async |_req, _res| {
        Err::<&str, _>(Failure::new(400, "no"))
    });
    TestServer::new(&app.server().expect("routes"))
}

fn from(connection: &mut Connection, address: &str) -> Response {
    connection
        .inject(Request::get("/").header("X-Forwarded-For", address))
        .expect("a response")
}

#[test]
fn a_client_past_its_limit_waits() {
    let test = test_of(RateLimit::new(3, seconds(30)));
    let mut connection = test.connect();
    for left in [2, 1, 0] {
        let response = from(&mut connection, "192.0.2.1");
        assert_eq!(response.status(), 200);
        assert_eq!(
            response.header("ratelimit-policy"),
            Some("\"default\";q=3;w=30")
        );
        let field = format!("\"default\";r={left};t={}", 30 - 10 * left);
        assert_eq!(response.header("ratelimit"), Some(&*field));
        assert_eq!(response.header("retry-after"), None);
    }
    let response = from(&mut connection, "192.0.2.1");
    assert_eq!(response.status(), 429);
    assert_eq!(response.header("retry-after"), Some("10"));
    assert_eq!(response.header("ratelimit"), Some("\"default\";r=0;t=30"));
    assert!(response.text().contains("too many requests"));
    assert_eq!(
        from(&mut connection, "192.0.2.2").status(),
        200,
        "others are not affected"
    );
    test.advance(seconds(10));
    assert_eq!(from(&mut connection, "192.0.2.1").status(), 200);
    assert_eq!(from(&mut connection, "192.0.2.1").status(), 429);
}

#[test]
fn no_window_lets_twice_the_limit_pass() {
    let test = test_of(RateLimit::new(10, seconds(10)));
    let mut connection = test.connect();
    let mut passed = 0;
    test.advance(Duration::from_millis(9_900));
    for _ in 0..20 {
        passed += u32::from(from(&mut connection, "192.0.2.1").status() == 200);
    }
    test.advance(Duration::from_millis(200));
    for _ in 0..20 {
        passed += u32::from(from(&mut connection, "192.0.2.1").status() == 200);
    }
    assert_eq!(passed, 10);
}

#[test]
fn ipv6_clients_are_networks() {
    let test = test_of(RateLimit::new(1, seconds(60)));
    let mut connection = test.connect();
    assert_eq!(from(&mut connection, "2001:db8:0:100::1").status(), 200);
    assert_eq!(
        from(&mut connection, "2001:db8:0:1ff::2").status(),
        429,
        "the same /56"
    );
    assert_eq!(from(&mut connection, "2001:db8:0:200::1").status(), 200);
    assert_eq!(from(&mut connection, "::ffff:192.0.2.9").status(), 200);
    assert_eq!(
        from(&mut connection, "192.0.2.9").status(),
        429,
        "a mapped address is the IPv4 address"
    );
}

#[test]
fn an_untrusted_client_cannot_choose_its_address() {
    let mut app = App::new();
    app.with(RateLimit::new(1, seconds(60)));
    app.get("/", async |_req, res| res.end("hi"));
    let test = TestServer::new(&app.server().expect("routes"));
    let mut connection = test.connect();
    assert_eq!(from(&mut connection, "192.0.2.1").status(), 200);
    for address in ["192.0.2.2", "192.0.2.3"] {
        assert_eq!(from(&mut connection, address).status(), 429);
    }
}

#[test]
fn a_trusted_proxy_is_read_from_the_right() {
    let test = test_of(RateLimit::new(1, seconds(60)));
    let mut connection = test.connect();
    assert_eq!(from(&mut connection, "10.0.0.1, 192.0.2.1").status(), 200);
    assert_eq!(
        from(&mut connection, "10.0.0.2, 192.0.2.1").status(),
        429,
        "the left part is the client's invention"
    );
}

#[test]
fn keys_and_skips_are_functions() {
    let limit = RateLimit::new(1, seconds(60)).burst(2).name("by key");
    let limit = limit
        .key(|req| Some(req.header("x-key")?.to_owned()))
        .skip(|req| req.path() == "/fails");
    let test = test_of(limit);
    let mut connection = test.connect();
    let mut status = |path: &str, key: Option<&str>| {
        let request = Request::get(path);
        let request = match key {
            Some(key) => request.header("X-Key", key),
            None => request,
        };
        connection
            .inject(request)
            .expect("a response")
            .status()
            .as_u16()
    };
    assert_eq!(
        [
            status("/", Some("a")),
            status("/", Some("a")),
            status("/", Some("a"))
        ],
        [200, 200, 429]
    );
    assert_eq!(
        [
            status("/", Some("b")),
            status("/", None),
            status("/", None),
            status("/", None)
        ],
        [200; 4]
    );
    assert_eq!([status("/fails", Some("a")); 2], [400; 2]);
}

#[test]
fn some_responses_do_not_count() {
    let test = test_of(RateLimit::new(1, seconds(60)).count_if(|status| status != 200));
    let mut connection = test.connect();
    for _ in 0..5 {
        assert_eq!(
            connection
                .inject(Request::get("/"))
                .expect("a response")
                .status(),
            200
        );
    }
    assert_eq!(
        connection
            .inject(Request::get("/fails"))
            .expect("a response")
            .status(),
        400
    );
    assert_eq!(
        connection
            .inject(Request::get("/"))
            .expect("a response")
            .status(),
        429
    );
}

#[test]
fn the_fields_can_be_others_and_the_answer_too() {
    let limit = RateLimit::new(1, seconds(60))
        .headers(RateLimitHeaders::Legacy)
        .status(503)
        .message("slow down");
    let test = test_of(limit);
    let mut connection = test.connect();
    let first = connection.inject(Request::get("/")).expect("a response");
    assert_eq!(first.header("x-ratelimit-limit"), Some("1"));
    assert_eq!(first.header("x-ratelimit-remaining"), Some("0"));
    assert_eq!(first.header("x-ratelimit-reset"), Some("60"));
    assert_eq!(first.header("ratelimit"), None);
    let second = connection.inject(Request::get("/")).expect("a response");
    assert_eq!(
        (second.status().as_u16(), second.text().trim_end()),
        (503, "slow down")
    );
    let test = test_of(RateLimit::new(1, seconds(60)).headers(RateLimitHeaders::None));
    let silent = test
        .connect()
        .inject(Request::get("/"))
        .expect("a response");
    assert!(
        silent
            .headers()
            .keys()
            .all(|name| !name.as_str().contains("ratelimit"))
    );
}

#[test]
fn two_limits_are_listed_both() {
    let mut app = App::new();
    app.with(RateLimit::new(100, seconds(60)).name("minute"));
    app.with(RateLimit::new(2, seconds(1)).name("second"));
    app.get("/", async |_req, res| res.end("hi"));
    let test = TestServer::new(&app.server().expect("routes"));
    let response = test
        .connect()
        .inject(Request::get("/"))
        .expect("a response");
    let headers = response.headers();
    let fields: Vec<_> = headers
        .get_all("ratelimit-policy")
        .iter()
        .map(|value| value.to_str().unwrap_or(""))
        .collect();
    assert!(
        fields.contains(&"\"minute\";q=100;w=60") && fields.contains(&"\"second\";q=2;w=1"),
        "{fields:?}"
    );
}

/// A store that is down.
struct Down;

impl RateLimitStore for Down {
    fn take<'a>(&'a self, _key: &'a str, _quota: Quota) -> StoreFuture<'a, Taken> {
        Box::pin(async { Err(Failure::new(500, "no connection")) })
    }

    fn give_back<'a>(&'a self, _key: &'a str, _quota: Quota) -> StoreFuture<'a, ()> {
        Box::pin(async { Err(Failure::new(500, "no connection")) })
    }
}

#[test]
fn a_store_that_fails_stops_requests_unless_they_may_pass() {
    for (pass, status) in [(false, 500), (true, 200)] {
        let test = test_of(
            RateLimit::new(1, seconds(60))
                .store(Down)
                .pass_on_store_error(pass),
        );
        assert_eq!(
            test.connect()
                .inject(Request::get("/"))
                .expect("a response")
                .status(),
            status
        );
    }
}

#[test]
fn memory_is_bounded_and_an_abuser_stays_known() {
    let store = std::sync::Arc::new(MemoryRateLimitStore::new(1_600));
    let quota = Quota::new(100, seconds(6_000));
    let take = |key: &str| {
        let mut future = store.take(key, quota);
        let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
        match future.as_mut().poll(&mut cx) {
            std::task::Poll::Ready(taken) => taken.expect("memory does not fail"),
            std::task::Poll::Pending => panic!("memory does not wait"),
        }
    };
    for _ in 0..200 {
        take("abuser");
    }
    for number in 0..50_000 {
        take(&format!("client {number}"));
    }
    assert!(store.len() <= 1_600, "{}", store.len());
    assert!(
        !take("abuser").allowed,
        "a flood of other keys does not free a client at its limit"
    );
}
