//! A scenario's expectations besides the rules that always hold: `[expect]`. [`chat`]: of messages and
//! refusals.

mod chat;

use backchat_core::time::Instant;

use super::{Violation, Violations, Wrong};
use crate::scenario::{Download as Expected, Scenario};
use crate::summary::{Download, Failed, Summary};

pub use chat::Messages;

/// The name of its violations.
pub const NAME: &str = "expect";

/// Holds what a scenario expects against what came of it.
pub fn check(scenario: &Scenario, summary: &Summary, messages: &Messages, end: Instant) -> Vec<Violation> {
    let mut found = Violations::default();
    let downloads = summary.downloads();
    let expect = &scenario.file().expect;
    for expected in &expect.downloads {
        check_downloads(scenario, expected, &downloads, end, &mut found);
    }
    let resent: u64 = downloads.iter().map(|it| it.served.segments_resent).sum();
    if let Some(most) = expect.resent_at_most.filter(|most| resent > *most) {
        let said = format!("{resent} segments were sent again, expected at most {most}");
        found.add(NAME, end, "sim", ("resent_too_much", said));
    }
    messages.check(end, &mut found);
    chat::check_refusals(scenario, summary, end, &mut found);
    found.into_vec()
}

fn check_downloads(
    scenario: &Scenario,
    expected: &Expected,
    downloads: &[Download],
    end: Instant,
    found: &mut Violations,
) {
    let members = scenario.clients().get(scenario.members(&expected.client)).unwrap_or_default();
    let is_meant = |it: &&Download| {
        it.file == *expected.file.as_str() && members.iter().any(|client| it.client == *client.nick.as_str())
    };
    let meant: Vec<&Download> = downloads.iter().filter(is_meant).collect();
    let wrong: Vec<(&Download, Wrong)> =
        meant.iter().filter_map(|it| wrong(expected, it).map(|wrong| (*it, wrong))).collect();
    let (client, file) = (&expected.client, &expected.file);
    match expected.count {
        None if meant.is_empty() => {
            found.add(
                NAME,
                end,
                client.as_str(),
                ("never_asked", format!("{client} never asked for {file}")),
            );
        }
        None => {
            for (it, (rule, wrong)) in wrong {
                let at = it.end.as_ref().map_or(end, |end| end.at);
                found.add(
                    NAME,
                    at,
                    &it.client,
                    (rule, format!("{}'s download of {file} {wrong}", it.client)),
                );
            }
        }
        Some(count) => {
            let right = meant.len() - wrong.len();
            if right < count as usize {
                let first = wrong.first().map_or_else(String::new, |(it, (_, wrong))| {
                    format!("; the first other, begun at {}, {wrong}", it.began)
                });
                let how = expected.failed.map_or("completed", |failed| failed.name());
                let said = format!(
                    "{right} of {client}'s {} downloads of {file} {how} in time, expected {count}{first}",
                    meant.len()
                );
                let rule = wrong.first().map_or("too_few", |(_, (rule, _))| *rule);
                found.add(NAME, end, client.as_str(), (rule, said));
            }
        }
    }
}

