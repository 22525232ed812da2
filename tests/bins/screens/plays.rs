//! Plays that more than one picture shows.

use backchat_core::node::{DownloadEvent, DownloadId, Summary};
use backchat_core::transfer::ReceiverView;
use backchat_core::wire::Hash;
use std::time::Duration;

use super::stage::Stage;

/// The chat that the README opens with.
pub(crate) fn readme() -> Stage {
    let mut stage = Stage::joined(96, 22);
    stage.pass(8_000);
    stage.frame(r#"{"type":"joined","nick":"dave"}"#);
    stage.pass(20_000);
    stage.says("bob", "has anybody read the book yet?");
    stage.pass(11_000);
    stage.says("carol", "I am at chapter three. ann, did you get it?");
    stage.pass(9_000);
    stage.says("ann", "on its way: 500 MB over UDP 👋");
    let book = stage.begins("book.bin", 524_288_000, 0);
    stage.pass(7_000);
    let notes = stage.begins("日本語.txt", 15_000_000, 4_000_000);
    stage.pass(13_700);
    stage.progress(book, 327_680_000, 524_288_000, 48_100_000);
    stage.progress(notes, 9_300_000, 15_000_000, 7_400_000);
    stage.frame(
        r#"{"type":"private","number":90,"at":"2026-11-22T12:01:09Z","from":"bob","to":"ann","text":"psst: the butler did it"}"#,
    );
    stage.says("dave", "おはよう");
    stage.frame(r#"{"type":"left","nick":"carol","reason":"timed out"}"#);
    stage.keys(&["/rep", "Tab", "no spoilers!"]);
    stage
}

/// A transfer that breathes: the window doubles, a loss halves it, and what was outstanding goes again.
pub(crate) fn breathing(stage: &mut Stage) -> DownloadId {
    let size = 40_000_000;
    let download = stage.begins("book.bin", size, 0);
    let mut view = ReceiverView {
        segment: 1200,
        round_trip: Some(Duration::from_micros(30_100)),
        rto: Duration::from_millis(200),
        ..ReceiverView::default()
    };
    let mut window = 2_400;
    for step in 1..=140u64 {
        stage.pass(100);
        let arrived = window * 100 / 30;
        view.arrived += arrived;
        let lost = step % 35 == 0;
        view.rcv_nxt += if lost { arrived / 3 } else { arrived };
        view.highest = view.rcv_nxt;
        if lost {
            view.discarded += 17;
            view.went_back += 1;
            view.last_went_back = Some((view.rcv_nxt + 20_400, view.rcv_nxt));
            window /= 2;
        } else if window < 100_000 {
            window = window * 9 / 8;
        }
        view.limit = view.rcv_nxt + 160_000;
        let rate = view.rcv_nxt * 10 / step;
        stage.download(
            download,
            DownloadEvent::Progress { written: view.rcv_nxt, size, rate, view: Box::new(view) },
        );
    }
    download
}

/// A download that is over after 30 ms: the window doubles each round trip.
pub(crate) fn short(stage: &mut Stage) {
    let size = 1_228_800;
    let download = stage.begins("book.bin", size, 0);
    let mut view = ReceiverView {
        segment: 1200,
        round_trip: Some(Duration::from_millis(3)),
        rto: Duration::from_millis(200),
        ..ReceiverView::default()
    };
    for round in 0..10u64 {
        stage.pass(3);
        view.rcv_nxt = (1200 << (round + 1)).min(size);
        (view.arrived, view.highest, view.limit) = (view.rcv_nxt, view.rcv_nxt, view.rcv_nxt + 160_000);
        let rate = view.rcv_nxt * 1000 / (3 * (round + 1));
        stage.download(
            download,
            DownloadEvent::Progress { written: view.rcv_nxt, size, rate, view: Box::new(view) },
        );
    }
    let summary = Summary {
        size,
        resumed_from: 0,
        took: Duration::from_millis(36),
        segments_received: 1024,
        duplicates: 0,
        discarded: 0,
        round_trip: view.round_trip,
        hash: Hash([0xab; 32]),
    };
    stage.pass(1);
    stage.download(download, DownloadEvent::Finished(summary));
}
