//! The fixed keys of the report, and that it reads back.

use super::*;

fn finding() -> Finding {
    Finding {
        observable: "spread".into(),
        unit: "ticks".into(),
        test: TestId::Ks,
        parameter: None,
        stream: "binance:BTCUSDT".into(),
        stratum: "paired".into(),
        statistic: Some(0.0),
        effect: Some(0.0),
        interval: Some([0.0, 0.0]),
        certified: Some([0.0, 0.0]),
        margin: Some(0.15),
        resolution: None,
        heterogeneity: None,
        n_golden: 10,
        n_candidate: 10,
        n_eff: None,
        p_value: Some(1.0),
        p_fail: Some(1.0),
        mde: None,
        severity: Severity::Critical,
        deciding: true,
        policy: Default::default(),
        verdict: FindingVerdict::Pass,
        reason: "every window is equal".into(),
        windows: [3, 3],
        seconds: [30.0, 30.0],
        coverage: Some(1.0),
        needs: None,
        evidence: Evidence::default(),
        notes: Vec::new(),
        p_fail_raw: None,
        strata: Vec::new(),
        undefined: Default::default(),
    }
}

fn report() -> Report {
    Report {
        schema: SCHEMA.into(),
        verdict: Verdict::Pass,
        summary: "These stretches agree.".into(),
        scope: Scope::TheseStretches,
        digest: "d".into(),
        suite_digest: "s".into(),
        suite: "market".into(),
        inputs: Vec::new(),
        streams: Vec::new(),
        findings: vec![finding()],
        integrity: Vec::new(),
        mde: Vec::new(),
        pictures: Vec::new(),
        timing: Timing::default(),
        provenance: Provenance::default(),
        cache: None,
    }
}

#[test]
fn fixed_keys_are_there_and_undefined_numbers_are_null() {
    let value: serde_json::Value = serde_json::from_str(&report().to_json().unwrap()).unwrap();
    for key in
        ["verdict", "digest", "suite_digest", "inputs", "findings", "integrity", "timing", "provenance", "schema"]
    {
        assert!(value.get(key).is_some(), "{key}");
    }
    let finding = &value["findings"][0];
    let fixed = "observable unit test stream stratum statistic effect interval certified margin resolution heterogeneity \
                 n_golden n_candidate n_eff p_value p_fail mde severity deciding verdict reason";
    for key in fixed.split_whitespace() {
        assert!(finding.get(key).is_some(), "{key}");
    }
    assert!(finding["resolution"].is_null());
    assert_eq!(value["schema"], "verismo.report/1");
    assert_eq!(finding["verdict"], "PASS");
    assert_eq!(value["scope"], "these-stretches");
    for key in ["messages", "events", "seconds", "messages_per_second", "events_per_second", "bytes_read", "stages"] {
        assert!(value["timing"].get(key).is_some(), "{key}");
    }
}

#[test]
fn a_report_reads_back_and_ignores_unknown_keys() {
    let report = report();
    let text = report.to_json().unwrap();
    assert_eq!(Report::from_json(&text).unwrap(), report);
    let text = text.replacen('{', "{\"from_the_future\": [1, {\"a\": null}],", 1);
    assert_eq!(Report::from_json(&text).unwrap(), report);
}
