//! A connection through a SOCKS5 proxy: RFC 1928, with user and password by RFC 1929.
//!
//! Here: [`open`]. Not here: which proxy (`client/agent/proxies.rs`), resolving names and the time-out (`proxy.rs`).

use crate::client::agent::proxies::Login;
use crate::error::client::{Cause, SocksError};
use crate::net::transport::BoxIo;
use std::io;
use std::net::{IpAddr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The host that a SOCKS5 proxy shall connect to.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Host<'a> {
    Address(SocketAddr),
    /// The proxy resolves it.
    Name(&'a str, u16),
}

const VERSION: u8 = 5;
const LOGIN_VERSION: u8 = 1;
const NO_LOGIN: u8 = 0;
const LOGIN: u8 = 2;
const NO_METHOD: u8 = 0xff;
const CONNECT: u8 = 1;

/// Asks the proxy for a connection to `to`. The returned transport leads to that host.
pub(crate) async fn open(
    mut transport: BoxIo,
    to: Host<'_>,
    login: Option<&Login>,
) -> Result<BoxIo, Cause> {
    let request = request(to)?;
    let methods: &[u8] = if login.is_some() {
        &[VERSION, 2, NO_LOGIN, LOGIN]
    } else {
        &[VERSION, 1, NO_LOGIN]
    };
    send(&mut transport, methods).await?;
    let [version, method] = receive(&mut transport).await?;
    check(version)?;
    match (method, login) {
        (NO_LOGIN, _) => {}
        (LOGIN, Some((user, password))) => log_in(&mut transport, user, password).await?,
        (NO_METHOD, _) => {
            let login = login.is_some();
            return Err(Cause::Socks(SocksError::NoMethod { login }));
        }
        (other, _) => return Err(Cause::Socks(SocksError::Method(other))),
    }
    send(&mut transport, &request).await?;
    // Some proxies end a refusal behind its code.
    let [version, code] = receive(&mut transport).await?;
    check(version)?;
    if code != 0 {
        return Err(Cause::Socks(SocksError::Reply(code)));
    }
    skip_bound_address(&mut transport).await?;
    Ok(transport)
}

/// RFC 1928 §4.
fn request(to: Host<'_>) -> Result<Vec<u8>, Cause> {
    let mut request = vec![VERSION, CONNECT, 0];
    let port = match to {
        Host::Address(address) => {
            match address.ip() {
                IpAddr::V4(ip) => {
                    request.push(1);
                    request.extend_from_slice(&ip.octets());
                }
                IpAddr::V6(ip) => {
                    request.push(4);
                    request.extend_from_slice(&ip.octets());
                }
            }
            address.port()
        }
        Host::Name(name, port) => {
            let length = u8::try_from(name.len())
                .map_err(|_| Cause::Socks(SocksError::LongName(name.len())))?;
            request.extend_from_slice(&[3, length]);
            request.extend_from_slice(name.as_bytes());
            port
        }
    };
    request.extend_from_slice(&port.to_be_bytes());
    Ok(request)
}

/// RFC 1929 §2. Both have at most 255 bytes.
async fn log_in(transport: &mut BoxIo, user: &[u8], password: &[u8]) -> Result<(), Cause> {
    let mut login = vec![LOGIN_VERSION];
    for text in [user, password] {
        login.push(text.len() as u8);
        login.extend_from_slice(text);
    }
    send(transport, &login).await?;
    let [_, status] = receive(transport).await?;
    match status {
        0 => Ok(()),
        _ => Err(Cause::Socks(SocksError::Login)),
    }
}

/// The address from which the proxy connects, behind the code of its reply.
async fn skip_bound_address(transport: &mut BoxIo) -> Result<(), Cause> {
    let [_, kind] = receive(transport).await?;
    match kind {
        1 => receive::<6>(transport).await.map(drop),
        4 => receive::<18>(transport).await.map(drop),
        3 => {
            let [length] = receive(transport).await?;
            for _ in 0..u16::from(length) + 2 {
                receive::<1>(transport).await?;
            }
            Ok(())
        }
        other => Err(Cause::Socks(SocksError::AddressType(other))),
    }
}

const fn check(version: u8) -> Result<(), Cause> {
    match version {
        VERSION => Ok(()),
        other => Err(Cause::Socks(SocksError::Version(other))),
    }
}

async fn send(transport: &mut BoxIo, bytes: &[u8]) -> Result<(), Cause> {
    transport.write_all(bytes).await.map_err(cause)?;
    transport.flush().await.map_err(cause)
}

async fn receive<const N: usize>(transport: &mut BoxIo) -> Result<[u8; N], Cause> {
    let mut bytes = [0; N];
    transport.read_exact(&mut bytes).await.map_err(cause)?;
    Ok(bytes)
}

fn cause(error: io::Error) -> Cause {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => Cause::Gone,
        io::ErrorKind::ConnectionReset => Cause::Reset,
        _ => Cause::Io(error),
    }
}
