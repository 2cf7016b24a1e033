//! Runs judged again from their states, as a user meets it.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;
#[path = "common/desk.rs"]
mod desk;

use std::fs;
use std::time::Duration;

use desk::{Desk, command, copy, ends, err, json, out, refused, text, verismo};
use serde_json::Value;

#[test]
fn a_run_is_judged_again_under_another_suite_as_if_it_had_been_validated_under_it() {
    let desk = Desk::new();
    let first = desk.validated("faithful", &["--suite", "comprehensive"], 3);
    let id = first["provenance"]["run"]["id"].as_str().unwrap().to_owned();
    assert!(first["provenance"]["states"]["root"].is_string(), "{}", first["provenance"]);
    for (suite, code) in [("market", 0), ("microstructure", 3), ("joint", 0), ("light", 0), ("integrity", 0)] {
        let again = desk.judged(&["--run", &id, "--suite", suite], code);
        let anew = desk.validated("faithful", &["--suite", suite, "--no-store"], code);
        for key in ["digest", "findings", "integrity", "inputs", "streams", "suite", "suite_digest", "summary"] {
            assert_eq!(again[key], anew[key], "{suite} {key}");
        }
        assert_eq!((&again["timing"]["bytes_read"], &again["cache"]["states_computed"]), (&0.into(), &0.into()));
        assert_eq!(again["timing"]["messages"], anew["timing"]["messages"]);
        let run = &again["provenance"]["run"];
        assert!(run["parent"] == *id && run["id"] != *id, "{run}");
        assert_eq!(again["provenance"]["settings"]["suite"], suite);
        // What was judged again can be judged again.
        let third = desk.judged(&["--run", run["id"].as_str().unwrap(), "--suite", "integrity"], 0);
        assert_eq!((&third["provenance"]["run"]["parent"], &third["suite"]), (&run["id"], &"integrity".into()));
    }
    let runs = ends(&desk.home(), &["runs"], 0);
    assert!(runs.lines().next().unwrap().contains("judged again") && runs.contains(&format!("  {id}\n")), "{runs}");
    let listed = json(&ends(&desk.home(), &["runs", "--json", "-", "--limit", "1"], 0));
    assert!(listed["runs"][0]["parent"].is_string());
    let shown = ends(&desk.home(), &["show", "last"], 0);
    assert!(shown.contains("judged again from the states of run"), "{shown}");
    assert!(desk.path("again/report.html").exists() && desk.path("again/junit.xml").exists());
    // Its own suite, with another scope; what it was asked comes from its record.
    let other = desk.judged(&["--run", &id, "--scope", "population"], 3);
    assert_eq!((&other["scope"], &other["suite"]), (&"population".into(), &first["suite"]));
    let help = refused(&desk.home(), &desk.judge(&["--run", &id, "--suite", "table"]), 2, "suite-kind");
    assert!(help.contains("table"), "{help}");
    refused(&desk.home(), &desk.judge(&["--run", "zzzz"]), 2, "no-such-run");
}

