//! What a data set is, before anything is compared with it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Instant;

use verismo_feed::{Limits, ReaderOptions, StreamName};
use verismo_judge::digest::{hex, side_digest, suite_digest};
use verismo_judge::input::{SideStates, StreamStates};
use verismo_judge::{profile_integrity, profile_stream, sampled_from_ns};
use verismo_suite::profile::{BookProfile, Profile, Rate, SCHEMA, StreamProfile};
use verismo_suite::report::{Ignored, Provenance, Timing};
use verismo_suite::suite::{DataKind, Suite};

use crate::census::{Census, CensusReader, Ledger};
use crate::convert;
use crate::error::EngineError;
use crate::execute::{Job, ObservedSide, run_jobs};
use crate::memory::peak_memory_bytes;
use crate::meter::Meter;
use crate::plan::{Plan, SidePlan};
use crate::table;
use crate::validate::{ValidateRequest, check_symbol, options_for, suite_for};

/// How the side is called in errors.
const SIDE: &str = "data";
/// One second, ns.
const SECOND_NS: f64 = 1e9;
/// Units of a price key in one unit of price.
const PRICE_SCALE: f64 = 1e8;
/// Sampled on the grid wherever the book has both sides.
const BOOK_WITNESS: &str = "spread";

/// What to look at, and how.
#[derive(Debug, Clone, Default)]
pub struct ProfileOptions {
    /// Observables, margins and limits; `None` takes the built-in suite for the data found.
    pub suite: Option<Suite>,
    /// Format; `None` recognises it from the content.
    pub format: Option<verismo_feed::Format>,
    /// Time column of tables.
    pub time: Option<String>,
    /// Only this symbol.
    pub symbol: Option<String>,
    /// Time zone of files that tell times of day.
    pub tz: Option<String>,
    /// Date of files that tell times of day and no date.
    pub date: Option<String>,
    /// What readers take at most.
    pub limits: Limits,
    /// Threads that observe; at least 1.
    pub threads: usize,
    /// Settings to show in the profile's provenance.
    pub settings: BTreeMap<String, String>,
}

/// Facts of the observer that no state keeps.
#[derive(Debug, Clone, Default)]
struct Seen {
    trades: u64,
    updates: u64,
    snapshots: u64,
    gaps: [u64; 3],
    levels_dropped: u64,
}

/// Everything observed of the data set.
struct Observed {
    states: SideStates,
    suite: Suite,
    census: BTreeMap<(String, String), Census>,
    seen: BTreeMap<(String, String), Seen>,
    messages: u64,
    bytes: u64,
}

/// Profiles the data set found under `paths`: files, directories or patterns.
///
/// # Errors
/// [`EngineError`] when there is nothing to look at; damage inside the data is part of the profile instead.
pub fn profile(paths: &[PathBuf], options: &ProfileOptions, meter: &Meter) -> Result<Profile, EngineError> {
    let started = Instant::now();
    let plan = Plan::one_side(SIDE, paths, options.format)?.with_limits(options.limits);
    meter.set_bytes_total(plan.bytes());
    let request = request(paths, options);
    let suite = suite_for(&request, &plan)?;
    let observed = if suite.data == DataKind::Table {
        observe_table(&plan, &request, &suite, meter)?
    } else {
        observe_streams(&plan, &request, suite, meter)?
    };
    if meter.is_cancelled() {
        return Err(EngineError::Interrupted { messages: meter.messages() });
    }
    let observing = started.elapsed().as_secs_f64();
    let side = &plan.golden;
    let streams = observed.states.streams.iter().map(|stream| stream_profile(stream, &observed)).collect();
    let integrity = profile_integrity(&observed.states, &observed.suite);
    let seconds = started.elapsed().as_secs_f64();
    let rate = |n: u64| if seconds > 0.0 { n as f64 / seconds } else { 0.0 };
    let events = observed.states.events();
    Ok(Profile {
        schema: SCHEMA.to_owned(),
        paths: paths.iter().map(|p| p.display().to_string()).collect(),
        format: side.inventory.format.name().to_owned(),
        files: side.inventory.sources.len() as u64,
        bytes: side.inventory.bytes(),
        ignored: ignored(side),
        notes: side.inventory.notes.clone(),
        messages: observed.messages,
        events,
        sessions: sessions(side),
        clock_ns: side.inventory.clock_ns(),
        suite: observed.suite.name.clone(),
        suite_digest: hex(&suite_digest(&observed.suite)),
        digest: hex(&side_digest(&observed.states)),
        streams,
        integrity,
        timing: Timing {
            messages: observed.messages,
            events,
            seconds,
            messages_per_second: rate(observed.messages),
            events_per_second: rate(events),
            bytes_read: observed.bytes,
            stages: BTreeMap::from([("observe".to_owned(), observing), ("judge".to_owned(), seconds - observing)]),
            peak_memory_bytes: peak_memory_bytes(),
            ..Timing::default()
        },
        provenance: Provenance {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            recipe: verismo_stats::judging::RECIPE.to_owned(),
            settings: options.settings.clone(),
            ..Provenance::default()
        },
    })
}

