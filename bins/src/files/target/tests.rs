//! Targets on a disk in memory and on a real one.

use std::future::Future as _;
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
    (disk.clone(), FileTargets::new(disk, Box::new(std::io::sink()), Where::Inline))
}

fn real() -> (tempfile::TempDir, FileTargets<RealDisk>) {
    (tempfile::tempdir().unwrap(), FileTargets::new(RealDisk, Box::new(std::io::sink()), Where::Pool))
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
async fn write<D: Disk>(targets: &mut FileTargets<D>, offset: u64, bytes: &[u8]) {
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
async fn a_download_has_its_final_name_only_when_it_is_whole() {
    let (folder, mut targets) = real();
    let bytes: Vec<u8> = (0..2_000_000_u32).map(|i| (i * 31) as u8).collect();
    let (path, partial, have) = opened(&mut targets, into_folder(folder.path())).await;
    assert_eq!(have, Have { length: 0, hash: hash(b"") });
    assert_eq!(partial, folder.path().join(".book.bin.part"));
    write(&mut targets, 0, &bytes[..1_500_000]).await;
    write(&mut targets, 1_500_000, &bytes[1_500_000..]).await;
    assert_eq!(names(folder.path()), [".book.bin.part"]);
    assert_eq!(digest(&mut targets).await, hash(&bytes));
    let (event, result) = commit(&mut targets).await;
    assert_eq!(result, Ok(()));
    assert!(matches!(event, TargetEvent::Committed { path: it } if it == path));
    assert_eq!(names(folder.path()), ["book.bin"]);
    assert_eq!(std::fs::read(path).unwrap(), bytes);
    assert!(targets.is_idle());
}

#[tokio::test]
async fn what_was_kept_is_the_beginning_of_the_next_run() {
    let (folder, mut targets) = real();
    opened(&mut targets, into_folder(folder.path())).await;
    write(&mut targets, 0, b"first half, ").await;
    targets.submit(DOWNLOAD, TargetOp::Keep);
    assert!(matches!(event(&mut targets).await, TargetEvent::Kept { length: 12, .. }));
    let (_, _, have) = opened(&mut targets, into_folder(folder.path())).await;
    assert_eq!(have, Have { length: 12, hash: hash(b"first half, ") });
    write(&mut targets, 12, b"second half").await;
    assert_eq!(digest(&mut targets).await, hash(b"first half, second half"));
    commit(&mut targets).await.1.unwrap();
    assert_eq!(std::fs::read(folder.path().join("book.bin")).unwrap(), b"first half, second half");
}

#[tokio::test]
async fn a_crash_between_write_and_rename_leaves_a_resumable_partial_and_no_final_file() {
    let (folder, mut targets) = real();
    opened(&mut targets, into_folder(folder.path())).await;
    write(&mut targets, 0, b"everything").await;
    drop(targets);
    assert_eq!(names(folder.path()), [".book.bin.part"]);
    let mut targets = FileTargets::new(RealDisk, Box::new(std::io::sink()), Where::Pool);
    let (_, _, have) = opened(&mut targets, into_folder(folder.path())).await;
    assert_eq!(have.length, 10);
    assert_eq!(digest(&mut targets).await, hash(b"everything"));
    commit(&mut targets).await.1.unwrap();
    assert_eq!(names(folder.path()), ["book.bin"]);
}

#[tokio::test]
async fn no_resume_and_restart_begin_at_0() {
    let (disk, mut targets) = memory();
    disk.put("d/.book.bin.part", b"old").unwrap();
    let place = Place::Folder("d".into());
    let (_, _, have) = opened(&mut targets, spec(place.clone(), Existing::Refuse, Partial::Discard)).await;
    assert_eq!(have, Have { length: 0, hash: hash(b"") });
    write(&mut targets, 0, b"wrong").await;
    targets.submit(DOWNLOAD, TargetOp::Restart);
    write(&mut targets, 0, b"new").await;
    assert_eq!(digest(&mut targets).await, hash(b"new"));
    assert_eq!(disk.read("d/.book.bin.part"), Some(b"new".to_vec()));
}

#[tokio::test]
async fn a_file_that_exists_is_refused_replaced_renamed_or_skipped_as_asked() {
    let (disk, mut targets) = memory();
    disk.put("d/book.bin", b"old").unwrap();
    disk.put("d/book (1).bin", b"old too").unwrap();
    let with = |existing| spec(Place::Folder("d".into()), existing, Partial::Resume);
    let error = refused(&mut targets, with(Existing::Refuse)).await;
    assert_eq!(error.kind(), LocalError::Exists);
    assert!(error.to_string().starts_with("d/book.bin exists already: --force "));
    match open(&mut targets, DOWNLOAD, with(Existing::Skip)).await {
        (TargetEvent::Skipped { path }, Err(LocalError::Exists)) => assert_eq!(path, Path::new("d/book.bin")),
        other => panic!("{other:?}"),
    }
    assert!(targets.is_idle());
    opened(&mut targets, with(Existing::Rename)).await;
    write(&mut targets, 0, b"renamed").await;
    commit(&mut targets).await.1.unwrap();
    assert_eq!(disk.read("d/book (2).bin"), Some(b"renamed".to_vec()));
    opened(&mut targets, with(Existing::Replace)).await;
    write(&mut targets, 0, b"replaced").await;
    assert_eq!(disk.read("d/book.bin"), Some(b"old".to_vec()), "until it is whole");
    commit(&mut targets).await.1.unwrap();
    assert_eq!(disk.read("d/book.bin"), Some(b"replaced".to_vec()));
}

#[tokio::test]
async fn a_name_that_is_taken_during_the_download_is_not_replaced() {
    for (existing, expected) in [(Existing::Refuse, None), (Existing::Rename, Some("book (1).bin"))] {
        let (folder, mut targets) = real();
        let place = Place::Folder(folder.path().to_owned());
        opened(&mut targets, spec(place, existing, Partial::Resume)).await;
        write(&mut targets, 0, b"new").await;
        std::fs::write(folder.path().join("book.bin"), b"somebody else's").unwrap();
        let (_, result) = commit(&mut targets).await;
        assert_eq!(std::fs::read(folder.path().join("book.bin")).unwrap(), b"somebody else's");
        match expected {
            Some(name) => {
                result.unwrap();
                assert_eq!(std::fs::read(folder.path().join(name)).unwrap(), b"new");
            }
            None => {
                assert_eq!(result, Err(LocalError::Exists));
                targets.submit(DOWNLOAD, TargetOp::Keep);
                assert!(matches!(event(&mut targets).await, TargetEvent::Kept { length: 3, .. }));
            }
        }
    }
}

#[tokio::test]
async fn a_second_handle_is_told_that_the_file_is_locked() {
    let (folder, mut targets) = real();
    let (_, _, _) = opened(&mut targets, into_folder(folder.path())).await;
    let mut other = FileTargets::new(RealDisk, Box::new(std::io::sink()), Where::Pool);
    for targets in [&mut targets, &mut other] {
        match open(targets, SECOND, into_folder(folder.path())).await {
            (TargetEvent::Failed { error: TargetError::Locked { path } }, Err(LocalError::Locked)) => {
                assert_eq!(path, folder.path().join(".book.bin.part"));
            }
            other => panic!("{other:?}"),
        }
    }
    // `--rename` takes the next name at once.
    let place = Place::Folder(folder.path().to_owned());
    match open(&mut other, SECOND, spec(place, Existing::Rename, Partial::Resume)).await {
        (TargetEvent::Opened { path, .. }, Ok(_)) => assert_eq!(path, folder.path().join("book (1).bin")),
        other => panic!("{other:?}"),
    }
    // The first one goes on undisturbed.
    write(&mut targets, 0, b"bytes").await;
    commit(&mut targets).await.1.unwrap();
}

#[tokio::test]
async fn who_stops_and_begins_again_at_once_has_the_file() {
    let (folder, mut targets) = real();
    let name = FileName::parse("book.bin").unwrap();
    opened(&mut targets, into_folder(folder.path())).await;
    write(&mut targets, 0, b"beginning").await;
    targets.submit(DOWNLOAD, TargetOp::Keep);
    // Nobody has looked at what became of it.
    targets.open(SECOND, &name, into_folder(folder.path()));
    assert!(matches!(event(&mut targets).await, TargetEvent::Kept { length: 9, .. }));
    assert!(matches!(event(&mut targets).await, TargetEvent::Opened { resumed_from: 9, .. }));
}

#[tokio::test]
async fn what_somebody_planted_as_a_partial_file_is_not_written_to() {
    let (folder, mut targets) = real();
    let partial = folder.path().join(".book.bin.part");
    let victim = folder.path().join("victim");
    std::fs::write(&victim, b"precious").unwrap();
    let plants: [(&str, &dyn Fn()); 4] = [
        ("a symbolic link", &|| symlink(&victim, &partial).unwrap()),
        ("a file with other names", &|| std::fs::hard_link(&victim, &partial).unwrap()),
        ("a device, pipe or socket", &|| {
            rustix::fs::mkfifoat(rustix::fs::CWD, &partial, rustix::fs::Mode::RWXU).unwrap();
        }),
        ("a folder", &|| std::fs::create_dir(&partial).unwrap()),
    ];
    for (what, plant) in plants {
        plant();
        let text = refused(&mut targets, into_folder(folder.path())).await.to_string();
        assert!(text.contains(what) && text.contains(".book.bin.part"), "{text}");
        assert_eq!(std::fs::read(&victim).unwrap(), b"precious");
        if std::fs::remove_file(&partial).is_err() {
            std::fs::remove_dir(&partial).unwrap();
        }
    }
}

#[tokio::test]
async fn a_final_name_that_is_no_file_is_refused_whatever_was_asked() {
    let (folder, mut targets) = real();
    std::fs::create_dir(folder.path().join("book.bin")).unwrap();
    for existing in [Existing::Refuse, Existing::Replace, Existing::Skip] {
        let place = Place::Folder(folder.path().to_owned());
        let error = refused(&mut targets, spec(place, existing, Partial::Resume)).await;
        assert!(matches!(error, TargetError::NotAFile { .. }), "{error}");
    }
    for path in [folder.path().join("new/"), folder.path().join(".."), PathBuf::from("/")] {
        let error = refused(&mut targets, spec(Place::Path(path), Existing::Replace, Partial::Resume)).await;
        assert!(matches!(error, TargetError::NotAFile { .. }), "{error}");
    }
    assert_eq!(names(folder.path()), ["book.bin"]);
    // Only who names the path itself means a device that has it.
    std::fs::remove_dir(folder.path().join("book.bin")).unwrap();
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, folder.path().join("book.bin"), mode).unwrap();
    let error = refused(&mut targets, into_folder(folder.path())).await;
    assert!(error.to_string().contains("not a regular file but a device, pipe or socket"), "{error}");
}

#[tokio::test]
async fn a_pipe_or_a_device_is_written_in_order_and_nothing_of_it_is_kept() {
    let (folder, mut targets) = real();
    let pipe = folder.path().join("pipe");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).unwrap();
    symlink(&pipe, folder.path().join("link")).unwrap();
    for (name, existing) in [("pipe", Existing::Refuse), ("link", Existing::Replace)] {
        let path = folder.path().join(name);
        let reader = std::thread::spawn({
            let path = path.clone();
            move || std::fs::read(path).unwrap()
        });
        let opened = open(&mut targets, DOWNLOAD, spec(Place::Path(path), existing, Partial::Resume)).await;
        assert!(
            matches!(opened, (TargetEvent::Opened { partial: None, .. }, Ok(Have { length: 0, .. }))),
            "{opened:?}"
        );
        write(&mut targets, 0, b"first, ").await;
        write(&mut targets, 7, b"second").await;
        assert_eq!(digest(&mut targets).await, hash(b"first, second"));
        commit(&mut targets).await.1.unwrap();
        assert_eq!(reader.join().unwrap(), b"first, second");
        assert!(targets.is_idle());
    }
    assert_eq!(names(folder.path()), ["link", "pipe"]);
    let full = spec(Place::Path("/dev/full".into()), Existing::Refuse, Partial::Resume);
    open(&mut targets, DOWNLOAD, full).await.1.unwrap();
    targets.write(DOWNLOAD, 0, b"bytes");
    targets.flush();
    let text = match event(&mut targets).await {
        TargetEvent::Failed { error } => error.to_string(),
        other => panic!("{other:?}"),
    };
    assert!(text.starts_with("no space left for /dev/full"), "{text}");
}

