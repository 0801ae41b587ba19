//! The process that listens on a port or a socket path, for the text of "in use". Best effort, and only after an error.
//!
//! Here: the search in Linux's `/proc` (proc(5)): the inode of the listening socket, then the process that has it open. On
//! other systems, and for processes of other users, there is no result. Not here: the text (`listen.rs`).

use std::fmt;

/// A process that has the listening socket open.
#[derive(Debug)]
pub(crate) struct PortHolder {
    pid: u32,
    program: String,
}

impl PortHolder {
    pub(crate) fn is_this_process(&self) -> bool {
        self.pid == std::process::id()
    }
}

impl fmt::Display for PortHolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (pid {})", self.program, self.pid)
    }
}

#[cfg(not(target_os = "linux"))]
impl PortHolder {
    pub(crate) fn of_tcp(_: std::net::SocketAddr) -> Option<Self> {
        None
    }

    #[cfg(unix)]
    pub(crate) fn of_unix(_: &std::path::Path) -> Option<Self> {
        None
    }
}

#[cfg(target_os = "linux")]
mod linux {
    use std::fs::{self, File};
    use std::io::{BufRead, BufReader};
    use std::net::{IpAddr, Ipv6Addr, SocketAddr};
    use std::os::unix::ffi::OsStrExt;
    use std::path::Path;

    use super::PortHolder;

    impl PortHolder {
        /// The process that listens on the port of `at`, at an address that excludes it.
        pub(crate) fn of_tcp(at: SocketAddr) -> Option<Self> {
            let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
            tables
                .into_iter()
                .find_map(|table| listening_inode(table, at))
                .and_then(|inode| process_with(&inode))
        }

        /// The process that listens on the Unix socket at this path.
        pub(crate) fn of_unix(path: &Path) -> Option<Self> {
            let table = fs::read("/proc/net/unix").ok()?;
            let rows = table.split(|byte| *byte == b'\n');
            // Num RefCount Protocol Flags Type St Inode Path
            let mut inodes = rows.filter_map(|row| {
                let mut fields = row
                    .split(|byte| *byte == b' ')
                    .filter(|field| !field.is_empty());
                // Connections that wait to be accepted have the same path.
                let listens = fields.nth(3)? == b"00010000";
                let inode = fields.nth(2)?;
                (listens && fields.next()? == path.as_os_str().as_bytes()).then_some(inode)
            });
            process_with(std::str::from_utf8(inodes.next()?).ok()?)
        }
    }

    const LISTEN: &str = "0A";

    /// The inode of the listening socket. The tables list listening sockets first, so the search ends at the first connection.
    fn listening_inode(table: &str, at: SocketAddr) -> Option<String> {
        let rows = BufReader::new(File::open(table).ok()?).lines().skip(1);
        for row in rows {
            let row = row.ok()?;
            // sl local_address rem_address st tx_queue:rx_queue tr:when retrnsmt uid timeout inode
            let mut fields = row.split_ascii_whitespace();
            let local = fields.nth(1)?;
            if fields.nth(1)? != LISTEN {
                return None;
            }
            if local_addr(local)
                .is_some_and(|held| held.port() == at.port() && clash(held.ip(), at.ip()))
            {
                return fields.nth(5).map(str::to_owned);
            }
        }
        None
    }

    /// Parses `0100007F:0BB8`: 32-bit words in the machine's byte order, then the port.
    fn local_addr(text: &str) -> Option<SocketAddr> {
        let (ip, port) = text.split_once(':')?;
        let port = u16::from_str_radix(port, 16).ok()?;
        let mut octets = [0; 16];
        let mut words = 0;
        if !ip.len().is_multiple_of(8) {
            return None;
        }
        for (word, to) in ip.as_bytes().chunks(8).zip(octets.chunks_mut(4)) {
            let word = u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?;
            to.copy_from_slice(&word.to_ne_bytes());
            words += 1;
        }
        let ip: IpAddr = match words {
            1 => [octets[0], octets[1], octets[2], octets[3]].into(),
            4 => Ipv6Addr::from(octets).to_canonical(),
            _ => return None,
        };
        Some(SocketAddr::new(ip, port))
    }

    /// Whether these two cannot listen on the same port. An unspecified IPv6 address takes IPv4 too, by default.
    fn clash(held: IpAddr, wanted: IpAddr) -> bool {
        let takes_all =
            |ip: IpAddr, other: IpAddr| ip.is_unspecified() && (ip.is_ipv6() || other.is_ipv4());
        held == wanted || takes_all(held, wanted) || takes_all(wanted, held)
    }

    /// Bounds the search on a machine with many open files.
    const LINKS_MAX: usize = 100_000;

    fn process_with(inode: &str) -> Option<PortHolder> {
        let wanted = format!("socket:[{inode}]");
        let mut left = LINKS_MAX;
        for entry in fs::read_dir("/proc").ok()?.flatten() {
            let Some(pid) = entry
                .file_name()
                .to_str()
                .and_then(|name| name.parse::<u32>().ok())
            else {
                continue;
            };
            // Processes of other users cannot be read, and processes may end during the search.
            let Ok(descriptors) = fs::read_dir(entry.path().join("fd")) else {
                continue;
            };
            for descriptor in descriptors.flatten() {
                left = left.checked_sub(1)?;
                if fs::read_link(descriptor.path())
                    .is_ok_and(|target| target.as_os_str() == wanted.as_str())
                {
                    let program = fs::read_to_string(entry.path().join("comm"))
                        .unwrap_or_else(|_| "?".to_owned());
                    // A program chooses its own name, so it is escaped before it reaches a terminal.
                    return Some(PortHolder {
                        pid,
                        program: program.trim_end().escape_debug().to_string(),
                    });
                }
            }
        }
        None
    }

    #[cfg(test)]
    mod tests {
        use super::{clash, local_addr};

        #[test]
        fn rows_of_the_kernels_table_are_read() {
            if cfg!(target_endian = "big") {
                return;
            }
            assert_eq!(
                local_addr("0100007F:0BB8"),
                Some("127.0.0.1:3000".parse().unwrap())
            );
            let loopback = "00000000000000000000000001000000:0050";
            assert_eq!(local_addr(loopback), Some("[::1]:80".parse().unwrap()));
            let mapped = "0000000000000000FFFF00000100007F:0050";
            assert_eq!(local_addr(mapped), Some("127.0.0.1:80".parse().unwrap()));
            for wrong in [
                "",
                "0100007F",
                "0100007F:",
                "01:0050",
                "0100007G:0050",
                "0100007F0100007F:0050",
            ] {
                assert_eq!(local_addr(wrong), None, "{wrong:?}");
            }
        }

        #[test]
        fn only_addresses_that_exclude_each_other_clash() {
            let clashes =
                |held: &str, wanted: &str| clash(held.parse().unwrap(), wanted.parse().unwrap());
            assert!(clashes("127.0.0.1", "127.0.0.1"));
            assert!(clashes("0.0.0.0", "127.0.0.1") && clashes("127.0.0.1", "0.0.0.0"));
            assert!(
                clashes("::", "127.0.0.1") && clashes("127.0.0.1", "::") && clashes("::", "::1")
            );
            assert!(!clashes("127.0.0.1", "127.0.0.2") && !clashes("::1", "127.0.0.1"));
            assert!(!clashes("0.0.0.0", "::1"));
        }
    }
}
