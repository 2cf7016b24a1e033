//! The scores of LOB-Bench: sequences of two folders in, scores with intervals out.
//!
//! Each sequence is read and scored by itself, sequences side by side on threads; then each score is pooled over the sequences of a
//! side and compared. Intervals rest on windows: the sequences, or stretches of them where there are few.

mod conditional;
mod distance;
mod sides;

use std::collections::BTreeMap;
use std::path::PathBuf;

use rayon::prelude::*;
use verismo_feed::Limits;
use verismo_market::lob_bench::ImpactSums;
use verismo_stats::judging::WINDOWS_MIN;
use verismo_stats::pooled;
use verismo_suite::lob_bench::{
    CONDITIONAL, Curves, IMPACT_EVENTS, IMPACT_LAGS, Impact, LobBench, SCHEMA, SCORES, Side, Summaries, Summary,
};

use verismo_suite::suite::Scope;

use crate::error::EngineError;
use crate::meter::Meter;
use distance::Distances;
use sides::{ReadSide, read};

/// What is to be scored, and how.
#[derive(Debug, Clone)]
pub struct LobBenchRequest {
    /// Folder of the real sequences, or one message file.
    pub real: PathBuf,
    /// Folder of the generated sequences, or one message file.
    pub generated: PathBuf,
    /// Levels of the order book that are scored; without it those of the first real sequence, at most ten.
    pub levels: Option<usize>,
    /// What the intervals claim: these sequences, or others of the same kind. The latter guards against long memory.
    pub scope: Scope,
    /// What readers take at most.
    pub limits: Limits,
    /// Threads to use.
    pub threads: usize,
}

/// Reads both sides and scores them.
///
/// # Errors
/// [`EngineError::Feed`] for a side that cannot be read as sequences, [`EngineError::Interrupted`].
pub fn lob_bench(request: &LobBenchRequest, meter: &Meter) -> Result<LobBench, EngineError> {
    let threads = request.threads.max(1);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    let pool = pool.map_err(|error| EngineError::Internal { detail: error.to_string() })?;
    pool.install(|| {
        let (levels, [real, generated]) = read(request, meter)?;
        let distances: Vec<Distances> = (0..SCORES.len())
            .into_par_iter()
            .map(|score| Distances::of(score, &real, &generated, request.scope))
            .collect();
        if meter.is_cancelled() {
            return Err(EngineError::Interrupted { messages: meter.messages() });
        }
        Ok(assemble(request, levels, distances, &real, &generated))
    })
}

fn assemble(
    request: &LobBenchRequest,
    levels: usize,
    distances: Vec<Distances>,
    real: &ReadSide,
    generated: &ReadSide,
) -> LobBench {
    let mut bench = LobBench {
        schema: SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        scope: request.scope.as_str().to_owned(),
        levels,
        real: side(&request.real, real),
        generated: side(&request.generated, generated),
        notes: notes(real, generated),
        ..LobBench::default()
    };
    for (score, found) in SCORES.iter().zip(distances) {
        let id = score.id.to_owned();
        bench.scores.insert(id.clone(), found.scores);
        bench.counts.insert(id.clone(), found.counts);
        bench.intervals.insert(id, found.intervals);
        bench.undefined.extend(found.undefined);
    }
    bench.summary = summaries(bench.scores.values());
    for (name, found) in CONDITIONAL.iter().zip(conditional::scores(real, generated)) {
        if found.contains(&None) {
            bench.undefined.insert(format!("conditional.{name}"), conditional::NONE_SHARED.to_owned());
        }
        bench.conditional.insert((*name).to_owned(), found);
    }
    bench.undefined.insert("intervals.conditional".to_owned(), conditional::NO_INTERVAL.to_owned());
    bench.impact = impact(&real.impact, &generated.impact, &mut bench.undefined);
    bench.undefined.insert("intervals.impact".to_owned(), IMPACT_WITHOUT_INTERVAL.to_owned());
    bench
}

