//! What the server reads of bytes from outside beside the chat, as functions of these bytes alone: for fuzzers.

use backchat_core::chat::StoredBan;
use serde_json::Value;

use super::metrics::{Hosts, scrape_refusal};
use super::{admin, state};

/// The bans of a file, and what is wrong with it, each as `LINE: WHAT`.
pub fn bans(bytes: &[u8]) -> (Vec<StoredBan>, Vec<String>) {
    state::bans::parse(bytes)
}

/// The line that keeps a ban in the file, without its line feed.
pub fn ban_line(ban: &StoredBan) -> String {
    Value::Object(admin::ban_object(&ban.whom, ban.until, ban.reason.as_deref())).to_string()
}

/// Reads a request of the control socket, and the operator's command in it.
///
/// # Errors
/// What the operator is told.
#[cfg(unix)]
pub fn operator_request(line: &[u8]) -> Result<(), String> {
    let command = super::control::command(line)?;
    admin::Typed::read(&command).map(drop).map_err(|error| error.to_string())
}

/// Reads a request for the metrics, from a server that is asked by these names too; `None` while its end is missing.
///
/// # Errors
/// The response that refuses it.
pub fn scrape(bytes: &[u8], hosts: &[&str]) -> Option<Result<(), String>> {
    scrape_refusal(bytes, &Hosts::new(hosts.iter().copied()))
}
