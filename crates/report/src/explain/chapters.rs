//! The chapters of a finding.

use verismo_suite::catalogue::{self, Sampling, Source, TestId};
use verismo_suite::explanation::Chapter;
use verismo_suite::report::{Blame, Finding, Report, Side, StreamPair};
use verismo_suite::suite::{Pairing, Scope};
use verismo_suite::{FindingVerdict, Severity};

use super::{chapter, rank};
use crate::layout::clean;
use crate::number::{count, duration, interval, measured, optional, p_value, percent, utc};
use crate::outline::{self, ended, test_name};

/// Other findings named at most.
const OTHERS_MAX: usize = 8;

/// The chapters of `finding`; `others` are the other findings of the same observable, `command` is what a command calls the
/// report.
pub(super) fn of(report: &Report, finding: &Finding, others: &[&Finding], command: &str) -> Vec<Chapter> {
    let stream = report.streams.iter().find(|s| s.name == finding.stream);
    let chapters = [
        chapter("what", "What it is", what(finding)),
        chapter("compared", "What was compared", compared(report, finding, stream)),
        chapter("result", "What came out", result(report, finding)),
        chapter("meaning", "What the numbers mean", meaning(finding)),
        chapter("where", "Where the laws differ", place(finding)),
        chapter("when", "Which windows are to blame", when(finding)),
        chapter("others", "Other tests of it", other_tests(finding, others)),
        chapter("next", "What to do next", next(report, finding, stream, command)),
    ];
    chapters.into_iter().flatten().collect()
}

fn what(finding: &Finding) -> Vec<String> {
    let Some(info) = catalogue::observable(&finding.observable) else {
        return vec!["A column of the table.".to_owned()];
    };
    let sampled = match info.sampling {
        Sampling::PerTrade => "sampled at each trade",
        Sampling::PerOrder => "sampled at each order",
        Sampling::PerEvent => "sampled at each trade and each book update",
        Sampling::PerMinute => "sampled each minute with trades",
        Sampling::WholeMinutes => "counted in each whole minute",
        Sampling::Grid => "sampled every 100 ms, so that a state weighs by how long it lasted",
    };
    let from = match info.source {
        Source::Trades => "from trades",
        Source::Book => "from the order book",
        Source::Events => "from trades and book updates",
        Source::BookAndTrades => "from trades against the order book",
        Source::Orders => "from single orders",
    };
    let unit = if info.unit.is_empty() { String::new() } else { format!(", in {}", info.unit) };
    vec![ended(info.description), format!("{}; {from}, {sampled}{unit}.", info.formula), ended(info.reference)]
}

fn compared(report: &Report, finding: &Finding, stream: Option<&StreamPair>) -> Vec<String> {
    let info = finding.test.info();
    let mut said = vec![format!("By the {} on {}: {}.", info.title, named(&finding.stream), info.formula)];
    if finding.n_golden == 0 && finding.n_candidate == 0 {
        said.push("Neither side has a value that could be compared.".to_owned());
        return said;
    }
    let window_s = stream.map_or(0.0, |s| s.window_s);
    let [golden, candidate] = finding.windows;
    let values = |n: u64, windows: u64| {
        if windows > 0 {
            format!("{} values in {} windows", count(n), count(windows))
        } else {
            format!("{} values", count(n))
        }
    };
    let of = if window_s > 0.0 && golden > 0 { format!(" of {}", duration(window_s)) } else { String::new() };
    said.push(format!(
        "The golden has {}{of}, the candidate {}.",
        values(finding.n_golden, golden),
        values(finding.n_candidate, candidate)
    ));
    let matched = match finding.stratum.as_str() {
        "paired" => "The candidate replays the golden: windows of the same time were compared as pairs.",
        "half-hours" => "Each half hour of the day was compared with the same half hour of the other side.",
        "unmatched" => "The sides share no half hour of the day: their laws were compared as they are.",
        "population" => {
            "The windows stand for other days: what is claimed is about the market, not about these stretches."
        }
        _ => "",
    };
    said.push(matched.to_owned());
    if let Some(s) = stream.filter(|s| s.pairing != Pairing::Auto && !s.pairing_reason.is_empty()) {
        said.push(format!("Pairing is {}: {}", s.pairing.as_str(), ended(&s.pairing_reason)));
    }
    if let Some(coverage) = finding.coverage.filter(|c| *c < 0.999) {
        said.push(format!("Only {} of the golden's windows have a partner.", percent(coverage)));
    }
    if let Some(n_eff) = finding.n_eff {
        said.push(format!(
            "Values in a row resemble each other: they are worth {} independent ones, which is what the interval is made from.",
            count(n_eff.max(0.0).round() as u64)
        ));
    }
    if report.scope == Scope::Population && finding.stratum != "population" {
        said.push("The scope is population.".to_owned());
    }
    said
}

