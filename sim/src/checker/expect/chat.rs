//! A scenario's expectations of the chat: messages that are shown, and requests that are refused.

use std::collections::{BTreeMap, BTreeSet};

use backchat_core::chat::Nickname;
use backchat_core::text::visible;
use backchat_core::time::Instant;

use super::{NAME, Violations};
use crate::scenario::{Message, Refusal, Scenario, Times};
use crate::summary::Summary;
use crate::trace::{AppEvent, Event, Name, Node, Record, Sink};

/// Counts the messages that a scenario expects. Of a scenario that expects none it costs nothing.
#[derive(Debug, Default)]
pub struct Messages(Vec<Counted>);

#[derive(Debug)]
struct Counted {
    expected: Message,
    clients: BTreeSet<String>,
    from: Option<BTreeSet<String>>,
    /// Number of times each of the clients was shown one.
    shown: BTreeMap<Node, u64>,
    /// Where and when one was shown first.
    first: Option<(Node, Instant)>,
}

impl Messages {
    /// None was shown.
    pub fn new(scenario: &Scenario) -> Self {
        let counted = |expected: &Message| Counted {
            clients: names(scenario, &expected.client),
            from: expected.from.as_ref().map(|from| names(scenario, from)),
            expected: expected.clone(),
            shown: BTreeMap::new(),
            first: None,
        };
        Self(scenario.file().expect.messages.iter().map(counted).collect())
    }

    pub(super) fn check(&self, end: Instant, found: &mut Violations) {
        for it in &self.0 {
            it.check(end, found);
        }
    }
}

impl Sink for Messages {
    #[inline(always)]
    fn record(&mut self, record: &Record) {
        if self.0.is_empty() {
            return;
        }
        let (from, text, private) = match &record.event {
            Event::App(AppEvent::Message { from, text, .. }) => (from, text, false),
            Event::App(AppEvent::Private { from, text, .. }) => (from, text, true),
            _ => return,
        };
        for it in &mut self.0 {
            it.see(record, from, text, private);
        }
    }
}

impl Counted {
    fn see(&mut self, record: &Record, from: &Name, text: &Name, private: bool) {
        let Message { text: wanted, private: kind, .. } = &self.expected;
        let is_meant = self.clients.contains(record.node.as_str())
            && kind.is_none_or(|kind| kind == private)
            && wanted.as_ref().is_none_or(|wanted| wanted == text.as_str())
            && self.from.as_ref().is_none_or(|all| all.contains(from.as_str()));
        if is_meant {
            *self.shown.entry(record.node).or_default() += 1;
            self.first.get_or_insert((record.node, record.at));
        }
    }

    /// `a private message of alice, "psst"`.
    fn what(&self) -> String {
        let Message { from, text, private, .. } = &self.expected;
        let kind = match private {
            None => "a message",
            Some(true) => "a private message",
            Some(false) => "a message to all",
        };
        let from = from.as_ref().map_or_else(String::new, |from| format!(" of {from}"));
        let text = text.as_ref().map_or_else(String::new, |text| format!(", \"{}\"", visible(text)));
        format!("{kind}{from}{text}")
    }

    fn check(&self, end: Instant, found: &mut Violations) {
        let (client, what) = (&self.expected.client, self.what());
        match self.expected.times {
            Times::Never => {
                if let Some((node, at)) = self.first {
                    let said = format!("{node} was shown {what}, expected never");
                    found.add(NAME, at, &node, ("shown", said));
                }
            }
            Times::AtLeast(count) => {
                let shown: u64 = self.shown.values().sum();
                if shown < u64::from(count) {
                    let said = format!("{client} was shown {what} {shown} times, expected {count}");
                    found.add(NAME, end, client.as_str(), ("not_shown", said));
                }
            }
            Times::Each => {
                let without = self.clients.iter().filter(|it| !self.shown.keys().any(|node| *node == ***it));
                for client in without {
                    found.add(NAME, end, client, ("not_shown", format!("{client} was never shown {what}")));
                }
            }
        }
    }
}

/// Holds the refusals that a scenario expects against those that there were.
pub(super) fn check_refusals(scenario: &Scenario, summary: &Summary, end: Instant, found: &mut Violations) {
    let expect = &scenario.file().expect;
    for expected in &expect.refusals {
        check_refusal(scenario, expected, summary, end, found);
    }
    let refused: u64 = summary.refusals().map(|it| it.count).sum();
    if let Some(most) = expect.refused_at_most.filter(|most| refused > *most) {
        let last = summary.refusals().map(|it| it.first).min().unwrap_or(end);
        let said: Vec<String> = summary.refusals().take(3).map(ToString::to_string).collect();
        let said = format!("{refused} requests were refused, expected at most {most}: {}", said.join("; "));
        found.add(NAME, last, "sim", ("refused_too_much", said));
    }
}

