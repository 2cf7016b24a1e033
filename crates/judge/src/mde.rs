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

/// Seconds in a window of ns.
pub(crate) fn seconds(window_ns: i64) -> f64 {
    window_ns as f64 / SECOND_NS as f64
}