#[tokio::test]
async fn a_pipe_that_nobody_opens_keeps_nobody_from_ending() {
    let (folder, mut targets) = real();
    let pipe = folder.path().join("pipe");
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, mode).unwrap();
    let into_pipe = spec(Place::Path(pipe.clone()), Existing::Refuse, Partial::Resume);
    let name = FileName::parse("book.bin").unwrap();
    targets.open(DOWNLOAD, &name, into_pipe.clone());
    targets.submit(DOWNLOAD, TargetOp::Keep);
    // Given up before it was opened: it never is.
    assert!(matches!(event(&mut targets).await, TargetEvent::Closed { .. }));
    assert!(targets.is_idle());
    targets.open(DOWNLOAD, &name, into_pipe);
    // Until the opening waits for a reader.
    while targets.lanes.values().all(|lane| lane.output == Output::File) {
        let done = targets.workers.next().await;
        targets.finish(done);
    }
    assert!(!targets.is_idle());
    targets.submit(DOWNLOAD, TargetOp::Keep);
    assert!(targets.is_idle());
    // So that its thread ends with the test.
    let _reader = std::fs::File::open(pipe).unwrap();
}

#[tokio::test]
async fn who_replaces_a_file_keeps_its_mode_and_the_links_to_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let (folder, mut targets) = real();
    std::fs::create_dir(folder.path().join("deep")).unwrap();
    let target = folder.path().join("deep/script");
    std::fs::write(&target, b"old").unwrap();
    std::fs::set_permissions(&target, std::fs::Permissions::from_mode(0o4751)).unwrap();
    symlink("deep/script", folder.path().join("one")).unwrap();
    symlink("one", folder.path().join("two")).unwrap();
    let two = Place::Path(folder.path().join("two"));
    let error = refused(&mut targets, spec(two.clone(), Existing::Refuse, Partial::Resume)).await;
    assert_eq!(error.kind(), LocalError::Exists);
    let (path, partial, _) = opened(&mut targets, spec(two, Existing::Replace, Partial::Resume)).await;
    assert_eq!(path.canonicalize().unwrap(), target.canonicalize().unwrap());
    assert_eq!(partial.file_name(), Some(".script.part".as_ref()));
    write(&mut targets, 0, b"new").await;
    commit(&mut targets).await.1.unwrap();
    assert_eq!(std::fs::read(folder.path().join("two")).unwrap(), b"new");
    assert!(std::fs::symlink_metadata(folder.path().join("two")).unwrap().is_symlink());
    // The program is another one now: it is not run as its owner any more.
    assert_eq!(std::fs::metadata(&target).unwrap().permissions().mode() & 0o7777, 0o751);
    // One that leads nowhere makes the file, one that leads to itself cannot.
    symlink("new", folder.path().join("dangling")).unwrap();
    let dangling = Place::Path(folder.path().join("dangling"));
    opened(&mut targets, spec(dangling, Existing::Replace, Partial::Resume)).await;
    commit(&mut targets).await.1.unwrap();
    assert!(folder.path().join("new").is_file());
    symlink("round", folder.path().join("round")).unwrap();
    let round = Place::Path(folder.path().join("round"));
    let error = refused(&mut targets, spec(round, Existing::Replace, Partial::Resume)).await;
    assert!(matches!(error, TargetError::NotAFile { refusal: crate::files::Refusal::Link, .. }), "{error}");
}

