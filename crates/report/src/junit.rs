//! The report as JUnit XML, for what shows test results.

use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use verismo_suite::report::{Finding, IntegrityRow, Report};
use verismo_suite::{FindingVerdict, Severity};

use crate::layout::clean;
use crate::number::{interval, optional};
use crate::outline;

/// The report as JUnit XML: the run's verdict, then a test suite per stream, then one for integrity.
///
/// Only what decides the run is a failure: FAIL is `failure` of type FAIL, INCONCLUSIVE is `failure` of type inconclusive
/// (a skipped test would hide it), ERROR is `error`, NOT_APPLICABLE is `skipped` with its reason. The XML is red exactly if
/// the verdict is not PASS, also where no single row says why.
///
/// # Errors
/// When the XML cannot be built; not seen in practice, since text is cleaned before.
pub fn junit(report: &Report) -> Result<String, quick_junit::SerializeError> {
    let mut xml = quick_junit::Report::new("verismo");
    let mut run = TestSuite::new("run");
    run.add_property(("digest", report.digest.as_str()));
    run.add_property(("suite", report.suite.as_str()));
    run.add_property(("suite_digest", report.suite_digest.as_str()));
    run.add_property(("scope", report.scope.as_str()));
    run.add_property(("version", report.provenance.version.as_str()));
    let verdict = status(report.verdict.into(), true, &clean(&report.summary));
    run.add_test_case(case("verdict", "run", verdict, &clean(&report.summary)));
    xml.add_test_suite(run);
    for (stream, findings) in outline::by_stream(&report.findings) {
        let name = clean(stream);
        let mut suite = TestSuite::new(name.as_str());
        for finding in findings {
            suite.add_test_case(finding_case(finding, &name));
        }
        xml.add_test_suite(suite);
    }
    let mut integrity = TestSuite::new("integrity");
    for row in &report.integrity {
        integrity.add_test_case(integrity_case(row));
    }
    xml.add_test_suite(integrity);
    xml.to_string()
}

fn case(name: &str, class: &str, status: TestCaseStatus, output: &str) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname(class);
    case.set_system_out(output);
    case
}

/// The state of a test case; a row that does not decide the run succeeds, and says its verdict in its output.
fn status(verdict: FindingVerdict, decides: bool, message: &str) -> TestCaseStatus {
    let non_success = |kind, kind_name: &str| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_type(kind_name);
        status.set_message(message);
        status
    };
    match verdict {
        FindingVerdict::NotApplicable => {
            let mut status = TestCaseStatus::skipped();
            status.set_message(message);
            status
        }
        FindingVerdict::Fail if decides => non_success(NonSuccessKind::Failure, "FAIL"),
        FindingVerdict::Inconclusive if decides => non_success(NonSuccessKind::Failure, "inconclusive"),
        FindingVerdict::Error if decides => non_success(NonSuccessKind::Error, "ERROR"),
        _ => TestCaseStatus::success(),
    }
}

fn finding_case(finding: &Finding, stream: &str) -> TestCase {
    let message = clean(&finding.reason);
    let name = format!("{}/{}", clean(&finding.observable), outline::test_name(finding));
    let output = format!(
        "{}: effect {}, interval {}, margin {}. {message}",
        outline::verdict_label(finding),
        optional(finding.effect),
        finding.interval.map_or_else(|| "-".to_owned(), interval),
        optional(finding.margin),
    );
    case(&name, stream, status(finding.verdict, outline::decides_run(finding), &message), output.trim_end())
}

fn integrity_case(row: &IntegrityRow) -> TestCase {
    let on = if row.stream.is_empty() { String::new() } else { format!(" {}", clean(&row.stream)) };
    let name = format!("{} {}{on}", clean(&row.check), row.side.as_str());
    let counted = outline::counted(row);
    let message = if row.reason.is_empty() { counted.clone() } else { format!("{} ({counted})", clean(&row.reason)) };
    let mut output = format!("{}: {message}", outline::row_label(row));
    for example in &row.examples {
        output.push('\n');
        output.push_str(&outline::position(example));
    }
    case(&name, "integrity", status(row.verdict, row.severity == Severity::Critical, &message), &output)
}
