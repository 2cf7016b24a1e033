//! What is fuzzed: every decoder, every state, the suite file, the look at a file of unknown content.
//!
//! A target is a plain function of bytes that panics where an invariant is broken. `fuzz_targets/` hands them to libFuzzer;
//! `crates/engine/tests/fuzz.rs` runs them on the seeds of `corpus/` and on mutations of these, with no fuzzer at hand.

use std::cell::OnceCell;
use std::path::Path;
use std::time::{Duration, Instant};

use verismo_feed::lobster::{SequenceReader, sequences};
use verismo_feed::table::{TableOptions, TableReader};
use verismo_feed::{Block, EventReader, Format, Inventory, Limits, ReaderOptions};
use verismo_market::lob_bench::{LEVELS_MAX, Row, Scorer};
use verismo_market::observe::{Carries, History, ObserveOptions, Part, ScanPart, Series, SeriesPart, StreamObserver};
use verismo_stats::column::ColumnProfile;
use verismo_stats::histogram::Histogram;
use verismo_stats::lags::LagMoments;
use verismo_stats::panel::Panel;
use verismo_stats::sample::{IdRuns, IdSample};
use verismo_stats::state::{Reader, laws};
use verismo_suite::Suite;

/// A target.
pub(crate) type Target = fn(&[u8]);

/// Every target with its name.
pub(crate) const TARGETS: &[(&str, Target)] = &[
    ("golden_jsonl", golden_jsonl),
    ("raw_frames", raw_frames),
    ("events_parquet", events_parquet),
    ("binance_csv", binance_csv),
    ("crypto_lake", crypto_lake),
    ("coinbase_full", coinbase_full),
    ("bitstamp", bitstamp),
    ("dbn", dbn),
    ("lobster", lobster),
    ("lob_bench", lob_bench),
    ("table_csv", table_csv),
    ("table_parquet", table_parquet),
    ("sniff", sniff),
    ("histogram", histogram),
    ("lag_moments", lag_moments),
    ("panel", panel),
    ("id_sample", id_sample),
    ("id_runs", id_runs),
    ("column_profile", column_profile),
    ("suite_yaml", suite_yaml),
    ("piece", piece),
];

/// A golden capture, JSON lines.
pub(crate) fn golden_jsonl(bytes: &[u8]) {
    events(Some(Format::GoldenJsonl), "x.jsonl", bytes);
}

/// Frames as the exchange sends them, without the capture's wrapper, packed.
pub(crate) fn raw_frames(bytes: &[u8]) {
    events(Some(Format::GoldenJsonl), "frames.jsonl.gz", bytes);
}

/// The events tree.
pub(crate) fn events_parquet(bytes: &[u8]) {
    events(Some(Format::EventsParquet), "events_1.parquet", bytes);
}

/// Binance archives and streams, CSV.
pub(crate) fn binance_csv(bytes: &[u8]) {
    events(Some(Format::BinanceCsv), "BTCUSDT-trades.csv", bytes);
}

/// Crypto Lake tables.
pub(crate) fn crypto_lake(bytes: &[u8]) {
    events(Some(Format::CryptoLake), "1.snappy.parquet", bytes);
}

/// The full channel of Coinbase, and its books.
pub(crate) fn coinbase_full(bytes: &[u8]) {
    events(Some(Format::CoinbaseFull), "x.jsonl", bytes);
}

/// Bitstamp order events and trades.
pub(crate) fn bitstamp(bytes: &[u8]) {
    events(Some(Format::Bitstamp), "orders.csv", bytes);
}

/// Databento binary encoding.
pub(crate) fn dbn(bytes: &[u8]) {
    events(Some(Format::Dbn), "x.dbn", bytes);
}

/// LOBSTER messages.
pub(crate) fn lobster(bytes: &[u8]) {
    events(Some(Format::Lobster), "AAPL_2012-06-21_34200000_57600000_message_1.csv", bytes);
}

/// A sequence of LOB-Bench: messages, an empty line, and the order book.
pub(crate) fn lob_bench(bytes: &[u8]) {
    let cut = bytes.windows(2).position(|pair| pair == b"\n\n").map_or(bytes.len(), |at| at + 1);
    let (messages, book) = bytes.split_at(cut);
    with_file("X_orderbook_real_id_0.csv", book, |_| {
        with_file("X_message_real_id_0.csv", messages, |path| {
            let files = sequences(path).expect("both files are there");
            let Ok(mut reader) = SequenceReader::open(&files[0], &Limits::DEFAULT, &Default::default()) else { return };
            let (mut scorer, mut row, mut rows) = (Scorer::new(reader.depth()), Row::default(), 0);
            while let Ok(true) = reader.next_row(&mut row) {
                scorer.push(&row);
                rows += 1;
            }
            let scored = scorer.finish();
            assert_eq!(scored.rows, rows);
            assert!(scored.volatility.is_finite() && reader.depth().min(LEVELS_MAX) <= LEVELS_MAX);
            let (windows, _) = scored.windows(3);
            assert!(windows.iter().flatten().flatten().all(|(x, n)| x.is_finite() && *n > 0));
        });
    });
}

/// Tables as CSV.
pub(crate) fn table_csv(bytes: &[u8]) {
    table("x.csv", bytes);
}

/// Tables as Parquet.
pub(crate) fn table_parquet(bytes: &[u8]) {
    table("x.parquet", bytes);
}

/// A file of unknown content, whatever it turns out to be.
pub(crate) fn sniff(bytes: &[u8]) {
    events(None, "x", bytes);
}

/// Histograms.
pub(crate) fn histogram(bytes: &[u8]) {
    laws::check_bytes::<Histogram>(bytes);
}

/// Moments at lags.
pub(crate) fn lag_moments(bytes: &[u8]) {
    laws::check_bytes::<LagMoments>(bytes);
}

