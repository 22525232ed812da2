//! Sizes, times and rates as people read them. Programs get plain numbers elsewhere.

use std::time::Duration;

use backchat_core::time::UnixTime;
use indicatif::{BinaryBytes, HumanCount};

/// `512 B`, `1.50 MiB`.
pub fn size(bytes: u64) -> String {
    if bytes < 1024 { format!("{bytes} B") } else { BinaryBytes(bytes).to_string() }
}

/// `1,048,576 bytes`.
pub fn exact_size(bytes: u64) -> String {
    let unit = if bytes == 1 { "byte" } else { "bytes" };
    format!("{} {unit}", HumanCount(bytes))
}

/// `1.50 MiB/s`.
pub fn rate(bytes_per_second: u64) -> String {
    format!("{}/s", size(bytes_per_second))
}

/// `83 µs`, `1.20 ms`, `12.3 s`, `4m 12s`: three digits are enough to compare by.
pub fn time(duration: Duration) -> String {
    let (micros, seconds) = (duration.as_micros(), duration.as_secs_f64());
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..10_000 => format!("{:.2} ms", seconds * 1e3),
        10_000..100_000 => format!("{:.1} ms", seconds * 1e3),
        100_000..1_000_000 => format!("{:.0} ms", seconds * 1e3),
        1_000_000..10_000_000 => format!("{seconds:.2} s"),
        10_000_000..60_000_000 => format!("{seconds:.1} s"),
        _ => humantime::format_duration(Duration::from_secs(duration.as_secs())).to_string(),
    }
}

/// How many bytes a second `bytes` in `duration` are.
pub fn bytes_per_second(bytes: u64, duration: Duration) -> u64 {
    let nanos = duration.as_nanos().max(1);
    u64::try_from(u128::from(bytes) * 1_000_000_000 / nanos).unwrap_or(u64::MAX)
}

/// The time of day, UTC: `12:00:05Z`.
pub fn time_of_day(at: UnixTime) -> String {
    // RFC 3339 with four digits for the year, which UnixTime holds to: `2026-11-22T12:00:05.000Z`.
    let text = at.to_string();
    format!("{}Z", text.get(11..19).unwrap_or_default())
}

/// Day and time, UTC: `2026-11-22 12:00:05Z`.
pub fn day_and_time(at: UnixTime) -> String {
    let text = at.to_string();
    format!("{} {}Z", text.get(..10).unwrap_or_default(), text.get(11..19).unwrap_or_default())
}

/// `1 message`, `2 messages`.
pub fn count(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {one}s", HumanCount(number)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_rates_read_well() {
        assert_eq!([0, 1, 1023, 1024, 1_572_864].map(size), ["0 B", "1 B", "1023 B", "1.00 KiB", "1.50 MiB"]);
        assert_eq!([0, 1, 1_048_576].map(exact_size), ["0 bytes", "1 byte", "1,048,576 bytes"]);
        assert_eq!(rate(1_572_864), "1.50 MiB/s");
        assert_eq!(
            [0, 1, 2048].map(|number| count(number, "message")),
            ["0 messages", "1 message", "2,048 messages"]
        );
        assert_eq!(bytes_per_second(1_000, Duration::from_millis(500)), 2_000);
        assert_eq!(bytes_per_second(u64::MAX, Duration::ZERO), u64::MAX);
    }

    #[test]
    fn times_read_well() {
        for (micros, text) in [
            (0, "0 µs"),
            (83, "83 µs"),
            (1_204, "1.20 ms"),
            (12_040, "12.0 ms"),
            (120_400, "120 ms"),
            (1_204_000, "1.20 s"),
            (12_040_000, "12.0 s"),
            (252_900_000, "4m 12s"),
        ] {
            assert_eq!(time(Duration::from_micros(micros)), text);
        }
        let at = UnixTime::from_millis(1_795_348_805_123);
        assert_eq!(time_of_day(at), "12:00:05Z");
        assert_eq!(day_and_time(at), "2026-11-22 12:00:05Z");
        assert_eq!(time_of_day(UnixTime::from_millis(i64::MAX)), "22:00:00Z");
    }
}
