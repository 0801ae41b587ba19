//! The choice as a table: the fields of a request, the coding of content that gzip makes smaller, and that of other content.
//! The library's own tests read the field in all its forms.

use super::*;
use ContentCoding::{Gzip, Identity};
use hearken::Server;
use hearken::test::Request;

#[test]
fn the_coding_follows_the_preference_of_the_client() {
    let server = Server::new(async |req: IncomingMessage, res| {
        let accept = AcceptEncoding::of(&req);
        res.end(format!(
            "{:?} {:?}",
            accept.choose(Gzip),
            accept.choose(Identity)
        ))
    });
    let none = Err(NotAcceptable);
    for (field, text, noise) in [
        (None, Ok(Identity), Ok(Identity)),
        (Some(""), Ok(Identity), Ok(Identity)),
        (Some("gzip"), Ok(Gzip), Ok(Identity)),
        (Some("x-gzip"), Ok(Gzip), Ok(Identity)),
        (Some("br, deflate"), Ok(Identity), Ok(Identity)),
        (Some("gzip;q=0"), Ok(Identity), Ok(Identity)),
        (Some("gzip;q=0.5, identity"), Ok(Identity), Ok(Identity)),
        (Some("gzip;q=0.5, identity;q=0.5"), Ok(Gzip), Ok(Identity)),
        (Some("identity;q=0, gzip;q=0.1"), Ok(Gzip), Ok(Gzip)),
        (Some("gzip, *;q=0"), Ok(Gzip), Ok(Gzip)),
        (Some("identity, *;q=0"), Ok(Identity), Ok(Identity)),
        (Some("*"), Ok(Gzip), Ok(Identity)),
        (Some("*;q=0"), none, none),
        (Some("identity;q=0, br"), none, none),
    ] {
        let request = Request::get("/");
        let request = match field {
            Some(value) => request.header("Accept-Encoding", value),
            None => request,
        };
        let expected = format!("{text:?} {noise:?}");
        let answer = server.inject(request).expect("an answer");
        assert_eq!(answer.text(), expected, "{field:?}");
    }
}
