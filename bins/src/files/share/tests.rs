//! The share on a disk in memory and on a real one.

use std::os::unix::fs::symlink;
use std::path::Path;

use super::*;
use crate::files::disk::File as _;
use crate::files::memory::MemoryDisk;
use crate::files::real::RealDisk;

const TRANSFER: TransferId = TransferId(1);

fn name(name: &str) -> FileName {
    FileName::parse(name).unwrap()
}

fn open_of(transfer: TransferId, file: &str) -> ShareRequest {
    let asker = Asker {
        address: backchat_core::chat::Address::of([192, 0, 2, 1].into()),
        session: backchat_core::chat::SessionId(1),
    };
    ShareRequest::Open { transfer, name: name(file), asker }
}

fn memory(files: &[(&str, &[u8])]) -> (MemoryDisk, FolderShare<MemoryDisk>) {
    let disk = MemoryDisk::new();
    disk.add_folder("share");
    for (name, bytes) in files {
        disk.put(Path::new("share").join(name), *bytes).unwrap();
    }
    let share = FolderShare::open(disk.clone(), "share").unwrap();
    (disk, share)
}

async fn open<D: Disk>(
    share: &mut FolderShare<D>,
    file: &str,
) -> Result<backchat_core::node::FileMeta, FileError> {
    share.submit(open_of(TRANSFER, file));
    match share.next().await {
        ShareCompletion::Opened { transfer: TRANSFER, result } => result,
        other => panic!("{other:?}"),
    }
}

async fn read<D: Disk>(share: &mut FolderShare<D>, range: Range<u64>) -> Result<ReadDone, FileError> {
    share.submit(ShareRequest::Read { transfer: TRANSFER, range });
    match share.next().await {
        ShareCompletion::Read { transfer: TRANSFER, result } => result,
        other => panic!("{other:?}"),
    }
}

async fn listed<D: Disk>(share: &mut FolderShare<D>) -> Vec<(String, u64)> {
    share.submit(ShareRequest::List);
    match share.next().await {
        ShareCompletion::Listing(entries) => {
            entries.iter().map(|entry| (entry.name.as_str().to_owned(), entry.size)).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn hash(bytes: &[u8]) -> backchat_core::wire::Hash {
    backchat_core::wire::Hash(*blake3::hash(bytes).as_bytes())
}

#[tokio::test]
async fn a_listing_is_sorted_and_holds_regular_files_with_names_that_can_be_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (name, size) in [("b.bin", 2), ("a.txt", 1), (".hidden", 3), ("tab\there", 4)] {
        std::fs::write(at(name), vec![0; size]).unwrap();
    }
    std::fs::create_dir(at("folder")).unwrap();
    symlink("a.txt", at("link")).unwrap();
    symlink("/etc/passwd", at("out")).unwrap();
    symlink("../outside", at("up")).unwrap();
    symlink("nowhere", at("dangling")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, at("fifo"), rustix::fs::Mode::RUSR).unwrap();
    let mut share = FolderShare::open(RealDisk, folder.path()).unwrap();
    let expected = [("a.txt".to_owned(), 1), ("b.bin".to_owned(), 2), ("link".to_owned(), 1)];
    assert_eq!(listed(&mut share).await, expected);
}

#[tokio::test]
async fn nothing_but_a_regular_file_inside_can_be_opened() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("a.txt"), b"a").unwrap();
    std::fs::create_dir(at("folder")).unwrap();
    symlink("a.txt", at("link")).unwrap();
    symlink("/etc/passwd", at("out")).unwrap();
    symlink("link2", at("link1")).unwrap();
    symlink("link1", at("link2")).unwrap();
    symlink("/dev/zero", at("device")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, at("fifo"), rustix::fs::Mode::RUSR).unwrap();
    symlink("fifo", at("to-fifo")).unwrap();
    let mut share = FolderShare::open(RealDisk, folder.path()).unwrap();
    for (file, expected) in [
        ("none", FileError::NotFound),
        ("folder", FileError::NotAFile),
        ("fifo", FileError::NotAFile),
        ("to-fifo", FileError::NotAFile),
        ("out", FileError::NotAFile),
        ("device", FileError::NotAFile),
        ("link1", FileError::NotAFile),
    ] {
        assert_eq!(open(&mut share, file).await, Err(expected), "{file}");
        share.submit(ShareRequest::Close { transfer: TRANSFER });
    }
    assert_eq!(open(&mut share, "link").await.unwrap().size, 1);
}

