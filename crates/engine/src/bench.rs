//! What each stage of a run costs, alone and on one thread.
//!
//! Stages up to the states are measured by running the data through more and more of the chain: a stage's time is what it adds.

use std::fs::File;
use std::io::Read;
use std::time::Instant;

use verismo_feed::{Block, FeedError, ReaderGroup, ReaderOptions};
use verismo_judge::input::{SeriesWindows, SideStates};
use verismo_judge::{JudgeOptions, judge};
use verismo_market::observe::ObserveOptions;
use verismo_stats::histogram::{Cells, Histogram, Tally};
use verismo_suite::benchmark::{Data, Spread, Stage};
use verismo_suite::suite::{DataKind, Suite};

use crate::convert;
use crate::error::EngineError;
use crate::execute::{Job, run_jobs};
use crate::meter::Meter;
use crate::plan::{Plan, SidePlan};
use crate::validate::{ValidateRequest, options_for, suite_for};

/// Values of the states that the update stage counts again, at most: beyond, the share is what matters.
const UPDATES_MAX: u64 = 20_000_000;
const READ_BYTES: usize = 256 * 1024;

/// Measures the stages of a validation, each `runs` times.
///
/// # Errors
/// As for a validation; [`EngineError::Interrupted`] when the meter is cancelled.
pub fn bench_stages(request: &ValidateRequest, runs: usize, meter: &Meter) -> Result<(Data, Vec<Stage>), EngineError> {
    let plan = Plan::new(&request.golden, &request.candidate, request.format)?;
    let suite = suite_for(request, &plan)?;
    let sides = [&plan.golden, &plan.candidate];
    let mut data = Data {
        golden: paths(&plan.golden),
        candidate: paths(&plan.candidate),
        format: plan.golden.inventory.format.name().to_owned(),
        files: sides.iter().map(|side| side.inventory.sources.len() as u64).sum(),
        bytes: sides.iter().map(|side| side.inventory.bytes()).sum(),
        messages: 0,
        events: 0,
    };
    if suite.data == DataKind::Table {
        return Ok((data, Vec::new()));
    }
    let bench = Bench { plan: &plan, suite: &suite, request, meter };
    let mut times = [(); 6].map(|()| Vec::new());
    let mut counts = Counts::default();
    for _ in 0..runs.max(1) {
        let run = bench.run(&mut counts)?;
        for (all, seconds) in times.iter_mut().zip(run) {
            all.push(seconds);
        }
    }
    (data.messages, data.events) = (counts.messages, counts.events);
    let [read, decode, replay, observe, merge, judge] = times;
    let add = |longer: &[f64], shorter: &[f64]| -> Vec<f64> {
        longer.iter().zip(shorter).map(|(a, b)| (a - b).max(0.0)).collect()
    };
    let messages = (counts.messages, "message");
    let update = counts.update_ns * counts.observations as f64 * 1e-9;
    let keys = add(&observe, &replay).iter().map(|seconds| (seconds - update).max(0.0)).collect::<Vec<_>>();
    let bytes = Some(data.bytes);
    let stages = vec![
        stage("read", "every byte of the files, from the cache of the system", &read, messages, bytes),
        stage(
            "decode",
            "bytes to events: decompression, parsing, order of files",
            &add(&decode, &read),
            messages,
            bytes,
        ),
        stage("replay", "integrity counters and the order book", &add(&replay, &decode), messages, None),
        stage("observe", "observables as columns of keys", &keys, messages, None),
        stage("update", "keys counted per window, windows packed", &[update], (counts.observations, "value"), None),
        stage("merge", "all windows of every observable into one", &merge, (counts.cells, "cell"), None),
        stage("judge", "states to findings and verdict", &judge, messages, None),
    ];
    Ok((data, stages))
}

fn paths(side: &SidePlan) -> Vec<String> {
    side.paths.iter().map(|path| path.display().to_string()).collect()
}

fn stage(name: &str, what: &str, seconds: &[f64], (items, item): (u64, &str), bytes: Option<u64>) -> Stage {
    let Spread { median, range } = Spread::of(seconds.iter().copied());
    Stage {
        name: name.to_owned(),
        what: what.to_owned(),
        seconds: median,
        range,
        items,
        item: item.to_owned(),
        ns_per_item: if items > 0 { median * 1e9 / items as f64 } else { 0.0 },
        gb_per_s: bytes.filter(|_| median > 0.0).map(|bytes| bytes as f64 / median / 1e9),
    }
}

/// What the stages worked on.
#[derive(Debug, Default)]
struct Counts {
    messages: u64,
    events: u64,
    observations: u64,
    cells: u64,
    update_ns: f64,
}

struct Bench<'a> {
    plan: &'a Plan,
    suite: &'a Suite,
    request: &'a ValidateRequest,
    meter: &'a Meter,
}