#[test]
fn no_file_is_needed_and_what_changed_is_named() {
    let desk = Desk::new();
    let first = desk.validated("faithful", &["--suite", "light"], 0);
    // From another folder, with data that are not there any more.
    fs::rename(desk.path("faithful"), desk.path("archive")).unwrap();
    let said = refused(&desk.home(), &desk.judge(&["--run", "last"]), 4, "data-changed");
    assert!(said.contains("is gone") && said.contains("--as-recorded") && said.contains("faithful"), "{said}");
    let output = verismo(&desk.home(), &desk.judge(&["--run", "last", "--as-recorded"]));
    assert!(
        output.status.code() == Some(0) && err(&output).contains("judged is what was recorded"),
        "{}",
        err(&output)
    );
    assert_eq!(json(&out(&output))["digest"], first["digest"]);
    fs::rename(desk.path("archive"), desk.path("faithful")).unwrap();
    assert_eq!(desk.judged(&["--run", "last"], 0)["digest"], first["digest"], "as it was");
    // A file more, and one with another end.
    fs::write(desk.path("golden/more.jsonl"), "{}\n").unwrap();
    let file =
        fs::read_dir(desk.path("golden")).unwrap().map(|e| e.unwrap().path()).find(|p| !p.ends_with("more.jsonl"));
    let file = file.unwrap();
    let mut bytes = fs::read(&file).unwrap();
    bytes.extend_from_slice(b"{}\n");
    fs::write(&file, &bytes).unwrap();
    let said = refused(&desk.home(), &desk.judge(&["--run", "last"]), 4, "data-changed");
    assert!(said.contains("more.jsonl is new") && said.contains("has another content"), "{said}");
    // With the old bytes and another time it is what it was: it is read to see that.
    fs::remove_file(desk.path("golden/more.jsonl")).unwrap();
    fs::write(&file, &bytes[..bytes.len() - 3]).unwrap();
    assert_eq!(desk.judged(&["--run", "last", "--verify-files"], 0)["digest"], first["digest"]);
}

#[test]
fn states_that_are_gone_or_were_never_made_are_read_on_demand_only() {
    let desk = Desk::new();
    let light = desk.validated("faithful", &["--suite", "light"], 0);
    let anew = desk.validated("faithful", &["--suite", "market", "--no-store"], 0);
    let said = refused(&desk.home(), &desk.judge(&["--run", "last", "--suite", "market"]), 4, "states-gone");
    assert!(said.contains("these observables were not computed") && said.contains("--recompute reads"), "{said}");
    let more = desk.judged(&["--run", "last", "--suite", "market", "--recompute"], 0);
    assert_eq!(more["digest"], anew["digest"]);
    assert_eq!(more["provenance"]["run"]["parent"], light["provenance"]["run"]["id"]);
    assert!(more["cache"]["states_reused"].as_u64() > Some(0), "those of light are there: {}", more["cache"]);
    assert_eq!(desk.judged(&["--run", "last", "--suite", "market"], 0)["digest"], anew["digest"]);
    ends(&desk.home(), &["cache", "gc", "--max-size", "0"], 0);
    let said = refused(&desk.home(), &desk.judge(&["--run", "last"]), 4, "states-gone");
    assert!(said.contains("it was stored, and is gone") && said.contains("files of "), "{said}");
    let back = desk.judged(&["--run", "last", "--recompute"], 0);
    assert_eq!((&back["digest"], &back["cache"]["states_reused"]), (&anew["digest"], &0.into()));
    // The report of an equal run is there, and its states are not.
    fs::remove_dir_all(desk.home().join("states/pieces")).unwrap();
    refused(&desk.home(), &desk.judge(&["--run", "last"]), 4, "states-gone");
    let back = desk.judged(&["--run", "last", "--recompute"], 0);
    assert_eq!((&back["digest"], &back["cache"]["states_reused"]), (&anew["digest"], &0.into()));
    assert_eq!(desk.judged(&["--run", "last"], 0)["digest"], anew["digest"]);
    // Windows of another length are other states.
    let suite = desk.path("long.yaml");
    fs::write(&suite, "schema: verismo.suite/1\ndata: market\nname: long\nextends: light\nwindow: 10s\n").unwrap();
    let home = desk.home();
    let judge = ["--store", text(&home), "--run", "last", "--suite", text(&suite)];
    let said = refused(&desk.home(), &desk.judge(&judge), 4, "states-gone");
    assert!(said.contains("observed in another way"), "{said}");
    // What an earlier version recorded, and what kept no states.
    for entry in fs::read_dir(desk.home().join("runs")).unwrap().map(|entry| entry.unwrap().path()) {
        if text(&entry).ends_with(".trace.json.zst") {
            fs::remove_file(entry).unwrap();
        }
    }
    let said = refused(&desk.home(), &desk.judge(&["--run", "last"]), 2, "no-states");
    assert!(said.contains("validate again"), "{said}");
    let shown = ends(&desk.home(), &["show", "last"], 0);
    assert!(shown.starts_with("PASS"), "{shown}");
}