fn check_refusal(
    scenario: &Scenario,
    expected: &Refusal,
    summary: &Summary,
    end: Instant,
    found: &mut Violations,
) {
    let clients = names(scenario, &expected.client);
    let meant = summary.refusals().filter(|it| {
        clients.contains(it.client.as_str())
            && it.what == expected.what
            && expected.code.as_ref().is_none_or(|code| it.code == *code)
    });
    let meant: Vec<_> = meant.collect();
    let (client, what) = (&expected.client, expected.what.name());
    let with = expected.code.as_ref().map_or_else(String::new, |code| format!(" with {}", code.name()));
    let count: u64 = meant.iter().map(|it| it.count).sum();
    match expected.times {
        Times::Never => {
            if let Some(first) = meant.first() {
                let said = format!("{}'s {what} was refused{with}, expected never", first.client);
                found.add(NAME, first.first, &first.client, ("refused", said));
            }
        }
        Times::AtLeast(least) => {
            if count < u64::from(least) {
                let said = format!("{client}'s {what} was refused{with} {count} times, expected {least}");
                found.add(NAME, end, client.as_str(), ("not_refused", said));
            }
        }
        Times::Each => {
            let without = clients.iter().filter(|it| !meant.iter().any(|seen| *seen.client == ***it));
            for client in without {
                let said = format!("{client}'s {what} was never refused{with}");
                found.add(NAME, end, client, ("not_refused", said));
            }
        }
    }
}

/// The nicknames of those that a name means.
fn names(scenario: &Scenario, name: &Nickname) -> BTreeSet<String> {
    let members = scenario.clients().get(scenario.members(name)).unwrap_or_default();
    members.iter().map(|client| client.nick.as_str().to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use backchat_core::chat::ErrorCode;

    use super::*;
    use crate::checker::testing::at;
    use crate::scenario::ActionKind;
    use crate::trace::event::Answer;

    fn said(expect: &str, records: &[Record]) -> Vec<String> {
        let text = format!(
            "duration = \"60s\"\n[clients.ann]\n[clients.them]\ncount = 2\n\
             [[steps]]\nwho = \"ann\"\ndo = \"say\"\ntext = \"hello\"\n\
             [[steps]]\nwho = \"them\"\ndo = \"tell\"\nto = \"ann\"\ntext = \"psst\"\n[expect]\n{expect}\n"
        );
        let scenario = Scenario::parse(&text).unwrap();
        let (mut summary, mut messages) = (Summary::new(), Messages::new(&scenario));
        for record in records {
            summary.record(record);
            messages.record(record);
        }
        let found = super::super::check(&scenario, &summary, &messages, Instant::from_millis(60_000));
        found.into_iter().map(|it| it.message).collect()
    }

    fn hello(millis: u64, node: &str) -> Record {
        let (from, text) = (Name::of("ann"), Name::of("hello"));
        at(millis, node, AppEvent::Message { number: 1, from, text, backlog: false })
    }

    fn refused(client: &'static str, wish: u64) -> [Record; 2] {
        let asked = AppEvent::Asked { wish, what: ActionKind::Tell, detail: Some(Name::of("ann")) };
        let answered =
            AppEvent::Answered { wish, outcome: Answer::Error(ErrorCode::NoSuchNick), number: None };
        [at(1, client, asked), at(2, client, answered)]
    }

    #[test]
    fn messages_that_are_expected_are_shown_to_each() {
        let each = "messages = [{ client = \"them\", from = \"ann\", text = \"hello\", private = false }]";
        assert_eq!(said(each, &[hello(1, "them-1"), hello(1, "them-2")]), Vec::<String>::new());
        assert_eq!(
            said(each, &[hello(1, "them-1"), hello(1, "ann")]),
            ["them-2 was never shown a message to all of ann, \"hello\""]
        );
        let two = each.replace("private = false", "count = 2");
        assert_eq!(
            said(&two, &[hello(1, "them-1")]),
            ["them was shown a message of ann, \"hello\" 1 times, expected 2"]
        );
        let never =
            each.replace("client = \"them\"", "client = \"ann\"").replace("private = false", "never = true");
        assert_eq!(said(&never, &[hello(1, "them-1")]), Vec::<String>::new());
        assert_eq!(
            said(&never, &[hello(1, "ann")]),
            ["ann was shown a message of ann, \"hello\", expected never"]
        );
    }

    #[test]
    fn refusals_are_expected_by_client_request_and_code() {
        let each = "refusals = [{ client = \"them\", do = \"tell\", code = \"no-such-nick\" }]";
        let both: Vec<Record> = [refused("them-1", 1), refused("them-2", 1)].concat();
        assert_eq!(said(each, &both), Vec::<String>::new());
        assert_eq!(said(each, &both[..2]), ["them-2's tell was never refused with no-such-nick"]);
        let other = each.replace("no-such-nick", "too-fast");
        assert_eq!(said(&other, &both).len(), 2);
        assert_eq!(
            said("refused_at_most = 1", &both),
            ["2 requests were refused, expected at most 1: them-1: tell ann: no-such-nick; \
                 them-2: tell ann: no-such-nick"]
        );
        assert_eq!(
            said(&each.replace("code = \"no-such-nick\"", "never = true"), &both[..2]),
            ["them-1's tell was refused, expected never"]
        );
    }
}
