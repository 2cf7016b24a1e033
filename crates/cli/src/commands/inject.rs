//! `verismo inject`.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::Path;

use serde::Serialize;
use verismo_engine::Meter;
use verismo_feed::{Compression, Format, Inventory, ReaderOptions};
use verismo_report::layout::{Align, Cell, Column, Row, table};
use verismo_report::number::count;
use verismo_sim::faults::{Fault, FaultKind, FaultRecord, apply, apply_bytes};

use crate::args::InjectArgs;
use crate::datasets::{DataWriter, OutDir, copy_tree, feed_error};
use crate::messages::{Collected, collect};
use crate::{CliError, Context, Exit, files, interrupt, progress};

/// Name of the record beside the damaged data.
pub const RECORD_FILE: &str = "inject.json";

/// Name and version of the record's schema.
const SCHEMA: &str = "verismo.inject/1";

/// What was done to a data set.
#[derive(Debug, Clone, Serialize)]
pub struct InjectRecord {
    /// Name and version of the schema.
    pub schema: &'static str,
    /// The data set that was read, as given.
    pub input: String,
    /// Its format.
    pub format: String,
    /// The seed.
    pub seed: u64,
    /// The faults as given, in the order in which they were applied.
    pub faults: Vec<String>,
    /// What the faults of messages did.
    pub messages: Vec<FaultRecord>,
    /// What the faults of bytes did, by file.
    pub files: Vec<FileRecord>,
    /// Events of the input that the output cannot hold, by kind.
    pub not_carried: BTreeMap<String, u64>,
}

/// What was done to the bytes of one file.
#[derive(Debug, Clone, Serialize)]
pub struct FileRecord {
    /// The file, relative to the damaged data set.
    pub path: String,
    /// What each fault did.
    pub faults: Vec<FaultRecord>,
}

/// Damages a data set, or lists the kinds of damage.
///
/// # Errors
/// Usage, data that cannot be read or written, or an interrupt; the output directory is left as it was then.
pub fn run(args: &InjectArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    if args.list {
        return list(out);
    }
    let faults = parse(&args.fault)?;
    // Without --list the parser demands both.
    let (Some(input), Some(target)) = (&args.input, &args.out) else {
        return Err(CliError::usage("missing-argument", "--in and --out are needed"));
    };
    if !input.exists() {
        let message = format!("--in: no such file or directory: {}", input.display());
        return Err(CliError::usage("no-such-path", message));
    }
    if verismo_versions::source::of_path(input).is_some() {
        let message = format!("--in: {} has versions of its own, and files of others beside", input.display());
        return Err(CliError::usage("versioned-input", message).help("copy the files of one version to a folder first"));
    }
    refuse_inside(input, target)?;
    let directory = OutDir::create(target)?;
    let record = damage(input, target, &faults, args.seed, context)?;
    directory.keep();
    for fault in record.messages.iter().chain(record.files.iter().flat_map(|f| &f.faults)) {
        let unit = if fault.kind.is_byte_level() { "bytes" } else { "messages" };
        writeln!(
            out,
            "{}:{} changed {} of {} {unit}",
            fault.kind,
            fault.amount,
            count(fault.affected),
            count(fault.items_before)
        )?;
    }
    for (kind, n) in &record.not_carried {
        writeln!(out, "{} events of kind {kind} are not in the output: no message holds them", count(*n))?;
    }
    writeln!(out, "{}: damaged as {} says", target.display(), target.join(RECORD_FILE).display())?;
    Ok(Exit::Pass)
}

/// Parses faults written as `KIND[:AMOUNT]`.
///
/// # Errors
/// Usage, with the code of the parser.
pub fn parse(faults: &[String]) -> Result<Vec<Fault>, CliError> {
    let parse = |text: &String| {
        text.parse::<Fault>().map_err(|e| {
            let near = verismo_suite::catalogue::nearest(
                text.split(':').next().unwrap_or_default(),
                FaultKind::all().map(FaultKind::name),
            );
            let error = CliError::usage(e.code(), e);
            match near.filter(|_| error.code == "unknown-fault") {
                Some(near) => error.help(format_args!("did you mean {near}?")),
                None => error,
            }
        })
    };
    faults.iter().map(parse).collect()
}

