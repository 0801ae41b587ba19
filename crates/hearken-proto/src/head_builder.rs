//! The head of a request that is made here, not decoded: for another carrier than HTTP/1.1, or for a test.
//!
//! Here: [`Head::of_request`]. Not here: decoding (`head_decoder.rs`), requests that are sent (`encoder.rs`).

use crate::error::Misuse;
use crate::facts::Kind;
use crate::fields::{Fields, Line};
use crate::head::{Head, Version};
use crate::semantics::judge_target;
use crate::special::Special;
use crate::syntax;
use core::ops::Range;

impl Head {
    /// The head of a request that did not come as HTTP/1.1: from another carrier, or made for a test. Its fields are taken as
    /// they are; method and target are checked as those of a request that goes out.
    ///
    /// ```
    /// use hearken::proto::{Fields, Head, Version};
    /// let mut fields = Fields::new();
    /// fields.set("Host", "example.com")?;
    /// let head = Head::of_request("GET", "/a?b", Version::Http2, &fields)?;
    /// assert_eq!((head.method(), head.url()), ("GET", "/a?b"));
    /// assert_eq!(head.fields().get("host"), Some(&b"example.com"[..]));
    /// # Ok::<(), hearken::proto::Misuse>(())
    /// ```
    ///
    /// # Errors
    /// [`Misuse::Method`] for a method that is no token, [`Misuse::Target`] for a target that the method does not allow,
    /// [`Misuse::FieldValue`] for fields that contradict each other.
    pub fn of_request(
        method: &str,
        target: &str,
        version: Version,
        fields: &Fields,
    ) -> Result<Self, Misuse> {
        if !syntax::is_token(method.as_bytes()) {
            return Err(Misuse::Method);
        }
        let legal = !target.is_empty() && syntax::target_len(target.as_bytes()) == target.len();
        if !legal || judge_target(method, target).is_err() {
            return Err(Misuse::Target);
        }
        let mut head = Self::new();
        head.version = version;
        head.first = head.append(method.as_bytes());
        head.second = head.append(target.as_bytes());
        for (name, value) in fields.view().iter() {
            let (name_at, value_at) = (head.append(name), head.append(value));
            if let Some(special) = Special::of(name) {
                let index = head.lines.len();
                (head.facts.note(special, value, index, Kind::Request))
                    .map_err(|_| Misuse::FieldValue)?;
            }
            head.lines.push(Line {
                name: name_at.start,
                name_end: name_at.end,
                value: value_at.start,
                value_end: value_at.end,
            });
        }
        Ok(head)
    }

    fn append(&mut self, bytes: &[u8]) -> Range<u32> {
        let start = self.bytes.len() as u32;
        self.bytes.extend_from_slice(bytes);
        start..self.bytes.len() as u32
    }
}
