//! What the operating system says and does: CPU time and memory of a process with its children, pinning, limits.
//! Linux only, by `/proc`; the meaning of the figures is in `docs/benchmarking.md`.

use std::fs;
use std::io;
use std::process::{Child, Command};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// CPU time of a process and its children up to one moment.
#[derive(Clone, Copy, Debug, Default)]
pub struct CpuTime {
    /// User time by `/proc/PID/stat`, in ticks of 10 ms.
    user_ticks: u64,
    /// System time, likewise.
    system_ticks: u64,
    /// Both, to the nanosecond, by `/proc/PID/task/TID/schedstat`; 0 if this system has none.
    run_ns: u64,
}

/// CPU time spent between two moments, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spent {
    /// In the program's own code.
    pub user_us: f64,
    /// In the kernel on its behalf.
    pub system_us: f64,
}

/// Length of a tick in `/proc/PID/stat`: Linux shows 100 a second on every machine, whatever its own tick.
const TICK_US: f64 = 10_000.0;

impl CpuTime {
    /// What was spent since `before`: the total by the scheduler's clock, split by the ratio of the ticks.
    #[must_use]
    pub fn since(&self, before: &Self) -> Spent {
        let user = self.user_ticks.saturating_sub(before.user_ticks) as f64;
        let system = self.system_ticks.saturating_sub(before.system_ticks) as f64;
        let by_ticks = (user + system) * TICK_US;
        // A thread that ended in between takes its nanoseconds along; the ticks of the process keep them.
        let by_clock = self.run_ns.saturating_sub(before.run_ns) as f64 / 1000.0;
        let precise = before.run_ns > 0 && by_clock > by_ticks - 5.0 * TICK_US;
        let total = if precise { by_clock } else { by_ticks };
        let share = if user + system > 0.0 {
            user / (user + system)
        } else {
            0.0
        };
        Spent {
            user_us: total * share,
            system_us: total * (1.0 - share),
        }
    }
}

/// CPU time of the process and its children so far. A child that ends meanwhile is left out.
///
/// # Errors
/// If the process is gone.
pub fn cpu_time(id: u32) -> io::Result<CpuTime> {
    let mut time = own_cpu_time(id)?;
    for child in family(id).into_iter().skip(1) {
        if let Ok(more) = own_cpu_time(child) {
            time.user_ticks += more.user_ticks;
            time.system_ticks += more.system_ticks;
            time.run_ns += more.run_ns;
        }
    }
    Ok(time)
}

fn own_cpu_time(id: u32) -> io::Result<CpuTime> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
    // The name of the program comes second, in brackets, and may hold anything; user and system time are the 14th and 15th
    // field.
    let fields = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let mut ticks = fields
        .split_whitespace()
        .skip(11)
        .map_while(|field| field.parse::<u64>().ok());
    let (Some(user_ticks), Some(system_ticks)) = (ticks.next(), ticks.next()) else {
        return Err(io::Error::other("unexpected form of /proc/PID/stat"));
    };
    let mut run_ns = 0;
    for thread in fs::read_dir(format!("/proc/{id}/task"))?.flatten() {
        let schedstat = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
        run_ns += schedstat
            .split_whitespace()
            .next()
            .and_then(|ns| ns.parse().ok())
            .unwrap_or(0);
    }
    Ok(CpuTime {
        user_ticks,
        system_ticks,
        run_ns,
    })
}

/// Resident memory of the process and its children, in bytes. A child that ends meanwhile is left out.
///
/// # Errors
/// If the process is gone.
pub fn resident_bytes(id: u32) -> io::Result<u64> {
    let children = family(id).into_iter().skip(1);
    let of_children: u64 = children
        .filter_map(|child| own_resident_bytes(child).ok())
        .sum();
    Ok(own_resident_bytes(id)? + of_children)
}

