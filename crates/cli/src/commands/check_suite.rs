//! `verismo check-suite`.

use std::io::Write;

use verismo_suite::suite::{DataKind, render_problems};
use verismo_suite::{Severity, Suite};

use crate::args::CheckSuiteArgs;
use crate::{CliError, Exit, suites};

/// Says in a line what a good suite holds, or every problem of a bad one with its place.
///
/// # Errors
/// Where the file cannot be read; a bad suite is [`Exit::Usage`].
pub fn run(args: &CheckSuiteArgs, out: &mut impl Write) -> Result<Exit, CliError> {
    let text = suites::read(&args.file)?;
    let file = args.file.display().to_string();
    match Suite::parse(&text) {
        Ok(suite) => {
            writeln!(out, "{file}: ok, {}", contents(&suite))?;
            Ok(Exit::Pass)
        }
        Err(problems) => {
            out.write_all(render_problems(&file, &text, &problems).as_bytes())?;
            let plural = if problems.len() == 1 { "" } else { "s" };
            writeln!(out, "{file}: {} problem{plural}", problems.len())?;
            Ok(Exit::Usage)
        }
    }
}

fn contents(suite: &Suite) -> String {
    let deciding = suite.observables.iter().filter(|r| r.severity == Severity::Critical).count();
    let observables = match (suite.data, suite.observables.len(), &suite.columns) {
        (DataKind::Table, 0, Some(_)) => "every numeric column".to_owned(),
        (DataKind::Table, n, Some(_)) => format!("{n} columns by name and every other numeric one"),
        (_, n, _) => format!("{n} observables, {deciding} of which decide"),
    };
    let checks = suite.checks.values().filter(|l| l.max_count.is_some() || l.max_ratio.is_some()).count();
    format!(
        "{observables}; {checks} checks with a limit; scope {}, pairing {}",
        suite.scope.as_str(),
        suite.pairing.as_str()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(text: &str) -> (Exit, String) {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("suite.yaml");
        std::fs::write(&file, text).unwrap();
        let mut out = Vec::new();
        let exit = run(&CheckSuiteArgs { file: file.clone() }, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        (exit, text.replace(&file.display().to_string(), "suite.yaml"))
    }

    #[test]
    fn the_built_in_suites_are_good() {
        for name in verismo_suite::suite::BUILTIN_NAMES {
            let (exit, text) = checked(Suite::builtin_text(name).unwrap());
            assert_eq!(exit, Exit::Pass, "{text}");
            assert!(text.starts_with("suite.yaml: ok, "), "{text}");
            assert_eq!(text.lines().count(), 1);
        }
    }

    #[test]
    fn every_problem_is_said_with_its_place() {
        let text = "schema: verismo.suite/1\nscoop: population\ndata: market\nobservables:\n  - id: spread\n    \
                    decide: ks\n    margins: {ks: -1}\n";
        let (exit, text) = checked(text);
        assert_eq!(exit, Exit::Usage);
        assert!(text.contains("suite.yaml:2:1: "), "{text}");
        assert!(text.contains("suite.yaml:7:"), "{text}");
        assert!(text.ends_with("suite.yaml: 2 problems\n"), "{text}");
    }

    #[test]
    fn a_file_that_is_no_suite_is_a_usage_error() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("data.bin");
        std::fs::write(&file, [0xff, 0xfe, 0]).unwrap();
        let error = run(&CheckSuiteArgs { file }, &mut Vec::new()).unwrap_err();
        assert_eq!((error.code, error.exit()), ("bad-suite", Exit::Usage));
        let error = run(&CheckSuiteArgs { file: dir.path().join("none") }, &mut Vec::new()).unwrap_err();
        assert_eq!(error.code, "no-such-path");
    }
}
