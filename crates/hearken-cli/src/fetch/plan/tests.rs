//! From flags to plans.

use super::*;
use crate::cli::{Cli, Command};
use clap::Parser;

fn planned(args: &[&str]) -> Result<FetchPlan, CommandError> {
    let args = ["hearken", "fetch"].iter().chain(args);
    let cli = Cli::try_parse_from(args).unwrap_or_else(|error| panic!("{error}"));
    let Command::Fetch(flags) = cli.command else {
        panic!("another command");
    };
    plan(*flags)
}

fn plan_of(args: &[&str]) -> FetchPlan {
    planned(args).unwrap_or_else(|error| panic!("{args:?}: {error}"))
}

fn headers_of(args: &[&str]) -> Vec<String> {
    let plan = plan_of(&[&["a"], args].concat());
    let lines = plan.headers.iter();
    lines
        .map(|(name, value)| format!("{name}: {value}"))
        .collect()
}

#[test]
fn without_flags() {
    let expected = FetchPlan {
        targets: vec![Target {
            url: "http://a".to_owned(),
            output: Output::Stdout,
        }],
        method: "GET".to_owned(),
        headers: vec![
            (
                "User-Agent".to_owned(),
                format!("hearken/{}", env!("CARGO_PKG_VERSION")),
            ),
            ("Accept".to_owned(), "*/*".to_owned()),
        ],
        body: None,
        redirects: None,
        compressed: false,
        trust: Trust::SystemRoots,
        max_time: None,
        max_head: None,
        fail: false,
        report: Report::Body,
        silent: false,
    };
    assert_eq!(plan_of(&["a"]), expected);
}

#[test]
fn urls() {
    for (given, url) in [
        ("example.com", "http://example.com"),
        ("localhost:3000/a", "http://localhost:3000/a"),
        ("[::1]:3000", "http://[::1]:3000"),
        ("https://a", "https://a"),
        ("HTTP://a", "HTTP://a"),
        ("a?u=http://b", "http://a?u=http://b"),
    ] {
        assert_eq!(plan_of(&[given]).targets[0].url, url);
    }
}

#[test]
fn methods() {
    for (args, method) in [
        (&["a"][..], "GET"),
        (&["a", "-I"], "HEAD"),
        (&["a", "-d", "x"], "POST"),
        (&["a", "--data-binary", "x"], "POST"),
        (&["a", "-X", "PUT", "-d", "x"], "PUT"),
        (&["a", "-X", "DELETE"], "DELETE"),
        (&["a", "-X", "GET", "-I"], "GET"),
        (&["a", "-X", "propfind"], "propfind"),
    ] {
        assert_eq!(plan_of(args).method, method, "{args:?}");
    }
}

#[test]
fn fields() {
    let agent = format!("User-Agent: hearken/{}", env!("CARGO_PKG_VERSION"));
    let agent = agent.as_str();
    for (args, lines) in [
        (&[][..], &[agent, "Accept: */*"][..]),
        (&["-H", "X:  y "], &[agent, "Accept: */*", "X: y"]),
        (&["-H", "x;"], &[agent, "Accept: */*", "x: "]),
        (&["-H", "X: a:b;"], &[agent, "Accept: */*", "X: a:b;"]),
        (&["-H", "accept:"], &[agent]),
        (
            &["-H", "accept: a", "-H", "Accept: b"],
            &[agent, "accept: a", "Accept: b"],
        ),
        (&["-A", "me"], &["User-Agent: me", "Accept: */*"]),
        (
            &["-A", "me", "-H", "User-Agent: you"],
            &["Accept: */*", "User-Agent: you"],
        ),
        (
            &["-u", "Aladdin:open sesame"],
            &[
                agent,
                "Accept: */*",
                "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
            ],
        ),
        (
            &["-u", "a"],
            &[agent, "Accept: */*", "Authorization: Basic YTo="],
        ),
        (
            &["-d", "x"],
            &[
                agent,
                "Accept: */*",
                "Content-Type: application/x-www-form-urlencoded",
            ],
        ),
        (
            &["-d", "{}", "-H", "content-type: application/json"],
            &[agent, "Accept: */*", "content-type: application/json"],
        ),
    ] {
        assert_eq!(headers_of(args), lines, "{args:?}");
    }
}

