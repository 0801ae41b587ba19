//! SOCKS5, settings that are not understood, and proxies that are dead, in the eyes of a program.

use crate::client::PATIENCE;
use crate::running::Running;
use hearken_http::client::{AgentOptions, Phase, Proxies};
use hearken_http::{Agent, Error, Server, ServerHandle};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::thread::JoinHandle;

fn agent(proxies: Proxies) -> Agent {
    let mut options = AgentOptions::default();
    options.proxies = proxies;
    options.resolver(async |host: String, port: u16| match &*host {
        "two.test" => Ok(vec![
            SocketAddr::from(([127, 0, 0, 9], port)),
            SocketAddr::from(([127, 0, 0, 1], port)),
        ]),
        "six.test" => Ok(vec![SocketAddr::from((Ipv6Addr::LOCALHOST, port))]),
        "here.test" => Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))]),
        _ => Err(std::io::Error::other("not resolved here")),
    });
    Agent::new(options)
}

fn serve() -> (ServerHandle, u16) {
    let server = Server::new(async |req, res| {
        let host = req.header("host").unwrap_or_default().to_owned();
        res.end(format!("{host} {}", req.url()))
    });
    let server = server.running();
    let port = crate::client::address(&server).port();
    (server, port)
}

async fn text(agent: &Agent, url: &str) -> Result<String, Error> {
    agent.get(url).await?.text().await
}

/// How a SOCKS5 proxy of a test behaves.
#[derive(Clone, Copy, Default)]
struct Socks {
    /// The user and the password that it wants.
    login: Option<(&'static str, &'static str)>,
    /// Its reply to the address 127.0.0.9; to others it connects, always to 127.0.0.1.
    reply: u8,
    /// Sends the address in its reply as a name.
    names: bool,
}

/// Serves `count` connections; returns what each asked for.
fn socks(behaviour: Socks, count: usize) -> (SocketAddr, JoinHandle<Vec<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = std::thread::spawn(move || {
        let mut asked = Vec::new();
        let mut copying = Vec::new();
        for _ in 0..count {
            let mut client = listener.accept().unwrap().0;
            client.set_read_timeout(Some(PATIENCE)).unwrap();
            let (text, server) = converse(&mut client, behaviour);
            asked.push(text);
            copying.extend(server.map(|server| std::thread::spawn(move || copy(client, server))));
        }
        for one in copying {
            one.join().unwrap();
        }
        asked
    });
    (address, serving)
}

fn read<const N: usize>(stream: &mut TcpStream) -> [u8; N] {
    let mut bytes = [0; N];
    stream.read_exact(&mut bytes).unwrap();
    bytes
}

fn read_text(stream: &mut TcpStream) -> String {
    let [length] = read(stream);
    let mut text = vec![0; length.into()];
    stream.read_exact(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// The part of the proxy in RFC 1928 and RFC 1929, byte by byte where it can.
fn converse(client: &mut TcpStream, behaviour: Socks) -> (String, Option<TcpStream>) {
    let [version, methods] = read(client);
    assert_eq!(version, 5);
    let mut offered = vec![0; methods.into()];
    client.read_exact(&mut offered).unwrap();
    let method = match behaviour.login {
        None => 0,
        Some(_) if offered.contains(&2) => 2,
        Some(_) => 0xff,
    };
    client.write_all(&[5]).unwrap();
    client.write_all(&[method]).unwrap();
    if method == 0xff {
        return (format!("methods {offered:?}"), None);
    }
    let mut who = String::new();
    if let Some((user, password)) = behaviour.login {
        assert_eq!(read(client), [1]);
        let login = (read_text(client), read_text(client));
        who = format!(" as {}:{}", login.0, login.1);
        let right = (&*login.0, &*login.1) == (user, password);
        client.write_all(&[1, u8::from(!right)]).unwrap();
        if !right {
            return (who, None);
        }
    }
    let [5, 1, 0, kind] = read(client) else {
        panic!("CONNECT");
    };
    let host = match kind {
        1 => IpAddr::from(read::<4>(client)).to_string(),
        4 => IpAddr::from(read::<16>(client)).to_string(),
        _ => format!("name {}", read_text(client)),
    };
    let port = u16::from_be_bytes(read(client));
    let code = if host == "127.0.0.9" {
        behaviour.reply
    } else {
        0
    };
    let mut reply = vec![5, code, 0];
    if behaviour.names {
        reply.extend_from_slice(&[3, 4]);
        reply.extend_from_slice(b"here\0\x50");
    } else {
        reply.extend_from_slice(&[1, 127, 0, 0, 1, 0, 80]);
    }
    for byte in reply {
        client.write_all(&[byte]).unwrap();
    }
    let server = (code == 0).then(|| TcpStream::connect(("127.0.0.1", port)).unwrap());
    (format!("{host}{who}"), server)
}

fn copy(client: TcpStream, server: TcpStream) {
    server.set_read_timeout(Some(PATIENCE)).unwrap();
    let (mut back, mut from) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let returning = std::thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut back);
        let _ = back.shutdown(std::net::Shutdown::Write);
    });
    let (mut client, mut server) = (client, server);
    let _ = std::io::copy(&mut client, &mut server);
    let _ = server.shutdown(std::net::Shutdown::Write);
    let _ = returning.join();
}

