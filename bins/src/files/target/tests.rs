//! Targets on a disk in memory and on a real one.
//!
//! - `partial`: until the file is whole. `final_name`: when it is. `stream`: what goes into no file.

use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use backchat_core::node::{Have, LocalError};
use backchat_core::time::UnixTime;
use backchat_core::wire::Hash;

use super::*;
use crate::files::disk::{File as _, Folder as _};
use crate::files::memory::{Access, MemoryDisk};
use crate::files::real::RealDisk;
use crate::files::spec::{Existing, Partial, Place, Time};

mod final_name;
mod partial;
mod stream;

const DOWNLOAD: DownloadId = DownloadId(1);
const SECOND: DownloadId = DownloadId(2);
/// Of a file that was last changed on the ninth of September 2001.
const COMMIT: TargetOp = TargetOp::Commit { modified: UnixTime::from_millis(1_000_000_000_000) };

fn spec(place: Place, existing: Existing, partial: Partial) -> TargetSpec {
    TargetSpec::File { place, existing, partial, time: Time::Now }
}

fn into_folder(folder: &Path) -> TargetSpec {
    TargetSpec::folder(folder)
}

fn memory() -> (MemoryDisk, FileTargets<MemoryDisk>) {
    let disk = MemoryDisk::new();
    disk.add_folder("d");
    (disk.clone(), FileTargets::new(disk, Box::new(std::io::sink())))
}

fn real() -> (tempfile::TempDir, FileTargets<RealDisk>) {
    (tempfile::tempdir().unwrap(), FileTargets::new(RealDisk, Box::new(std::io::sink())))
}

fn hash(bytes: &[u8]) -> Hash {
    Hash(*blake3::hash(bytes).as_bytes())
}

/// Opens `book.bin`; the answer, with the event before it.
async fn open<D: Disk>(
    targets: &mut FileTargets<D>,
    download: DownloadId,
    spec: TargetSpec,
) -> (TargetEvent, Result<Have, LocalError>) {
    targets.open(download, &FileName::parse("book.bin").unwrap(), spec);
    let event = event(targets).await;
    match targets.next().await {
        TargetCompletion::Opened { result, .. } => (event, result),
        other => panic!("{other:?}"),
    }
}

async fn opened<D: Disk>(targets: &mut FileTargets<D>, spec: TargetSpec) -> (PathBuf, PathBuf, Have) {
    match open(targets, DOWNLOAD, spec).await {
        (TargetEvent::Opened { path, partial, .. }, Ok(have)) => (path, partial.unwrap(), have),
        other => panic!("{other:?}"),
    }
}

/// Opens what must fail; the error.
async fn refused<D: Disk>(targets: &mut FileTargets<D>, spec: TargetSpec) -> TargetError {
    match open(targets, DOWNLOAD, spec).await {
        (TargetEvent::Failed { error }, Err(kind)) => {
            assert_eq!(error.kind(), kind);
            error
        }
        other => panic!("{other:?}"),
    }
}

async fn event<D: Disk>(targets: &mut FileTargets<D>) -> TargetEvent {
    match targets.next().await {
        TargetCompletion::Event { event, .. } => event,
        other => panic!("{other:?}"),
    }
}

/// Writes all of `bytes` at `offset` and waits for the disk to have them.
async fn write<D: Disk<Content = Vec<u8>>>(targets: &mut FileTargets<D>, offset: u64, bytes: &[u8]) {
    for (number, piece) in bytes.chunks(1400).enumerate() {
        targets.write(DOWNLOAD, offset + number as u64 * 1400, piece);
    }
    targets.flush();
    let end = offset + bytes.len() as u64;
    loop {
        match targets.next().await {
            TargetCompletion::Written { through, .. } if through == end => return,
            TargetCompletion::Written { .. } => {}
            other => panic!("{other:?}"),
        }
    }
}

async fn digest<D: Disk>(targets: &mut FileTargets<D>) -> Hash {
    targets.submit(DOWNLOAD, TargetOp::Digest);
    match targets.next().await {
        TargetCompletion::Digest { hash, .. } => hash,
        other => panic!("{other:?}"),
    }
}

async fn commit<D: Disk>(targets: &mut FileTargets<D>) -> (TargetEvent, Result<(), LocalError>) {
    targets.submit(DOWNLOAD, COMMIT);
    let event = event(targets).await;
    match targets.next().await {
        TargetCompletion::Committed { result, .. } => (event, result),
        other => panic!("{other:?}"),
    }
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn requests_about_a_download_that_never_was_are_ignored() {
    let (disk, mut targets) = memory();
    targets.write(SECOND, 0, b"bytes");
    targets.flush();
    targets.submit(SECOND, COMMIT);
    opened(&mut targets, into_folder(Path::new("d"))).await;
    assert_eq!(disk.read("d/.book.bin.part"), Some(Vec::new()));
}