fn result(report: &Report, finding: &Finding) -> Vec<String> {
    let weight = match (finding.deciding, finding.severity) {
        (_, _) if finding.verdict == FindingVerdict::NotApplicable => "The run does not depend on it.".to_owned(),
        (false, _) => "It informs; another test decides this observable.".to_owned(),
        (true, Severity::Critical) if finding.verdict == FindingVerdict::Pass => {
            "It decides its observable, and its observable counts for the verdict of the run.".to_owned()
        }
        (true, Severity::Critical) => {
            format!("It decides, and holds the verdict of the run at {} or worse.", finding.verdict)
        }
        (true, severity) => {
            format!("It decides its observable, whose severity is {severity}: the run does not depend on it.")
        }
    };
    let mut said = vec![format!("{}: {}", finding.verdict, ended(&finding.reason))];
    if finding.effect.is_some() {
        let unit = unit_of(finding);
        let ends = finding.interval.map_or_else(String::new, |i| format!(", interval {}", interval(i)));
        said.push(format!(
            "Effect {}{unit}{ends}, margin {}{unit}.",
            optional(finding.effect),
            optional(finding.margin)
        ));
    }
    said.push(weight);
    if let Some(h) = finding.heterogeneity.filter(|h| *h > finding.margin.unwrap_or(0.0)) {
        said.push(format!(
            "The golden differs from itself by {} between its own blocks, more than the margin: FAIL was held to that bar.",
            measured(h)
        ));
    }
    if let Some([low, high]) = finding.certified.filter(|[low, high]| high - low > 0.05 * finding.margin.unwrap_or(0.0))
    {
        said.push(format!("Cells of the lattice hide the exact statistic: it lies in {}.", interval([low, high])));
    }
    let adjusted =
        finding.p_fail.zip(finding.p_fail_raw).filter(|(p, raw)| p > raw && finding.verdict != FindingVerdict::Pass);
    if let Some((p, raw)) = adjusted {
        let deciding = report.findings.iter().filter(|f| f.deciding == finding.deciding && f.p_fail.is_some()).count();
        said.push(format!(
            "That the effect is inside its margin has p = {}, {} after the correction for {} findings.",
            p_value(raw),
            p_value(p),
            count(deciding as u64)
        ));
    }
    said
}

/// ` ticks`, or nothing for a pure number.
fn unit_of(finding: &Finding) -> String {
    let unit = outline::effect_unit(finding);
    if unit.is_empty() { String::new() } else { format!(" {}", clean(unit)) }
}

/// The effect in words that need no statistics.
fn meaning(finding: &Finding) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(effect) = finding.effect {
        said.push(in_words(finding, effect));
    }
    match (finding.resolution, finding.margin) {
        (Some(r), Some(margin)) if r >= margin => said.push(format!(
            "These data resolve {} at best: even a perfect candidate would rarely pass at a margin of {}.",
            measured(r),
            measured(margin)
        )),
        (Some(r), Some(_)) => {
            said.push(format!("These data resolve {}: a faithful candidate passes at margins above.", measured(r)))
        }
        _ => {}
    }
    if let Some(mde) = finding.mde {
        said.push(format!("An effect of {} would be called FAIL in about four runs of five.", measured(mde)));
    }
    if let Some(p) = finding.p_value {
        said.push(format!(
            "The classical p-value is {}; it takes the values for independent, which they are not, and decides nothing.",
            p_value(p)
        ));
    }
    // The share of windows is said above.
    said.extend(finding.notes.iter().filter(|n| !n.starts_with("judged on")).map(|note| first_upper(&ended(note))));
    said
}

