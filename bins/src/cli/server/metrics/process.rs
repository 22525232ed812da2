//! What the process takes of its machine, as proc_pid_stat(5) and proc_pid_status(5) tell it. Other systems than Linux
//! tell nothing here.

/// Ticks of the processor's time in a second, as programs see it: `USER_HZ`, which is 100 on every processor that Rust's
/// standard library is built for on Linux.
#[cfg(any(test, target_os = "linux"))]
const TICKS_PER_SECOND: u64 = 100;

/// Columns of `/proc/self/stat` behind the name in parentheses: the third of proc_pid_stat(5) is the first of them.
#[cfg(any(test, target_os = "linux"))]
const UTIME: usize = 14 - 3;
#[cfg(any(test, target_os = "linux"))]
const STIME: usize = 15 - 3;

/// What is told of the process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Process {
    /// Time of the processor, in hundredths of a second.
    pub(super) cpu_centiseconds: u64,
    /// Memory that is in the machine's.
    pub(super) resident_bytes: u64,
    /// Addresses that are taken.
    pub(super) virtual_bytes: u64,
    /// Descriptors that are open.
    pub(super) open_fds: u64,
    /// As many as there may be; `None` without a limit.
    pub(super) max_fds: Option<u64>,
}

impl Process {
    /// Nothing is told.
    #[cfg(not(target_os = "linux"))]
    pub(super) fn read() -> Option<Self> {
        None
    }

    /// What the system tells now. It reads files, of a file system that is in memory.
    #[cfg(target_os = "linux")]
    pub(super) fn read() -> Option<Self> {
        use std::fs;

        use rustix::process::{Resource, getrlimit};

        let (stat, status) = (fs::read("/proc/self/stat").ok()?, fs::read("/proc/self/status").ok()?);
        let open_fds = fs::read_dir("/proc/self/fd").ok()?.count();
        let (cpu_centiseconds, resident_bytes, virtual_bytes) =
            parse(&String::from_utf8_lossy(&stat), &String::from_utf8_lossy(&status))?;
        Some(Self {
            cpu_centiseconds,
            resident_bytes,
            virtual_bytes,
            // The folder that is being read has one.
            open_fds: (open_fds as u64).saturating_sub(1),
            max_fds: getrlimit(Resource::Nofile).current,
        })
    }
}

#[cfg(any(test, target_os = "linux"))]
fn parse(stat: &str, status: &str) -> Option<(u64, u64, u64)> {
    // The name may hold anything, parentheses and spaces too.
    let (_, columns) = stat.rsplit_once(')')?;
    let columns: Vec<&str> = columns.split_whitespace().collect();
    let ticks = |at: usize| columns.get(at)?.parse::<u64>().ok();
    let kilobytes = |key: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(key))?;
        line.split_whitespace().next()?.parse::<u64>().ok()
    };
    let cpu = ticks(UTIME)?.saturating_add(ticks(STIME)?);
    let bytes = |kilobytes: u64| kilobytes.saturating_mul(1024);
    Some((
        cpu.saturating_mul(100) / TICKS_PER_SECOND,
        bytes(kilobytes("VmRSS:")?),
        bytes(kilobytes("VmSize:")?),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_counted_behind_a_name_that_may_hold_anything() {
        let stat =
            "7 (a) b (c) S 1 7 7 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 3 0 99 1000 10 18446744073709551615";
        let status = "Name:\ta) b (c\nVmPeak:\t 9 kB\nVmSize:\t   2048 kB\nVmRSS:\t    512 kB\n";
        assert_eq!(parse(stat, status), Some((300, 512 * 1024, 2048 * 1024)));
        assert_eq!(parse("", ""), None);
        assert_eq!(parse("7 (a) S 1", status), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_memory_and_descriptors() {
        let process = Process::read().expect("there is /proc");
        assert!(
            process.resident_bytes > 1 << 20 && process.virtual_bytes >= process.resident_bytes,
            "{process:?}"
        );
        assert!(
            process.open_fds >= 3 && process.max_fds.is_none_or(|most| process.open_fds <= most),
            "{process:?}"
        );
    }
}
