//! Cookies that a client cannot change.

use hearken::app::prelude::*;
use hearken::app::{CookieKeys, KeyError};
use hearken::message::{Cookie, SameSite};
use hearken::test::{Request, Response};
use std::time::Instant;

use crate::support::ask;

const OLD: &str = "an old secret of thirty-two bytes and more";
const NEW: &str = "a new secret of thirty-two bytes and more";

fn app(secrets: &[&str]) -> App {
    let mut app = App::new();
    app.state(CookieKeys::new(secrets).expect("long enough"));
    app.get("/signed", async |req, res| {
        let value = req.raw_query().unwrap_or_default().to_owned();
        res.signed_cookie(Cookie::new("a", value)).end("")
    });
    app.get("/encrypted", async |req, res| {
        let value = req.raw_query().unwrap_or_default().to_owned();
        res.encrypted_cookie(Cookie::new("a", value)).end("")
    });
    app.get("/text", async |_req, res| {
        res.signed_cookie(Cookie::new("a", "é; \"x\", y=1\r\n"))
            .end("")
    });
    app.get("/attributes", async |_req, res| {
        res.signed_cookie(Cookie::new("a", "x").path("/p").same_site(SameSite::Strict))
            .end("")
    });
    app.get("/large", async |_req, res| {
        res.encrypted_cookie(Cookie::new("a", "x".repeat(4_000)))
            .end("")
    });
    app.get("/read", async |req, res| {
        res.end(format!(
            "{:?} {:?} {:?}",
            req.signed_cookie("a"),
            req.encrypted_cookie("a"),
            req.signed_cookie("b")
        ))
    });
    app.get("/json", async |_req, res| {
        Ok(res.cookie(Cookie::json("cart", &[7, 8])?).end(""))
    });
    app.get("/cart", async |req, res| {
        res.end(format!("{:?}", req.cookies().get_json::<Vec<u8>>("cart")))
    });
    app
}

/// Name and value of the cookie that a response sets.
fn cookie_of(response: &Response) -> String {
    let field = response.header("set-cookie").expect("a cookie");
    field.split(';').next().unwrap_or_default().to_owned()
}

fn set(app: &App, path: &str) -> String {
    cookie_of(&ask(app, Request::get(path)))
}

fn read(app: &App, cookies: &str) -> String {
    ask(app, Request::get("/read").header("Cookie", cookies))
        .text()
        .into_owned()
}