#[tokio::test]
async fn socks5_gets_addresses_and_socks5h_names() {
    let (server, port) = serve();
    for (scheme, host, asked) in [
        ("socks5", "127.0.0.1", "127.0.0.1"),
        ("socks5", "here.test", "127.0.0.1"),
        ("socks5", "six.test", "::1"),
        ("socks5", "[::1]", "::1"),
        ("socks5h", "127.0.0.1", "127.0.0.1"),
        ("socks5h", "[::1]", "::1"),
        ("socks5h", "far.test", "name far.test"),
        ("socks5h", "EXämple.test", "name xn--exmple-cua.test"),
    ] {
        for names in [false, true] {
            let behaviour = Socks {
                names,
                ..Socks::default()
            };
            let (address, heard) = socks(behaviour, 1);
            let agent = agent(Proxies::all(&format!("{scheme}://{address}")).unwrap());
            let url = format!("http://{host}:{port}/x");
            let said = text(&agent, &url).await.unwrap();
            // The origin-form: the proxy sees no HTTP.
            assert!(said.ends_with(&format!(":{port} /x")), "{said}");
            drop(agent);
            assert_eq!(heard.join().unwrap(), [asked], "{scheme} {host}");
        }
    }
    server.close_now();
}

#[tokio::test]
async fn user_and_password() {
    let (server, port) = serve();
    let url = format!("http://far.test:{port}/");
    let wanted = Socks {
        login: Some(("us:er", "p@ss")),
        ..Socks::default()
    };
    let (address, heard) = socks(wanted, 1);
    let good = agent(Proxies::all(&format!("socks5h://us%3Aer:p%40ss@{address}")).unwrap());
    text(&good, &url).await.unwrap();
    drop(good);
    assert_eq!(heard.join().unwrap(), ["name far.test as us:er:p@ss"]);
    for (login, expected) in [
        (
            "",
            "it lets no client in without user and password; give user and password",
        ),
        (
            "us%3Aer:secret@",
            "it rejects user and password; check user and password",
        ),
    ] {
        let (address, heard) = socks(wanted, 1);
        let agent = agent(Proxies::all(&format!("socks5h://{login}{address}")).unwrap());
        let error = text(&agent, &url).await.unwrap_err();
        assert_eq!(error.phase(), Some(Phase::Proxy), "{error}");
        assert_eq!(error.peer(), Some(&*address.to_string()));
        let said = error.to_string();
        assert!(
            said.contains(expected) && !said.contains("secret"),
            "{said}"
        );
        heard.join().unwrap();
    }
    // A proxy that asks for no password gets none.
    let (address, heard) = socks(Socks::default(), 1);
    let agent = agent(Proxies::all(&format!("socks5h://us:secret@{address}")).unwrap());
    text(&agent, &url).await.unwrap();
    drop(agent);
    assert_eq!(heard.join().unwrap(), ["name far.test"]);
    server.close_now();
}

