//! What one client's user wants, and when: the scenario's steps, as a machine that any engine can ask.
//!
//! It outlives the client. What was due while the client was down is wanted as soon as it runs again, and a download
//! that was cut off is wanted once more, under the same number.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use backchat_core::time::Instant;

use crate::scenario::{Action, ClientStep};

/// Something that a user wanted, counted from 1 for each client.
pub type Wish = u64;

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// This, now.
    Do(Wish, Arc<Action>),
    /// Nothing before then.
    At(Instant),
    /// Nothing, unless something that is under way ends.
    Nothing,
}

/// One step, with what is left of it.
#[derive(Clone, Debug)]
struct Lane {
    action: Arc<Action>,
    /// When it is due; `None`: when what it waits for has ended.
    due: Option<Instant>,
    /// How often it is still to be done.
    left: u32,
}

/// A wish that has not ended.
#[derive(Clone, Debug)]
struct Open {
    lane: usize,
    action: Arc<Action>,
}

/// Whether the user is in the chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Here,
    /// Left, until the next `join`.
    Away,
}

/// See the module.
#[derive(Clone, Debug)]
pub struct Script {
    lanes: Vec<Lane>,
    /// Lanes that are due at a known time, the next one first.
    due: BTreeMap<(Instant, usize), ()>,
    open: BTreeMap<Wish, Open>,
    /// To be wanted again: they were cut off.
    again: VecDeque<Wish>,
    last: Wish,
    presence: Presence,
}

