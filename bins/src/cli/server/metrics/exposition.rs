//! The page: Prometheus' text format, version 0.0.4.
//!
//! Names are those of `docs/OPERATING.md`, which a test holds against this page. A counter is written from the start
//! where it is known what it can be counted by, so that its first increase is one.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use backchat_core::chat::server::DropReason;
use backchat_core::chat::{CloseReason, ErrorCode};
use backchat_core::histogram::Histogram;
use backchat_core::time::UnixTime;
use backchat_core::transfer::Outcome;

use super::label;
use super::process::Process;
use crate::driver::Measures;

/// What the page is, for the client.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// What is told beside what the loop counts.
#[derive(Clone, Debug)]
pub(super) struct Around {
    /// When the process began.
    pub(super) began: UnixTime,
    /// Lines of the log that were dropped because nobody read them.
    pub(super) log_unread: u64,
    /// Lines of the log that were left out because strangers caused too many.
    pub(super) log_left_out: u64,
    /// How late the loop was, each time that it was asked.
    pub(super) lag: Histogram,
    /// What the process takes, where the system tells.
    pub(super) process: Option<Process>,
}

/// What is counted, as Prometheus reads it.
pub(super) fn page(measures: &Measures, around: &Around) -> String {
    let Measures { stats, datagrams_lost } = measures;
    let (chat, transfer) = (&stats.chat, &stats.transfer);
    let mut page = Page::default();
    page.gauge("backchat_build_info", "The version that runs; always 1.");
    page.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1);
    page.gauge("process_start_time_seconds", "When the server began, in seconds since 1970.");
    page.sample(&[], u64::try_from(around.began.as_millis() / 1_000).unwrap_or_default());

    if let Some(process) = &around.process {
        page.process(process);
    }

    page.gauge("backchat_connections", "Chat connections, those that are being closed among them.");
    page.sample(&[], stats.connections as u64);
    page.gauge("backchat_sessions", "Sessions by state; only who has joined or is parked has a nickname.");
    for (state, count) in [("visiting", stats.visiting), ("joined", stats.joined), ("parked", stats.parked)] {
        page.sample(&[("state", state)], count as u64);
    }
    page.counter("backchat_connections_opened_total", "Chat connections taken.", chat.opened);
    let reasons = CloseReason::ALL.iter().map(|reason| reason.as_str());
    let closed = chat.closed.iter().map(|(reason, count)| (reason.as_str(), *count));
    page.counters("backchat_connections_closed_total", "Chat connections closed.", "reason", reasons, closed);
    page.counter("backchat_sessions_joined_total", "Nicknames given.", chat.joined);
    page.counter(
        "backchat_sessions_parked_total",
        "Sessions that lost their connection and were held.",
        chat.parked,
    );
    page.counter("backchat_sessions_resumed_total", "Sessions that came back.", chat.resumed);
    page.counter("backchat_messages_total", "Messages taken, private ones among them.", chat.accepted);
    page.histogram(
        "backchat_delivery_seconds",
        "How long connections took everything that waited for them.",
        &chat.delivered_in,
    );
    page.counter("backchat_messages_repeated_total", "Messages that were taken before.", chat.repeated);
    let reasons = DropReason::ALL.iter().map(|reason| reason.as_str());
    let dropped = chat.dropped.iter().map(|(reason, count)| (reason.as_str(), *count));
    page.counters("backchat_lines_dropped_total", "Lines that were no frames.", "reason", reasons, dropped);
    let codes = ErrorCode::ALL.iter().map(ErrorCode::raw);
    let refused = chat.refused.iter().map(|(code, count)| (code.raw(), *count));
    page.counters("backchat_refused_total", "Requests and connections refused.", "code", codes, refused);
    page.gauge("backchat_bans", "Bans that hold.");
    page.sample(&[], stats.bans as u64);

    page.counter("backchat_tickets_total", "Tickets for downloads given.", transfer.tickets);
    page.gauge("backchat_downloads", "Downloads that are not over, offered ones among them.");
    page.sample(&[], stats.downloads as u64);
    let ended = transfer.downloads_ended.iter().map(|(outcome, count)| (*outcome, *count));
    let help = "Downloads that are over.";
    page.counters("backchat_downloads_ended_total", help, "outcome", Outcome::NAMES.into_iter(), ended);
    page.histogram(
        "backchat_download_duration_seconds",
        "How long downloads took that were complete.",
        &transfer.downloads_took,
    );
    page.counter("backchat_download_bytes_total", "Bytes of files acknowledged by clients.", transfer.bytes);
    page.counter(
        "backchat_download_sent_bytes_total",
        "Bytes of datagrams that left for downloads, headers and repeats among them.",
        transfer.bytes_on_wire,
    );
    page.counter("backchat_segments_total", "Segments sent.", transfer.segments);
    page.counter(
        "backchat_segments_resent_total",
        "Segments sent that had been sent before.",
        transfer.segments_resent,
    );
    page.counter(
        "backchat_retransmission_timeouts_total",
        "Retransmission timers that ran out.",
        transfer.timeouts,
    );
    page.counter(
        "backchat_datagrams_received_total",
        "Datagrams received, good or bad.",
        transfer.datagrams_received,
    );
    let dropped = transfer.datagrams_dropped.iter().map(|(reason, count)| (*reason, *count));
    let help = "Datagrams received and dropped.";
    page.counters("backchat_datagrams_dropped_total", help, "reason", std::iter::empty(), dropped);
    page.counter(
        "backchat_datagrams_unsent_total",
        "Datagrams not sent because the socket had no room.",
        *datagrams_lost,
    );
    page.histogram("backchat_loop_lag_seconds", "How late the loop was, asked once a second.", &around.lag);
    let lost = [("too-many", around.log_left_out), ("unread", around.log_unread)];
    let help = "Lines of the log that were not written.";
    page.counters("backchat_log_lines_lost_total", help, "reason", std::iter::empty(), lost.into_iter());
    page.text
}

