//! `verismo demo`: what verismo does, on a market whose faults are known.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use verismo_engine::ValidateRequest;
use verismo_feed::Format;
use verismo_market::message::{Body, Message};
use verismo_report::layout::{Align, Cell, Column, Row, table, wrap};
use verismo_report::number::{count, duration};
use verismo_report::{outline, verdict_style};
use verismo_sim::Venue;
use verismo_sim::exchange::HOUR_NS;
use verismo_sim::faults::{Fault, FaultKind, Record, apply, apply_bytes};
use verismo_suite::report::Report;
use verismo_suite::{FindingVerdict, Verdict};

use super::validate;
use crate::args::{DemoArgs, RecordArgs};
use crate::commands::simulate::{self, Dataset};
use crate::datasets::{DataWriter, copy_tree};
use crate::ledger::Recording;
use crate::{CliError, Context, Exit, files, interrupt};

/// Says that a directory holds a demo, so that the next one may replace it.
const MARKER_FILE: &str = "verismo-demo.json";
/// What a demo puts into its directory, besides the marker.
const PARTS: [&str; 4] = ["golden", "faithful", "faulty", "reports"];

/// The faults shown: of every family one or two.
const FAULTS: [FaultKind; 11] = [
    FaultKind::Drop,
    FaultKind::Duplicate,
    FaultKind::Jitter,
    FaultKind::SmoothSizes,
    FaultKind::WidenSpread,
    FaultKind::StaleBook,
    FaultKind::BlockShuffle,
    FaultKind::RemoveFleeting,
    FaultKind::WrongSymbol,
    FaultKind::CorruptBytes,
    FaultKind::Truncate,
];

/// One line of the result.
#[derive(Debug, Clone)]
struct Outcome {
    name: String,
    done: String,
    verdict: Verdict,
    because: String,
    is_as_expected: bool,
}

/// Simulates, damages, judges, and shows a table of verdicts.
///
/// # Errors
/// Files that cannot be written, or an interrupt. A fault that is not caught is [`Exit::Fail`].
pub fn run(args: &DemoArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    let start = Instant::now();
    prepare(&args.out)?;
    let golden = args.out.join("golden");
    let faithful = args.out.join("faithful");
    writeln!(out, "Simulating an exchange: {} messages of one symbol, seed {}.", count(args.events), args.seed)?;
    out.flush()?;
    let dataset = Dataset {
        format: Format::GoldenJsonl,
        messages: args.events,
        seed: args.seed,
        symbols: 1,
        gzip: false,
        in_shares: false,
    };
    simulate::write(&dataset, &golden, context)?;
    let dataset = Dataset { format: Format::EventsParquet, ..dataset };
    simulate::write(&dataset, &faithful, context)?;
    writeln!(out, "  {}  the golden capture: JSON lines, 100 ms depth messages, ms clock", golden.display())?;
    writeln!(out, "  {}  a faithful reconstruction: Parquet, a row per level, ns clock\n", faithful.display())?;
    writeln!(out, "Judging the faithful reconstruction and {} damaged ones against the golden capture.", FAULTS.len())?;
    out.flush()?;
    let threads = validate::threads(args.threads);
    let mut judge = Judge { root: &args.out, golden: &golden, threads, record: &args.record, context };
    let mut outcomes = vec![judge.judge(&faithful, "faithful", "nothing", &[Verdict::Pass])?];
    let messages: Vec<Message> = market(args);
    for kind in FAULTS {
        let fault = Fault::default_of(kind);
        let path = args.out.join("faulty").join(kind.name());
        let record = damage(&messages, &faithful, &path, fault, args.seed)?;
        write_record(&path, &record)?;
        let done = format!("{} ({} {})", kind.description(), kind.default_amount(), kind.unit());
        outcomes.push(judge.judge(&path, kind.name(), &done, &[Verdict::Fail, Verdict::Error])?);
    }
    show(&outcomes, args, start, context, out)
}

