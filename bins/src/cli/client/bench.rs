//! For tests: an application on a bench, with what it writes and what it would hand in.

use std::io::{self, Write};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use backchat_core::chat::client::{ClientChatEvent, DisconnectReason};
use backchat_core::chat::{RequestId, ServerFrame};
use backchat_core::node::{ClientEvent, DownloadEvent, DownloadId};
use backchat_core::time::{Instant, UnixTime};

use super::voice::{Style, Voice};
use crate::cli::values::HostPort;
use crate::driver::application::{Application, Command, Flow, Receipt};

/// What an application wrote.
#[derive(Clone, Debug, Default)]
pub(super) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    /// A voice that writes here, at noon.
    pub(super) fn voice(&self, style: Style) -> Voice {
        Voice::new(style, self.clone()).at(|| UnixTime::from_millis(1_795_348_800_000))
    }

    /// The lines since the last call.
    pub(super) fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().expect("no panic"));
        String::from_utf8(bytes).expect("UTF-8").lines().map(str::to_owned).collect()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("no panic").write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A server that is nowhere.
pub(super) fn server() -> HostPort {
    "h:7".parse().expect("an address")
}

/// The command that the application hands in now, if there is one.
pub(super) fn next(application: &mut impl Application) -> Option<Command> {
    let mut command = pin!(application.command());
    match command.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(command) => Some(command),
        Poll::Pending => None,
    }
}

/// Takes the command that the application hands in now, as request number `id`.
pub(super) fn take(application: &mut impl Application, id: u64) -> Command {
    let command = next(application).expect("a command");
    let receipt = Receipt::Request(RequestId::Number(id));
    assert_eq!(application.answered(command.clone(), Ok(receipt), Instant::ZERO), Flow::Continue);
    command
}

/// Tells of something in the chat.
pub(super) fn tell(application: &mut impl Application, event: ClientChatEvent) -> Flow {
    application.event(ClientEvent::Chat(event), Instant::ZERO)
}

/// Tells of a frame.
pub(super) fn frame(application: &mut impl Application, json: &str) -> Flow {
    let frame = ServerFrame::decode(json.as_bytes()).expect(json);
    tell(application, ClientChatEvent::Frame(frame))
}

/// Tells of something about a download.
pub(super) fn download(
    application: &mut impl Application,
    download: DownloadId,
    event: DownloadEvent,
) -> Flow {
    application.event(ClientEvent::Download { download, event }, Instant::ZERO)
}

/// Tells that the connection was lost for good.
pub(super) fn give_up(application: &mut impl Application, reason: DisconnectReason) -> Flow {
    let _ = tell(application, ClientChatEvent::Disconnected { reason });
    tell(application, ClientChatEvent::GaveUp)
}