#[test]
fn bodies() {
    let parts = |args: &[&str]| {
        plan_of(&[&["a"], args].concat())
            .body
            .map(|body| body.parts)
    };
    let text = |text: &str| Part::Text(text.to_owned());
    assert_eq!(parts(&[]), None);
    assert_eq!(parts(&["-d", ""]), Some(vec![text("")]));
    assert_eq!(
        parts(&["-d", "a=1", "-d", "b=@2"]),
        Some(vec![text("a=1"), text("b=@2")])
    );
    assert_eq!(
        parts(&["-d", "@f", "--data", "@-"]),
        Some(vec![
            Part::File {
                path: "f".into(),
                stripped: true
            },
            Part::Stdin { stripped: true }
        ])
    );
    assert_eq!(
        parts(&["--data-binary", "@-"]),
        Some(vec![Part::Stdin { stripped: false }])
    );
}

#[test]
fn outputs_belong_to_urls_in_order() {
    let outputs = |args: &[&str]| -> Vec<Output> {
        let plan = plan_of(args);
        plan.targets
            .into_iter()
            .map(|target| target.output)
            .collect()
    };
    let file = |name: &str| Output::File(name.into());
    assert_eq!(outputs(&["a", "b"]), [Output::Stdout, Output::Stdout]);
    assert_eq!(outputs(&["a", "-o", "x", "b"]), [file("x"), Output::Stdout]);
    assert_eq!(
        outputs(&["-o", "x", "-o", "y", "a", "b"]),
        [file("x"), file("y")]
    );
    assert_eq!(outputs(&["a", "-o", "-"]), [Output::StdoutAsIs]);
    assert_eq!(
        outputs(&["a", "b", "--json", "-o", "x"]),
        [file("x"), Output::Nowhere]
    );
    assert_eq!(outputs(&["a", "--json", "-o", "-"]), [Output::Nowhere]);
}

#[test]
fn other_flags() {
    let plan = plan_of(&["a", "-LkfsIm", "1.5", "--compressed", "--cacert", "x"]);
    assert_eq!(plan.redirects, Some(10));
    assert_eq!(plan.trust, Trust::AnyCertificate);
    assert_eq!(plan.max_time, Some(Duration::from_millis(1500)));
    assert_eq!(plan.report, Report::HeadAndBody);
    assert!(plan.fail && plan.silent && plan.compressed);
    assert_eq!(
        plan_of(&["a", "--cacert", "x"]).trust,
        Trust::SystemRootsAnd("x".into())
    );
    assert_eq!(
        plan_of(&["a", "-L", "--max-redirs", "0"]).redirects,
        Some(0)
    );
    assert_eq!(plan_of(&["a", "-i"]).report, Report::HeadAndBody);
    assert_eq!(plan_of(&["a", "--json", "-I"]).report, Report::Json);
}

#[test]
fn wrong_values_are_rejected_with_the_reason() {
    for (args, why) in [
        (&["a", "-X", ""][..], "is not a method"),
        (&["a", "-X", "GE T"], "is not a method"),
        (&["a", "-H", "nonsense"], "Name: value"),
        (&["a", "-H", ": x"], "not a field name"),
        (&["a", "-H", "a b: x"], "not a field name"),
        (&["a", "-H", "a: x\r\ny: z"], "line ends"),
        (&["a", "-m", "0"], "above 0"),
        (&["a", "-m=-1"], "above 0"),
        (&["a", "-m", "soon"], "above 0"),
        (&["a", "-m", "NaN"], "above 0"),
        (&["a", "-m", "1e300"], "above 0"),
        (&["a", "-o", "x", "-o", "y"], "at most one"),
    ] {
        let text = planned(args).expect_err("a wrong value").to_string();
        assert!(text.contains(why), "{args:?}: {text}");
    }
}

#[test]
fn clap_rejects_wrong_flags() {
    for args in [
        &[][..],
        &["a", "-I", "-d", "x"],
        &["a", "-i", "--json"],
        &["a", "-d", "x", "--data-binary", "y"],
        &["a", "--max-redirs", "51"],
        &["a", "--max-time"],
        &["a", "--no-such-flag"],
    ] {
        let args = ["hearken", "fetch"].iter().chain(args);
        assert!(Cli::try_parse_from(args).is_err());
    }
}
