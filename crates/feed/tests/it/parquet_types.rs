//! Event trees with other physical types than the schema's, nulls and missing columns.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Array, Int64Array, LargeStringArray, RecordBatch, StringArray,
    TimestampMillisecondArray, UInt64Array,
};
use arrow::datatypes::Int32Type;
use parquet::arrow::ArrowWriter;
use verismo_feed::Inventory;
use verismo_market::event::{Kind, NO_ID, NO_TIME, Side};

use crate::common::{START_NS, read, starts};

fn write(directory: &Path, columns: Vec<(&str, ArrayRef)>) -> PathBuf {
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let path = directory.join("events_1.parquet");
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    path
}

fn column(array: impl arrow::array::Array + 'static) -> ArrayRef {
    Arc::new(array)
}

/// One trade, one update of two levels, one snapshot.
fn columns() -> Vec<(&'static str, ArrayRef)> {
    let ns = |i: i64| START_NS + i;
    vec![
        ("event_timestamp", column(Int64Array::from(vec![ns(0), ns(1), ns(1), ns(2)]))),
        ("event_type", column(StringArray::from(vec!["TRADE", "BOOK_DELTA", "BOOK_DELTA", "BOOK_SNAPSHOT"]))),
        ("update_id", column(Int64Array::from(vec![None, Some(7), Some(7), Some(8)]))),
        ("trade_id", column(Int64Array::from(vec![Some(3), None, None, None]))),
        ("trade_price", column(Float64Array::from(vec![Some(61837.63), None, None, None]))),
        ("trade_quantity", column(StringArray::from(vec![Some("1E-8"), None, None, None]))),
        ("trade_side", column(LargeStringArray::from(vec![Some("sell"), None, None, None]))),
        ("bids", column(StringArray::from(vec![None, None, None, Some("[[\"2\",\"1E-8\"],[1.5,3]]")]))),
        ("asks", column(StringArray::from(vec![None::<&str>; 4]))),
        (
            "delta_side",
            column([None, Some("BID"), Some("ASK"), None].into_iter().collect::<DictionaryArray<Int32Type>>()),
        ),
        ("delta_price", column(Int64Array::from(vec![None, Some(2), Some(3), None]))),
        ("delta_quantity", column(Float64Array::from(vec![None, Some(0.5), Some(0.0), None]))),
    ]
}

fn replaced(name: &str, array: ArrayRef) -> Vec<(&'static str, ArrayRef)> {
    columns().into_iter().map(|(n, a)| if n == name { (n, array.clone()) } else { (n, a) }).collect()
}

#[test]
fn floats_integers_texts_and_dictionaries_are_read_exactly() {
    let directory = tempfile::tempdir().unwrap();
    write(directory.path(), columns());
    let read = read(&[directory.path()]);
    assert!(read.counters.iter().all(|(_, c)| c.count == 0), "{:?}", read.counters);
    let batch = read.only();
    assert_eq!(
        batch.kind,
        [Kind::Trade, Kind::LevelSet, Kind::LevelSet, Kind::SnapshotStart, Kind::LevelSet, Kind::LevelSet]
    );
    assert_eq!(batch.price, [6_183_763_000_000, 200_000_000, 300_000_000, 0, 200_000_000, 150_000_000]);
    assert_eq!(batch.qty, [1, 50_000_000, 0, 0, 1, 300_000_000]);
    assert_eq!(batch.side[0], Side::Ask);
    assert_eq!(batch.position, [1, 2, 3, 4, 4, 4]);
    assert_eq!(read.events.keys().collect::<Vec<_>>(), ["UNKNOWN"]);
}

#[test]
fn timestamps_and_other_epoch_units_are_the_same_times() {
    let directory = tempfile::tempdir().unwrap();
    let ms = START_NS / 1_000_000;
    for array in [column(TimestampMillisecondArray::from(vec![ms; 4])), column(Int64Array::from(vec![ms; 4]))] {
        write(directory.path(), replaced("event_timestamp", array));
        let read = read(&[directory.path()]);
        assert!(read.only().t_exchange_ns.iter().all(|t| *t == START_NS));
        assert_eq!(read.inventory.clock_ns(), 1_000_000);
    }
    write(
        directory.path(),
        replaced("event_timestamp", column(Int64Array::from(vec![Some(START_NS), Some(ms), Some(START_NS), None]))),
    );
    let read = read(&[directory.path()]);
    assert_eq!(read.count("time_unit"), 1);
    assert_eq!(read.only().t_exchange_ns[3], NO_TIME);
}

