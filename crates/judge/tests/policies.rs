//! What PASS and FAIL claim, and the correction for the number of findings.
#![allow(clippy::unwrap_used, clippy::float_cmp, missing_docs)]

mod common;

use common::{PLAN, Plan, SUITE, deciding, judged, side};
use verismo_suite::Suite;
use verismo_suite::catalogue::TestId;
use verismo_suite::report::Finding;
use verismo_suite::verdict::{FindingVerdict, Severity, Verdict};

/// The mean of one observable under a policy: candidate minus golden is `shift` standard deviations.
fn mean_under(policy: &str, margin: f64, shift: f64) -> Finding {
    let text = format!(
        "schema: verismo.suite/1\nobservables:\n  - {{id: mid_log_return_1s, decide: mean, policy: {policy}, margins: {{mean: {margin}, ks: 0.05}}}}\n"
    );
    let candidate = side(Plan { seed: 2, shift, ..PLAN });
    let judgement = judged(&side(PLAN), &candidate, &Suite::parse(&text).unwrap());
    let ks = judgement.findings.iter().find(|f| f.test == TestId::Ks).unwrap();
    assert_eq!(ks.policy.as_str(), if policy == "difference" { "difference" } else { "equivalence" });
    deciding(&judgement, "mid_log_return_1s").clone()
}

#[test]
fn a_policy_says_what_pass_and_fail_claim() {
    use FindingVerdict::{Fail, Inconclusive, Pass};
    // Margins are in interquartile ranges, 1.35 standard deviations of a normal law: .5 deviations are .37 of them.
    for (policy, margin, shift, want) in [
        ("equivalence", 0.2, 0.0, Pass),
        ("equivalence", 0.2, 0.5, Fail),
        ("equivalence", 0.37, 0.5, Inconclusive),
        ("difference", 0.6, 0.5, Fail),
        ("difference", 0.2, 0.0, Pass),
        ("not_below", 0.1, 0.5, Pass),
        ("not_below", 0.1, -0.5, Fail),
        ("not_above", 0.1, -0.5, Pass),
        ("not_above", 0.1, 0.5, Fail),
        ("not_above", 0.37, 0.5, Inconclusive),
        ("above", 0.1, 0.5, Pass),
        ("above", 0.1, 0.0, Fail),
        ("above", 0.37, 0.5, Inconclusive),
        ("below", 0.1, -0.5, Pass),
        ("below", 0.1, 0.5, Fail),
    ] {
        let finding = mean_under(policy, margin, shift);
        assert_eq!(finding.verdict, want, "{policy} {margin} {shift}: {} {:?}", finding.reason, finding.p_fail);
        assert_eq!(finding.policy.as_str(), policy);
        if policy.starts_with("not_") && want == Pass {
            // On the side that no FAIL is about there is nothing to reject, and nothing that ranks before other findings.
            assert_eq!(finding.p_fail_raw, Some(1.0), "{policy}");
        }
    }
    let same = side(PLAN);
    let text = "schema: verismo.suite/1\nobservables:\n  - {id: mid_log_return_1s, decide: mean, policy: above, margins: {mean: 0.1}}\n";
    let judgement = judged(&same, &same.clone(), &Suite::parse(text).unwrap());
    assert_eq!(judgement.verdict, Verdict::Fail, "what is equal is not above: {}", judgement.summary);
}

#[test]
fn the_correction_for_the_number_of_findings_is_the_suites() {
    let golden = side(PLAN);
    let candidate = side(Plan { seed: 2, shift: 0.26, ..PLAN });
    let adjusted = |name: &str| {
        let suite = Suite::parse(&format!("{SUITE}\nmultiplicity: {name}\n")).unwrap();
        let judgement = judged(&golden, &candidate, &suite);
        let of_ks = judgement.findings.iter().filter(|f| f.deciding && f.severity == Severity::Critical);
        of_ks.filter_map(|f| f.p_fail.zip(f.p_fail_raw)).collect::<Vec<_>>()
    };
    let [holm, bh, by, none] = ["holm", "bh", "by", "none"].map(adjusted);
    assert!(holm.len() > 2 && none.iter().all(|(p, raw)| p == raw), "{none:?}");
    for (((holm, raw), (bh, _)), (by, _)) in holm.iter().zip(&bh).zip(&by) {
        assert!(raw <= bh && bh <= holm && bh <= by, "{raw} {bh} {holm} {by}");
    }
    assert!(holm.iter().zip(&bh).any(|(h, b)| b.0 < h.0), "{holm:?} {bh:?}");
}
