//! Ways of the client to a server: names, address families, Unix sockets, proxies, tunnels.

use crate::client::PATIENCE;
use crate::running::Running;
use hearken_http::client::{AgentOptions, Destination, Family, Phase, Proxies};
use hearken_http::{Agent, Error, Server, ServerHandle};
use std::error::Error as _;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;

fn agent(change: impl FnOnce(&mut AgentOptions)) -> Agent {
    let mut options = AgentOptions::default();
    options.proxies = Proxies::none();
    change(&mut options);
    Agent::new(options)
}

/// A server that responds with the client's address and the target.
fn serve(address: &str) -> ServerHandle {
    let server = Server::new(async |req, res| {
        let from = req
            .peer()
            .remote_address()
            .map(|address| address.ip().to_string());
        let host = req.header("host").unwrap_or_default().to_owned();
        res.end(format!("{} {host} {}", from.unwrap_or_default(), req.url()))
    });
    server.listen(address).unwrap().start().unwrap()
}

fn port(server: &ServerHandle) -> u16 {
    crate::client::address(server).port()
}

async fn text(agent: &Agent, url: &str) -> Result<String, Error> {
    agent.request("GET", url)?.end("").await?.text().await
}

#[tokio::test]
async fn the_configured_resolver_is_used() {
    let server = serve("127.0.0.1:0");
    let port = port(&server);
    let agent = agent(|options| {
        options.resolver(move |host: String, _: u16| async move {
            assert_eq!(host, "xn--exmple-cua.org");
            // The first address does not answer: the second is tried.
            Ok(vec![
                SocketAddr::from(([127, 0, 0, 1], 1)),
                SocketAddr::from(([127, 0, 0, 1], port)),
            ])
        });
    });
    let said = text(&agent, "http://EXämple.org/a/../b c?d#e")
        .await
        .unwrap();
    assert_eq!(said, "127.0.0.1 xn--exmple-cua.org /b%20c?d");
    server.close_now();
}

#[tokio::test]
async fn an_unknown_name_is_an_error_with_the_name() {
    let agent = agent(|options| {
        options.resolver(async |_: String, _: u16| {
            Err(std::io::Error::new(
                std::io::ErrorKind::NotFound,
                "no such name",
            ))
        });
    });
    let error = text(&agent, "http://unknown.test/").await.unwrap_err();
    assert!(error.is_resolve() && error.is_retry_safe());
    assert_eq!(error.peer(), Some("unknown.test:80"));
    assert_eq!(
        error.to_string(),
        "resolving unknown.test:80 failed: no such name; check the name and the network"
    );
    let agent =
        crate::reaching::agent(|options| options.resolver(async |_: String, _: u16| Ok(vec![])));
    let error = text(&agent, "http://unknown.test/").await.unwrap_err();
    assert_eq!(error.phase(), Some(Phase::Connect));
    assert!(
        error.to_string().ends_with("the name has no address"),
        "{error}"
    );
}

#[tokio::test]
async fn the_error_lists_every_address_that_was_tried() {
    let free = [(); 2].map(|()| TcpListener::bind("127.0.0.1:0").unwrap());
    let addresses = free.each_ref().map(|one| one.local_addr().unwrap());
    drop(free);
    let agent = agent(|options| {
        options.resolver(move |_: String, _: u16| async move { Ok(addresses.to_vec()) });
    });
    let error = text(&agent, "http://many.test/").await.unwrap_err();
    for address in addresses {
        assert!(
            error
                .to_string()
                .contains(&format!("{address}: Connection refused")),
            "{error}"
        );
    }
    assert!(error.is_connect() && !error.is_timeout() && error.source().is_some());
}

#[tokio::test]
async fn family_and_local_address_choose() {
    let server = serve("127.0.0.1:0");
    let port = port(&server);
    let agent = agent(|options| {
        options.resolver(async |_: String, port: u16| {
            let v6 = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port));
            Ok(vec![v6, SocketAddr::from(([127, 0, 0, 1], port))])
        });
    });
    let url = format!("http://both.test:{port}/");
    let request = agent.request("GET", &url).unwrap().family(Family::V4);
    assert_eq!(
        request
            .end("")
            .await
            .unwrap()
            .connection()
            .remote_address()
            .unwrap()
            .port(),
        port
    );
    let request = agent.request("GET", &url).unwrap().family(Family::V6);
    let error = request.end("").await.unwrap_err();
    assert!(
        error.to_string().contains("[::1]") && !error.to_string().contains("127.0.0.1"),
        "{error}"
    );
    let local = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 7));
    let request = agent.request("GET", &url).unwrap().local_address(local);
    let mut response = request.end("").await.unwrap();
    assert!(response.text().await.unwrap().starts_with("127.0.0.7 "));
    assert_eq!(response.connection().local_address().unwrap().ip(), local);
    server.close_now();
}

