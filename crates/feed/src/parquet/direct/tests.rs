//! Random tables, written in every way the library knows: read from pages and read through arrays, they must be the same rows.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::parquet::arrow::ArrowWriter;
use ::parquet::basic::{Compression, GzipLevel, ZstdLevel};
use ::parquet::file::properties::{WriterProperties, WriterVersion};
use arrow::array::{Array, ArrayRef, Decimal128Array, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use proptest::prelude::*;

use super::{Direct, Shared, Unsure};
use crate::error::FeedError;
use crate::parquet::chunk::{Chunk, WANTED};
use crate::parquet::cursor::Cursor;
use crate::parquet::{columns, footer};

/// SplitMix64.
struct Dice(u64);

impl Dice {
    fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }

    fn one_of<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len() as u64) as usize].clone()
    }

    /// `n` values in runs, of which some are null.
    fn column<T: Clone>(&mut self, n: usize, mut value: impl FnMut(&mut Self) -> T) -> Vec<Option<T>> {
        let (null_share, run_max) = (self.one_of(&[0, 1, 5, 10]), self.one_of(&[1, 3, 40]));
        let mut out = Vec::new();
        while out.len() < n {
            let next = (self.below(10) >= null_share).then(|| value(self));
            let run = (1 + self.below(run_max)) as usize;
            out.extend(std::iter::repeat_n(next, run.min(n - out.len())));
        }
        out
    }
}

fn times(dice: &mut Dice, n: usize) -> ArrayRef {
    let start = 1_723_161_255_000_000_000;
    match dice.below(4) {
        0 => Arc::new(Int64Array::from((0..n as i64).map(|i| start + i / 3).collect::<Vec<_>>())),
        1 => Arc::new(Int64Array::from(dice.column(n, |d| start + d.below(1 << 40) as i64))),
        2 => {
            let odd = [start, start / 1000, start / 1_000_000, 0, -5, i64::MAX];
            Arc::new(Int64Array::from(dice.column(n, |d| d.one_of(&odd))))
        }
        _ => {
            let unit = dice.one_of(&[TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond]);
            let stamps = Int64Array::from(dice.column(n, |d| d.below(1 << 62) as i64));
            cast(&stamps, &DataType::Timestamp(unit, None)).unwrap()
        }
    }
}

fn texts(dice: &mut Dice, n: usize, of: &[&str]) -> ArrayRef {
    let array = StringArray::from(dice.column(n, |d| d.one_of(of)));
    let dictionary = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
    let kind = dice.one_of(&[DataType::Utf8, DataType::Utf8, DataType::LargeUtf8, DataType::Utf8View, dictionary]);
    cast(&array, &kind).unwrap()
}

fn numbers(dice: &mut Dice, n: usize) -> ArrayRef {
    if dice.below(5) == 0 {
        let odd = [0.1, 61837.63, -0.0, f64::NAN, f64::INFINITY, 1.0 / 3.0, 1e300];
        return Arc::new(Float64Array::from(dice.column(n, |d| d.one_of(&odd))));
    }
    let (precision, scale) = dice.one_of(&[(38, 18), (38, 18), (30, 8), (18, 8), (9, 2), (5, 0), (20, 10)]);
    let limit = 10i128.pow(u32::from(precision)) - 1;
    let step = if scale > 8 { 10i128.pow(scale as u32 - 8) } else { 1 };
    let values = dice.column(n, |d| {
        let any = (i128::from(d.below(u64::MAX)) << 64 | i128::from(d.below(u64::MAX))) % limit;
        let exact = i128::from(d.below(1 << 50) as i64 - (1 << 49)) * step;
        d.one_of(&[any, exact, exact, exact, exact + 1, 0, limit, -limit]).clamp(-limit, limit)
    });
    Arc::new(Decimal128Array::from(values).with_precision_and_scale(precision, scale).unwrap())
}

