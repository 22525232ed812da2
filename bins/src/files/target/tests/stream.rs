//! Pipes, devices and standard output, of which nothing is kept.

use std::future::poll_fn;
use std::task::Waker;

use super::*;

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
        let done = poll_fn(|cx| targets.jobs.poll_next(cx)).await;
        targets.finish(done);
    }
    assert!(!targets.is_idle());
    targets.submit(DOWNLOAD, TargetOp::Keep);
    assert!(targets.is_idle());
    // So that its thread ends with the test.
    let _reader = std::fs::File::open(pipe).unwrap();
}

#[tokio::test]
async fn a_full_standard_output_is_an_error_and_not_a_panic() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let mut targets = FileTargets::new(RealDisk, Box::new(full));
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
    match targets.poll_next(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(completion) => completion,
        Poll::Pending => {
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
    let mut targets = FileTargets::new(RealDisk, Box::new(Stuck(stuck)));
    open(&mut targets, DOWNLOAD, TargetSpec::Stdout).await.1.unwrap();
    targets.write(DOWNLOAD, 0, b"bytes");
    targets.flush();
    assert!(!targets.is_idle());
    targets.submit(DOWNLOAD, TargetOp::Keep);
    assert!(targets.is_idle());
    open(&mut targets, SECOND, into_folder(folder.path())).await.1.unwrap();
    drop(let_go);
}
