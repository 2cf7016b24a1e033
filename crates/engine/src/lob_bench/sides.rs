//! Reads and scores the sequences of both sides.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use rayon::prelude::*;
use verismo_feed::FeedError;
use verismo_feed::lobster::{SequenceFiles, SequenceReader, sequences};
use verismo_market::lob_bench::{Conditions, ImpactSums, LEVELS_MAX, Row, SCORE_COUNT, Scored, Scorer, Window};
use verismo_stats::judging::WINDOWS_MIN;
use verismo_stats::pooled::{Cell, merge};

use super::LobBenchRequest;
use crate::error::EngineError;
use crate::meter::Meter;

/// Windows of a side that few sequences are cut into: enough for their autocorrelation, and few enough to be judged fast.
const WINDOWS_MAX: usize = 120;
/// Rows between two looks at the meter.
const LOOK_ROWS: u64 = 4_096;

/// Everything the scores of a side are computed from.
#[derive(Debug, Default)]
pub(super) struct ReadSide {
    pub(super) sequences: usize,
    /// The real sequence that each is, or was generated from.
    pub(super) real_ids: Vec<Option<u64>>,
    pub(super) rows: u64,
    pub(super) rows_without_touch: u64,
    pub(super) left_out: [u64; SCORE_COUNT],
    /// In order of the sequences.
    pub(super) windows: Vec<Window>,
    /// Volatility, messages and spreads of each sequence.
    pub(super) volatility: Vec<(f64, u64, Vec<Cell>)>,
    pub(super) conditions: Conditions,
    pub(super) impact: ImpactSums,
}

const SIDES: [&str; 2] = ["real", "generated"];

/// Reads both sides; returns the levels that are scored, too.
pub(super) fn read(request: &LobBenchRequest, meter: &Meter) -> Result<(usize, [ReadSide; 2]), EngineError> {
    let found = |side: usize, path| sequences(path).map_err(EngineError::feed(SIDES[side]));
    let sides = [found(0, &request.real)?, found(1, &request.generated)?];
    meter.set_bytes_total(sides.iter().flatten().map(|files| files.bytes).sum());
    let levels = match (request.levels, sides[0].first()) {
        (Some(levels), _) => levels.clamp(1, LEVELS_MAX),
        (None, Some(first)) => {
            let reader =
                SequenceReader::open(first, &request.limits, &Arc::default()).map_err(EngineError::feed(SIDES[0]))?;
            reader.depth().clamp(1, LEVELS_MAX)
        }
        (None, None) => LEVELS_MAX,
    };
    let jobs: Vec<(usize, &SequenceFiles)> =
        sides.iter().enumerate().flat_map(|(side, all)| all.iter().map(move |files| (side, files))).collect();
    let windows_most =
        sides.each_ref().map(|all| if all.len() >= WINDOWS_MIN { 1 } else { WINDOWS_MAX / all.len().max(1) });
    // The first failure in order ends the run, whichever thread meets one first.
    let failed = AtomicUsize::new(usize::MAX);
    let scored: Vec<Result<Option<Sequence>, EngineError>> = jobs
        .par_iter()
        .enumerate()
        .map(|(i, (side, files))| {
            if i > failed.load(Ordering::Relaxed) || meter.is_cancelled() {
                return Ok(None);
            }
            let scored = score(files, levels, request, meter).map_err(EngineError::feed(SIDES[*side]));
            if scored.is_err() {
                failed.fetch_min(i, Ordering::Relaxed);
            }
            Ok(scored?.map(|scored| Sequence::new(files.real_id, scored, windows_most[*side])))
        })
        .collect();
    let mut out: [ReadSide; 2] = Default::default();
    for ((side, _), sequence) in jobs.into_iter().zip(scored) {
        let Some(sequence) = sequence? else { return Err(EngineError::Interrupted { messages: meter.messages() }) };
        out[side].add(sequence);
    }
    Ok((levels, out))
}

/// What is kept of a sequence.
struct Sequence {
    real_id: Option<u64>,
    rows: u64,
    rows_without_touch: u64,
    left_out: [u64; SCORE_COUNT],
    windows: Vec<Window>,
    volatility: f64,
    /// Those of all windows.
    spreads: Vec<Cell>,
    conditions: Conditions,
    impact: ImpactSums,
}

impl Sequence {
    fn new(real_id: Option<u64>, mut scored: Scored, windows_most: usize) -> Self {
        let (rows, rows_without_touch, volatility) = (scored.rows, scored.rows_without_touch, scored.volatility);
        let conditions = std::mem::take(&mut scored.conditions);
        let impact = std::mem::take(&mut scored.impact);
        let (windows, left_out) = scored.windows(windows_most);
        // The spread is the first score.
        let spreads = merge(windows.iter().filter_map(|window| window.first().map(Vec::as_slice)));
        Self { real_id, rows, rows_without_touch, left_out, windows, volatility, spreads, conditions, impact }
    }
}

/// Reads one sequence; `None` where somebody asked the run to stop.
fn score(
    files: &SequenceFiles,
    levels: usize,
    request: &LobBenchRequest,
    meter: &Meter,
) -> Result<Option<Scored>, FeedError> {
    let consumed = Arc::new(AtomicU64::new(0));
    let mut reader = SequenceReader::open(files, &request.limits, &consumed)?;
    let there = reader.depth();
    if there > 0 && there < levels {
        return Err(FeedError::WrongFormat {
            path: files.book.display().to_string(),
            expected: "an order book of as many levels as the others",
            found: format!("it has {there}, {levels} are scored; ask for fewer with --levels {there}"),
        });
    }
    reader.limit_levels(levels);
    let (mut scorer, mut row) = (Scorer::new(levels), Row::default());
    let (mut rows, mut told) = (0_u64, (0_u64, 0_u64));
    let mut tell = |rows: u64| {
        let bytes = consumed.load(Ordering::Relaxed);
        meter.add(rows - told.0, bytes - told.1);
        told = (rows, bytes);
    };
    while reader.next_row(&mut row)? {
        scorer.push(&row);
        rows += 1;
        if rows.is_multiple_of(LOOK_ROWS) {
            tell(rows);
            if meter.is_cancelled() {
                return Ok(None);
            }
        }
    }
    tell(rows);
    if rows == 0 {
        return Err(FeedError::WrongFormat {
            path: files.messages.display().to_string(),
            expected: "a sequence of messages",
            found: "it is empty; remove it and its order book".to_owned(),
        });
    }
    Ok(Some(scorer.finish()))
}

impl ReadSide {
    /// Adds the next sequence.
    fn add(&mut self, sequence: Sequence) {
        self.sequences += 1;
        self.real_ids.push(sequence.real_id);
        self.rows += sequence.rows;
        self.rows_without_touch += sequence.rows_without_touch;
        for (sum, n) in self.left_out.iter_mut().zip(sequence.left_out) {
            *sum += n;
        }
        self.windows.extend(sequence.windows);
        self.volatility.push((sequence.volatility, sequence.rows, sequence.spreads));
        self.conditions.merge(sequence.conditions);
        self.impact.merge(&sequence.impact);
    }
}
