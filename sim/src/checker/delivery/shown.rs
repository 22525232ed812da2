//! The messages of one life of the server, and what was shown of each: to everybody the same.

use core::fmt;

use crate::checker::Wrong;
use crate::trace::{Name, Node};

/// Messages, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Messages {
    all: Vec<Message>,
}

#[derive(Debug)]
struct Message {
    number: u64,
    /// What the first one who saw it saw.
    shown: Option<(Node, Content)>,
}

/// Who said what to whom, as a record has it; to all, if to nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said<'a> {
    pub(super) from: &'a Name,
    pub(super) to: Option<&'a Name>,
    pub(super) text: &'a Name,
}

/// The same, to be kept.
#[derive(Clone, Debug)]
struct Content {
    from: Name,
    to: Option<Name>,
    text: Name,
}

impl Content {
    const fn said(&self) -> Said<'_> {
        Said { from: &self.from, to: self.to.as_ref(), text: &self.text }
    }
}

impl From<Said<'_>> for Content {
    fn from(said: Said<'_>) -> Self {
        Self { from: said.from.clone(), to: said.to.cloned(), text: said.text.clone() }
    }
}

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to {
            None => write!(f, "{}: {}", self.from, self.text),
            Some(to) => write!(f, "{} to {to}: {}", self.from, self.text),
        }
    }
}

/// A number that was given before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct GivenTwice;

impl Messages {
    /// The server took a message.
    pub(super) fn take(&mut self, number: u64) -> Result<(), GivenTwice> {
        let new = Message { number, shown: None };
        match self.place(number) {
            Ok(place) => {
                self.all[place] = new;
                Err(GivenTwice)
            }
            Err(place) => {
                self.all.insert(place, new);
                Ok(())
            }
        }
    }

    /// Somebody was shown a message.
    pub(super) fn show(&mut self, name: Node, number: u64, said: Said<'_>) -> Result<(), Wrong> {
        let Ok(place) = self.place(number) else {
            let said = format!("{name} was shown message {number}, which was never taken");
            return Err(("shown_and_never_taken", said));
        };
        match &self.all[place].shown {
            None => self.all[place].shown = Some((name, said.into())),
            Some((other, theirs)) if theirs.said() != said => {
                let (here, there) = (said.to_string(), theirs.said().to_string());
                let said = format!("{name} was shown message {number} as {here:?}, {other} as {there:?}");
                return Err(("shown_differently", said));
            }
            Some(_) => {}
        }
        Ok(())
    }

    /// Where a number is, or would be. The server gives one after the other, so it is most often as far behind the first
    /// as it is greater.
    fn place(&self, number: u64) -> Result<usize, usize> {
        let first = self.all.first().map_or(number, |first| first.number);
        let guess = usize::try_from(number.wrapping_sub(first)).unwrap_or(usize::MAX);
        match self.all.get(guess) {
            Some(it) if it.number == number => Ok(guess),
            _ => self.all.binary_search_by_key(&number, |it| it.number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_found_whatever_its_number() {
        let mut messages = Messages::default();
        let numbers = [7, 8, 9, 12, 11, u64::MAX, 3, 0];
        for number in numbers {
            assert_eq!(messages.take(number), Ok(()), "{number}");
        }
        let ann = Node::new("ann");
        let texts: Vec<Name> = numbers.iter().map(|number| number.to_string().into()).collect();
        for text in [&texts[..], &texts[..]].concat() {
            let (from, to) = (&Name::of("ann"), None);
            let number = text.parse().unwrap();
            assert_eq!(messages.show(ann, number, Said { from, to, text: &text }), Ok(()), "{number}");
            assert_eq!(
                messages.show(ann, number, Said { from, to, text: from }).unwrap_err().0,
                "shown_differently"
            );
        }
        for number in [1, 6, 10, 13, u64::MAX - 1] {
            let (from, text) = (&Name::of("ann"), &Name::of("text"));
            let shown = messages.show(ann, number, Said { from, to: None, text });
            assert_eq!(shown.unwrap_err().0, "shown_and_never_taken", "{number}");
        }
        assert_eq!(messages.take(12), Err(GivenTwice));
    }
}
