//! Observables and a metric of a user's own, from registration to the report.
#![allow(clippy::unwrap_used, missing_docs)]

#[path = "../examples/plugins.rs"]
#[allow(unreachable_pub)]
mod example;

use std::sync::Once;
use std::sync::atomic::AtomicBool;

use clap::Parser as _;
use example::{LogMean, TradeMove, WholePrice};
use serde_json::Value;
use verismo_cli::args::Cli;
use verismo_cli::console::Console;
use verismo_cli::{CliError, Exit};
use verismo_market::observable_laws;
use verismo_market::observe::frame::Frame;
use verismo_market::observe::plugin::laws::{self, streams};
use verismo_market::observe::plugin::{Carry, DecodeError, Plugin, Reader, Sink};
use verismo_stats::carry;
use verismo_stats::judging::laws::check_law_statistic;
use verismo_suite::catalogue::{Class, Metric, ObservableInfo, Reads, TestId, TestInfo, add_metric};

observable_laws!(whole_price, WholePrice, streams());
observable_laws!(trade_move, TradeMove, streams());

/// Remembers the trade before and says that it does not.
struct Forgetful(TradeMove);

impl Carry for Forgetful {
    fn save(&self, out: &mut Vec<u8>) {
        self.0.save(out);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.0.load(input)
    }
}

impl Plugin for Forgetful {
    const INFO: ObservableInfo = ObservableInfo { id: "forgetful", class: Class::Group, ..TradeMove::INFO };

    fn new(grid_ns: i64) -> Self {
        Self(TradeMove::new(grid_ns))
    }

    fn read(&mut self, frame: &Frame, out: &mut Sink) {
        self.0.read(frame, out);
    }
}

#[test]
#[should_panic = "declared a group"]
fn a_class_that_is_not_true_is_found_out() {
    streams().iter().for_each(laws::check_class::<Forgetful>);
}

/// Remembers the trade before, and does not hand it on.
struct Careless(TradeMove);

carry!(Careless:);

impl Plugin for Careless {
    const INFO: ObservableInfo = ObservableInfo { id: "careless", ..TradeMove::INFO };

    fn new(grid_ns: i64) -> Self {
        Self(TradeMove::new(grid_ns))
    }

    fn read(&mut self, frame: &Frame, out: &mut Sink) {
        self.0.read(frame, out);
    }
}

#[test]
#[should_panic = "handed on at"]
fn a_memory_that_is_not_handed_on_is_found_out() {
    streams().iter().for_each(laws::check_cuts::<Careless>);
}

/// Counts the frames, which end where batches end.
struct Frames;

carry!(Frames:);

impl Plugin for Frames {
    const INFO: ObservableInfo = ObservableInfo { id: "frames", ..WholePrice::INFO };

    fn new(_grid_ns: i64) -> Self {
        Self
    }

    fn read(&mut self, frame: &Frame, out: &mut Sink) {
        out.key(frame.trades.t_ns.first().copied().unwrap_or(0), 1);
    }
}

#[test]
#[should_panic = "cut at"]
fn an_observable_of_frames_is_found_out() {
    streams().iter().for_each(laws::check_cuts::<Frames>);
}

#[test]
fn the_influence_of_the_metric_is_right() {
    check_law_statistic(&LogMeanOfShifted, 1e-5);
}

/// The laws are checked at values of both signs: the logarithm needs them above zero.
struct LogMeanOfShifted;

impl verismo_stats::judging::LawStatistic for LogMeanOfShifted {
    fn id(&self) -> &'static str {
        "log_mean_shifted"
    }

    fn read(&self, law: &verismo_stats::judging::ValueLaw<'_>) -> Result<(f64, Vec<f64>), &'static str> {
        let values: Vec<f64> = law.values.iter().map(|value| value + 100.0).collect();
        LogMean.read(&verismo_stats::judging::ValueLaw { values: &values, ..*law })
    }
}

/// A metric with a defect of its own.
struct Broken;

