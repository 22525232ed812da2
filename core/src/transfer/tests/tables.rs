//! The state tables: complete, and printed as docs/PROTOCOL.md has them.

use std::fmt::Write as _;

use crate::transfer::receiver::RECEIVER_ACTIONS;
use crate::transfer::sender::SENDER_ACTIONS;
use crate::wire::Kind;

#[test]
fn every_kind_has_one_row_in_each_table() {
    let sender: Vec<_> = SENDER_ACTIONS.iter().map(|(kind, _)| *kind).collect();
    let receiver: Vec<_> = RECEIVER_ACTIONS.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(sender, Kind::ALL);
    assert_eq!(receiver, Kind::ALL);
}

fn rows<A: std::fmt::Debug, const N: usize>(table: &[(Kind, [A; N])], heads: [&str; N]) -> String {
    let mut text = format!("| packet | {} |\n|---|{}\n", heads.join(" | "), "---|".repeat(N));
    for (kind, row) in table {
        let cells: Vec<_> = row.iter().map(|action| format!("{action:?}")).collect();
        writeln!(text, "| {kind:?} | {} |", cells.join(" | ")).expect("a string takes everything");
    }
    text
}

#[test]
fn the_document_prints_the_tables_that_the_code_runs_on() {
    let document = include_str!("../../../../docs/PROTOCOL.md");
    let sender = rows(&SENDER_ACTIONS, ["offered", "handshake", "sending", "ending", "aborted"]);
    let heads = ["syn-sent", "confirming", "receiving", "finishing", "done", "aborted"];
    let receiver = rows(&RECEIVER_ACTIONS, heads);
    for table in [sender, receiver] {
        assert!(document.contains(&table), "docs/PROTOCOL.md lacks this table:\n{table}");
    }
}
