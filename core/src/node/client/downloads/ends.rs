//! What a user is told: how far a download is, and how it ended.

use super::{Client, Download, PROGRESS_AT_FIRST, PROGRESS_EVERY, Stage};
use crate::chat::Text;
use crate::node::client::{DownloadEvent, DownloadId, FailReason, Summary, TargetOp, TargetRequest};
use crate::time::Instant;
use crate::transfer::ReceiverFailure;
use crate::wire::{Hash, ResetCode};

impl Client {
    /// Tells progress, if it is time.
    pub(in crate::node::client) fn report(&mut self, now: Instant, download: DownloadId) {
        let Some(it) = self.downloads.get_mut(&download).filter(|it| !it.is_over()) else { return };
        let (Some(started), Some((told, next))) = (it.started, it.told) else { return };
        let Some(running) = it.running() else { return };
        let (progress, size) = (running.receiver.progress(), running.receiver.size());
        if progress.end == told || (now < next && progress.end != size) {
            return;
        }
        let view = Box::new(running.receiver.view());
        let pause = ((now - started) / 3).clamp(PROGRESS_AT_FIRST, PROGRESS_EVERY);
        it.told = Some((progress.end, now + pause));
        let nanos = (now - started).as_nanos().max(1);
        let rate = u128::from(progress.end - progress.start) * 1_000_000_000 / nanos;
        let rate = u64::try_from(rate).unwrap_or(u64::MAX);
        self.announce(download, DownloadEvent::Progress { written: progress.end, size, rate, view });
    }

    pub(super) fn finish(&mut self, now: Instant, download: DownloadId) {
        let Some(it) = self.downloads.get_mut(&download) else { return };
        let began = it.began;
        let Some(running) = it.running() else { return };
        let (progress, stats) = (running.receiver.progress(), running.receiver.stats());
        let summary = Summary {
            size: running.receiver.size(),
            resumed_from: progress.start,
            took: now - began,
            segments_received: stats.segments_received,
            duplicates: stats.duplicates,
            discarded: stats.discarded,
            round_trip: running.receiver.round_trip(),
            hash: running.receiver.hash().unwrap_or_else(Hash::of_nothing),
        };
        self.count(download, "complete");
        self.announce(download, DownloadEvent::Finished(summary));
        self.set_over(download);
    }

    /// It is over without the file. What there is of it is kept, unless it is wrong or nothing.
    pub(super) fn fail(&mut self, download: DownloadId, reason: FailReason, message: impl Into<Text>) {
        let Some(it) = self.downloads.get_mut(&download).filter(|it| !it.is_over()) else { return };
        let was_opening = matches!(it.stage, Stage::Opening);
        let (have, is_started) = (it.have, it.started.is_some());
        let written = match it.running() {
            Some(running) if is_started => running.receiver.progress().end,
            _ => have,
        };
        let kept = if reason == FailReason::Integrity { 0 } else { written };
        let began = it.began;
        let waits_since = it.running().map_or(began, |running| running.receiver.waits_since());
        let away = self.chat.last_heard() <= waits_since || self.runs_since >= waits_since;
        // A target that is still being opened is closed all the same, once it is open.
        let op = if kept > 0 || was_opening { TargetOp::Keep } else { TargetOp::Discard };
        self.target(TargetRequest::Op { download, op });
        self.count(download, reason.name());
        self.announce(download, DownloadEvent::Failed { reason, message: message.into(), kept, away });
        self.set_over(download);
    }

    /// It is over, and there is no target to do anything with.
    pub(super) fn fail_untouched(
        &mut self,
        download: DownloadId,
        reason: FailReason,
        message: impl Into<Text>,
    ) {
        self.count(download, reason.name());
        self.announce(
            download,
            DownloadEvent::Failed { reason, message: message.into(), kept: 0, away: false },
        );
        self.set_over(download);
    }

    fn count(&mut self, download: DownloadId, outcome: &'static str) {
        self.counters.ended(outcome);
        if let Some(running) = self.running(download) {
            let (progress, stats) = (running.receiver.progress(), running.receiver.stats());
            self.counters.bytes += progress.end - progress.start;
            self.counters.segments += stats.segments_received;
            self.counters.segments_resent += stats.duplicates + stats.discarded;
        }
    }

    /// Without a machine nothing is left to answer, and the download is forgotten.
    fn set_over(&mut self, download: DownloadId) {
        let Some(it) = self.downloads.remove(&download) else { return };
        if let Stage::Running(running) | Stage::Over(Some(running)) = it.stage {
            let stage = Stage::Over(Some(running));
            self.downloads.insert(download, Download { stage, ..it });
        }
    }
}

/// What a machine's failure means to a user.
pub(super) fn explain(failure: ReceiverFailure) -> (FailReason, String) {
    match failure {
        ReceiverFailure::Aborted(code) => {
            let reason = match code {
                ResetCode::Stopped => FailReason::Stopped,
                ResetCode::Protocol => FailReason::Refused,
                _ => FailReason::Lost,
            };
            (reason, code.to_string())
        }
        ReceiverFailure::Reset(code) => {
            let reason = match code {
                ResetCode::Silence => FailReason::TimedOut,
                ResetCode::ShuttingDown | ResetCode::SessionOver => FailReason::Lost,
                _ => FailReason::Refused,
            };
            (reason, code.to_string())
        }
        ReceiverFailure::Silence { ever: false } => {
            let message = "no answer over UDP; does a firewall keep the download port closed?";
            (FailReason::TimedOut, message.to_owned())
        }
        ReceiverFailure::Silence { ever: true } => {
            (FailReason::TimedOut, "nothing was heard from the server for too long".to_owned())
        }
        ReceiverFailure::Stalled => {
            let message = "the server answered, but sent nothing of the file for too long";
            (FailReason::TimedOut, message.to_owned())
        }
        ReceiverFailure::Integrity { found, expected } => {
            (FailReason::Integrity, format!("its BLAKE3 is {found}, the server's file has {expected}"))
        }
    }
}
