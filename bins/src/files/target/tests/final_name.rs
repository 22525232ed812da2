//! The name that a file gets when it is whole, and what may stand there already.

use super::*;

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

#[test]
fn a_rename_that_may_not_replace_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let ours = RealDisk.folder(folder.path()).unwrap();
    for name in ["from", "to"] {
        ours.create(name.as_ref()).unwrap().write_all_at(&name.as_bytes().to_vec(), 0).unwrap();
    }
    let error = ours.rename("from".as_ref(), "to".as_ref(), crate::files::disk::Overwrite::No).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists);
    assert_eq!(std::fs::read(folder.path().join("to")).unwrap(), b"to");
    ours.rename("from".as_ref(), "to".as_ref(), crate::files::disk::Overwrite::Yes).unwrap();
    assert_eq!(std::fs::read(folder.path().join("to")).unwrap(), b"from");
    ours.sync().unwrap();
}