/// The encoding of a panel.
pub(crate) fn panel(bytes: &[u8]) {
    laws::check_bytes::<Panel>(bytes);
}

/// Samples of ids.
pub(crate) fn id_sample(bytes: &[u8]) {
    laws::check_bytes::<IdSample>(bytes);
}

/// Runs of ids.
pub(crate) fn id_runs(bytes: &[u8]) {
    laws::check_bytes::<IdRuns>(bytes);
}

/// What a column looks like.
pub(crate) fn column_profile(bytes: &[u8]) {
    laws::check_bytes::<ColumnProfile>(bytes);
}

/// Suite files.
pub(crate) fn suite_yaml(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Err(problems) = Suite::parse(text) {
        assert!(!problems.is_empty(), "refused without a reason");
        // What is missing is missing at the end, or on the first line of nothing.
        let lines = text.lines().count() as u64 + 1;
        assert!(problems.iter().all(|p| !p.message.is_empty() && p.line <= lines), "{problems:?}");
    }
}

/// What a store holds of a piece of a stream, by the first byte: what the scan counted, the series of an observable, which files there
/// are, or what goes on to the next piece. Counts and states that can be read add up.
pub(crate) fn piece(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    let options = ObserveOptions { observables: vec!["spread".to_owned()], ..ObserveOptions::default() };
    let mut observer = StreamObserver::new(&options);
    let mut input = Reader::new("a piece", bytes);
    match kind % 4 {
        0 => {
            let Ok(scan) = ScanPart::decode(&mut input) else { return };
            let mut part = observer.cut();
            if part.merge(Part { scan, ..observer.cut() }).is_ok() {
                part.finish(options.window_min_ns);
            }
        }
        1 => {
            let Ok(series) = Series::load(&mut input) else { return };
            let mut part = observer.cut();
            part.series.insert("spread", SeriesPart { series, n_forgotten: 0 });
            part.finish(options.window_min_ns);
        }
        2 => {
            let _found = Inventory::load(bytes);
        }
        _ => {
            let series = observer.carries().series;
            let carries = Carries { scan: bytes.to_vec(), tape: None, series };
            // A checksum says that it was handed on; what a book at impossible times does is not asked.
            let _resumed = StreamObserver::resume(&options, &carries, History::default());
        }
    }
}

/// Time that one input may take: far more than any of these sizes needs.
const CASE_MAX: Duration = Duration::from_secs(20);

fn events(format: Option<Format>, name: &str, bytes: &[u8]) {
    with_file(name, bytes, |path| {
        let Ok(inventory) = Inventory::scan(&[path.to_owned()], format) else { return };
        if !inventory.format.has_events() {
            return read_table(&inventory);
        }
        let Ok(readers) = inventory.readers(&ReaderOptions::default()) else { return };
        readers.into_iter().for_each(|reader| read_events(reader, inventory.format, bytes.len()));
    });
}

fn table(name: &str, bytes: &[u8]) {
    with_file(name, bytes, |path| {
        if let Ok(inventory) = Inventory::scan(&[path.to_owned()], Some(Format::Table)) {
            read_table(&inventory);
        }
    });
}

fn read_events(mut reader: Box<dyn EventReader>, format: Format, input_bytes: usize) {
    let mut block = Block::default();
    let (mut told, mut messages) = (0, 0);
    let start = Instant::now();
    while let Ok(true) = reader.next_block(&mut block) {
        let batch = &block.batch;
        assert!(!batch.is_empty(), "an empty block is the end");
        assert!(block.stream < reader.streams().len(), "a block of no stream");
        let n = batch.len();
        assert_eq!((batch.price.len(), batch.qty.len(), batch.t_exchange_ns.len(), batch.flags.len()), (n, n, n, n));
        told += block.messages;
        messages = reader.messages();
        assert!(start.elapsed() < CASE_MAX, "{input_bytes} bytes took {:?}", start.elapsed());
    }
    assert!(reader.messages() >= messages, "messages are unread");
    for (check, counter) in reader.counters().iter() {
        assert!(counter.examples.len() as u64 <= counter.count, "{check}: more examples than hits");
        assert!(counter.count == 0 || !counter.examples.is_empty(), "{check}: counted without a place");
        assert!(counter.examples.iter().all(|e| !e.detail.is_empty()), "{check}: a place without a word");
    }
    let hits: u64 = reader.counters().iter().map(|(_, counter)| counter.count).sum();
    let read = reader.messages();
    assert!(hits + told > 0 || read == 0, "{read} messages vanished");
    if format == Format::GoldenJsonl {
        assert!(hits + told >= read, "{read} messages are {told} used and {hits} counted");
    }
}

fn read_table(inventory: &Inventory) {
    let mut reader = TableReader::new(inventory.sources.clone(), TableOptions::default());
    let mut rows = 0;
    let start = Instant::now();
    while let Ok(Some(batch)) = reader.next_batch() {
        assert!(!batch.is_empty(), "an empty batch is the end");
        assert!(batch.columns.iter().all(|c| c.values.len() == batch.len() && c.valid.len() == batch.len()));
        rows += batch.len() as u64;
        assert!(start.elapsed() < CASE_MAX, "a table took {:?}", start.elapsed());
    }
    assert_eq!(reader.rows(), rows);
}

/// A file of these bytes, in a folder that is the thread's own.
fn with_file(name: &str, bytes: &[u8], look: impl FnOnce(&Path)) {
    thread_local! {
        static FOLDER: OnceCell<tempfile::TempDir> = const { OnceCell::new() };
    }
    FOLDER.with(|folder| {
        let folder = folder.get_or_init(|| tempfile::tempdir().expect("a folder for files"));
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).expect("a file is written");
        look(&path);
    });
}
