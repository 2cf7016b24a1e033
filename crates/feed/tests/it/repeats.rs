//! Rows and messages that are there twice: the same answer from every format of rows.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use parquet::arrow::ArrowWriter;
use verismo_market::event::{EventBatch, flags};

use crate::common::{START_NS, read};

/// The updates: id, and price and quantity of each level in whole units.
fn updates(batch: &EventBatch) -> Vec<(i64, Vec<(i64, i64)>)> {
    let mut out: Vec<(i64, Vec<(i64, i64)>)> = Vec::new();
    for i in 0..batch.len() {
        if batch.flags[i] & flags::FIRST_OF_MESSAGE != 0 {
            out.push((batch.id[i], Vec::new()));
        }
        out.last_mut().unwrap().1.push((batch.price[i] / 100_000_000, batch.qty[i] / 100_000_000));
        let ends = batch.flags[i] & flags::LAST_OF_UPDATE != 0;
        let next_starts = batch.flags.get(i + 1).is_none_or(|f| f & flags::FIRST_OF_MESSAGE != 0);
        assert_eq!(ends, next_starts, "row {i}");
    }
    out
}

/// Rows of an event tree: time, id, price, quantity.
fn write_rows(directory: &Path, rows: &[(i64, i64, i64, i64)]) {
    let integers = |value: fn(&(i64, i64, i64, i64)) -> i64| -> ArrayRef {
        Arc::new(Int64Array::from_iter_values(rows.iter().map(value)))
    };
    let text = |text: &str| -> ArrayRef { Arc::new(StringArray::from(vec![text; rows.len()])) };
    let batch = RecordBatch::try_from_iter(vec![
        ("event_timestamp", integers(|row| START_NS + row.0 * 1_000_000)),
        ("event_type", text("BOOK_DELTA")),
        ("update_id", integers(|row| row.1)),
        ("delta_side", text("BID")),
        ("delta_price", integers(|row| row.2)),
        ("delta_quantity", integers(|row| row.3)),
    ]);
    let batch = batch.unwrap();
    let file = std::fs::File::create(directory.join("events.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// An update of three levels and two of one, each row as often as `times` says.
fn rows(times: [usize; 5]) -> Vec<(i64, i64, i64, i64)> {
    let rows = [(0, 10, 9, 1), (0, 10, 8, 2), (0, 10, 7, 3), (1, 11, 6, 1), (2, 12, 5, 1)];
    rows.iter().zip(times).flat_map(|(row, n)| vec![*row; n]).collect()
}

/// The updates of the events tree and of Binance's rows, which must be equal.
fn both(rows: &[(i64, i64, i64, i64)]) -> Vec<(i64, Vec<(i64, i64)>)> {
    let tree = tempfile::tempdir().unwrap();
    write_rows(tree.path(), rows);
    let tree = read(&[tree.path()]);
    assert_eq!(tree.block_messages, rows.len() as u64);
    let table = tempfile::tempdir().unwrap();
    let mut text = "Stream,EventType,EventTime,Symbol,FinalUpdateId,IsAsk,Price,Quantity\n".to_owned();
    for (ms, id, price, qty) in rows {
        let time = START_NS / 1_000_000 + ms;
        writeln!(text, "btcusdt@depth,depthUpdate,{time},BTCUSDT,{id},false,{price},{qty}").unwrap();
    }
    std::fs::write(table.path().join("BTCUSDT-stream-2024-08-08.csv"), text).unwrap();
    let table = updates(read(&[table.path()]).only());
    assert_eq!(updates(tree.only()), table);
    table
}

#[test]
fn a_message_there_twice_is_two_messages() {
    let mut twice = rows([1; 5]);
    twice.splice(3..3, rows([1, 1, 1, 0, 0]));
    let levels = vec![(9, 1), (8, 2), (7, 3)];
    let want = [(10, levels.clone()), (10, levels), (11, vec![(6, 1)]), (12, vec![(5, 1)])];
    assert_eq!(both(&twice), want);
}

#[test]
fn a_row_there_twice_does_not_end_its_update() {
    let levels = vec![(9, 1), (8, 2), (7, 3)];
    let rest = [(11, vec![(6, 1)]), (12, vec![(5, 1)])];
    for (again, price) in [(0, 9), (1, 8), (2, 7)] {
        let mut times = [1; 5];
        times[again] = 2;
        let found = both(&rows(times));
        // The repeated row is an update with an id that was seen before.
        assert_eq!(found[..2], [(10, levels.clone()), (10, vec![levels[again]])], "{price}");
        assert_eq!(found[2..], rest);
    }
    assert_eq!(both(&rows([1, 1, 1, 3, 1])).len(), 5, "three messages of one level, two of them again");
}
