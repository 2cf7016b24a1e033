//! The digest depends on the content and the suite alone.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect;

use common::{market, market_with_snapshots, request, run, run_with, write_events, write_golden};
use verismo_engine::{Meter, validate};
use verismo_market::message::Message;
use verismo_sim::apply;
use verismo_suite::report::Report;

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut all: Vec<PathBuf> = fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    all
}

#[test]
fn one_two_and_seven_threads_give_one_digest_and_one_judgement() {
    for suite in ["market", "microstructure", "joint"] {
        assert_threads_change_nothing(suite);
    }
}

fn assert_threads_change_nothing(suite: &str) {
    let dir = tempfile::tempdir().unwrap();
    let (golden, candidate) = (dir.path().join("golden"), dir.path().join("candidate"));
    write_golden(&golden, market(3, 30_000));
    write_events(&candidate, market_with_snapshots(4, 30_000));
    let reports: Vec<Report> = [1, 2, 7]
        .into_iter()
        .map(|threads| {
            let suite = verismo_suite::Suite::builtin(suite);
            let request = verismo_engine::ValidateRequest { threads, suite, ..request(&golden, &candidate) };
            validate(&request, &Meter::default()).unwrap()
        })
        .collect();
    for other in &reports[1..] {
        assert_eq!(other.digest, reports[0].digest);
        // Text shows every bit, and a number that is none is equal to itself.
        assert_eq!(format!("{:?}", other.findings), format!("{:?}", reports[0].findings));
        assert_eq!(format!("{:?}", other.integrity), format!("{:?}", reports[0].integrity));
    }
}

