//! Both directions at once, content from readers and streams, and futures that are dropped before they are ready.

use super::harness::{Peer, net, settle};
use crate::OutgoingMessage;
use crate::error::Error;
use bytes::Bytes;
use futures_core::Stream;
use std::cell::Cell;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const PIECE: usize = 64 * 1024;

/// A stream of this many pieces, which counts those that were taken. Not `Send`.
struct Pieces {
    count: usize,
    taken: Rc<Cell<usize>>,
}

impl Stream for Pieces {
    type Item = Result<Bytes, io::Error>;

    fn poll_next(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.taken.get() == self.count {
            return Poll::Ready(None);
        }
        self.taken.set(self.taken.get() + 1);
        Poll::Ready(Some(Ok(Bytes::from(vec![b'x'; PIECE]))))
    }
}

/// A stream that another task fills.
struct Lines(mpsc::UnboundedReceiver<Result<&'static str, io::Error>>);

impl Stream for Lines {
    type Item = Result<&'static str, io::Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(cx)
    }
}

fn lines() -> (
    mpsc::UnboundedSender<Result<&'static str, io::Error>>,
    Lines,
) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (sender, Lines(receiver))
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_taken_no_faster_than_the_server_reads() -> Result<(), Error> {
    let mut net = net();
    let (count, taken) = (100, Rc::new(Cell::new(0)));
    let pieces = Pieces {
        count,
        taken: Rc::clone(&taken),
    };
    let request = net.request("PUT", "/");
    request.set_header("Content-Length", (count * PIECE).to_string())?;
    let client = async {
        request.pipe_from_stream(pieces).await?;
        request.response().await?.text().await
    };
    let server = async {
        let mut peer = net.accept().await;
        settle().await;
        let ahead = taken.get();
        assert!((4..20).contains(&ahead), "{ahead} pieces");
        peer.hear().await;
        peer.say(OK).await;
    };
    let (text, ()) = tokio::join!(client, server);
    assert_eq!((text?.as_str(), taken.get()), ("ok", count));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_reader_is_read_to_its_end() -> Result<(), Error> {
    let mut net = net();
    let request = net.request("PUT", "/");
    let content = vec![b'y'; 1_000_000];
    let client = async {
        request.pipe_from(&content[..]).await?;
        request.response().await?.text().await
    };
    let server = async {
        let mut peer = net.accept().await;
        let heard = peer.hear().await;
        peer.say(OK).await;
        heard
    };
    let (text, heard) = tokio::join!(client, server);
    assert_eq!(text?, "ok");
    assert!(heard.contains("Transfer-Encoding: chunked\r\n"));
    assert_eq!(heard.matches('y').count(), content.len());
    assert!(heard.ends_with("y\r\n0\r\n\r\n"));
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn each_piece_is_sent_without_waiting_for_the_next() -> Result<(), Error> {
    let mut net = net();
    let request = net.request("POST", "/");
    let (sender, lines) = lines();
    let client = async {
        request.pipe_from_stream(lines).await?;
        request.response().await?.text().await
    };
    let server = async {
        let mut peer = net.accept().await;
        peer.hear_until("\r\n\r\n").await;
        for line in ["one", "two"] {
            sender.send(Ok(line)).unwrap();
            peer.hear_until(&format!("3\r\n{line}\r\n")).await;
        }
        drop(sender);
        peer.hear_until("0\r\n\r\n").await;
        peer.say(OK).await;
    };
    let (text, ()) = tokio::join!(client, server);
    assert_eq!(text?, "ok");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_source_that_fails_aborts_the_request() {
    let mut net = net();
    let request = net.request("POST", "/");
    let (sender, lines) = lines();
    let server = async {
        let mut peer = net.accept().await;
        sender.send(Ok("one")).unwrap();
        let heard = peer.hear_until("3\r\none\r\n").await;
        let error = io::Error::other("the disk is gone");
        sender.send(Err(error)).unwrap();
        (heard, peer.hear_end().await)
    };
    let (piped, (heard, rest)) = tokio::join!(request.pipe_from_stream(lines), server);
    assert_eq!(piped.unwrap_err().to_string(), "the disk is gone");
    assert!(heard.ends_with("3\r\none\r\n") && rest.is_empty());
    assert!(request.response().await.unwrap_err().is_aborted());
}

#[tokio::test(start_paused = true)]
async fn a_server_that_wants_no_more_or_is_gone_ends_the_piping() {
    for answer in ["HTTP/1.1 413 No\r\nContent-Length: 0\r\n\r\n", ""] {
        let mut net = net();
        let request = net.request("POST", "/");
        let (sender, lines) = lines();
        sender.send(Ok("one")).unwrap();
        let server = async {
            let mut peer = net.accept().await;
            peer.hear_until("one\r\n").await;
            peer.say(answer).await;
            if answer.is_empty() { None } else { Some(peer) }
        };
        let (piped, _peer) = tokio::join!(request.pipe_from_stream(lines), server);
        if answer.is_empty() {
            assert!(piped.unwrap_err().is_closed());
        } else {
            piped.unwrap();
            assert_eq!(request.response().await.unwrap().status(), 413);
        }
        assert!(sender.is_closed(), "the stream was dropped before its end");
    }
}

/// Sends back what it gets, chunk by chunk, until the end.
async fn echo(mut peer: Peer) {
    peer.hear_until("\r\n\r\n").await;
    peer.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    loop {
        let line = peer.hear_until("\r\n").await;
        let length = usize::from_str_radix(line.trim_end(), 16).unwrap();
        let rest = peer.hear_bytes(length + 2).await;
        peer.say(line + &rest).await;
        if length == 0 {
            return;
        }
    }
}

/// Far more than the buffers between the two hold.
#[tokio::test(start_paused = true)]
async fn an_echo_in_both_directions_at_once() -> Result<(), Error> {
    let mut net = net();
    let request = net.request("POST", "/");
    let client = async {
        let mut response = request.response().await?;
        let write = async {
            for _ in 0..100 {
                if !request.write(vec![b'x'; PIECE]) {
                    request.drain().await?;
                }
            }
            request.finish("!").await
        };
        let read = async {
            let mut total = 0;
            while let Some(piece) = response.data().await? {
                total += piece.len();
            }
            Ok(total)
        };
        tokio::try_join!(write, read)
    };
    let server = async { echo(net.accept().await).await };
    let (done, ()) = tokio::join!(client, server);
    assert_eq!(done?.1, 100 * PIECE + 1);
    Ok(())
}

/// Polls the future once and drops it if it is not ready; then lets the other tasks run.
async fn once<T>(future: impl Future<Output = T>) -> Option<T> {
    let polled = {
        let mut future = pin!(future);
        poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
    };
    tokio::task::yield_now().await;
    match polled {
        Poll::Ready(done) => Some(done),
        Poll::Pending => None,
    }
}

#[tokio::test(start_paused = true)]
async fn futures_that_are_dropped_lose_nothing() -> Result<(), Error> {
    let mut net = net();
    let request = net.request("POST", "/");
    let client = async {
        let (mut drops, mut total) = ([0; 2], 0);
        let mut response = loop {
            match once(request.response()).await {
                Some(response) => break response?,
                None => drops[0] += 1,
            }
        };
        assert!(once(response.data()).await.is_none(), "nothing to echo");
        for _ in 0..20 {
            if !request.write(vec![b'x'; PIECE]) {
                while once(request.drain()).await.transpose()?.is_none() {
                    drops[1] += 1;
                    match once(response.data()).await.transpose()? {
                        Some(piece) => total += piece.map_or(0, |piece| piece.len()),
                        None => drops[1] += 1,
                    }
                }
            }
        }
        drop(request.finish("!")); // ordered nevertheless
        loop {
            match once(response.data()).await.transpose()? {
                Some(Some(piece)) => total += piece.len(),
                Some(None) => break,
                None => {}
            }
        }
        Ok::<_, Error>((drops, total))
    };
    let server = async { echo(net.accept().await).await };
    let (done, ()) = tokio::join!(client, server);
    let (drops, total) = done?;
    assert!(drops.iter().all(|&count| count > 0), "{drops:?}");
    assert_eq!(total, 20 * PIECE + 1);
    Ok(())
}
