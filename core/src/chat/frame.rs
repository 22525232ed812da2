//! Frames: one JSON object a line.
//!
//! Each object has a `type`; who asks may add an `id`, which comes back in the answer. Unknown fields are
//! ignored, so that both sides may grow; an unknown type is answered with an error by the server and counted and
//! ignored by the client. [`client`] holds what clients send, [`server`] what servers send.

pub mod client;
pub mod code;
pub mod id;
pub mod server;
pub mod text;

pub use client::{ClientFrame, Have, Request};
pub use code::ErrorCode;
pub use id::RequestId;
pub use server::{ErrorFrame, FileEntry, Message, NameEntry, Private, ServerFrame, TicketFrame, Welcome};
pub use text::{Text, TextError, check_text};

use crate::text::visible;
use bytes::Bytes;
use std::borrow::Cow;

/// The version of the chat's protocol, told in the welcome. Clients of this one, the first, leave it out when they join,
/// as does whoever takes part by hand.
pub const PROTOCOL: u32 = 1;

/// Why a line is not a frame.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Not one JSON object, or a field that every frame shares is of the wrong kind.
    #[error("not a frame: {0}")]
    Json(Box<str>),
    /// The object has no `type`.
    #[error("not a frame: it has no type")]
    NoType,
    /// A type that this version does not know.
    #[error("unknown type {0:?}")]
    UnknownType(Box<str>),
    /// A field of the type is missing or of the wrong kind.
    #[error("{kind}: {detail}")]
    Fields {
        /// The frame's type.
        kind: &'static str,
        /// What is wrong.
        detail: Box<str>,
    },
}

/// Most bytes of a description that is sent back to who sent what it describes.
const MAX_DETAIL_BYTES: usize = 200;

/// What is common to all frames.
#[derive(serde::Deserialize)]
#[serde(expecting = "a JSON object with a type, such as {\"type\":\"names\"}")]
struct Head<'a> {
    #[serde(borrow, default, rename = "type")]
    kind: Option<Kind<'a>>,
    #[serde(default)]
    id: Option<RequestId>,
}

/// A `type`, where it stands in the line unless it is written with escapes.
#[derive(serde::Deserialize)]
#[serde(expecting = "a string")]
struct Kind<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'a> Head<'a> {
    fn decode(line: &'a [u8]) -> Result<(Cow<'a, str>, Option<RequestId>), FrameError> {
        let head: Self = serde_json::from_slice(line).map_err(|e| FrameError::Json(detail(&e)))?;
        Ok((head.kind.ok_or(FrameError::NoType)?.0, head.id))
    }
}

/// The `type` of a line that begins with it and spells it plainly, as every line of ours does.
fn leading_kind(line: &[u8]) -> Option<&[u8]> {
    let rest = line.strip_prefix(br#"{"type":""#)?;
    let end = rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
    rest.get(..end).filter(|_| rest.get(end) == Some(&b'"'))
}

/// Returns the message of `error`, made visible, because it quotes the line, and cut so that it never echoes
/// a whole hostile one.
fn detail(error: &serde_json::Error) -> Box<str> {
    shorten(&visible(&error.to_string()).to_string()).into()
}

/// `text`, or as much of its beginning as [`MAX_DETAIL_BYTES`] hold.
fn shorten(text: &str) -> &str {
    let mut end = text.len().min(MAX_DETAIL_BYTES);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or("")
}

/// The line of a frame. Writing to memory cannot fail, and no frame has a map with keys that JSON cannot hold.
fn encode(frame: &impl serde::Serialize) -> Bytes {
    let mut line = serde_json::to_vec(frame).unwrap_or_default();
    line.push(b'\n');
    Bytes::from(line)
}

/// For `skip_serializing_if`: a flag that is not set is not written.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_unset(flag: &bool) -> bool {
    !*flag
}