#[tokio::test]
async fn a_link_that_another_user_has_made_is_not_written_through() {
    for is_foreign in [false, true] {
        let (disk, mut targets) = memory();
        disk.put("d/precious", b"precious").unwrap();
        match is_foreign {
            true => disk.put_foreign_link("d/book.bin", "precious").unwrap(),
            false => disk.put_link("d/book.bin", "precious").unwrap(),
        }
        let into = spec(Place::Folder("d".into()), Existing::Replace, Partial::Resume);
        if is_foreign {
            let error = refused(&mut targets, into).await;
            assert!(error.to_string().contains("a symbolic link of another user"), "{error}");
            assert_eq!(disk.read("d/precious"), Some(b"precious".to_vec()));
        } else {
            opened(&mut targets, into).await;
            write(&mut targets, 0, b"new").await;
            commit(&mut targets).await.1.unwrap();
            assert_eq!(disk.read("d/precious"), Some(b"new".to_vec()));
        }
    }
}

#[tokio::test]
async fn the_servers_time_is_kept_where_that_was_asked_for() {
    let (folder, mut targets) = real();
    let at = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().modified().unwrap();
    for (name, time) in [("now", Time::Now), ("then", Time::Remote)] {
        let place = Place::Path(folder.path().join(name));
        let spec = TargetSpec::File { place, existing: Existing::Refuse, partial: Partial::Resume, time };
        opened(&mut targets, spec).await;
        write(&mut targets, 0, b"bytes").await;
        commit(&mut targets).await.1.unwrap();
    }
    let then = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_000_000_000);
    assert_eq!(at("then"), then);
    assert!(at("now") > then);
}

