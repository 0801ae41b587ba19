//! Entity tags that responses get by themselves, and the 304 that follows from them.
//!
//! Here: [`ServerResponse::tag_content`]. Not here: tags and validators that a handler sets (`conditional.rs`), files
//! (`message/send_file.rs`).

use super::entity_tag::{TAG_BYTES, write_strong_tag, write_tag};
use super::{Conditions, Precondition, Validators};
use crate::conn::layers::{HeadHook, ResponseHead};
use crate::message::response::ServerResponse;
use hearken_proto::{Head, list_members};
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
    /// The hash is XXH3 (about 900 instructions for 1 KiB), of 64 bits for a weak tag and of 128 for a strong one; it does not withstand attacks by those who choose
    /// the content. It is computed before hooks run, so that compression does not change the tag, but for its strength. The second call
    /// replaces the first.
    ///
    /// ```
    /// use hearken::message::ContentTag;
    /// use hearken::Server;
    /// let server = Server::new(async |_req, res| {
    ///     res.tag_content(ContentTag::Weak);
    ///     res.end("hello")
    /// });
    /// ```
    #[doc(alias = "etag")]
    #[doc(alias = "fresh")]
    pub fn tag_content(&self, tag: ContentTag) {
        // Functions are boxed without memory.
        let hook: Option<HeadHook> = match tag {
            ContentTag::Off => None,
            ContentTag::Weak => Some(Box::new(tag_whole::<false>)),
            ContentTag::Strong => Some(Box::new(tag_whole::<true>)),
        };
        self.exchange.state().outgoing.whole.0 = hook;
    }
}

fn tag_whole<const STRONG: bool>(head: &mut ResponseHead<'_>) {
    let reads = matches!(head.request_head().method_bytes(), b"GET" | b"HEAD");
    if !reads || head.status() != StatusCode::OK {
        return;
    }
    if head.get("etag").is_none()
        && let Some(content) = head.content()
    {
        let mut buffer = [0; TAG_BYTES];
        let tag = match STRONG {
            true => write_strong_tag(content, &mut buffer),
            false => write_tag(content, &mut buffer),
        };
        let _ = head.set("ETag", tag); // a legal value
    }
    let conditions = Conditions::of_head(head.request_head(), head.now);
    if conditions.stated.is_none() || wants_content(head.request_head()) {
        return;
    }
    let current = Validators::of_fields(head.fields(), head.now);
    if let Precondition::NotModified(_) = conditions.check(&current) {
        head.set_not_modified();
    }
}

/// `Cache-Control: no-cache` asks for the content, whatever the validators say: browsers send it when the user reloads.
fn wants_content(request: &Head) -> bool {
    let lines = request.fields();
    let mut members = lines.get_all("cache-control").flat_map(list_members);
    members.any(|member| member.eq_ignore_ascii_case(b"no-cache"))
}
