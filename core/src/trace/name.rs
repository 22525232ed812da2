//! Values that have a word in traces.

/// Makes an enum whose values each have a word: `name()` gives it, `of()` finds the value again, `ALL` has every one in the
/// list's order.
#[macro_export]
macro_rules! named {
    ($(#[$doc:meta])* $visible:vis enum $type:ident {
        $($(#[$each:meta])* $value:ident = $name:literal,)+
    }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        $visible enum $type {
            $($(#[$each])* $value,)+
        }

        impl $type {
            /// Every one, in the order of the list.
            pub const ALL: &[Self] = &[$(Self::$value,)+];

            /// Its word.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $name,)+
                }
            }

            /// A number for its word, which stays when others come or go: for hashes.
            #[inline]
            pub const fn code(self) -> u32 {
                match self {
                    $(Self::$value => const { $crate::trace::code($name) },)+
                }
            }

            /// The one of that word.
            pub fn of(name: &str) -> Option<Self> {
                match name {
                    $($name => Some(Self::$value),)+
                    _ => None,
                }
            }
        }

        impl ::core::fmt::Display for $type {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                f.pad(self.name())
            }
        }
    };
}

/// FNV-1a (Fowler, Noll and Vo) of a word.
pub const fn code(name: &str) -> u32 {
    let mut hash: u32 = 0x811c_9dc5;
    let mut rest = name.as_bytes();
    while let [byte, more @ ..] = rest {
        hash = (hash ^ *byte as u32).wrapping_mul(0x0100_0193);
        rest = more;
    }
    hash
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::trace::{DropReason, LossCause, TransferEnd, TransferState, TransferTimer};

    /// What a word leads back to, and how many codes there are.
    macro_rules! holds {
        ($($type:ident),+) => {
            $(
                assert!($type::ALL.iter().all(|it| $type::of(it.name()) == Some(*it)));
                let codes: BTreeSet<u32> = $type::ALL.iter().map(|it| it.code()).collect();
                assert_eq!(codes.len(), $type::ALL.len(), stringify!($type));
            )+
        };
    }

    #[test]
    fn every_word_and_every_code_is_of_one_value() {
        holds!(DropReason, LossCause, TransferEnd, TransferState, TransferTimer);
    }
}
