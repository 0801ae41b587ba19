//! Entity tags that responses get by themselves, and the 304 that follows from them.
//!
//! Here: [`ServerResponse::tag_content`]. Not here: tags and validators that a handler sets (`conditional.rs`), files
//! (`message/send_file.rs`).

use super::entity_tag::{TAG_BYTES, write_tag};
use super::{Conditions, Precondition, Validators};
use crate::conn::layers::{HeadHook, ResponseHead};
use crate::message::incoming::IncomingMessage;
use crate::message::response::ServerResponse;
use hearken_proto::list_members;
use http::StatusCode;

/// The entity tag that a response gets from its content: [`ServerResponse::tag_content`].
///
/// ```
/// use hearken::message::ContentTag;
/// assert_ne!(ContentTag::Weak, ContentTag::Off);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContentTag {
    /// None, and no 304.
    #[default]
    Off,
    /// A weak one.
    Weak,
    /// A strong one. Layers that change the content, compression for example, weaken it.
    Strong,
}

impl ServerResponse {
    /// Gives the response an ETag of its content if it answers GET or HEAD with 200, ends in one piece and has none; and answers
    /// 304 without content if the request shows that the client has it already: by If-None-Match, or by If-Modified-Since and the
    /// Last-Modified of the response. Streams and files are left as they are. A request with `Cache-Control: no-cache` gets the
    /// content.
    ///
    /// The hash is XXH3 of 64 bits, which costs less than copying the content; it does not withstand attacks by those who choose the
    /// content. It is computed before hooks run, so that compression does not change the tag, but for its strength. The second call
    /// replaces the first.
    ///
    /// ```
    /// use hearken::message::ContentTag;
    /// use hearken::Server;
    /// let server = Server::new(async |req, res| {
    ///     res.tag_content(&req, ContentTag::Weak);
    ///     res.end("hello")
    /// });
    /// ```
    #[doc(alias = "etag")]
    #[doc(alias = "fresh")]
    pub fn tag_content(&self, req: &IncomingMessage, tag: ContentTag) {
        let applies = matches!(req.head().method_bytes(), b"GET" | b"HEAD");
        let conditions = || {
            let conditions = Conditions::of(req);
            conditions.stated.as_ref()?;
            Some((conditions, wants_content(req)))
        };
        // A closure that captures nothing is boxed without memory.
        let hook: Option<HeadHook> = match tag {
            _ if !applies => None,
            ContentTag::Off => None,
            ContentTag::Weak => Some(match conditions() {
                None => Box::new(|head| tag_head::<false>(head)),
                Some(stated) => Box::new(move |head| tag_and_check::<false>(head, &stated)),
            }),
            ContentTag::Strong => Some(match conditions() {
                None => Box::new(|head| tag_head::<true>(head)),
                Some(stated) => Box::new(move |head| tag_and_check::<true>(head, &stated)),
            }),
        };
        self.exchange.state().outgoing.whole.0 = hook;
    }
}

/// `Cache-Control: no-cache` asks for the content, whatever the validators say: browsers send it when the user reloads.
fn wants_content(req: &IncomingMessage) -> bool {
    let lines = req.raw_headers();
    let mut members = lines.get_all("cache-control").flat_map(list_members);
    members.any(|member| member.eq_ignore_ascii_case(b"no-cache"))
}

fn tag_head<const STRONG: bool>(head: &mut ResponseHead<'_>) {
    if head.status() != StatusCode::OK || head.get("etag").is_some() {
        return;
    }
    let Some(content) = head.content() else {
        return;
    };
    let mut buffer = [0; TAG_BYTES];
    let tag = write_tag(content, &mut buffer);
    let tag = if STRONG { &tag[2..] } else { tag };
    let _ = head.set("ETag", tag); // a legal value
}

fn tag_and_check<const STRONG: bool>(
    head: &mut ResponseHead<'_>,
    (conditions, wants_content): &(Conditions, bool),
) {
    tag_head::<STRONG>(head);
    if head.status() != StatusCode::OK || *wants_content {
        return;
    }
    let current = Validators::of_fields(head.fields(), head.now);
    if let Precondition::NotModified(_) = conditions.check(&current) {
        head.set_not_modified();
    }
}
