//! TLS: resumed sessions, rejected certificates and their error texts, and https through a proxy.

use crate::Servers;
use crate::checks::{Checks, Result, agent, ask, counted, ensure, equal, error_of, number, text};
use hearken::client::{AgentOptions, Phase, Proxies};
use hearken::tls::{ClientTls, TlsError};
use std::error::Error as _;

/// The second connection resumes the session of the first, and both ends report it.
pub(crate) async fn resumption(checks: &mut Checks, name: &str, url: &str, ca: &str) {
    let run = async {
        let agent = agent(ca, |_| ())?;
        for resumed in [false, true, true] {
            let mut response = ask(&agent, "GET", &format!("{url}/plaintext"), "").await?;
            let connection = response.connection();
            let tls = connection.tls().ok_or("no TLS at all")?;
            equal("resumed", &resumed, &tls.is_resumed())?;
            ensure(tls.version().contains("1.3"), || tls.version().to_owned())?;
            let certificate = tls.peer_certificate().ok_or("no certificate")?;
            let names = certificate.names();
            ensure(names.iter().any(|name| name == "localhost"), || {
                format!("{names:?}")
            })?;
            response.bytes().await?;
            agent.close_idle();
        }
        if name.starts_with("nginx") {
            let seen = text(&agent, &format!("{url}/connections")).await?;
            return ensure(seen.ends_with(" r"), || seen.clone());
        }
        if name.starts_with("echo") {
            return Ok(());
        }
        let resumed = number(&counted(&agent, url).await?, "resumed")?;
        ensure(resumed >= 2, || format!("the server has counted {resumed}"))
    };
    checks
        .check(
            format!("{name}: TLS 1.3, later connections are resumed"),
            run,
        )
        .await;
}

/// Certificates that the client must reject, and the error texts.
pub(crate) async fn refusals(checks: &mut Checks, servers: &Servers, ca: &str) {
    let strangers = |options: &mut AgentOptions| {
        options.tls = ClientTls::new();
    };
    type Change = fn(&mut AgentOptions);
    let rows: &[(&str, &str, Change, &[&str])] = &[
        (
            "node-other",
            "another name",
            |_| (),
            &["not valid for 127.0.0.1, but for", "other.test"],
        ),
        (
            "node-expired",
            "another time",
            |_| (),
            &["it expired on Thu, 02 Jan 2020"],
        ),
        (
            "node-tls",
            "an unknown authority",
            strangers,
            &["its issuer is not known"],
        ),
    ];
    for (name, what, change, words) in rows {
        let Some(url) = servers.get(name) else {
            continue;
        };
        let run = async {
            let agent = agent(ca, change)?;
            let error = error_of(ask(&agent, "GET", &format!("{url}/plaintext"), "").await)?;
            let said = error.to_string();
            equal("phase", &Some(Phase::Tls), &error.phase())?;
            let tls = error
                .source()
                .and_then(|source| source.downcast_ref::<TlsError>());
            ensure(tls.is_some_and(TlsError::is_certificate), || said.clone())?;
            let host = url.trim_start_matches("https://");
            equal("peer", &Some(host), &error.peer())?;
            for words in *words {
                ensure(said.contains(words), || format!("no {words:?} in: {said}"))?;
            }
            equal("connections", &0, &agent.stats().open)
        };
        checks
            .check(
                format!("{name}: a certificate for {what} is refused, and said why"),
                run,
            )
            .await;
    }
    if let Some(url) = servers.get("node-other") {
        let run = async {
            let other = |options: &mut AgentOptions| {
                options.tls = options.tls.clone().server_name("other.test");
            };
            let agent = agent(ca, other)?;
            equal(
                "content",
                &"Hello, World!",
                &&*text(&agent, &format!("{url}/plaintext")).await?,
            )
        };
        checks
            .check("node-other: by the name that it is for".to_owned(), run)
            .await;
    }
    plain_for_secure(checks, servers, ca).await;
}

async fn plain_for_secure(checks: &mut Checks, servers: &Servers, ca: &str) {
    if let Some(url) = servers.get("node") {
        let run = async {
            let agent = agent(ca, |_| ())?;
            let url = url.replace("http://", "https://");
            let error = error_of(ask(&agent, "GET", &url, "").await)?;
            equal("phase", &Some(Phase::Tls), &error.phase())?;
            let said = error.to_string();
            ensure(said.contains("plain http"), || said.clone())
        };
        checks
            .check(
                "node: https to its port of plain http says what it is".to_owned(),
                run,
            )
            .await;
    }
}

/// Node as a proxy: http in absolute-form, which it answers itself; https through a tunnel.
pub(crate) async fn through_a_proxy(
    checks: &mut Checks,
    proxy: &str,
    plain: &str,
    secure: &str,
    ca: &str,
) {
    let by = |options: &mut AgentOptions| -> Result<()> {
        options.proxies = Proxies::none().http(proxy)?.https(proxy)?;
        Ok(())
    };
    let make = || -> Result<hearken::Agent> {
        let mut done = Ok(());
        let agent = agent(ca, |options| done = by(options))?;
        done?;
        Ok(agent)
    };
    let run = async {
        let agent = make()?;
        let seen = text(&agent, &format!("{plain}/headers")).await?;
        let seen: serde_json::Value = serde_json::from_str(&seen)?;
        equal(
            "target",
            &Some(&*format!("{plain}/headers")),
            &seen["url"].as_str(),
        )
    };
    checks
        .check("node as a proxy: http by the absolute form".to_owned(), run)
        .await;
    let run = async {
        let agent = make()?;
        for n in 0..3 {
            let mut response = ask(&agent, "GET", &format!("{secure}/plaintext"), "").await?;
            equal("reused", &(n > 0), &response.connection().reused())?;
            ensure(response.connection().tls().is_some(), || {
                "no TLS".to_owned()
            })?;
            equal("content", &"Hello, World!", &&*response.text().await?)?;
        }
        equal("tunnels", &1, &agent.stats().created)
    };
    checks
        .check("node as a proxy: https through one tunnel".to_owned(), run)
        .await;
    let run = async {
        let agent = make()?;
        let error = error_of(ask(&agent, "GET", "https://elsewhere.test/", "").await)?;
        equal("phase", &Some(Phase::Proxy), &error.phase())?;
        let status = error.proxy_status().map(|status| status.as_u16());
        equal("its answer", &Some(403), &status)?;
        equal(
            "peer",
            &Some(proxy.trim_start_matches("http://")),
            &error.peer(),
        )
    };
    checks
        .check(
            "node as a proxy: the error of a refused tunnel names the proxy and its status"
                .to_owned(),
            run,
        )
        .await;
}