fn in_words(finding: &Finding, effect: f64) -> String {
    let unit = unit_of(finding);
    let size = measured(effect.abs());
    let more = if effect >= 0.0 { "above" } else { "below" };
    match finding.test {
        TestId::Ks => format!("At some value the shares of both sides below it differ by {}.", percent(effect)),
        TestId::W1 => format!("To turn one law into the other a value has to move by {size}{unit} on average."),
        TestId::Mean => format!("The candidate's mean lies {size}{unit} {more} the golden's."),
        TestId::Quantile => format!(
            "The candidate's {} quantile lies {size}{unit} {more} the golden's.",
            finding.parameter.as_deref().unwrap_or("given")
        ),
        TestId::Std => {
            format!("The candidate's standard deviation is {} times the golden's.", measured(libm::exp(effect)))
        }
        TestId::Fano => {
            format!("The candidate's counts are {} times as bursty (variance over mean).", measured(libm::exp(effect)))
        }
        TestId::Kuiper => format!("The largest lead of either law over the other adds up to {}.", percent(effect)),
        TestId::Cvm | TestId::Ad => {
            "The squared gap of both laws, averaged over all values: small unless they differ widely.".to_owned()
        }
        TestId::Mwu => format!(
            "A value of the candidate is the larger one of a pair in {} of all cases; it would be 50 % for equal laws.",
            percent(0.5 + effect)
        ),
        TestId::Chi2 | TestId::Psi | TestId::Js | TestId::Kl => {
            "The shares of both sides in bins of the golden, compared: 0 where every bin holds the same share."
                .to_owned()
        }
        TestId::Hill => format!(
            "The candidate's tail index lies {size} {more} the golden's: its extremes are {}.",
            if effect < 0.0 { "larger" } else { "smaller" }
        ),
        TestId::TailQuantile => {
            format!(
                "From the 95 % to the 99 % quantile the candidate grows {} times as far.",
                measured(libm::exp(effect))
            )
        }
        TestId::Energy => {
            format!(
                "The energy distance of both laws is {size} times the golden's own spread; it would be 0 for equal laws."
            )
        }
        TestId::Skewness | TestId::LSkew => format!(
            "The candidate's {} lies {size} {more} the golden's: it leans more to the {}.",
            if finding.test == TestId::Skewness { "skewness" } else { "L-skewness" },
            if effect > 0.0 { "large values" } else { "small values" }
        ),
        TestId::Kurtosis => format!("The candidate's kurtosis is {} times the golden's.", measured(libm::exp(effect))),
        TestId::LScale => format!(
            "Two values of the candidate lie {} times as far apart as two of the golden, on average.",
            measured(libm::exp(effect))
        ),
        TestId::LKurtosis => format!(
            "The candidate's L-kurtosis lies {size} {more} the golden's: its tails are {}.",
            if effect > 0.0 { "heavier" } else { "lighter" }
        ),
        TestId::Gpd => format!(
            "Beyond the golden's threshold the shape of the candidate's tail lies {size} {more} the golden's: its extremes are {}.",
            if effect > 0.0 { "larger" } else { "smaller" }
        ),
        TestId::PowerLaw => format!(
            "The candidate's power-law exponent lies {size} {more} the golden's: its extremes are {}.",
            if effect < 0.0 { "larger" } else { "smaller" }
        ),
        TestId::Acf => format!(
            "The candidate's autocorrelation at {} lies {size} {more} the golden's.",
            finding.parameter.as_deref().unwrap_or("this lag")
        ),
        TestId::Correlation => format!("A correlation of the candidate lies {size} from the golden's."),
        TestId::QuoteRmse => format!("The candidate's best prices are off by {size} ticks, as a root mean square."),
        TestId::DepthCorrelation => {
            format!("A depth of the candidate follows the golden's with a correlation of {}.", measured(1.0 - effect))
        }
        TestId::BarMismatch => format!("{} of the bars are missing, surplus or different.", percent(effect)),
        TestId::KyleLambda | TestId::FlowImpact => {
            format!(
                "A unit of flow moves the candidate's price {} {} than the golden's.",
                percent(effect.abs()),
                if effect > 0.0 { "more" } else { "less" }
            )
        }
        TestId::Classifier => format!(
            "A classifier tells a row of the candidate from one of the golden in {} of cases; it would be 50 % for equal laws.",
            percent(0.5 + effect)
        ),
        TestId::NoiseToSignal | TestId::GarchHalfLife | TestId::HawkesDecay => {
            format!("The candidate has {} times the golden's.", measured(libm::exp(effect)))
        }
        TestId::UpGivenFlow | TestId::UpGivenImbalance => format!(
            "After one fifth of what comes before, the chance that the candidate's price rises lies {} from the golden's.",
            percent(effect)
        ),
        TestId::HawkesMatrix => {
            format!("What a trade of one side excites of one side, on the mean, lies {size} trades from the golden's.")
        }
        TestId::VwapError => format!("The candidate's average prices of bars are off by {size} bp."),
        _ if finding.test.info().signed => format!("The candidate's lies {size} {more} the golden's."),
        _ => format!("The candidate lies {size} from the golden."),
    }
}

