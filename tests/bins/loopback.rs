//! Whole loops over real sockets on loopback: a server and clients as they ship, without their command lines.
//!
//! What is asserted is what arrives, never when. The only clock here is a guard against waiting for ever.

#[path = "loopback/harness.rs"]
mod harness;

use std::path::Path;
use std::time::Duration;

use backchat::driver::{Command, Control, Ending, Receipt, Which};
use backchat::files::{Existing, Partial, Place, TargetEvent, TargetSpec, Time};
use backchat_core::chat::{ClientChatEvent, DisconnectReason, ServerFrame};
use backchat_core::node::{DownloadEvent, FailReason, LocalError};
use harness::{Client, Happening, Server, bytes_of, get, text_of};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn three_clients_see_each_other_come_talk_and_go() {
    let server = Server::start(&[]).await;
    let mut ann = Client::join(&server, "ann").await;
    let mut bob = Client::join(&server, "bob").await;
    let mut eve = Client::join(&server, "eve").await;
    for (client, others) in [(&mut ann, vec!["bob", "eve"]), (&mut bob, vec!["eve"])] {
        for other in others {
            client
                .until_frame(
                    |frame| matches!(frame, ServerFrame::Joined { nick, .. } if nick.as_str() == other),
                )
                .await;
        }
    }
    ann.send(Command::Say { text: "hello".into(), action: false }).await;
    for client in [&mut ann, &mut bob, &mut eve] {
        client.until_frame(|frame| text_of(frame) == Some("hello")).await;
    }
    let to = "bob".parse().unwrap();
    eve.send(Command::Tell { to, text: "psst".into(), action: false }).await;
    bob.until_frame(|frame| matches!(frame, ServerFrame::Private(it) if it.text == "psst")).await;
    eve.quit().await;
    for client in [&mut ann, &mut bob] {
        client
            .until_frame(|frame| matches!(frame, ServerFrame::Left { nick, .. } if nick.as_str() == "eve"))
            .await;
    }
    // What was private stayed so: it would have come before the notice.
    assert!(!ann.seen.iter().any(|it| matches!(it, Happening::Frame(ServerFrame::Private(_)))));
    server.stop().await;
}

