//! `verismo bench`.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use verismo_engine::{Meter, ValidateRequest, bench_stages};
use verismo_feed::Format;
use verismo_report::TextStyle;
use verismo_suite::benchmark::{Benchmark, Data, SCHEMA, Spread, Stage, Whole};
use verismo_suite::report::Report;

use super::simulate::{self, Dataset};
use super::validate;
use crate::args::{BenchArgs, BenchFormat, LimitArgs};
use crate::data::{self, Homes};
use crate::datasets::OutDir;
use crate::{CliError, Context, Exit, files, interrupt, progress, suites};

/// Time between two looks at a run: what its time may be off by.
const LOOK: Duration = Duration::from_millis(2);

/// Measures the stages, then the whole command in processes of their own.
///
/// # Errors
/// Usage, data of which nothing can be read, a run that ends in an error, or an interrupt.
pub fn run(args: &BenchArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let scratch = std::env::temp_dir().join(format!("verismo-bench-{}", std::process::id()));
    // Removed when it goes, whatever happens.
    let _directory = OutDir::create(&scratch)?;
    let (golden, candidate) = data(args, &scratch, context)?;
    let threads = validate::threads(args.threads);
    let suite = args.suite.as_deref().map(suites::load).transpose()?;
    let request = ValidateRequest {
        limits: LimitArgs::default().limits(suite.as_ref()),
        suite,
        time: args.time.clone(),
        threads,
        ..ValidateRequest::new(golden, candidate)
    };
    let meter = Meter::default();
    let runs = usize::from(args.runs);
    let staged = progress::watch(context, &meter, "stages", || bench_stages(&request, runs, &meter));
    if interrupt::is_raised(context.cancel) {
        return Err(CliError::interrupted());
    }
    let (data, stages) = staged.map_err(validate::engine_error)?;
    let child = Child { args, request: &request, scratch: &scratch };
    let (data, whole) = child.whole(data, &stages, threads, context)?;
    let benchmark = Benchmark {
        schema: SCHEMA.to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        cores: std::thread::available_parallelism().map_or(1, usize::from),
        runs,
        data,
        stages,
        whole,
    };
    let json = benchmark.to_json().map_err(|e| CliError::unusable("internal", e))?;
    let text = |style: &TextStyle| verismo_report::bench_text(&benchmark, style);
    files::json_or_text(args.json.as_deref(), json, text, context, out)?;
    Ok(Exit::Pass)
}

/// Golden and candidate: as given, or one simulated data set for both.
fn data(args: &BenchArgs, scratch: &Path, context: Context<'_>) -> Result<(Vec<PathBuf>, Vec<PathBuf>), CliError> {
    if !args.golden.is_empty() {
        let homes = Homes::of(None, None);
        let golden = data::expand("--golden", &args.golden, &homes)?.paths;
        let candidate = match args.candidate.is_empty() {
            true => golden.clone(),
            false => data::expand("--candidate", &args.candidate, &homes)?.paths,
        };
        return Ok((golden, candidate));
    }
    let format = match args.format {
        BenchFormat::GoldenJsonl => Format::GoldenJsonl,
        BenchFormat::EventsParquet => Format::EventsParquet,
    };
    if args.gzip && format == Format::EventsParquet {
        return Err(CliError::usage("gzip-of-parquet", "--gzip is for text: Parquet files are compressed inside"));
    }
    let dataset =
        Dataset { format, messages: args.events, seed: args.seed, symbols: 1, gzip: args.gzip, in_shares: false };
    let directory = scratch.join("data");
    simulate::write(&dataset, &directory, context)?;
    Ok((vec![directory.clone()], vec![directory]))
}

/// Runs of the whole command.
struct Child<'a> {
    args: &'a BenchArgs,
    request: &'a ValidateRequest,
    scratch: &'a Path,
}

/// One run.
struct Run {
    seconds: f64,
    report: Report,
}

