//! A recorded trace. What is understood is written and understood again as the same; what is not is told on one line,
//! without a control character.
#![no_main]

use backchat_core::text::is_printable;
use backchat_sim::trace::json::Lines;
use backchat_sim::trace::recorded;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let trace = match recorded::read(bytes) {
        Ok(trace) => trace,
        Err(error) => return assert!(is_printable(&error.to_string()), "{error:?}"),
    };
    let mut lines = Lines::new(Vec::new(), &trace.header);
    trace.records.iter().try_for_each(|record| lines.record(record)).expect("memory takes it");
    let written = lines.finish(trace.records.len() as u64, [0; 32]).expect("memory takes it");
    let again = recorded::read(&written[..]).unwrap_or_else(|error| panic!("{error}"));
    assert_eq!((again.header, again.records), (trace.header, trace.records));
});