fn request(paths: &[PathBuf], options: &ProfileOptions) -> ValidateRequest {
    ValidateRequest {
        golden: paths.to_vec(),
        candidate: Vec::new(),
        suite: options.suite.clone(),
        format: options.format,
        time: options.time.clone(),
        symbol: options.symbol.clone(),
        tz: options.tz.clone(),
        date: options.date.clone(),
        maps: Vec::new(),
        limits: options.limits,
        threads: options.threads.max(1),
        settings: options.settings.clone(),
        store: None,
        segment_bytes: 0,
    }
}

fn ignored(side: &SidePlan) -> Vec<Ignored> {
    let ignored = side.inventory.ignored.iter();
    ignored.map(|i| Ignored { path: i.path.display().to_string(), reason: i.reason.clone() }).collect()
}

fn sessions(side: &SidePlan) -> u64 {
    let mut sessions: Vec<u32> = side.inventory.sources.iter().map(|s| s.session).collect();
    sessions.sort_unstable();
    sessions.dedup();
    sessions.len() as u64
}

fn observe_streams(
    plan: &Plan,
    request: &ValidateRequest,
    suite: Suite,
    meter: &Meter,
) -> Result<Observed, EngineError> {
    let inventory = &plan.golden.inventory;
    let ledger = Ledger::default();
    let days = ReaderOptions::default().with_day(request.tz.clone(), request.date.clone());
    // A decoder and its observer are busy with one thread each.
    let days = days.with_unpacking_ahead(request.threads > 1);
    let readers = inventory.readers(&days).map_err(EngineError::feed(SIDE))?;
    let bytes = inventory.bytes() / readers.len().max(1) as u64;
    let jobs = readers.into_iter().map(|reader| Job {
        side: 0,
        bytes,
        options: options_for(&suite, plan.clock_ns(), inventory),
        symbol: request.symbol.clone(),
        reader: Box::new(CensusReader::new(reader, Ledger::clone(&ledger))),
        // What the ledger counted stays counted.
        again: None,
    });
    let mut parts: Vec<ObservedSide> = Vec::new();
    for (_, part) in run_jobs(jobs.collect(), request.threads, None, meter) {
        parts.push(part.map_err(EngineError::feed(SIDE))?);
    }
    let mut seen: BTreeMap<(String, String), Seen> = BTreeMap::new();
    for (name, observed) in parts.iter().flat_map(|part| &part.streams) {
        let seen = seen.entry(key(name)).or_default();
        seen.trades += observed.trades;
        seen.updates += observed.updates;
        seen.snapshots += observed.snapshots;
        seen.levels_dropped += observed.levels_dropped;
        for (sum, n) in seen.gaps.iter_mut().zip(observed.gap_sizes) {
            *sum += n;
        }
    }
    let messages = parts.iter().map(|part| part.messages).sum();
    let bytes = parts.iter().map(|part| part.bytes).sum();
    let states = convert::side_states(parts, vec![inventory.counters.clone()])?;
    if let Some(symbol) = &request.symbol {
        check_symbol(SIDE, symbol, &states)?;
    }
    let census = ledger.lock().map(|mut ledger| std::mem::take(&mut *ledger)).unwrap_or_default();
    let census = census.into_iter().map(|(name, census)| (key(&name), census)).collect();
    Ok(Observed { states, suite, census, seen, messages, bytes })
}

fn key(name: &StreamName) -> (String, String) {
    (name.venue.clone(), name.symbol.clone())
}

