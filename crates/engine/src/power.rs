//! What a suite sees: faults of known amounts put into markets of a known law, run after run.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use verismo_judge::input::SideStates;
use verismo_judge::{JudgeOptions, Judgement, judge};
use verismo_market::message::{Body, Message};
use verismo_market::observe::ObserveOptions;
use verismo_sim::exchange::HOUR_NS;
use verismo_sim::{Fault, Venue, apply};
use verismo_stats::classic::clopper_pearson;
use verismo_suite::power::{Cell, FaultPower, Market, Metric, Power, SCHEMA};
use verismo_suite::suite::Suite;
use verismo_suite::{FindingVerdict, Severity, Verdict};

use crate::convert;
use crate::error::EngineError;
use crate::execute::observe;
use crate::meter::Meter;
use crate::simulated::MessageReader;
use crate::validate::observe_options;

/// Seeds of one run lie this far from those of the next: the golden's, the candidate's, the fault's.
const SEEDS_A_RUN: u64 = 4;

/// Which market is damaged.
#[derive(Debug, Clone)]
pub enum Source {
    /// Simulated ones, another one for every run. `is_replay`: the candidate is the golden's own market; else a second draw.
    Simulated {
        /// Messages a side.
        messages: u64,
        /// Whether the candidate replays the golden's market.
        is_replay: bool,
    },
    /// These messages, which every candidate replays.
    Given(Vec<Message>),
}

/// What to find out.
#[derive(Debug, Clone)]
pub struct PowerRequest {
    /// The suite under test, of market data.
    pub suite: Suite,
    /// What is damaged.
    pub source: Source,
    /// Faults with their amounts; those of bytes are left out, for here nothing is written.
    pub faults: Vec<Fault>,
    /// Runs for each fault and amount.
    pub runs: u32,
    /// Pairs of simulated markets without a fault.
    pub pairs: u32,
    /// Seed of the first run.
    pub seed: u64,
    /// Threads; at least 1.
    pub threads: usize,
}

/// One comparison: its cell, and the fault; none for a false alarm.
type Work = (usize, Option<Fault>);

/// What came of one: its cell, the share of messages that were changed, and the judgement.
type Done = (usize, f64, Judgement);

