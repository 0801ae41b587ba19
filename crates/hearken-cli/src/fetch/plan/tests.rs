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
    let lines = plan.request.headers.iter();
    lines
        .map(|(name, value)| format!("{name}: {value}"))
        .collect()
}

#[test]
fn without_flags() {
    let expected = FetchPlan {
        targets: vec![Target {
            url: "http://a".to_owned(),
            method: "GET".to_owned(),
            upload: None,
            output: Output::Stdout,
        }],
        request: RequestPlan {
            headers: vec![
                (
                    "User-Agent".to_owned(),
                    format!("hearken/{}", env!("CARGO_PKG_VERSION")),
                ),
                ("Accept".to_owned(), "*/*".to_owned()),
            ],
            content: None,
            redirects: None,
            compressed: false,
            max_time: None,
        },
        connection: ConnectionPlan {
            proxy: ProxyPlan::Environment,
            no_proxy: None,
            unix_socket: None,
            resolve: Vec::new(),
            trust: Trust::SystemRoots,
            connect_timeout: None,
            rate_min: None,
            rate_after: None,
            max_head: None,
        },
        cookies: CookiePlan::default(),
        resume: None,
        retry: RetryPlan::default(),
        report: Report::Body,
        write_out: None,
        fail: false,
        verbose: false,
        silent: false,
        hides_errors: false,
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
        (&["a", "-F", "x=y"], "POST"),
        (&["a", "--form-string", "x=y"], "POST"),
        (&["a", "-T", "x"], "PUT"),
        (&["a", "-T", "x", "-X", "POST"], "POST"),
    ] {
        assert_eq!(plan_of(args).targets[0].method, method, "{args:?}");
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
        (&["-F", "x=y"], &[agent, "Accept: */*"]),
        (
            &["-r", "0-4,10-,-5"],
            &[agent, "Accept: */*", "Range: bytes=0-4,10-,-5"],
        ),
    ] {
        assert_eq!(headers_of(args), lines, "{args:?}");
    }
}

#[test]
fn bodies() {
    let parts = |args: &[&str]| plan_of(&[&["a"], args].concat()).request.content;
    let text = |text: &str| DataPart::Text(text.to_owned());
    assert_eq!(parts(&[]), None);
    assert_eq!(parts(&["-d", ""]), Some(Content::Data(vec![text("")])));
    assert_eq!(
        parts(&["-d", "a=1", "-d", "b=@2"]),
        Some(Content::Data(vec![text("a=1"), text("b=@2")]))
    );
    assert_eq!(
        parts(&["-d", "@f", "--data", "@-"]),
        Some(Content::Data(vec![
            DataPart::File {
                path: "f".into(),
                stripped: true
            },
            DataPart::Stdin { stripped: true }
        ]))
    );
    assert_eq!(
        parts(&["--data-binary", "@-"]),
        Some(Content::Data(vec![DataPart::Stdin { stripped: false }]))
    );
}

#[test]
fn forms_have_the_syntax_of_curl() {
    let text = |text: &str| PartContent::Text(text.to_owned());
    let file = |path: &str| PartContent::File(path.into());
    for (flag, expected) in [
        ("a=b", vec![(text("b"), None, None)]),
        ("a=", vec![(text(""), None, None)]),
        ("a=b=c;d", vec![(text("b=c;d"), None, None)]),
        ("a=b;type=text/x", vec![(text("b"), Some("text/x"), None)]),
        (
            "a={};type=a/b; charset=utf-8",
            vec![(text("{}"), Some("a/b; charset=utf-8"), None)],
        ),
        ("a=\"b;type=c\"", vec![(text("b;type=c"), None, None)]),
        ("a=@x/y.png", vec![(file("x/y.png"), None, Some("y.png"))]),
        (
            "a=@x;filename=\"q \\\"r\";type=i/j",
            vec![(file("x"), Some("i/j"), Some("q \"r"))],
        ),
        (
            "a=@x,y;type=i/j",
            vec![
                (file("x"), None, Some("x")),
                (file("y"), Some("i/j"), Some("y")),
            ],
        ),
        (
            "a=<x",
            vec![(PartContent::FileAsValue("x".into()), None, None)],
        ),
        ("a=@-", vec![(PartContent::Stdin, None, Some("-"))]),
        ("a=<-", vec![(PartContent::Stdin, None, None)]),
    ] {
        let parts = expected
            .into_iter()
            .map(|(content, media_type, file_name)| FormPart {
                name: "a".to_owned(),
                content,
                media_type: media_type.map(str::to_owned),
                file_name: file_name.map(str::to_owned),
            });
        let expected = Some(Content::Form(parts.collect()));
        assert_eq!(
            plan_of(&["u", "-F", flag]).request.content,
            expected,
            "{flag}"
        );
    }
    let Some(Content::Form(parts)) = plan_of(&["u", "--form-string", "a=@b;type=c"])
        .request
        .content
    else {
        panic!("no form");
    };
    assert_eq!(parts[0].content, text("@b;type=c"));
}