#[tokio::test]
async fn ipv6_literals_where_there_is_ipv6() {
    if TcpListener::bind("[::1]:0").is_err() {
        return; // nothing to be seen on this machine
    }
    let server = serve("[::1]:0");
    let port = port(&server);
    let said = text(&agent(|_| ()), &format!("http://[::1]:{port}/x"))
        .await
        .unwrap();
    assert_eq!(said, format!("::1 [::1]:{port} /x"));
    server.close_now();
}

#[tokio::test]
async fn a_unix_socket_has_a_pool_of_its_own() {
    let path = std::env::temp_dir().join(format!("hearken-client-{}.sock", std::process::id()));
    let server = Server::new(async |req, res| res.end(format!("unix {}", req.url())))
        .listen(path.as_path())
        .unwrap()
        .start()
        .unwrap();
    let agent = agent(|_| ());
    for n in 0..2 {
        let request = agent
            .request("GET", "http://local/x")
            .unwrap()
            .socket_path(&path);
        let mut response = request.end("").await.unwrap();
        assert_eq!(response.connection().reused(), n == 1);
        assert_eq!(response.text().await.unwrap(), "unix /x");
    }
    server.close_now();
    let path = path.with_extension("gone");
    let request = agent
        .request("GET", "http://local/x")
        .unwrap()
        .socket_path(&path);
    let error = request.end("").await.unwrap_err();
    assert_eq!(
        (error.phase(), error.peer()),
        (Some(Phase::Connect), path.to_str())
    );
}

#[tokio::test]
async fn any_stream_is_a_connection() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (here, mut there) = tokio::io::duplex(64);
    let stream = std::sync::Mutex::new(Some(here));
    let request = agent(|_| ()).request("GET", "http://memory/m").unwrap();
    let request = request.create_connection(move |to: Destination| {
        assert_eq!((&*to.host, to.port, to.https), ("memory", 80, false));
        let stream = stream.lock().unwrap().take();
        async move { stream.ok_or_else(|| std::io::Error::other("once")) }
    });
    let server = async move {
        let mut head = vec![0; 33];
        there.read_exact(&mut head).await.unwrap();
        there.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        there.write_all(&head).await.unwrap();
    };
    let (response, ()) = tokio::join!(request.end(""), server);
    let text = response.unwrap().text().await.unwrap();
    assert_eq!(text, "GET /m HTTP/1.1\r\nHost: memory\r\n\r\n");
}

/// A proxy of one connection: sends `answer` to the first head, then, with a target, copies bytes both ways. Returns the head.
fn proxy(answer: &'static str, to: Option<SocketAddr>) -> (SocketAddr, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let carrying = std::thread::spawn(move || {
        let mut client = listener.accept().unwrap().0;
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            client.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        client.write_all(answer.as_bytes()).unwrap();
        if let Some(to) = to {
            let mut server = TcpStream::connect(to).unwrap();
            server.set_read_timeout(Some(PATIENCE)).unwrap();
            let (mut back, mut from) = (client.try_clone().unwrap(), server.try_clone().unwrap());
            let returning = std::thread::spawn(move || std::io::copy(&mut from, &mut back));
            let _ = std::io::copy(&mut client, &mut server);
            let _ = server.shutdown(std::net::Shutdown::Write);
            let _ = returning.join();
        }
        String::from_utf8(head).unwrap()
    });
    (address, carrying)
}

#[tokio::test]
async fn http_goes_through_a_proxy_in_absolute_form() {
    let (address, heard) = proxy("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", None);
    let agent = agent(|options| {
        let proxies = Proxies::none()
            .http(&format!("http://us:pw@{address}"))
            .unwrap();
        options.proxies = proxies.except("direct.test").unwrap();
    });
    let said = text(&agent, "http://user:secret@far.test:8080/a?b#c")
        .await
        .unwrap();
    assert_eq!(said, "ok");
    assert_eq!(
        heard.join().unwrap(),
        "GET http://far.test:8080/a?b HTTP/1.1\r\nHost: far.test:8080\r\nAuthorization: Basic dXNlcjpzZWNyZXQ=\r\n\
         Proxy-Authorization: Basic dXM6cHc=\r\n\r\n"
    );
}