fn place(finding: &Finding) -> Vec<String> {
    let mut said = Vec::new();
    let unit = if finding.unit.is_empty() { String::new() } else { format!(" {}", clean(&finding.unit)) };
    if let Some(gap) = &finding.evidence.largest_gap {
        let (more, less) =
            if gap.candidate_share >= gap.golden_share { ("candidate", "golden") } else { ("golden", "candidate") };
        said.push(format!(
            "Farthest apart at {}{unit}: {} of the golden lies at or below it, {} of the candidate; the {more} has the smaller values \
             there, the {less} the larger.",
            measured(gap.at),
            percent(gap.golden_share),
            percent(gap.candidate_share)
        ));
    }
    if let Some(range) = &finding.evidence.worst_range {
        said.push(format!("Most of the difference: {}", ended(&range.text)));
    }
    said
}

fn when(finding: &Finding) -> Vec<String> {
    finding.evidence.blame.iter().map(blamed).collect()
}

/// `2024-08-08, 12:00:00 to 12:30:00 UTC: without it the effect is 0.03, inside the margin.`
fn blamed(blame: &Blame) -> String {
    let side = if blame.side == Side::Both { String::new() } else { format!(" ({})", blame.side.as_str()) };
    let end = if blame.inside_margin_without { ", inside the margin" } else { "" };
    let effect = measured(blame.effect_without);
    format!("{}{side}: without it the effect is {effect}{end}.", stretch(blame.from_ns, blame.to_ns))
}