#[test]
fn uploads_belong_to_urls_in_order() {
    let plan = plan_of(&["-T", "x/a b", "http://a", "-T", "-", "b/", "c/"]);
    let targets: Vec<_> = plan
        .targets
        .iter()
        .map(|target| (&*target.url, &*target.method, target.upload.clone()))
        .collect();
    assert_eq!(
        targets,
        [
            ("http://a/a%20b", "PUT", Some(Upload::File("x/a b".into()))),
            ("http://b/", "PUT", Some(Upload::Stdin)),
            ("http://c/", "GET", None),
        ]
    );
    for (url, uploaded) in [
        ("http://a/", "http://a/f"),
        ("http://a/b", "http://a/b"),
        ("http://a/b/", "http://a/b/f"),
        ("http://a/?c/", "http://a/?c/"),
    ] {
        assert_eq!(plan_of(&["-T", "f", url]).targets[0].url, uploaded);
    }
}

#[test]
fn cookies_are_data_or_files() {
    let cookies = |args: &[&str]| plan_of(&[&["a"], args].concat()).cookies;
    let plan = cookies(&["-b", "a=1", "-b", "file", "-b", "", "-j"]);
    assert_eq!(plan.data, ["a=1"]);
    assert_eq!(plan.files, [Path::new("file"), Path::new("")]);
    assert!(plan.drop_session && plan.has_engine());
    assert!(!cookies(&["-b", "a=1"]).has_engine());
    assert!(cookies(&["-c", "file"]).has_engine());
}

#[test]
fn connections() {
    let plan = |args: &[&str]| plan_of(&[&["a"], args].concat()).connection;
    assert_eq!(plan(&["-x", "p:1"]).proxy, ProxyPlan::Url("p:1".to_owned()));
    assert_eq!(plan(&["-x", ""]).proxy, ProxyPlan::None);
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    for (args, rate, after) in [
        (&["-Y", "100"][..], Some(100), seconds(30)),
        (&["-y", "5"], Some(1), seconds(5)),
        (&["--speed-limit", "0"], Some(0), seconds(30)),
        (&["-Y", "7", "-y", "8"], Some(7), seconds(8)),
    ] {
        let plan = plan(args);
        assert_eq!((plan.rate_min, plan.rate_after), (rate, after), "{args:?}");
    }
    let resolved = plan(&[
        "--resolve",
        "A.b:80:1.2.3.4,[::1]",
        "--resolve",
        "*:443:::1",
    ])
    .resolve;
    let address = |text: &str| -> std::net::IpAddr { text.parse().expect("an address") };
    assert_eq!(
        resolved,
        [
            HostAddresses {
                host: Some("a.b".to_owned()),
                port: 80,
                addresses: vec![address("1.2.3.4"), address("::1")],
            },
            HostAddresses {
                host: None,
                port: 443,
                addresses: vec![address("::1")],
            },
        ]
    );
}

#[test]
fn retries() {
    let plan = plan_of(&[
        "a",
        "--retry",
        "3",
        "--retry-delay",
        "0.5",
        "--retry-connrefused",
    ]);
    let expected = RetryPlan {
        times: 3,
        delay: Some(Duration::from_millis(500)),
        connection_refused: true,
        ..RetryPlan::default()
    };
    assert_eq!(plan.retry, expected);
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
    assert_eq!(
        outputs(&["-O", "a/x%20y?z", "-o", "b", "e", "-O", "a/c/d", "f/g"]),
        [file("x%20y"), file("b"), file("d"), Output::Stdout]
    );
}

