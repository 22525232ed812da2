//! Fewer clients.

use std::collections::BTreeSet;

use backchat_core::chat::Nickname;

use super::{Case, Oracle, below, changed, is_member, pruned};
use crate::scenario::{Clients, Fault, FaultKind, File, Message, Node, Refusal, Step, Times};

/// A group of so many is spelt out, to find who of it is needed.
const SPELT_OUT: u32 = 16;

/// Without one of them, or a smaller group; a group that is small is spelt out.
pub(super) fn fewer(case: &Case, _: &Oracle<'_>) -> Vec<Case> {
    let mut candidates = Vec::new();
    for (name, group) in &case.base.clients {
        candidates.push(without(case, name));
        let Some(count) = group.count else { continue };
        for fewer in below(u64::from(count), 1) {
            let mut smaller = case.clone();
            let count = u32::try_from(fewer).ok();
            smaller.base.clients.insert(name.clone(), Clients { count, ..*group });
            candidates.push(consistent(smaller));
        }
        if count <= SPELT_OUT {
            let singles = spelt_out(case, name, count, group);
            // All of them apart is no smaller: one has to go. But a group of one is none.
            let gone = (1..=count).filter(|_| count > 1);
            let gone = gone.filter_map(|number| Some(without(&singles, &member(name, number)?)));
            candidates.extend(gone);
            if count == 1 {
                candidates.push(consistent(singles.clone()));
            }
        }
    }
    changed(case, candidates)
}

/// With one client, or a group, that takes part as any other does.
pub(super) fn plainer(case: &Case, _: &Oracle<'_>) -> Vec<Case> {
    with_one_plain(case)
}

fn with_one_plain(case: &Case) -> Vec<Case> {
    let with = |name: &Nickname, group: Clients| {
        let mut plain = case.clone();
        plain.base.clients.insert(name.clone(), group);
        plain
    };
    let plain = |(name, group): (&Nickname, &Clients)| {
        let usual = Clients::default();
        [
            with(name, Clients { nat: None, role: usual.role, reconnect: None, ..*group }),
            with(name, Clients { nat: None, ..*group }),
            with(name, Clients { role: usual.role, ..*group }),
            with(name, Clients { reconnect: None, ..*group }),
        ]
    };
    changed(case, case.base.clients.iter().flat_map(plain))
}

/// Without a client or a group, and without what it does and what is expected of it.
pub(in crate::shrink) fn without(case: &Case, name: &Nickname) -> Case {
    let mut without = case.clone();
    without.base.clients.remove(name);
    consistent(without)
}

fn member(group: &Nickname, number: u32) -> Option<Nickname> {
    Nickname::parse(&format!("{group}-{number}")).ok()
}

/// The same with a client for each of a group.
fn spelt_out(case: &Case, name: &Nickname, count: u32, group: &Clients) -> Case {
    let members: Vec<Nickname> = (1..=count).filter_map(|number| member(name, number)).collect();
    let mut apart = case.clone();
    let base = &mut apart.base;
    base.clients.remove(name);
    base.clients.extend(members.iter().map(|member| (member.clone(), Clients { count: None, ..*group })));
    let each = |step: &Step| -> Vec<Step> {
        if step.who != *name {
            return vec![step.clone()];
        }
        members.iter().map(|who| Step { who: who.clone(), ..step.clone() }).collect()
    };
    base.steps = base.steps.iter().flat_map(each).collect();
    let tables: Vec<_> = base.links.named.iter().filter(|(link, _)| link.client == *name).collect();
    let tables: Vec<_> = tables
        .into_iter()
        .flat_map(|(link, table)| {
            members.iter().map(|client| {
                (
                    crate::scenario::LinkName { client: client.clone(), direction: link.direction },
                    table.clone(),
                )
            })
        })
        .collect();
    base.links.named.retain(|link, _| link.client != *name);
    base.links.named.extend(tables);
    let expected = base.expect.downloads.iter().flat_map(|it| {
        let of = if it.client == *name { members.clone() } else { vec![it.client.clone()] };
        of.into_iter().map(|client| crate::scenario::Download { client, ..it.clone() })
    });
    base.expect.downloads = expected.collect();
    // So many of all together cannot be told apart; such a candidate is none.
    let is_apart = |client: &Nickname, times: Times| client == name && !matches!(times, Times::AtLeast(_));
    let messages = base.expect.messages.iter().flat_map(|it| {
        let of = if is_apart(&it.client, it.times) { members.clone() } else { vec![it.client.clone()] };
        of.into_iter().map(|client| Message { client, ..it.clone() })
    });
    base.expect.messages = messages.collect();
    let refusals = base.expect.refusals.iter().flat_map(|it| {
        let of = if is_apart(&it.client, it.times) { members.clone() } else { vec![it.client.clone()] };
        of.into_iter().map(|client| Refusal { client, ..it.clone() })
    });
    base.expect.refusals = refusals.collect();
    apart
}

/// Without steps, links, faults and expectations of whoever is not there.
fn consistent(mut case: Case) -> Case {
    let File { clients, steps, links, expect, .. } = &mut case.base;
    let known: BTreeSet<&Nickname> = clients.keys().collect();
    let is_here = |name: &Nickname| {
        known.contains(name)
            || clients.iter().any(|(group, it)| {
                let number = name.as_str().rsplit('-').next().and_then(|number| number.parse::<u32>().ok());
                is_member(group.as_str(), name.as_str())
                    && it.count.zip(number).is_some_and(|(count, number)| (1..=count).contains(&number))
            })
    };
    steps.retain(|step| is_here(&step.who));
    links.named.retain(|link, _| is_here(&link.client));
    expect.downloads.retain(|it| is_here(&it.client));
    expect.messages.retain(|it| is_here(&it.client) && it.from.as_ref().is_none_or(is_here));
    expect.refusals.retain(|it| is_here(&it.client));
    case.atoms.retain(|atom: &Fault| match &atom.kind {
        FaultKind::Crash { node: Node::Server, .. } => true,
        FaultKind::Crash { node: Node::Client(client), .. } | FaultKind::Rebind { client, .. } => {
            is_here(client)
        }
        kind => kind.link().is_none_or(|link| is_here(&link.client)),
    });
    pruned(case)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Scenario;

    #[test]
    fn a_client_is_made_as_any_other_and_then_there_is_nothing_more_to_make_plain() {
        let text = "duration = \"9s\"\n[clients.ann]\nresume = false\nreconnect = \"never\"\nstart = \"1s\"";
        let base = Scenario::parse(text).expect("a scenario").file().clone();
        let case = Case { base, atoms: Vec::new(), seed: 0 };
        let plain = with_one_plain(&case);
        assert_eq!(plain.len(), 3, "all at once, its role, and how it connects again");
        let first = plain.first().expect("three");
        assert_eq!(first.base.to_toml(), "duration = \"9s\"\n\n[clients.\"ann\"]\nstart = \"1s\"\n");
        assert!(with_one_plain(first).is_empty());
    }
}