#[test]
fn nulls_bad_sides_and_unknown_types_are_counted() {
    let directory = tempfile::tempdir().unwrap();
    write(
        directory.path(),
        replaced("delta_side", column(StringArray::from(vec![None, Some("BID"), Some("up"), None]))),
    );
    let bad_side = read(&[directory.path()]);
    assert_eq!(bad_side.detail("invalid_value"), "3: delta_side is up\n");
    write(
        directory.path(),
        replaced("delta_quantity", column(Float64Array::from(vec![None, None, Some(f64::NAN), None]))),
    );
    let no_qty = read(&[directory.path()]);
    assert_eq!(no_qty.detail("invalid_value"), "2: delta_quantity is null\n3: delta_quantity is NaN\n");
    write(
        directory.path(),
        replaced(
            "event_type",
            column(StringArray::from(vec![Some("TRADE"), Some("QUOTE"), None, Some("BOOK_SNAPSHOT")])),
        ),
    );
    let unknown = read(&[directory.path()]);
    assert_eq!(unknown.count("unreadable"), 2, "{:?}", unknown.counters);
    write(directory.path(), replaced("bids", column(StringArray::from(vec![None, None, None, Some("[[1,2]")]))));
    let no_json = read(&[directory.path()]);
    assert_eq!((no_json.count("unreadable"), starts(no_json.only(), Kind::SnapshotStart)), (1, 0));
    write(directory.path(), replaced("update_id", column(Float64Array::from(vec![None, Some(7.0), Some(7.0), None]))));
    assert_eq!(read(&[directory.path()]).only().id, [3, 7, 7, NO_ID, NO_ID, NO_ID]);
}

#[test]
fn integers_without_an_exact_form_are_counted() {
    let directory = tempfile::tempdir().unwrap();
    let huge = u64::MAX;
    let quantity = column(UInt64Array::from(vec![None, Some(2), Some(huge), None]));
    write(directory.path(), replaced("delta_quantity", quantity));
    let big_qty = read(&[directory.path()]);
    assert_eq!(big_qty.detail("invalid_value"), format!("3: delta_quantity is {huge}\n"));
    assert_eq!(big_qty.only().len(), 5, "the level is not removed");
    // An id that is none is taken as absent, and said.
    write(
        directory.path(),
        replaced("update_id", column(UInt64Array::from(vec![Some(huge), Some(7), Some(7), Some(huge)]))),
    );
    let big_id = read(&[directory.path()]);
    assert_eq!(big_id.detail("invalid_value"), format!("4: update_id is {huge}\n"));
    assert_eq!(big_id.only().id, [3, 7, 7, NO_ID, NO_ID, NO_ID]);
    let ids = [Some(7.5), Some(9.1e15), Some(f64::NAN), Some(f64::INFINITY)];
    write(directory.path(), replaced("update_id", column(Float64Array::from(ids.to_vec()))));
    let no_ids = read(&[directory.path()]);
    assert_eq!((no_ids.count("invalid_value"), no_ids.only().id[1]), (2, NO_ID), "{:?}", no_ids.counters);
    assert!(no_ids.detail("invalid_value").starts_with("2: update_id is 9"));
}

#[test]
fn a_missing_column_is_named() {
    for (missing, code) in [
        ("event_type", "no-input"),
        ("trade_price", "missing-column"),
        ("delta_side", "missing-column"),
        ("asks", "missing-column"),
    ] {
        let directory = tempfile::tempdir().unwrap();
        let path = write(directory.path(), columns().into_iter().filter(|(n, _)| *n != missing).collect());
        let error = match Inventory::scan(std::slice::from_ref(&path), Some(verismo_feed::Format::EventsParquet)) {
            Err(error) => error,
            Ok(inventory) => panic!("{missing}: {inventory:?}"),
        };
        let code = if missing == "event_type" { "missing-column" } else { code };
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(&format!("column `{missing}` is missing; the file has ")), "{error}");
        assert!(!error.is_usage());
    }
}

#[test]
fn trades_alone_are_enough() {
    let directory = tempfile::tempdir().unwrap();
    write(
        directory.path(),
        columns().into_iter().filter(|(n, _)| !n.starts_with("delta") && *n != "update_id").collect(),
    );
    let read = read(&[directory.path()]);
    assert_eq!(starts(read.only(), Kind::Trade), 1);
    assert_eq!(read.count("invalid_value"), 2, "the level rows have no columns to be read from");
}
