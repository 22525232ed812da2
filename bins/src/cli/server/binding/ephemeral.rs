//! Ports that another program's connection may hold by chance.
//!
//! For a connection to elsewhere Linux takes a port from a range of its own (ip(7), `ip_local_port_range`; 32768 to 60999
//! unless somebody has changed it), and the defaults of this program lie in it: they are the original's. A server that is
//! started again may then find its port in use, once in a long while.

use std::fs;

const RANGE: &str = "/proc/sys/net/ipv4/ip_local_port_range";
const RESERVED: &str = "/proc/sys/net/ipv4/ip_local_reserved_ports";

/// What to say of these ports, if any lies in the range and is not reserved. Port 0 is any.
pub(in crate::cli::server) fn hint(ports: &[u16]) -> Option<String> {
    // Other systems have other files, and a container may have none.
    let range = fs::read_to_string(RANGE).ok()?;
    let reserved = fs::read_to_string(RESERVED).unwrap_or_default();
    describe(ports, &range, &reserved)
}

fn describe(ports: &[u16], range: &str, reserved: &str) -> Option<String> {
    let mut ends = range.split_whitespace().map(str::parse::<u16>);
    let (Some(Ok(first)), Some(Ok(last))) = (ends.next(), ends.next()) else { return None };
    let is_reserved = |port: u16| {
        reserved.trim().split(',').any(|part| {
            let (from, to) = part.split_once('-').unwrap_or((part, part));
            matches!((from.parse(), to.parse()), (Ok(from), Ok(to)) if (from..=to).contains(&port))
        })
    };
    let mut hit: Vec<u16> =
        ports.iter().copied().filter(|port| (first..=last).contains(port) && !is_reserved(*port)).collect();
    hit.sort_unstable();
    hit.dedup();
    if hit.is_empty() {
        return None;
    }
    let list = |separator| hit.iter().map(u16::to_string).collect::<Vec<_>>().join(separator);
    let kept = reserved.trim();
    let before = if kept.is_empty() { String::new() } else { format!("{kept},") };
    Some(format!(
        "Linux may give port {} to some program's outgoing connection ({first} to {last} are for those): \
         'sysctl net.ipv4.ip_local_reserved_ports={before}{}' keeps it free",
        list(" or "),
        list(",")
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_in_the_range_that_nobody_has_reserved_are_told_with_what_to_do() {
        let range = "32768\t60999\n";
        assert_eq!(
            describe(&[55_000, 44_000, 9_464], range, "\n").as_deref(),
            Some(
                "Linux may give port 44000 or 55000 to some program's outgoing connection (32768 to 60999 are for \
                 those): 'sysctl net.ipv4.ip_local_reserved_ports=44000,55000' keeps it free"
            )
        );
        let one = describe(&[55_000, 44_000], range, "40000-50000,8080\n").expect("one is not reserved");
        assert!(one.contains("port 55000 to") && one.contains("=40000-50000,8080,55000'"), "{one}");
        assert_eq!(describe(&[55_000], range, "55000\n"), None);
        assert_eq!(describe(&[0, 80, 61_000], range, ""), None);
        assert_eq!(describe(&[55_000], "nonsense", ""), None);
    }
}