#[tokio::test]
async fn the_error_has_the_status_of_a_proxy_that_rejects_a_tunnel() {
    let (address, heard) = proxy(
        "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic\r\nContent-Length: 0\r\n\r\n",
        None,
    );
    let agent = agent(|options| {
        options.proxies = Proxies::none().https(&format!("http://{address}")).unwrap();
    });
    let error = text(&agent, "https://far.test/").await.unwrap_err();
    assert_eq!(error.phase(), Some(Phase::Proxy), "{error}");
    assert_eq!(
        error.proxy_status().map(|status| status.as_u16()),
        Some(407)
    );
    assert_eq!(error.peer(), Some(&*address.to_string()));
    assert!(error.to_string().contains("user and password"), "{error}");
    let asked = "CONNECT far.test:443 HTTP/1.1\r\nHost: far.test:443\r\n\r\n";
    assert_eq!(heard.join().unwrap(), asked);
}

#[tokio::test]
async fn a_proxy_that_sends_interim_responses_without_end_is_an_error() {
    let hints = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(129);
    let (address, heard) = proxy(hints.leak(), None);
    let agent = agent(|options| {
        options.proxies = Proxies::none().https(&format!("http://{address}")).unwrap();
    });
    let error = text(&agent, "https://far.test/").await.unwrap_err();
    assert_eq!(error.phase(), Some(Phase::Proxy), "{error}");
    assert!(
        error
            .to_string()
            .contains("limit on the number of interim responses"),
        "{error}"
    );
    heard.join().unwrap();
}

