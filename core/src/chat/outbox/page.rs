//! Pages of long lists, each a frame that fits a line.

use crate::chat::filename::FileName;
use crate::chat::frame::{FileEntry, NameEntry, RequestId, ServerFrame};
use crate::chat::lines::MAX_LINE_BYTES;
use crate::chat::nickname::NicknameKey;
use crate::chat::roster::Roster;
use bytes::Bytes;

/// What a page has for its entries. The rest of the line is for the frame around them: an id of 64 bytes, each
/// of which JSON may write with six, and the names of the fields.
const PAGE_BYTES: usize = MAX_LINE_BYTES - 1024;

/// Bytes around a nickname in its entry, `{"nick":""},`.
const NAME_AROUND_BYTES: usize = 16;

/// Bytes around a file's name in its entry: names of fields, a size of 20 digits, a time of 24 characters.
const FILE_AROUND_BYTES: usize = 112;

/// How many of `costs` fit a page: at least one, so that every list ends.
fn fitting(costs: impl Iterator<Item = usize>) -> usize {
    let mut left = PAGE_BYTES;
    let fit = costs.take_while(|&cost| {
        let fits = cost <= left;
        left = left.saturating_sub(cost);
        fits
    });
    fit.count().max(1)
}

/// The page of nicknames behind `after`, and the last of them if another page follows.
pub(super) fn names(
    id: &Option<RequestId>,
    after: Option<&NicknameKey>,
    roster: &Roster,
) -> (Bytes, Option<NicknameKey>) {
    let count = fitting(roster.after(after).map(|nick| nick.as_str().len() + NAME_AROUND_BYTES));
    let mut rest = roster.after(after);
    let names: Vec<_> = rest.by_ref().take(count).map(|nick| NameEntry { nick: nick.clone() }).collect();
    let more = rest.next().is_some();
    let last = names.last().map(|entry| entry.nick.key()).filter(|_| more);
    (ServerFrame::Names { id: id.clone(), names, more }.encode(), last)
}

/// The page of files behind `after`, and the last of them if another page follows.
pub(super) fn files(
    id: &Option<RequestId>,
    after: Option<&FileName>,
    files: &[FileEntry],
) -> (Bytes, Option<FileName>) {
    let beginning = after.map_or(0, |after| files.partition_point(|entry| entry.name <= *after));
    let rest = files.get(beginning..).unwrap_or_default();
    // JSON writes a quote with two bytes; the other characters that it escapes are in no name.
    let count = fitting(rest.iter().map(|entry| 2 * entry.name.as_str().len() + FILE_AROUND_BYTES));
    let page = rest.get(..count).unwrap_or(rest).to_vec();
    let more = rest.len() > page.len();
    let last = page.last().map(|entry| entry.name.clone()).filter(|_| more);
    (ServerFrame::Files { id: id.clone(), files: page, more }.encode(), last)
}
