//! `[transfer]`: how downloads are done. Left out, it is the product's way.

use backchat_core::wire::{CongestionChoice, MAX_SEGMENT, MIN_SEGMENT, Recovery};

use super::reader::{Read, Table};
use super::values::{print_rate, print_size};
use super::writer::Writer;

/// How downloads are done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// How losses are recovered.
    pub recovery: Recovery,
    /// How the sender's window is set.
    pub congestion: CongestionChoice,
    /// Bytes of data in a segment.
    pub segment: u16,
    /// What a client's UDP socket can hold, in bytes; `None`: the driver's default.
    pub receive_buffer: Option<u64>,
    /// The user's limit on the rate of each download, in bits a second; `None`: none.
    pub limit_rate: Option<u64>,
    /// Whether sockets take and bring datagrams by the batch, as Linux does (GSO, GRO), or one by one.
    pub offload: bool,
}

impl Default for Transfer {
    fn default() -> Self {
        Self {
            recovery: Recovery::GoBackN,
            congestion: CongestionChoice::Classic,
            segment: DEFAULT_SEGMENT,
            receive_buffer: None,
            limit_rate: None,
            offload: true,
        }
    }
}

/// The client's default.
const DEFAULT_SEGMENT: u16 = 1200;

/// Less holds no packet of ordinary size and is not granted by Linux (SOCK_MIN_RCVBUF).
const MIN_RECEIVE_BUFFER: u64 = 2304;

/// More than any socket is given.
const MAX_RECEIVE_BUFFER: u64 = 1 << 30;

/// As fast as any link.
const MAX_LIMIT_RATE: u64 = 1_000_000_000_000;

/// A byte a second.
const MIN_LIMIT_RATE: u64 = 8;

pub(super) const KEYS: &[&str] =
    &["recovery", "congestion", "segment", "receive_buffer", "limit_rate", "offload"];

/// What `congestion` can be. Which of them are built is for whoever runs it to say.
const CONGESTION: &str = "classic, fixed:N, newreno, cubic or bbr";

pub(super) fn read(root: &Table<'_>) -> Read<Transfer> {
    let mut transfer = Transfer::default();
    let Some(value) = root.get("transfer") else { return Ok(transfer) };
    let table = value.table("[transfer]", "a table: [transfer]")?;
    table.check_keys(KEYS)?;
    if let Some(value) = table.get("recovery") {
        let known = [Recovery::GoBackN, Recovery::Selective];
        let word = value.word(&known.map(Recovery::name))?;
        transfer.recovery = known.into_iter().find(|it| it.name() == word).unwrap_or(Recovery::GoBackN);
    }
    if let Some(value) = table.get("congestion") {
        let text = value.text("a string: classic, fixed:N, newreno, cubic or bbr")?;
        transfer.congestion = match text {
            "classic" => CongestionChoice::Classic,
            "newreno" => CongestionChoice::NewReno,
            "cubic" => CongestionChoice::Cubic,
            "bbr" => CongestionChoice::Bbr,
            other => match other.strip_prefix("fixed:") {
                Some(window) => match window.parse::<u16>() {
                    Ok(window) if window > 0 => CongestionChoice::Fixed(window),
                    _ => return Err(value.bad_text(text, "a window of 1 to 65535 segments: \"fixed:16\"")),
                },
                None => return Err(value.bad_text(text, CONGESTION)),
            },
        };
    }
    if let Some(value) = table.get("segment") {
        let bytes = value.size(u64::from(MIN_SEGMENT)..=u64::from(MAX_SEGMENT))?;
        transfer.segment = u16::try_from(bytes).unwrap_or(MAX_SEGMENT);
    }
    if let Some(value) = table.get("receive_buffer") {
        transfer.receive_buffer = Some(value.size(MIN_RECEIVE_BUFFER..=MAX_RECEIVE_BUFFER)?);
    }
    if let Some(value) = table.get("limit_rate") {
        transfer.limit_rate = Some(value.rate(MIN_LIMIT_RATE..=MAX_LIMIT_RATE)?);
    }
    if let Some(value) = table.get("offload") {
        transfer.offload = value.boolean()?;
    }
    Ok(transfer)
}

pub(super) fn write(transfer: &Transfer, to: &mut Writer) {
    let default = Transfer::default();
    if *transfer == default {
        return;
    }
    to.table("[transfer]");
    if transfer.recovery != default.recovery {
        to.text("recovery", transfer.recovery.name());
    }
    if transfer.congestion != default.congestion {
        to.text("congestion", transfer.congestion);
    }
    if transfer.segment != default.segment {
        to.raw("segment", transfer.segment);
    }
    if let Some(bytes) = transfer.receive_buffer {
        to.text("receive_buffer", print_size(bytes));
    }
    if let Some(rate) = transfer.limit_rate {
        to.text("limit_rate", print_rate(rate));
    }
    if transfer.offload != default.offload {
        to.raw("offload", transfer.offload);
    }
}
