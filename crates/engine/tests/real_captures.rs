//! Real captures: what differs is caught, what is the same does not fail.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod common;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use common::{assert_verdict, digest_of, real_data, request, run};
use verismo_engine::{Meter, ValidateRequest, validate};
use verismo_suite::report::Report;
use verismo_suite::{FindingVerdict, Verdict};

fn binance(names: &[&str]) -> Option<Vec<PathBuf>> {
    let dir = real_data("binance")?;
    Some(names.iter().map(|name| dir.join(name)).collect())
}

fn compare(golden: &[PathBuf], candidate: &[PathBuf]) -> Report {
    let one = Path::new("");
    let request = ValidateRequest { golden: golden.to_vec(), candidate: candidate.to_vec(), ..request(one, one) };
    validate(&request, &Meter::default()).unwrap()
}

#[test]
fn a_binance_capture_against_itself_passes() {
    let Some(spot) = binance(&["spot_btcusdt_20240808.gz", "spot_btcusdt_20240809.gz"]) else { return };
    let report = compare(&spot, &spot);
    assert_verdict(&report, Verdict::Pass);
    for check in ["sequence_gap", "duplicate", "unreadable", "crossed_book", "invalid_value", "out_of_order"] {
        let rows: Vec<_> = report.integrity.iter().filter(|r| r.check == check).collect();
        assert!(rows.iter().all(|r| r.count == 0), "{check}: {rows:?}");
    }
}

#[test]
fn a_file_and_the_next_do_not_fail() {
    let Some(files) = binance(&["spot_btcusdt_20240808.gz", "spot_btcusdt_20240809.gz"]) else { return };
    let report = compare(&files[..1], &files[1..]);
    // The second file starts without a snapshot, five minutes after the first: one market, another stretch.
    assert!(!matches!(report.verdict, Verdict::Error), "{}", digest_of(&report));
    assert!(!report.findings.iter().any(|f| f.verdict == FindingVerdict::Error), "{}", digest_of(&report));
}

#[test]
fn usd_margined_against_coin_margined_fails_under_one_symbol_name() {
    let Some(files) = binance(&["usdm_btcusdt_20240808.gz", "cm_btcusd_perp_20240808.gz"]) else { return };
    let dir = tempfile::tempdir().unwrap();
    // The coin-margined capture relabelled as the other symbol.
    let renamed = dir.path().join("renamed.jsonl");
    let text = gunzip(&files[1]).replace("btcusd_perp", "btcusdt").replace("BTCUSD_PERP", "BTCUSDT");
    fs::write(&renamed, text).unwrap();
    let report = compare(&files[..1], &[renamed]);
    assert_verdict(&report, Verdict::Fail);
    assert!(report.findings.iter().any(|f| f.deciding && f.verdict == FindingVerdict::Fail), "{}", digest_of(&report));
}

fn gunzip(path: &Path) -> String {
    let output = std::process::Command::new("gzip").arg("-dc").arg(path).output().unwrap();
    assert!(output.status.success(), "gzip -dc {}", path.display());
    String::from_utf8(output.stdout).unwrap()
}

fn unzstd(path: &Path) -> String {
    let output = std::process::Command::new("zstd").arg("-dcq").arg(path).output().unwrap();
    assert!(output.status.success(), "zstd -dc {}", path.display());
    String::from_utf8(output.stdout).unwrap()
}