fn table(dice: &mut Dice, n: usize) -> RecordBatch {
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        (columns::TIME, times(dice, n)),
        (columns::TYPE, texts(dice, n, &["BOOK_DELTA", "BOOK_DELTA", "TRADE", "BOOK_SNAPSHOT", "QUOTE", ""])),
    ];
    for name in [columns::UPDATE_ID, columns::TRADE_ID] {
        columns.push((name, Arc::new(Int64Array::from(dice.column(n, |d| d.below(u64::MAX) as i64 >> 20)))));
    }
    for name in [columns::TRADE_PRICE, columns::TRADE_QTY, columns::DELTA_PRICE, columns::DELTA_QTY] {
        columns.push((name, numbers(dice, n)));
    }
    columns.push((columns::TRADE_SIDE, texts(dice, n, &["BUY", "SELL", "sell", "no", "a longer text than any side"])));
    columns.push((columns::DELTA_SIDE, texts(dice, n, &["BID", "ASK", "Bid", "\u{e9}\u{e9}", "BI", "BIDS"])));
    for name in [columns::BIDS, columns::ASKS] {
        columns.push((name, texts(dice, n, &["[[\"1\",\"2\"]]", "", "[[3,4],[5,6],[7,8]]"])));
    }
    if dice.below(3) == 0 {
        // Time and type must stay.
        let at = 2 + dice.below(columns.len() as u64 - 2) as usize;
        columns.remove(at);
    }
    columns.push(("more", Arc::new(Int64Array::from(vec![1; n]))));
    let at = dice.below(columns.len() as u64) as usize;
    columns.rotate_left(at);
    let is_strict = dice.below(2) == 0;
    let field = |(name, array): &(&str, ArrayRef)| {
        Field::new(*name, array.data_type().clone(), !is_strict || array.null_count() > 0)
    };
    let schema = Schema::new(columns.iter().map(field).collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), columns.into_iter().map(|(_, array)| array).collect()).unwrap()
}

/// Writes the table; whether all of it is of the usual kind.
fn write(dice: &mut Dice, path: &Path, table: &RecordBatch) -> bool {
    let compression = dice.one_of(&[
        Compression::UNCOMPRESSED,
        Compression::SNAPPY,
        Compression::ZSTD(ZstdLevel::default()),
        Compression::LZ4_RAW,
        Compression::GZIP(GzipLevel::default()),
    ]);
    let is_2 = dice.below(3) == 0;
    let properties = WriterProperties::builder()
        .set_compression(compression)
        .set_writer_version(if is_2 { WriterVersion::PARQUET_2_0 } else { WriterVersion::PARQUET_1_0 })
        .set_dictionary_enabled(dice.below(2) == 0)
        .set_dictionary_page_size_limit(dice.one_of(&[64, 1 << 20]))
        .set_data_page_size_limit(dice.one_of(&[50, 400, 1 << 20]))
        .set_data_page_row_count_limit(dice.one_of(&[7, 100, 20_000]))
        .set_write_batch_size(dice.one_of(&[5, 64, 1024]))
        .set_max_row_group_row_count(Some(dice.one_of(&[13, 100, 1 << 20])))
        .build();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), table.schema(), Some(properties)).unwrap();
    writer.write(table).unwrap();
    writer.close().unwrap();
    !is_2
}

fn direct(path: &Path) -> Result<Direct, Unsure> {
    let shared = Arc::new(Shared::open(path).unwrap());
    let metadata = shared.metadata().map_err(|_| Unsure)?;
    Direct::open(path, shared, &metadata)
}

fn assert_same(ours: &Chunk, theirs: &Chunk) {
    assert_eq!(ours.t_ns, theirs.t_ns);
    assert_eq!((ours.unit, &ours.odd_units), (theirs.unit, &theirs.odd_units));
    assert_eq!((&ours.kind, &ours.bad_ids), (&theirs.kind, &theirs.bad_ids));
    assert_eq!((&ours.id, &ours.side), (&theirs.id, &theirs.side));
    assert_eq!((&ours.price, &ours.qty), (&theirs.price, &theirs.qty));
    for row in 0..theirs.len() {
        assert_eq!((ours.key(row), ours.snapshot(row)), (theirs.key(row), theirs.snapshot(row)));
    }
    let row = theirs.len() / 2;
    for name in WANTED {
        assert_eq!(ours.shown(name, row), theirs.shown(name, row));
    }
}

/// All values of the rows up to the end or to the first error, and the error.
fn through_a_cursor(path: &Path) -> (Vec<[i64; 4]>, Option<String>) {
    let mut out = Vec::new();
    let mut cursor = match Cursor::open(path, 0, None, i64::MIN) {
        Ok(Some(cursor)) => cursor,
        Ok(None) => return (out, None),
        Err(error) => return (out, Some(error.to_string())),
    };
    loop {
        values(&cursor.chunk, &mut out);
        cursor.row = cursor.chunk.len();
        match cursor.refill(path) {
            Ok(true) => {}
            Ok(false) => return (out, None),
            Err(error) => return (out, Some(error.to_string())),
        }
    }
}

fn values(chunk: &Chunk, out: &mut Vec<[i64; 4]>) {
    out.extend((0..chunk.len()).map(|row| [chunk.t_ns[row], chunk.id[row], chunk.price[row], chunk.qty[row]]));
}

