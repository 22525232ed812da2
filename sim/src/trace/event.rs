//! Every event of a trace, as a table: its name, its fields, and what they mean.
//!
//! Names are `category:event` after the manner of qlog (draft-ietf-quic-qlog-main-schema): `sim` the run itself, `net`
//! one direction of a path, `transfer`, `recovery` and `path` a download in the core, `chat` the server's chat, `app`
//! what a user of a client was told. Ranges of bytes are `start` and `end`, half open.

use core::time::Duration;

use backchat_core::time::Instant;
use backchat_core::wire::{Hash, TransferId};

use super::Name;
use super::recorded::{Fields, ReadError};
use super::value::{Field, Value};

macro_rules! events {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal {
        $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty,)*
    })+) => {
        /// What happened. See the module.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Event {
            $($(#[doc = $doc])+ $variant {
                $($(#[doc = $field_doc])+ $field: $type,)*
            },)+
        }

        #[derive(Clone, Copy)]
        #[repr(u16)]
        enum Code {
            $($variant,)+
        }

        impl Event {
            /// Every name.
            pub const NAMES: &[&str] = &[$($name,)+];

            /// `category:event`.
            pub const fn name(&self) -> &'static str {
                match self {
                    $(Self::$variant { .. } => $name,)+
                }
            }

            /// Its place in the table, which stands for it in the hash.
            pub(super) const fn code(&self) -> u16 {
                match self {
                    $(Self::$variant { .. } => Code::$variant as u16,)+
                }
            }

            /// Calls `visit` with the name and the value of each field, in the table's order.
            pub fn visit(&self, visit: &mut dyn FnMut(&'static str, Value<'_>)) {
                match self {
                    $(Self::$variant { $($field,)* } => {
                        $(visit(stringify!($field), $field.value());)*
                    })+
                }
                let _ = visit;
            }

            pub(super) fn read(name: &str, fields: &mut Fields<'_>) -> Result<Self, ReadError> {
                match name {
                    $($name => Ok(Self::$variant { $($field: fields.take(stringify!($field))?,)* }),)+
                    _ => Err(fields.unknown()),
                }
            }
        }
    };
}

