//! What the data at hand can resolve, and margins proposed from it.

use verismo_suite::catalogue::TestId;
use verismo_suite::report::{Finding, MdeRow};

use crate::draft::{short, span};
use crate::input::SECOND_NS;

/// One row per deciding finding that has a margin.
pub(crate) fn rows(findings: &[Finding]) -> Vec<MdeRow> {
    findings.iter().filter(|f| f.deciding).filter_map(|f| Some(row(f, f.margin?))).collect()
}

fn row(finding: &Finding, margin: f64) -> MdeRow {
    let seconds = finding.seconds[1];
    let resolvable = finding.resolution;
    let symbol = symbol(finding);
    let text = match resolvable {
        Some(r) if seconds > 0.0 => format!(
            "{} resolve {symbol} >= {}; at this rate one minute resolves {}, one hour {}",
            span(seconds),
            short(r),
            short(at_length(finding.test, r, seconds, 60.0)),
            short(at_length(finding.test, r, seconds, 3600.0))
        ),
        _ => finding.undefined.get("resolution").cloned().unwrap_or_else(|| "not known".to_owned()),
    };
    MdeRow {
        stream: finding.stream.clone(),
        observable: finding.observable.clone(),
        test: finding.test,
        unit: finding.unit.clone(),
        margin,
        resolvable_margin: resolvable,
        mde: finding.mde,
        out_of_reach: resolvable.is_some_and(|r| r >= margin),
        text,
    }
}

/// What the effect of the finding's test is called.
pub(crate) fn symbol(finding: &Finding) -> String {
    match finding.test {
        TestId::Ks => "D".to_owned(),
        test => match &finding.parameter {
            Some(parameter) => format!("{test} ({parameter})"),
            None => test.to_string(),
        },
    }
}

/// What `wanted` seconds resolve, if `seconds` resolve that much: noise falls with the square root of the length, that of a
/// squared distance with the length.
pub(crate) fn at_length(test: TestId, resolvable: f64, seconds: f64, wanted: f64) -> f64 {
    let ratio = seconds / wanted;
    resolvable * if test.is_squared() { ratio } else { ratio.sqrt() }
}

/// The seconds that resolve `margin`, if `seconds` resolve that much: the inverse of [`at_length`].
pub(crate) fn needed(test: TestId, resolvable: f64, seconds: f64, margin: f64) -> f64 {
    let ratio = resolvable / margin;
    seconds * if test.is_squared() { ratio } else { ratio * ratio }
}

/// Seconds in a window of ns.
pub(crate) fn seconds(window_ns: i64) -> f64 {
    window_ns as f64 / SECOND_NS as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_times_the_length_resolves_half_a_distance_and_a_quarter_of_a_squared_one() {
        for (test, share) in
            [(TestId::Ks, 0.5), (TestId::W1, 0.5), (TestId::Cvm, 0.25), (TestId::Ad, 0.25), (TestId::Psi, 0.25)]
        {
            let resolved = at_length(test, 0.08, 60.0, 240.0);
            assert!((resolved - 0.08 * share).abs() < 1e-15, "{test}: {resolved}");
            assert!((needed(test, 0.08, 60.0, resolved) - 240.0).abs() < 1e-9, "{test}");
        }
    }
}
