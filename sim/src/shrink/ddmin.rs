//! Of a list, as little as is needed: the minimising delta debugging of Zeller and Hildebrandt, "Simplifying and
//! Isolating Failure-Inducing Input" (2002).
//!
//! Only complements are tried: with two pieces a complement is the other piece, and with more a single piece is rarely
//! all that a failure needs.

/// What is left of `items`: nothing of it can be taken away alone.
///
/// `first` is given lists in the order of preference and says which is the first that will do.
pub fn ddmin<T: Clone>(mut items: Vec<T>, mut first: impl FnMut(Vec<Vec<T>>) -> Option<usize>) -> Vec<T> {
    if items.is_empty() || first(vec![Vec::new()]).is_some() {
        return Vec::new();
    }
    let mut pieces = 2;
    while items.len() > 1 {
        pieces = pieces.min(items.len());
        let without = complements(&items, pieces);
        match first(without.clone()).and_then(|place| without.into_iter().nth(place)) {
            Some(fewer) => {
                items = fewer;
                pieces = (pieces - 1).max(2);
            }
            None if pieces == items.len() => break,
            None => pieces *= 2,
        }
    }
    items
}

/// The list without its last piece, without the one before, and so on: what is early is kept, for what follows it can
/// go. The pieces differ by one in length at most.
fn complements<T: Clone>(items: &[T], pieces: usize) -> Vec<Vec<T>> {
    let bound = |piece: usize| items.len() * piece / pieces;
    (0..pieces)
        .rev()
        .map(|piece| {
            let (from, to) = (bound(piece), bound(piece + 1));
            items
                .iter()
                .enumerate()
                .filter(|(place, _)| !(from..to).contains(place))
                .map(|(_, it)| it.clone())
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Which of `lists` is the first with all of `needed` in it.
    fn with_all(needed: &[u32]) -> impl FnMut(Vec<Vec<u32>>) -> Option<usize> {
        move |lists| lists.iter().position(|list| needed.iter().all(|it| list.contains(it)))
    }

    #[test]
    fn what_needs_nothing_is_left_with_nothing() {
        assert_eq!(ddmin((0..10).collect(), with_all(&[])), Vec::<u32>::new());
        assert_eq!(ddmin(Vec::new(), with_all(&[1])), Vec::<u32>::new());
    }

    #[test]
    fn one_of_a_thousand_is_found_in_few_questions() {
        let mut asked = 0;
        let mut needed = with_all(&[617]);
        let left = ddmin((0..1000).collect(), |lists| {
            asked += lists.len();
            needed(lists)
        });
        assert_eq!(left, [617]);
        assert!(asked < 40, "{asked}");
    }

    proptest! {
        #[test]
        fn exactly_what_is_needed_is_left(needed in proptest::collection::btree_set(0u32..200, 0..8)) {
            let needed: Vec<u32> = needed.into_iter().collect();
            prop_assert_eq!(ddmin((0..200).collect(), with_all(&needed)), needed);
        }
    }
}