/// The messages of the reconstruction, in memory so that every fault starts from the same.
fn market(args: &DemoArgs) -> Vec<Message> {
    let mut left = args.events;
    let is_wanted = |message: &Message| {
        let is_wanted = left > 0;
        left -= u64::from(is_wanted && !matches!(message.body, Body::Snapshot { .. }));
        is_wanted
    };
    Venue::with_snapshots(args.seed, 1, HOUR_NS).take_while(is_wanted).collect()
}

/// Makes the directory, or clears that of an earlier demo; anything else in it is left alone and refused.
fn prepare(root: &Path) -> Result<(), CliError> {
    files::create_dir(root)?;
    let entries: Vec<_> = fs::read_dir(root).map_err(|e| CliError::write(root, &e))?.filter_map(Result::ok).collect();
    let marker = root.join(MARKER_FILE);
    if !entries.is_empty() && !marker.exists() {
        let message = format!("--out: {} is not empty, and not an earlier demo", root.display());
        return Err(CliError::usage("out-not-empty", message).help("name a new directory"));
    }
    for part in PARTS.map(|part| root.join(part)).iter().filter(|p| p.exists()) {
        fs::remove_dir_all(part).map_err(|e| CliError::write(part, &e))?;
    }
    files::write_all(&[(marker, b"{\"schema\": \"verismo.demo/1\"}\n".to_vec())])
}

/// Writes the reconstruction with one fault: in its messages, or in the bytes of its files.
fn damage(messages: &[Message], faithful: &Path, path: &Path, fault: Fault, seed: u64) -> Result<Record, CliError> {
    if !fault.kind().is_byte_level() {
        let (messages, record) = apply(messages.to_vec(), &[fault], seed);
        let mut writer = DataWriter::create(path, Format::EventsParquet, false)?;
        messages.iter().try_for_each(|m| writer.write(m))?;
        writer.finish()?;
        return Ok(record);
    }
    copy_tree(faithful, path)?;
    // The last file in the order of names is damaged: one broken file among good ones is what happens.
    let mut parquet = Vec::new();
    find_parquet(path, &mut parquet)?;
    let last =
        parquet.into_iter().max().ok_or_else(|| CliError::unusable("internal", "no Parquet file was written"))?;
    let read = |e| CliError::unusable("cannot-read", format_args!("{}: {e}", last.display()));
    let mut bytes = fs::read(&last).map_err(read)?;
    let record = apply_bytes(&mut bytes, &[fault], seed);
    files::write_all(&[(last.clone(), bytes)])?;
    Ok(record)
}

fn find_parquet(directory: &Path, found: &mut Vec<PathBuf>) -> Result<(), CliError> {
    let mut pending = vec![directory.to_owned()];
    while let Some(next) = pending.pop() {
        let entries = fs::read_dir(&next).map_err(|e| CliError::write(&next, &e))?;
        for path in entries.filter_map(Result::ok).map(|e| e.path()) {
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|e| e == "parquet") {
                found.push(path);
            }
        }
    }
    Ok(())
}

fn write_record(path: &Path, record: &Record) -> Result<(), CliError> {
    let json = serde_json::to_string_pretty(record).map_err(|e| CliError::unusable("internal", e))?;
    files::write_all(&[(path.join("faults.json"), (json + "\n").into_bytes())])
}

/// Judges candidates against one golden.
struct Judge<'a> {
    root: &'a Path,
    golden: &'a Path,
    threads: usize,
    record: &'a RecordArgs,
    context: Context<'a>,
}

