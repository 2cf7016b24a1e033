//! Captures of single orders in several files: kept file by file, and what changed is read.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::request;
use verismo_engine::{Meter, StoreRequest, ValidateRequest, validate};
use verismo_feed::Format;
use verismo_feed::write::WriteOptions;
use verismo_sim::{Market, MarketConfig};
use verismo_suite::Suite;
use verismo_suite::report::{Cache, Report};

/// Bytes of a record of an order, and where its size, its flags and its action are.
const RECORD: usize = 56;
const SIZE: usize = 32;
const FLAGS: usize = 36;
const ACTION: usize = 38;
/// An event ends with this record.
const LAST: u8 = 0x80;

fn dbn(folder: &Path, seed: u64) -> Vec<u8> {
    let mut writer = Format::Dbn.writer(folder, &WriteOptions::default()).unwrap();
    let market = Market::new(MarketConfig::new(seed).in_shares()).with_orders();
    market.take(9_000).for_each(|message| writer.write(&message).unwrap());
    writer.finish().unwrap();
    let file = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).next().unwrap();
    let bytes = fs::read(&file).unwrap();
    fs::remove_file(file).unwrap();
    bytes
}

/// The records in so many files, each of which ends with an event.
fn cut(folder: &Path, bytes: &[u8], files: usize) -> Vec<PathBuf> {
    let header = 8 + u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    let records: Vec<&[u8]> = bytes[header..].chunks(RECORD).collect();
    let ends = |i: usize| i >= records.len() || records[i - 1][FLAGS] & LAST != 0;
    let mut from = 0;
    (0..files)
        .map(|n| {
            let to = (((n + 1) * records.len()).div_ceil(files)..).find(|&i| ends(i)).unwrap().min(records.len());
            let path = folder.join(format!("{}.dbn", 9 - n));
            fs::write(&path, [&bytes[..header], &records[from..to].concat()].concat()).unwrap();
            from = to;
            path
        })
        .collect()
}

#[test]
fn files_of_orders_are_kept_one_by_one() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name);
    let files = ["golden", "candidate"].map(|side| {
        fs::create_dir(at(side)).unwrap();
        let bytes = dbn(&at(side), if side == "golden" { 3 } else { 4 });
        cut(&at(side), &bytes, if side == "golden" { 1 } else { 5 })
    });
    let suite = Suite { replicates: 99, ..Suite::builtin("market").unwrap() };
    let run = |store: Option<StoreRequest>| -> Report {
        let request = ValidateRequest { suite: Some(suite.clone()), store, ..request(&at("golden"), &at("candidate")) };
        validate(&request, &Meter::default()).unwrap()
    };
    let kept = || -> Cache {
        let store = StoreRequest { wants_states: true, ..StoreRequest::in_folder(at("store")) };
        let (with, without) = (run(Some(store)), run(None));
        assert_eq!((&with.digest, &with.inputs), (&without.digest, &without.inputs));
        assert_eq!(format!("{:?}", with.findings), format!("{:?}", without.findings));
        assert_eq!(format!("{:?}", with.integrity), format!("{:?}", without.integrity));
        with.cache.unwrap()
    };
    let whole = {
        let folder = at("whole");
        fs::create_dir(&folder).unwrap();
        let bytes = dbn(&folder, 4);
        fs::write(folder.join("all.dbn"), bytes).unwrap();
        let request = ValidateRequest { suite: Some(suite.clone()), ..request(&at("golden"), &folder) };
        validate(&request, &Meter::default()).unwrap()
    };
    let observables = suite.observables.len() as u64;
    let cold = kept();
    assert_eq!((cold.pieces, cold.states_computed), (6, 6 * observables), "{cold:?}");
    assert_eq!(run(None).digest, whole.digest, "cuts change nothing");
    assert_eq!(kept().states_computed, 0);
    // The quantity of a trade in the second file: the orders that go on from it are the same.
    let mut bytes = fs::read(&files[1][1]).unwrap();
    let header = 8 + u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    let trade = bytes[header..].chunks(RECORD).position(|record| record[ACTION] == b'T').unwrap();
    bytes[header + trade * RECORD + SIZE] ^= 1;
    fs::write(&files[1][1], &bytes).unwrap();
    let edited = kept();
    assert!(edited.states_computed <= 2 * observables && edited.states_computed > 0, "{edited:?}");
    assert!(edited.misses[0].file.ends_with("8.dbn"), "{:?}", edited.misses);
    // The last file comes later: the ones before it are there.
    let last = fs::read(&files[1][4]).unwrap();
    fs::remove_file(&files[1][4]).unwrap();
    assert_eq!(kept().states_computed, 0);
    fs::write(&files[1][4], last).unwrap();
    assert_eq!(kept().states_computed, 0);
}
