//! What `hearken serve` prints at its start: what it serves, and how to reach it.
//!
//! To stderr, as lines for people; the URL alone goes to stdout (`run.rs` of the program).

use super::plan::{ServePlan, is_reachable};
use hearken::listen::ListenAddr;
use qrcode::QrCode;
use qrcode::render::unicode::Dense1x2;
use std::fmt::Write as _;
use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// What is printed once the server listens.
#[derive(Debug)]
pub(crate) struct Banner {
    directory: String,
    /// Why another port than the usual one.
    port_note: Option<String>,
    address: ListenAddr,
    upload: bool,
    protected: bool,
    qr: bool,
}

impl Banner {
    pub(crate) fn new(plan: &ServePlan, port_note: Option<String>) -> Self {
        Self {
            directory: plan.directory.display().to_string(),
            port_note,
            address: plan.server.address.clone(),
            upload: plan.upload.is_some(),
            protected: !plan.users.is_empty(),
            qr: plan.qr,
        }
    }

    /// Prints the lines. The server runs even if stderr is closed.
    pub(crate) fn print(&self, url: &str) {
        let text = self.text(url, &own_addresses());
        let _ = anstream::stderr().lock().write_all(text.as_bytes());
    }

    fn text(&self, url: &str, own: &[IpAddr]) -> String {
        let mut text = String::new();
        // Writing to a `String` cannot fail.
        if let Some(note) = &self.port_note {
            let _ = writeln!(text, "{}", printable(note));
        }
        let _ = writeln!(
            text,
            "serving {} on {}",
            printable(&self.directory),
            printable(url)
        );
        if !is_reachable(&self.address) {
            if matches!(
                self.address,
                ListenAddr::Socket(_) | ListenAddr::Host { .. }
            ) {
                text.push_str("only this machine reaches it; --lan opens it to the network\n");
            }
            return text;
        }
        let urls = self.urls(url, own);
        for url in &urls {
            let _ = writeln!(text, "for other machines: {url}");
        }
        if !self.protected {
            let may = if self.upload {
                "read and add files"
            } else {
                "read the files"
            };
            let _ = writeln!(
                text,
                "every machine in the network may {may}; --auth USER:PASSWORD asks for a password"
            );
        }
        if self.qr {
            match urls.first().and_then(|url| qr_code(url)) {
                Some(code) => text.push_str(&code),
                None => text.push_str("no QR code: this machine has no address in a network\n"),
            }
        }
        text
    }

    /// The URLs that other machines use.
    fn urls(&self, url: &str, own: &[IpAddr]) -> Vec<String> {
        let scheme = url.split_once("://").map_or("http", |(scheme, _)| scheme);
        let listening: Option<SocketAddr> =
            url.split_once("://").and_then(|(_, at)| at.parse().ok());
        match listening {
            Some(at) if at.ip().is_unspecified() => own
                .iter()
                .filter(|own| at.is_ipv6() || own.is_ipv4())
                .map(|&ip| format!("{scheme}://{}", SocketAddr::new(ip, at.port())))
                .collect(),
            _ => vec![url.to_owned()],
        }
    }
}

/// A path may contain what moves the cursor.
fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect()
}

/// The addresses from which this machine would send to other networks. Nothing is sent: a UDP socket that connects only asks for the
/// route.
fn own_addresses() -> Vec<IpAddr> {
    let of = |from: IpAddr, to: IpAddr| {
        let socket = UdpSocket::bind((from, 0)).ok()?;
        socket.connect((to, 9)).ok()?;
        Some(socket.local_addr().ok()?.ip())
    };
    // Addresses of documentation, RFC 5737 and RFC 3849.
    let v4 = of(
        Ipv4Addr::UNSPECIFIED.into(),
        Ipv4Addr::new(192, 0, 2, 1).into(),
    );
    let v6 = of(
        Ipv6Addr::UNSPECIFIED.into(),
        Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1).into(),
    );
    let reachable = |ip: &IpAddr| !ip.is_loopback() && !ip.is_unspecified();
    v4.into_iter().chain(v6).filter(reachable).collect()
}

/// Half blocks, dark on light where the terminal is light on dark, so that cameras read it.
fn qr_code(url: &str) -> Option<String> {
    let code = QrCode::new(url).ok()?;
    let picture = code
        .render::<Dense1x2>()
        .dark_color(Dense1x2::Light)
        .light_color(Dense1x2::Dark)
        .build();
    Some(format!("{picture}\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn banner(address: &str) -> Banner {
        Banner {
            directory: "/srv/\u{1b}[2Jfiles".to_owned(),
            port_note: None,
            address: address.parse().expect("an address"),
            upload: false,
            protected: false,
            qr: true,
        }
    }

    fn own() -> [IpAddr; 2] {
        [
            Ipv4Addr::new(192, 0, 2, 7).into(),
            Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7).into(),
        ]
    }

    #[test]
    fn a_server_for_this_machine_says_how_to_open_it() {
        let text = banner("127.0.0.1:8080").text("http://127.0.0.1:8080", &own());
        assert_eq!(
            text,
            "serving /srv/\u{fffd}[2Jfiles on http://127.0.0.1:8080\n\
             only this machine reaches it; --lan opens it to the network\n"
        );
    }

    #[test]
    fn a_server_for_the_network_names_its_urls() {
        let text = banner("0.0.0.0:8080").text("https://0.0.0.0:8080", &own());
        assert!(
            text.contains("for other machines: https://192.0.2.7:8080\n"),
            "{text}"
        );
        assert!(!text.contains("2001:db8"), "{text}");
        assert!(
            text.contains("every machine in the network may read the files"),
            "{text}"
        );
        assert!(text.contains('\u{2588}'), "{text}");
        let text = banner("[::]:8080").text("http://[::]:8080", &own());
        assert!(
            text.contains("for other machines: http://[2001:db8::7]:8080\n"),
            "{text}"
        );
        let text = banner("0.0.0.0:8080").text("http://0.0.0.0:8080", &[]);
        assert!(text.contains("no QR code"), "{text}");
    }
}