/// Rewrites a Binance archive CSV as a golden capture: what a recorder would have written for the same messages.
///
/// Rows of one depth update (equal ids and times) become one message; every field goes over as it stands, wrong or not.
fn capture_of(csv: &str) -> String {
    let mut lines = csv.lines().filter(|l| !l.starts_with('#') && !l.is_empty());
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let column: BTreeMap<&str, usize> = header.iter().enumerate().map(|(i, name)| (*name, i)).collect();
    let rows: Vec<Vec<&str>> = lines.map(|l| l.split(',').collect()).collect();
    let of = |row: &[&str], name: &str| row[column[name]].to_owned();
    let mut out = String::new();
    if column.contains_key("TradeId") {
        for row in &rows {
            let maker = of(row, "IsBuyerMarketMaker");
            let maker = if maker == "1" {
                "true".to_owned()
            } else if maker == "0" {
                "false".to_owned()
            } else {
                maker
            };
            writeln!(
                out,
                r#"{{"capture_ns":{}000000,"stream":"{}","data":{{"e":"trade","E":{},"T":{},"s":"{}","t":{},"p":"{}","q":"{}","m":{maker}}}}}"#,
                of(row, "TimestampOfReceive"), of(row, "Stream"), of(row, "EventTime"), of(row, "TransactionTime"),
                of(row, "Symbol"), of(row, "TradeId"), of(row, "Price"), of(row, "Quantity"),
            )
            .unwrap();
        }
        return out;
    }
    let keys = [
        "TimestampOfReceive",
        "EventTime",
        "TransactionTime",
        "Symbol",
        "FirstUpdateId",
        "FinalUpdateId",
        "FinalUpdateIdInLastStream",
    ];
    let key = |row: &[&str]| keys.map(|k| of(row, k));
    for update in rows.chunk_by(|a, b| key(a) == key(b)) {
        let side = |wanted: &str| -> String {
            let levels = update.iter().filter(|row| of(row, "IsAsk") == wanted);
            levels
                .map(|row| format!(r#"["{}","{}"]"#, of(row, "Price"), of(row, "Quantity")))
                .collect::<Vec<_>>()
                .join(",")
        };
        let [receive, event, transaction, symbol, first, last, before] = key(&update[0]);
        writeln!(
            out,
            r#"{{"capture_ns":{receive}000000,"stream":"{}","data":{{"e":"depthUpdate","E":{event},"T":{transaction},"s":"{symbol}","U":{first},"u":{last},"pu":{before},"b":[{}],"a":[{}]}}}}"#,
            of(&update[0], "Stream"), side("0"), side("1"),
        )
        .unwrap();
    }
    out
}

/// Without the rows whose times were moved by hand to the end of the day, which both twins have.
fn without_last_row(csv: &str) -> String {
    let lines: Vec<&str> = csv.lines().collect();
    lines[..lines.len() - 1].join("\n")
}

#[test]
fn damaged_twins_are_caught_and_clean_ones_are_not() {
    let Some(dir) = real_data("trx") else { return };
    let scratch = tempfile::tempdir().unwrap();
    let mut damaged = 0;
    for entry in fs::read_dir(&dir).unwrap() {
        let clean = entry.unwrap().path();
        let name = clean.file_name().unwrap().to_string_lossy().into_owned();
        let Some(tail) = name.strip_prefix("test_positive_") else { continue };
        let twin = dir.join(format!("test_negative_{tail}"));
        let (clean, twin) = (without_last_row(&unzstd(&clean)), without_last_row(&unzstd(&twin)));
        let (golden, candidate) =
            (scratch.path().join(format!("{tail}.golden")), scratch.path().join(format!("{tail}.candidate")));
        fs::write(&golden, capture_of(&clean)).unwrap();
        fs::write(&candidate, capture_of(&clean)).unwrap();
        assert_verdict(&run(&golden, &candidate), Verdict::Pass);
        if clean == twin {
            continue;
        }
        damaged += 1;
        fs::write(&candidate, capture_of(&twin)).unwrap();
        let report = run(&golden, &candidate);
        assert!(matches!(report.verdict, Verdict::Fail | Verdict::Error), "{tail}: {}", digest_of(&report));
        let located = report.integrity.iter().any(|row| {
            matches!(row.verdict, FindingVerdict::Fail | FindingVerdict::Error)
                && row.examples.iter().any(|e| e.position > 0)
        });
        assert!(located, "{tail}: caught, but not where\n{}", digest_of(&report));
    }
    assert!(damaged >= 3, "only {damaged} damaged twins seen");
}