#[tokio::test]
async fn a_folder_that_takes_the_place_of_the_share_is_served_and_what_was_opened_stays_until_one_does() {
    let parent = tempfile::tempdir().unwrap();
    let share_path = parent.path().join("share");
    std::fs::create_dir(&share_path).unwrap();
    std::fs::write(share_path.join("old"), b"").unwrap();
    let mut share = FolderShare::open(RealDisk, &share_path).unwrap();
    std::fs::rename(&share_path, parent.path().join("moved")).unwrap();
    // As while somebody is replacing it.
    assert_eq!(listed(&mut share).await, [("old".to_owned(), 0)]);
    open(&mut share, "old").await.unwrap();
    share.submit(ShareRequest::Close { transfer: TRANSFER });
    std::fs::create_dir(&share_path).unwrap();
    std::fs::write(share_path.join("new"), b"").unwrap();
    open(&mut share, "new").await.unwrap();
    assert_eq!(listed(&mut share).await, [("new".to_owned(), 0)]);
    // A link that leads to another one now.
    std::fs::remove_dir_all(&share_path).unwrap();
    assert_eq!(listed(&mut share).await, []);
    symlink(parent.path().join("moved"), &share_path).unwrap();
    assert_eq!(listed(&mut share).await, [("old".to_owned(), 0)]);
    std::fs::write(parent.path().join("moved/late"), b"").unwrap();
    share.reload();
    assert_eq!(listed(&mut share).await.len(), 2);
}

#[tokio::test]
async fn a_name_is_found_however_its_accents_are_written() {
    let (composed, decomposed) = ("Caf\u{e9}", "Cafe\u{301}");
    for (there, asked) in [(composed, decomposed), (decomposed, composed), (composed, composed)] {
        let (_disk, mut share) = memory(&[(there, b"coffee")]);
        assert_eq!(open(&mut share, asked).await.unwrap().size, 6);
    }
    // Each of two that differ in nothing else has its own name.
    let (_disk, mut share) = memory(&[(composed, b"one"), (decomposed, b"the other")]);
    for (asked, size) in [(composed, 3), (decomposed, 9)] {
        assert_eq!(open(&mut share, asked).await.unwrap().size, size);
        share.submit(ShareRequest::Close { transfer: TRANSFER });
    }
    assert_eq!(open(&mut share, "Cafe").await, Err(FileError::NotFound));
}

#[tokio::test]
async fn a_missing_share_is_an_error_at_once() {
    let error = FolderShare::open(RealDisk, "/no/such/folder").err().unwrap();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
}

#[tokio::test]
async fn reads_are_held_hashed_along_and_remembered() {
    let bytes: Vec<u8> = (0..1000_u32).map(|i| i as u8).collect();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("f"), &bytes).unwrap();
    held_hashed_and_remembered(FolderShare::open(RealDisk, folder.path()).unwrap(), &bytes).await;
    held_hashed_and_remembered(memory(&[("f", &bytes)]).1, &bytes).await;
}

/// Reads the file `f`, which consists of a thousand `bytes`, twice.
async fn held_hashed_and_remembered<D: Disk>(mut share: FolderShare<D>, bytes: &[u8]) {
    let meta = open(&mut share, "f").await.unwrap();
    assert_eq!((meta.size, meta.hash), (1000, None));
    assert_eq!(read(&mut share, 0..600).await.unwrap().hash, None);
    assert_eq!(read(&mut share, 600..1000).await.unwrap().hash, Some(hash(bytes)));
    let mut copy = vec![0; 400];
    share.copy(TRANSFER, 400..800, &mut copy).unwrap();
    assert_eq!(copy, bytes[400..800]);
    share.submit(ShareRequest::Forget { transfer: TRANSFER, below: 600 });
    assert_eq!(share.copy(TRANSFER, 400..800, &mut copy), Err(NotHeld));
    share.submit(ShareRequest::Close { transfer: TRANSFER });
    assert_eq!(share.copy(TRANSFER, 600..1000, &mut copy), Err(NotHeld));
    // A second reader of the same version knows the hash beforehand.
    assert_eq!(open(&mut share, "f").await.unwrap().hash, Some(hash(bytes)));
    assert_eq!(read(&mut share, 0..1000).await.unwrap().hash, Some(hash(bytes)));
}