#[tokio::test]
async fn a_partial_file_that_somebody_removed_or_replaced_is_named_and_gets_no_name() {
    let (folder, mut targets) = real();
    let partial = folder.path().join(".book.bin.part");
    for replacement in [None, Some(b"somebody else's")] {
        opened(&mut targets, into_folder(folder.path())).await;
        write(&mut targets, 0, b"bytes").await;
        std::fs::remove_file(&partial).unwrap();
        if let Some(bytes) = replacement {
            std::fs::write(&partial, bytes).unwrap();
        }
        let (event_, result) = commit(&mut targets).await;
        let TargetEvent::Failed { error: error @ TargetError::PartialGone { .. } } = event_ else {
            panic!("{event_:?}");
        };
        assert!(error.to_string().contains("/.book.bin.part was removed or replaced"), "{error}");
        assert!(result.is_err());
        targets.submit(DOWNLOAD, TargetOp::Keep);
        assert!(matches!(event(&mut targets).await, TargetEvent::Discarded { .. }), "nothing was kept");
        assert_eq!(names(folder.path()).len(), usize::from(replacement.is_some()));
    }
    // With its folder.
    std::fs::remove_file(&partial).unwrap();
    let deep = folder.path().join("deep");
    std::fs::create_dir(&deep).unwrap();
    opened(&mut targets, into_folder(&deep)).await;
    std::fs::remove_dir_all(&deep).unwrap();
    let (event, _) = commit(&mut targets).await;
    assert!(matches!(event, TargetEvent::Failed { error: TargetError::PartialGone { .. } }), "{event:?}");
}

