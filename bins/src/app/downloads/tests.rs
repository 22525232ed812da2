//! What is told of a download from its beginning to each of its ends.

use backchat_core::node::Summary;
use backchat_core::wire::{CongestionChoice, FileVersion, Hash, TransferId};

use super::*;

const ID: DownloadId = DownloadId(7);

fn begun() -> Downloads {
    let mut downloads = Downloads::default();
    downloads.begin(ID, FileName::parse("book.bin").expect("a name"), Some(RequestId::Text("mine".into())));
    downloads
}

fn told(downloads: &mut Downloads, event: &DownloadEvent) -> Report {
    downloads.on_event(Instant::ZERO, ID, event).expect("one of these")
}

fn opened(resumed_from: u64) -> TargetEvent {
    TargetEvent::Opened { path: "./book.bin".into(), partial: Some("./.book.bin.part".into()), resumed_from }
}

fn summary() -> Summary {
    Summary {
        size: 524_288,
        took: Duration::from_millis(500),
        segments_received: 200,
        duplicates: 1,
        resumed_from: 262_144,
        hash: Hash([0xab; 32]),
        round_trip: Some(Duration::from_micros(30_100)),
        discarded: 2,
    }
}

#[test]
fn a_download_that_goes_on_is_told_from_its_start_to_its_summary() {
    let mut downloads = begun();
    assert_eq!(downloads.of_file("book.bin"), Some(ID));
    downloads.on_target(ID, &opened(262_144));
    let begins = DownloadEvent::Started {
        transfer: TransferId(1),
        size: 524_288,
        start: 262_144,
        version: FileVersion([0; 16]),
        congestion: CongestionChoice::Classic,
        segment: 1200,
    };
    let started = told(&mut downloads, &begins);
    assert_eq!(
        started.words().as_deref(),
        Some("book.bin: 512.00 KiB to ./book.bin, going on at 256.00 KiB")
    );
    let progress =
        DownloadEvent::Progress { written: 300_000, size: 524_288, rate: 1_000, view: Box::default() };
    let progress = told(&mut downloads, &progress);
    assert_eq!(progress.words(), None);
    assert!(matches!(told(&mut downloads, &DownloadEvent::Paused).news, News::Paused));
    assert!(downloads.iter().all(|(_, download)| download.is_paused));
    told(&mut downloads, &DownloadEvent::Resumed);
    downloads.on_target(ID, &TargetEvent::Committed { path: "./book.bin".into() });
    let done = told(&mut downloads, &DownloadEvent::Finished(summary()));
    assert_eq!(
        done.words().as_deref(),
        Some(
            "book.bin: 524,288 bytes in 500 ms (256.00 KiB were there), 512.00 KiB/s, 3 segments sent again, \
             round trip 30.1 ms, saved as ./book.bin"
        )
    );
    assert!(downloads.is_empty());
    assert!(downloads.on_event(Instant::ZERO, ID, &DownloadEvent::Paused).is_none());
}

#[test]
fn a_failure_of_the_file_is_told_in_the_files_own_words() {
    let mut downloads = begun();
    let error = TargetError::Exists { path: "./book.bin".into() };
    let text = error.to_string();
    downloads.on_target(ID, &TargetEvent::Failed { error });
    let failed = DownloadEvent::Failed {
        reason: FailReason::Local(LocalError::Exists),
        message: "exists".into(),
        kept: 0,
        away: false,
    };
    let failed = told(&mut downloads, &failed);
    assert_eq!(failed.words(), Some(text));
}

#[test]
fn a_file_that_was_to_be_left_alone_is_no_failure() {
    let mut downloads = begun();
    downloads.on_target(ID, &TargetEvent::Skipped { path: "./book.bin".into() });
    let failed = DownloadEvent::Failed {
        reason: FailReason::Local(LocalError::Exists),
        message: String::new().into(),
        kept: 0,
        away: false,
    };
    let skipped = told(&mut downloads, &failed);
    assert_eq!(skipped.words().as_deref(), Some("book.bin: ./book.bin exists and is left as it is"));
    assert!(matches!(skipped.news, News::Skipped));
    assert!(downloads.is_empty());
}

#[test]
fn of_two_downloads_of_a_file_the_later_one_is_meant() {
    let mut downloads = begun();
    downloads.begin(DownloadId(8), FileName::parse("book.bin").expect("a name"), None);
    assert_eq!(downloads.of_file("book.bin"), Some(DownloadId(8)));
    assert_eq!(downloads.of_file("other"), None);
}
