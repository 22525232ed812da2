//! What a record says has happened.
//!
//! An [`Event`] is core's own observation, the network's, the application's, or the run's: each an enum of its own, whose
//! docs say what its fields mean. Beside each stands its table, in a file for each: the names under which a trace has its
//! events, `category:event` after the manner of qlog (draft-ietf-quic-qlog-main-schema), and their fields in the order in
//! which they are written. A table names every field of every event, or it does not compile.

mod app;
mod core;
mod net;
mod run;
mod server;

#[cfg(test)]
mod tests;

pub use backchat_core::chat::ChatEvent;
use backchat_core::node::ServerEvent;

pub use backchat_core::node::TransferEvent;
use backchat_core::trace;
pub use backchat_core::trace::Event as CoreEvent;
use backchat_core::wire::TransferId;

pub use self::app::{Answer, AppEvent, Completion, ShownKind};
pub use self::net::{Acknowledges, Harm, INJECTED, NetEvent};
pub use self::run::{Ending, RunEvent};
use super::field::{Field, Visitor};
use super::recorded::{Fields, ReadError};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A machine of the core observed it, of this download; of a datagram that belongs to none, of none.
    Core(Option<TransferId>, CoreEvent),
    /// The server tells its operator of the chat.
    Chat(ChatEvent),
    /// The server tells its operator of downloads.
    Transfer(TransferEvent),
    /// A direction of a path did it to a datagram.
    Net(NetEvent),
    /// A user wanted it, or was told.
    App(AppEvent),
    /// It is of the run itself.
    Run(RunEvent),
}

// Each record is moved a few times on its way: what is large and rare is in a box.
const _: () = assert!(size_of::<Event>() <= 96);

/// Events that have a table.
pub(super) trait Table: Sized {
    /// Every name.
    const NAMES: &[&str];

    /// `category:event`.
    fn name(&self) -> &'static str;

    /// Shows the code of the name, then the name and the value of each field, in the table's order.
    fn visit(&self, to: &mut impl Visitor);

    /// Takes one back whose name is known. `None`: no event of this table is called so.
    fn read(name: &str, from: &mut Fields<'_>) -> Result<Option<Self>, ReadError>;
}

/// Makes the table of an enum.
macro_rules! table {
    ($type:ty { $($event:ident $name:literal { $($field:ident),* })+ }) => {
        impl $crate::trace::event::Table for $type {
            const NAMES: &[&str] = &[$($name),+];

            fn name(&self) -> &'static str {
                match self {
                    $(Self::$event { .. } => $name,)+
                }
            }

            #[inline]
            fn visit(&self, to: &mut impl $crate::trace::field::Visitor) {
                match self {
                    $(Self::$event { $($field),* } => {
                        to.event(const { backchat_core::trace::code($name) });
                        $($crate::trace::field::Field::show($field, stringify!($field), to);)*
                    })+
                }
            }

            fn read(
                name: &str,
                from: &mut $crate::trace::recorded::Fields<'_>,
            ) -> Result<Option<Self>, $crate::trace::recorded::ReadError> {
                Ok(Some(match name {
                    $($name => Self::$event {
                        $($field: $crate::trace::field::Field::read(stringify!($field), from)?),*
                    },)+
                    _ => return Ok(None),
                }))
            }
        }
    };
}
use table;

impl Event {
    /// The names of all events, category by category.
    pub fn names() -> impl Iterator<Item = &'static str> {
        let (core, server) = ([CoreEvent::NAMES], [TransferEvent::NAMES, ChatEvent::NAMES]);
        let all =
            [RunEvent::NAMES, NetEvent::NAMES].into_iter().chain(core).chain(server).chain([AppEvent::NAMES]);
        all.flatten().copied()
    }

    /// `category:event`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Core(_, event) => event.name(),
            Self::Chat(event) => event.name(),
            Self::Transfer(event) => event.name(),
            Self::Net(event) => event.name(),
            Self::App(event) => event.name(),
            Self::Run(event) => event.name(),
        }
    }

    /// Shows `to` the name and the value of each field, in the table's order.
    #[inline]
    pub fn visit(&self, to: &mut impl Visitor) {
        match self {
            Self::Core(transfer, event) => {
                transfer.show("transfer", to);
                event.visit(to);
            }
            Self::Chat(event) => event.visit(to),
            Self::Transfer(event) => event.visit(to),
            Self::Net(event) => event.visit(to),
            Self::App(event) => event.visit(to),
            Self::Run(event) => event.visit(to),
        }
    }

    /// Takes one back whose name is known.
    pub(super) fn read(name: &str, from: &mut Fields<'_>) -> Result<Self, ReadError> {
        if let Some(event) = CoreEvent::read(name, from)? {
            return Ok(Self::Core(Field::read("transfer", from)?, event));
        }
        if let Some(event) = ChatEvent::read(name, from)? {
            return Ok(Self::Chat(event));
        }
        if let Some(event) = TransferEvent::read(name, from)? {
            return Ok(Self::Transfer(event));
        }
        if let Some(event) = NetEvent::read(name, from)? {
            return Ok(Self::Net(event));
        }
        if let Some(event) = AppEvent::read(name, from)? {
            return Ok(Self::App(event));
        }
        RunEvent::read(name, from)?.map(Self::Run).ok_or_else(|| from.unknown())
    }
}

impl From<trace::Record> for Event {
    fn from(record: trace::Record) -> Self {
        Self::Core(record.transfer, record.event)
    }
}

impl From<ServerEvent> for Event {
    fn from(event: ServerEvent) -> Self {
        match event {
            ServerEvent::Chat(event) => Self::Chat(event),
            ServerEvent::Transfer(event) => Self::Transfer(event),
        }
    }
}

/// Each kind of event is an event.
macro_rules! from {
    ($($kind:ident($type:ty)),+) => {
        $(impl From<$type> for Event {
            #[inline]
            fn from(event: $type) -> Self {
                Self::$kind(event)
            }
        })+
    };
}

from! { Chat(ChatEvent), Transfer(TransferEvent), Net(NetEvent), App(AppEvent), Run(RunEvent) }
