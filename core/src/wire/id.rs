//! The identifiers that travel: who is meant, who may, and which bytes.

use core::fmt;

use crate::hex::Hex;

macro_rules! bytes_id {
    ($(#[$doc:meta])* $name:ident, $length:literal, $shown:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub [u8; $length]);

        impl $name {
            /// Reads it from its hexadecimal digits, two a byte, in either case.
            pub fn parse(hex: &str) -> Option<Self> {
                hex.parse().ok().map(|Hex(bytes)| Self(bytes))
            }
        }

        impl fmt::Display for $name {
            /// Lower-case hexadecimal.
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&Hex(self.0), f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let show: fn(&Self, &mut fmt::Formatter<'_>) -> fmt::Result = $shown;
                show(self, f)
            }
        }
    };
}

/// One download, on both sides and in every packet of it. Unguessable, so that who does not see the packets
/// cannot take part.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TransferId(pub u64);

impl TransferId {
    /// Reads it from its 16 hexadecimal digits.
    pub fn parse(hex: &str) -> Option<Self> {
        hex.parse::<Hex<8>>().ok().map(|hex| Self(hex.into()))
    }
}

impl fmt::Display for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for TransferId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

bytes_id! {
    /// The right to one download: 128 bits that went over the chat's connection. Good for one SYN.
    Ticket, 16, |_, f| f.write_str("Ticket(..)")
}

bytes_id! {
    /// Which state of a file was opened: a digest of device, inode, size and times, made by the driver.
    FileVersion, 16, |it, f| fmt::Display::fmt(it, f)
}

bytes_id! {
    /// A BLAKE3 hash.
    Hash, 32, |it, f| fmt::Display::fmt(it, f)
}

impl Ticket {
    /// Compares without telling by its duration how many bytes were right.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).fold(0, |different, (a, b)| different | (a ^ b)) == 0
    }
}

impl Hash {
    /// The hash of no bytes at all, which every empty file has.
    pub fn of_nothing() -> Self {
        Self(*blake3::hash(&[]).as_bytes())
    }
}

/// 64 bits, fresh each time, that prove by coming back that their reader is where they were sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Nonce(pub u64);

impl fmt::Debug for Nonce {
    /// Prints nothing of it: who knows it can say that he is where it went.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Nonce(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_read_back_what_they_print() {
        let hash = Hash(core::array::from_fn(|i| (i * 37) as u8));
        assert_eq!(Hash::parse(&hash.to_string()), Some(hash));
        assert_eq!(Hash::parse(&hash.to_string().to_uppercase()), Some(hash));
        assert_eq!(Hash::parse("00"), None);
        assert_eq!(Ticket::parse(&"zz".repeat(16)), None);
        assert_eq!(TransferId::parse("00000000000000ff"), Some(TransferId(255)));
        assert_eq!(TransferId::parse("+0000000000000ff"), None);
        assert_eq!(TransferId::parse("ff"), None);
    }

    #[test]
    fn tickets_and_nonces_are_not_printed_into_logs() {
        assert_eq!(format!("{:?}", Ticket([7; 16])), "Ticket(..)");
        assert_eq!(format!("{:?}", Nonce(7)), "Nonce(..)");
    }
}