#[tokio::test]
async fn what_the_disk_did_not_take_is_not_gone_on_from() {
    for errno in [rustix::io::Errno::IO, rustix::io::Errno::NOSPC, rustix::io::Errno::DQUOT] {
        let (disk, mut targets) = memory();
        opened(&mut targets, into_folder(Path::new("d"))).await;
        write(&mut targets, 0, b"bytes").await;
        disk.set_broken(Some(errno));
        let (event_, result) = commit(&mut targets).await;
        let TargetEvent::Failed { error: error @ TargetError::NotSynced { .. } } = event_ else {
            panic!("{event_:?}");
        };
        assert!(error.to_string().starts_with("the disk did not take d/.book.bin.part"), "{error}");
        assert!(result.is_err());
        // The next sync would answer as if all were well.
        disk.set_broken(None);
        targets.submit(DOWNLOAD, TargetOp::Keep);
        assert!(matches!(event(&mut targets).await, TargetEvent::Discarded { .. }));
        assert_eq!(disk.read("d/.book.bin.part"), None);
        assert!(targets.is_idle());
    }
}

#[tokio::test]
async fn a_missing_folder_and_a_read_only_disk_are_named() {
    let (disk, mut targets) = memory();
    let missing = spec(Place::Path("gone/book.bin".into()), Existing::Refuse, Partial::Resume);
    let text = refused(&mut targets, missing).await.to_string();
    assert_eq!(text, "the folder gone does not exist: create it, or choose another with -d");
    disk.set_access(Access::ReadOnly);
    let error = refused(&mut targets, into_folder(Path::new("d"))).await;
    assert_eq!(error.kind(), LocalError::Denied);
    assert!(error.to_string().starts_with("d/.book.bin.part is on a read-only file system"), "{error}");
}