#[tokio::test]
async fn an_empty_file_has_its_hash_from_the_start() {
    let (_disk, mut share) = memory(&[("empty", b"")]);
    let meta = open(&mut share, "empty").await.unwrap();
    assert_eq!((meta.size, meta.hash), (0, Some(hash(b""))));
}

#[tokio::test]
async fn a_prefix_is_hashed_and_reading_goes_on_behind_it_or_starts_over() {
    for start in [4, 0] {
        let (_disk, mut share) = memory(&[("f", b"0123456789")]);
        open(&mut share, "f").await.unwrap();
        share.submit(ShareRequest::HashPrefix { transfer: TRANSFER, length: 4 });
        let prefix = ShareCompletion::PrefixHashed { transfer: TRANSFER, result: Ok(hash(b"0123")) };
        assert_eq!(share.next().await, prefix);
        assert_eq!(read(&mut share, start..10).await.unwrap().hash, Some(hash(b"0123456789")));
    }
}

#[tokio::test]
async fn a_prefix_of_several_slices_is_hashed_in_turns_and_remembered_until_the_file_changes() {
    let folder = tempfile::tempdir().unwrap();
    let bytes: Vec<u8> = (0..20 * 1024 * 1024_u32).map(|i| (i >> 10) as u8).collect();
    std::fs::write(folder.path().join("f"), &bytes).unwrap();
    let length = bytes.len() as u64 - 1;
    let mut share = FolderShare::open(RealDisk, folder.path()).unwrap();
    for is_known in [false, true] {
        let version = open(&mut share, "f").await.unwrap().version;
        assert_eq!(share.prefixes.find((version, length)).is_some(), is_known);
        share.submit(ShareRequest::HashPrefix { transfer: TRANSFER, length });
        assert_eq!(share.hashing, usize::from(!is_known), "who asks again has nothing hashed");
        let result = Ok(hash(&bytes[..bytes.len() - 1]));
        assert_eq!(share.next().await, ShareCompletion::PrefixHashed { transfer: TRANSFER, result });
        assert_eq!(share.hashing, 0);
        // Reading goes on behind it, and the hash of the whole is known.
        assert_eq!(read(&mut share, length..length + 1).await.unwrap().hash, Some(hash(&bytes)));
        share.submit(ShareRequest::Close { transfer: TRANSFER });
        // As if nobody had read it to its end.
        share.hashes = Hashes::of_files();
    }
    std::fs::write(folder.path().join("f"), &bytes[1..]).unwrap();
    let version = open(&mut share, "f").await.unwrap().version;
    assert!(share.prefixes.find((version, length)).is_none());
}

#[tokio::test]
async fn who_is_hashed_for_and_goes_leaves_the_turn_to_others() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("f"), vec![7; 9 * 1024 * 1024]).unwrap();
    let mut share = FolderShare::open(RealDisk, folder.path()).unwrap();
    share.hashers = 1;
    for number in 1..=3 {
        share.submit(open_of(TransferId(number), "f"));
        assert!(matches!(share.next().await, ShareCompletion::Opened { .. }));
    }
    for number in 1..=3 {
        let transfer = TransferId(number);
        share.submit(ShareRequest::HashPrefix { transfer, length: 9 * 1024 * 1024 - number });
    }
    share.submit(ShareRequest::Close { transfer: TransferId(1) });
    share.submit(ShareRequest::Close { transfer: TransferId(2) });
    let completion = share.next().await;
    assert!(matches!(completion, ShareCompletion::PrefixHashed { transfer: TransferId(3), result: Ok(_) }));
    assert_eq!((share.hashing, share.turns.pop()), (0, None));
}

#[tokio::test]
async fn a_file_that_shrinks_or_changes_while_it_is_sent_is_changed() {
    let (disk, mut share) = memory(&[("f", b"0123456789")]);
    open(&mut share, "f").await.unwrap();
    read(&mut share, 0..5).await.unwrap();
    disk.put("share/f", b"0123").unwrap();
    assert_eq!(read(&mut share, 5..8).await, Err(FileError::Changed));

    let (disk, mut share) = memory(&[("f", b"0123456789")]);
    open(&mut share, "f").await.unwrap();
    read(&mut share, 0..5).await.unwrap();
    disk.put("share/f", b"9876543210").unwrap();
    assert_eq!(read(&mut share, 5..10).await, Err(FileError::Changed));
}

