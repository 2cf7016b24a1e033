//! Profiles of data sets whose truth is known.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use verismo_engine::{EngineError, Meter, ProfileOptions, profile};
use verismo_market::message::Body;
use verismo_suite::FindingVerdict;
use verismo_suite::profile::{Profile, StreamProfile};

const N: usize = 20_000;

fn options() -> ProfileOptions {
    ProfileOptions { threads: 2, ..ProfileOptions::default() }
}

fn of(path: &Path) -> Profile {
    profile(&[path.to_owned()], &options(), &Meter::default()).unwrap()
}

/// The profile without what may differ between two runs over one content.
fn content(mut profile: Profile) -> Profile {
    profile.timing = Default::default();
    profile.paths.clear();
    profile.files = 0;
    profile.bytes = 0;
    for row in &mut profile.integrity {
        row.examples.clear();
    }
    profile
}

fn only(profile: &Profile) -> &StreamProfile {
    let [stream] = profile.streams.as_slice() else { panic!("{} streams", profile.streams.len()) };
    stream
}

#[test]
fn counts_rates_and_prices_are_those_of_the_market() {
    let dir = tempfile::tempdir().unwrap();
    common::write_golden(dir.path(), common::market(7, N));
    let found = of(dir.path());
    let stream = only(&found);
    // Counted once more, from the messages themselves.
    let (mut trades, mut low, mut high) = (0_u64, i64::MAX, 0);
    let (mut seconds, mut first, mut last): (BTreeMap<i64, u64>, i64, i64) = (BTreeMap::new(), i64::MAX, 0);
    for message in common::market(7, N) {
        let t_ns = message.t_exchange_ns.div_euclid(1_000_000) * 1_000_000;
        *seconds.entry(t_ns.div_euclid(1_000_000_000)).or_default() += 1;
        (first, last) = (first.min(t_ns), last.max(t_ns));
        if let Body::Trade { price, .. } = message.body {
            trades += 1;
            (low, high) = (low.min(price), high.max(price));
        }
    }
    assert_eq!((found.format.as_str(), found.files, found.sessions, found.clock_ns), ("golden-jsonl", 1, 1, 1_000_000));
    assert_eq!((found.messages, stream.messages), (N as u64, N as u64));
    assert_eq!((stream.trades, stream.kinds["trade"]), (trades, trades));
    assert_eq!(stream.updates, N as u64 - trades);
    assert_eq!(stream.span_ns, Some((first, last)));
    assert_eq!(stream.trade_prices, Some([low as f64 / 1e8, high as f64 / 1e8]));
    let peak = seconds.values().copied().max().unwrap();
    let (peak_second, _) = seconds.iter().find(|(_, n)| **n == peak).unwrap();
    assert_eq!((stream.rate.peak_per_s, stream.rate.peak_at_ns), (peak, Some(peak_second * 1_000_000_000)));
    assert_eq!(stream.price_tick, Some(0.1));
    assert_eq!(stream.time_step_ns, Some(1_000_000));
    let book = stream.book.as_ref().unwrap();
    assert_eq!(book.snapshots, 0);
    // Without a snapshot the book is known after the suite's warm-up, at the next step of the grid.
    let warmup_s = book.warmup_s.unwrap();
    assert!((60.0..=60.2).contains(&warmup_s), "{warmup_s}");
    assert!(book.defined_share.unwrap() > 0.8, "{book:?}");
}

#[test]
fn observables_have_moments_quantiles_and_a_resolution() {
    let dir = tempfile::tempdir().unwrap();
    common::write_golden(dir.path(), common::market(7, N));
    let found = of(dir.path());
    let stream = only(&found);
    let sizes: Vec<f64> = common::market(7, N)
        .filter_map(|m| if let Body::Trade { qty, .. } = m.body { Some(qty as f64 / 1e8) } else { None })
        .collect();
    let size = stream.observables.iter().find(|o| o.observable == "trade_size").unwrap();
    let n = sizes.len() as f64;
    let mean = sizes.iter().sum::<f64>() / n;
    let sd = (sizes.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>() / (n - 1.0)).sqrt();
    assert_eq!(size.n, sizes.len() as u64);
    assert!((size.mean.unwrap() / mean - 1.0).abs() < 1e-9 && (size.sd.unwrap() / sd - 1.0).abs() < 1e-6);
    let mut sorted = sizes.clone();
    sorted.sort_by(f64::total_cmp);
    let median = sorted[(sizes.len() as f64 * 0.5).ceil() as usize - 1];
    assert!((size.quantiles["p=0.5"] - median).abs() < 1e-12);
    assert_eq!(size.range, Some([sorted[0], sorted[sorted.len() - 1]]));
    let resolution = &size.resolution[0];
    let (resolves, margin) = (resolution.resolvable.unwrap(), resolution.margin.unwrap());
    assert!(resolves > 0.0 && resolves < 0.5, "{resolution:?}");
    assert_eq!(resolution.out_of_reach, resolves >= margin);
    assert!(resolution.detectable.unwrap() > margin, "{resolution:?}");
    // Noise falls with the square root of the length.
    let (hour, needs) = (resolution.one_hour.unwrap(), resolution.needs_s.unwrap());
    let at_needs = hour * (3_600.0 / needs).sqrt();
    assert!((at_needs / margin - 1.0).abs() < 1e-9 || needs <= 12.0, "{resolution:?}");
    assert!(size.heterogeneity.is_some_and(|h| (0.0..0.5).contains(&h)), "{size:?}");
    let acf = stream.observables.iter().find(|o| o.observable == "aggressor_sign_acf").unwrap();
    assert_eq!(acf.autocorrelations.keys().copied().collect::<Vec<_>>(), [1, 5, 20]);
    assert_eq!(acf.resolution.len(), 3);
    let orders = stream.observables.iter().find(|o| o.observable == "order_lifetime").unwrap();
    assert_eq!(orders.n, 0);
    assert!(orders.undefined["n"].contains("single orders"), "{orders:?}");
}