#[test]
fn other_flags() {
    let plan = plan_of(&["a", "-vLkfsIm", "1.5", "--compressed", "--cacert", "x"]);
    assert_eq!(plan.request.redirects, Some(10));
    assert_eq!(plan.connection.trust, Trust::AnyCertificate);
    assert_eq!(plan.request.max_time, Some(Duration::from_millis(1500)));
    assert_eq!(plan.report, Report::HeadAndBody);
    assert!(plan.fail && plan.silent && plan.hides_errors && plan.verbose);
    assert!(plan.request.compressed);
    assert!(!plan_of(&["a", "-sS"]).hides_errors);
    assert_eq!(
        plan_of(&["a", "--cacert", "x"]).connection.trust,
        Trust::SystemRootsAnd("x".into())
    );
    let redirects = |args: &[&str]| plan_of(args).request.redirects;
    assert_eq!(redirects(&["a", "-L", "--max-redirs", "0"]), Some(0));
    assert_eq!(plan_of(&["a", "-i"]).report, Report::HeadAndBody);
    assert_eq!(plan_of(&["a", "--json", "-I"]).report, Report::Json);
    let resume = |args: &[&str]| plan_of(args).resume;
    assert_eq!(resume(&["a", "-C", "7"]), Some(Resume::At(7)));
    assert_eq!(resume(&["a/b", "-C", "-", "-O"]), Some(Resume::FileSize));
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
        (&["a", "-o", "x", "-O"], "at most one"),
        (&["a", "-T", "x", "-T", "y"], "at most one"),
        (
            &["http://u:secret@a/b/", "-O"],
            "\"http://u:***@a/b/\" does not end with the name",
        ),
        (&["a", "-C", "-"], "add -o FILE or -O"),
        (&["a", "-C=-1"], "a number of bytes, or -"),
        (&["a", "-C", "1k"], "a number of bytes, or -"),
        (&["a", "-r", "5"], "ranges of bytes"),
        (&["a", "-r", "-"], "ranges of bytes"),
        (&["a", "-r", "0-1\r\nX: y"], "ranges of bytes"),
        (&["a", "-F", "nonsense"], "name=content"),
        (&["a", "-F", "=x"], "name=content"),
        (&["a", "-F", "a=@f;x=y"], "neither type=… nor filename=…"),
        (&["a", "-F", "a=b;type=c\r\nd"], "line ends"),
        (&["a", "-F", "a=@.."], "not the path of a file"),
        (&["a", "--resolve", "a:1.2.3.4"], "HOST:PORT:ADDRESS"),
        (&["a", "--resolve", "a:80:b"], "HOST:PORT:ADDRESS"),
        (&["a", "-y", "0"], "above 0"),
        (&["a", "--connect-timeout", "x"], "above 0"),
        (&["a", "--retry", "1", "--retry-delay", "x"], "above 0"),
        (&["a", "-w", "%{nothing}"], "no variable \"nothing\""),
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
        &["a", "-T", "x", "-d", "y"],
        &["a", "-F", "x=y", "-d", "y"],
        &["a", "-C", "5", "-r", "0-1"],
        &["a", "--unix-socket", "x", "-x", "y"],
        &["a", "--retry-delay", "1"],
    ] {
        let args = ["hearken", "fetch"].iter().chain(args);
        assert!(Cli::try_parse_from(args).is_err());
    }
}

#[test]
fn the_document_lists_every_flag() {
    use clap::CommandFactory;
    let document = include_str!("../../../../../docs/fetch.md");
    let cli = Cli::command();
    let fetch = cli.find_subcommand("fetch").expect("the command");
    let flags = fetch.get_arguments().filter_map(clap::Arg::get_long);
    for flag in flags.filter(|flag| *flag != "help") {
        assert!(
            document.contains(&format!("--{flag}`")) || document.contains(&format!("--{flag} ")),
            "--{flag} is missing in docs/fetch.md"
        );
    }
}
