//! Which signals a process was started with as ignored.
//!
//! Linux tells in `/proc/self/status`. Elsewhere only `sigaction` would, which takes unsafe code: there none counts as
//! ignored, as before.

/// What whoever started us did not want us to hear.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Ignored {
    /// SIGINT. A shell without job control ignores it for everything behind `&`, together with SIGQUIT, because Ctrl-C is
    /// meant for what runs in front (POSIX, 2.11); `kill -INT` there is meant for us. So it counts only where SIGQUIT is
    /// heard.
    pub(super) interrupt: bool,
    /// SIGHUP: `nohup`.
    pub(super) hangup: bool,
}

impl Ignored {
    /// Of this process. To be asked before anything listens.
    pub(super) fn of_process() -> Self {
        std::fs::read_to_string("/proc/self/status").map(|status| Self::read(&status)).unwrap_or_default()
    }

    /// Of a process with this status (proc(5)): `SigIgn` is a mask in hexadecimal, signal 1 its lowest bit.
    fn read(status: &str) -> Self {
        let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
        let has = |signal: rustix::process::Signal| mask & 1 << (signal.as_raw() - 1) != 0;
        Self {
            interrupt: has(rustix::process::Signal::INT) && !has(rustix::process::Signal::QUIT),
            hangup: has(rustix::process::Signal::HUP),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_is_read_as_linux_writes_it() {
        for (mask, interrupt, hangup) in [
            ("0000000000000000", false, false),
            ("0000000000001000", false, false),
            ("0000000000001001", false, true),
            ("0000000000000002", true, false),
            // Behind `&`.
            ("0000000000000006", false, false),
            ("nonsense", false, false),
        ] {
            let status = format!("Name:\tx\nSigBlk:\tffffffffffffffff\nSigIgn:\t{mask}\nSigCgt:\t00\n");
            assert_eq!(Ignored::read(&status), Ignored { interrupt, hangup }, "{mask}");
        }
        assert_eq!(Ignored::read(""), Ignored::default());
    }
}
