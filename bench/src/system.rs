//! What the operating system reports and does: CPU time and memory of a process with its children, cores, limits.
//! Linux only, by `/proc`; `docs/benchmarking.md` says what the figures mean.

use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::str::FromStr;
use std::{fs, thread};

use crate::Result;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// CPU time of a process and its children up to one moment.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CpuTime {
    /// By `/proc/PID/stat`, in ticks of 10 ms.
    user_ticks: u64,
    system_ticks: u64,
    /// Both, by `/proc/PID/task/TID/schedstat`; 0 if this system has none.
    run_ns: u64,
}

/// Length of a tick in `/proc/PID/stat`: 100 a second on every machine, whatever tick the kernel uses.
const TICK_US: f64 = 10_000.0;

impl CpuTime {
    /// User and system time since `before`, in µs: the total by the scheduler's clock, split by the ratio of the ticks.
    pub(crate) fn since(&self, before: &Self) -> (f64, f64) {
        let user = self.user_ticks.saturating_sub(before.user_ticks) as f64;
        let both = user + self.system_ticks.saturating_sub(before.system_ticks) as f64;
        let by_clock = self.run_ns.saturating_sub(before.run_ns) as f64 / 1000.0;
        // A thread that has ended takes its nanoseconds along; the ticks of the process keep them.
        let precise = before.run_ns > 0 && by_clock > (both - 5.0) * TICK_US;
        let total = if precise { by_clock } else { both * TICK_US };
        let share = if both > 0.0 { user / both } else { 0.0 };
        (total * share, total * (1.0 - share))
    }
}

/// CPU time of the process and its children so far.
pub(crate) fn cpu_time(id: u32) -> Result<CpuTime> {
    let mut time = CpuTime::default();
    for id in family(id) {
        let stat = fs::read_to_string(format!("/proc/{id}/stat"))?;
        // The second field is the program's name in brackets. User and system time are the 14th and 15th.
        let (_, fields) = stat.rsplit_once(')').unwrap_or_default();
        let mut ticks = fields.split_whitespace().skip(11).filter_map(first::<u64>);
        time.user_ticks += ticks.next().unwrap_or(0);
        time.system_ticks += ticks.next().unwrap_or(0);
        let runs = threads(id, "schedstat").filter_map(|text| first::<u64>(&text));
        time.run_ns += runs.sum::<u64>();
    }
    Ok(time)
}

/// Resident memory of the process and its children, in bytes. `smaps_rollup` counts pages; `VmRSS` of `status` is a sum that may
/// lag behind by some dozen of them.
pub(crate) fn resident_bytes(id: u32) -> Result<f64> {
    let mut kib = 0;
    for id in family(id) {
        let text = fs::read_to_string(format!("/proc/{id}/smaps_rollup"))?;
        let rss = text.lines().find_map(|line| line.strip_prefix("Rss:"));
        kib += rss.and_then(first::<u64>).ok_or("no memory in /proc")?;
    }
    Ok(kib as f64 * 1024.0)
}

/// The process and all its descendants, itself first.
pub(crate) fn family(id: u32) -> Vec<u32> {
    let mut family = vec![id];
    let mut next = 0;
    while let Some(parent) = family.get(next).copied() {
        for children in threads(parent, "children") {
            let children = children.split_whitespace();
            family.extend(children.filter_map(first::<u32>));
        }
        next += 1;
    }
    family
}

/// A file of each thread of a process.
fn threads(id: u32, file: &str) -> impl Iterator<Item = String> {
    let threads = fs::read_dir(format!("/proc/{id}/task")).into_iter();
    let threads = threads.flatten().flatten();
    threads.filter_map(move |thread| fs::read_to_string(thread.path().join(file)).ok())
}

/// The number at the start of a text.
fn first<N: FromStr>(text: &str) -> Option<N> {
    text.split_whitespace().next()?.parse().ok()
}

/// Does the work in a thread on one core. Processes and threads that it starts stay on that core.
pub(crate) fn on_core<T: Send>(core: usize, work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let pinned = || {
        let mut only = CpuSet::new();
        only.set(core);
        sched_setaffinity(None, &only)?;
        work()
    };
    thread::scope(|scope| scope.spawn(pinned).join())
        .unwrap_or_else(|_| Err("the thread panicked".into()))
}

/// A port of 127.0.0.1 that is free now. If another program takes it first, the peer fails and is skipped.
pub(crate) fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}

/// Whether this process may run on the core.
pub(crate) fn has_core(core: usize) -> bool {
    core < CpuSet::MAX_CPU && sched_getaffinity(None).is_ok_and(|cores| cores.is_set(core))
}

/// Raises the limit of open files to its maximum, for this process and those it starts, and returns it.
pub(crate) fn raise_open_files() -> Result<u64> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let current = maximum;
    setrlimit(Resource::Nofile, Rlimit { current, maximum })?;
    Ok(maximum.unwrap_or(u64::MAX))
}

/// Processor, cores and kernel, in one line.
pub(crate) fn machine() -> String {
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let mut fields = info.lines().filter_map(|line| line.split_once(": "));
    let model = fields.find(|(name, _)| name.starts_with("model name"));
    let model = model.map_or("unknown processor", |(_, model)| model);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{model}, {cores} cores, Linux {}", release.trim())
}

/// How many tasks needed a core in the last minute.
pub(crate) fn load_average() -> f64 {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    first(&text).unwrap_or(0.0)
}

/// The first line that a program prints about its version.
pub(crate) fn version(program: &str) -> Result<String> {
    let flag = if program == "valgrind" {
        "--version"
    } else {
        "-v"
    };
    let output = Command::new(program).arg(flag).output();
    let output = output.map_err(|_| format!("{program} is not installed"))?;
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    Ok(text.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(user_ticks: u64, system_ticks: u64, run_ns: u64) -> CpuTime {
        CpuTime {
            user_ticks,
            system_ticks,
            run_ns,
        }
    }

    #[test]
    fn the_total_comes_from_the_clock_and_the_split_from_the_ticks() {
        let (before, after) = (at(10, 10, 200_000_000), at(35, 85, 1_204_000_000));
        assert_eq!(after.since(&before), (251_000.0, 753_000.0));
    }

    #[test]
    fn without_a_clock_the_ticks_are_the_total() {
        assert_eq!(at(25, 75, 0).since(&at(0, 0, 0)), (250_000.0, 750_000.0));
    }

    #[test]
    fn this_process_has_cpu_time_and_memory_and_is_its_own_family() {
        let id = std::process::id();
        assert_eq!(family(id).first(), Some(&id));
        assert!(cpu_time(id).is_ok());
        assert!(resident_bytes(id).is_ok_and(|bytes| bytes > 100_000.0));
    }
}