#[tokio::test]
async fn a_full_disk_keeps_what_it_took() {
    let (disk, mut targets) = memory();
    opened(&mut targets, into_folder(Path::new("d"))).await;
    disk.set_free(10);
    write(&mut targets, 0, b"12345678").await;
    targets.write(DOWNLOAD, 8, b"9abc");
    targets.flush();
    match event(&mut targets).await {
        TargetEvent::Failed { error: error @ TargetError::NoSpace { kept: 8, .. } } => {
            assert!(error.to_string().contains("make room"), "{error}");
        }
        other => panic!("{other:?}"),
    }
    let failed = targets.next().await;
    assert!(matches!(failed, TargetCompletion::Failed { error: LocalError::NoSpace, .. }), "{failed:?}");
    // What was under way behind it is dropped, not written behind a hole.
    targets.write(DOWNLOAD, 12, b"d");
    targets.submit(DOWNLOAD, TargetOp::Keep);
    assert!(matches!(event(&mut targets).await, TargetEvent::Kept { length: 8, .. }));
    disk.set_free(100);
    let (_, _, have) = opened(&mut targets, into_folder(Path::new("d"))).await;
    assert_eq!(have, Have { length: 8, hash: hash(b"12345678") });
}

#[tokio::test]
async fn a_full_standard_output_is_an_error_and_not_a_panic() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut targets = FileTargets::new(RealDisk, Box::new(full), Where::Pool);
    open(&mut targets, DOWNLOAD, TargetSpec::Stdout).await.1.unwrap();
    targets.write(DOWNLOAD, 0, b"bytes");
    targets.flush();
    let event = event(&mut targets).await;
    assert!(matches!(event, TargetEvent::Failed { error: TargetError::NoSpace { .. } }), "{event:?}");
}

#[tokio::test]
async fn standard_output_belongs_to_one_download_at_a_time_and_is_given_back() {
    let (_disk, mut targets) = memory();
    open(&mut targets, DOWNLOAD, TargetSpec::Stdout).await.1.unwrap();
    assert_eq!(open(&mut targets, SECOND, TargetSpec::Stdout).await.1, Err(LocalError::Locked));
    write(&mut targets, 0, b"bytes").await;
    assert_eq!(digest(&mut targets).await, hash(b"bytes"));
    commit(&mut targets).await.1.unwrap();
    open(&mut targets, SECOND, TargetSpec::Stdout).await.1.unwrap();
    targets.submit(SECOND, TargetOp::Keep);
    assert!(matches!(event(&mut targets).await, TargetEvent::Closed { .. }));
    targets.open(SECOND, &FileName::parse("x").unwrap(), TargetSpec::folder("d"));
    assert!(matches!(event(&mut targets).await, TargetEvent::Opened { .. }));
}

/// The next answer, which must be there: whoever waits for the end waits for it.
fn next_at_once<D: Disk>(targets: &mut FileTargets<D>) -> TargetCompletion {
    let mut next = std::pin::pin!(targets.next());
    match next.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())) {
        std::task::Poll::Ready(completion) => completion,
        std::task::Poll::Pending => {
            panic!("nothing is told, and a loop that waits for the end would wait for ever")
        }
    }
}

#[tokio::test]
async fn every_way_to_close_is_told_whatever_the_bytes_went_into() {
    let specs = [TargetSpec::Stdout, into_folder(Path::new("d"))];
    for spec in specs {
        for op in [TargetOp::Keep, TargetOp::Discard, COMMIT] {
            for bytes in [b"".as_slice(), b"bytes"] {
                let (_disk, mut targets) = memory();
                open(&mut targets, DOWNLOAD, spec.clone()).await.1.unwrap();
                if !bytes.is_empty() {
                    write(&mut targets, 0, bytes).await;
                }
                targets.submit(DOWNLOAD, op);
                while !targets.is_idle() {
                    let _ = next_at_once(&mut targets);
                }
            }
        }
    }
}

