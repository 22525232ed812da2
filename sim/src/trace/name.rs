//! Short texts that records carry: of the program itself, or read from a file.

use core::fmt;
use core::ops::Deref;
use std::sync::Arc;

use backchat_core::chat::{Nickname, Text};

/// A short text that is cheap to copy: a name of the program's own costs nothing, another is shared.
#[derive(Clone)]
pub struct Name(Inner);

#[derive(Clone)]
enum Inner {
    Static(&'static str),
    Shared(Arc<str>),
}

impl Name {
    /// A text of the program itself.
    pub const fn of(text: &'static str) -> Self {
        Self(Inner::Static(text))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Inner::Static(text) => text,
            Inner::Shared(text) => text,
        }
    }
}

impl Deref for Name {
    type Target = str;
    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl From<super::Node> for Name {
    fn from(node: super::Node) -> Self {
        Self::of(node.as_str())
    }
}

impl From<Nickname> for Name {
    fn from(nickname: Nickname) -> Self {
        Self(Inner::Shared(nickname.into()))
    }
}

impl From<Text> for Name {
    fn from(text: Text) -> Self {
        Self(Inner::Shared(text.into()))
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(Inner::Shared(text.into()))
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Self(Inner::Shared(text.into()))
    }
}

impl PartialEq for Name {
    fn eq(&self, other: &Self) -> bool {
        let (this, other) = (self.as_str(), other.as_str());
        // Most are of the program itself, and one with itself.
        core::ptr::eq(this, other) || this == other
    }
}

impl Eq for Name {}

impl PartialOrd for Name {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Name {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl PartialEq<str> for Name {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for Name {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl core::borrow::Borrow<str> for Name {
    fn borrow(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}
