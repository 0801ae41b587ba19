//! The same request by each type that shows one: the same words return the same values.

use super::*;
use crate::conn::tests::harness::Log;
use crate::event::observe::{Observation, Observer, Step};
use crate::{Failure, IncomingMessage, Sent, event};

struct Facts(Log);

impl Observer for Facts {
    fn observe(&self, seen: &Observation<'_>) {
        if let (Step::Ended { .. }, Some(facts)) = (seen.step, seen.facts) {
            let (method, url) = (facts.method().unwrap(), facts.url().unwrap());
            self.0.add(format!("{method} {url}"));
        }
    }
}

#[test]
fn a_request_has_the_same_words_everywhere() {
    for (url, path, query) in [
        ("/a/b?c=%41?", "/a/b", Some("c=%41?")),
        ("/a?", "/a", Some("")),
        ("/", "/", None),
        ("http://a.test/x?y", "/x", Some("y")),
        ("http://a.test?y", "/", Some("y")),
    ] {
        let log = Log::default();
        let (lines, heads, failures) = (log.clone(), log.clone(), log.clone());
        let mut server = Server::new(async move |req: IncomingMessage, _res: ServerResponse| {
            let (method, name) = (req.method(), req.header("x-name").unwrap());
            lines.add(format!("{method} {}", req.url()));
            lines.add(format!("{} {:?} {name}", req.path(), req.raw_query()));
            lines.add(format!("{:?}", req.peer().remote_address()));
            Err::<Sent, _>(Failure::new(500, "on purpose"))
        });
        server.on(event::Request, move |head| {
            let (method, name) = (head.method(), head.header("X-Name").unwrap());
            heads.add(format!("{method} {}", head.url()));
            heads.add(format!("{} {:?} {name}", head.path(), head.raw_query()));
        });
        server.on(event::HandlerFailed, move |failure| {
            let request = failure.request().unwrap();
            let (method, url) = (request.method().unwrap(), request.url().unwrap());
            failures.add(format!("{method} {url}"));
            failures.add(format!("{:?}", request.remote_address()));
        });
        server.observer(Facts(log.clone()));
        let request = Request::get(url).header("Host", "a.test");
        let test = TestServer::new(&server);
        let answer = test.connect().inject(request.header("X-Name", "ada"));
        assert_eq!(answer.expect("an answer").status(), 500, "{url}");
        drop(test);
        let (line, parts) = (format!("GET {url}"), format!("{path} {query:?} ada"));
        let none = "None".to_owned();
        let expected = [&line, &parts, &line, &parts, &none, &line, &none, &line];
        assert_eq!(log.take().iter().collect::<Vec<_>>(), expected, "{url}");
    }
}