events! {
    /// A file that the server shares, whose bytes are the seed's.
    FileShared = "sim:file_shared" {
        /// Its name.
        name: Name,
        /// Its bytes.
        size: u64,
        /// Its hash.
        blake3: Hash,
    }
    /// What a direction is like when nothing goes wrong; its node is the direction.
    LinkShaped = "sim:link_shaped" {
        /// How long a datagram takes, one way.
        delay: Duration,
        /// How much longer at most, by jitter and reordering.
        jitter: Duration,
        /// Bits a second; none where there is no limit.
        rate: Option<u64>,
        /// Whether it impairs at random after the last fault has ended.
        impairs: bool,
    }
    /// When the last fault will have ended and the last step begun: the liveness bound counts from there.
    CalmExpected = "sim:calm_expected" {
        /// When.
        from: Instant,
        /// What has not finished by then has failed, whatever the bound says.
        duration: Duration,
    }
    /// A step that a client does more than once, each time when the one before has ended; its node is the client.
    Planned = "sim:planned" {
        /// The step's `do`.
        what: Name,
        /// The text, the file, the nickname.
        detail: Option<Name>,
        /// How often.
        times: u64,
    }
    /// A host began its `life`th life; 0 is the first.
    Started = "sim:started" {
        /// Which.
        life: u64,
    }
    /// A host was killed.
    Crashed = "sim:crashed" {
        /// Its disk lost what was not synced.
        power: bool,
    }
    /// A host ended in good order.
    Stopped = "sim:stopped" {
        /// How.
        outcome: Name,
    }
    /// A client is somewhere else from now on.
    Rebound = "sim:rebound" {
        /// Its address so far.
        from: Name,
        /// Its address from now on.
        to: Name,
    }
    /// All links are clean from now on.
    Healed = "sim:healed" {}
    /// The clients leave and the server stops.
    Ending = "sim:ending" {
        /// Why now: `done`, or `duration`.
        reason: Name,
    }
    /// Nothing happens any more.
    Ended = "sim:ended" {}

    /// A datagram was offered to a direction.
    Offered = "net:offered" {
        /// Its number in this direction, from 1.
        ordinal: u64,
        /// Bytes of UDP payload.
        length: u64,
        /// What it is: `data@12000#2` is the second transmission of the segment at that offset.
        what: Name,
    }
    /// A datagram is to arrive more than once.
    Duplicated = "net:duplicated" {
        /// Its number.
        ordinal: u64,
        /// Copies beyond the first.
        extra: u64,
    }
    /// A copy was damaged.
    Damaged = "net:damaged" {
        /// The datagram's number.
        ordinal: u64,
        /// Which copy, from 0.
        copy: u64,
        /// How: `corrupt` or `truncate`.
        how: Name,
        /// Bytes that are left.
        length: u64,
    }
    /// A copy arrived at a socket.
    Delivered = "net:delivered" {
        /// The datagram's number.
        ordinal: u64,
        /// Which copy, from 0.
        copy: u64,
        /// Bytes of UDP payload.
        length: u64,
    }
    /// A copy was dropped.
    NetDropped = "net:dropped" {
        /// The datagram's number.
        ordinal: u64,
        /// Which copy, from 0.
        copy: u64,
        /// Why.
        reason: Name,
    }
    /// A datagram that nobody sent. Its ordinal counts injected ones, from 1 above [`INJECTED`].
    Injected = "net:injected" {
        /// Its number.
        ordinal: u64,
        /// Bytes of UDP payload.
        length: u64,
        /// What it is.
        what: Name,
    }
    /// The run ended while datagrams were under way.
    InFlight = "net:in_flight" {
        /// How many copies.
        copies: u64,
    }

    /// A machine went from one state to another.
    StateChanged = "transfer:state_changed" {
        /// The download.
        transfer: TransferId,
        /// From this one.
        from: Name,
        /// To that one.
        to: Name,
    }
    /// A packet without data was sent.
    PacketSent = "transfer:packet_sent" {
        /// The download.
        transfer: TransferId,
        /// What it is for.
        kind: Name,
        /// Its number.
        transmission: u64,
    }
    /// A packet was received and belongs to a download.
    PacketReceived = "transfer:packet_received" {
        /// The download.
        transfer: TransferId,
        /// What it is for.
        kind: Name,
        /// Its number.
        transmission: u64,
    }
    /// Segments were sent.
    SegmentsSent = "transfer:segments_sent" {
        /// The download.
        transfer: TransferId,
        /// The file's first byte in them.
        start: u64,
        /// The first one behind them.
        end: u64,
        /// The first one's number.
        transmission: u64,
        /// How many segments.
        count: u64,
        /// Bytes of them that had been sent before.
        resent: u64,
        /// Outstanding with them, in bytes.
        in_flight: u64,
        /// The congestion window, in bytes.
        cwnd: u64,
        /// The first byte that the receiver does not allow.
        limit: u64,
    }
    /// A segment came in order and was kept.
    SegmentReceived = "transfer:segment_received" {
        /// The download.
        transfer: TransferId,
        /// The first byte that was new.
        start: u64,
        /// The first one behind it.
        end: u64,
    }
    /// A segment came out of order, or was here already, and was thrown away.
    SegmentDiscarded = "transfer:segment_discarded" {
        /// The download.
        transfer: TransferId,
        /// Its first byte.
        start: u64,
        /// The first one behind it.
        end: u64,
        /// What was waited for.
        rcv_nxt: u64,
    }
    /// An acknowledgment was taken.
    Acknowledged = "recovery:acknowledged" {
        /// The download.
        transfer: TransferId,
        /// Everything below is acknowledged.
        una: u64,
        /// The first byte that the receiver does not allow.
        limit: u64,
        /// Still outstanding, in bytes.
        in_flight: u64,
    }
    /// A round trip was measured.
    RttUpdated = "recovery:rtt_updated" {
        /// The download.
        transfer: TransferId,
        /// The sample.
        latest: Duration,
        /// Smoothed.
        srtt: Duration,
        /// Its variation.
        rttvar: Duration,
        /// What follows for the timer.
        rto: Duration,
    }
    /// The sender went back and sends everything outstanding again.
    WentBack = "recovery:went_back" {
        /// The download.
        transfer: TransferId,
        /// `nxt` was here,
        from: u64,
        /// and is here now.
        to: u64,
        /// Why.
        cause: Name,
    }
    /// The congestion window changed.
    WindowChanged = "recovery:window_changed" {
        /// The download.
        transfer: TransferId,
        /// Bytes.
        cwnd: u64,
    }
    /// A timer was set, or set anew.
    TimerSet = "recovery:timer_set" {
        /// The download.
        transfer: TransferId,
        /// Which timer.
        timer: Name,
        /// For when.
        due: Instant,
    }
    /// A timer was stopped.
    TimerStopped = "recovery:timer_stopped" {
        /// The download.
        transfer: TransferId,
        /// Which timer.
        timer: Name,
    }
    /// A timer ran out.
    TimerExpired = "recovery:timer_expired" {
        /// The download.
        transfer: TransferId,
        /// Which timer.
        timer: Name,
    }
    /// The user paused, or the pause ended.
    Paused = "transfer:paused" {
        /// The download.
        transfer: TransferId,
        /// Whether it is paused now.
        paused: bool,
    }
    /// A challenge went to a new address.
    PathChallenged = "path:challenged" {
        /// The download.
        transfer: TransferId,
    }
    /// A new address proved itself and is used from now on.
    PathValidated = "path:validated" {
        /// The download.
        transfer: TransferId,
    }
    /// A host dropped a datagram.
    PacketDropped = "transfer:packet_dropped" {
        /// The download, if it belongs to one.
        transfer: Option<TransferId>,
        /// Why.
        reason: Name,
    }
    /// A machine is done.
    TransferEnded = "transfer:ended" {
        /// The download.
        transfer: TransferId,
        /// How.
        outcome: Name,
    }
    /// The core was in a situation that tests should have been in.
    Marked = "core:marked" {
        /// The download, if it concerns one.
        transfer: Option<TransferId>,
        /// Which.
        mark: Name,
    }
    /// The server gave a ticket.
    TransferOffered = "transfer:offered" {
        /// The download.
        transfer: TransferId,
        /// The session that asked.
        session: u64,
        /// The file.
        file: Name,
        /// Its bytes.
        size: u64,
        /// The first one that will be sent.
        start: u64,
    }
    /// The server refused a download.
    TransferRefused = "transfer:refused" {
        /// The session that asked.
        session: u64,
        /// The file.
        file: Name,
        /// Why.
        code: Name,
    }
    /// The server's account of a download that is over.
    TransferServed = "transfer:served" {
        /// The download.
        transfer: TransferId,
        /// The session that asked.
        session: u64,
        /// The file.
        file: Name,
        /// How it ended.
        outcome: Name,
        /// Acknowledged bytes.
        bytes: u64,
        /// Segments sent, those sent again too.
        segments_sent: u64,
        /// Segments that carried bytes sent before.
        segments_resent: u64,
        /// Bytes in all datagrams, headers too.
        bytes_on_wire: u64,
        /// How often the retransmission timer ran out.
        timeouts: u64,
    }

    /// The server took a connection.
    ChatOpened = "chat:opened" {
        /// The connection.
        stream: u64,
        /// Its session, until it resumes another.
        session: u64,
    }
    /// The server turned a connection away.
    ChatTurnedAway = "chat:turned_away" {
        /// The connection.
        stream: u64,
        /// Why.
        reason: Name,
    }
    /// A connection is closed by the server, or was by the peer.
    ChatClosed = "chat:closed" {
        /// The connection.
        stream: u64,
        /// Why.
        reason: Name,
    }
    /// A session took a nickname.
    ChatJoined = "chat:joined" {
        /// The session.
        session: u64,
        /// The nickname.
        nick: Name,
    }
    /// A session lost its connection and may come back.
    ChatParked = "chat:parked" {
        /// The session.
        session: u64,
        /// Why.
        reason: Name,
    }
    /// A session goes on, on another connection.
    ChatResumed = "chat:resumed" {
        /// The session.
        session: u64,
        /// Its connection from now on.
        stream: u64,
        /// The last message that its client had seen.
        seen: u64,
    }
    /// A session gave its nickname back.
    ChatLeft = "chat:left" {
        /// The session.
        session: u64,
        /// The nickname it had.
        nick: Name,
        /// Why.
        reason: Name,
    }
    /// A session has another nickname.
    ChatRenamed = "chat:renamed" {
        /// The session.
        session: u64,
        /// So far.
        from: Name,
        /// From now on.
        to: Name,
    }
    /// The server took a message.
    ChatSaid = "chat:said" {
        /// Whose.
        session: u64,
        /// The message's number.
        number: u64,
        /// The other party's session, if it is a private one.
        to: Option<u64>,
        /// What its sender calls it.
        id: Option<Name>,
    }
    /// A message came again under an id that was taken before.
    ChatRepeated = "chat:repeated" {
        /// Whose.
        session: u64,
        /// The number that it was given the first time.
        number: u64,
    }
    /// The server refused a request.
    ChatRefused = "chat:refused" {
        /// Whose.
        session: u64,
        /// Why.
        code: Name,
    }
    /// A line was no frame.
    ChatDropped = "chat:dropped" {
        /// Whose.
        session: u64,
        /// Why.
        reason: Name,
    }

    /// The user wants something.
    Asked = "app:asked" {
        /// The wish's number, in the life of the scenario; one that is said again after a crash keeps it.
        wish: u64,
        /// What: the step's `do`.
        what: Name,
        /// The text, the file, the nickname.
        detail: Option<Name>,
    }
    /// The client took a wish: its request, or its download, is called so from now on.
    Taken = "app:taken" {
        /// The wish.
        wish: u64,
        /// The request's id, or the download's.
        id: Name,
    }
    /// The client did not take a wish.
    NotTaken = "app:not_taken" {
        /// The wish.
        wish: u64,
        /// Why.
        reason: Name,
    }
    /// A wish that is no download is over.
    Answered = "app:answered" {
        /// The wish.
        wish: u64,
        /// How: `accepted`, `names`, `files`, `done`, an error's code, `unconfirmed`, `unsent`, `unanswered`.
        outcome: Name,
        /// The message's number.
        number: Option<u64>,
    }
    /// The connection is there.
    Connected = "app:connected" {}
    /// The client could not connect.
    CannotConnect = "app:cannot_connect" {
        /// What the system said.
        error: Name,
    }
    /// The server has welcomed the client.
    Joined = "app:joined" {
        /// As what.
        nick: Name,
        /// An earlier session goes on.
        resumed: bool,
        /// The server was restarted since.
        new_epoch: bool,
    }
    /// The server does not let the client in.
    Refused = "app:refused" {
        /// Why.
        code: Name,
    }
    /// The connection is gone, or could not be made.
    Disconnected = "app:disconnected" {
        /// Why.
        reason: Name,
    }
    /// It will be tried again.
    Reconnecting = "app:reconnecting" {
        /// After how long.
        after: Duration,
    }
    /// It will not be tried again.
    GaveUp = "app:gave_up" {}
    /// A message to all was shown.
    Message = "app:message" {
        /// Its number.
        number: u64,
        /// Who said it.
        from: Name,
        /// The text.
        text: Name,
        /// It was said before this client came, or before it came back.
        backlog: bool,
    }
    /// A message to one was shown.
    Private = "app:private" {
        /// Its number.
        number: u64,
        /// Who said it.
        from: Name,
        /// To whom.
        to: Name,
        /// The text.
        text: Name,
        /// It was said before this client came, or before it came back.
        backlog: bool,
    }
    /// Messages are missing here, and the client was told.
    Gap = "app:gap" {
        /// How many public ones, at least.
        missed: u64,
    }
    /// Somebody came.
    PeerJoined = "app:peer_joined" {
        /// Who.
        nick: Name,
    }
    /// Somebody went.
    PeerLeft = "app:peer_left" {
        /// Who.
        nick: Name,
        /// Why.
        reason: Name,
    }
    /// Another frame was shown.
    Shown = "app:shown" {
        /// Its type.
        kind: Name,
        /// What it says.
        text: Option<Name>,
    }
    /// A download's handshake is through.
    DownloadStarted = "app:download_started" {
        /// The wish.
        wish: u64,
        /// The download.
        transfer: TransferId,
        /// The file's bytes.
        size: u64,
        /// The first one that comes; above 0 when resumed.
        start: u64,
    }
    /// A file has its name. What is on the disk was read once more for this.
    DownloadFinished = "app:download_finished" {
        /// The wish.
        wish: u64,
        /// The file.
        file: Name,
        /// Bytes on the disk.
        size: u64,
        /// Their hash.
        blake3: Hash,
        /// The first byte that differs from the server's file.
        differs_at: Option<u64>,
        /// The first byte that came in this attempt.
        resumed_from: u64,
        /// Segments that arrived.
        segments_received: u64,
        /// Those that brought nothing new.
        duplicates: u64,
    }
    /// A download is over without the file.
    DownloadFailed = "app:download_failed" {
        /// The wish.
        wish: u64,
        /// The file.
        file: Name,
        /// Why, for programs.
        reason: Name,
        /// Why, for people.
        message: Name,
        /// Bytes that are kept for a later resume.
        kept: u64,
    }
}