#[test]
fn threads_and_cuts_change_nothing() {
    let (whole, cut) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    common::write_golden(whole.path(), common::market(3, 6_000));
    let file = fs::read_dir(whole.path()).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&file).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    for (name, part) in [("b.jsonl", &lines[..2_500]), ("a.jsonl", &lines[2_500..])] {
        fs::write(cut.path().join(name), part.join("\n") + "\n").unwrap();
    }
    let one = profile(&[whole.path().to_owned()], &ProfileOptions { threads: 1, ..options() }, &Meter::default());
    let one = content(one.unwrap());
    assert_eq!(one, content(of(whole.path())));
    assert_eq!(one, content(of(cut.path())));
}

#[test]
fn a_snapshot_makes_the_book_known_at_once() {
    let dir = tempfile::tempdir().unwrap();
    common::write_events(dir.path(), common::market_with_snapshots(7, 4_000));
    let found = of(dir.path());
    let book = only(&found).book.clone().unwrap();
    assert_eq!((found.format.as_str(), book.snapshots), ("events-parquet", 1));
    assert!(book.warmup_s.unwrap() < 0.2, "{book:?}");
}

#[test]
fn a_table_is_profiled_too() {
    let dir = tempfile::tempdir().unwrap();
    let mut text = String::from("ts,price,flat,note\n");
    for i in 0..4_000_i64 {
        // A second and a half apart; the price walks around a circle of 100 steps.
        let t_ns = 1_723_118_400_000_000_000 + i * 1_500_000_000;
        let _ = writeln!(text, "{t_ns},{},7,x", 100 + (i * 37) % 100);
    }
    fs::write(dir.path().join("t.csv"), text).unwrap();
    let options = ProfileOptions { time: Some("ts".to_owned()), ..options() };
    let found = profile(&[dir.path().to_owned()], &options, &Meter::default()).unwrap();
    let stream = only(&found);
    assert_eq!((found.format.as_str(), found.messages, found.suite.as_str()), ("table", 4_000, "table"));
    assert!((stream.seconds - 5_998.5).abs() < 1e-9);
    assert_eq!((stream.rate.peak_per_s, stream.rate.silent_seconds), (1, 5_999 - 4_000));
    assert_eq!(stream.time_step_ns, Some(500_000_000));
    assert!(stream.book.is_none() && stream.kinds.is_empty());
    let column = |name: &str| stream.observables.iter().find(|o| o.observable == name).unwrap();
    assert_eq!((column("price").n, column("price").range), (4_000, Some([100.0, 199.0])));
    assert!((column("price").mean.unwrap() - 149.5).abs() < 1e-9);
    assert_eq!((column("flat").sd, column("flat").range), (Some(0.0), Some([7.0, 7.0])));
}

#[test]
fn damage_is_part_of_the_profile() {
    let dir = tempfile::tempdir().unwrap();
    common::write_golden(dir.path(), common::market(3, 3_000));
    let file = fs::read_dir(dir.path()).unwrap().next().unwrap().unwrap().path();
    let text = fs::read_to_string(&file).unwrap();
    let mut lines: Vec<&str> = text.lines().collect();
    lines.insert(1_000, "{ not json");
    lines.insert(2_000, lines[1_999]);
    fs::write(&file, lines.join("\n")).unwrap();
    let found = of(dir.path());
    let row = |check: &str| found.integrity.iter().find(|r| r.check == check).unwrap();
    assert_eq!(row("unreadable").count, 1);
    assert_eq!((row("duplicate").count, row("duplicate").verdict), (1, FindingVerdict::Fail));
}

#[test]
fn what_cannot_be_read_is_an_error_and_a_stop_is_obeyed() {
    let dir = tempfile::tempdir().unwrap();
    let error = profile(&[dir.path().to_owned()], &options(), &Meter::default()).unwrap_err();
    assert!(error.to_string().starts_with("data: "), "{error}");
    common::write_golden(dir.path(), common::market(3, 3_000));
    let wrong = ProfileOptions { symbol: Some("NOPE".to_owned()), ..options() };
    let error = profile(&[dir.path().to_owned()], &wrong, &Meter::default()).unwrap_err();
    assert_eq!(error.code(), "no-such-symbol");
    let meter = Meter::default();
    meter.cancel();
    let stopped = profile(&[dir.path().to_owned()], &options(), &meter);
    assert!(matches!(stopped, Err(EngineError::Interrupted { .. })), "{stopped:?}");
}

#[test]
fn a_real_capture_has_a_tick_a_book_and_a_rate() {
    let Some(path) = common::real_data("binance") else { return };
    let file = path.join("usdm_btcusdt_20240808.gz");
    let found = profile(&[file], &options(), &Meter::default()).unwrap();
    let stream = found.streams.iter().max_by_key(|s| s.messages).unwrap();
    assert_eq!(stream.price_tick, Some(0.1), "{}", stream.name);
    assert!(stream.rate.mean_per_s.unwrap() > 1.0 && stream.rate.peak_per_s > 10);
    assert!(stream.observables.iter().filter(|o| o.n > 0).count() > 10);
}
