//! Who is here, as far as the frames have told: `to NICK TEXT` is a private message only when NICK is.
//!
//! Not the server's roster: between a join and the notice of it this one is behind, which is what a person sees too.

use std::collections::{BTreeMap, VecDeque};

use backchat_core::chat::{NameEntry, Nickname, NicknameKey, RequestId, ServerFrame};

use super::input::Presence;

/// Nicknames of people who have gone that are remembered: nobody writes to more of them.
const MAX_GONE: usize = 1000;

/// Nicknames as they are written, by what they are compared by.
type Names = BTreeMap<NicknameKey, Nickname>;

/// Nicknames that are remembered: ten times as many as a server lets in unless it is told to. Those above are heard, and
/// not listed.
pub(crate) const MAX_NAMES: usize = 100_000;

/// Who is here.
#[derive(Debug, Default)]
pub struct Roster {
    here: Names,
    /// The request whose answer makes the roster, and the pages of it that came.
    asked: Option<(RequestId, Names)>,
    is_complete: bool,
    /// The list was refused: nobody can say who is here.
    is_refused: bool,
    /// Who was here, the last to go at the end.
    gone: VecDeque<NicknameKey>,
}

impl Roster {
    /// Nothing is known any more: the connection is gone.
    pub fn forget(&mut self) {
        let here = std::mem::take(&mut self.here);
        here.into_keys().take(MAX_GONE).for_each(|nick| self.went(nick));
        *self = Self { gone: std::mem::take(&mut self.gone), ..Self::default() };
    }

    /// What is known of somebody of this name, in capitals or not.
    pub fn presence(&self, nick: &str) -> Presence {
        let Ok(nick) = Nickname::parse(nick) else { return Presence::Stranger };
        match nick.key() {
            nick if self.here.contains_key(&nick) => Presence::Here,
            _ if !self.is_complete || self.is_refused => Presence::Unknown,
            nick if self.gone.contains(&nick) => Presence::Gone,
            _ => Presence::Stranger,
        }
    }

    fn went(&mut self, nick: NicknameKey) {
        self.gone.retain(|gone| *gone != nick);
        if self.gone.len() == MAX_GONE {
            self.gone.pop_front();
        }
        self.gone.push_back(nick);
    }

    /// The whole list was asked for.
    pub fn asked(&mut self, id: RequestId) {
        self.asked = Some((id, Names::new()));
    }

    /// Whether the list has come, as a whole.
    pub fn is_complete(&self) -> bool {
        self.is_complete
    }

    /// Whether somebody of this name is here, in capitals or not.
    pub fn has(&self, nick: &str) -> bool {
        Nickname::parse(nick).is_ok_and(|nick| self.here.contains_key(&nick.key()))
    }