/// Reads half of `f`, does something to it and reads the rest.
async fn sent_through(change: impl FnOnce(&Path)) -> Result<Option<backchat_core::wire::Hash>, FileError> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("f");
    std::fs::write(&file, b"0123456789").unwrap();
    // Long enough ago for any clock of a file system to have gone on.
    let then = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    let times = std::fs::FileTimes::new().set_modified(then).set_accessed(then);
    std::fs::File::options().write(true).open(&file).unwrap().set_times(times).unwrap();
    let mut share = FolderShare::open(RealDisk, folder.path()).unwrap();
    open(&mut share, "f").await.unwrap();
    read(&mut share, 0..5).await.unwrap();
    change(&file);
    let result = read(&mut share, 5..10).await.map(|done| done.hash);
    let mut copy = [0; 10];
    assert_eq!(share.copy(TRANSFER, 0..10, &mut copy).is_ok(), result.is_ok());
    result
}

/// What happens to a file while it is sent.
type Change<'a> = &'a dyn Fn(&Path);

#[tokio::test]
async fn what_leaves_the_bytes_alone_ends_no_download() {
    use std::os::unix::fs::PermissionsExt as _;
    let grow = |file: &Path| {
        let mut log = std::fs::File::options().append(true).open(file).unwrap();
        std::io::Write::write_all(&mut log, b"a line more").unwrap();
    };
    let changes: [(&str, Change<'_>); 5] = [
        ("renamed", &|file| std::fs::rename(file, file.with_extension("1")).unwrap()),
        ("another mode", &|file| {
            std::fs::set_permissions(file, std::fs::Permissions::from_mode(0o600)).unwrap();
        }),
        ("accessed", &|file| {
            let times = std::fs::FileTimes::new().set_accessed(std::time::SystemTime::now());
            std::fs::File::open(file).unwrap().set_times(times).unwrap();
        }),
        ("grown", &grow),
        ("rotated", &|file| {
            grow(file);
            std::fs::rename(file, file.with_extension("1")).unwrap();
            std::fs::write(file, b"begun anew").unwrap();
        }),
    ];
    for (what, change) in changes {
        assert_eq!(sent_through(change).await, Ok(Some(hash(b"0123456789"))), "{what}");
    }
}

#[tokio::test]
async fn bytes_that_changed_end_it_whatever_the_times_and_the_size_say() {
    let overwrite = |file: &Path, bytes: &[u8]| {
        let times = std::fs::metadata(file).unwrap();
        let times = std::fs::FileTimes::new().set_modified(times.modified().unwrap());
        let open = std::fs::File::options().write(true).open(file).unwrap();
        std::os::unix::fs::FileExt::write_all_at(&open, bytes, 0).unwrap();
        open.set_times(times).unwrap();
    };
    let changes: [(&str, Change<'_>); 4] = [
        ("time set back", &|file| overwrite(file, b"9")),
        ("grown, and its beginning too", &|file| overwrite(file, b"9123456789a")),
        ("shorter", &|file| std::fs::write(file, b"0123").unwrap()),
        ("the same length", &|file| std::fs::write(file, b"9876543210").unwrap()),
    ];
    for (what, change) in changes {
        assert_eq!(sent_through(change).await, Err(FileError::Changed), "{what}");
    }
}

#[tokio::test]
async fn a_file_that_is_removed_while_it_is_sent_is_sent_to_its_end() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("f"), b"0123456789").unwrap();
    let mut share = FolderShare::open(RealDisk, folder.path()).unwrap();
    open(&mut share, "f").await.unwrap();
    read(&mut share, 0..5).await.unwrap();
    std::fs::remove_file(folder.path().join("f")).unwrap();
    assert_eq!(read(&mut share, 5..10).await.unwrap().hash, Some(hash(b"0123456789")));
}

