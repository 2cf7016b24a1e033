//! What the tests of whole runs share: simulated data sets on disk, requests, and a look at reports.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs, dead_code, unreachable_pub)]

use std::path::{Path, PathBuf};

use verismo_engine::{Meter, ValidateRequest, validate};
use verismo_feed::write::{EventsOptions, EventsWriter, GoldenCompression, GoldenWriter};
use verismo_market::message::{Body, Message};
use verismo_sim::{Market, MarketConfig};
use verismo_suite::report::{Finding, Report};
use verismo_suite::suite::Suite;
use verismo_suite::{FindingVerdict, Verdict};

/// The first `n` messages of the market of `seed`, trades and depth updates.
pub fn market(seed: u64, n: usize) -> impl Iterator<Item = Message> + Send + Clone + 'static {
    Market::new(MarketConfig::new(seed)).take(n)
}

/// The same with a snapshot at the start of every hour; snapshots do not count.
pub fn market_with_snapshots(seed: u64, n: usize) -> impl Iterator<Item = Message> {
    let mut left = n;
    Market::new(MarketConfig::new(seed)).with_snapshots(3_600_000_000_000).take_while(move |message| {
        let is_snapshot = matches!(message.body, Body::Snapshot { .. });
        let go_on = left > 0;
        left -= usize::from(!is_snapshot && go_on);
        go_on
    })
}

pub fn write_golden(dir: &Path, messages: impl Iterator<Item = Message>) {
    let mut writer = GoldenWriter::create(dir, GoldenCompression::Plain).unwrap();
    for message in messages {
        writer.write(&message).unwrap();
    }
    writer.finish().unwrap();
}

pub fn write_events(dir: &Path, messages: impl Iterator<Item = Message>) {
    let mut writer = EventsWriter::create(dir, EventsOptions::default()).unwrap();
    for message in messages {
        writer.write(&message).unwrap();
    }
    writer.finish().unwrap();
}

pub fn request(golden: &Path, candidate: &Path) -> ValidateRequest {
    ValidateRequest { threads: 2, ..ValidateRequest::new(vec![golden.to_owned()], vec![candidate.to_owned()]) }
}

pub fn run(golden: &Path, candidate: &Path) -> Report {
    validate(&request(golden, candidate), &Meter::default()).unwrap()
}

/// With the built-in suite of that name.
pub fn run_with(suite: &str, golden: &Path, candidate: &Path) -> Report {
    let request = ValidateRequest { suite: Suite::builtin(suite), ..request(golden, candidate) };
    validate(&request, &Meter::default()).unwrap()
}

pub fn market_suite() -> Suite {
    Suite::builtin("market").unwrap()
}

/// Where real captures lie; `None` (said aloud) when they do not, a panic when they must.
pub fn real_data(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("VERISMO_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join(folder);
    if path.is_dir() {
        return Some(path);
    }
    assert!(std::env::var_os("VERISMO_REQUIRE_ALL").is_none_or(|v| v != "1"), "{} is missing", path.display());
    eprintln!("skipped: no real captures at {}", path.display());
    None
}

/// Whether the slow tier was asked for.
pub fn is_slow_tier() -> bool {
    let asked = std::env::var_os("VERISMO_SLOW").is_some_and(|v| v == "1");
    if !asked {
        eprintln!("skipped: set VERISMO_SLOW=1");
    }
    asked
}

/// A report in a few lines, for assertion messages.
pub fn digest_of(report: &Report) -> String {
    let mut text = format!("{:?}: {}\n", report.verdict, report.summary);
    for row in
        report.integrity.iter().filter(|r| !matches!(r.verdict, FindingVerdict::Pass | FindingVerdict::NotApplicable))
    {
        text += &format!(
            "  {} {} {}/{} {:?} {:?} {:?}\n",
            row.check,
            row.side.as_str(),
            row.count,
            row.total,
            row.severity,
            row.verdict,
            row.examples.first()
        );
    }
    for f in report.findings.iter().filter(|f| f.deciding) {
        text += &format!(
            "  {} {:?} {:?} {} effect {:?} interval {:?} margin {:?} h {:?} n {} {} n_eff {:?} {:?} {:?}: {}\n",
            f.observable,
            f.test,
            f.parameter,
            f.stratum,
            f.effect,
            f.interval,
            f.margin,
            f.heterogeneity,
            f.n_golden,
            f.n_candidate,
            f.n_eff,
            f.severity,
            f.verdict,
            f.reason
        );
    }
    text
}

pub fn assert_verdict(report: &Report, verdict: Verdict) {
    assert_eq!(report.verdict, verdict, "{}", digest_of(report));
}

pub fn applicable(report: &Report) -> impl Iterator<Item = &Finding> {
    report.findings.iter().filter(|f| f.verdict != FindingVerdict::NotApplicable)
}
