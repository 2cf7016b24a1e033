//! The story of one finding, or of one integrity check: what it is, what was compared, what came out, where, when, what now.

mod chapters;
mod check;
mod text;

use std::cmp::Ordering;

use verismo_suite::catalogue::{self, CHECKS, TestId};
use verismo_suite::explanation::{Chapter, Explanation, SCHEMA, Story};
use verismo_suite::report::{Finding, IntegrityRow, Report};
use verismo_suite::{FindingVerdict, Severity};

use crate::outline;

pub(crate) use chapters::stretch;
pub use text::explain_text;

/// Stories told at most for part of a name.
const STORIES_MAX: usize = 6;
/// Names proposed for one that is not known.
const PROPOSALS_MAX: usize = 5;

/// What shall be explained.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Wish {
    /// An observable, a column or a check; or part of its name.
    pub name: String,
    /// Only on this stream.
    pub stream: Option<String>,
    /// Only this test.
    pub test: Option<TestId>,
    /// What a command calls the report, for commands that can be copied; `REPORT` if empty.
    pub report: String,
}

/// Why there is nothing to tell.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExplainError {
    /// The report has no finding and no row of that name.
    #[error("the report judges nothing called {name:?}")]
    UnknownName {
        /// The name asked for.
        name: String,
        /// Names of the report that are near.
        near: Vec<String>,
    },
    /// The catalogue knows it, the report does not have it.
    #[error("{name} exists, but suite {suite:?} does not judge it")]
    NotJudged {
        /// The name asked for.
        name: String,
        /// The suite of the report.
        suite: String,
    },
    /// No finding of it is on that stream.
    #[error("{name} is not judged on a stream {stream:?}")]
    UnknownStream {
        /// The name asked for.
        name: String,
        /// The stream asked for.
        stream: String,
        /// Its streams.
        known: Vec<String>,
    },
    /// No finding of it is of that test.
    #[error("{name} is not judged by {test}")]
    UnknownTest {
        /// The name asked for.
        name: String,
        /// The test asked for.
        test: TestId,
        /// Its tests.
        known: Vec<String>,
    },
}

/// Tells the story of what `wish` names: of several findings under a name the one that matters most, the others in a line each.
///
/// # Errors
/// [`ExplainError`] where the report has nothing of that name, stream or test.
pub fn explain(report: &Report, wish: &Wish) -> Result<Explanation, ExplainError> {
    let mut stories = Vec::new();
    for name in names(report, &wish.name)? {
        let wish = Wish { name: name.to_owned(), ..wish.clone() };
        if report.findings.iter().any(|f| f.observable == name) {
            stories.push(finding_story(report, &wish)?);
        } else {
            stories.push(check_story(report, &wish)?);
        }
    }
    stories.sort_by_key(|story| rank(story.verdict));
    stories.truncate(STORIES_MAX);
    Ok(Explanation { schema: SCHEMA.to_owned(), verdict: report.verdict, stories })
}

/// The names of the report that `name` stands for: itself, or those it is part of.
fn names<'a>(report: &'a Report, name: &str) -> Result<Vec<&'a str>, ExplainError> {
    let mut all: Vec<&str> = report.findings.iter().map(|f| f.observable.as_str()).collect();
    all.extend(report.integrity.iter().map(|r| r.check.as_str()));
    let mut seen = std::collections::BTreeSet::new();
    all.retain(|known| seen.insert(*known));
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let wanted = plain(name);
    if let Some(exact) = all.iter().find(|known| plain(known) == wanted) {
        return Ok(vec![exact]);
    }
    let parts: Vec<&str> =
        all.iter().copied().filter(|known| !wanted.is_empty() && plain(known).contains(&wanted)).collect();
    let is_catalogued =
        catalogue::all_observables().map(|o| o.id).chain(CHECKS.iter().map(|c| c.id)).any(|id| id == wanted);
    if is_catalogued {
        return Err(ExplainError::NotJudged { name: wanted, suite: report.suite.clone() });
    }
    if (1..=STORIES_MAX).contains(&parts.len()) {
        return Ok(parts);
    }
    let mut near: Vec<String> = parts.iter().map(|part| (*part).to_owned()).collect();
    // The nearest, then the nearest of the rest: each turn takes one name out of the race.
    let mut rest: Vec<&str> = all.into_iter().filter(|known| !parts.contains(known)).collect();
    while near.len() < PROPOSALS_MAX
        && let Some(next) = catalogue::nearest(name, rest.iter().copied())
    {
        near.push(next.to_owned());
        rest.retain(|known| *known != next);
    }
    near.truncate(PROPOSALS_MAX);
    Err(ExplainError::UnknownName { name: name.to_owned(), near })
}