#[test]
fn a_run_of_which_the_whole_report_was_taken_can_be_judged_again() {
    let desk = Desk::new();
    let first = desk.validated("faithful", &["--suite", "light"], 0);
    let again = desk.validated("faithful", &["--suite", "light"], 0);
    assert_eq!(again["cache"]["is_report_reused"], true);
    assert_eq!(again["provenance"]["states"], first["provenance"]["states"]);
    let judged = desk.judged(&["--run", "last"], 0);
    assert_eq!(judged["digest"], first["digest"]);
    assert_eq!(judged["provenance"]["run"]["parent"], again["provenance"]["run"]["id"]);
    // The same files by the same names in two folders: the run is that of its own.
    let args = ["validate", "--golden", "golden", "--candidate", "faithful", "--suite", "light", "--json", "-"];
    for (folder, is_reused) in [("one", false), ("two", false), ("two", true)] {
        for side in ["golden", "faithful"].into_iter().filter(|_| !is_reused) {
            fs::create_dir_all(desk.path(folder).join(side)).unwrap();
            copy(&desk.path(side), &desk.path(folder).join(side));
        }
        std::thread::sleep(Duration::from_millis(100));
        let mut command = command(&desk.home(), &args);
        let output = command.current_dir(desk.path(folder)).output().unwrap();
        let report = json(&out(&output));
        assert_eq!((&report["digest"], &report["cache"]["is_report_reused"]), (&first["digest"], &is_reused.into()));
    }
    fs::remove_dir_all(desk.path("one")).unwrap();
    assert_eq!(desk.judged(&["--run", "last"], 0)["digest"], first["digest"]);
    let said = refused(&desk.home(), &desk.judge(&["--run", "last~3"]), 4, "data-changed");
    assert!(said.contains("one/golden"), "{said}");
}

#[test]
fn a_table_is_judged_again_without_its_files() {
    let desk = Desk::new();
    let home = desk.home();
    for (side, factor) in [("left", 1), ("right", 7)] {
        fs::create_dir(desk.path(side)).unwrap();
        for part in 0..3_i64 {
            let row = |i: i64| {
                let (t_ms, x) = (1_700_000_000_000_i64 + i * 1_000, i * i * factor % 97);
                format!("{t_ms},{x},{}\n", (i * 7_919 % 1_009) as f64 / 7.0)
            };
            let rows: String = (part * 1_000..(part + 1) * 1_000).map(row).collect();
            fs::write(desk.path(side).join(format!("{part}.csv")), format!("time,price,change\n{rows}")).unwrap();
        }
    }
    std::thread::sleep(Duration::from_millis(100));
    let (golden, candidate, reports) = (desk.path("left"), desk.path("right"), desk.path("reports"));
    let args = ["validate", "--golden", text(&golden), "--candidate", text(&candidate), "--out", text(&reports)];
    let code = verismo(&home, &args).status.code().unwrap();
    let before = json(&fs::read_to_string(reports.join("report.json")).unwrap());
    assert!(before["provenance"]["states"]["pieces"] == 6 && before["provenance"]["states"]["root"].is_string());
    let id = before["provenance"]["run"]["id"].as_str().unwrap().to_owned();
    let suite = desk.path("other.yaml");
    fs::write(&suite, "schema: verismo.suite/1\ndata: table\nname: other\nextends: table\nalpha: 0.2\n").unwrap();
    let anew = [&args[..], &["--suite", text(&suite), "--no-store", "--json", "-"]].concat();
    let anew = json(&out(&verismo(&home, &anew)));
    let told = ends(&home, &["explain-cache", "--canary", "100"], 0);
    assert!(told.contains('6'), "{told}");
    fs::rename(&golden, desk.path("archive")).unwrap();
    let said = refused(&home, &desk.judge(&["--run", "last"]), 4, "data-changed");
    assert!(said.contains("0.csv is gone"), "{said}");
    let judged = |more: &[&str]| {
        let output = verismo(&home, &desk.judge(&[&["--run", &id, "--as-recorded"], more].concat()));
        assert_eq!(output.status.code(), Some(code), "{}", err(&output));
        json(&out(&output))
    };
    let again = judged(&[]);
    for key in ["digest", "findings", "integrity", "suite_digest"] {
        assert_eq!(again[key], before[key], "{key}");
    }
    assert_eq!(again["timing"]["bytes_read"], 0);
    let other = judged(&["--suite", text(&suite)]);
    for key in ["digest", "findings", "integrity", "suite_digest"] {
        assert_eq!(other[key], anew[key], "{key}");
    }
    fs::rename(desk.path("archive"), &golden).unwrap();
    let start = "2023-11-14T22:13:00..2023-11-14T22:23:00";
    let without = ends(&home, &["what-if", "--run", &id, "--drop-window", start, "--format", "json"], 0);
    assert_eq!(json(&without)["schema"], "verismo.what-if/1", "{without}");
}