/// A line per kind, as long as it is: the list is for scripts too.
fn list(out: &mut impl Write) -> Result<Exit, CliError> {
    const COLUMNS: [Column; 4] = [
        Column { title: "fault", align: Align::Left, width_min: 0, expendable: 0 },
        Column { title: "default", align: Align::Right, width_min: 0, expendable: 0 },
        Column { title: "amount is", align: Align::Left, width_min: 0, expendable: 0 },
        Column { title: "what it does", align: Align::Left, width_min: 20, expendable: 1 },
    ];
    let row = |kind: FaultKind| {
        Row::Cells(vec![
            Cell::new(kind.name()),
            Cell::new(kind.default_amount().to_string()),
            Cell::new(kind.unit()),
            Cell::new(kind.description()),
        ])
    };
    let rows: Vec<Row> = FaultKind::all().map(row).collect();
    out.write_all(table(&COLUMNS, &rows, usize::MAX, false).as_bytes())?;
    Ok(Exit::Pass)
}

/// A copy inside the data set itself would be read as part of it.
fn refuse_inside(input: &Path, target: &Path) -> Result<(), CliError> {
    let (Ok(input), Ok(target)) = (fs::canonicalize(input), std::path::absolute(target)) else { return Ok(()) };
    if target.starts_with(&input) {
        return Err(CliError::usage("out-inside-in", "--out lies inside --in: name a directory outside it"));
    }
    Ok(())
}

/// Reads `input`, damages it and writes it to `target` with its record.
///
/// # Errors
/// Data that cannot be read or written, or an interrupt.
pub fn damage(
    input: &Path,
    target: &Path,
    faults: &[Fault],
    seed: u64,
    context: Context<'_>,
) -> Result<InjectRecord, CliError> {
    let inventory = Inventory::scan(&[input.to_owned()], None).map_err(feed_error)?;
    let mut record = InjectRecord {
        schema: SCHEMA,
        input: input.display().to_string(),
        format: inventory.format.name().to_owned(),
        seed,
        faults: faults.iter().map(ToString::to_string).collect(),
        messages: Vec::new(),
        files: Vec::new(),
        not_carried: BTreeMap::new(),
    };
    if faults.iter().any(|f| !f.kind().is_byte_level()) {
        damage_messages(&inventory, target, faults, context, &mut record)?;
    } else {
        copy_tree(input, target)?;
    }
    if faults.iter().any(|f| f.kind().is_byte_level()) {
        damage_bytes(target, inventory.format, faults, context, &mut record)?;
    }
    let json = serde_json::to_string_pretty(&record).map_err(|e| CliError::unusable("internal", e))?;
    files::write_all(&[(target.join(RECORD_FILE), (json + "\n").into_bytes())])?;
    Ok(record)
}

fn damage_messages(
    inventory: &Inventory,
    target: &Path,
    faults: &[Fault],
    context: Context<'_>,
    record: &mut InjectRecord,
) -> Result<(), CliError> {
    let readers = inventory.readers(&ReaderOptions::default()).map_err(feed_error)?;
    let meter = Meter::default();
    meter.set_bytes_total(inventory.bytes());
    let collected = progress::watch(context, &meter, "inject", || collect(readers, &meter)).map_err(feed_error)?;
    let Collected { messages, not_carried } = collected;
    record.not_carried = not_carried;
    stop_if_asked(context)?;
    let (messages, done) = apply(messages, faults, record.seed);
    record.messages = done.faults;
    let gzip = inventory.sources.iter().any(|s| s.compression != Compression::Plain);
    let mut writer = DataWriter::create(target, inventory.format, gzip)?;
    for (i, message) in messages.iter().enumerate() {
        if i.is_multiple_of(1_024) {
            stop_if_asked(context)?;
        }
        writer.write(message)?;
    }
    writer.finish()?;
    Ok(())
}

/// Damages every data file of `target`; each has a seed of its own, or all would be hit at the same places.
fn damage_bytes(
    target: &Path,
    format: Format,
    faults: &[Fault],
    context: Context<'_>,
    record: &mut InjectRecord,
) -> Result<(), CliError> {
    let inventory = Inventory::scan(&[target.to_owned()], Some(format)).map_err(feed_error)?;
    let mut paths: Vec<_> = inventory.sources.iter().map(|s| s.path.clone()).collect();
    paths.sort();
    for (i, path) in paths.iter().enumerate() {
        stop_if_asked(context)?;
        let mut bytes =
            fs::read(path).map_err(|e| CliError::unusable("cannot-read", format_args!("{}: {e}", path.display())))?;
        let done = apply_bytes(&mut bytes, faults, record.seed.wrapping_add(i as u64));
        files::write_all(&[(path.clone(), bytes)])?;
        let relative = path.strip_prefix(target).unwrap_or(path);
        record.files.push(FileRecord { path: relative.display().to_string(), faults: done.faults });
    }
    Ok(())
}

fn stop_if_asked(context: Context<'_>) -> Result<(), CliError> {
    if interrupt::is_raised(context.cancel) { Err(CliError::interrupted()) } else { Ok(()) }
}