    /// Those who are here, in order of their names.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Nickname> {
        self.here.values()
    }

    /// Learns from a frame.
    pub fn on_frame(&mut self, frame: &ServerFrame) {
        match frame {
            ServerFrame::Joined { nick } => self.insert(nick),
            ServerFrame::Left { nick, .. } => self.remove(nick),
            ServerFrame::Renamed { from, to, .. } => {
                self.remove(from);
                self.insert(to);
            }
            ServerFrame::Names { id: Some(id), names, more } => self.on_page(id, names, *more),
            // The list was refused. Without one nobody can be told by `to`, but the chat goes on.
            ServerFrame::Error(error) if self.asked.as_ref().map(|(id, _)| id) == error.id.as_ref() => {
                let was_asked = self.asked.take().is_some();
                self.is_refused |= was_asked && !self.is_complete;
                self.is_complete |= was_asked;
            }
            _ => {}
        }
    }

    fn on_page(&mut self, id: &RequestId, names: &[NameEntry], more: bool) {
        let Some((asked, pages)) = self.asked.as_mut().filter(|(asked, _)| asked == id) else {
            return;
        };
        debug_assert_eq!(asked, id);
        let left = MAX_NAMES.saturating_sub(pages.len());
        pages.extend(names.iter().take(left).map(|entry| (entry.nick.key(), entry.nick.clone())));
        if !more || pages.len() >= MAX_NAMES {
            self.here = self.asked.take().map(|(_, pages)| pages).unwrap_or_default();
            (self.is_complete, self.is_refused) = (true, false);
        }
    }

    fn insert(&mut self, nick: &Nickname) {
        // Who comes or goes while the pages come may stand in one that is past.
        for names in [Some(&mut self.here), self.asked.as_mut().map(|(_, pages)| pages)].into_iter().flatten()
        {
            if names.len() < MAX_NAMES {
                names.insert(nick.key(), nick.clone());
            }
        }
    }

    fn remove(&mut self, nick: &Nickname) {
        self.here.remove(&nick.key());
        self.went(nick.key());
        if let Some((_, pages)) = &mut self.asked {
            pages.remove(&nick.key());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(json: &str) -> ServerFrame {
        ServerFrame::decode(json.as_bytes()).expect(json)
    }

    #[test]
    fn the_list_and_the_notices_make_the_roster() {
        let mut roster = Roster::default();
        assert!(!roster.is_complete() && !roster.has("ann"));
        roster.asked(RequestId::Number(1));
        roster.on_frame(&frame(r#"{"type":"names","id":9,"names":[{"nick":"eve"}],"more":false}"#));
        roster.on_frame(&frame(
            r#"{"type":"names","id":1,"names":[{"nick":"ann"},{"nick":"bob"}],"more":true}"#,
        ));
        roster.on_frame(&frame(r#"{"type":"left","nick":"ann","reason":""}"#));
        roster.on_frame(&frame(r#"{"type":"joined","nick":"aaron"}"#));
        assert!(!roster.is_complete());
        roster.on_frame(&frame(r#"{"type":"names","id":1,"names":[{"nick":"carol"}],"more":false}"#));
        assert!(roster.is_complete());
        let here = |roster: &Roster| {
            ["aaron", "ann", "BOB", "carol", "eve", "no such nick"].map(|nick| roster.has(nick))
        };
        assert_eq!(here(&roster), [true, false, true, true, false, false]);
        roster.on_frame(&frame(r#"{"type":"renamed","from":"bob","to":"eve"}"#));
        assert_eq!(here(&roster), [true, false, false, true, true, false]);
        let known =
            |roster: &Roster| ["eve", "Ann", "bob", "zoe", "no such nick"].map(|nick| roster.presence(nick));
        use Presence::{Gone, Here, Stranger, Unknown};
        assert_eq!(known(&roster), [Here, Gone, Gone, Stranger, Stranger]);
        roster.forget();
        assert_eq!(here(&roster), [false; 6]);
        assert_eq!(known(&roster), [Unknown, Unknown, Unknown, Unknown, Stranger]);
        assert!(!roster.is_complete());
    }

    #[test]
    fn a_refused_list_does_not_hold_the_chat_up() {
        let mut roster = Roster::default();
        roster.on_frame(&frame(r#"{"type":"error","code":"busy","message":"later"}"#));
        assert!(!roster.is_complete());
        roster.asked(RequestId::Number(1));
        roster.on_frame(&frame(r#"{"type":"error","id":1,"code":"busy","message":"later"}"#));
        assert!(roster.is_complete());
        assert_eq!(roster.presence("bob"), Presence::Unknown);
    }

    #[test]
    fn a_roster_has_an_end() {
        let mut roster = Roster::default();
        roster.asked(RequestId::Number(1));
        for page in 0..=MAX_NAMES / 1000 {
            let names: Vec<String> = (0..1000).map(|n| format!(r#"{{"nick":"n{page}-{n}"}}"#)).collect();
            roster.on_frame(&frame(&format!(
                r#"{{"type":"names","id":1,"names":[{}],"more":true}}"#,
                names.join(",")
            )));
        }
        assert!(roster.is_complete());
        assert_eq!(roster.iter().len(), MAX_NAMES);
        roster.on_frame(&frame(r#"{"type":"joined","nick":"one-more"}"#));
        assert_eq!(roster.iter().len(), MAX_NAMES);
    }
}