/// The first letter large.
pub(super) fn first_upper(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A stretch of time, its day named once.
pub(crate) fn stretch(from_ns: i64, to_ns: i64) -> String {
    let (from, to) = (utc(from_ns), utc(to_ns));
    match (from.split_once(' '), to.split_once(' ')) {
        (Some((day, start)), Some((other, end))) if day == other => {
            format!("{day}, {} to {end}", start.trim_end_matches(" UTC"))
        }
        _ => format!("{} to {to}", from.trim_end_matches(" UTC")),
    }
}

fn other_tests(finding: &Finding, others: &[&Finding]) -> Vec<String> {
    let mut sorted: Vec<&Finding> = others.to_vec();
    sorted.sort_by_key(|f| (f.stream != finding.stream, !f.deciding, rank(f.verdict)));
    let mut said: Vec<String> = sorted
        .iter()
        .take(OTHERS_MAX)
        .map(|other| {
            let stream =
                if other.stream == finding.stream { String::new() } else { format!(" on {}", named(&other.stream)) };
            let unit = unit_of(other);
            let numbers = match (other.effect, other.interval) {
                (Some(effect), Some(ends)) => {
                    format!(": {}{unit} in {}, margin {}", measured(effect), interval(ends), optional(other.margin))
                }
                _ => format!(": {}", clean(&other.reason)),
            };
            format!("{}{stream} {}{numbers}", test_name(other), outline::verdict_label(other))
        })
        .collect();
    if let Some(more @ 1..) = sorted.len().checked_sub(OTHERS_MAX) {
        said.push(format!("and {more} more: see report.md"));
    }
    said
}

fn next(report: &Report, finding: &Finding, stream: Option<&StreamPair>, command: &str) -> Vec<String> {
    let mut said = Vec::new();
    match finding.verdict {
        FindingVerdict::Pass => said.push(room(finding)),
        FindingVerdict::Inconclusive => {
            said.extend(damage(report, finding, command));
            match &finding.needs {
                Some(needs) => said.push(format!("To decide it: {}", ended(&needs.text))),
                None => said.push(format!("Why it is open: {}", ended(&finding.reason))),
            }
        }
        FindingVerdict::Fail => {
            said.extend(damage(report, finding, command));
            let worst = finding.evidence.blame.iter().find(|b| b.inside_margin_without);
            if let Some(blame) = worst.or(finding.evidence.blame.first()) {
                let side = match blame.side {
                    Side::Both => "both sides".to_owned(),
                    side => format!("the {}", side.as_str()),
                };
                let why = if blame.inside_margin_without { "without it this would pass" } else { "it weighs most" };
                said.push(format!("Look at {} in {side}: {why}.", stretch(blame.from_ns, blame.to_ns)));
            }
            if finding.evidence.blame.iter().all(|b| !b.inside_margin_without) && !finding.evidence.blame.is_empty() {
                said.push(
                    "No single stretch explains it: the difference is everywhere, look at how the candidate is made."
                        .to_owned(),
                );
            }
            said.push("More data will not turn it into a PASS: the whole interval lies outside.".to_owned());
        }
        FindingVerdict::Error => {
            said.extend(damage(report, finding, command));
            said.push(format!("It could not be computed: {}", ended(&finding.reason)));
        }
        _ => said.push(format!("It does not apply: {}", ended(&finding.reason))),
    }
    if let Some(stream) =
        stream.filter(|s| s.overlap.is_some_and(|o| o > 0.0 && o < 0.95) && finding.verdict != FindingVerdict::Pass)
    {
        let covered = stream.overlap.map_or_else(String::new, percent);
        said.push(format!("The candidate covers {covered} of the golden's time: what is missing may be the reason."));
    }
    said
}

/// How much of the margin a PASS leaves.
fn room(finding: &Finding) -> String {
    match (finding.interval, finding.margin) {
        (Some([low, high]), Some(margin)) if margin > 0.0 => {
            let used = low.abs().max(high.abs()) / margin;
            format!("Nothing: its interval uses {} of the margin.", percent(used))
        }
        _ => "Nothing.".to_owned(),
    }
}

/// Integrity rows that may be the cause.
fn damage(report: &Report, finding: &Finding, command: &str) -> Vec<String> {
    let on_candidate = |side: Side| side != Side::Golden;
    let over = report.integrity.iter().filter(|r| {
        matches!(r.verdict, FindingVerdict::Fail | FindingVerdict::Error)
            && r.severity == Severity::Critical
            && on_candidate(r.side)
            && (r.stream.is_empty() || r.stream == finding.stream)
    });
    let mut names: Vec<String> = Vec::new();
    for row in over {
        if !names.contains(&row.check) {
            names.push(row.check.clone());
        }
    }
    let Some(first) = names.first() else { return Vec::new() };
    vec![format!(
        "Damage first: {} {} over its limit, which may be the whole cause. Run `verismo explain {command} {first}`.",
        names.join(", "),
        if names.len() == 1 { "is" } else { "are each" }
    )]
}

/// A stream by its name, or what stands for it.
pub(super) fn named(stream: &str) -> String {
    if stream.is_empty() { "the whole side".to_owned() } else { clean(stream) }
}