fn observe_table(
    plan: &Plan,
    request: &ValidateRequest,
    suite: &Suite,
    meter: &Meter,
) -> Result<Observed, EngineError> {
    let mut census = Census::default();
    let (side, suite) = table::observe_one(SIDE, plan, request, suite, &mut census, meter)?;
    let name = side.states.streams.first().map(|s| (s.venue.clone(), s.symbol.clone())).unwrap_or_default();
    Ok(Observed {
        census: BTreeMap::from([(name, census)]),
        seen: BTreeMap::new(),
        messages: side.messages,
        bytes: side.bytes,
        states: side.states,
        suite,
    })
}

fn stream_profile(stream: &StreamStates, observed: &Observed) -> StreamProfile {
    let name = (stream.venue.clone(), stream.symbol.clone());
    let census = observed.census.get(&name).cloned().unwrap_or_default();
    let seen = observed.seen.get(&name).cloned().unwrap_or_default();
    let seconds = stream.span_ns.map_or(0.0, |(first, last)| (last - first) as f64 / SECOND_NS);
    let scaled = |key: i64| (key > 0).then(|| key as f64 / PRICE_SCALE);
    StreamProfile {
        name: stream.name(),
        venue: stream.venue.clone(),
        symbol: stream.symbol.clone(),
        span_ns: stream.span_ns,
        seconds,
        window_s: stream.window_ns as f64 / SECOND_NS,
        messages: stream.messages,
        events: stream.events,
        kinds: census.kinds.iter().map(|(kind, n)| ((*kind).to_owned(), *n)).collect(),
        trades: seen.trades,
        updates: seen.updates,
        rate: rate(&census, stream.messages, seconds),
        time_step_ns: Some(census.time_step_ns).filter(|step| *step > 0 && stream.messages > 1),
        has_receive_time: census.has_receive_time,
        price_tick: scaled(stream.price_tick),
        qty_lot: scaled(stream.qty_lot),
        trade_prices: census.trade_prices.map(|(low, high)| [low as f64 / PRICE_SCALE, high as f64 / PRICE_SCALE]),
        book: stream.carries_book.then(|| book(stream, &seen, observed.suite.grid_ns)),
        observables: profile_stream(stream, &observed.suite),
    }
}

fn rate(census: &Census, messages: u64, seconds: f64) -> Rate {
    let peak = census.seconds.iter().fold(None, |best: Option<(i64, u64)>, (&second, &n)| match best {
        Some((_, most)) if most >= n => best,
        _ => Some((second, n)),
    });
    let ends = census.seconds.keys().next().zip(census.seconds.keys().next_back());
    let covered = ends.map_or(0, |(first, last)| last.abs_diff(*first) + 1);
    Rate {
        mean_per_s: (seconds > 0.0).then(|| messages as f64 / seconds),
        peak_per_s: peak.map_or(0, |(_, n)| n),
        peak_at_ns: peak.and_then(|(second, _)| second.checked_mul(1_000_000_000)),
        silent_seconds: covered - census.seconds.len() as u64,
    }
}

fn book(stream: &StreamStates, seen: &Seen, grid_ns: i64) -> BookProfile {
    let known_from_ns = sampled_from_ns(stream, BOOK_WITNESS, grid_ns);
    let warmup = known_from_ns.zip(stream.span_ns).map(|(known, (first, _))| (known - first).max(0));
    let grid_times = stream.span_ns.map(|(first, last)| (last - first) / grid_ns.max(1)).filter(|n| *n > 0);
    let sampled = stream.series.get(BOOK_WITNESS).map(|series| match &series.windows {
        verismo_judge::SeriesWindows::Cells(windows) => windows.iter().map(|(_, cells)| cells.count()).sum::<u64>(),
        verismo_judge::SeriesWindows::Lags(_) | verismo_judge::SeriesWindows::Panels(_) => 0,
    });
    BookProfile {
        cadence_s: stream.book_cadence_ns.map(|ns| ns as f64 / SECOND_NS),
        snapshots: seen.snapshots,
        known_from_ns,
        warmup_s: warmup.map(|ns| ns as f64 / SECOND_NS),
        defined_share: sampled.zip(grid_times).map(|(n, times)| (n as f64 / times as f64).min(1.0)),
        gaps: seen.gaps,
        levels_dropped: seen.levels_dropped,
    }
}