/// What is wrong with a download, as the end of a sentence.
fn wrong(expected: &Expected, it: &Download) -> Option<Wrong> {
    let Some(end) = &it.end else { return Some(("not_ended", "has not ended".to_owned())) };
    let expected_word = expected.failed.map_or("complete", |failed| failed.name());
    match (&end.failed, expected.failed) {
        (None, None) => {}
        (Some(Failed::Ended(reason)), Some(failed)) if *reason == failed => {}
        (None, Some(_)) => return Some(("complete", format!("is complete, expected {expected_word}"))),
        (Some(reason), _) => {
            let rule = match reason {
                Failed::Ended(reason) => reason.name(),
                Failed::NotTaken => "failed",
            };
            return Some((rule, format!("failed: {reason}, expected {expected_word}")));
        }
    }
    let took = end.at - it.began;
    if let Some(within) = expected.within.filter(|within| took > *within) {
        return Some(("too_late", format!("took {took:?}, expected at most {within:?}")));
    }
    if let Some(least) = expected.not_within.filter(|least| took <= *least) {
        return Some(("too_early", format!("took {took:?}, expected more than {least:?}")));
    }
    let resent = it.served.segments_resent;
    expected
        .resent_at_most
        .filter(|most| resent > *most)
        .map(|most| ("resent_too_much", format!("sent {resent} segments again, expected at most {most}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checker::testing::at;
    use crate::scenario::{ActionKind, Failure};
    use crate::trace::{AppEvent, Name, Record, Sink as _};

    fn scenario(expect: &str) -> Scenario {
        let text = format!(
            "duration = \"60s\"\n[server]\nfiles = [{{ name = \"f\", size = 10 }}]\n[clients.ann]\n\
             [[steps]]\nwho = \"ann\"\ndo = \"get\"\nfile = \"f\"\ntimes = 2\nafter = \"done\"\n[expect]\n{expect}\n"
        );
        Scenario::parse(&text).unwrap()
    }

    fn asked(millis: u64, wish: u64) -> Record {
        at(millis, "ann", AppEvent::Asked { wish, what: ActionKind::Get, detail: Some(Name::of("f")) })
    }

    fn finished(millis: u64, wish: u64) -> Record {
        let blake3 = Box::new(backchat_core::wire::Hash::of_nothing());
        let (file, size, differs_at, resumed_from) = (Name::of("f"), 10, None, 0);
        let (segments_received, duplicates) = (1, 0);
        at(
            millis,
            "ann",
            AppEvent::DownloadFinished {
                wish,
                file,
                size,
                blake3,
                differs_at,
                resumed_from,
                segments_received,
                duplicates,
            },
        )
    }

    fn failed(millis: u64, wish: u64) -> Record {
        let (file, reason, message) = (Name::of("f"), Failure::Lost, Name::of(""));
        at(millis, "ann", AppEvent::DownloadFailed { wish, file, reason, message, kept: 0 })
    }

    fn said(expect: &str, records: &[Record]) -> Vec<String> {
        let mut summary = Summary::new();
        records.iter().for_each(|record| summary.record(record));
        let scenario = scenario(expect);
        let found = check(&scenario, &summary, &Messages::new(&scenario), Instant::from_millis(60_000));
        found.into_iter().map(|it| it.message).collect()
    }

    const EXPECTED: &str = "downloads = [{ client = \"ann\", file = \"f\", within = \"2s\" }]";

    #[test]
    fn what_is_expected_and_comes_is_right() {
        let records = [asked(0, 1), finished(1_500, 1), asked(2_000, 2), finished(4_000, 2)];
        assert_eq!(said(EXPECTED, &records), Vec::<String>::new());
        let failing = "downloads = [{ client = \"ann\", file = \"f\", failed = \"lost\", count = 1 }]";
        assert_eq!(
            said(failing, &[asked(0, 1), failed(1, 1), asked(2, 2), finished(3, 2)]),
            Vec::<String>::new()
        );
    }

    #[test]
    fn what_does_not_come_is_said() {
        assert_eq!(said(EXPECTED, &[]), ["ann never asked for f"]);
        assert_eq!(said(EXPECTED, &[asked(0, 1)]), ["ann's download of f has not ended"]);
        assert_eq!(
            said(EXPECTED, &[asked(0, 1), finished(3_000, 1)]),
            ["ann's download of f took 3s, expected at most 2s"]
        );
        let later = "downloads = [{ client = \"ann\", file = \"f\", not_within = \"2s\" }]";
        assert_eq!(
            said(later, &[asked(0, 1), finished(2_000, 1), asked(3_000, 2), finished(5_001, 2)]),
            ["ann's download of f took 2s, expected more than 2s"]
        );
        assert_eq!(
            said(EXPECTED, &[asked(0, 1), failed(1, 1)]),
            ["ann's download of f failed: lost, expected complete"]
        );
        let two = "downloads = [{ client = \"ann\", file = \"f\", count = 2 }]";
        assert_eq!(
            said(two, &[asked(0, 1), finished(1, 1), asked(1, 2), failed(2, 2)]),
            [
                "1 of ann's 2 downloads of f completed in time, expected 2; the first other, begun at 0.001000000, \
              failed: lost, expected complete"
            ]
        );
    }
}