#[tokio::test]
async fn refusals_of_a_socks_proxy_are_named() {
    let (server, port) = serve();
    for (reply, expected) in [
        (1, "it failed without a reason (SOCKS5 reply 1)"),
        (2, "its rules do not allow this connection (SOCKS5 reply 2)"),
        (5, "the host refused its connection (SOCKS5 reply 5)"),
        (99, "it failed for a reason of its own (SOCKS5 reply 99)"),
    ] {
        let behaviour = Socks {
            reply,
            ..Socks::default()
        };
        let (address, heard) = socks(behaviour, 1);
        let one = agent(Proxies::all(&format!("socks5://{address}")).unwrap());
        let error = text(&one, &format!("http://127.0.0.9:{port}/"))
            .await
            .unwrap_err();
        assert_eq!(error.phase(), Some(Phase::Proxy));
        assert!(error.is_retry_safe());
        let start = format!("getting a tunnel through the proxy {address} failed: {expected}");
        assert!(error.to_string().starts_with(&start), "{error}");
        heard.join().unwrap();
        // The next address is tried.
        let (address, heard) = socks(behaviour, 2);
        let one = agent(Proxies::all(&format!("socks5://{address}")).unwrap());
        text(&one, &format!("http://two.test:{port}/"))
            .await
            .unwrap();
        drop(one);
        assert_eq!(heard.join().unwrap(), ["127.0.0.9", "127.0.0.1"]);
    }
    server.close_now();
}

/// Answers the first bytes of each connection with these.
fn answers(bytes: &'static [u8]) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = std::thread::spawn(move || {
        let mut client = listener.accept().unwrap().0;
        client.set_read_timeout(Some(PATIENCE)).unwrap();
        let _ = client.read(&mut [0; 100]);
        let _ = client.write_all(bytes);
        let _ = client.shutdown(std::net::Shutdown::Write);
        let _ = client.read_to_end(&mut Vec::new());
    });
    (address, serving)
}