#[test]
fn limits_of_readers_are_those_that_were_given_or_of_the_suite() {
    let desk = Desk::new();
    let home = desk.home();
    let suite = desk.path("streams.yaml");
    let of = |streams: u64| {
        let text = format!(
            "schema: verismo.suite/1\ndata: market\nname: s\nextends: light\nreading: {{streams: {streams}}}\n"
        );
        fs::write(&suite, text).unwrap();
    };
    let suited = ["--store", text(&home), "--suite", text(&suite)];
    // What was given counts more than the suite, then and now.
    of(1);
    let given = desk.validated("faithful", &[&suited[..], &["--max-streams", "10"]].concat(), 0);
    assert_eq!(desk.judged(&["--store", text(&home), "--run", "last"], 0)["digest"], given["digest"]);
    // A suite's own does not outlive it.
    of(5);
    let own = desk.validated("faithful", &suited, 0);
    assert_eq!(desk.judged(&["--store", text(&home), "--run", "last"], 0)["digest"], own["digest"]);
    let light = ["--store", text(&home), "--run", "last", "--suite", "light"];
    let said = refused(&home, &desk.judge(&light), 4, "states-gone");
    assert!(said.contains("limits of readers"), "{said}");
}

#[test]
fn a_run_that_cannot_be_read_is_not_another_one() {
    let desk = Desk::new();
    let suite = desk.suite();
    let (golden, candidate) = (desk.path("golden"), desk.path("faithful"));
    let cache = desk.path("cache");
    // Without a store that is named, runs are recorded beside the suite, or in the user's cache.
    let run = |args: &[&str]| {
        let mut command = command(&desk.home(), args);
        command.env_remove("VERISMO_STORE").env("XDG_CACHE_HOME", &cache).current_dir(desk.path("")).output().unwrap()
    };
    let validate = ["validate", "--golden", text(&golden), "--candidate", text(&candidate), "--suite"];
    for suite in ["light", text(&suite)] {
        let output = run(&[&validate[..], &[suite]].concat());
        assert_eq!(output.status.code(), Some(0), "{}", err(&output));
    }
    let beside = fs::read_dir(desk.path(".verismo/runs")).unwrap().map(|entry| entry.unwrap().path());
    let report = beside.into_iter().find(|path| !text(path).ends_with(".trace.json.zst")).unwrap();
    fs::write(report, "no report").unwrap();
    let output = run(&["judge", "--run", "last", "--suite", text(&suite)]);
    assert!(
        output.status.code() == Some(4) && err(&output).contains("damaged-run"),
        "{}{}",
        out(&output),
        err(&output)
    );
}

