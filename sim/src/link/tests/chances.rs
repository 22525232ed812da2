//! Rates, bursts and distributions over a million packets.

use super::*;

/// How long each run of `true` is.
fn run_lengths(hits: &[bool]) -> Vec<u64> {
    hits.split(|hit| !hit).filter(|run| !run.is_empty()).map(|run| run.len() as u64).collect()
}

fn losses(loss: Loss) -> Vec<bool> {
    let mut link = link(Profile { loss, ..Profile::default() });
    fates(&mut link, MILLION).iter().map(|fate| copies(fate).is_none()).collect()
}

fn count(hits: &[bool]) -> u64 {
    hits.iter().filter(|&&hit| hit).count() as u64
}

#[test]
fn loss_is_as_often_as_the_file_says_and_each_by_itself() {
    for text in ["0.002", "0.02", "0.3", "0.5", "0.999"] {
        let hits = losses(Loss::Runs(runs(text, 0)));
        assert_binomial(count(&hits), MILLION, chance(text).parts(), 1 << 32);
        // By itself: after a lost packet the next is lost as often as any.
        let pairs = hits.windows(2).filter(|pair| pair[0] && pair[1]).count() as u64;
        assert_binomial(pairs, count(&hits), chance(text).parts(), 1 << 32);
    }
}

#[test]
fn no_chance_loses_nothing_and_certainty_everything() {
    assert_eq!(count(&losses(Loss::Runs(runs("0", 0)))), 0);
    assert_eq!(count(&losses(Loss::Runs(runs("1", 0)))), MILLION);
    assert_eq!(count(&losses(Loss::Runs(runs("1", 3)))), MILLION / 4 * 3);
}

#[test]
fn a_bounded_burst_is_never_longer_and_shorter_ones_are_as_many_as_chance_makes() {
    let hits = losses(Loss::Runs(runs("0.3", 3)));
    let lengths = run_lengths(&hits);
    assert_eq!(lengths.iter().max(), Some(&3));
    // A run goes on with the chance of 0.3, until it is three long.
    let at_least = |length| lengths.iter().filter(|&&run| run >= length).count() as u64;
    assert_binomial(at_least(2), at_least(1), 3, 10);
    assert_binomial(at_least(3), at_least(2), 3, 10);
    // p·(1 − p³)/(1 − p⁴) of all: the share of the states "1, 2, 3 in a row" of the chain.
    assert_binomial(count(&hits), MILLION, 3 * 973 * 10_000, 10 * 1000 * 9919);
}

#[test]
fn gilbert_elliott_bursts_are_as_long_and_as_often_as_the_file_says() {
    let (enter, leave) = (chance("0.01"), chance("0.3"));
    let hits = losses(Loss::GilbertElliott { enter, leave, max_burst: None });
    let (lost, bursts) = (count(&hits), run_lengths(&hits).len() as u64);
    // Each packet in the bad state is the last one with the chance `leave`, each in the good state with `enter`.
    assert_binomial(bursts, lost, leave.parts(), 1 << 32);
    assert_binomial(bursts, MILLION - lost, enter.parts(), 1 << 32);
    assert!(run_lengths(&hits).iter().max() > Some(&10));
    let bounded = losses(Loss::GilbertElliott { enter, leave, max_burst: NonZeroU32::new(4) });
    assert_eq!(run_lengths(&bounded).iter().max(), Some(&4));
}

#[test]
fn duplicates_are_as_often_and_as_late_as_the_file_says() {
    let mut link = link(Profile { duplicate: late("0.1", 20), ..Profile::default() });
    let fates = fates(&mut link, MILLION);
    let twice: Vec<_> = fates.iter().filter_map(copies).filter(|copies| copies.len() == 2).collect();
    assert_binomial(twice.len() as u64, MILLION, 1, 10);
    let lateness = |copies: &&Copies| copies[1].at - copies[0].at;
    assert!(twice.iter().map(lateness).all(|late| late <= span(20)));
    for quarter in 1..4 {
        let below = twice.iter().map(lateness).filter(|late| *late < span(5 * quarter)).count() as u64;
        assert_binomial(below, twice.len() as u64, quarter, 4);
    }
    assert_eq!(link.counters().duplicated, twice.len() as u64);
}

#[test]
fn corruption_flips_one_to_eight_bits_anywhere() {
    let mut link = link(Profile { corrupt: runs("0.02", 3), ..Profile::default() });
    let fates = fates(&mut link, MILLION);
    let damages: Vec<Damage> =
        fates.iter().filter_map(copies).map(|copies| copies[0].damage).filter(|d| !d.is_none()).collect();
    let hit = damages.len() as u64;
    assert_binomial(hit, MILLION, 2, 100);
    for flips in 1..=8 {
        let these = damages.iter().filter(|damage| damage.flipped_bits(LENGTH) == flips).count() as u64;
        assert_binomial(these, hit, 1, 8);
    }
    let bits: Vec<usize> = damages.iter().flat_map(|damage| damage.bits(LENGTH)).collect();
    let first_tenth = bits.iter().filter(|&&bit| bit < LENGTH * 8 / 10).count() as u64;
    assert_binomial(first_tenth, bits.len() as u64, (LENGTH * 8 / 10) as u64, LENGTH as u64 * 8);
    let odd = bits.iter().filter(|&&bit| bit % 2 == 1).count() as u64;
    assert_binomial(odd, bits.len() as u64, 1, 2);
}

#[test]
fn truncation_leaves_any_length_below_the_whole() {
    let mut link = link(Profile { truncate: runs("0.05", 0), ..Profile::default() });
    let fates = fates(&mut link, MILLION);
    let left: Vec<usize> = fates
        .iter()
        .filter_map(copies)
        .map(|copies| copies[0].damage)
        .filter(Damage::is_truncated)
        .map(|damage| damage.length(LENGTH))
        .collect();
    assert_binomial(left.len() as u64, MILLION, 5, 100);
    assert!(left.iter().all(|&length| length < LENGTH));
    assert!(left.contains(&0) && left.contains(&(LENGTH - 1)));
    let short = left.iter().filter(|&&length| length < LENGTH / 4).count() as u64;
    assert_binomial(short, left.len() as u64, 1, 4);
}

#[test]
fn jitter_is_uniform_and_reordering_exact() {
    let profile = Profile { delay: span(15), jitter: span(8), ..Profile::default() };
    let mut link_of = link(profile.clone());
    let added = |link: &mut Link| -> Vec<Duration> {
        let delay = |(nth, fate): (u64, &Verdict)| copies(fate).unwrap()[0].at - ms(nth) - span(15);
        (0..).zip(&fates(link, MILLION)).map(delay).collect()
    };
    let jitters = added(&mut link_of);
    assert!(jitters.iter().all(|&jitter| jitter <= span(8)));
    for eighth in 1..8 {
        let below = jitters.iter().filter(|&&jitter| jitter < span(eighth)).count() as u64;
        assert_binomial(below, MILLION, eighth, 8);
    }
    let mut reordering = link(Profile { reorder: late("0.05", 10), delay: span(15), ..Profile::default() });
    let held = added(&mut reordering);
    let held_back = held.iter().filter(|&&by| by == span(10)).count() as u64;
    assert_binomial(held_back, MILLION, 5, 100);
    assert_eq!(held.iter().filter(|by| by.is_zero()).count() as u64, MILLION - held_back);
}
