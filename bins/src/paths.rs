//! Paths in what people read.

use std::path::Path;

use backchat_core::text::visible;

/// Returns the path for a terminal: control, bidi and hidden characters of a file's name are spelt out.
pub(crate) fn shown(path: &Path) -> String {
    visible(&path.to_string_lossy()).to_string()
}