#[tokio::test]
async fn files_of_every_size_around_a_segment_arrive() {
    let sizes = [0, 1, 1_199, 1_200, 1_201, 100_000];
    let files: Vec<(String, Vec<u8>)> =
        sizes.iter().map(|&size| (format!("{size}.bin"), bytes_of(size))).collect();
    let server = Server::start(&files).await;
    let mut client = Client::visit(&server).await;
    for (name, bytes) in &files {
        let folder = tempfile::tempdir().unwrap();
        client.download(name, TargetSpec::folder(folder.path())).await.unwrap();
        assert_eq!(&std::fs::read(folder.path().join(name)).unwrap(), bytes, "{name}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "{name}: no partial file is left");
    }
    client.quit().await;
    server.stop().await;
}

#[tokio::test]
async fn a_download_that_is_faster_than_its_socket_loses_nothing() {
    let server = Server::start(&[("book.bin".to_owned(), bytes_of(10))]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut client = Client::visit_late(&server);
    let summary = client.download("book.bin", TargetSpec::folder(folder.path())).await.unwrap();
    // Not asked for a second time, or there would be no saying how long the answer took.
    assert!(summary.round_trip.is_some());
    client.send(Command::Quit).await;
    assert_eq!(client.ended().await.datagrams_lost, 0);
    server.stop().await;
}

#[tokio::test]
async fn a_large_file_arrives() {
    let files = [("large.bin".to_owned(), bytes_of(64 << 20))];
    let server = Server::start(&files).await;
    let mut client = Client::visit(&server).await;
    let folder = tempfile::tempdir().unwrap();
    client.download("large.bin", TargetSpec::folder(folder.path())).await.unwrap();
    assert!(std::fs::read(folder.path().join("large.bin")).unwrap() == files[0].1);
    client.quit().await;
    server.stop().await;
}

#[tokio::test]
async fn four_downloads_run_at_once_beside_the_chat() {
    let files: Vec<_> = (0..4).map(|i| (format!("{i}.bin"), bytes_of((i + 1) << 20))).collect();
    let server = Server::start(&files).await;
    let mut ann = Client::join(&server, "ann").await;
    let bob = Client::join(&server, "bob").await;
    let folder = tempfile::tempdir().unwrap();
    for (name, _) in &files {
        ann.send(get(name, TargetSpec::folder(folder.path()))).await;
    }
    bob.send(Command::Say { text: "still here".into(), action: false }).await;
    ann.until_frame(|frame| text_of(frame) == Some("still here")).await;
    for _ in &files {
        ann.until(|it| matches!(it, Happening::Download(DownloadEvent::Finished(_))).then_some(())).await;
    }
    for (name, bytes) in &files {
        assert!(&std::fs::read(folder.path().join(name)).unwrap() == bytes, "{name}");
    }
    for client in [ann, bob] {
        client.quit().await;
    }
    server.stop().await;
}

#[tokio::test]
async fn a_stopped_download_goes_on_where_it_was() {
    let files = [("book.bin".to_owned(), bytes_of(32 << 20))];
    let server = Server::start(&files).await;
    let folder = tempfile::tempdir().unwrap();
    let mut client = Client::visit(&server).await;
    client.send(get("book.bin", TargetSpec::folder(folder.path()))).await;
    client.until(|it| matches!(it, Happening::Download(DownloadEvent::Progress { .. })).then_some(())).await;
    client.send(Command::Stop(Which::All)).await;
    let ended = client.until(harness::end_of_download).await;
    if ended.is_ok() {
        return; // Faster than its own first report: nothing left to resume.
    }
    let kept = client
        .until(|it| match it {
            Happening::Target(TargetEvent::Kept { length, .. }) => Some(*length),
            _ => None,
        })
        .await;
    client.quit().await;

    let mut client = Client::visit(&server).await;
    let summary = client.download("book.bin", TargetSpec::folder(folder.path())).await.unwrap();
    assert_eq!(summary.resumed_from, kept);
    assert!(std::fs::read(folder.path().join("book.bin")).unwrap() == files[0].1);
    client.quit().await;
    server.stop().await;
}

#[tokio::test]
async fn quitting_in_the_middle_of_a_download_keeps_what_it_has() {
    let files = [("book.bin".to_owned(), bytes_of(64 << 20))];
    let server = Server::start(&files).await;
    let folder = tempfile::tempdir().unwrap();
    let mut client = Client::visit(&server).await;
    client.send(get("book.bin", TargetSpec::folder(folder.path()))).await;
    client.until(|it| matches!(it, Happening::Download(DownloadEvent::Progress { .. })).then_some(())).await;
    client.quit().await;
    let partial = folder.path().join(".book.bin.part");
    if let Ok(kept) = std::fs::read(&partial) {
        assert!(!kept.is_empty() && files[0].1.starts_with(&kept));
    }
    server.stop().await;
}

#[tokio::test]
async fn a_file_that_is_not_there_and_one_that_exists_fail_with_their_reasons() {
    let files = [("book.bin".to_owned(), bytes_of(10))];
    let server = Server::start(&files).await;
    let folder = tempfile::tempdir().unwrap();
    let mut client = Client::visit(&server).await;
    let missing = client.download("missing", TargetSpec::folder(folder.path())).await;
    assert_eq!(missing.unwrap_err(), FailReason::NotFound);
    client.until(|it| matches!(it, Happening::Target(TargetEvent::Discarded { .. })).then_some(())).await;
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is left of it");
    client.download("book.bin", TargetSpec::folder(folder.path())).await.unwrap();
    let again = client.download("book.bin", TargetSpec::folder(folder.path())).await;
    assert_eq!(again.unwrap_err(), FailReason::Local(LocalError::Exists));
    let place = Place::Folder(folder.path().to_owned());
    let time = Time::Now;
    let spec = TargetSpec::File { place, existing: Existing::Rename, partial: Partial::Resume, time };
    client.download("book.bin", spec).await.unwrap();
    assert_eq!(std::fs::read(folder.path().join("book (1).bin")).unwrap(), files[0].1);
    client.quit().await;
    server.stop().await;
}

#[tokio::test]
async fn a_file_whose_bytes_changed_is_sent_anew_instead_of_being_resumed() {
    let server = Server::start(&[("book.bin".to_owned(), bytes_of(100_000))]).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(".book.bin.part"), b"something else").unwrap();
    let mut client = Client::visit(&server).await;
    let summary = client.download("book.bin", TargetSpec::folder(folder.path())).await.unwrap();
    assert_eq!(summary.resumed_from, 0);
    assert_eq!(std::fs::read(folder.path().join("book.bin")).unwrap(), bytes_of(100_000));
    client.quit().await;
    server.stop().await;
}

#[tokio::test]
async fn who_sends_everything_and_closes_its_side_still_gets_its_answers() {
    let server = Server::start(&[("book.bin".to_owned(), bytes_of(10))]).await;
    let mut stream = TcpStream::connect(server.chat).await.unwrap();
    stream.write_all(b"{\"type\":\"names\",\"id\":1}\n{\"type\":\"files\",\"id\":2}\n").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.contains("\"names\"") && answer.contains("\"book.bin\""), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn the_reason_for_being_closed_arrives_even_if_much_was_sent_and_not_read() {
    let server = Server::start(&[]).await;
    let mut stream = TcpStream::connect(server.chat).await.unwrap();
    // A line without an end is refused; what comes behind it is never read by the core.
    let (mut reader, mut writer) = stream.split();
    let sending = async {
        let junk = vec![b'x'; 1 << 20];
        // The server may be gone before everything was sent.
        let _ = writer.write_all(&junk).await;
        let _ = writer.shutdown().await;
    };
    let mut answer = String::new();
    let ((), read) = tokio::join!(sending, reader.read_to_string(&mut answer));
    read.unwrap();
    assert!(answer.contains("\"error\""), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_shutdown_tells_the_users_and_lets_a_download_finish() {
    let files = [("book.bin".to_owned(), bytes_of(32 << 20))];
    let server = Server::start(&files).await;
    let folder = tempfile::tempdir().unwrap();
    let mut ann = Client::join(&server, "ann").await;
    ann.send(get("book.bin", TargetSpec::folder(folder.path()))).await;
    ann.until(|it| matches!(it, Happening::Download(DownloadEvent::Started { .. })).then_some(())).await;
    server.control(Control::Shutdown { grace: Duration::from_secs(60) }).await;
    ann.until(harness::end_of_download).await.unwrap();
    assert!(std::fs::read(folder.path().join("book.bin")).unwrap() == files[0].1);
    let end = server.ended().await;
    assert_eq!(end.how, Ending::Stopped);
    assert_eq!(end.counters.downloads_ended.get("complete"), Some(&1));
    ann.quit().await;
}

#[tokio::test]
async fn an_aborted_server_is_a_lost_connection() {
    let server = Server::start(&[]).await;
    let mut ann = Client::join(&server, "ann").await;
    server.control(Control::Abort).await;
    assert_eq!(server.ended().await.how, Ending::Aborted);
    let reason = ann
        .until(|it| match it {
            Happening::Chat(ClientChatEvent::Disconnected { reason }) => Some(reason.clone()),
            _ => None,
        })
        .await;
    assert_eq!(reason, DisconnectReason::Lost);
    ann.quit().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_with_the_systems_words() {
    let server = Server::start(&[]).await;
    let address = server.chat;
    server.stop().await;
    let mut client = Client::visit_at(address);
    let error = client
        .until(|it| match it {
            Happening::CannotConnect(error) => Some(error.clone()),
            _ => None,
        })
        .await;
    assert!(error.to_lowercase().contains("refused"), "{error}");
    client.until(|it| matches!(it, Happening::Chat(ClientChatEvent::GaveUp)).then_some(())).await;
    client.quit().await;
}

#[tokio::test]
async fn a_reload_sees_another_folder_at_the_same_path() {
    let server = Server::start(&[("old".to_owned(), bytes_of(1))]).await;
    let path = server.folder.path().join("share");
    std::fs::rename(&path, server.folder.path().join("moved")).unwrap();
    std::fs::create_dir(&path).unwrap();
    std::fs::write(path.join("new"), b"x").unwrap();
    server.reload().await;
    let mut client = Client::visit(&server).await;
    client.send(Command::Files).await;
    let names = client
        .until(|it| match it {
            Happening::Frame(ServerFrame::Files { files, .. }) => {
                Some(files.iter().map(|file| file.name.as_str().to_owned()).collect::<Vec<_>>())
            }
            _ => None,
        })
        .await;
    assert_eq!(names, ["new"]);
    client.quit().await;
    server.stop().await;
}

#[tokio::test]
async fn finishing_waits_for_what_was_said_and_asked_for() {
    let server = Server::start(&[("book.bin".to_owned(), bytes_of(1 << 20))]).await;
    let folder = tempfile::tempdir().unwrap();
    let mut bob = Client::join(&server, "bob").await;
    let ann = Client::join(&server, "ann").await;
    // More than the server takes at once: the client paces itself.
    for number in 0..8 {
        ann.send(Command::Say { text: format!("line {number}"), action: false }).await;
    }
    ann.send(get("book.bin", TargetSpec::folder(folder.path()))).await;
    ann.send(Command::Finish).await;
    ann.ended().await;
    assert!(Path::exists(&folder.path().join("book.bin")));
    bob.until_frame(|frame| text_of(frame) == Some("line 7")).await;
    bob.quit().await;
    server.stop().await;
}

#[tokio::test]
async fn commands_are_answered_before_what_follows_from_them() {
    let server = Server::start(&[]).await;
    let mut client = Client::visit(&server).await;
    client.send(Command::Say { text: "nobody hears".into(), action: false }).await;
    let refused = client
        .until(|it| match it {
            Happening::Answered(_, answer) => Some(answer.clone()),
            _ => None,
        })
        .await;
    assert!(refused.is_err(), "who has not joined cannot speak");
    let here = tempfile::tempdir().expect("a folder");
    client.send(get("missing", TargetSpec::folder(here.path()))).await;
    let order: Vec<&'static str> = client
        .until_all(
            |it| match it {
                Happening::Answered(_, Ok(Receipt::Download(_))) => Some("answered"),
                Happening::Target(TargetEvent::Opened { .. }) => Some("opened"),
                Happening::Download(DownloadEvent::Failed { .. }) => Some("failed"),
                _ => None,
            },
            3,
        )
        .await;
    assert_eq!(order, ["answered", "opened", "failed"]);
    client.quit().await;
    server.stop().await;
}
