//! `Fields` and `Head`: order, case, removal, wire form.

use hearken_proto::{
    Connection, Event, Fields, Head, Length, Limits, Misuse, Request, Response, Role,
};
use hearken_testkit::escape;

fn fields(pairs: &[(&str, &str)]) -> Fields {
    let mut fields = Fields::new();
    for (name, value) in pairs {
        fields.append(name, value).expect("a legal field");
    }
    fields
}

fn pairs(fields: &Fields) -> Vec<(String, String)> {
    let text = |bytes| escape(bytes);
    let pairs = fields.view().iter();
    pairs
        .map(|(name, value)| (text(name), text(value)))
        .collect()
}

/// The lines as they are sent: in a response without a framing field, so that contiguous lines are copied as one piece.
fn wire(fields: &Fields) -> String {
    let mut server = Connection::new(Role::Server, &Limits::default());
    let mut out = Vec::new();
    server
        .receive(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .expect("a legal request");
    server
        .send_response(&Response::new(200, fields, Length::Known(0)), &mut out)
        .expect("a legal response");
    let text = String::from_utf8(out).expect("ASCII");
    let text = text.strip_prefix("HTTP/1.1 200 OK\r\n").expect("the line");
    let text = text.strip_suffix("Content-Length: 0\r\n\r\n");
    text.expect("the length").to_owned()
}

#[test]
fn append_keeps_order_case_and_repetition() {
    let fields = fields(&[("B", "1"), ("a", "2"), ("b", "3")]);
    assert_eq!(wire(&fields), "B: 1\r\na: 2\r\nb: 3\r\n");
    let view = fields.view();
    assert_eq!((view.len(), view.is_empty()), (3, false));
    assert_eq!(view.get("b"), Some(&b"1"[..]));
    assert_eq!(view.get_all("B").collect::<Vec<_>>(), [b"1", b"3"]);
    assert_eq!(view.get("c"), None);
    assert_eq!(view.get(""), None);
    assert_eq!(format!("{fields:?}"), r#"{"B": "1", "a": "2", "b": "3"}"#);
}

#[test]
fn values_are_trimmed_and_may_be_empty() {
    let fields = fields(&[("a", " \t1 2\t "), ("b", ""), ("c", " ")]);
    assert_eq!(wire(&fields), "a: 1 2\r\nb: \r\nc: \r\n");
}

#[test]
fn set_replaces_all_and_only_its_name() {
    let mut fields = fields(&[("a", "1"), ("b", "2"), ("A", "3"), ("c", "4")]);
    fields.set("a", "5").expect("a legal field");
    assert_eq!(wire(&fields), "b: 2\r\nc: 4\r\na: 5\r\n");
    fields.set("d", "6").expect("a legal field");
    assert_eq!(wire(&fields), "b: 2\r\nc: 4\r\na: 5\r\nd: 6\r\n");
    assert_eq!(fields.view().len(), 4);
}

#[test]
fn a_rejected_set_changes_nothing() {
    let mut fields = fields(&[("a", "1"), ("b", "2")]);
    assert_eq!(fields.set("a", "\n"), Err(Misuse::FieldValue));
    assert_eq!(fields.set("a:", "1"), Err(Misuse::FieldName));
    assert_eq!(fields.set("", "1"), Err(Misuse::FieldName));
    assert_eq!(wire(&fields), "a: 1\r\nb: 2\r\n");
}

#[test]
fn removed_lines_are_neither_visible_nor_sent() {
    let mut fields = fields(&[("a", "1"), ("b", "2"), ("a", "3"), ("c", "4")]);
    assert!(fields.remove("A"));
    assert!(!fields.remove("A"), "the second call has nothing to do");
    assert_eq!(wire(&fields), "b: 2\r\nc: 4\r\n");
    fields.append("a", "5").expect("a legal field");
    assert_eq!(wire(&fields), "b: 2\r\nc: 4\r\na: 5\r\n");
    for name in ["b", "c", "a"] {
        assert!(fields.remove(name));
    }
    assert!(fields.view().is_empty());
    assert_eq!(wire(&fields), "");
    fields.append("d", "6").expect("a legal field");
    assert_eq!(pairs(&fields), [("d".to_owned(), "6".to_owned())]);
    assert_eq!(wire(&fields), "d: 6\r\n");
}

#[test]
fn clear_removes_everything() {
    let mut fields = fields(&[("a", "1"), ("Connection", "close")]);
    assert!(fields.remove("a"));
    fields.clear();
    assert_eq!(wire(&fields), "");
    fields.append("b", "2").expect("a legal field");
    assert_eq!(wire(&fields), "b: 2\r\n");
}

#[test]
fn a_removed_framing_field_has_no_effect() {
    let mut fields = fields(&[("Content-Length", "7"), ("Connection", "close"), ("X", "y")]);
    assert!(fields.remove("content-length") && fields.remove("connection"));
    fields.append("Host", "a").expect("a legal field");
    let mut client = Connection::new(Role::Client, &Limits::default());
    let mut out = Vec::new();
    client
        .send_request(
            &Request::new("GET", "/", &fields, Length::Known(0)),
            &mut out,
        )
        .expect("a legal request");
    assert_eq!(out, b"GET / HTTP/1.1\r\nX: y\r\nHost: a\r\n\r\n");
    assert!(client.persistent());
}

#[test]
fn names_that_resemble_framing_fields_have_no_effect() {
    // One bit away from the name of a framing or routing field; none of them has its effect.
    for name in [
        "h\u{4f}st-",
        "Conteot-Length",
        "Content_Length",
        "Transfer.Encoding",
        "hosT~",
        "dat`",
    ] {
        let fields = fields(&[(name, "1"), ("Host", "a")]);
        let mut client = Connection::new(Role::Client, &Limits::default());
        let mut out = Vec::new();
        let request = Request::new("GET", "/", &fields, Length::Known(0));
        client
            .send_request(&request, &mut out)
            .expect("a legal request");
        let expected = format!("GET / HTTP/1.1\r\n{name}: 1\r\nHost: a\r\n\r\n");
        assert_eq!(escape(&out), escape(expected.as_bytes()));
    }
}

#[test]
fn a_head_can_be_swapped_and_its_memory_is_reused() {
    let mut server = Connection::new(Role::Server, &Limits::default());
    let mut spare = Box::new(Head::new());
    for path in ["/a", "/b", "/c"] {
        let request = format!("GET {path} HTTP/1.0\r\nConnection: keep-alive\r\nX: {path}\r\n\r\n");
        server.receive(request.as_bytes()).expect("a legal request");
        server.swap_head(&mut spare);
        assert_eq!(spare.url(), path);
        assert_eq!(spare.fields().get("x"), Some(path.as_bytes()));
        server.receive(b"").expect("its end");
        let (fields, mut out) = (Fields::new(), Vec::new());
        let response = Response::new(200, &fields, Length::Known(0));
        server
            .send_response(&response, &mut out)
            .expect("a legal response");
        server.send_end(None, &mut out).expect("a legal end");
    }
    // The other head held an old request; nothing of it is left.
    server
        .receive(b"PUT /d HTTP/1.1\r\nHost: d\r\n\r\n")
        .expect("a legal request");
    assert_eq!(
        (server.head().method(), server.head().fields().len()),
        ("PUT", 1)
    );
    assert_eq!(server.head().fields().get("x"), None);
}

#[test]
fn an_incomplete_head_cannot_be_swapped() {
    let mut server = Connection::new(Role::Server, &Limits::default());
    server.report_lines(true);
    let (_, event) = server
        .receive(b"GET /a HTTP/1.1\r\n")
        .expect("a legal line");
    assert_eq!(event, Some(Event::Line));
    let mut spare = Box::new(Head::new());
    server.swap_head(&mut spare);
    assert_eq!(spare.url(), "");
    server.receive(b"Host: a\r\n").expect("more of it");
    server.swap_head(&mut spare);
    server.receive(b"\r\n").expect("the rest of it");
    assert_eq!(server.head().url(), "/a");
    assert_eq!(server.head().fields().get("host"), Some(&b"a"[..]));
}

#[test]
fn debug_output_of_a_head() {
    let mut server = Connection::new(Role::Server, &Limits::default());
    let request = b"\r\nGET /a?b=c HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n";
    server.receive(request).expect("a legal request");
    let head = server.head();
    assert_eq!(head.as_bytes(), request);
    assert_eq!((head.method(), head.method_bytes()), ("GET", &b"GET"[..]));
    assert_eq!((head.status(), head.reason()), (0, &b""[..]));
    assert_eq!(head.content_length(), Some(0));
    assert!(head.persistent() && !head.expects_continue());
    let text = format!("{head:?}");
    assert!(
        text.contains("GET") && text.contains("/a?b=c") && text.contains("Host"),
        "{text}"
    );
}

/// A cleared list adds a line that it had at the same place without checking it again. It must behave as a new list does.
#[test]
fn a_cleared_list_is_as_a_new_one() {
    let steps: [(&str, &str, &str); 6] = [
        ("append", "A", "1"),
        ("append", "A", "1"),
        ("set", "B", "22"),
        ("set", "A", "1"),
        ("remove", "B", ""),
        ("append", "Content-Length", "3"),
    ];
    let apply = |fields: &mut Fields, chosen: u32| {
        for (at, (order, name, value)) in steps.iter().enumerate() {
            if chosen & (1 << at) == 0 {
                continue;
            }
            match *order {
                "append" => fields.append(name, value).expect("a legal field"),
                "set" => fields.set(name, value).expect("a legal field"),
                _ => drop(fields.remove(name)),
            }
        }
    };
    let encoded = |fields: &Fields| {
        let mut server = Connection::new(Role::Server, &Limits::default());
        server
            .receive(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .expect("a legal request");
        let mut out = Vec::new();
        let response = Response::new(200, fields, Length::Unknown);
        let sent = server.send_whole_response(&response, b"ok", &mut out);
        (sent.is_ok(), escape(&out))
    };
    for before in 0..64 {
        for chosen in 0..64 {
            let (mut used, mut new) = (Fields::new(), Fields::new());
            apply(&mut used, before);
            used.clear();
            assert!(used.view().is_empty());
            apply(&mut used, chosen);
            apply(&mut new, chosen);
            assert_eq!(pairs(&used), pairs(&new), "{before} {chosen}");
            assert_eq!(pairs(&used.clone()), pairs(&new), "{before} {chosen}");
            assert_eq!(encoded(&used), encoded(&new), "{before} {chosen}");
        }
    }
}

#[test]
fn what_was_refused_is_refused_again_after_clear() {
    let mut fields = Fields::new();
    for _ in 0..2 {
        fields.append("A", "1").expect("a legal field");
        assert_eq!(fields.append("B", "1\r\nC: 2"), Err(Misuse::FieldValue));
        assert_eq!(fields.append("B\r", "1"), Err(Misuse::FieldName));
        fields.append("B", " 2 ").expect("a legal field");
        assert_eq!(
            pairs(&fields),
            [("A".into(), "1".into()), ("B".into(), "2".into())]
        );
        fields.clear();
    }
}

#[test]
fn all_lines_of_a_list_can_be_appended() {
    let (mut always, mut fields) = (Fields::new(), Fields::new());
    always.append("A", "1").expect("a legal field");
    always.append("Content-Length", "3").expect("a legal field");
    always.append("B", "22").expect("a legal field");
    for removes in [false, true] {
        if removes {
            always.remove("b"); // the bytes of the list are not contiguous any more
        }
        for _ in 0..2 {
            fields.clear();
            fields.append("X", "0").expect("a legal field");
            fields.append_all(&always).expect("room for all");
            fields.append("Y", "9").expect("a legal field");
            let mut expected = pairs(&always);
            expected.insert(0, ("X".into(), "0".into()));
            expected.push(("Y".into(), "9".into()));
            assert_eq!(pairs(&fields), expected);
            assert_eq!(fields.view().get("content-length"), Some(&b"3"[..]));
        }
    }
    // Framing fields are still known as such.
    let mut server = Connection::new(Role::Server, &Limits::default());
    server
        .receive(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        .expect("a legal request");
    let response = Response::new(200, &fields, Length::Unknown);
    let sent = server.send_whole_response(&response, b"ok", &mut Vec::new());
    assert_eq!(sent, Err(Misuse::BodyTooShort));
}
