//! Responses that take time or are large. Each holds one piece in memory at a time.

use super::coding::ContentCoding;
use super::response::{ResponseBuilder, ResponseStream, TEXT};
use super::route::Drip;
use hearken::{Bytes, Error, Failure, IncomingMessage, Sent};
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

/// Sends the content of the request back as it arrives, with its type and coding.
pub(crate) async fn echo(
    mut req: IncomingMessage,
    response: ResponseBuilder,
) -> Result<Sent, Failure> {
    // Before the head is sent: the first read sends `100 Continue` to a client that waits for it.
    let mut next = req.data().await?;
    let fields = req.raw_headers();
    let content_type = fields.get("content-type").unwrap_or(BINARY.as_bytes());
    let coding = fields.get("content-encoding");
    let preferred = if coding.is_none() && is_compressible(content_type) {
        ContentCoding::Gzip
    } else {
        ContentCoding::Identity
    };
    // Echoed content must not run as a page of this origin.
    let response = response.append("Content-Security-Policy", "default-src 'none'; sandbox");
    let length = req.head().content_length();
    let mut stream = match coding {
        Some(coding) => response.stream_encoded(content_type, coding, length),
        None => response.stream(content_type, length, preferred),
    };
    while let Some(piece) = next {
        stream.write(piece).await?;
        next = req.data().await?;
    }
    stream.end()
}

/// `count` pseudo-random bytes, the same for the same seed.
pub(crate) async fn bytes(
    count: u64,
    seed: Option<u64>,
    response: ResponseBuilder,
) -> Result<Sent, Failure> {
    let mut random = SplitMix64(seed.unwrap_or_else(|| RandomState::new().hash_one(0)));
    let mut stream = response.stream(BINARY, Some(count), ContentCoding::Identity);
    let mut left = if stream.is_head_only() { 0 } else { count };
    while left > 0 {
        let piece = random.bytes(left.min(PIECE_BYTES));
        left -= piece.len() as u64;
        stream.write(piece).await?;
    }
    stream.end()
}

/// JSON lines, each in its own chunk.
pub(crate) async fn lines(
    count: u64,
    req: IncomingMessage,
    response: ResponseBuilder,
) -> Result<Sent, Failure> {
    let mut stream = response.stream("application/x-ndjson", None, ContentCoding::Gzip);
    let lines = if stream.is_head_only() { 0 } else { count };
    for id in 0..lines {
        let line = serde_json::json!({ "id": id, "of": count, "url": req.url() });
        stream.write(format!("{line}\n")).await?;
    }
    stream.end()
}

/// Responds after a delay.
pub(crate) async fn delay(time: Duration, response: ResponseBuilder) -> Result<Sent, Failure> {
    sleep(time).await;
    let delay = serde_json::json!({ "delay": time.as_secs_f64() });
    Ok(super::json::send_json(response, &delay))
}

/// Sends bytes spread evenly over a time.
pub(crate) async fn drip(drip: Drip, response: ResponseBuilder) -> Result<Sent, Failure> {
    sleep(drip.delay).await;
    let response = response.status(drip.status);
    if super::response::has_no_content(drip.status) {
        return Ok(response.send_empty());
    }
    let mut stream = response.stream(TEXT, Some(drip.bytes), ContentCoding::Gzip);
    if !stream.is_head_only() {
        write_evenly(&drip, &mut stream).await?;
    }
    stream.end()
}

/// Sends the first piece at once and the last one at the end of the time. At most one piece per `TICK`.
async fn write_evenly(drip: &Drip, stream: &mut ResponseStream) -> Result<(), Error> {
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
/// What waits for a client that does not read is about one piece.
const PIECE_BYTES: u64 = 16 * 1024;

/// Whether gzip probably makes content of this type smaller.
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

/// The pseudo-random generator of this name: a counter whose bits are mixed. Fast, and good enough to be incompressible.
struct SplitMix64(u64);

impl SplitMix64 {
    fn bytes(&mut self, count: u64) -> Bytes {
        let mut piece = vec![0; count as usize];
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
