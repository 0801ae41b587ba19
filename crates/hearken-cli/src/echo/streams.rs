//! Answers that take their time or have many bytes. Each holds one piece at a time, whatever the size of the whole.

use super::call::Drip;
use super::coding::Coding;
use super::reply::{Reply, Stream, TEXT};
use hearken::{Bytes, Error, IncomingMessage, Sent};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// The body as it comes. Its type and its coding are the client's.
pub(crate) async fn echo(mut req: IncomingMessage, reply: Reply) -> Result<Sent, Error> {
    // Before the head goes out: a client that waits for `100 Continue` gets it when the body is asked for.
    let mut next = req.data().await?;
    let fields = req.raw_headers();
    let content_type = fields.get("content-type").unwrap_or(BINARY.as_bytes());
    let coded = fields.get("content-encoding");
    let better = if coded.is_none() && is_compressible(content_type) {
        Coding::Gzip
    } else {
        Coding::Identity
    };
    // What came from elsewhere must not run as a page of this origin.
    let reply = reply.set("Content-Security-Policy", "default-src 'none'; sandbox");
    let mut stream = match coded {
        Some(coded) => reply.pass(content_type, coded, req.head().content_length()),
        None => reply.stream(content_type, req.head().content_length(), better),
    };
    while let Some(piece) = next {
        stream.write(piece).await?;
        next = req.data().await?;
    }
    stream.end()
}

/// `count` bytes that look random and are the same for the same seed.
pub(crate) async fn bytes(count: u64, seed: Option<u64>, reply: Reply) -> Result<Sent, Error> {
    let mut noise = Noise(seed.unwrap_or_else(|| RandomState::new().hash_one(0)));
    let mut stream = reply.stream(BINARY, Some(count), Coding::Identity);
    let mut left = if stream.is_head_only() { 0 } else { count };
    while left > 0 {
        let piece = noise.piece(left.min(PIECE_BYTES));
        left -= piece.len() as u64;
        stream.write(piece).await?;
    }
    stream.end()
}

/// JSON lines, each a chunk of its own.
pub(crate) async fn lines(count: u64, url: &str, reply: Reply) -> Result<Sent, Error> {
    let mut stream = reply.stream("application/x-ndjson", None, Coding::Gzip);
    let lines = if stream.is_head_only() { 0 } else { count };
    for id in 0..lines {
        let line = serde_json::json!({ "id": id, "of": count, "url": url });
        stream.write(format!("{line}\n")).await?;
    }
    stream.end()
}

/// An answer after a while.
pub(crate) async fn delay(time: Duration, reply: Reply) -> Sent {
    sleep(time).await;
    super::json(reply, &serde_json::json!({ "delay": time.as_secs_f64() }))
}

/// Bytes that come evenly over a time.
pub(crate) async fn drip(drip: Drip, reply: Reply) -> Result<Sent, Error> {
    sleep(drip.delay).await;
    let reply = reply.status(drip.status);
    if super::is_bodiless(drip.status) {
        return Ok(reply.empty());
    }
    let mut stream = reply.stream(TEXT, Some(drip.bytes), Coding::Gzip);
    if !stream.is_head_only() {
        drop_by_drop(&drip, &mut stream).await?;
    }
    stream.end()
}

/// The first piece comes at once and the last one when the time is over. Pieces are as small as `TICK` allows.
async fn drop_by_drop(drip: &Drip, stream: &mut Stream) -> Result<(), Error> {
    let start = Instant::now();
    let ticks = drip.duration.as_millis() / TICK.as_millis();
    let pieces = drip.bytes.min(u64::try_from(ticks).unwrap_or(u64::MAX) + 1);
    let mut sent = 0;
    for number in 0..pieces {
        let share = number as f64 / (pieces - 1).max(1) as f64;
        sleep_until(start + drip.duration.mul_f64(share)).await;
        let upto = drip.bytes * (number + 1) / pieces;
        stream.write(vec![b'*'; (upto - sent) as usize]).await?;
        sent = upto;
    }
    Ok(())
}

const TICK: Duration = Duration::from_millis(10);
const BINARY: &str = "application/octet-stream";
const PIECE_BYTES: u64 = 64 * 1024;

/// Whether gzip is likely to make content of this type smaller.
fn is_compressible(content_type: &[u8]) -> bool {
    let essence = content_type.split(|&byte| byte == b';').next();
    let essence = essence
        .unwrap_or_default()
        .trim_ascii()
        .to_ascii_lowercase();
    let plain: &[&[u8]] = &[
        b"application/json",
        b"application/javascript",
        b"application/xml",
        b"application/x-ndjson",
        b"application/x-www-form-urlencoded",
    ];
    essence.starts_with(b"text/")
        || plain.contains(&essence.as_slice())
        || essence.ends_with(b"+json")
        || essence.ends_with(b"+xml")
}

/// SplitMix64: a step of a counter, and its bits stirred. Good enough to look random, and a few instructions a word.
struct Noise(u64);

impl Noise {
    fn piece(&mut self, bytes: u64) -> Bytes {
        let mut piece = vec![0; bytes as usize];
        for word in piece.chunks_mut(8) {
            word.copy_from_slice(&self.next().to_le_bytes()[..word.len()]);
        }
        piece.into()
    }

    const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = self.0;
        let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

#[cfg(test)]
mod tests;