#[test]
fn what_was_set_is_read() {
    let app = app(&[NEW]);
    let signed = set(&app, "/signed?ada");
    assert!(signed.ends_with("=ada"), "the value is readable: {signed}");
    assert_eq!(read(&app, &signed), r#"Some("ada") None None"#);
    assert_eq!(read(&app, &set(&app, "/signed")), r#"Some("") None None"#);
    let encrypted = set(&app, "/encrypted?ada");
    assert!(!encrypted.contains("ada"));
    assert_ne!(
        encrypted,
        set(&app, "/encrypted?ada"),
        "another nonce each time"
    );
    assert_eq!(read(&app, &encrypted), r#"None Some("ada") None"#);
    assert_eq!(
        read(&app, &set(&app, "/text")),
        "Some(\"é; \\\"x\\\", y=1\\r\\n\") None None"
    );
    let attributes = ask(&app, Request::get("/attributes"));
    let field = attributes.header("set-cookie").expect("a cookie");
    assert!(
        field.ends_with("; Path=/p; HttpOnly; SameSite=Strict"),
        "{field}"
    );
    assert_eq!(
        ask(&app, Request::get("/large")).status(),
        500,
        "browsers would drop it"
    );
}

#[test]
fn changed_cookies_are_none() {
    let app = app(&[NEW]);
    for path in ["/signed?ada", "/encrypted?ada"] {
        let cookie = set(&app, path);
        for at in 2..cookie.len() {
            let mut changed = cookie.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(changed).expect("ASCII");
            assert_eq!(read(&app, &changed), "None None None", "{changed}");
        }
        for end in 2..cookie.len() {
            assert_eq!(read(&app, &cookie[..end]), "None None None");
        }
        assert_eq!(read(&app, &format!("{cookie}x")), "None None None");
    }
    for value in [
        "a=",
        "a==",
        "a=%",
        "a=s:ada.signature",
        &format!("a={}", "A".repeat(44)),
        "a=\u{e9}\u{e9}\u{e9}",
    ] {
        assert_eq!(read(&app, value), "None None None", "{value}");
    }
}

#[test]
fn a_value_belongs_to_its_name_and_its_way() {
    let app = app(&[NEW]);
    for path in ["/signed?ada", "/encrypted?ada"] {
        let cookie = set(&app, path);
        let moved = cookie.replacen("a=", "b=", 1);
        assert_eq!(
            read(&app, &moved),
            "None None None",
            "the value of one cookie does not pass for that of another"
        );
    }
    let keys = CookieKeys::new([NEW]).expect("long enough");
    let signed = keys.sign("a", "b=c");
    assert_eq!(
        keys.verify("a=b", &signed.replacen("b=c", "c", 1)),
        Some("c"),
        "which no request can have: a name ends at its `=`"
    );
}

#[test]
fn secrets_are_replaced_one_after_the_other() {
    let (before, during, after) = (app(&[OLD]), app(&[NEW, OLD]), app(&[NEW]));
    for path in ["/signed?ada", "/encrypted?ada"] {
        let old = set(&before, path);
        let new = set(&during, path);
        assert_ne!(read(&during, &old), "None None None");
        assert_ne!(read(&during, &new), "None None None");
        assert_ne!(
            read(&after, &new),
            "None None None",
            "new cookies have the first secret"
        );
        assert_eq!(read(&after, &old), "None None None");
        assert_eq!(read(&before, &new), "None None None");
    }
}

#[test]
fn weak_secrets_are_rejected_at_the_start() {
    assert!(matches!(CookieKeys::new([""; 0]), Err(KeyError::None)));
    let short = CookieKeys::new([NEW, &"x".repeat(31)]);
    assert!(matches!(
        short,
        Err(KeyError::Short {
            number: 2,
            bytes: 31
        })
    ));
    assert!(CookieKeys::new(["x".repeat(32)]).is_ok());
    assert_eq!(
        format!("{:?}", CookieKeys::new([NEW]).expect("long enough")),
        "1 cookie keys",
        "no secret in a log"
    );
}

#[test]
fn legacy_syntax_of_cookies_smuggles_nothing() {
    let app = app(&[NEW]);
    let signed = set(&app, "/signed?ada");
    // Cookie sandwich and phantom version (RFC 2109), names without a value, Unicode around a name.
    for cookies in [
        format!("$Version=1; a=\"x; {signed}\""),
        format!("={signed}"),
        format!("\u{a0}{signed}"),
        format!("\u{2003}{signed}"),
        format!("A{}", &signed[1..]),
    ] {
        assert_eq!(read(&app, &cookies), "None None None", "{cookies}");
    }
    assert_eq!(
        read(&app, &format!("$Version=1; x=y;\t{signed} ; $Path=/")),
        r#"Some("ada") None None"#
    );
}

#[test]
fn thousands_of_tiny_cookies_cost_little() {
    let app = app(&[NEW]);
    let many = "a=;".repeat(10_000);
    let began = Instant::now();
    assert_eq!(read(&app, &many), "None None None");
    assert!(began.elapsed().as_secs() < 2, "{:?}", began.elapsed());
}

#[test]
fn json_cookies_are_read_and_faulty_ones_are_none() {
    let app = app(&[NEW]);
    let cart = set(&app, "/json");
    assert_eq!(
        ask(&app, Request::get("/cart").header("Cookie", cart)).text(),
        "Some([7, 8])"
    );
    for value in ["cart=j:%5B7%2C8%5D", "cart=j:[7%2C8]"] {
        assert_eq!(
            ask(&app, Request::get("/cart").header("Cookie", value)).text(),
            "Some([7, 8])",
            "{value}"
        );
    }
    for value in [
        "cart=[7]",
        "cart=j:",
        "cart=j:{}",
        "cart=j:[7",
        "cart=j:%ff",
        "other=j:[7]",
    ] {
        assert_eq!(
            ask(&app, Request::get("/cart").header("Cookie", value)).text(),
            "None",
            "{value}"
        );
    }
}
