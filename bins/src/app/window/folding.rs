//! Who came and went, in one line for as long as nobody says anything between: those who only look in, or say one thing
//! from a script, would fill the screen.

use backchat_core::chat::{Nickname, ServerFrame};

/// Nicknames of a kind that are named; the others are counted.
const MAX_NAMED: usize = 8;

/// Most people of a line; whoever comes next begins another.
const MAX_PEOPLE: usize = 1000;

/// What somebody did since the line began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Did {
    Came,
    Went,
    CameAndWent,
    WentAndCame,
}

/// Those who came and went, in the order in which they first did.
#[derive(Clone, Debug, Default)]
pub(super) struct Folded {
    people: Vec<(Nickname, Did)>,
}

impl Folded {
    /// Takes in what a frame says; `false` where it is not about coming and going, or does not fit.
    pub(super) fn take(&mut self, frame: &ServerFrame) -> bool {
        let (nick, comes) = match frame {
            ServerFrame::Joined { nick } => (nick, true),
            ServerFrame::Left { nick, .. } => (nick, false),
            _ => return false,
        };
        let is_full = self.people.len() == MAX_PEOPLE;
        match self.people.iter_mut().find(|(known, _)| known.key() == nick.key()) {
            Some((_, did)) => {
                *did = match (*did, comes) {
                    (Did::Came | Did::CameAndWent, true) => Did::Came,
                    (Did::Came | Did::CameAndWent, false) => Did::CameAndWent,
                    (Did::Went | Did::WentAndCame, true) => Did::WentAndCame,
                    (Did::Went | Did::WentAndCame, false) => Did::Went,
                };
            }
            None if is_full => return false,
            None => self.people.push((nick.clone(), if comes { Did::Came } else { Did::Went })),
        }
        true
    }

    /// All of it in words; `None` while it is one event, which has better ones.
    pub(super) fn words(&self) -> Option<String> {
        if let [(_, Did::Came | Did::Went)] = self.people.as_slice() {
            return None;
        }
        let kinds = [
            (Did::Came, "joined"),
            (Did::Went, "left"),
            (Did::CameAndWent, "came and went"),
            (Did::WentAndCame, "left and came back"),
        ];
        let parts = kinds.into_iter().filter_map(|(kind, words)| {
            let all = || self.people.iter().filter(move |(_, did)| *did == kind);
            let named: Vec<&str> = all().take(MAX_NAMED).map(|(nick, _)| nick.as_str()).collect();
            let others = match all().count() - named.len() {
                0 => String::new(),
                count => format!(" and {count} more"),
            };
            (!named.is_empty()).then(|| format!("{}{others} {words}", named.join(", ")))
        });
        Some(parts.collect::<Vec<_>>().join(" · "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folded(events: &[&str]) -> Folded {
        let mut folded = Folded::default();
        for event in events {
            let nick = Nickname::parse(&event[1..]).expect("a nickname");
            let frame = match event.starts_with('+') {
                true => ServerFrame::Joined { nick },
                false => ServerFrame::Left { nick, reason: "left".into() },
            };
            assert!(folded.take(&frame));
        }
        folded
    }

    #[test]
    fn people_stand_once_whatever_they_did() {
        for (events, words) in [
            (&["+bob"][..], None),
            (&["+bob", "+carol"], Some("bob, carol joined")),
            (&["+bob", "-bob"], Some("bob came and went")),
            (&["+bob", "-bob", "+BOB", "-eve"], Some("bob joined · eve left")),
            (&["-eve", "+eve", "+dan", "-dan"], Some("dan came and went · eve left and came back")),
            (&["-eve", "+eve", "-eve"], None),
        ] {
            assert_eq!(folded(events).words().as_deref(), words, "{events:?}");
        }
        let crowd: Vec<String> = (0..20).map(|number| format!("+n{number}")).collect();
        let crowd: Vec<&str> = crowd.iter().map(String::as_str).collect();
        assert_eq!(
            folded(&crowd).words().as_deref(),
            Some("n0, n1, n2, n3, n4, n5, n6, n7 and 12 more joined")
        );
    }

    #[test]
    fn a_line_holds_so_many_people_and_nothing_else() {
        let mut folded = Folded::default();
        for number in 0..MAX_PEOPLE {
            let nick = Nickname::parse(&format!("n{number}")).expect("a nickname");
            assert!(folded.take(&ServerFrame::Joined { nick }));
        }
        let nick = Nickname::parse("bob").expect("a nickname");
        assert!(!folded.take(&ServerFrame::Joined { nick }));
        assert!(!folded.take(&ServerFrame::Ping));
    }
}
