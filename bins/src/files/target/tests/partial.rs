//! What is kept beside the file until it is whole, and gone on from.

use super::*;

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
    let mut targets = FileTargets::new(RealDisk, Box::new(std::io::sink()));
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
async fn a_second_handle_is_told_that_the_file_is_locked() {
    let (folder, mut targets) = real();
    let (_, _, _) = opened(&mut targets, into_folder(folder.path())).await;
    let mut other = FileTargets::new(RealDisk, Box::new(std::io::sink()));
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
