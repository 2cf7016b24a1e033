//! One simulated market, written in every format: whichever is golden and whichever candidate, nothing differs.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;
use std::path::Path;

use common::{applicable, digest_of, run};
use verismo_feed::Format;
use verismo_feed::write::WriteOptions;
use verismo_market::message::Message;
use verismo_sim::exchange::DEFAULT_START_NS;
use verismo_sim::{Market, MarketConfig};
use verismo_suite::Verdict;

const SECOND_NS: i64 = 1_000_000_000;

/// Some minutes of a market, told by levels or order by order.
fn messages(by_orders: bool) -> impl Iterator<Item = Message> {
    let market = Market::new(MarketConfig::new(11).in_shares()).with_snapshots(300 * SECOND_NS);
    let market = if by_orders { market.with_orders() } else { market };
    market.take_while(|message| message.t_exchange_ns <= DEFAULT_START_NS + 400 * SECOND_NS)
}

fn write(format: Format, dir: &Path) {
    let mut writer = format.writer(dir, &WriteOptions::default()).unwrap();
    for message in messages(format.is_by_orders()) {
        writer.write(&message).unwrap();
    }
    writer.finish().unwrap();
}

#[test]
fn one_market_in_every_format_has_no_difference() {
    let scratch = tempfile::tempdir().unwrap();
    let formats: Vec<Format> = Format::all().filter(|format| format.has_events()).collect();
    assert!(formats.len() >= 8, "{formats:?}");
    for &format in &formats {
        fs::create_dir_all(scratch.path().join(format.name())).unwrap();
        write(format, &scratch.path().join(format.name()));
    }
    for (i, golden) in formats.iter().enumerate() {
        for candidate in &formats[i + 1..] {
            let what = format!("{} against {}", golden.name(), candidate.name());
            let report = run(&scratch.path().join(golden.name()), &scratch.path().join(candidate.name()));
            let pairing = &report.streams[0].pairing_reason;
            assert_eq!(report.verdict, Verdict::Pass, "{what}: {pairing}\n{}", digest_of(&report));
            let mut compared = 0;
            for finding in applicable(&report) {
                compared += 1;
                assert_eq!(finding.effect, Some(0.0), "{what}: {finding:?}\n{}", digest_of(&report));
            }
            assert!(compared >= 50, "{what}: only {compared} findings\n{}", digest_of(&report));
        }
    }
}
