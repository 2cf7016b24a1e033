//! What runs would have been without a part, as a user meets it.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "common/desk.rs"]
mod desk;

use desk::{Desk, ends, json, out, refused, text, verismo};

#[test]
fn a_name_stands_for_both_streams_of_a_pair() {
    let desk = Desk::new();
    // BTCUSDT of the golden against ETHUSDT of the candidate, and nothing else.
    desk.validate("faithful", &["--suite", "light", "--map", "BTCUSDT=ETHUSDT"]);
    let what_if = |name: &str| {
        let args = ["what-if", "--run", "last", "--format", "json", "--drop-symbol", name];
        json(&out(&verismo(&desk.home(), &args)))["windows_left_out"].clone()
    };
    let all =
        json(&out(&verismo(&desk.home(), &["what-if", "--run", "last", "--format", "json", "--drop-hours", "0-24"])));
    let both = |name: &str| {
        let left_out = what_if(name);
        [left_out[0].as_u64().unwrap(), left_out[1].as_u64().unwrap()]
    };
    // Each name is that of a stream of its own on both sides, and of the partner of one: the golden of ETHUSDT has none, the
    // candidate of BTCUSDT neither.
    let windows = [all["windows"][0].as_u64().unwrap(), all["windows"][1].as_u64().unwrap()];
    let (eth, btc) = (both("ETHUSDT"), both("BTCUSDT"));
    assert_eq!(eth[0], windows[0], "both of the golden: its own, and the partner of the candidate's");
    assert_eq!(btc[1], windows[1], "both of the candidate");
    assert!(eth[1] < windows[1] && btc[0] < windows[0], "{eth:?} {btc:?} of {windows:?}");
}

#[test]
fn what_a_run_would_have_been_without_a_part() {
    let desk = Desk::new();
    let suite = desk.suite();
    let home = desk.home();
    let suited = ["--store", text(&home), "--suite", text(&suite)];
    let first = desk.validated("scattered", &suited, 1);
    assert!(first["summary"].as_str().unwrap().contains("FAIL: trade_size"), "{}", first["summary"]);
    let what_if = |more: &[&str], code: i32| {
        let args = [&["what-if", "--run", "last", "--format", "json"][..], more].concat();
        json(&ends(&desk.home(), &args, code))
    };
    let symbol = what_if(&["--drop-symbol", "btc-usdt"], 0);
    assert_eq!(
        (&symbol["schema"], &symbol["before"], &symbol["after"]),
        (&"verismo.what-if/1".into(), &"FAIL".into(), &"PASS".into())
    );
    assert!(symbol["windows_left_out"][1].as_u64() > Some(0) && symbol["search"].is_null(), "{symbol}");
    let other = what_if(&["--drop-symbol", "ETHUSDT"], 0);
    assert_eq!(other["after"], "FAIL");
    let gone = other["comparison"]["findings"].as_array().unwrap().iter().filter(|f| f["change"] == "gone").count();
    assert!(gone > 5, "findings of the other symbol are gone");
    // Windows of one symbol, of all, and hours; times as the report has them.
    let span = &first["streams"][0]["golden_span_ns"];
    let from = span[0].as_u64().unwrap() / 1_000_000_000;
    let clock = |second: u64| format!("{:02}:{:02}:{:02}", second / 3_600 % 24, second / 60 % 60, second % 60);
    let range = format!("{}..{}", clock(from + 10), clock(from + 20));
    let windows = what_if(&["--drop-window", &range], 0);
    assert_eq!((&windows["after"], &windows["windows_left_out"]), (&"FAIL".into(), &serde_json::json!([20, 20])));
    let one = what_if(&["--drop-window", &format!("ETHUSDT@{range}")], 0);
    assert_eq!(one["windows_left_out"], serde_json::json!([10, 10]));
    assert_eq!(one["left_out"][0]["kind"], "window");
    let all = what_if(&["--drop-hours", "0-24"], 0);
    // Where nothing is left no verdict is possible.
    assert_eq!((&all["windows"], &all["after"]), (&all["windows_left_out"], &"ERROR".into()));
    let shown = ends(&desk.home(), &["what-if", "--run", "last", "--drop-window", &range], 0);
    assert!(shown.contains("FAIL -> FAIL") && shown.contains("--drop-window 20"), "{shown}");
    let shown = ends(&desk.home(), &["what-if", "--run", "last", "--drop-symbol", "BTCUSDT", "--format", "md"], 0);
    assert!(shown.starts_with("# What if: FAIL → PASS"), "{shown}");
    for (args, error) in [
        (&["--drop-symbol", "XRPUSDT"][..], "no-such-symbol"),
        (&["--drop-window", "2001-01-01..2001-01-02"], "no-such-window"),
        (&["--drop-window", "soon..later"], "bad-window"),
        (&["--drop-hours", "13"], "bad-window"),
    ] {
        refused(&desk.home(), &[&["what-if", "--run", "last"][..], args].concat(), 2, error);
    }
    assert_eq!(ends(&desk.home(), &["runs"], 0).lines().count(), 2, "nothing is recorded");
    // The recorded verdict under another suite is not that of the run.
    let other = what_if(&["--drop-window", &range, "--suite", "light"], 0);
    assert_eq!(other["comparison"]["before"]["suite"], "light");
    assert!(other["notes"][0].as_str().unwrap().contains("id_agreement"), "{}", other["notes"]);
}