fn own_resident_bytes(id: u32) -> io::Result<u64> {
    // `smaps_rollup` counts pages; `VmRSS` of `status` is a sum that may lag behind by some dozen of them.
    let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup"))
        .or_else(|_| fs::read_to_string(format!("/proc/{id}/status")))?;
    let line = text.lines().find_map(|line| {
        line.strip_prefix("Rss:")
            .or_else(|| line.strip_prefix("VmRSS:"))
    });
    let kib: Option<u64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    Ok(kib.ok_or_else(|| io::Error::other("no resident memory in /proc"))? * 1024)
}

/// The process and all that it started, itself first.
#[must_use]
pub fn family(id: u32) -> Vec<u32> {
    let mut family = vec![id];
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        for thread in fs::read_dir(format!("/proc/{parent}/task"))
            .into_iter()
            .flatten()
            .flatten()
        {
            let children = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
            family.extend(
                children
                    .split_whitespace()
                    .filter_map(|child| child.parse::<u32>().ok()),
            );
        }
        next += 1;
    }
    family
}

/// Starts the command on one core.
///
/// A child inherits the affinity of the thread that starts it, so this thread moves there for the moment: no instant of
/// the child's life, and no thread of it, is elsewhere.
///
/// # Errors
/// If there is no such core, or the command cannot be started.
pub fn spawn_pinned(command: &mut Command, core: usize) -> io::Result<Child> {
    let before = sched_getaffinity(None)?;
    let mut only = CpuSet::new();
    only.set(core);
    sched_setaffinity(None, &only)?;
    let child = command.spawn();
    sched_setaffinity(None, &before)?;
    child
}

/// Whether this process may run on the core.
#[must_use]
pub fn has_core(core: usize) -> bool {
    core < CpuSet::MAX_CPU && sched_getaffinity(None).is_ok_and(|cores| cores.is_set(core))
}

/// Raises the limit of open files as far as it goes, for this process and those it starts, and returns it.
///
/// # Errors
/// If the system refuses.
pub fn raise_open_files() -> io::Result<u64> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: limit.maximum,
            maximum: limit.maximum,
        },
    )?;
    Ok(limit.maximum.unwrap_or(u64::MAX))
}

/// The machine, in one line: processor, cores, kernel.
#[must_use]
pub fn machine() -> String {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .unwrap_or("unknown processor");
    let model = model.trim_start_matches([' ', '\t', ':']);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let system = rustix::system::uname();
    format!(
        "{model}, {cores} cores, {} {}",
        system.sysname().to_string_lossy(),
        system.release().to_string_lossy()
    )
}

/// How many tasks wanted a core in the last minute.
#[must_use]
pub fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split_whitespace()
        .next()
        .and_then(|load| load.parse().ok())
        .unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_total_comes_from_the_clock_and_the_split_from_the_ticks() {
        let before = CpuTime {
            user_ticks: 10,
            system_ticks: 10,
            run_ns: 200_000_000,
        };
        let after = CpuTime {
            user_ticks: 35,
            system_ticks: 85,
            run_ns: 1_204_000_000,
        };
        let spent = after.since(&before);
        assert_eq!(
            spent,
            Spent {
                user_us: 251_000.0,
                system_us: 753_000.0
            }
        );
    }

    #[test]
    fn without_a_clock_the_ticks_are_the_total() {
        let before = CpuTime::default();
        let after = CpuTime {
            user_ticks: 25,
            system_ticks: 75,
            run_ns: 0,
        };
        assert_eq!(
            after.since(&before),
            Spent {
                user_us: 250_000.0,
                system_us: 750_000.0
            }
        );
    }

    #[test]
    fn this_process_has_cpu_time_and_memory_and_is_its_own_family() {
        let id = std::process::id();
        assert_eq!(family(id).first(), Some(&id));
        assert!(cpu_time(id).is_ok());
        assert!(resident_bytes(id).is_ok_and(|bytes| bytes > 100_000));
    }
}
