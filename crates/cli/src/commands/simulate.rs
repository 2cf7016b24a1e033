//! `verismo simulate`.

use std::io::Write;
use std::path::Path;
use std::time::Instant;

use verismo_feed::Format;
use verismo_feed::write::Written;
use verismo_report::number::{bytes, count, duration};
use verismo_sim::exchange::HOUR_NS;
use verismo_sim::{Market, MarketConfig, Venue};

use crate::args::{OutputFormat, SimulateArgs};
use crate::commands::validate::value_name;
use crate::datasets::{DataWriter, OutDir};
use crate::{CliError, Context, Exit, interrupt, progress};

/// Messages between two looks at the interrupt.
const MESSAGES_PER_LOOK: u64 = 1_024;

/// Writes a data set of the simulated exchange; says in a line what was written.
///
/// # Errors
/// Usage, files that cannot be written, or an interrupt; the directory is left as it was then.
pub fn run(args: &SimulateArgs, context: Context<'_>, out: &mut impl Write) -> Result<Exit, CliError> {
    if args.gzip && matches!(args.format, OutputFormat::EventsParquet | OutputFormat::CryptoLake) {
        return Err(CliError::usage("gzip-of-parquet", "--gzip is for text: Parquet files are compressed inside"));
    }
    let format = Format::from_name(&value_name(&args.format)).unwrap_or(Format::GoldenJsonl);
    let start = Instant::now();
    let directory = OutDir::create(&args.out)?;
    tracing::info!(out = %args.out.display(), events = args.events, seed = args.seed, "simulating");
    let market = Dataset {
        format,
        messages: args.events,
        seed: args.seed,
        symbols: args.symbols,
        gzip: args.gzip,
        in_shares: args.shares || format.is_in_shares(),
    };
    let written = write(&market, &args.out, context)?;
    directory.keep();
    writeln!(
        out,
        "{}: {} messages as {} {} in {} file{} ({}), seed {}, in {}",
        args.out.display(),
        count(args.events),
        count(written.rows),
        if format == Format::GoldenJsonl { "lines" } else { "rows" },
        written.files,
        if written.files == 1 { "" } else { "s" },
        bytes(written.bytes),
        args.seed,
        duration(start.elapsed().as_secs_f64())
    )?;
    Ok(Exit::Pass)
}

/// What to simulate.
#[derive(Debug, Clone, Copy)]
pub struct Dataset {
    /// Format of the files.
    pub format: Format,
    /// Messages, over all symbols; snapshots come on top.
    pub messages: u64,
    /// Seed of the market.
    pub seed: u64,
    /// Number of symbols.
    pub symbols: u32,
    /// Whether JSONL is compressed.
    pub gzip: bool,
    /// Whether quantities are whole shares and prices cents.
    pub in_shares: bool,
}

impl Dataset {
    /// The feed: order by order where the format is; with the full book before the first message of each hour where files start
    /// with it.
    pub fn feed(&self) -> Venue {
        let symbols = usize::try_from(self.symbols).unwrap_or(usize::MAX);
        let is_by_orders = self.format.is_by_orders();
        let has_books = is_by_orders || self.format == Format::EventsParquet;
        Venue::of((0..symbols).map(|k| {
            let config = MarketConfig::for_symbol(self.seed, k);
            let market = Market::new(if self.in_shares { config.in_shares() } else { config });
            let market = if is_by_orders { market.with_orders() } else { market };
            if has_books { market.with_snapshots(HOUR_NS) } else { market }
        }))
    }
}

/// Simulates and writes message by message: memory does not grow with their number.
///
/// # Errors
/// Files that cannot be written, or an interrupt.
pub fn write(dataset: &Dataset, directory: &Path, context: Context<'_>) -> Result<Written, CliError> {
    let mut writer = DataWriter::create(directory, dataset.format, dataset.gzip)?;
    let bar = progress::bar(context, dataset.messages, "simulate");
    let start = Instant::now();
    let mut messages: u64 = 0;
    for message in dataset.feed() {
        writer.write(&message)?;
        if message.body.is_snapshot() {
            continue;
        }
        messages += 1;
        if messages.is_multiple_of(MESSAGES_PER_LOOK) {
            interrupt::note(messages);
            if interrupt::is_raised(context.cancel) {
                return Err(CliError::interrupted());
            }
            bar.set_position(messages);
            bar.set_message(progress::rate(messages, start));
        }
        if messages == dataset.messages {
            break;
        }
    }
    bar.finish_and_clear();
    writer.finish()
}