const IMPACT_WITHOUT_INTERVAL: &str =
    "a score of impact sums ratios of window sums over 21 lags: no seminorm of a difference of laws, and not judged";

fn side(path: &std::path::Path, read: &ReadSide) -> Side {
    let left_out = SCORES.iter().zip(&read.left_out).filter(|(_, n)| **n > 0);
    Side {
        path: path.display().to_string(),
        sequences: read.sequences as u64,
        messages: read.rows,
        windows: read.windows.len() as u64,
        left_out: left_out.map(|(score, n)| (score.id.to_owned(), *n)).collect(),
        rows_without_touch: read.rows_without_touch,
    }
}

/// What a reader of the scores should know.
fn notes(real: &ReadSide, generated: &ReadSide) -> Vec<String> {
    let mut notes = Vec::new();
    for (name, side) in [("real", real), ("generated", generated)] {
        if side.windows.len() > side.sequences {
            let plural = if side.sequences == 1 { "" } else { "s" };
            notes.push(format!(
                "the {name} side has {} sequence{plural}, fewer than {WINDOWS_MIN}: its intervals rest on {} stretches of about {} messages",
                side.sequences,
                side.windows.len(),
                side.rows / side.windows.len().max(1) as u64
            ));
        }
        if side.rows_without_touch > 0 {
            notes.push(format!(
                "{} rows of the {name} side have no best ask or bid; their fill-in prices are scored like any others, as the benchmark does",
                side.rows_without_touch
            ));
        }
    }
    let strangers = generated.real_ids.iter().flatten().filter(|id| !real.real_ids.contains(&Some(**id))).count();
    if strangers > 0 && real.real_ids.iter().any(Option::is_some) {
        notes.push(format!(
            "{strangers} generated sequences have a real_id that no real sequence has: they are scored here, the benchmark leaves them out"
        ));
    }
    notes
}

fn summaries<'a>(scores: impl Iterator<Item = &'a verismo_suite::lob_bench::Pair> + Clone) -> Summaries {
    let of = |place: usize| {
        let values: Vec<f64> = scores.clone().filter_map(|pair| pair[place]).collect();
        let found = pooled::summary(&values);
        Summary {
            mean: found.map(|s| s.mean),
            median: found.map(|s| s.median),
            interquartile_mean: found.map(|s| s.interquartile_mean),
        }
    };
    Summaries { l1: of(0), wasserstein: of(1) }
}

fn impact(real: &ImpactSums, generated: &ImpactSums, undefined: &mut BTreeMap<String, String>) -> Impact {
    let mut impact = Impact { lags: IMPACT_LAGS.to_vec(), ..Impact::default() };
    let mut sum = Some(0.0);
    for (event, name) in IMPACT_EVENTS.iter().enumerate() {
        let curve = |sums: &ImpactSums| (0..IMPACT_LAGS.len()).map(|lag| sums.mean(event, lag)).collect::<Vec<_>>();
        let curves = Curves {
            real: curve(real),
            generated: curve(generated),
            events: [real.events[event], generated.events[event]],
        };
        let lags = curves.real.iter().zip(&curves.generated);
        let differences: Vec<Option<f64>> = lags.map(|(r, g)| Some((r.as_ref()? - g.as_ref()?).abs())).collect();
        let score = differences.iter().copied().sum::<Option<f64>>();
        if let Some(missing) = differences.iter().position(Option::is_none) {
            let reason = format!(
                "a side has no such event with another one {} events at the touch later: its sequences are too short",
                IMPACT_LAGS[missing]
            );
            undefined.insert(format!("impact.scores.{name}"), reason);
        }
        sum = sum.zip(score).map(|(sum, score)| sum + score);
        impact.scores.insert((*name).to_owned(), score);
        impact.curves.insert((*name).to_owned(), curves);
    }
    impact.mean = sum.map(|sum| sum / IMPACT_EVENTS.len() as f64);
    if impact.mean.is_none() {
        undefined.insert("impact.mean".to_owned(), "one of the six scores is undefined".to_owned());
    }
    impact
}