impl Child<'_> {
    /// On one thread and on all, in turn, so that a change of the machine's mood meets both.
    fn whole(
        &self,
        mut data: Data,
        stages: &[Stage],
        threads: usize,
        context: Context<'_>,
    ) -> Result<(Data, Vec<Whole>), CliError> {
        let counts: Vec<usize> = if threads > 1 { vec![1, threads] } else { vec![1] };
        let mut runs: Vec<Vec<Run>> = counts.iter().map(|_| Vec::new()).collect();
        let bar = progress::bar(context, u64::from(self.args.runs) * counts.len() as u64, "whole");
        for _ in 0..self.args.runs {
            for (n, runs) in counts.iter().zip(&mut runs) {
                runs.push(self.run(*n, context)?);
                bar.inc(1);
            }
        }
        bar.finish_and_clear();
        if let Some(run) = runs.first().and_then(|runs| runs.first()) {
            (data.messages, data.events) = (run.report.timing.messages, run.report.timing.events);
        }
        let floor: f64 =
            stages.iter().filter(|s| ["read", "decode"].contains(&s.name.as_str())).map(|s| s.seconds).sum();
        let mut out: Vec<Whole> = Vec::new();
        for (n, runs) in counts.into_iter().zip(&runs) {
            let of = |value: &dyn Fn(&Run) -> f64| Spread::of(runs.iter().map(value));
            let wall = of(&|run| run.seconds);
            let observing = of(&|run| run.report.timing.stages.get("observe").copied().unwrap_or(0.0)).median;
            let judging = of(&|run| run.report.timing.stages.get("judge").copied().unwrap_or(0.0)).median;
            let of_one = |one: Option<f64>, own: f64| one.map_or(1.0, |one| one / (n as f64 * own.max(1e-9)));
            out.push(Whole {
                threads: n,
                seconds: wall.median,
                range: wall.range,
                messages_per_second: data.messages as f64 / wall.median.max(1e-9),
                read_to_update_seconds: observing,
                judge_seconds: judging,
                efficiency: of_one(out.first().map(|w| w.seconds), wall.median),
                read_to_update_efficiency: of_one(out.first().map(|w| w.read_to_update_seconds), observing),
                floor_share: (floor > 0.0).then(|| floor / (n as f64 * wall.median.max(1e-9))),
                peak_memory_bytes: runs.iter().filter_map(|run| run.report.timing.peak_memory_bytes).max(),
            });
        }
        Ok((data, out))
    }

    fn run(&self, threads: usize, context: Context<'_>) -> Result<Run, CliError> {
        let program = std::env::current_exe().map_err(|e| CliError::unusable("cannot-run", e))?;
        let (report, directory) = (self.scratch.join("report.json"), self.scratch.join("report"));
        let mut command = Command::new(program);
        command.args(["validate", "--quiet", "--no-store", "--threads", &threads.to_string()]);
        command.arg("--golden").args(&self.request.golden).arg("--candidate").args(&self.request.candidate);
        for (flag, value) in [("--suite", &self.args.suite), ("--time", &self.args.time)] {
            if let Some(value) = value {
                command.args([flag, value]);
            }
        }
        command.arg("--out").arg(&directory).arg("--json").arg(&report);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let start = Instant::now();
        let mut child = command.spawn().map_err(|e| CliError::unusable("cannot-run", e))?;
        // Bounded by the run itself, which an interrupt ends with this command.
        let status = loop {
            if let Some(status) = child.try_wait().map_err(|e| CliError::unusable("cannot-run", e))? {
                break status;
            }
            if interrupt::is_raised(context.cancel) {
                // One that has ended in the meantime cannot be killed, and need not be.
                let _ = child.kill();
                let _ = child.wait();
                return Err(CliError::interrupted());
            }
            std::thread::sleep(LOOK);
        };
        let seconds = start.elapsed().as_secs_f64();
        if interrupt::is_raised(context.cancel) {
            return Err(CliError::interrupted());
        }
        let failed = |detail: String| {
            CliError::unusable("run-failed", format!("`verismo validate` on {threads} threads: {detail}"))
        };
        let text = std::fs::read_to_string(&report).map_err(|e| failed(format!("{status}, no report: {e}")))?;
        let report: Report = serde_json::from_str(&text).map_err(|e| failed(e.to_string()))?;
        if status.code() == Some(4) || report.timing.messages == 0 {
            return Err(failed(report.summary));
        }
        Ok(Run { seconds, report })
    }
}
