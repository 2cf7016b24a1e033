//! Real captures cut in two: what is one process, interleaved, never fails; what is another time of the day may differ, and is shown.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod common;

use std::collections::HashMap;
use std::path::Path;

use common::{real_data, request};
use verismo_engine::{Meter, ValidateRequest, observe_golden};
use verismo_judge::{JudgeOptions, SeriesWindows, SideStates, judge};
use verismo_suite::suite::{Pairing, Scope, Suite};
use verismo_suite::{FindingVerdict, Severity};

const NS: i64 = 1_000_000_000;

/// The states of one stream, and the suite, without pairs: both halves are cut from the same ids.
fn states(path: &Path, symbol: Option<&str>) -> (SideStates, Suite) {
    let none = Path::new("");
    let request =
        ValidateRequest { golden: vec![path.to_owned()], symbol: symbol.map(str::to_owned), ..request(none, none) };
    let (states, suite) = observe_golden(&request, &Meter::default()).unwrap();
    (states, Suite { pairing: Pairing::Distributional, ..suite })
}

/// The windows of a side whose start lies in a part of time.
fn part(states: &SideStates, keep: impl Fn(i64) -> bool) -> SideStates {
    let mut part = states.clone();
    for stream in &mut part.streams {
        let window_ns = stream.window_ns;
        for series in stream.series.values_mut() {
            match &mut series.windows {
                SeriesWindows::Cells(windows) => windows.retain(|(id, _)| keep(id * window_ns)),
                SeriesWindows::Lags(windows) => windows.retain(|(id, _)| keep(id * window_ns)),
                SeriesWindows::Panels(windows) => windows.retain(|(id, _)| keep(id * window_ns)),
            }
        }
    }
    part
}

/// Verdicts of the deciding, critical findings of one part against the other.
fn verdicts(
    name: &str,
    states: &SideStates,
    suite: &Suite,
    keep: impl Fn(i64) -> bool,
) -> HashMap<FindingVerdict, Vec<String>> {
    let (golden, candidate) = (part(states, &keep), part(states, |t| !keep(t)));
    let judgement = judge(&golden, &candidate, suite, &JudgeOptions::default());
    let mut out: HashMap<FindingVerdict, Vec<String>> = HashMap::new();
    for f in judgement.findings.iter().filter(|f| f.deciding && f.severity == Severity::Critical) {
        let parameter = f.parameter.as_ref().map_or(String::new(), |p| format!(" {p}"));
        out.entry(f.verdict).or_default().push(format!("{}{parameter}", f.observable));
    }
    let count = |verdict| out.get(&verdict).map_or(0, Vec::len);
    let failed = out.get(&FindingVerdict::Fail).map_or(String::new(), |names| format!(": {}", names.join(", ")));
    println!(
        "{name}: PASS {}, INCONCLUSIVE {}, FAIL {}{failed}",
        count(FindingVerdict::Pass),
        count(FindingVerdict::Inconclusive),
        count(FindingVerdict::Fail)
    );
    out
}

fn start(states: &SideStates) -> (i64, i64) {
    states.streams[0].span_ns.unwrap()
}

/// Interleaved parts, and halves; the share of PASS of the finest cut.
fn cut(name: &str, states: &SideStates, suite: &Suite) -> f64 {
    let mut passing = 0.0;
    for (cut, length_s) in [("10 s", 10), ("minutes", 60), ("10 minutes", 600)] {
        let (from, to) = start(states);
        if (to - from) / NS < 24 * length_s {
            continue;
        }
        let found = verdicts(&format!("{name}, odd and even {cut}"), states, suite, |t| t / (length_s * NS) % 2 == 0);
        let of = |verdict| found.get(&verdict).map_or(0, Vec::len);
        assert_eq!(of(FindingVerdict::Fail), 0, "{name} odd and even {cut}: {found:?}");
        assert_eq!(of(FindingVerdict::Error), 0, "{name} odd and even {cut}: {found:?}");
        if length_s == 10 {
            let all = of(FindingVerdict::Pass) + of(FindingVerdict::Inconclusive);
            passing = of(FindingVerdict::Pass) as f64 / all.max(1) as f64;
        }
    }
    let (from, to) = start(states);
    for (part, share) in [("first half", 0.5), ("first quarter", 0.25)] {
        let middle = from + ((to - from) as f64 * share) as i64;
        let found = verdicts(&format!("{name}, {part} against the rest"), states, suite, |t| t < middle);
        assert!(!found.contains_key(&FindingVerdict::Error), "{name} {part}: {found:?}");
    }
    passing
}

#[test]
fn days_of_nasdaq_agree_with_themselves() {
    let Some(folder) = real_data("lobster") else { return };
    for symbol in ["GOOG", "AMZN"] {
        let (states, suite) = states(&folder, Some(symbol));
        let passing = cut(symbol, &states, &suite);
        // A judge that never decides would be of no use.
        assert!(passing >= 0.6, "{symbol}: {passing}");
    }
}

/// The guard of a claim about another day must not leave every day undecided.
#[test]
fn claims_about_another_day_decide_something() {
    let Some(folder) = real_data("lobster") else { return };
    let mut passing = 0.0;
    for symbol in ["GOOG", "AMZN"] {
        let (states, suite) = states(&folder, Some(symbol));
        let suite = Suite { scope: Scope::Population, ..suite };
        passing += cut(&format!("{symbol}, another day"), &states, &suite);
    }
    assert!(passing >= 0.5, "{passing}");
}

#[test]
fn minutes_of_other_venues_agree_with_themselves() {
    if let Some(folder) = real_data("binance") {
        for file in ["spot_btcusdt_20240808.gz", "usdm_btcusdt_20240808.gz"] {
            let (states, suite) = states(&folder.join(file), None);
            cut(file, &states, &suite);
        }
    }
    if let Some(folder) = real_data("bitstamp") {
        let (states, suite) = states(&folder, None);
        cut("bitstamp", &states, &suite);
    }
}
