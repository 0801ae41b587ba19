//! From flags and the environment to plans.

use super::*;
use crate::cli::{Cli, Command};
use clap::Parser;

fn planned(line: &str, environment: &Environment) -> Result<EchoPlan, CommandError> {
    let cli = Cli::try_parse_from(line.split_whitespace()).expect("flags that clap accepts");
    let Command::Echo(echo) = cli.command else {
        panic!("another command");
    };
    plan(&echo, environment)
}

fn address_of(line: &str) -> String {
    planned(line, &Environment::default())
        .expect("a plan")
        .server
        .address
        .to_string()
}

fn with_port(port: &str) -> Environment {
    Environment {
        port: Some(port.into()),
        ..Environment::default()
    }
}

#[test]
fn without_flags_it_listens_on_the_loopback_address() {
    let plan = planned("hearken echo", &Environment::default());
    let expected = EchoPlan {
        server: ServerPlan {
            address: "127.0.0.1:3000".parse().expect("an address"),
            workers: None,
            tls: None,
            log: LogMode::Lines { coloured: false },
        },
        panel: true,
    };
    assert_eq!(plan, Ok(expected));
}

#[test]
fn a_self_signed_certificate_names_the_address() {
    let home = ["localhost", "127.0.0.1", "::1"];
    for (line, more) in [
        ("", None),
        ("--host ::1", None),
        ("--host 0.0.0.0", None),
        ("--host 192.0.2.1", Some("192.0.2.1")),
        ("--host box.test", Some("box.test")),
        ("--listen unix:/a", None),
    ] {
        let line = format!("hearken echo --tls-self-signed {line}");
        let plan = planned(&line, &Environment::default()).expect("a plan");
        let expected = Tls::SelfSigned {
            names: home.into_iter().chain(more).map(str::to_owned).collect(),
            write: None,
        };
        assert_eq!(plan.server.tls, Some(expected), "{line}");
    }
    let plan = planned(
        "hearken echo --tls-self-signed=a.pem",
        &Environment::default(),
    );
    let Some(Tls::SelfSigned { write, .. }) = plan.expect("a plan").server.tls else {
        panic!("no TLS");
    };
    assert_eq!(write, Some("a.pem".into()));
}

#[test]
fn certificate_and_key_come_together() {
    let plan = planned(
        "hearken echo --tls-cert a --tls-key b",
        &Environment::default(),
    );
    let expected = Tls::Files {
        chain: "a".into(),
        key: "b".into(),
    };
    assert_eq!(plan.expect("a plan").server.tls, Some(expected));
    for line in [
        "hearken echo --tls-cert a",
        "hearken echo --tls-key a",
        "hearken echo --tls-self-signed --tls-cert a --tls-key b",
    ] {
        assert!(Cli::try_parse_from(line.split(' ')).is_err(), "{line}");
    }
}

#[test]
fn addresses() {
    for (line, address) in [
        ("hearken echo --port 0", "127.0.0.1:0"),
        ("hearken echo -p 80 --host ::1", "[::1]:80"),
        ("hearken echo --host [::1]", "[::1]:3000"),
        ("hearken echo --host localhost --port 1", "localhost:1"),
        ("hearken echo --listen unix:/a/b", "unix:/a/b"),
        ("hearken echo --listen fd:1", "fd:1"),
        ("hearken echo --listen :8080", ":8080"),
    ] {
        assert_eq!(address_of(line), address, "{line}");
    }
}

#[test]
fn the_environment_gives_a_port_if_no_flag_does() {
    let address = |line, environment: &Environment| {
        planned(line, environment).map(|plan| plan.server.address.to_string())
    };
    let environment = with_port("8080");
    assert_eq!(
        address("hearken echo", &environment),
        Ok("127.0.0.1:8080".to_owned())
    );
    assert_eq!(
        address("hearken echo --host ::", &environment),
        Ok("[::]:8080".to_owned())
    );
    assert_eq!(
        address("hearken echo --port 1", &environment),
        Ok("127.0.0.1:1".to_owned())
    );
    assert_eq!(
        address("hearken echo --listen [::1]:2", &environment),
        Ok("[::1]:2".to_owned())
    );
    assert_eq!(
        address("hearken echo", &with_port("")),
        Ok("127.0.0.1:3000".to_owned())
    );
    for wrong in ["http", "65536", "-1", " 80"] {
        let Err(CommandError::Usage(text)) = planned("hearken echo", &with_port(wrong)) else {
            panic!("PORT={wrong} was taken")
        };
        assert!(text.contains("PORT") && text.contains(wrong), "{text}");
    }
}

#[test]
fn a_wrong_address_is_rejected_with_the_expected_form() {
    for (line, hint) in [
        ("hearken echo --listen 3000", "127.0.0.1:3000"),
        (
            "hearken echo --listen http://localhost:3000",
            "leave out http://",
        ),
        ("hearken echo --listen unix:", "a path is missing"),
        (
            "hearken echo --host localhost:3000",
            "IP address or a host name",
        ),
        ("hearken echo --host=", "all interfaces"),
    ] {
        let Err(CommandError::Usage(text)) = planned(line, &Environment::default()) else {
            panic!("{line} was taken")
        };
        assert!(text.contains(hint), "{line}: {text}");
    }
}

#[test]
fn the_log_is_coloured_if_the_environment_allows_it() {
    let environment = Environment {
        colours: true,
        ..Environment::default()
    };
    let log = |line| planned(line, &environment).expect("a plan").server.log;
    assert_eq!(log("hearken echo"), LogMode::Lines { coloured: true });
    assert_eq!(log("hearken echo --quiet"), LogMode::Quiet);
}

#[test]
fn clap_rejects_wrong_flags() {
    for line in [
        "hearken echo --port 65536",
        "hearken echo --port x",
        "hearken echo --workers 0",
        "hearken echo --listen :1 --port 2",
        "hearken echo --listen :1 --host a",
        "hearken echo --unknown",
        "hearken",
        "hearken server",
    ] {
        let parsed = Cli::try_parse_from(line.split_whitespace());
        assert_eq!(
            parsed.map_err(|error| error.exit_code()).err(),
            Some(2),
            "{line}"
        );
    }
}
