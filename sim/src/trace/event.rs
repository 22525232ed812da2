//! Every event of a trace, as a table: its name, its fields, and what they mean.
//!
//! Names are `category:event` after the manner of qlog (draft-ietf-quic-qlog-main-schema). Each category has a file in
//! `event/` with its part of the table; one hands what it has to the next, and `events` makes everything of the whole.
//! Ranges of bytes are `start` and `end`, half open.

#[macro_use]
mod app;
#[macro_use]
mod chat;
#[macro_use]
mod net;
#[macro_use]
mod path;
#[macro_use]
mod recovery;
#[macro_use]
mod sim;
#[macro_use]
mod transfer;

#[cfg(test)]
mod tests;

use core::time::Duration;

use backchat_core::time::Instant;
use backchat_core::wire::{Hash, TransferId};

use super::recorded::{Fields, ReadError};
use super::value::{Added, Field, Value};
use super::{Datagram, Name};

/// Who looks at the fields of an event.
pub trait Visitor {
    /// The next field.
    fn field(&mut self, name: &'static str, value: Value<'_>);
}

impl<F: FnMut(&'static str, Value<'_>)> Visitor for F {
    fn field(&mut self, name: &'static str, value: Value<'_>) {
        self(name, value);
    }
}

macro_rules! events {
    ([] $($(#[doc = $doc:literal])+ $variant:ident = $name:literal {
        $($(#[doc = $field_doc:literal])+ $field:ident: $type:ty,)*
    })+) => {
        /// What happened. See the module.
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub enum Event {
            $($(#[doc = $doc])+ $variant {
                $($(#[doc = $field_doc])+ $field: $type,)*
            },)+
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

            /// What stands for its name in the hash.
            #[inline]
            pub(super) const fn code(&self) -> u32 {
                match self {
                    $(Self::$variant { .. } => const { code($name) },)+
                }
            }

            /// Shows `visitor` the name and the value of each field, in the table's order.
            #[inline]
            pub fn visit(&self, visitor: &mut impl Visitor) {
                match self {
                    $(Self::$variant { $($field,)* } => {
                        $(visitor.field(stringify!($field), $field.value());)*
                    })+
                }
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

sim! { [net transfer recovery path chat app events] }

impl Event {
    /// A datagram that was offered and acknowledges nothing.
    pub const fn offered(ordinal: u64, length: u64, what: Datagram) -> Self {
        let (ack, limit, paused) = (Added(None), Added(None), Added(None));
        Self::Offered { ordinal, length, what, ack, limit, paused }
    }
}

/// FNV-1a (Fowler, Noll and Vo) of a name: an event keeps its code when others come or go.
const fn code(name: &str) -> u32 {
    let mut hash: u32 = 0x811c_9dc5;
    let mut rest = name.as_bytes();
    while let [byte, more @ ..] = rest {
        hash = (hash ^ *byte as u32).wrapping_mul(0x0100_0193);
        rest = more;
    }
    hash
}

/// Numbers of injected datagrams are above this, so that none is taken for one that was offered.
pub const INJECTED: u64 = 1 << 48;