#[test]
fn a_share_of_what_was_certified_is_held_against_the_files() {
    let desk = Desk::new();
    let home = desk.home();
    let at = |name: &str| text(&desk.path(name)).to_owned();
    let (key, public, certificate) = (at("key.pem"), at("key.pem.pub"), at("certificate.json"));
    let first = desk.validated("faithful", &["--suite", "light"], 0);
    let pieces = first["provenance"]["states"]["pieces"].as_u64().unwrap();
    assert!(pieces >= 3, "{}", first["provenance"]);
    ends(&home, &["keygen", "--out", &key], 0);
    ends(&home, &["certify", "last", "--key", &key, "--out", &certificate], 0);
    let signed = json(&fs::read_to_string(&certificate).unwrap());
    assert_eq!(signed["schema"], "verismo.certificate/2");
    assert_eq!(signed["statement"]["states"], first["provenance"]["states"]);
    let verify = |more: &[&str], code: i32| {
        let args = ["verify", &certificate, "--public-key", &public];
        ends(&home, &[&args[..], more].concat(), code)
    };
    let audit = |more: &[&str], code: i32| json(&verify(&[&["--audit", "100%", "--json", "-"], more].concat(), code));
    let told = verify(&["--audit", "1%"], 0);
    assert!(told.starts_with("GENUINE  PASS\n") && told.contains("AUDIT  EQUAL  1 of"), "{told}");
    let all = audit(&[], 0);
    assert_eq!(
        (&all["schema"], &all["equal"], &all["chosen"]),
        (&"verismo.audit/1".into(), &pieces.into(), &pieces.into())
    );
    assert!(told.contains("come to the certified verdict: PASS, digest"), "{told}");
    assert_eq!((&all["judged"]["is_same"], &first["verdict"]), (&true.into(), &"PASS".into()));
    // A certificate of what the states do not come to, signed with the right key.
    let forged = serde_json::to_string(&Value::Object(
        first
            .as_object()
            .unwrap()
            .iter()
            .map(|(k, v)| (k.clone(), if k == "verdict" { "FAIL".into() } else { v.clone() }))
            .collect(),
    ));
    fs::write(desk.path("forged.json"), forged.unwrap()).unwrap();
    ends(&home, &["certify", &at("forged.json"), "--key", &key, "--out", &at("forged.certificate")], 0);
    let args = ["verify", &at("forged.certificate"), "--public-key", &public, "--audit", "1%"];
    let told = ends(&home, &args, 1);
    assert!(told.contains("AUDIT  DIFFERENT") && told.contains("another verdict or digest"), "{told}");
    // What is chosen comes from the seed, by chance if none is given.
    let seeds: Vec<Value> =
        [&[][..], &[], &["--seed", "1"]].map(|more: &[&str]| audit(more, 0)["seed"].clone()).to_vec();
    assert!(seeds[0] != seeds[1] && seeds[2] == "1", "{seeds:?}");
    assert!(verify(&["--audit", "1%", "--seed", "7"], 0).contains("--seed 7 chooses the same pieces again."));
    let canary = json(&ends(&home, &["explain-cache", "last", "--canary", "50%", "--json", "-"], 0));
    assert_eq!((&canary["schema"], &canary["states_changed"]), (&"verismo.canary/1".into(), &0.into()));
    assert!(canary["computed"].as_u64() > Some(0) && canary["is_same_code"] == true, "{canary}");
    let told = ends(&home, &["explain-cache", "--canary", "1"], 0);
    assert!(told.contains("3 of 4 pieces") && told.contains("0 of 3 replays"), "a piece of each group: {told}");
    // A run judged again is audited like the one that read its data.
    ends(&home, &desk.judge(&["--run", "last"]), 0);
    ends(&home, &["certify", "last", "--key", &key, "--out", &at("again.json")], 0);
    let args = ["verify", &at("again.json"), "--public-key", &public, "--audit", "100", "--json", "-"];
    assert_eq!(json(&ends(&home, &args, 0))["equal"], pieces);
    // Files that are gone, and files that changed.
    let file = fs::read_dir(desk.path("golden")).unwrap().map(|entry| entry.unwrap().path()).next().unwrap();
    let bytes = fs::read(&file).unwrap();
    fs::rename(desk.path("faithful"), desk.path("archive")).unwrap();
    let gone = audit(&[], 3);
    let unchecked = gone["unchecked"].as_array().unwrap();
    assert!(!unchecked.is_empty() && unchecked.len() as u64 + gone["equal"].as_u64().unwrap() == pieces, "{gone}");
    assert!(unchecked[0]["why"].as_str().unwrap().ends_with("is gone"), "{gone}");
    assert!(verify(&["--audit", "100%"], 3).contains("AUDIT  INCOMPLETE"));
    fs::rename(desk.path("archive"), desk.path("faithful")).unwrap();
    let mut other = bytes.clone();
    // The price of a trade: the file is as long as before, and no time tells.
    let trade = other.windows(6).rposition(|part| part == b"\"p\":\"1" || part == b"\"p\":\"3").unwrap();
    other[trade + 6] = if other[trade + 6] == b'9' { b'8' } else { other[trade + 6] + 1 };
    let modified = fs::metadata(&file).unwrap().modified().unwrap();
    fs::write(&file, &other).unwrap();
    fs::File::options().append(true).open(&file).unwrap().set_modified(modified).unwrap();
    let changed = audit(&[], 1);
    assert_eq!(changed["different"].as_array().unwrap().len(), 1, "{changed}");
    assert!(changed["different"][0]["why"].as_str().unwrap().contains("the bytes of"), "{changed}");
    assert!(verify(&["--audit", "100%"], 1).contains("AUDIT  DIFFERENT"));
    fs::write(&file, &bytes).unwrap();
    audit(&[], 0);
    // States that were made of other bytes, under the name of those: what the record says of them is not what was certified.
    let runs = home.join("runs");
    let trace = runs.join(format!("{}.trace.json.zst", first["provenance"]["run"]["id"].as_str().unwrap()));
    let text = String::from_utf8(zstd::decode_all(&fs::read(&trace).unwrap()[..]).unwrap()).unwrap();
    let at_states = text.find("\"states\":\"").unwrap() + 10;
    let forged = format!("{}{}{}", &text[..at_states], "0".repeat(64), &text[at_states + 64..]);
    let kept = fs::read(&trace).unwrap();
    fs::write(&trace, zstd::encode_all(forged.as_bytes(), 1).unwrap()).unwrap();
    let args = ["verify", &certificate, "--public-key", &public, "--audit", "1%"];
    assert!(refused(&home, &args, 4, "another-run").contains("is not what was certified"));
    fs::write(&trace, kept).unwrap();
    // States that are gone, and a run that is.
    ends(&home, &["cache", "gc", "--max-size", "0"], 0);
    let gone = audit(&[], 3);
    assert_eq!(gone["unchecked"].as_array().unwrap().len() as u64, pieces, "{gone}");
    fs::remove_dir_all(&runs).unwrap();
    refused(&home, &args, 2, "no-such-run");
    // A run without states has a certificate as ever, and none to audit.
    ends(&home, &["certify", &at("reports"), "--key", &key, "--out", &at("report.cert")], 0);
    desk.validated("faithful", &["--suite", "light", "--no-store"], 0);
    ends(&home, &["certify", &at("reports"), "--key", &key, "--out", &at("old.cert")], 0);
    assert_eq!(json(&fs::read_to_string(at("old.cert")).unwrap())["schema"], "verismo.certificate/1");
    let args = ["verify", &at("old.cert"), "--public-key", &public];
    ends(&home, &args, 0);
    refused(&home, &[&args[..], &["--audit", "1%"]].concat(), 2, "not-auditable");
}
