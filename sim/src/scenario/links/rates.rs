//! What is said of a bottleneck: its rate, its queue, and the policer before it.

use core::num::NonZeroU64;
use core::ops::RangeInclusive;

use crate::link::{
    BitsPerSecond, Codel, MAX_RATE_STEPS, Policer, QueueLimit, Rate, RateStep, RateSteps, RateStepsError,
};
use crate::scenario::reader::{Read, Value};
use crate::scenario::values::{parse_size, print_rate, print_size, print_span};
use crate::scenario::writer::{array, inline, quoted};

/// From where a byte takes 8 s, to where a packet takes no time that counts.
const RATE: RangeInclusive<u64> = 1..=1_000_000_000_000;
/// More than any router has.
const MAX_QUEUE_PACKETS: u32 = 1_000_000;
const MAX_QUEUE_BYTES: u64 = 1 << 30;
/// What a policer lets through at once: up to what a queue may hold.
const BURST: RangeInclusive<u64> = 0..=MAX_QUEUE_BYTES;

pub(in crate::scenario) const STEPS_KEYS: &[&str] = &["steps", "every"];
pub(in crate::scenario) const STEP_KEYS: &[&str] = &["at", "rate"];
pub(in crate::scenario) const CODEL_KEYS: &[&str] = &["target", "interval", "ecn"];
pub(in crate::scenario) const POLICER_KEYS: &[&str] = &["rate", "burst"];

/// A rate, or a list of them, or such a list that comes again and again.
pub(super) fn read_rate(value: &Value<'_>) -> Read<Rate> {
    if value.is_array() {
        return read_steps(value, None);
    }
    if !value.is_table() {
        return read_constant(value).map(Rate::Constant);
    }
    let table = value.table("rate", "a rate, or { steps, every }")?;
    table.check_keys(STEPS_KEYS)?;
    let steps = table.need("steps", "an array: [{ at = \"0s\", rate = \"10Mbit/s\" }]")?;
    let every = table.need("every", "the length of a period, such as \"10s\"")?;
    read_steps(&steps, Some(&every))
}

fn read_constant(value: &Value<'_>) -> Read<BitsPerSecond> {
    // The range begins at one.
    Ok(NonZeroU64::new(value.rate(RATE)?).unwrap_or(NonZeroU64::MIN))
}

fn read_steps(value: &Value<'_>, every: Option<&Value<'_>>) -> Read<Rate> {
    const EXPECTED: &str = "an array: [{ at = \"0s\", rate = \"10Mbit/s\" }]";
    let (mut steps, mut places) = (Vec::new(), Vec::new());
    for value in value.array(EXPECTED, MAX_RATE_STEPS)? {
        let table = value.table("a step of a rate", "a table: { at = \"5s\", rate = \"1Mbit/s\" }")?;
        table.check_keys(STEP_KEYS)?;
        let at = table.need("at", "when it begins, such as \"5s\"")?;
        let rate = read_constant(&table.need("rate", "a rate, such as \"10Mbit/s\"")?)?;
        steps.push(RateStep { at: at.span()?, rate });
        places.push(at);
    }
    let period = every.map(Value::positive_span).transpose()?;
    RateSteps::new(&steps, period).map(Rate::Steps).map_err(|error| {
        let step = |place: usize| steps.get(place).map(|step| print_span(step.at)).unwrap_or_default();
        match error {
            RateStepsError::NoBeginning | RateStepsError::TooMany => places.first().unwrap_or(value).bad(
                if steps.is_empty() { "an empty array".to_owned() } else { step(0) },
                "a first step at \"0s\": the rate with which the run begins",
            ),
            RateStepsError::NotLater(place) => {
                let before = step(place.saturating_sub(1));
                places
                    .get(place)
                    .unwrap_or(value)
                    .bad(step(place), format!("later than {before}, the step before"))
            }
            RateStepsError::PeriodTooShort => {
                let last = step(steps.len().saturating_sub(1));
                let found = period.map(print_span).unwrap_or_default();
                every.unwrap_or(value).bad(found, format!("longer than {last}, when the last step begins"))
            }
        }
    })
}