#[tokio::test]
async fn what_is_no_socks_proxy_is_named() {
    for (bytes, expected) in [
        (&b""[..], "the peer closed the connection"),
        (b"\x05", "the peer closed the connection"),
        (
            b"HTTP/1.1 400 Bad\r\n\r\n",
            "expected version 5 of SOCKS, it answered with the byte 0x48",
        ),
        (b"\x04\x5b", "expected version 5 of SOCKS"),
        (b"\x05\x01", "it chose number 1"),
        (b"\x05\x02", "it chose number 2"),
        (b"\x05\x00\x05\x00\x00\x09", "not one of type 9"),
        (
            b"\x05\x00\x05\x00\x00\x01\x7f",
            "the peer closed the connection",
        ),
    ] {
        let (address, serving) = answers(bytes);
        let agent = agent(Proxies::all(&format!("socks5h://{address}")).unwrap());
        let error = text(&agent, "http://far.test/").await.unwrap_err();
        assert_eq!(error.phase(), Some(Phase::Proxy), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
        serving.join().unwrap();
    }
    let long = format!("http://{}test/", "label.".repeat(50));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = format!("socks5h://{}", listener.local_addr().unwrap());
    let error = text(&agent(Proxies::all(&proxy).unwrap()), &long)
        .await
        .unwrap_err();
    assert!(error.to_string().contains("at most 255 bytes"), "{error}");
}

#[cfg(feature = "tls")]
#[tokio::test]
async fn https_goes_through_socks() {
    use hearken_http::tls::{ClientTls, ServerTls};
    let key = rcgen::generate_simple_self_signed(["far.test".to_owned()]).unwrap();
    let (chain, secret) = (key.cert.pem(), key.signing_key.serialize_pem());
    let tls = ServerTls::from_pem(chain.as_bytes(), secret.as_bytes()).unwrap();
    let server = Server::new(async |req, res| res.end(format!("secret {}", req.url())));
    let server = server.tls(&tls);
    let server = server.running();
    let address = server.address().to_string();
    let address: SocketAddr = address
        .trim_start_matches("https://")
        .trim_end_matches('/')
        .parse()
        .unwrap();
    let (via, heard) = socks(Socks::default(), 1);
    let mut options = AgentOptions::default();
    options.proxies = Proxies::none().https(&format!("socks5h://{via}")).unwrap();
    options.tls = ClientTls::new()
        .system_roots(false)
        .root_pem(chain.as_bytes())
        .unwrap();
    let agent = Agent::new(options);
    let url = format!("https://far.test:{}/x", address.port());
    assert_eq!(text(&agent, &url).await.unwrap(), "secret /x");
    drop(agent);
    assert_eq!(heard.join().unwrap(), ["name far.test"]);
    server.close_now();
}

/// The report of a fetch in a process with these variables.
fn fetch_with(url: &str, variables: &[(&str, &str)]) -> String {
    let mut before = format!("export HEARKEN_TEST_URL='{url}';");
    for (name, value) in variables {
        before += &format!(" export {name}='{value}';");
    }
    crate::child::output("proxies::fetch_by_environment", &before)
}

#[test]
fn fetch_by_environment() {
    let Ok(url) = std::env::var("HEARKEN_TEST_URL") else {
        return; // not a child
    };
    let runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = { runtime }.enable_all().build().unwrap();
    runtime.block_on(async {
        match hearken_http::get(url).await {
            Ok(answer) => crate::child::report(format!("answered {}", answer.status())),
            Err(error) => crate::child::report(error),
        }
    });
}

/// Nothing is sent to the server, though a plain connection would reach it.
#[test]
fn a_variable_that_is_not_understood_fails_before_anything_is_sent() {
    let (server, port) = serve();
    let url = format!("http://127.0.0.1:{port}/");
    for (variable, value) in [
        ("http_proxy", "socks4://us:secret@127.0.0.1:1"),
        ("HTTP_PROXY", "ftp://us:secret@127.0.0.1:1"),
        ("all_proxy", "no:secret@URL:at all"),
        ("ALL_PROXY", "http://us:secret@127.0.0.1:99999"),
    ] {
        let said = fetch_with(&url, &[(variable, value)]);
        let start = format!("no request was sent to 127.0.0.1:{port}: the variable {variable} has");
        assert!(said.contains(&start) && !said.contains("secret"), "{said}");
    }
    let value = "socks4://127.0.0.1:1";
    let said = fetch_with(&url, &[("http_proxy", value), ("no_proxy", "127.0.0.1")]);
    assert!(said.contains("answered 200"), "{said}");
    let said = fetch_with(&url, &[("http_proxy", value), ("NO_PROXY", "127.0.0.0/33")]);
    assert!(
        said.contains("the variable NO_PROXY has \"127.0.0.0/33\""),
        "{said}"
    );
    server.close_now();
}

#[test]
fn a_dead_proxy_is_named_as_the_proxy_of_its_variable() {
    let dead = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = dead.local_addr().unwrap();
    drop(dead);
    for (variable, scheme, url) in [
        ("http_proxy", "http", "http://127.0.0.1:9/"),
        ("HTTPS_PROXY", "http", "https://127.0.0.1:9/"),
        ("all_proxy", "socks5", "http://127.0.0.1:9/"),
        ("https_proxy", "socks5h", "https://127.0.0.1:9/"),
    ] {
        let said = fetch_with(url, &[(variable, &format!("{scheme}://us:secret@{at}"))]);
        let start =
            format!("connecting to the proxy {at} of {variable} failed: {at}: Connection refused");
        assert!(said.contains(&start) && !said.contains("secret"), "{said}");
        assert!(
            said.contains("check the proxy, or except this host with NO_PROXY"),
            "{said}"
        );
    }
}

/// The proxy took the request; the server never saw it.
#[tokio::test]
async fn a_lost_response_names_the_proxy_on_the_way() {
    let (address, serving) = answers(b"");
    let agent = agent(Proxies::all(&format!("http://{address}")).unwrap());
    let error = text(&agent, "http://far.test/").await.unwrap_err();
    let start =
        format!("waiting for the response of far.test:80 through the proxy {address} failed");
    assert!(error.to_string().starts_with(&start), "{error}");
    assert_eq!(error.peer(), Some("far.test:80"));
    serving.join().unwrap();
}
