//! The disk's answers: what the driver did with a download's file.

use super::{Client, Download, Stage};
use crate::chat::Have;
use crate::node::client::{DownloadId, FailReason, LocalError};
use crate::time::Instant;
use crate::wire::{Hash, ResetCode};

impl Client {
    /// The answer to [`TargetRequest::Open`](crate::node::TargetRequest::Open).
    pub fn handle_opened(&mut self, now: Instant, download: DownloadId, result: Result<Have, LocalError>) {
        let Some(it) = self.downloads.get_mut(&download).filter(|it| matches!(it.stage, Stage::Opening))
        else {
            return;
        };
        match result {
            Err(error) => {
                it.stage = Stage::Over(None);
                let message = error.to_string();
                self.fail_untouched(download, FailReason::Local(error), message);
            }
            Ok(have) => {
                it.have = have.length;
                let file = it.request.file.clone();
                match self.chat.download(now, &file, Some(have).filter(|it| it.length > 0)) {
                    Ok(id) => {
                        if let Some(it) = self.downloads.get_mut(&download) {
                            it.stage = Stage::Asking(id);
                        }
                    }
                    Err(error) => self.fail(download, FailReason::Lost, error.to_string()),
                }
            }
        }
        self.settle(now);
    }

    /// The driver's answer to writes: everything below `through` is with the operating system.
    pub fn handle_written(&mut self, now: Instant, download: DownloadId, through: u64) {
        self.with_receiver(now, download, |receiver| receiver.handle_written(now, through));
        self.report(now, download);
        self.settle(now);
    }

    /// A write, or a restart, failed.
    pub fn handle_write_failed(&mut self, now: Instant, download: DownloadId, error: LocalError) {
        self.fail_locally(now, download, error);
        self.settle(now);
    }

    /// The answer to [`TargetOp::Digest`](crate::node::TargetOp::Digest).
    pub fn handle_digest(&mut self, now: Instant, download: DownloadId, hash: Hash) {
        self.with_receiver(now, download, |receiver| receiver.handle_digest(now, hash));
        self.settle(now);
    }

    /// The answer to [`TargetOp::Commit`](crate::node::TargetOp::Commit).
    pub fn handle_committed(&mut self, now: Instant, download: DownloadId, result: Result<(), LocalError>) {
        match result {
            Ok(()) => {
                self.with_receiver(now, download, |receiver| receiver.handle_committed(now));
            }
            Err(error) => self.fail_locally(now, download, error),
        }
        self.settle(now);
    }

    /// No UDP socket could be had: no download gets anywhere.
    pub fn handle_no_socket(&mut self, now: Instant, error: &LocalError) {
        for download in self.downloads.keys().copied().collect::<Vec<_>>() {
            self.fail_locally(now, download, error.clone());
        }
        self.settle(now);
    }

    fn fail_locally(&mut self, now: Instant, download: DownloadId, error: LocalError) {
        if self.downloads.get(&download).is_none_or(Download::is_over) {
            return;
        }
        let message = error.to_string();
        self.fail(download, FailReason::Local(error), message);
        // The machine hears of it last: what it says of its failure is not told again.
        self.with_receiver(now, download, |receiver| receiver.abort(now, ResetCode::WriteFailed));
    }
}