impl Bench<'_> {
    /// Seconds to read; to read and decode; with replay; with everything up to the states; to merge; to judge.
    fn run(&self, counts: &mut Counts) -> Result<[f64; 6], EngineError> {
        let read = self.timed(|| self.read_files())?.0;
        let decode = self.timed(|| self.decode())?.0;
        let replay = self.timed(|| self.observe(Some(Vec::new())))?.0;
        let (observe, (sides, messages)) = self.timed(|| self.observe(None))?;
        counts.messages = messages;
        counts.events = sides.iter().map(SideStates::events).sum();
        let merge = self.timed(|| Ok(merge(&sides)))?;
        (counts.cells, counts.observations) = merge.1;
        counts.update_ns = update_ns(&sides);
        let judging = || judge(&sides[0], &sides[1], self.suite, &JudgeOptions::default());
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let judged = self.timed(|| Ok(one_thread.map_or_else(|_| judging(), |pool| pool.install(judging))))?;
        Ok([read, decode, replay, observe, merge.0, judged.0])
    }

    fn timed<T>(&self, work: impl FnOnce() -> Result<T, EngineError>) -> Result<(f64, T), EngineError> {
        let start = Instant::now();
        let out = work()?;
        let seconds = start.elapsed().as_secs_f64();
        if self.meter.is_cancelled() {
            return Err(EngineError::Interrupted { messages: self.meter.messages() });
        }
        Ok((seconds, out))
    }

    fn sides(&self) -> [(&'static str, &SidePlan); 2] {
        [("golden", &self.plan.golden), ("candidate", &self.plan.candidate)]
    }

    fn read_files(&self) -> Result<(), EngineError> {
        let mut buffer = vec![0; READ_BYTES];
        for (name, side) in self.sides() {
            for source in &side.inventory.sources {
                let broken = |error: std::io::Error| {
                    let path = source.path.display().to_string();
                    EngineError::feed(name)(FeedError::Io { path, action: "read", detail: error.to_string() })
                };
                let mut file = File::open(&source.path).map_err(broken)?;
                // Bounded by the length of the file.
                while !self.meter.is_cancelled() && file.read(&mut buffer).map_err(broken)? > 0 {}
            }
        }
        Ok(())
    }

    fn decode(&self) -> Result<(), EngineError> {
        let days = ReaderOptions::default().with_day(self.request.tz.clone(), self.request.date.clone());
        let mut block = Block::default();
        for (name, side) in self.sides() {
            for mut reader in side.inventory.readers(&days).map_err(EngineError::feed(name))? {
                while !self.meter.is_cancelled() && reader.next_block(&mut block).map_err(EngineError::feed(name))? {}
            }
        }
        Ok(())
    }

    /// Both sides on this thread, with other observables than the suite's if any are given.
    fn observe(&self, observables: Option<Vec<String>>) -> Result<([SideStates; 2], u64), EngineError> {
        let days = ReaderOptions::default().with_day(self.request.tz.clone(), self.request.date.clone());
        let mut out = [SideStates::default(), SideStates::default()];
        let mut messages = 0;
        for ((name, side), states) in self.sides().into_iter().zip(&mut out) {
            let options = options_for(self.suite, self.plan.clock_ns(), &side.inventory);
            let options = match &observables {
                Some(ids) => ObserveOptions { observables: ids.clone(), ..options },
                None => options,
            };
            let job = |group: ReaderGroup| {
                Ok(Job {
                    side: 0,
                    options: options.clone(),
                    symbol: self.request.symbol.clone(),
                    bytes: group.bytes(),
                    reader: group.open()?,
                    again: Some(group),
                })
            };
            let groups = side.inventory.reader_groups(&days).map_err(EngineError::feed(name))?;
            let jobs: Result<_, FeedError> = groups.into_iter().map(job).collect();
            let parts = run_jobs(jobs.map_err(EngineError::feed(name))?, 1, None, self.meter);
            let parts: Result<Vec<_>, FeedError> = parts.into_iter().map(|(_, part)| part).collect();
            let parts = parts.map_err(EngineError::feed(name))?;
            messages += parts.iter().map(|part| part.messages).sum::<u64>();
            *states = convert::side_states(parts, Vec::new())?;
        }
        convert::expect_everything(&mut out[1]);
        Ok((out, messages))
    }
}

fn cells_of(sides: &[SideStates; 2]) -> impl Iterator<Item = (&verismo_judge::Series, &[(i64, Cells)])> {
    let series = sides.iter().flat_map(|side| &side.streams).flat_map(|stream| stream.series.values());
    series.filter_map(|series| match &series.windows {
        SeriesWindows::Cells(windows) => Some((series, windows.as_slice())),
        SeriesWindows::Lags(_) | SeriesWindows::Panels(_) => None,
    })
}

/// Merges all windows of every observable; returns the cells and the observations they hold.
fn merge(sides: &[SideStates; 2]) -> (u64, u64) {
    let (mut n_cells, mut n_observations) = (0, 0);
    for (series, windows) in cells_of(sides) {
        n_cells += windows.iter().map(|(_, cells)| cells.len() as u64).sum::<u64>();
        let pooled = Histogram::pooled(series.lattice.clone(), windows.iter().map(|(_, cells)| cells));
        n_observations += pooled.map_or(0, |pooled| std::hint::black_box(pooled).count());
    }
    (n_cells, n_observations)
}

/// Counts the values of the states again, window by window, as the observer did; ns per value.
fn update_ns(sides: &[SideStates; 2]) -> f64 {
    let mut tally = Tally::new();
    let mut keys = Vec::new();
    let (mut n, mut seconds) = (0_u64, 0.0);
    for (_, windows) in cells_of(sides) {
        for (_, cells) in windows.iter().filter(|(_, cells)| cells.count() < UPDATES_MAX) {
            keys.clear();
            keys.extend(cells.iter().flat_map(|(key, count)| std::iter::repeat_n(key, count as usize)));
            shuffle(&mut keys);
            let start = Instant::now();
            tally.extend(&keys);
            std::hint::black_box(tally.drain());
            seconds += start.elapsed().as_secs_f64();
            n += keys.len() as u64;
        }
        if n > UPDATES_MAX {
            break;
        }
    }
    if n > 0 { seconds * 1e9 / n as f64 } else { 0.0 }
}

/// An order that is not ascending: Fisher and Yates with a linear congruential generator (Knuth's MMIX constants).
fn shuffle(keys: &mut [i64]) {
    let mut state = 1_u64;
    for i in (1..keys.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        keys.swap(i, (state >> 33) as usize % (i + 1));
    }
}
