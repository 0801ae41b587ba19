//! The test binary as a child process: for the state of a whole process (descriptors, rights, inherited sockets), and to hold a
//! port.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};

use super::super::{ListenerParts, LocalAddr};
use super::{listen, port_of};

const ROLE: &str = "HEARKEN_LISTENER_TEST_ROLE";
const PREFIX: &str = "child prints: ";

/// A command that runs only [`child`] of this binary, in `role`. `shell` sets up the process, then ends in
/// `exec "$0" "$@"`.
fn command(role: &str, shell: &str) -> Command {
    let (_crate, path) = module_path!()
        .split_once("::")
        .expect("a module of a crate");
    let mut command = Command::new("sh");
    let program = std::env::current_exe().unwrap();
    command.arg("-c").arg(shell).arg(program).args([
        &format!("{path}::child"),
        "--exact",
        "--nocapture",
    ]);
    command
        .env(ROLE, role)
        .env_remove("LISTEN_FDS")
        .env_remove("LISTEN_PID");
    command
}

/// Runs the child to its end and returns the lines that it has printed.
pub(super) fn run(role: &str, shell: &str) -> Vec<String> {
    lines_of(command(role, shell))
}

fn lines_of(mut command: Command) -> Vec<String> {
    let output = command.output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success(),
        "{text}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    text.lines()
        .filter_map(|line| line.strip_prefix(PREFIX))
        .map(str::to_owned)
        .collect()
}

/// A child that has printed its first line and waits for the end of its input, until this is dropped.
pub(super) struct Waiting {
    child: Child,
    pub(super) line: String,
}

impl Waiting {
    pub(super) fn start(role: &str) -> Self {
        let mut command = command(role, "exec \"$0\" \"$@\"");
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap())
            .lines()
            .map(Result::unwrap);
        let line = lines
            .find_map(|line| line.strip_prefix(PREFIX).map(str::to_owned))
            .expect("a line from the child");
        Self { child, line }
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ended = self.child.wait();
    }
}

fn print(what: impl std::fmt::Display) {
    // Begins a new line: the test harness may have written half a line before.
    let mut out = std::io::stdout();
    writeln!(out, "\n{PREFIX}{what}").unwrap();
}

/// Not a test: what the child does in each role.
#[test]
fn child() {
    let Ok(role) = std::env::var(ROLE) else {
        return;
    };
    match role.as_str() {
        "hold a port" => {
            let held = TcpListener::bind("127.0.0.1:0").unwrap();
            print(held.local_addr().unwrap());
            std::io::stdin().lines().count();
        }
        "no descriptors" => {
            let addr = "127.0.0.1:0";
            let mut files = Vec::new();
            while let Ok(file) = std::fs::File::open("/dev/null") {
                files.push(file);
            }
            let error = listen(addr).expect_err("no descriptor was left");
            files.clear();
            print(format_args!("{:?}: {error}", error.kind()));
            drop(listen(addr).expect("there are descriptors again"));
        }
        "low port" => match listen("127.0.0.1:80") {
            Ok(_) => print("allowed"),
            Err(error) => print(format_args!("{:?}: {error}", error.kind())),
        },
        "inherit" => {
            for which in ["fd:", "fd:0", "fd:7"] {
                match listen(which) {
                    Ok(listener) => {
                        print(listener.local_addr());
                        answer_one(listener);
                    }
                    Err(error) => print(format_args!("{:?}: {error}", error.kind())),
                }
            }
        }
        other => panic!("no such role: {other}"),
    }
}

/// Sends "hello" on the first connection, which is in the queue.
fn answer_one(listener: super::Listener) {
    let twins = listener.bind_more(1).unwrap();
    assert_eq!(twins[0].local_addr(), listener.local_addr());
    match listener.into_parts() {
        ListenerParts::Tcp(socket) => {
            socket.set_nonblocking(false).unwrap();
            socket.accept().unwrap().0.write_all(b"hello").unwrap();
        }
        ListenerParts::Unix(socket, _file) => {
            socket.accept().unwrap().0.write_all(b"hello").unwrap();
        }
    }
}

/// As systemd does it: the socket is descriptor 3, and the variables name the process.
const ACTIVATE: &str = "export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$0\" \"$@\" 3<&0 </dev/null";

fn inherit(socket: impl Into<OwnedFd>, shell: &str) -> Vec<String> {
    let mut command = command("inherit", shell);
    command.stdin(socket.into());
    lines_of(command)
}

fn greeting(mut from: impl std::io::Read) -> String {
    let mut text = String::new();
    from.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn a_tcp_socket_is_inherited_once() {
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = socket.local_addr().unwrap();
    let client = TcpStream::connect(at).unwrap();
    let lines = inherit(socket, ACTIVATE);
    assert_eq!(lines[0], format!("http://{at}"));
    assert!(
        lines[1].starts_with("NotInherited: cannot listen on fd:0: this socket has been taken"),
        "{lines:?}"
    );
    assert!(lines[2].contains("fd:7: only 1 socket(s)"), "{lines:?}");
    assert_eq!(greeting(client), "hello");
}

#[test]
fn a_unix_socket_is_inherited_and_its_file_stays() {
    let dir = super::files::Dir::new("inherit");
    let path = dir.path("a.sock");
    let socket = UnixListener::bind(&path).unwrap();
    let client = UnixStream::connect(&path).unwrap();
    let lines = inherit(socket, ACTIVATE);
    assert_eq!(lines[0], LocalAddr::Unix(path.clone()).to_string());
    assert_eq!(greeting(client), "hello");
    assert!(path.exists(), "the file belongs to the service manager");
}

#[test]
fn only_sockets_of_this_process_are_inherited() {
    let none = run("inherit", "exec \"$0\" \"$@\" </dev/null");
    assert!(
        none[0].starts_with("NotInherited:") && none[0].contains("LISTEN_FDS is not set"),
        "{none:?}"
    );

    // Variables for another process, such as the parent.
    let socket = TcpListener::bind("127.0.0.1:0").unwrap();
    let others = inherit(socket, &ACTIVATE.replace("LISTEN_PID=$$", "LISTEN_PID=1"));
    assert!(
        others[0].contains("LISTEN_FDS is not set for it"),
        "{others:?}"
    );

    // Descriptor 3 is not a socket.
    let file = std::fs::File::open("/dev/null").unwrap();
    let file = inherit(file, ACTIVATE);
    assert!(
        file[0].starts_with("NotInherited:") && file[0].contains("no stream socket"),
        "{file:?}"
    );

    // A connected socket, as inetd passes it.
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let connected = TcpStream::connect(server.local_addr().unwrap()).unwrap();
    let connected = inherit(connected, ACTIVATE);
    assert!(
        connected[0].starts_with("NotInherited:") && connected[0].contains("Accept=no"),
        "{connected:?}"
    );
}

#[test]
fn a_port_is_free_after_its_process_has_ended() {
    let at = Waiting::start("hold a port").line.clone();
    assert_eq!(port_of(&listen(at.as_str()).unwrap()).to_string(), at);
}
