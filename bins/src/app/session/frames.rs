//! What the server's frames say about the chat, and which of them are told.

use backchat_core::chat::{RequestId, ServerFrame};

use super::{Curiosity, Session};
use crate::app::happening::{self, Happening};

/// Round trips that are remembered: the shortest of a few is the network's, the others held something up.
const ROUND_TRIPS: usize = 8;

/// Files that are remembered of a list: as many as our server puts into one.
pub(crate) const MAX_FILES: usize = crate::files::share::LISTING_MAX;

impl Session {
    pub(super) fn on_frame(&mut self, mut frame: ServerFrame) {
        self.roster.on_frame(&frame);
        self.learn(&frame);
        let request = happening::id_of(&mut frame).and_then(|id| id.clone());
        if let Some(request) = &request {
            self.on_round_trip(request);
        }
        let has_more =
            matches!(frame, ServerFrame::Names { more: true, .. } | ServerFrame::Files { more: true, .. });
        let is_ours = self.curiosity == Curiosity::Panes
            && request.as_ref().is_some_and(|id| self.requests.is_silent(id));
        let id = request.as_ref().and_then(|id| match has_more {
            true => self.requests.name_of(id).cloned(),
            false => self.settle(id),
        });
        match frame {
            ServerFrame::Names { .. } | ServerFrame::Files { .. } if is_ours => {}
            ServerFrame::Message(ref message) if self.ignores(&message.from) => {}
            ServerFrame::Private(ref message) if self.ignores(&message.from) => {}
            ServerFrame::Closing { .. } if self.end.is_some() => self.tell(Happening::Farewell(frame)),
            frame => self.tell(Happening::Frame { frame, id }),
        }
    }

    /// What a frame says about the chat as it is now.
    fn learn(&mut self, frame: &ServerFrame) {
        match frame {
            ServerFrame::Welcome(welcome) => {
                self.requests.set_text_limit(welcome.limits.text_bytes);
                self.keeping.turns.learn(&welcome.limits);
                self.nick = welcome.nick.clone();
            }
            ServerFrame::Renamed { from, to, .. } => {
                if from.key() == self.nick.key() {
                    self.nick = to.clone();
                }
                // Another name is no way around it.
                if self.ignored.remove(&from.key()).is_some() {
                    self.ignored.insert(to.key(), to.clone());
                }
            }
            ServerFrame::Private(private) if !private.backlog && private.from.key() != self.nick.key() => {
                self.correspondent = Some(private.from.clone());
            }
            ServerFrame::Files { id, files, more } if id.is_some() && *id == self.files_asked => {
                self.pages.extend(files.iter().take(MAX_FILES - self.pages.len()).cloned());
                if !more {
                    self.files_asked = None;
                    self.files = std::mem::take(&mut self.pages);
                }
            }
            _ => {}
        }
    }

    fn on_round_trip(&mut self, request: &RequestId) {
        if let Some((_, sent)) = self.timed.take_if(|(timed, _)| timed == request) {
            if self.round_trips.len() == ROUND_TRIPS {
                self.round_trips.pop_front();
            }
            self.round_trips.push_back(self.now - sent);
        }
    }
}
