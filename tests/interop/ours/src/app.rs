//! The application of tests/interop/peers/express.mjs, written for Hearken. Prints its URL.

use hearken::app::prelude::*;
use hearken::message::{Cookie, SameSite, TrustedProxies};
use serde_json::{Map, Value, json};
use std::error::Error;
use std::time::Duration;

fn lines(text: &'static str) -> impl Iterator<Item = (usize, &'static str)> {
    text.strip_suffix('\n')
        .unwrap_or(text)
        .split('\n')
        .enumerate()
}

/// The parameters as Express shows them: a wildcard is a list.
fn params(req: &IncomingMessage, pattern: &str) -> Value {
    let pairs = req.params().into_iter().map(|(name, value)| {
        let wildcard = pattern.contains(&format!("*{name}"));
        let value = if wildcard {
            json!(req.param_list(&name))
        } else {
            json!(value)
        };
        (name, value)
    });
    Value::Object(pairs.collect::<Map<_, _>>())
}

fn patterns(app: &mut App) {
    for (number, pattern) in lines(include_str!("../../express/patterns.txt")) {
        for (prefix, strict) in [("p", false), ("s", true)] {
            let mut router = Router::new();
            router.get(pattern, async move |req, res| {
                res.json(&json!({ "number": number, "params": params(&req, pattern) }))
            });
            if strict {
                router.case_sensitive(true).strict(true);
            }
            app.mount(format!("/{prefix}{number}"), router);
        }
    }
}

fn mark(name: &'static str) -> impl Middleware {
    middleware(async move |req, res: ServerResponse, next: Next| {
        next.run(req, res.append("X-Way", name)).await
    })
}

fn order() -> Router {
    let mut inner = Router::new();
    inner.param(
        "id",
        async |req, res: ServerResponse, next: Next, value: String| {
            let res = res.append("X-Way", format!("id={value}"));
            if value == "none" {
                return res.status(404).send("no such id");
            }
            next.run(req, res).await
        },
    );
    inner
        .route("/skip")
        .with(middleware(async |req, res, next: Next| {
            next.skip_router(req, res).await
        }))
        .get(async |_req, res| res.send("not reached"));
    inner
        .route("/leave")
        .with(middleware(async |req, res, next: Next| {
            next.skip_route(req, res).await
        }))
        .get(async |_req, res| res.send("not reached"));
    inner.get("/leave", async |_req, res| res.send("left"));
    inner.get("/base", async |req, res| {
        let (base, path, original) = (req.base_url(), req.path_in_router(), req.url());
        res.json(&json!({ "base": base, "path": path, "original": original, "params": params(&req, "") }))
    });
    inner.get("/items/:id", async |req, res| res.json(&params(&req, "")));
    let mut order = Router::new();
    order.with(mark("first"));
    order.get("/early", async |_req, res| res.send("early"));
    order.with_at("/in", mark("at in"));
    order.mount("/in/:version", inner);
    order.get("/in/:version/skip", async |_req, res| {
        res.send("behind the router")
    });
    order.with(mark("late"));
    order.get("/late", async |_req, res| res.send("late"));
    order.get("/fails", async |_req, _res| {
        Err::<Sent, _>(Failure::new(422, "inside"))
    });
    order.get("/rejects", async |_req, _res| {
        Err::<Sent, _>(Failure::new(500, "inside"))
    });
    order
}

fn requests(app: &mut App) {
    app.get("/query", async |req, res| {
        let mut query = Map::new();
        for (name, value) in req.query::<Vec<(String, String)>>()? {
            match query.get_mut(&name) {
                None => drop(query.insert(name, json!(value))),
                Some(Value::Array(list)) => list.push(json!(value)),
                Some(first) => *first = json!([first.clone(), value]),
            }
        }
        Ok(res.json(&query))
    });
    app.get("/cookies", async |req, res| {
        res.json(&json!({ "raw": req.header("cookie") }))
    });
    app.get("/negotiate", async |req, res| {
        res.json(&json!({
            "type": req.accepts(&["html", "json", "text"]),
            "language": req.accepts_languages(&["en", "de", "fr"]),
            "encoding": req.accepts_encodings(&["gzip", "br", "identity"]),
        }))
    });
    app.get("/client", async |req, res| {
        let ip = req.ip().map(|ip| ip.to_string());
        let (xhr, protocol, hostname) = (req.xhr(), req.protocol(), req.hostname());
        res.json(&json!({ "ip": ip, "xhr": xhr, "protocol": protocol, "hostname": hostname }))
    });
}

fn responses(app: &mut App) {
    app.get("/status/:code", async |req, res| {
        Ok(res.status(req.param::<u16>("code")?).send("content"))
    });
    app.get("/redirect/:code", async |req, res| {
        #[derive(serde::Deserialize)]
        struct Query {
            to: String,
        }
        let Query { to } = req.query()?;
        Ok(res.redirect(req.param::<u16>("code")?, to))
    });
    app.get("/cookie", async |_req, res| {
        let plain = Cookie::new("plain", "v").http_only(false).same_site(None);
        let all = Cookie::encoded("all", "a b")
            .max_age(Duration::from_secs(60))
            .secure(true)
            .same_site(SameSite::Strict)
            .path("/x")
            .domain("example.com");
        res.cookie(plain).cookie(all).send("set")
    });
    app.get("/attachment", async |req, res| {
        #[derive(serde::Deserialize)]
        struct Query {
            name: String,
        }
        let Query { name } = req.query()?;
        Ok(res.attachment(&name).send("file"))
    });
    app.get("/json", async |_req, res| {
        res.json(&json!({ "text": "a<b>&\"ä€", "number": 1.5, "none": null, "list": [1, 2, 3] }))
    });
    app.get("/text", async |_req, res| {
        res.content_type("text/plain")
            .send("some text, long enough to be worth an ETag")
    });
    app.get("/bytes", async |_req, res| res.send(vec![0_u8, 1, 2, 255]));
    app.get("/empty", async |_req, res| res.status(204).end(""));
}

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let proxies = match std::env::var("TRUST") {
        Ok(list) => TrustedProxies::networks(list.split(','))?,
        Err(_) => TrustedProxies::none(),
    };
    let mut app = App::new();
    app.settings(|settings| settings.trust_proxy = proxies);
    patterns(&mut app);
    app.mount("/order", order());
    app.route("/methods")
        .get(async |_req, res| res.set("X-A", "1").send("content"))
        .post(async |_req, res| res.status(201).send("made"));
    app.all("/any", async |req, res| res.send(req.method().to_string()));
    app.put("/put", async |_req, res| res.send("put"));
    app.delete("/put", async |_req, res| res.send("deleted"));
    requests(&mut app);
    responses(&mut app);
    app.error(|failure, _req, res| {
        let text = match failure.status().as_u16() {
            404 => "not found",
            400..500 => "refused",
            _ => "failed",
        };
        res.json(&json!({ "error": text }))
    });
    let handle = app.listen("127.0.0.1:0")?.start()?;
    println!("{}", handle.address());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        tokio::io::AsyncReadExt::read(&mut tokio::io::stdin(), &mut [0]).await // until the script ends
    })?;
    handle.close_now();
    Ok(())
}