#[tokio::test]
async fn a_tunnel_carries_another_request() {
    let server = serve("127.0.0.1:0");
    let (address, heard) = proxy(
        "HTTP/1.1 200 Established\r\n\r\n",
        Some(crate::client::address(&server)),
    );
    let agent = agent(|_| ());
    let asked = agent
        .request("CONNECT", &format!("http://{address}/"))
        .unwrap();
    let tunnel = asked
        .path("inner.test:80")
        .end("")
        .await
        .unwrap()
        .upgrade()
        .unwrap();
    let stream = std::sync::Mutex::new(Some(tunnel));
    let request = agent.request("GET", "http://inner.test/through").unwrap();
    let request = request.create_connection(move |_: Destination| {
        let stream = stream.lock().unwrap().take();
        async move { stream.ok_or_else(|| std::io::Error::other("once")) }
    });
    let mut response = request.set("Connection", "close").end("").await.unwrap();
    assert_eq!(
        response.text().await.unwrap(),
        "127.0.0.1 inner.test /through"
    );
    drop(response);
    assert!(heard.join().unwrap().starts_with("CONNECT inner.test:80 "));
    server.close_now();
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn https_goes_through_a_tunnel() {
    use hearken_http::tls::{ClientTls, ServerTls};
    let key = rcgen::generate_simple_self_signed(["far.test".to_owned()]).unwrap();
    let (chain, secret) = (key.cert.pem(), key.signing_key.serialize_pem());
    let tls = ServerTls::from_pem(chain.as_bytes(), secret.as_bytes()).unwrap();
    let server = Server::new(async |req, res| res.end(format!("secret {}", req.url())));
    let server = server.tls(&tls).running();
    let address = server.address().to_string();
    let address = address.trim_start_matches("https://").trim_end_matches('/');
    let (via, heard) = proxy(
        "HTTP/1.1 200 Established\r\n\r\n",
        Some(address.parse().unwrap()),
    );
    let agent = agent(|options| {
        options.proxies = Proxies::none().https(&format!("http://{via}")).unwrap();
        let tls = ClientTls::new().system_roots(false);
        options.tls = tls.root_pem(chain.as_bytes()).unwrap();
        options.keep_alive = false;
    });
    let mut response = agent
        .request("GET", "https://far.test/x")
        .unwrap()
        .end("")
        .await
        .unwrap();
    assert_eq!(response.text().await.unwrap(), "secret /x");
    assert!(response.connection().tls().is_some());
    assert!(!response.timings().proxy.is_zero() && !response.timings().tls.is_zero());
    drop(response);
    assert!(heard.join().unwrap().starts_with("CONNECT far.test:443 "));
    server.close_now();
}

/// The name is not asked for anywhere, and the server hears it.
#[tokio::test]
async fn names_below_localhost_are_loopback() {
    let server = serve("127.0.0.1:0");
    let port = port(&server);
    for host in [
        "app.localhost",
        "a.b.localhost",
        "App.LocalHost",
        "app.localhost.",
    ] {
        let said = text(&agent(|_| ()), &format!("http://{host}:{port}/x")).await;
        let said = said.unwrap_or_else(|error| panic!("{host}: {error}"));
        assert_eq!(said, format!("127.0.0.1 {}:{port} /x", host.to_lowercase()));
    }
    server.close_now();
}

#[tokio::test]
async fn a_zone_connects_and_is_not_sent() {
    if TcpListener::bind("[::1]:0").is_err() {
        return; // nothing to be seen on this machine
    }
    let server = serve("[::1]:0");
    let port = port(&server);
    let agent = agent(|_| ());
    for zone in ["%25lo", "%lo", "%251"] {
        let url = format!("http://[::1{zone}]:{port}/x");
        let said = text(&agent, &url).await.unwrap();
        assert_eq!(said, format!("::1 [::1]:{port} /x"), "{zone}");
        let said = agent.get(&url).await.unwrap().text().await.unwrap();
        assert_eq!(said, format!("::1 [::1]:{port} /x"), "{zone}");
    }
    // A connection of one zone serves no other.
    assert_eq!(agent.stats().created, 2);
    let error = text(&agent, "http://[fe80::1%25nowhere]/")
        .await
        .unwrap_err();
    assert!(error.is_resolve(), "{error}");
    assert_eq!(error.peer(), Some("[fe80::1%nowhere]:80"));
    assert!(
        error.to_string().contains("\"nowhere\" to be an interface"),
        "{error}"
    );
    server.close_now();
}

/// Each part of the error happened as it says.
#[tokio::test]
async fn an_address_that_cannot_be_used_is_named_with_the_reason() {
    let agent = agent(|options| {
        options.resolver(async |host: String, port: u16| {
            let v6 = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port));
            Ok(if host == "none.test" {
                vec![]
            } else {
                vec![v6]
            })
        });
    });
    let get = |url: &str| agent.request("GET", url).unwrap();
    let error = get("http://none.test/")
        .end("")
        .await
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "connecting to none.test:80 failed: the name has no address"
    );
    let v4 = get("http://six.test/").family(Family::V4);
    assert_eq!(
        v4.end("").await.unwrap_err().to_string(),
        "connecting to six.test:80 failed: the host has no address that may be used: \
         expected IPv4, by the option `family`, found ::1"
    );
    let local = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let from = get("http://[::1]/").local_address(local).end("").await;
    assert_eq!(
        from.unwrap_err().to_string(),
        "connecting to [::1]:80 failed: the host has no address that may be used: \
         expected IPv4, as the local address 127.0.0.1, found ::1"
    );
    // An address that is not of this host.
    let foreign = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    let error = get("http://127.0.0.1:9/")
        .local_address(foreign)
        .end("")
        .await;
    let error = error.unwrap_err();
    assert!(
        error.to_string().starts_with(
            "connecting to 127.0.0.1:9 failed: 127.0.0.1:9: the local address 192.0.2.1 cannot be used: "
        ),
        "{error}"
    );
    assert!(
        !error.to_string().contains(';'),
        "no advice about the server: {error}"
    );
}

/// Settings that cannot be used are no failure of the server: it is not asked.
#[cfg(feature = "tls")]
#[tokio::test]
async fn tls_that_cannot_begin_opens_no_connection() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let at = listener.local_addr().unwrap();
    let agent = agent(|options| {
        options.tls = hearken_http::tls::ClientTls::new().system_roots(false);
    });
    let error = text(&agent, &format!("https://{at}/")).await.unwrap_err();
    assert!(error.is_tls() && error.is_connect(), "{error}");
    let start = format!("preparing TLS with {at} failed: no root certificates");
    assert!(error.to_string().starts_with(&start), "{error}");
    let none = listener.accept().unwrap_err();
    assert_eq!(none.kind(), std::io::ErrorKind::WouldBlock);
}