impl Script {
    /// The steps of one client, by time.
    pub fn new<'a>(steps: impl IntoIterator<Item = &'a ClientStep>) -> Self {
        let lane = |step: &ClientStep| Lane {
            action: Arc::clone(&step.action),
            due: Some(step.at),
            left: step.times.max(1),
        };
        let lanes: Vec<Lane> = steps.into_iter().map(lane).collect();
        let due = lanes.iter().enumerate().filter_map(|(index, lane)| Some(((lane.due?, index), ())));
        Self {
            due: due.collect(),
            lanes,
            open: BTreeMap::new(),
            again: VecDeque::new(),
            last: 0,
            presence: Presence::Here,
        }
    }

    /// What the user of a client that runs wants now. What was answered with [`Next::Do`] is under way until
    /// [`Script::over`].
    pub fn next(&mut self, now: Instant) -> Next {
        if let Some(wish) = self.again.pop_front()
            && let Some(open) = self.open.get(&wish)
        {
            return Next::Do(wish, Arc::clone(&open.action));
        }
        let Some((&(at, lane), ())) = self.due.first_key_value() else { return Next::Nothing };
        if at > now {
            return Next::At(at);
        }
        self.due.remove(&(at, lane));
        let Some(it) = self.lanes.get_mut(lane) else { return Next::Nothing };
        it.due = None;
        it.left -= 1;
        let action = Arc::clone(&it.action);
        if *action == Action::Leave {
            self.presence = Presence::Away;
        }
        self.last += 1;
        self.open.insert(self.last, Open { lane, action: Arc::clone(&action) });
        Next::Do(self.last, action)
    }

    /// A wish has ended, whichever way.
    pub fn over(&mut self, wish: Wish, now: Instant) {
        let Some(open) = self.open.remove(&wish) else { return };
        if let Some(lane) = self.lanes.get_mut(open.lane)
            && lane.left > 0
        {
            lane.due = Some(now);
            self.due.insert((now, open.lane), ());
        }
    }

    /// What a wish was.
    pub fn action(&self, wish: Wish) -> Option<&Arc<Action>> {
        self.open.get(&wish).map(|open| &open.action)
    }

    /// The client was killed: downloads are wanted again, the rest is lost. Answers what is lost.
    pub fn killed(&mut self, now: Instant) -> Vec<Wish> {
        let is_get = |open: &Open| matches!(*open.action, Action::Get(_));
        self.again = self.open.iter().filter(|(_, open)| is_get(open)).map(|(wish, _)| *wish).collect();
        let lost: Vec<Wish> =
            self.open.iter().filter(|(_, open)| !is_get(open)).map(|(wish, _)| *wish).collect();
        for wish in &lost {
            self.over(*wish, now);
        }
        lost
    }

    /// When a user who has left joins again: steps until then are passed over. `None`: never.
    pub fn rejoins_at(&self) -> Option<Instant> {
        let joins = self.due.keys().filter(|(_, lane)| self.lane_is(*lane, &Action::Join));
        joins.map(|(at, _)| *at).next()
    }

    /// The user who had left joins again.
    pub fn rejoin(&mut self, now: Instant) {
        self.presence = Presence::Here;
        let join = self.due.keys().find(|(at, lane)| *at <= now && self.lane_is(*lane, &Action::Join));
        if let Some(join) = join.copied() {
            self.due.remove(&join);
            if let Some(lane) = self.lanes.get_mut(join.1) {
                lane.due = None;
                lane.left = 0;
            }
        }
    }

    fn lane_is(&self, lane: usize, action: &Action) -> bool {
        self.lanes.get(lane).is_some_and(|lane| *lane.action == *action)
    }

    /// Whether the user has left and not joined again.
    pub fn is_away(&self) -> bool {
        self.presence == Presence::Away
    }

    /// Whether nothing more is wanted and nothing is under way. Who has left for good wants nothing.
    pub fn is_done(&self) -> bool {
        let wants_nothing = self.due.is_empty() || (self.is_away() && self.rejoins_at().is_none());
        wants_nothing && self.open.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use backchat_core::chat::FileName;

    use super::*;
    use crate::scenario::ClientId;

    fn at(millis: u64) -> Instant {
        Instant::from_millis(millis)
    }

    fn step(millis: u64, action: Action, times: u32) -> ClientStep {
        ClientStep { at: at(millis), client: ClientId(0), action: Arc::new(action), times }
    }

    fn get() -> Action {
        Action::Get(FileName::parse("a").unwrap())
    }

    #[test]
    fn steps_are_wanted_at_their_times() {
        let mut script = Script::new(&[step(5, Action::Names, 1), step(9, get(), 1)]);
        assert_eq!(script.next(at(0)), Next::At(at(5)));
        assert_eq!(script.next(at(5)), Next::Do(1, Arc::new(Action::Names)));
        assert_eq!(script.next(at(20)), Next::Do(2, Arc::new(get())));
        assert_eq!(script.next(at(20)), Next::Nothing);
        assert!(!script.is_done());
        script.over(1, at(20));
        script.over(2, at(20));
        assert!(script.is_done());
    }

    #[test]
    fn a_repeated_step_waits_for_the_end_of_the_one_before() {
        let mut script = Script::new(&[step(0, get(), 3)]);
        for wish in 1..=3 {
            assert_eq!(script.next(at(10 * wish)), Next::Do(wish, Arc::new(get())));
            assert_eq!(script.next(at(10 * wish)), Next::Nothing);
            script.over(wish, at(10 * wish + 5));
        }
        assert!(script.is_done());
    }

    #[test]
    fn who_is_killed_wants_the_same_downloads_again_and_what_was_missed() {
        let mut script =
            Script::new(&[step(0, get(), 1), step(0, Action::Names, 1), step(5, Action::Files, 1)]);
        script.next(at(0));
        script.next(at(0));
        assert_eq!(script.killed(at(3)), [2]);
        assert_eq!(script.next(at(9)), Next::Do(1, Arc::new(get())));
        assert_eq!(script.next(at(9)), Next::Do(3, Arc::new(Action::Files)));
    }

    #[test]
    fn who_leaves_for_good_wants_nothing_more() {
        let mut script = Script::new(&[step(0, Action::Leave, 1), step(5, Action::Names, 1)]);
        assert_eq!(script.next(at(0)), Next::Do(1, Arc::new(Action::Leave)));
        script.over(1, at(1));
        assert!(script.is_away() && script.is_done());
    }

    #[test]
    fn who_joins_again_goes_on_with_the_steps() {
        let steps = [step(0, Action::Leave, 1), step(5, Action::Join, 1), step(7, Action::Names, 1)];
        let mut script = Script::new(&steps);
        script.next(at(0));
        script.over(1, at(1));
        assert_eq!(script.rejoins_at(), Some(at(5)));
        script.rejoin(at(5));
        assert!(!script.is_away() && !script.is_done());
        assert_eq!(script.next(at(7)), Next::Do(2, Arc::new(Action::Names)));
    }
}