impl Judge<'_> {
    /// Judges one candidate and writes its reports to `reports/NAME`.
    fn judge(&mut self, candidate: &Path, name: &str, done: &str, expected: &[Verdict]) -> Result<Outcome, CliError> {
        if interrupt::is_raised(self.context.cancel) {
            return Err(CliError::interrupted());
        }
        let sides = (vec![self.golden.to_owned()], vec![candidate.to_owned()]);
        let request = ValidateRequest { threads: self.threads, ..ValidateRequest::new(sides.0, sides.1) };
        let recording = Recording::start(self.record, None);
        let (verdict, because) = match validate::judge(&request, self.context, name) {
            Ok(mut report) => {
                recording.keep(&mut report, None);
                let directory = self.root.join("reports").join(name);
                files::create_dir(&directory)?;
                validate::write_reports(&report, &directory, None)?;
                (report.verdict, because(&report))
            }
            // Data of which nothing can be read have no report, but a verdict.
            Err(error) if error.exit() == Exit::Error => (Verdict::Error, error.message),
            Err(error) => return Err(error),
        };
        let is_as_expected = expected.contains(&verdict);
        Ok(Outcome { name: name.to_owned(), done: done.to_owned(), verdict, because, is_as_expected })
    }
}

/// The most important reason, or for a PASS how many observables agree.
fn because(report: &Report) -> String {
    let reasons = outline::reasons(report);
    let Some(first) = reasons.first() else {
        let passed = report.findings.iter().filter(|f| f.deciding && f.verdict == FindingVerdict::Pass);
        // An autocorrelation has a finding for each lag.
        let agreeing: std::collections::BTreeSet<_> = passed.map(|f| (&f.stream, &f.observable)).collect();
        return format!("{} observables agree", agreeing.len());
    };
    let more = if reasons.len() > 1 { format!(" (and {} more)", reasons.len() - 1) } else { String::new() };
    format!("{}: {}{more}", first.subject, first.sentence.trim_end_matches('.'))
}

const COLUMNS: [Column; 3] = [
    Column { title: "data set", align: Align::Left, width_min: 0, expendable: 0 },
    Column { title: "verdict", align: Align::Left, width_min: 0, expendable: 0 },
    Column { title: "because", align: Align::Left, width_min: 20, expendable: 0 },
];

fn show(
    outcomes: &[Outcome],
    args: &DemoArgs,
    start: Instant,
    context: Context<'_>,
    out: &mut impl Write,
) -> Result<Exit, CliError> {
    let console = context.console;
    let row = |o: &Outcome| {
        let verdict = Cell::styled(o.verdict.as_str(), verdict_style(o.verdict.into()));
        Row::Cells(vec![Cell::new(o.name.clone()), verdict, Cell::new(o.because.clone())])
    };
    let rows: Vec<Row> = outcomes.iter().map(row).collect();
    writeln!(out)?;
    out.write_all(table(&COLUMNS, &rows, console.width, console.colour).as_bytes())?;
    let reports = args.out.join("reports");
    let unexpected: Vec<&Outcome> = outcomes.iter().filter(|o| !o.is_as_expected).collect();
    let sentence = if unexpected.is_empty() {
        format!("The faithful reconstruction passes, and all {} faults are caught.", outcomes.len() - 1)
    } else {
        let names: Vec<&str> = unexpected.iter().map(|o| o.name.as_str()).collect();
        format!("Not as it should be: {}.", names.join(", "))
    };
    writeln!(out)?;
    out.write_all(wrap(&sentence, "", console.width).as_bytes())?;
    for outcome in &unexpected {
        out.write_all(wrap(&format!("{}: {}", outcome.name, outcome.done), "  ", console.width).as_bytes())?;
    }
    writeln!(out, "Reports: {}/NAME/report.html (also report.json, report.md, junit.xml)", reports.display())?;
    writeln!(
        out,
        "Try:     verismo validate --golden {} --candidate {}",
        args.out.join("golden").display(),
        args.out.join("faulty").join("widen-spread").display()
    )?;
    writeln!(out, "Took {}.", duration(start.elapsed().as_secs_f64()))?;
    Ok(if unexpected.is_empty() { Exit::Pass } else { Exit::Fail })
}
