//! x
use backchat_sim::scenario::Scenario;
use backchat_sim::trace::{Record, text::Line};
fn main() {
    let mut args = std::env::args().skip(1);
    let file = std::fs::read(args.next().unwrap()).unwrap();
    let seed = args.next().map_or(0, |s| s.parse().unwrap());
    let scenario = Scenario::parse_bytes(&file).unwrap();
    let mut records: Vec<Record> = Vec::new();
    let end = backchat_sim::run::run(&scenario, seed, Default::default(), &mut records).unwrap();
    for record in &records {
        println!("{}", Line(record));
    }
    eprintln!("{:?} {:#?} {:?}", end.end, end.violations, end.summary.downloads());
}
