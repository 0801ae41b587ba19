use std::collections::BTreeMap;

use super::{House, Tree};

/// A small hearken-http without faults; `changed` replaces or adds files.
fn house(changed: &[(&str, &str)]) -> House {
    let sound = [
        (
            "lib.rs",
            "mod error; mod net; mod event; mod conn; mod pump; mod message; mod server; mod client; mod fetch;\n\
                    pub use {error::Error, server::Server, message::Incoming, net::File};",
        ),
        ("error/mod.rs", "pub struct Error;"),
        (
            "net/mod.rs",
            "mod file; mod socket; pub use file::File; pub use socket::Socket;",
        ),
        (
            "net/file.rs",
            "use crate::Error; use std::net::SocketAddr; pub struct File;",
        ),
        (
            "net/socket.rs",
            "use tokio::net::TcpStream; pub struct Socket(TcpStream);",
        ),
        ("event/mod.rs", "pub struct Connection;"),
        (
            "conn/mod.rs",
            "mod exchange; pub use exchange::Exchange; use crate::net::File;",
        ),
        (
            "conn/exchange.rs",
            "use crate::{Error, event}; pub struct Exchange(event::Connection);",
        ),
        ("pump.rs", "use crate::{conn::Exchange, net::Socket};"),
        (
            "message/mod.rs",
            "use crate::conn::Exchange; pub struct Incoming;",
        ),
        (
            "server/mod.rs",
            "use crate::message::Incoming; use crate::pump; pub struct Server;",
        ),
        (
            "client/mod.rs",
            "use crate::message::Incoming; pub struct Client;",
        ),
        ("fetch/mod.rs", "use crate::client::Client;"),
    ];
    let own = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    let mut texts: BTreeMap<_, _> = sound.iter().map(own).collect();
    texts.extend(changed.iter().map(own));
    House::of(Tree::of(&texts))
}

#[test]
fn a_sound_house_passes_every_rule() {
    let house = house(&[]);
    assert_eq!(house.against_the_order(), [""; 0]);
    assert_eq!(house.out_of_reach(Some("conn")), [""; 0]);
    assert!(house.circles().is_empty());
}

#[test]
fn an_import_against_the_order_is_found() {
    for (file, text, expected) in [
        (
            "error/mod.rs",
            "pub struct Error;\nuse crate::conn::Exchange;",
            "error/mod.rs:2: error must not know conn: crate::conn::Exchange",
        ),
        (
            "event/mod.rs",
            "pub struct Connection;\nfn f() { crate::Server::new() }",
            "event/mod.rs:2: event must not know server: crate::Server::new",
        ),
        (
            "server/mod.rs",
            "use super::client::Client; pub struct Server;",
            "server/mod.rs:1: server must not know client: super::client::Client",
        ),
        (
            "fetch/mod.rs",
            "use crate::server;",
            "fetch/mod.rs:1: fetch must not know server: crate::server",
        ),
        (
            "net/file.rs",
            "use crate::ROOT; pub struct File;",
            "net/file.rs:1: net must not know lib.rs: crate::ROOT",
        ),
    ] {
        let root = "mod error; mod net; mod event; mod conn; mod pump; mod message; mod server; mod client; mod fetch;\n\
                    pub use {error::Error, server::Server, message::Incoming, net::File}; pub const ROOT: u8 = 0;";
        let found = house(&[(file, text), ("lib.rs", root)]).against_the_order();
        assert_eq!(found, [expected]);
    }
}

#[test]
fn a_file_without_a_room_is_found() {
    let root = "mod error; mod loose;";
    let found = house(&[("lib.rs", root), ("loose.rs", "")]).against_the_order();
    assert_eq!(found, ["loose.rs: lies in no room"]);
}

#[test]
fn what_a_connection_reaches_through_other_files_is_found_with_its_chain() {
    let file = "mod reader { pub struct Reader(tokio::task::JoinHandle<()>); }\npub struct File;";
    assert_eq!(
        house(&[("net/file.rs", file)]).out_of_reach(Some("conn")),
        ["conn/mod.rs:1 crate::net::File -> net/file.rs:1 tokio::task::JoinHandle"]
    );
    for (exchange, expected) in [
        (
            "use crate::Incoming; pub struct Exchange;",
            "conn/exchange.rs:1 crate::Incoming",
        ),
        (
            "use crate::net; pub struct Exchange(net::Socket);",
            "conn/exchange.rs:1 net::Socket -> net/socket.rs:1 tokio::net::TcpStream",
        ),
        (
            "pub struct Exchange(std::net::TcpStream);",
            "conn/exchange.rs:1 std::net::TcpStream",
        ),
        (
            "use std::net; pub struct Exchange(net::UdpSocket);",
            "conn/exchange.rs:1 net::UdpSocket",
        ),
        (
            "pub struct Exchange; fn f() { std::thread::spawn(f); }",
            "conn/exchange.rs:1 std::thread::spawn",
        ),
    ] {
        let house = house(&[("conn/exchange.rs", exchange)]);
        assert_eq!(
            house.out_of_reach(Some("conn"))[..1],
            [expected],
            "{exchange}"
        );
    }
}

#[test]
fn a_circle_of_four_is_found() {
    let root = ("lib.rs", "mod error; mod conn;");
    let conn = (
        "conn/mod.rs",
        "pub mod a; pub mod b; pub mod c; pub mod d; pub mod e; pub use a::A;",
    );
    let a = ("conn/a.rs", "use super::b::B; pub struct A;");
    let b = ("conn/b.rs", "use super::c::C; pub struct B;");
    let c = ("conn/c.rs", "pub struct C(super::d::D);");
    let d = ("conn/d.rs", "use super::A; pub struct D;");
    let e = ("conn/e.rs", "use super::{A, B};");
    let house = house(&[root, conn, a, b, c, d, e]);
    assert_eq!(
        house.circles(),
        [["conn/a.rs", "conn/b.rs", "conn/c.rs", "conn/d.rs"]]
    );
}

#[test]
fn a_child_that_uses_its_parent_is_a_circle_only_if_the_parent_uses_it_too() {
    let root = ("lib.rs", "mod error; mod conn;");
    let child = ("conn/a.rs", "use super::Drive; pub struct A;");
    let declares = ("conn/mod.rs", "mod a; pub trait Drive {}");
    assert!(house(&[root, declares, child]).circles().is_empty());
    let uses = ("conn/mod.rs", "mod a; pub trait Drive {} fn f(a: a::A) {}");
    assert_eq!(
        house(&[root, uses, child]).circles(),
        [["conn/a.rs", "conn/mod.rs"]]
    );
}

#[test]
fn a_room_says_what_it_may_know() {
    let plate = "//! What.\n//!\n//! Here: a.\n//! May know: b.\n//! Must not know: c.\n\nuse x;";
    let house = house(&[]);
    let all = house.without_a_door_plate(|_| Some(plate.to_owned()));
    assert_eq!(all, [""; 0]);
    let one_less = plate.replace("Must not know", "Knows");
    let found = house.without_a_door_plate(|door| {
        let is_pump = door == "pump.rs";
        (is_pump || door.ends_with("/mod.rs") && !door.starts_with("pump")).then(|| {
            if is_pump {
                one_less.clone()
            } else {
                plate.to_owned()
            }
        })
    });
    assert_eq!(found, ["pump.rs: its opening has no line `Must not know:`"]);
    let found =
        house.without_a_door_plate(|door| (!door.starts_with("tls")).then(|| plate.to_owned()));
    assert_eq!(found, ["tls: there is no such room"]);
}
