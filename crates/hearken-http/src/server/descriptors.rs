//! How many connections the descriptors of this process allow.
//!
//! Here: [`room_for_connections`]. Not here: the bound itself (`accept.rs`).

use rustix::process::{Resource, getrlimit};

/// Where the system lists the open descriptors of a process.
const OPEN: [&str; 2] = ["/proc/self/fd", "/dev/fd"];

/// Descriptors that are taken for open where the system does not list them: those of a worker and its share of the rest.
const OF_WORKER: usize = 8;

/// Nine tenths of the descriptors that are free. At the limit each worker holds one accepted connection that waits for room, so
/// one for each worker is not free. The last tenth is for files and connections of handlers.
pub(super) fn room_for_connections(workers: usize) -> usize {
    let Some(limit) = getrlimit(Resource::Nofile).current else {
        return usize::MAX;
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    room(limit, open().unwrap_or(OF_WORKER * (workers + 2)), workers)
}

fn room(limit: usize, open: usize, workers: usize) -> usize {
    let free = limit.saturating_sub(open).saturating_sub(workers);
    (free - free.div_ceil(10)).max(1)
}

/// Number of open descriptors. The one that lists them is closed by then.
fn open() -> Option<usize> {
    let list = OPEN.iter().find_map(|path| std::fs::read_dir(path).ok())?;
    Some(list.count().saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenth_of_what_is_free_is_left() {
        assert_eq!(room(1024, 24, 0), 900);
        assert_eq!(room(1024, 192, 32), 720);
        assert!(room(usize::MAX, 10, 1) > usize::MAX / 2);
    }

    #[test]
    fn there_is_always_room_for_one_connection() {
        assert_eq!(room(16, 16, 4), 1);
        assert_eq!(room(0, 20, 4), 1);
    }

    #[test]
    fn open_descriptors_are_counted() {
        let before = open().expect("a list of descriptors");
        let files: Vec<_> = (0..20)
            .map(|_| std::fs::File::open("/dev/null").unwrap())
            .collect();
        // Other tests of this process open and close some too.
        assert!(open().unwrap() + 10 >= before + files.len());
    }
}
