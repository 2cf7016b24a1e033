//! Captures of other formats in several files: kept file by file, and what changed is read.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::request;
use verismo_engine::{Meter, StoreRequest, ValidateRequest, validate};
use verismo_feed::Format;
use verismo_feed::write::WriteOptions;
use verismo_market::message::Message;
use verismo_sim::{Market, MarketConfig};
use verismo_suite::Suite;
use verismo_suite::report::{Cache, Report};

/// Files of the candidate.
const FILES: usize = 5;

/// The first of the files that are written of a market; of the others stay those of this ending.
fn written(format: Format, folder: &Path, market: impl Iterator<Item = Message>, stay: &str) -> Vec<u8> {
    let mut writer = format.writer(folder, &WriteOptions::default()).unwrap();
    market.take(9_000).for_each(|message| writer.write(&message).unwrap());
    writer.finish().unwrap();
    let mut files = files(folder);
    files.retain(|file| !file.to_str().unwrap().ends_with(stay));
    let bytes = fs::read(&files[0]).unwrap();
    files.iter().for_each(|file| fs::remove_file(file).unwrap());
    bytes
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// No ending.
const NOTHING: &str = "/";

/// Where records may be cut: before none that `goes_on` with the one before it.
fn cuts<T>(records: &[T], goes_on: impl Fn(&T, &T) -> bool) -> Vec<usize> {
    let is_cut = |at: usize| at >= records.len() || !goes_on(&records[at - 1], &records[at]);
    let after = |at: usize| (at..).find(|&at| is_cut(at)).unwrap().min(records.len());
    (0..=FILES).map(|n| if n == 0 { 0 } else { after((n * records.len()).div_ceil(FILES)) }).collect()
}

/// A golden in one file and a candidate in several, from two seeds.
struct Bench {
    dir: tempfile::TempDir,
    suite: Suite,
    /// Of the candidate, in the order of their times; their names rise backwards.
    files: Vec<PathBuf>,
}

impl Bench {
    /// `write` gives the bytes of a capture in a folder by a seed, `cut` those of its files.
    fn new(ending: &str, write: impl Fn(&Path, u64) -> Vec<u8>, cut: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["golden", "candidate", "whole"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
        }
        let golden = write(&dir.path().join("golden"), 3);
        fs::write(dir.path().join(format!("golden/0.{ending}")), golden).unwrap();
        let whole = write(&dir.path().join("whole"), 4);
        for path in files(&dir.path().join("whole")) {
            fs::copy(&path, dir.path().join("candidate").join(path.file_name().unwrap())).unwrap();
        }
        fs::write(dir.path().join(format!("whole/0.{ending}")), &whole).unwrap();
        let write = |(n, bytes): (usize, Vec<u8>)| {
            let path = dir.path().join(format!("candidate/{}.{ending}", 9 - n));
            fs::write(&path, bytes).unwrap();
            path
        };
        let files = cut(&whole).into_iter().enumerate().map(write).collect();
        Self { suite: Suite { replicates: 99, ..Suite::builtin("market").unwrap() }, dir, files }
    }

    fn run(&self, candidate: &str, store: Option<StoreRequest>) -> Report {
        let [golden, candidate] = ["golden", candidate].map(|folder| self.dir.path().join(folder));
        let request = ValidateRequest { suite: Some(self.suite.clone()), store, ..request(&golden, &candidate) };
        validate(&request, &Meter::default()).unwrap()
    }

    /// What a run with a store took, which says the same as one without.
    fn kept(&self) -> Cache {
        let store = StoreRequest { wants_states: true, ..StoreRequest::in_folder(self.dir.path().join("store")) };
        let (with, without) = (self.run("candidate", Some(store)), self.run("candidate", None));
        assert_eq!((&with.digest, &with.inputs), (&without.digest, &without.inputs));
        assert_eq!(format!("{:?}", with.findings), format!("{:?}", without.findings));
        assert_eq!(format!("{:?}", with.integrity), format!("{:?}", without.integrity));
        with.cache.unwrap()
    }

    /// An edit of the second file costs it, and the last file may come later.
    fn assert_kept_file_by_file(&self, edit: impl Fn(&mut Vec<u8>)) {
        let observables = self.suite.observables.len() as u64;
        let cold = self.kept();
        assert_eq!((cold.pieces, cold.states_computed), (6, 6 * observables), "{cold:?}");
        assert_eq!(self.run("candidate", None).digest, self.run("whole", None).digest, "cuts change nothing");
        assert_eq!(self.kept().states_computed, 0);
        let mut bytes = fs::read(&self.files[1]).unwrap();
        edit(&mut bytes);
        fs::write(&self.files[1], &bytes).unwrap();
        let edited = self.kept();
        assert!(edited.states_computed <= 2 * observables && edited.states_computed > 0, "{edited:?}");
        let name = self.files[1].file_name().unwrap().to_str().unwrap();
        assert!(edited.misses[0].file.ends_with(name), "{:?}", edited.misses);
        let last = fs::read(&self.files[FILES - 1]).unwrap();
        fs::remove_file(&self.files[FILES - 1]).unwrap();
        assert_eq!(self.kept().states_computed, 0);
        fs::write(&self.files[FILES - 1], last).unwrap();
        assert_eq!(self.kept().states_computed, 0);
    }
}

#[test]
fn databento_files() {
    /// Bytes of a record of an order, and where its size, its flags and its action are.
    const RECORD: usize = 56;
    const SIZE: usize = 32;
    const FLAGS: usize = 36;
    const ACTION: usize = 38;
    /// An event ends with this record.
    const LAST: u8 = 0x80;
    let header_of = |bytes: &[u8]| 8 + u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    let market = |seed| Market::new(MarketConfig::new(seed).in_shares()).with_orders();
    let bench = Bench::new(
        "dbn",
        |folder, seed| written(Format::Dbn, folder, market(seed), NOTHING),
        |bytes| {
            let (header, records) = bytes.split_at(header_of(bytes));
            let records: Vec<&[u8]> = records.chunks(RECORD).collect();
            let cuts = cuts(&records, |before, _| before[FLAGS] & LAST == 0);
            cuts.windows(2).map(|at| [header, &records[at[0]..at[1]].concat()].concat()).collect()
        },
    );
    // The quantity of a trade: the orders that go on from it are the same.
    bench.assert_kept_file_by_file(|bytes| {
        let header = header_of(bytes);
        let trade = bytes[header..].chunks(RECORD).position(|record| record[ACTION] == b'T').unwrap();
        bytes[header + trade * RECORD + SIZE] ^= 1;
    });
}

/// Files of lines with a header.
fn lines_with_header(bytes: &[u8], goes_on: impl Fn(&&str, &&str) -> bool) -> Vec<Vec<u8>> {
    let text = std::str::from_utf8(bytes).unwrap();
    let (header, text) = text.split_at(text.find('\n').unwrap() + 1);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let cuts = cuts(&lines, goes_on);
    cuts.windows(2).map(|at| [header, &lines[at[0]..at[1]].concat()].concat().into_bytes()).collect()
}

fn field(line: &str, n: usize) -> &str {
    line.split(',').nth(n).unwrap()
}

#[test]
fn binance_csv_files() {
    let bench = Bench::new(
        "csv",
        |folder, seed| {
            let market = Market::new(MarketConfig::new(seed)).with_snapshots(60_000_000_000);
            written(Format::BinanceCsv, folder, market, NOTHING)
        },
        |bytes| lines_with_header(bytes, |before, line| field(before, 0) == field(line, 0)),
    );
    bench.assert_kept_file_by_file(|bytes| {
        let text = std::str::from_utf8(bytes).unwrap();
        let trade = text.lines().find(|line| field(line, 2) == "trade").unwrap();
        let quantity = field(trade, 10);
        let edited = trade.replacen(&format!(",{quantity},"), &format!(",7{quantity},"), 1);
        *bytes = text.replacen(trade, &edited, 1).into_bytes();
    });
}

/// Orders without a file of trades.
#[test]
fn bitstamp_files() {
    let market = |seed| Market::new(MarketConfig::new(seed)).with_orders();
    let bench = Bench::new(
        "csv",
        |folder, seed| written(Format::Bitstamp, folder, market(seed), NOTHING),
        |bytes| lines_with_header(bytes, |before, line| field(before, 2) == field(line, 2)),
    );
    // When a row in the middle was received.
    bench.assert_kept_file_by_file(|bytes| {
        let text = std::str::from_utf8(bytes).unwrap();
        let row = text.lines().nth(text.lines().count() / 2).unwrap();
        let received: i64 = field(row, 1).parse().unwrap();
        let edited = row.replacen(field(row, 1), &(received + 1).to_string(), 1);
        *bytes = text.replacen(row, &edited, 1).into_bytes();
    });
}

/// The book that the messages start from is part of the first piece.
#[test]
fn coinbase_files() {
    let market = |seed| Market::new(MarketConfig::new(seed)).with_orders();
    let bench = Bench::new(
        "jsonl",
        |folder, seed| written(Format::CoinbaseFull, folder, market(seed), ".json"),
        |bytes| {
            let lines: Vec<&str> = std::str::from_utf8(bytes).unwrap().split_inclusive('\n').collect();
            let time = |line: &str| line.split("\"time\":").nth(1).unwrap()[..30].to_owned();
            let cuts = cuts(&lines, |before, line| time(before) == time(line));
            cuts.windows(2).map(|at| lines[at[0]..at[1]].concat().into_bytes()).collect()
        },
    );
    // Who took, which no row tells.
    bench.assert_kept_file_by_file(|bytes| {
        let text = std::str::from_utf8(bytes).unwrap();
        let trade = text.lines().find(|line| line.contains("\"type\":\"match\"")).unwrap();
        let edited = trade.replacen("\"taker_order_id\":\"0", "\"taker_order_id\":\"1", 1);
        assert_ne!(trade, edited);
        *bytes = text.replacen(trade, &edited, 1).into_bytes();
    });
}
