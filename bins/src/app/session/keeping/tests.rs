//! Every order in which a download, its chat and its session can notice that one of the two was away.

use backchat_core::chat::Nickname;
use backchat_core::chat::client::{ClientChatEvent, DisconnectReason};
use backchat_core::node::{ClientEvent, DownloadEvent, FailReason};
use backchat_core::wire::{CongestionChoice, FileVersion, TransferId};

use super::*;
use crate::app::input::Input;
use crate::app::session::{Curiosity, Effect, Message};
use crate::driver::application::Receipt;

/// What happens to a chat with a download that runs.
#[derive(Clone, Copy, Debug)]
enum Happens {
    /// The server sends the file, from what was kept on.
    Starts,
    /// Bytes come: so many are there now.
    Reaches(u64),
    /// It times out while the chat hears the server.
    TimesOut,
    /// It times out, and the chat heard nothing either, or the process did not run.
    TimesOutAway,
    /// The server says that its session is over.
    SessionOver,
    /// The chat notices that the server is silent.
    LosesLink,
    /// The chat is back in the same session, or in another.
    Resumes,
    BeginsAnew,
}

use Happens::{BeginsAnew, LosesLink, Reaches, Resumes, SessionOver, Starts, TimesOut, TimesOutAway};

struct Bench {
    session: Session,
    requests: u64,
    /// Downloads that were asked for.
    gets: u64,
    /// What is there of the file.
    kept: u64,
    failures: usize,
}

impl Bench {
    fn new() -> Self {
        let nick = Nickname::parse("ann").expect("a nickname");
        let mut bench = Self {
            session: Session::new("h:7", nick, Curiosity::Lines),
            requests: 0,
            gets: 0,
            kept: 0,
            failures: 0,
        };
        bench.chat(ClientChatEvent::Connected);
        bench.chat(ClientChatEvent::Joined { resumed: false, new_epoch: false });
        let input = Input::Get(GetOptions::of("book.bin"));
        bench.update(Message::Input(input, None));
        bench
    }

    fn update(&mut self, message: Message) {
        for effect in self.session.update(Instant::ZERO, message) {
            match effect {
                Effect::Ask(asked) => {
                    let receipt = match &asked.command {
                        Command::Get { .. } => {
                            self.gets += 1;
                            Receipt::Download(DownloadId(self.gets))
                        }
                        _ => {
                            self.requests += 1;
                            Receipt::Request(RequestId::Number(self.requests))
                        }
                    };
                    self.update(Message::Answered(asked, Ok(receipt)));
                }
                Effect::Tell(Happening::Report { report, .. }) => {
                    self.failures += usize::from(matches!(report.news, News::Failed(_)));
                }
                Effect::Tell(_) | Effect::Exit => {}
            }
        }
    }

    fn chat(&mut self, event: ClientChatEvent) {
        self.update(Message::Client(ClientEvent::Chat(event)));
    }

    fn download(&mut self, event: DownloadEvent) {
        let download = DownloadId(self.gets);
        self.update(Message::Client(ClientEvent::Download { download, event }));
    }

    fn fails(&mut self, reason: FailReason, away: bool) {
        self.download(DownloadEvent::Failed { reason, message: "why".into(), kept: self.kept, away });
    }

    fn happens(&mut self, what: Happens) {
        match what {
            Starts => self.download(DownloadEvent::Started {
                transfer: TransferId(1),
                size: 100,
                start: self.kept,
                version: FileVersion([0; 16]),
                congestion: CongestionChoice::Classic,
                segment: 1200,
            }),
            Reaches(bytes) => self.kept = bytes,
            TimesOut => self.fails(FailReason::TimedOut, false),
            TimesOutAway => self.fails(FailReason::TimedOut, true),
            SessionOver => self.fails(FailReason::Lost, false),
            LosesLink => self.chat(ClientChatEvent::Disconnected { reason: DisconnectReason::Silent }),
            Resumes => {
                self.chat(ClientChatEvent::Connected);
                self.chat(ClientChatEvent::Joined { resumed: true, new_epoch: false });
            }
            BeginsAnew => {
                self.chat(ClientChatEvent::Connected);
                self.chat(ClientChatEvent::Joined { resumed: false, new_epoch: false });
            }
        }
    }
}

#[test]
fn a_download_goes_on_whichever_timer_notices_first_that_one_of_the_two_was_away() {
    for order in [
        // The server was silent for more than a minute, or the client slept as long: the download notices first.
        &[Starts, Reaches(50), TimesOut][..],
        &[Starts, Reaches(50), TimesOutAway],
        &[Starts, Reaches(50), TimesOutAway, LosesLink, Resumes],
        &[Starts, Reaches(50), TimesOut, LosesLink, BeginsAnew],
        // The chat first.
        &[Starts, Reaches(50), LosesLink, TimesOut, Resumes],
        &[Starts, Reaches(50), LosesLink, TimesOut, BeginsAnew],
        // The chat is back in its session, and the server has ended the download meanwhile.
        &[Starts, Reaches(50), LosesLink, Resumes, TimesOut],
        &[Starts, LosesLink, Resumes, TimesOut],
        // The session ended too.
        &[Starts, Reaches(50), LosesLink, SessionOver, BeginsAnew],
        &[Starts, Reaches(50), SessionOver, LosesLink, BeginsAnew],
        &[Starts, Reaches(50), LosesLink, BeginsAnew, SessionOver],
        // Nothing had come yet.
        &[TimesOutAway],
        &[Starts, TimesOutAway],
    ] {
        let mut bench = Bench::new();
        order.iter().for_each(|&what| bench.happens(what));
        assert_eq!(
            (bench.gets, bench.failures),
            (2, 0),
            "asked for again, and no failure is told: {order:?}"
        );
        assert_eq!(bench.session.interrupted().count(), 0, "{order:?}");
    }
}

#[test]
fn a_download_that_gets_nothing_while_the_chat_goes_on_is_not_asked_for_for_ever() {
    for (order, gets) in [
        // Datagrams never get through.
        (&[TimesOut][..], 1),
        (&[Starts, TimesOut], 1),
        // They did once.
        (&[Starts, Reaches(50), TimesOut, Starts, TimesOut], 2),
        (&[Starts, Reaches(50), TimesOut, Starts, Reaches(60), TimesOut, Starts, TimesOut], 3),
    ] {
        let mut bench = Bench::new();
        order.iter().for_each(|&what| bench.happens(what));
        assert_eq!((bench.gets, bench.failures), (gets, 1), "{order:?}");
    }
}