/// A page that grows family by family.
#[derive(Default)]
struct Page {
    text: String,
    /// The family that samples belong to.
    family: &'static str,
}

impl Page {
    fn begin(&mut self, name: &'static str, kind: &str, help: &str) {
        self.family = name;
        // A text takes everything.
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn gauge(&mut self, name: &'static str, help: &str) {
        self.begin(name, "gauge", help);
    }

    fn counter(&mut self, name: &'static str, help: &str, value: u64) {
        self.begin(name, "counter", help);
        self.sample(&[], value);
    }

    /// A counter by a label: what it `can` be, at 0 where nothing was counted, and what was.
    fn counters<'a>(
        &mut self,
        name: &'static str,
        help: &str,
        name_of_label: &str,
        can: impl Iterator<Item = &'a str>,
        counted: impl Iterator<Item = (&'a str, u64)>,
    ) {
        self.begin(name, "counter", help);
        let mut all: BTreeMap<&str, u64> = can.map(|value| (value, 0)).collect();
        all.extend(counted);
        for (value, count) in all {
            self.sample(&[(name_of_label, &label(value))], count);
        }
    }

    fn process(&mut self, process: &Process) {
        let centiseconds = process.cpu_centiseconds;
        self.begin("process_cpu_seconds_total", "counter", "Time of the processor, of user and system.");
        let seconds = format!("{}.{:02}", centiseconds / 100, centiseconds % 100);
        self.sample_as("", &[], &seconds);
        for (name, help, value) in [
            (
                "process_resident_memory_bytes",
                "Memory that is in the machine's.",
                Some(process.resident_bytes),
            ),
            ("process_virtual_memory_bytes", "Addresses that are taken.", Some(process.virtual_bytes)),
            ("process_open_fds", "Descriptors that are open.", Some(process.open_fds)),
            ("process_max_fds", "Descriptors that may be open.", process.max_fds),
        ] {
            // Without a limit there is nothing to tell.
            if let Some(value) = value {
                self.gauge(name, help);
                self.sample(&[], value);
            }
        }
    }

    fn histogram(&mut self, name: &'static str, help: &str, histogram: &Histogram) {
        self.begin(name, "histogram", help);
        for (bound, count) in histogram.cumulative() {
            self.sample_as("_bucket", &[("le", &bound.as_secs_f64().to_string())], &count.to_string());
        }
        self.sample_as("_bucket", &[("le", "+Inf")], &histogram.count().to_string());
        self.sample_as("_sum", &[], &histogram.sum().as_secs_f64().to_string());
        self.sample_as("_count", &[], &histogram.count().to_string());
    }

    fn sample(&mut self, labels: &[(&str, &str)], value: u64) {
        self.sample_as("", labels, &value.to_string());
    }

    fn sample_as(&mut self, suffix: &str, labels: &[(&str, &str)], value: &str) {
        self.text += self.family;
        self.text += suffix;
        for (place, (label, text)) in labels.iter().enumerate() {
            let before = if place == 0 { '{' } else { ',' };
            let _ = write!(self.text, "{before}{label}=\"{}\"", escaped(text));
        }
        let _ = writeln!(self.text, "{} {value}", if labels.is_empty() { "" } else { "}" });
    }
}

/// A label's value. Ours hold none of these; the format says what becomes of them.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use backchat_core::node::Stats;