/// The finding that matters most under a name, with the others of that name.
fn finding_story(report: &Report, wish: &Wish) -> Result<Story, ExplainError> {
    let all: Vec<&Finding> = report.findings.iter().filter(|f| f.observable == wish.name).collect();
    let on_stream = filtered_by_stream(all, wish, |f| &f.stream)?;
    let tests = distinct(on_stream.iter().map(|f| f.test.to_string()));
    let mut wanted: Vec<&Finding> = on_stream.clone();
    if let Some(test) = wish.test {
        wanted.retain(|f| f.test == test);
        if wanted.is_empty() {
            return Err(ExplainError::UnknownTest { name: wish.name.clone(), test, known: tests });
        }
    }
    wanted.sort_by(|a, b| {
        let order = (!a.deciding, rank(a.verdict)).cmp(&(!b.deciding, rank(b.verdict)));
        order.then(outline::excess(b).partial_cmp(&outline::excess(a)).unwrap_or(Ordering::Equal))
    });
    let Some((finding, _)) = wanted.split_first() else {
        return Err(ExplainError::UnknownName { name: wish.name.clone(), near: Vec::new() });
    };
    let others: Vec<&Finding> = on_stream.into_iter().filter(|f| !std::ptr::eq(*f, *finding)).collect();
    Ok(Story {
        subject: finding.observable.clone(),
        test: outline::test_name(finding),
        stream: finding.stream.clone(),
        verdict: finding.verdict,
        decides: outline::decides_run(finding) && finding.verdict != FindingVerdict::NotApplicable,
        chapters: chapters::of(report, finding, &others, if wish.report.is_empty() { "REPORT" } else { &wish.report }),
        finding: Some((*finding).clone()),
        row: None,
    })
}

/// The row that matters most under a check, with the others of that check.
fn check_story(report: &Report, wish: &Wish) -> Result<Story, ExplainError> {
    let all: Vec<&IntegrityRow> = report.integrity.iter().filter(|r| r.check == wish.name).collect();
    let mut rows = filtered_by_stream(all, wish, |r| &r.stream)?;
    if let Some(test) = wish.test {
        return Err(ExplainError::UnknownTest { name: wish.name.clone(), test, known: Vec::new() });
    }
    rows.sort_by_key(|r| (rank(r.verdict), r.severity != Severity::Critical, std::cmp::Reverse(r.count)));
    let Some((row, others)) = rows.split_first() else {
        return Err(ExplainError::UnknownName { name: wish.name.clone(), near: Vec::new() });
    };
    Ok(Story {
        subject: row.check.clone(),
        test: String::new(),
        stream: row.stream.clone(),
        verdict: row.verdict,
        decides: row.severity == Severity::Critical,
        chapters: check::chapters(report, row, others),
        finding: None,
        row: Some((*row).clone()),
    })
}

/// Those of the wished stream; a part of its name is enough where it names one stream only.
fn filtered_by_stream<'a, T>(
    all: Vec<&'a T>,
    wish: &Wish,
    stream_of: impl Fn(&T) -> &String,
) -> Result<Vec<&'a T>, ExplainError> {
    let Some(stream) = &wish.stream else { return Ok(all) };
    let known = distinct(all.iter().map(|one| stream_of(one).clone()));
    let holds = |name: &String| name.to_lowercase().contains(&stream.to_lowercase());
    let chosen = match known.iter().find(|name| *name == stream) {
        Some(exact) => vec![exact],
        None => known.iter().filter(|name| holds(name)).collect(),
    };
    let [chosen] = chosen.as_slice() else {
        return Err(ExplainError::UnknownStream { name: wish.name.clone(), stream: stream.clone(), known });
    };
    Ok(all.into_iter().filter(|one| stream_of(one) == *chosen).collect())
}

fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut seen = std::collections::BTreeSet::new();
    names.filter(|name| seen.insert(name.clone())).collect()
}

fn rank(verdict: FindingVerdict) -> u8 {
    match verdict {
        FindingVerdict::Error => 0,
        FindingVerdict::Fail => 1,
        FindingVerdict::Inconclusive => 2,
        FindingVerdict::Pass => 3,
        _ => 4,
    }
}

/// A chapter, unless it has nothing to say.
fn chapter(id: &str, title: &str, paragraphs: Vec<String>) -> Option<Chapter> {
    let paragraphs: Vec<String> = paragraphs.into_iter().filter(|p| !p.is_empty()).collect();
    (!paragraphs.is_empty()).then(|| Chapter { id: id.to_owned(), title: title.to_owned(), paragraphs })
}