#[test]
fn what_a_run_fails_by_is_found() {
    let desk = Desk::new();
    let suite = desk.suite();
    let home = desk.home();
    let suited = ["--store", text(&home), "--suite", text(&suite)];
    desk.validated("scattered", &suited, 1);
    let find = |more: &[&str], code: i32| {
        let args = [&["what-if", "--run", "last", "--find", "--format", "json"][..], more].concat();
        json(&ends(&home, &args, code))
    };
    let found = find(&[], 0);
    let search = &found["search"];
    assert_eq!(
        (&found["before"], &found["after"], &search["is_found"]),
        (&"FAIL".into(), &"PASS".into(), &true.into())
    );
    assert_eq!(search["targets"], serde_json::json!(["BTCUSDT trade_size ks"]));
    let left_out = found["left_out"].as_array().unwrap();
    let (units, of) = (search["units"].as_u64().unwrap(), search["of"].as_u64().unwrap());
    assert!(left_out.len() > 10 && units * 3 < of, "{units} of {of}");
    for window in left_out {
        let from_s = window["from_ns"].as_i64().unwrap() / 1_000_000_000;
        assert!(from_s % 4 == 0 && window["symbol"] == "BTCUSDT", "only what was changed: {window}");
    }
    assert!(search["method"].as_str().unwrap().contains("not proven") || search["is_irreducible"] == false, "{search}");
    // What was found is what the command line says.
    let cuts: Vec<&str> = left_out.iter().flat_map(|part| part["text"].as_str().unwrap().split(' ')).collect();
    let args = [&["what-if", "--run", "last", "--format", "json"][..], &cuts].concat();
    assert_eq!(json(&ends(&home, &args, 0))["after"], "PASS");
    // Less is asked for, so that less has to go.
    let open = find(&["--goal", "no-fail"], 0);
    assert!(open["search"]["units"].as_u64().unwrap() <= units && open["after"] != "FAIL", "{}", open["search"]);
    // Limits, and one stretch that would have to be everything.
    let few = find(&["--tries", "3"], 1);
    assert_eq!(
        (&few["after"], &few["search"]["tries"], &few["left_out"]),
        (&"FAIL".into(), &3.into(), &serde_json::json!([]))
    );
    assert!(few["search"]["method"].as_str().unwrap().contains("--tries allows more"));
    let stretch = find(&["--unit", "stretch", "--most", "20"], 1);
    assert!(stretch["search"]["method"].as_str().unwrap().contains("20 %"), "{}", stretch["search"]);
    let named = find(&["--observable", "trade_size"], 0);
    assert_eq!(named["search"]["observable"], "trade_size");
    let said = refused(&home, &["what-if", "--run", "last", "--find", "--observable", "spread"], 2, "nothing-fails");
    assert!(said.contains("spread does not fail, it is PASS"), "{said}");
    refused(&home, &["what-if", "--run", "last", "--find", "--observable", "spred"], 2, "nothing-fails");
    let shown = ends(&home, &["what-if", "--run", "last", "--find"], 0);
    assert!(shown.contains("FAIL -> PASS") && shown.contains("Looked for to pass: BTCUSDT trade_size ks."), "{shown}");
    // A run that fails by its checks alone.
    desk.validated("scattered", &["--store", text(&home), "--suite", "integrity"], 1);
    let said = refused(&home, &["what-if", "--run", "last", "--find"], 2, "nothing-fails");
    assert!(said.contains("only checks") && said.contains("id_agreement"), "{said}");
}