/// Runs every fault at every amount, and pairs without a fault.
///
/// # Errors
/// [`EngineError::Interrupted`] if the meter was cancelled, [`EngineError::Internal`] for a bug.
pub fn power(request: &PowerRequest, meter: &Meter) -> Result<Power, EngineError> {
    let start = Instant::now();
    let faults: Vec<Fault> = request.faults.iter().copied().filter(|f| !f.kind().is_byte_level()).collect();
    let has_pairs = matches!(request.source, Source::Simulated { .. });
    let pairs = if has_pairs { request.pairs } else { 0 };
    meter.set_parts_total(u64::from(request.runs) * faults.len() as u64 + u64::from(pairs.max(u32::from(!has_pairs))));
    let mut cells: Vec<Cell> = faults.iter().map(|f| Cell { amount: f.amount(), ..Cell::default() }).collect();
    cells.push(Cell::default());
    let mut study = Study { request, options: observe_options(&request.suite, 1), cells, metrics: BTreeMap::new() };
    let mut market = Market { seed: request.seed, ..Market::default() };
    let mut known: Option<(Cow<'_, [Message]>, SideStates)> = None;
    for run in 0..request.runs.max(pairs) {
        let seed = request.seed.wrapping_add(u64::from(run) * SEEDS_A_RUN);
        // Given data are the same in every run.
        if has_pairs || known.is_none() {
            let golden = study.market(seed);
            let states = study.observe(golden.to_vec(), meter)?;
            known = Some((golden, states));
        }
        let Some((golden, golden_states)) = &known else { break };
        if run == 0 {
            market.messages = golden.len() as u64;
            market.seconds = span_s(golden);
        }
        let is_second_draw = matches!(request.source, Source::Simulated { is_replay: false, .. });
        let other = (is_second_draw || run < pairs).then(|| study.market(seed.wrapping_add(1)));
        let base = other.as_ref().filter(|_| is_second_draw).unwrap_or(golden);
        let mut works: Vec<Work> = Vec::new();
        // Given data are once compared with themselves: what is over its limit then sees no fault.
        let is_without = run < pairs || (run == 0 && !has_pairs);
        works.extend(is_without.then_some((faults.len(), None)));
        works
            .extend(faults.iter().enumerate().filter(|_| run < request.runs).map(|(cell, fault)| (cell, Some(*fault))));
        let fault_seed = seed.wrapping_add(2);
        let judged = study.side_by_side(
            &works,
            golden_states,
            |fault| match fault {
                Some(fault) => apply(base.to_vec(), &[fault], fault_seed),
                None => apply(other.as_ref().unwrap_or(base).to_vec(), &[], fault_seed),
            },
            meter,
        )?;
        for (cell, changed, judgement) in judged {
            study.note(cell, changed, &judgement);
        }
    }
    market.is_replay = !matches!(request.source, Source::Simulated { is_replay: false, .. });
    let Study { mut cells, metrics, .. } = study;
    for cell in &mut cells {
        cell.changed /= cell.runs.max(1) as f64;
        cell.caught_interval = clopper_pearson(cell.caught(), cell.runs, 0.05);
    }
    let without = cells.pop();
    let false_alarms = without.clone().filter(|cell| has_pairs && cell.runs > 0);
    Ok(Power {
        schema: SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        suite: request.suite.name.clone(),
        market,
        faults: by_fault(&faults, cells, without.as_ref()),
        false_alarms,
        metrics,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// Cells of one fault together, in the order in which the faults were named first.
fn by_fault(faults: &[Fault], cells: Vec<Cell>, without: Option<&Cell>) -> Vec<FaultPower> {
    let mut out: Vec<FaultPower> = Vec::new();
    for (fault, cell) in faults.iter().zip(cells) {
        let name = fault.kind().name();
        match out.iter_mut().find(|f| f.fault == name) {
            Some(known) => known.cells.push(cell),
            None => out.push(FaultPower {
                fault: name.to_owned(),
                unit: fault.kind().unit().to_owned(),
                description: fault.kind().description().to_owned(),
                cells: vec![cell],
                ..FaultPower::default()
            }),
        }
    }
    out.iter_mut().for_each(|fault| fault.conclude(without));
    out
}

/// Event time from the first to the last message, s.
fn span_s(messages: &[Message]) -> f64 {
    let ends = messages.first().zip(messages.last());
    ends.map_or(0.0, |(first, last)| last.t_exchange_ns.saturating_sub(first.t_exchange_ns) as f64 / 1e9)
}

struct Study<'a> {
    request: &'a PowerRequest,
    options: ObserveOptions,
    cells: Vec<Cell>,
    metrics: BTreeMap<String, Metric>,
}

impl<'a> Study<'a> {
    fn market(&self, seed: u64) -> Cow<'a, [Message]> {
        let mut left = match &self.request.source {
            Source::Simulated { messages, .. } => *messages,
            Source::Given(messages) => return Cow::Borrowed(messages),
        };
        let is_wanted = |message: &Message| {
            let is_wanted = left > 0;
            left -= u64::from(is_wanted && !matches!(message.body, Body::Snapshot { .. }));
            is_wanted
        };
        Venue::with_snapshots(seed, 1, HOUR_NS).take_while(is_wanted).collect()
    }

    fn observe(&self, messages: Vec<Message>, meter: &Meter) -> Result<SideStates, EngineError> {
        let observed = observe(Box::new(MessageReader::new(messages.into_iter())), &self.options, meter);
        if meter.is_cancelled() {
            return Err(EngineError::Interrupted { messages: meter.messages() });
        }
        convert::side_states(vec![observed.map_err(EngineError::feed("candidate"))?], Vec::new())
    }

    /// Damages, observes and judges on as many threads as are asked for; the results come in the order of the works.
    fn side_by_side(
        &self,
        works: &[Work],
        golden: &SideStates,
        damaged: impl Fn(Option<Fault>) -> (Vec<Message>, verismo_sim::Record) + Sync,
        meter: &Meter,
    ) -> Result<Vec<Done>, EngineError> {
        let next = AtomicUsize::new(0);
        let one = |&(cell, fault): &Work| {
            let (messages, record) = damaged(fault);
            let changed = record.faults.iter().map(|f| f.affected as f64 / f.items_before.max(1) as f64).sum();
            let candidate = self.observe(messages, meter)?;
            let judgement = judge(golden, &candidate, &self.request.suite, &JudgeOptions::default());
            meter.add_part();
            Ok((cell, changed, judgement))
        };
        let work = || -> Result<Vec<(usize, Done)>, EngineError> {
            let mut done = Vec::new();
            // Each turn takes a work nobody has.
            for _ in 0..works.len() {
                let index = next.fetch_add(1, Ordering::Relaxed);
                let Some(work) = works.get(index) else { break };
                done.push((index, one(work)?));
            }
            Ok(done)
        };
        let workers = self.request.threads.clamp(1, works.len().max(1));
        let results = std::thread::scope(|scope| {
            let handles: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let join = |h: std::thread::ScopedJoinHandle<'_, _>| {
                h.join().map_err(|_| EngineError::Internal { detail: "a run of the study panicked".to_owned() })
            };
            handles.into_iter().map(join).collect::<Result<Vec<_>, _>>()
        })?;
        let mut done = Vec::with_capacity(works.len());
        for result in results {
            done.extend(result?);
        }
        done.sort_by_key(|(index, _)| *index);
        Ok(done.into_iter().map(|(_, result)| result).collect())
    }

    /// Counts what one comparison saw.
    fn note(&mut self, cell: usize, changed: f64, judgement: &Judgement) {
        let cell = &mut self.cells[cell];
        cell.runs += 1;
        cell.changed += changed;
        *cell.verdicts.entry(judgement.verdict).or_default() += 1;
        let mut seen: BTreeMap<String, bool> = BTreeMap::new();
        let is_seen = |v: FindingVerdict| matches!(v.as_run_verdict(), Some(Verdict::Fail | Verdict::Error));
        for f in judgement.findings.iter().filter(|f| f.verdict != FindingVerdict::NotApplicable) {
            let parameter = f.parameter.as_ref().map_or(String::new(), |p| format!(" {p}"));
            let name = format!("{} {}{parameter}", f.observable, f.test.as_str());
            let decides = f.deciding && f.severity == Severity::Critical;
            self.metrics.insert(name.clone(), Metric { is_check: false, decides });
            *seen.entry(name).or_default() |= is_seen(f.verdict);
        }
        for row in &judgement.integrity {
            let metric = Metric { is_check: true, decides: row.severity == Severity::Critical };
            self.metrics.insert(row.check.clone(), metric);
            *seen.entry(row.check.clone()).or_default() |= is_seen(row.verdict);
        }
        for (name, _) in seen.into_iter().filter(|(_, is_seen)| *is_seen) {
            *cell.seen.entry(name).or_default() += 1;
        }
    }
}
