//! What keys and events make of a window.