/// What the states of a market have been since their definition: an optimisation that changes one is none. Where a definition or the
/// simulator changes on purpose, `UPDATE_EXPECT=1` writes the new ones, and CHANGELOG.md says why.
#[test]
fn the_states_of_a_market_are_those_of_the_versions_before() {
    let mut found = String::new();
    // As it is, of 12 minutes and windows of 1 s; an hour, windows of 10 s; half a day, windows of 60 s.
    for slower in [1, 5, 60] {
        let dir = tempfile::tempdir().unwrap();
        let (golden, candidate) = (dir.path().join("golden"), dir.path().join("candidate"));
        let stretched = |mut message: Message| {
            let start = 1_753_056_000_000_000_000;
            message.t_exchange_ns = start + (message.t_exchange_ns - start) * slower;
            message
        };
        write_golden(&golden, market(11, 30_000).map(stretched));
        write_events(&candidate, market_with_snapshots(12, 30_000).map(stretched));
        for suite in ["market", "microstructure", "joint"] {
            let report = run_with(suite, &golden, &candidate);
            let window_s = report.streams[0].window_s;
            found += &format!("{suite} {window_s} s {} {}\n", report.inputs[0].digest, report.inputs[1].digest);
        }
    }
    expect![[r#"
        market 1 s 5daf463c6ee5793ee26c505984f42f4304d14bd58115819f1f9dd8433b162489 a1cde59f5e475bfb1e47e38ffbf783ed746053220f6785e8c4fa8adf97b26086
        microstructure 1 s 598ff846f42364d78e091c62fa4119d4d8181a620a90c9e8e8c77cb0a13e794e 24d932bfcffe08bff6a07ae10ae3294c6b04f6fe443d2210a8416c04d8f70910
        joint 1 s fec061f4bb2c911fec69cbc5db04e9678e7b56a95458c915ddb2e868448714d6 7a2252f622b3a43cd4b71dbfd5c3ad932e7f4714f0ed50ab12bf656df3da3c5d
        market 10 s babd3fea356a1bcf660031652bf045250ae07274e95df9cceff257f49d8e0d47 a67527bd443d0a1ffe2082d879fc2b03a56399a0d970d0e50a4ab3e1cd481c07
        microstructure 10 s 7fc4b906b9a3d22d6cd4c4122919f6fdfa4708bfdb1e181297580beb4f496175 5dd3c1c1c8e6816c16ca43a9b30016fc8930e23212490c92d50659096eefa24d
        joint 10 s 569e1c2fb15a482dc6f1ce166474a505a6a8a284c975f2bfeac71438fbc7ff03 a9a7b17bff093cdc63e6b64bc1e66fb897cd3642ed415a0f23faf468f54b21d2
        market 60 s 79cc4a507abe707fd413559cdc03fd9854a24c4b220c4db1e091ff6b61674a4f 552fa32b2e9c28da4a9d4a51b5697e94431bdb122c306e3ccd716386301f0f37
        microstructure 60 s 0e6aba235d1a54be9de5fba612f41ff60ba069f3f87e209f4aa1134aebe35b36 bcd6fd69eafdf6c6e7444f0062adefed2f0f02eef05f6c31b67ad3684ab28615
        joint 60 s a40a66b0d72e2ddaf8b2daf41afeedbbe2b6e66df3161ffab3d790042af82e9b ddc27ebf851c013963f5906db45af275862bf28c02701e57145afd1edfbd4f58
    "#]].assert_eq(&found);
}

#[test]
fn files_that_look_longer_than_their_streams_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (one, two) = (dir.path().join("one"), dir.path().join("two"));
    write_golden(&two, market(7, 3_000));
    let market: String = files(&two).iter().map(|f| fs::read_to_string(f).unwrap()).collect();
    // Another symbol trades once, nine hours later.
    let other = r#"{"capture_ns":3835550000000000,"stream":"ethusdt@trade","data":{"e":"trade","E":1753088400000,"s":"ETHUSDT","t":1,"p":"3000.10","q":"0.5","T":1753088400000,"m":true,"M":true}}"#;
    fs::write(two.join("later.jsonl"), format!("{other}\n")).unwrap();
    fs::create_dir_all(&one).unwrap();
    fs::write(one.join("all.jsonl"), format!("{market}{other}\n")).unwrap();
    let reports = [run(&one, &one), run(&two, &two)];
    for report in &reports {
        let windows: Vec<_> = report.streams.iter().map(|s| (s.name.as_str(), s.window_s)).collect();
        assert_eq!(windows, [("BTCUSDT", 1.0), ("ETHUSDT", 1.0)]);
    }
    assert_eq!(reports[0].digest, reports[1].digest);
    assert_eq!(reports[0].inputs[0].messages, reports[1].inputs[0].messages);
}

/// Cuts a capture at random lines into files with random names, three times, and wants the digest of the whole each time.
fn assert_cuts_change_nothing(suite: &str, messages: impl Iterator<Item = Message>, what: &str) {
    let dir = tempfile::tempdir().unwrap();
    let (whole, cut) = (dir.path().join("whole"), dir.path().join("cut"));
    write_golden(&whole, messages);
    let text: String = files(&whole).iter().map(|f| fs::read_to_string(f).unwrap()).collect();
    fs::remove_dir_all(&whole).unwrap();
    fs::create_dir_all(&whole).unwrap();
    fs::write(whole.join("whole.jsonl"), &text).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let reference = run_with(suite, &whole, &whole);
    for seed in 0..3_u64 {
        fs::create_dir_all(&cut).unwrap();
        // Cuts and names from a small generator, so that a failure can be replayed.
        let mut state = seed * 7_919 + 17;
        let mut next = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        // At least 64 lines a file: of fewer, out of order, nothing in them tells where they belong.
        let mut cuts: Vec<usize> = (0..60).map(|_| next(lines.len() as u64 - 64) as usize).collect();
        cuts.extend([0, lines.len()]);
        cuts.sort_unstable();
        cuts.dedup_by(|b, a| *b - *a < 64);
        for pair in cuts.windows(2) {
            let name = format!("{:08}.jsonl", next(100_000_000));
            fs::write(cut.join(name), lines[pair[0]..pair[1]].join("\n") + "\n").unwrap();
        }
        let report = run_with(suite, &whole, &cut);
        let counts = |r: &Report| r.integrity.iter().map(|r| (r.check.clone(), r.side, r.count)).collect::<Vec<_>>();
        assert_eq!(counts(&report), counts(&reference), "{what}, seed {seed}, cuts {cuts:?}");
        assert_eq!(report.digest, reference.digest, "{what}, seed {seed}, cuts {cuts:?}");
        fs::remove_dir_all(&cut).unwrap();
    }
}

#[test]
fn cutting_at_random_lines_and_shuffling_file_names_change_nothing() {
    assert_cuts_change_nothing("market", market(5, 30_000), "clean");
    assert_cuts_change_nothing("microstructure", market(5, 30_000), "clean");
}

#[test]
fn cuts_change_nothing_in_a_damaged_capture_either() {
    for kind in ["drop", "duplicate", "reorder", "jitter", "delay"] {
        let (damaged, _) = apply(market(5, 20_000).collect(), &[kind.parse().unwrap()], 3);
        assert_cuts_change_nothing("market", damaged.clone().into_iter(), kind);
        assert_cuts_change_nothing("microstructure", damaged.into_iter(), kind);
    }
}

#[test]
fn another_message_gives_another_digest() {
    let dir = tempfile::tempdir().unwrap();
    let (a, b) = (dir.path().join("a"), dir.path().join("b"));
    write_golden(&a, market(5, 5_000));
    write_golden(&b, market(5, 5_001));
    assert_ne!(run(&a, &a).digest, run(&a, &b).digest);
}