    use super::*;

    fn around() -> Around {
        let mut lag = Histogram::default();
        lag.add(std::time::Duration::from_millis(70));
        let process =
            Process { cpu_centiseconds: 305, open_fds: 12, max_fds: Some(65_536), ..Process::default() };
        Around {
            began: UnixTime::from_millis(1_795_348_800_123),
            log_unread: 8,
            log_left_out: 9,
            lag,
            process: Some(process),
        }
    }

    #[test]
    fn what_was_counted_stands_under_its_name_and_labels() {
        let mut stats = Stats { joined: 2, downloads: 1, ..Stats::default() };
        stats.chat.accepted = 7;
        stats.chat.refused.insert(ErrorCode::TooFast, 3);
        stats.chat.closed.insert(CloseReason::Lost, 4);
        stats.transfer.bytes = u64::MAX;
        stats.transfer.datagrams_dropped.insert("checksum", 5);
        let page = page(&Measures { stats, datagrams_lost: 6 }, &around());
        for line in [
            "backchat_messages_total 7",
            "backchat_sessions{state=\"joined\"} 2",
            "backchat_refused_total{code=\"too-fast\"} 3",
            "backchat_refused_total{code=\"banned\"} 0",
            "backchat_connections_closed_total{reason=\"connection-lost\"} 4",
            "backchat_downloads_ended_total{outcome=\"complete\"} 0",
            "backchat_download_bytes_total 18446744073709551615",
            "backchat_datagrams_dropped_total{reason=\"checksum\"} 5",
            "backchat_datagrams_unsent_total 6",
            "backchat_log_lines_lost_total{reason=\"unread\"} 8",
            "process_start_time_seconds 1795348800",
            "process_cpu_seconds_total 3.05",
            "process_open_fds 12",
            "process_max_fds 65536",
            "backchat_loop_lag_seconds_bucket{le=\"0.05\"} 0",
            "backchat_loop_lag_seconds_bucket{le=\"0.1\"} 1",
            "backchat_loop_lag_seconds_bucket{le=\"+Inf\"} 1",
            "backchat_loop_lag_seconds_sum 0.07",
            "backchat_loop_lag_seconds_count 1",
            "backchat_download_duration_seconds_count 0",
        ] {
            assert!(page.lines().any(|it| it == line), "{line} is missing in:\n{page}");
        }
    }

    #[test]
    fn every_name_is_explained_and_every_explained_name_is_there() {
        let page = page(&Measures { stats: Stats::default(), datagrams_lost: 0 }, &around());
        let on_the_page: Vec<&str> =
            page.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
        let document = include_str!("../../../../../docs/OPERATING.md");
        let explained: Vec<&str> = document
            .lines()
            .filter_map(|line| line.strip_prefix("| `")?.split(['`', '{']).next())
            .filter(|name| name.contains('_'))
            .collect();
        assert_eq!(on_the_page, explained);
    }

    #[test]
    fn labels_have_one_style() {
        let page = page(&Measures { stats: Stats::default(), datagrams_lost: 0 }, &around());
        let values =
            page.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split('"').nth(1));
        for value in values.filter(|value| *value != "+Inf") {
            assert!(!value.contains([' ', '_']) && value.to_lowercase() == value, "{value}");
        }
    }

    #[test]
    fn a_label_cannot_end_its_line_or_its_quotes() {
        assert_eq!(escaped("a\"b\\c\nd"), "a\\\"b\\\\c\\nd");
    }
}