#[tokio::test]
async fn versions_differ_with_every_change_and_agree_without_one() {
    let (disk, mut share) = memory(&[("f", b"one"), ("g", b"one")]);
    let mut version = async |file: &str| {
        share.submit(ShareRequest::Close { transfer: TRANSFER });
        open(&mut share, file).await.unwrap().version
    };
    let (first, again, other) = (version("f").await, version("f").await, version("g").await);
    assert_eq!(first, again);
    assert_ne!(first, other);
    disk.put("share/f", b"two").unwrap();
    assert_ne!(version("f").await, first);
}

#[tokio::test]
async fn after_a_close_nothing_more_is_heard_of_a_transfer() {
    let (_disk, mut share) = memory(&[("f", b"0123456789")]);
    open(&mut share, "f").await.unwrap();
    share.submit(ShareRequest::Read { transfer: TRANSFER, range: 0..5 });
    share.submit(ShareRequest::Close { transfer: TRANSFER });
    assert_eq!(listed(&mut share).await.len(), 1);

    // The same with a job that is out: its answer finds another lane of the same name.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("f"), b"0123456789").unwrap();
    let mut share = FolderShare::open(RealDisk, folder.path()).unwrap();
    share.submit(open_of(TRANSFER, "missing"));
    share.submit(ShareRequest::Close { transfer: TRANSFER });
    assert_eq!(open(&mut share, "f").await.unwrap().size, 10);
}

#[tokio::test]
async fn requests_out_of_turn_are_errors_not_panics() {
    let (_disk, mut share) = memory(&[("f", b"0123456789")]);
    assert_eq!(read(&mut share, 0..5).await, Err(FileError::NotFound));
    share.submit(ShareRequest::Close { transfer: TRANSFER });
    open(&mut share, "f").await.unwrap();
    for range in [0..11, 5..u64::MAX] {
        assert!(matches!(read(&mut share, range).await, Err(FileError::Other(_))));
    }
    #[expect(clippy::reversed_empty_ranges)]
    let backwards = 5..4;
    assert!(matches!(read(&mut share, backwards).await, Err(FileError::Other(_))));
    share.submit(ShareRequest::HashPrefix { transfer: TRANSFER, length: 11 });
    let changed = ShareCompletion::PrefixHashed { transfer: TRANSFER, result: Err(FileError::Changed) };
    assert_eq!(share.next().await, changed);
    // A hole: the bytes are there, nobody claims to know the hash.
    assert_eq!(read(&mut share, 5..10).await.unwrap().hash, None);
}

#[tokio::test]
async fn a_server_without_a_share_lists_and_finds_nothing() {
    let mut share = NoShare::default();
    share.submit(ShareRequest::List);
    share.submit(open_of(TRANSFER, "f"));
    assert_eq!(share.next().await, ShareCompletion::Listing(Arc::new([])));
    let not_found = ShareCompletion::Opened { transfer: TRANSFER, result: Err(FileError::NotFound) };
    assert_eq!(share.next().await, not_found);
}

#[test]
fn a_memory_disk_keeps_a_file_without_a_name_for_its_handles() {
    let disk = MemoryDisk::new();
    disk.add_folder("d");
    disk.put("d/f", b"bytes").unwrap();
    let folder = disk.folder(Path::new("d")).unwrap();
    let file = folder.open("f".as_ref()).unwrap();
    folder.remove("f".as_ref()).unwrap();
    let mut bytes = Vec::new();
    file.read_at(0..5, &mut bytes).unwrap();
    assert_eq!(bytes, b"bytes");
    assert_eq!(disk.read("d/f"), None);
}

#[tokio::test]
async fn what_is_read_again_is_hashed_once_and_the_file_has_its_hash_at_its_end() {
    let bytes: Vec<u8> = (0..100).collect();
    let (_disk, mut share) = memory(&[("book.bin", &bytes)]);
    open(&mut share, "book.bin").await.unwrap();
    for (range, is_last) in [
        (0..40, false),
        (40..80, false),
        // Going back, with other pieces.
        (0..30, false),
        (30..60, false),
        (60..90, false),
        (90..100, true),
        (20..100, true),
    ] {
        let done = read(&mut share, range.clone()).await.unwrap();
        assert_eq!(done.hash, is_last.then(|| hash(&bytes)), "{range:?}");
        let mut into = vec![0; (range.end - range.start) as usize];
        share.copy(TRANSFER, range.clone(), &mut into).unwrap();
        assert_eq!(into, bytes[range.start as usize..range.end as usize]);
    }
}