impl verismo_stats::judging::LawStatistic for Broken {
    fn id(&self) -> &'static str {
        "broken"
    }

    fn read(&self, _: &verismo_stats::judging::ValueLaw<'_>) -> Result<(f64, Vec<f64>), &'static str> {
        panic!("a metric that fails")
    }
}

const SUITE: &str = "\
schema: verismo.suite/1
name: ours
data: market
observables:
  - {id: whole_price, decide: ks, margins: {ks: 0.05}}
  - {id: trade_move, decide: w1, margins: {w1: 0.2}}
  - {id: trade_size, decide: log_mean, margins: {log_mean: 0.1, ks: 0.05, broken: 0.1}}
";

fn command(args: &[&str]) -> Result<(Exit, String), CliError> {
    static ADDED: Once = Once::new();
    ADDED.call_once(|| {
        // The laws may have added an observable before: then the metric is what is left.
        let _taken = example::add();
        let _taken = example::add_metric_alone();
        let info = TestInfo { name: "broken", ..*TestId::Skewness.info() };
        add_metric(Metric { info, reads: Reads::Law(&Broken) }).unwrap();
    });
    let cli = Cli::try_parse_from([&["verismo"], args].concat()).unwrap();
    let console = Console::detect(&cli.global);
    let mut out = Vec::new();
    let exit = verismo_cli::run(&cli, &console, &AtomicBool::new(false), &mut out)?;
    Ok((exit, String::from_utf8(out).unwrap()))
}

#[test]
fn a_suite_names_them_and_the_report_tells_them() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("ours.yaml"), SUITE).unwrap();
    for (name, seed) in [("golden", "1"), ("candidate", "2")] {
        let (path, format) = (at(name), "golden-jsonl");
        command(&["simulate", "--out", &path, "--format", format, "--events", "60000", "--seed", seed, "-q"]).unwrap();
    }
    let (_, text) = command(&["metrics", "log_mean"]).unwrap();
    assert!(text.contains("geometric") && text.contains("trade_size") && text.contains("trade_move"), "{text}");
    let (_, text) = command(&["metrics", "trade_move"]).unwrap();
    assert!(text.contains("ordered") && text.contains("log_mean"), "{text}");
    let args = ["validate", "--golden", &at("golden"), "--candidate", &at("candidate"), "--suite", &at("ours.yaml")];
    let (_, json) =
        command(&[&args[..], &["--json", "-", "-q", "--no-store", "--out", &at("report")]].concat()).unwrap();
    let report: Value = serde_json::from_str(&json).unwrap();
    let findings = report["findings"].as_array().unwrap();
    let find = |id: &str, test: &str| findings.iter().find(|f| f["observable"] == id && f["test"] == test).unwrap();
    assert_eq!(find("trade_size", "log_mean")["verdict"], "PASS", "{json}");
    assert!(find("trade_size", "log_mean")["interval"][1].as_f64().unwrap() < 0.1);
    assert_eq!(find("trade_move", "w1")["unit"], "bp");
    assert!(find("whole_price", "ks")["n_golden"].as_u64().unwrap() > 1_000);
    // A metric that panics is an ERROR of its own, and hides no other.
    assert_eq!(find("trade_size", "broken")["verdict"], "ERROR");
    assert_eq!(find("trade_size", "ks")["verdict"], "PASS");
    assert_ne!(report["verdict"], "ERROR", "it informs, and decides nothing");
    // The report is read back and told, also by name of the metric.
    let run = at("report") + "/report.json";
    let (_, story) = command(&["explain", &run, "trade_size", "--test", "log_mean"]).unwrap();
    assert!(story.contains("log ratio of geometric means"), "{story}");
}

#[test]
fn a_suite_that_asks_for_what_does_not_apply_is_told_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("wrong.yaml");
    let wrong = SUITE.replace("trade_size, decide: log_mean", "aggressor_sign_acf, decide: log_mean");
    std::fs::write(&path, wrong).unwrap();
    let (exit, text) = match command(&["check-suite", path.to_str().unwrap()]) {
        Ok((exit, text)) => (Some(exit), text),
        Err(error) => (None, error.to_string()),
    };
    assert!(exit != Some(Exit::Pass), "{text}");
}
