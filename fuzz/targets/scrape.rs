//! A request for the metrics. However much of it has come when it is looked at, it is understood as the same.
#![no_main]

use backchat::cli::server::parsers::scrape;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let hosts = ["backchat.example"];
    let whole = scrape(bytes, &hosts);
    if let Some(Err(response)) = &whole {
        assert!(response.starts_with("HTTP/1.1 ") && response.contains("\r\n\r\n"), "{response:?}");
    }
    let mut is_known = false;
    for end in 0..bytes.len().min(512) {
        let begun = scrape(&bytes[..end], &hosts);
        assert!(begun.is_some() || !is_known, "what was whole stays whole");
        is_known = begun.is_some();
        assert!(!is_known || begun == whole, "what follows the empty line changes nothing");
    }
});
