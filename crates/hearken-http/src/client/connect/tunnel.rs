//! A tunnel through a proxy: CONNECT (RFC 9110 §9.3.6).
//!
//! Here: [`open`]. Not here: which proxy (`client/agent/proxies.rs`), the time-out (`connect/mod.rs`).

use crate::error::client::Cause;
use crate::net::transport::BoxIo;
use crate::net::upgraded::Upgraded;
use bytes::{Buf, BytesMut};
use hearken_proto::{Connection, Event, Fields, Length, Limits, Misuse, Request, Role};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Asks the proxy for a tunnel to `to`, host and port. The returned transport leads to that host.
pub(crate) async fn open(
    mut transport: BoxIo,
    to: &str,
    auth: Option<&str>,
    limits: &Limits,
) -> Result<BoxIo, Cause> {
    let mut proto = Connection::new(Role::Client, limits);
    let mut out = Vec::new();
    send_connect(&mut proto, to, auth, &mut out)
        .map_err(|misuse| Cause::Protocol(misuse.into()))?;
    transport.write_all(&out).await.map_err(Cause::Io)?;
    transport.flush().await.map_err(Cause::Io)?;
    let mut buffer = BytesMut::with_capacity(1024);
    loop {
        let count = transport.read_buf(&mut buffer).await.map_err(Cause::Io)?;
        if count == 0 {
            return Err(Cause::Gone);
        }
        loop {
            let (used, event) = proto.receive(&buffer).map_err(Cause::Protocol)?;
            let switched = match event {
                None => break,
                Some(Event::Switched) => true,
                Some(Event::Head { .. }) => return Err(Cause::Refused(proto.head().status())),
                Some(_) => false,
            };
            buffer.advance(used);
            if switched {
                let rest = buffer.freeze();
                return Ok(Box::new(Upgraded::new(transport, rest)));
            }
        }
        buffer.clear(); // the protocol keeps the beginning of a head itself
    }
}

fn send_connect(
    proto: &mut Connection,
    to: &str,
    auth: Option<&str>,
    out: &mut Vec<u8>,
) -> Result<(), Misuse> {
    let mut fields = Fields::new();
    fields.append("Host", to)?;
    if let Some(auth) = auth {
        fields.append("Proxy-Authorization", auth)?;
    }
    proto.send_request(&Request::new("CONNECT", to, &fields, Length::Known(0)), out)?;
    proto.send_end(None, out)
}