/// The same through arrays alone.
fn through_arrays(path: &Path) -> (Vec<[i64; 4]>, Option<String>) {
    let mut out = Vec::new();
    let answer = footer::guarded(path, "anywhere", || {
        let (mut unit, mut key) = (None, i64::MIN);
        for batch in footer::open(path, &WANTED, 8192, None)? {
            let place = format!("after row {}", out.len());
            let batch = batch.map_err(|error| FeedError::corrupt(path, place, error))?;
            let chunk = Chunk::decode(path, batch, unit, key)?;
            unit = unit.or(Some(chunk.unit));
            key = chunk.key(chunk.len() - 1);
            values(&chunk, &mut out);
        }
        Ok(())
    });
    (out, answer.err().map(|error| error.to_string()))
}

/// Compares all chunks; the rows that were read from pages.
fn compare(path: &Path, chunk_rows: usize) -> Result<usize, Unsure> {
    let mut ours = direct(path)?;
    let theirs = footer::open(path, &WANTED, chunk_rows, None).unwrap();
    let (mut unit, mut key, mut rows) = (None, i64::MIN, 0);
    for batch in theirs {
        let theirs = Chunk::decode(path, batch.unwrap(), unit, key).unwrap();
        let ours = ours.next_chunk(chunk_rows, unit, key)?.expect("as many chunks");
        assert_same(&ours, &theirs);
        unit = unit.or(Some(theirs.unit));
        key = theirs.key(theirs.len() - 1);
        rows += theirs.len();
    }
    assert!(ours.next_chunk(chunk_rows, unit, key)?.is_none());
    Ok(rows)
}

/// A random table of `n` rows in a file of which some bytes were changed after it was written.
fn damaged(directory: &tempfile::TempDir, seed: u64, n: usize, hits: u64) -> PathBuf {
    let mut dice = Dice(seed);
    let path = directory.path().join("x.parquet");
    let table = table(&mut dice, n);
    write(&mut dice, &path, &table);
    let mut bytes = std::fs::read(&path).unwrap();
    for _ in 0..hits {
        let at = 4 + dice.below(bytes.len() as u64 - 12) as usize;
        bytes[at] = dice.below(256) as u8;
    }
    std::fs::write(&path, &bytes).unwrap();
    path
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn pages_and_arrays_give_the_same_rows(seed in any::<u64>(), n in 1usize..600, chunk_rows in 1usize..300) {
        let mut dice = Dice(seed);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.parquet");
        let table = table(&mut dice, n);
        let is_usual = write(&mut dice, &path, &table);
        match compare(&path, chunk_rows) {
            Ok(rows) => prop_assert_eq!(rows, n),
            Err(Unsure) => prop_assert!(!is_usual, "a usual file was not read"),
        }
    }

    /// Whatever the bytes are: where both readers give rows, pages are never ahead of arrays with something else.
    #[test]
    fn damaged_files_are_an_answer(seed in any::<u64>(), n in 1usize..200, hits in 1u64..4) {
        let directory = tempfile::tempdir().unwrap();
        let path = damaged(&directory, seed, n, hits);
        let answer = footer::guarded(&path, "anywhere", || {
            let Ok(mut ours) = direct(&path) else { return Ok(None) };
            for batch in footer::open(&path, &WANTED, 64, None)? {
                let Ok(Some(ours)) = ours.next_chunk(64, None, 0) else { return Ok(None) };
                let Some(theirs) = batch.ok().and_then(|batch| Chunk::decode(&path, batch, None, 0).ok()) else {
                    return Ok(None);
                };
                if (&ours.price, &ours.qty, &ours.kind) != (&theirs.price, &theirs.qty, &theirs.kind) {
                    return Ok(Some((ours.price, theirs.price)));
                }
            }
            Ok(None)
        });
        prop_assert_eq!(answer.ok().flatten(), None);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    /// Where pages cannot be read on, arrays go on from the same row, and say the same of what is wrong.
    #[test]
    fn the_library_takes_over_in_the_middle(seed in any::<u64>(), n in 8000usize..30_000, hits in 0u64..3) {
        let directory = tempfile::tempdir().unwrap();
        let path = damaged(&directory, seed, n, hits);
        let (mut ours, mut theirs) = (through_a_cursor(&path), through_arrays(&path));
        for error in [&mut ours.1, &mut theirs.1].into_iter().flatten() {
            // Where the library panics, only the cursor knows the place.
            if error.contains("gave up") {
                *error = "a panic".to_owned();
            }
        }
        let differs = ours.0.iter().zip(&theirs.0).position(|(a, b)| a != b);
        prop_assert_eq!((ours.0.len(), differs, ours.1), (theirs.0.len(), None, theirs.1));
    }
}