/// Numbers of injected datagrams are above this, so that none is taken for one that was offered.
pub const INJECTED: u64 = 1 << 48;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Header, Record, json, read, text::Line};

    fn some() -> Vec<Record> {
        let transfer = TransferId(0xfedc_ba98_7654_3210);
        let record = |at, node: &str, event| Record { at: Instant::from_nanos(at), node: node.into(), event };
        vec![
            record(
                0,
                "sim",
                Event::FileShared { name: "a b.bin".into(), size: 3, blake3: Hash::of_nothing() },
            ),
            record(1, "alice", Event::PacketDropped { transfer: None, reason: Name::of("checksum") }),
            record(2, "server->alice", Event::Offered { ordinal: 1, length: 9, what: "data@0#1".into() }),
            record(
                15_000_001,
                "server",
                Event::TimerSet { transfer, timer: Name::of("retransmit"), due: Instant::from_nanos(7) },
            ),
            record(
                15_000_001,
                "bob",
                Event::Message { number: 1, from: "eve".into(), text: "\u{1b}[1m\n\"".into(), backlog: true },
            ),
        ]
    }

    #[test]
    fn what_is_written_is_read_back() {
        let header = Header { scenario: "a.toml".into(), seed: u64::MAX, engine: "turmoil".into() };
        let mut bytes = Vec::new();
        json::write_header(&mut bytes, &header).unwrap();
        let records = some();
        for record in &records {
            json::write_record(&mut bytes, record).unwrap();
        }
        let recorded = read(bytes.as_slice()).unwrap();
        assert_eq!((recorded.header, recorded.records), (header, records));
    }

    #[test]
    fn a_line_for_people_has_columns_and_shows_no_control_character() {
        let lines: Vec<String> = some().iter().map(|record| Line(record).to_string()).collect();
        assert_eq!(
            lines[3],
            "    0.015000001  server           recovery:timer_set         transfer=fedcba98 timer=retransmit due=0.000000007"
        );
        assert_eq!(
            lines[4],
            "    0.015000001  bob              app:message                number=1 from=eve text=\"\\u{1b}[1m\\n\\\"\" backlog=yes"
        );
    }

    #[test]
    fn no_field_is_called_as_what_every_record_has() {
        for record in some() {
            record.event.visit(&mut |name, _| assert!(!["at", "node", "event"].contains(&name)));
        }
        let calm = Event::CalmExpected { from: Instant::ZERO, duration: Duration::ZERO };
        calm.visit(&mut |name, _| assert_ne!(name, "at"));
    }

    #[test]
    fn every_name_is_of_the_form_category_and_event_and_none_is_twice() {
        let mut names = Event::NAMES.to_vec();
        assert!(names.iter().all(|name| name.split_once(':').is_some()));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Event::NAMES.len());
    }

    #[test]
    fn a_wrong_line_is_named_with_what_was_expected() {
        let head = "{\"format\":\"backchat-trace\",\"version\":1,\"scenario\":\"s\",\"seed\":\"1\",\"engine\":\"e\"}\n";
        let cases = [
            ("", "1:1: an empty file; expected a trace's header: {\"format\":\"backchat-trace\",…}"),
            ("[]\n", "1:1: JSON that is no object; expected one JSON object a line"),
            ("{}\n", "1:1: another format; expected \"format\":\"backchat-trace\""),
            ("{\"format\":\"backchat-trace\",\"version\":9}\n", "1:1: version 9; expected version 1"),
        ];
        for (text, expected) in cases {
            assert_eq!(read(text.as_bytes()).unwrap_err().to_string(), expected);
        }
        let cases = [
            ("{}", "2:1: no time; expected \"at\": a number of nanoseconds"),
            ("{\"at\":1,\"node\":3}", "2:1: no node; expected \"node\": a text"),
            (
                "{\"at\":1,\"node\":\"a\",\"event\":\"sim:startet\"}",
                "2:1: event \"sim:startet\"; expected a known event, such as \"sim:started\"",
            ),
            (
                "{\"at\":1,\"node\":\"a\",\"event\":\"sim:started\"}",
                "2:1: sim:started without \"life\"; expected \"life\": a whole number",
            ),
            (
                "{\"at\":1,\"node\":\"a\",\"event\":\"sim:started\",\"life\":-1}",
                "2:1: sim:started: \"life\" is -1; expected \"life\": a whole number",
            ),
            (
                "{\"at\":1,\"node\":\"a\",\"event\":\"sim:ended\",\"x\":1}",
                "2:1: \"x\" in sim:ended; expected only the fields of that event",
            ),
        ];
        for (line, expected) in cases {
            let text = format!("{head}{line}\n");
            assert_eq!(read(text.as_bytes()).unwrap_err().to_string(), expected, "{line}");
        }
        let order = "{\"at\":2,\"node\":\"a\",\"event\":\"sim:ended\"}\n{\"at\":1,\"node\":\"a\",\"event\":\"sim:ended\"}\n";
        let error = read(format!("{head}{order}").as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "3:1: a record at 1 ns; expected one at 2 ns or later");
        assert_eq!(read(format!("{head}{{\"at\"").as_bytes()).unwrap_err().line, 2);
    }
}