#[tokio::test]
async fn an_output_that_takes_nothing_keeps_nobody_from_ending_or_beginning() {
    /// Answers when it is let go.
    struct Stuck(std::sync::mpsc::Receiver<()>);
    impl Write for Stuck {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _ = self.0.recv();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let (let_go, stuck) = std::sync::mpsc::channel();
    let folder = tempfile::tempdir().unwrap();
    let mut targets = FileTargets::new(RealDisk, Box::new(Stuck(stuck)), Where::Pool);
    open(&mut targets, DOWNLOAD, TargetSpec::Stdout).await.1.unwrap();
    targets.write(DOWNLOAD, 0, b"bytes");
    targets.flush();
    assert!(!targets.is_idle());
    targets.submit(DOWNLOAD, TargetOp::Keep);
    assert!(targets.is_idle());
    open(&mut targets, SECOND, into_folder(folder.path())).await.1.unwrap();
    drop(let_go);
}

#[tokio::test]
async fn a_discarded_or_empty_partial_file_is_removed() {
    for (op, bytes) in [(TargetOp::Discard, b"wrong".as_slice()), (TargetOp::Keep, b"")] {
        let (folder, mut targets) = real();
        opened(&mut targets, into_folder(folder.path())).await;
        if !bytes.is_empty() {
            write(&mut targets, 0, bytes).await;
        }
        targets.submit(DOWNLOAD, op);
        assert!(matches!(event(&mut targets).await, TargetEvent::Discarded { .. }));
        assert_eq!(names(folder.path()), [] as [&str; 0]);
    }
}

#[tokio::test]
async fn a_name_of_255_bytes_has_a_partial_file_too() {
    let (folder, mut targets) = real();
    let long = "n".repeat(255);
    let path = folder.path().join(&long);
    opened(&mut targets, spec(Place::Path(path.clone()), Existing::Refuse, Partial::Resume)).await;
    write(&mut targets, 0, b"bytes").await;
    commit(&mut targets).await.1.unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"bytes");
    // One more is what no file system takes; it is said and not shortened.
    let path = folder.path().join("n".repeat(256));
    let error = refused(&mut targets, spec(Place::Path(path), Existing::Refuse, Partial::Resume)).await;
    assert!(matches!(error, TargetError::Io { .. }), "{error}");
}

#[tokio::test]
async fn a_hole_is_refused() {
    let (_disk, mut targets) = memory();
    opened(&mut targets, into_folder(Path::new("d"))).await;
    targets.write(DOWNLOAD, 5, b"bytes");
    targets.flush();
    let event = event(&mut targets).await;
    assert!(matches!(event, TargetEvent::Failed { error: TargetError::Hole { end: 0, offset: 5, .. } }));
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

#[test]
fn a_partial_file_is_as_private_as_the_umask_says() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().unwrap();
    let ours = RealDisk.folder(folder.path()).unwrap();
    ours.create("f".as_ref()).unwrap();
    let plain = std::fs::File::create(folder.path().join("g")).unwrap();
    let mode = |name: &str| std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
    assert_eq!(mode("f"), mode("g"));
    drop(plain);
}

#[test]
fn a_rename_that_may_not_replace_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let ours = RealDisk.folder(folder.path()).unwrap();
    for name in ["from", "to"] {
        ours.create(name.as_ref()).unwrap().write_all_at(name.as_bytes(), 0).unwrap();
    }
    let error = ours.rename("from".as_ref(), "to".as_ref(), crate::files::disk::Overwrite::No).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(folder.path().join("to")).unwrap(), b"to");
    ours.rename("from".as_ref(), "to".as_ref(), crate::files::disk::Overwrite::Yes).unwrap();
    assert_eq!(std::fs::read(folder.path().join("to")).unwrap(), b"from");
    ours.sync().unwrap();
}