/// A rate, as TOML.
pub(super) fn print_rates(rate: &Rate) -> String {
    let text = |rate: BitsPerSecond| quoted(&print_rate(rate.get()));
    let steps = match rate {
        Rate::Constant(rate) => return text(*rate),
        Rate::Steps(steps) => steps,
    };
    let step = |step: RateStep| {
        inline(&[("at", Some(quoted(&print_span(step.at)))), ("rate", Some(text(step.rate)))])
    };
    let list = array(steps.steps().map(step));
    match steps.every() {
        None => list,
        Some(every) => inline(&[("steps", Some(list)), ("every", Some(quoted(&print_span(every))))]),
    }
}

/// What a policer lets through.
pub(super) fn read_policer(value: &Value<'_>) -> Read<Policer> {
    let table = value.table("policer", "a table: { rate = \"10Mbit/s\", burst = \"64KiB\" }")?;
    table.check_keys(POLICER_KEYS)?;
    let rate = read_constant(&table.need("rate", "a rate, such as \"10Mbit/s\"")?)?;
    let burst = table.need("burst", "what it lets through at once, such as \"64KiB\"")?.size(BURST)?;
    Ok(Policer { rate, burst })
}

/// A policer, as TOML.
pub(super) fn print_policer(policer: Policer) -> String {
    let Policer { rate, burst } = policer;
    let (rate, burst) = (quoted(&print_rate(rate.get())), quoted(&print_size(burst)));
    inline(&[("rate", Some(rate)), ("burst", Some(burst))])
}

/// How a queue is managed.
pub(super) fn read_codel(value: &Value<'_>) -> Read<Codel> {
    let table =
        value.table("codel", "a table: {}, or { target = \"5ms\", interval = \"100ms\", ecn = true }")?;
    table.check_keys(CODEL_KEYS)?;
    let mut codel = Codel::default();
    if let Some(target) = table.get("target") {
        codel.target = target.positive_span()?;
    }
    if let Some(interval) = table.get("interval") {
        codel.interval = interval.positive_span()?;
    }
    if let Some(ecn) = table.get("ecn") {
        codel.ecn = ecn.boolean()?;
    }
    Ok(codel)
}

/// How a queue is managed, as TOML.
pub(super) fn print_codel(Codel { target, interval, ecn }: Codel) -> String {
    let span = |span| Some(quoted(&print_span(span)));
    inline(&[("target", span(target)), ("interval", span(interval)), ("ecn", Some(ecn.to_string()))])
}

/// How many may wait.
pub(super) fn read_queue(value: &Value<'_>) -> Read<QueueLimit> {
    const EXPECTED: &str = "packets or a size, such as \"25pkt\" or \"64KiB\"";
    let text = value.text(EXPECTED)?;
    if let Some(number) = text.trim().strip_suffix("pkt") {
        let packets = number.trim_end().parse::<u32>().ok().filter(|packets| *packets <= MAX_QUEUE_PACKETS);
        let range = format!("0pkt to {MAX_QUEUE_PACKETS}pkt");
        return packets.map(QueueLimit::Packets).ok_or_else(|| value.bad_text(text, range));
    }
    if text.trim().bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(
            value.bad_text(text, format!("a unit: \"{0}pkt\" for packets, \"{0}B\" for bytes", text.trim()))
        );
    }
    match parse_size(text) {
        Ok(bytes) if bytes <= MAX_QUEUE_BYTES => Ok(QueueLimit::Bytes(bytes)),
        Ok(_) => Err(value.bad_text(text, format!("at most {}", print_size(MAX_QUEUE_BYTES)))),
        Err(_) => Err(value.bad_text(text, EXPECTED)),
    }
}

/// A queue's limit, without quotes.
pub(super) fn print_queue(queue: QueueLimit) -> String {
    match queue {
        QueueLimit::Packets(packets) => format!("{packets}pkt"),
        QueueLimit::Bytes(bytes) => print_size(bytes),
    }
}
