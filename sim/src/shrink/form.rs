//! How a failure can be written out: what becomes of rates, batches, buffers and blackouts, and how packets are named.

/// What is written out, and what is left as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Whether links have a rate and a queue, and what keeps datagrams apart where they have none.
    pub line: Line,
    /// Whether clients' sockets hold what they held.
    pub buffer: Buffer,
    /// What becomes of blackouts.
    pub blackouts: Blackouts,
    /// How packets are named.
    pub names: Names,
}

/// See [`Form::line`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// Delay alone; what a full queue dropped is a fault.
    Bare,
    /// Delay alone, and sockets that take and bring datagrams one by one: what a rate or chance had kept apart would come
    /// as one batch.
    Single,
    /// With rate and queue.
    Kept,
}

/// See [`Form::buffer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Buffer {
    /// They hold everything. Where links are bare a large window would overflow them: losses that nobody wrote down.
    Roomy,
    /// As they were.
    Kept,
}

/// See [`Form::blackouts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blackouts {
    /// Each packet that was dropped is a fault.
    Dropped,
    /// They stay, and stall the chat too.
    Kept,
    /// Whatever was lost on a direction, by chance too, is one blackout from the first loss to the last.
    Gathered,
}

/// See [`Form::names`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// By what they are.
    Identity,
    /// By their place: what another change of the run moves.
    Ordinal,
    /// Not at all: chance stays, because nothing else fails in the same way.
    Chance,
}

impl Form {
    /// From the plainest to what changes nothing.
    pub const ALL: [Self; 14] = [
        Self::of(Line::Bare, Buffer::Roomy, Blackouts::Dropped, Names::Identity),
        Self::of(Line::Single, Buffer::Roomy, Blackouts::Dropped, Names::Identity),
        Self::of(Line::Bare, Buffer::Kept, Blackouts::Dropped, Names::Identity),
        Self::of(Line::Bare, Buffer::Kept, Blackouts::Kept, Names::Identity),
        Self::of(Line::Bare, Buffer::Kept, Blackouts::Gathered, Names::Identity),
        Self::of(Line::Single, Buffer::Kept, Blackouts::Dropped, Names::Identity),
        Self::of(Line::Single, Buffer::Kept, Blackouts::Kept, Names::Identity),
        Self::of(Line::Single, Buffer::Kept, Blackouts::Gathered, Names::Identity),
        Self::of(Line::Kept, Buffer::Kept, Blackouts::Dropped, Names::Identity),
        Self::of(Line::Kept, Buffer::Kept, Blackouts::Kept, Names::Identity),
        Self::of(Line::Kept, Buffer::Kept, Blackouts::Gathered, Names::Identity),
        Self::of(Line::Kept, Buffer::Kept, Blackouts::Dropped, Names::Ordinal),
        Self::of(Line::Kept, Buffer::Kept, Blackouts::Kept, Names::Ordinal),
        Self::of(Line::Kept, Buffer::Kept, Blackouts::Kept, Names::Chance),
    ];

    const fn of(line: Line, buffer: Buffer, blackouts: Blackouts, names: Names) -> Self {
        Self { line, buffer, blackouts, names }
    }

    /// Whether chance still decides something.
    pub fn is_random(self) -> bool {
        self.names == Names::Chance
    }
}
