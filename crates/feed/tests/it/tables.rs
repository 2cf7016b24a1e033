//! Tables in CSV and Parquet.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaDataBuilder, ParquetMetaDataWriter, RowGroupMetaData};
use verismo_feed::table::{TableBatch, TableLook, TableOptions, TableOutline, TableReader};
use verismo_feed::{FeedCounters, FeedError, Format, Inventory};

fn table(path: &Path, time: Option<&str>) -> Result<(Vec<TableBatch>, FeedCounters), FeedError> {
    let inventory = Inventory::scan(&[path.to_path_buf()], None)?;
    assert_eq!(inventory.format, Format::Table);
    let mut reader = TableReader::new(inventory.sources, TableOptions::with_time(time.map(str::to_owned)));
    let mut batches = Vec::new();
    while let Some(batch) = reader.next_batch()? {
        batches.push(batch);
    }
    Ok((batches, reader.counters().clone()))
}

fn csv(text: &str, time: Option<&str>) -> Result<(Vec<TableBatch>, FeedCounters), FeedError> {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("t.csv"), text).unwrap();
    table(directory.path(), time)
}

#[test]
fn numeric_columns_nulls_and_text() {
    let text = "\u{feff}Time;price;venue;size\r\n2024-08-08T23:54:15Z;1.5;A;\r\n2024-08-08T23:54:16Z;NaN;B;2\r\n";
    let (batches, counters) = csv(text, None).unwrap();
    let batch = &batches[0];
    assert_eq!(batch.t_ns, [1_723_161_255_000_000_000, 1_723_161_256_000_000_000]);
    let names: Vec<&str> = batch.columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["price", "size"]);
    assert!(batch.columns[0].values[1].is_nan() && batch.columns[0].valid[1]);
    assert_eq!(
        (batch.columns[1].valid.as_slice(), batch.columns[1].values[1].to_bits()),
        (&[false, true][..], 2f64.to_bits())
    );
    assert_eq!(counters.count("invalid_value"), 0);
}

#[test]
fn a_late_text_in_a_numeric_column_is_counted() {
    let mut text = "t,x\n".to_owned();
    (0..20_000).for_each(|i| text += &format!("{},{i}\n", 1_723_161_255_000i64 + i));
    text += "1723161299000,oops\n";
    let (batches, counters) = csv(&text, None).unwrap();
    assert_eq!(batches.iter().map(TableBatch::len).sum::<usize>(), 20_001);
    assert_eq!(batches[1].first_row, 8193);
    assert_eq!(counters.count("invalid_value"), 1);
    let (_, counter) = counters.iter().find(|(c, _)| *c == "invalid_value").unwrap();
    assert_eq!((counter.examples[0].position, counter.total), (20_001, 20_001));
}

/// Rows `t,spread,note`, a second apart, with another word in place of the spread of one row.
fn spreads(rows: std::ops::Range<i64>, odd: (i64, &str)) -> String {
    let value = |i: i64| if i == odd.0 { odd.1.to_owned() } else { format!("{}.5", i % 7) };
    let lines: String = rows.map(|i| format!("{},{},n{i}\n", 1_723_161_255 + i, value(i))).collect();
    format!("time,spread,note\n{lines}")
}

#[test]
fn a_column_is_numeric_for_all_files_or_for_none() {
    for odd in [5, 1500, 2005, 3500] {
        let mut found = Vec::new();
        for cuts in [vec![0, 6000], vec![0, 2000, 4000, 6000]] {
            let directory = tempfile::tempdir().unwrap();
            for cut in cuts.windows(2) {
                let name = format!("{}.csv", 9000 - cut[0]);
                std::fs::write(directory.path().join(name), spreads(cut[0]..cut[1], (odd, "-"))).unwrap();
            }
            let (batches, counters) = table(directory.path(), None).unwrap();
            assert!(batches.iter().all(|b| b.columns.len() == 1 && b.columns[0].name == "spread"));
            let valid = batches.iter().flat_map(|b| &b.columns[0].valid).filter(|v| **v).count();
            assert_eq!((valid, counters.count("invalid_value")), (5999, 1), "{odd} {cuts:?}");
            found.push(valid);
        }
        assert_eq!(found[0], found[1]);
    }
}

#[test]
fn a_file_without_a_column_of_the_table_has_nulls() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.csv"), "time,x,y\n1723161255,1,2\n").unwrap();
    std::fs::write(directory.path().join("b.csv"), "time,y\n1723161256,3\n").unwrap();
    let (batches, _) = table(directory.path(), None).unwrap();
    let seen: Vec<Vec<(&str, bool)>> =
        batches.iter().map(|b| b.columns.iter().map(|c| (c.name.as_str(), c.valid[0])).collect()).collect();
    assert_eq!(seen, [[("x", true), ("y", true)], [("x", false), ("y", true)]]);
    // A column that is asked for is numeric whatever it holds.
    std::fs::write(directory.path().join("a.csv"), "time,x,y\n1723161255,-,2\n").unwrap();
    let inventory = Inventory::scan(&[directory.path().to_path_buf()], None).unwrap();
    let mut options = TableOptions::default();
    options.numeric = vec!["x".to_owned(), "nowhere".to_owned()];
    let mut reader = TableReader::new(inventory.sources, options);
    let batch = reader.next_batch().unwrap().unwrap();
    assert_eq!(batch.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>(), ["x", "y"]);
    assert_eq!(reader.counters().count("invalid_value"), 1);
}

#[test]
fn quotes_are_read_and_a_stray_one_costs_its_row_only() {
    let text = "time,\"a\"\"b, c\",x,note\n1723161255,\"1.5\",2,\"a, \"\"b\"\"\"\n1723161256,\"1.5,3,z\n\n1723161257,2.5,\"4\",x\"y\n";
    let (batches, counters) = csv(text, None).unwrap();
    let names: Vec<&str> = batches[0].columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(names, ["a\"b, c", "x"]);
    let rows: Vec<(u64, i64, f64, f64)> = batches
        .iter()
        .flat_map(|b| {
            let value = |column: usize, i: usize| b.columns[column].values[i];
            (0..b.len()).map(move |i| (b.first_row + i as u64, b.t_ns[i] / 1_000_000_000, value(0, i), value(1, i)))
        })
        .collect();
    assert_eq!(rows, [(1, 1_723_161_255, 1.5, 2.0), (3, 1_723_161_257, 2.5, 4.0)]);
    let (_, counter) = counters.iter().find(|(c, _)| *c == "unreadable").unwrap();
    assert_eq!((counter.count, counter.total, counter.examples[0].position), (1, 3, 2));
    assert!(counter.examples[0].detail.contains("not closed in its line: 1723161256"), "{counter:?}");
    // A row over several lines is refused line by line.
    let (batches, counters) = csv("time,x,note\n1723161255,1,\"a\nb\nc\"\n1723161256,2,d\n", None).unwrap();
    assert_eq!(batches.iter().flat_map(|b| &b.t_ns).count(), 1);
    assert_eq!((batches[0].first_row, counters.count("unreadable")), (4, 3));
    // To the end of a file too, and beyond the longest line.
    let mut text = "time,x\n1723161255,\"1\n".to_owned();
    (0..20_000).for_each(|i| text += &format!("{},{i}\n", 1_723_161_256 + i));
    text += &format!("1723181256,{}\n", "1".repeat(17 << 20));
    let (batches, counters) = csv(&text, None).unwrap();
    assert_eq!(batches.iter().map(TableBatch::len).sum::<usize>(), 20_000);
    assert_eq!(counters.count("unreadable"), 2);
}

#[test]
fn errors_name_the_column_and_the_row() {
    let no_time = csv("price,size\n1,2\n", None).unwrap_err();
    assert_eq!(no_time.code(), "no-time-column");
    assert!(no_time.to_string().contains("price, size"));
    let wrong = csv("price,size\n1,2\n", Some("when")).unwrap_err();
    assert_eq!(wrong.code(), "missing-column");
    let bad = csv("time,size\n1723161255,2\nnoon,2\n", None).unwrap_err();
    assert!(bad.to_string().contains("row 2: column `time`: \"noon\" is not a time"), "{bad}");
    let headless = csv("1723161255,2\n1723161256,3\n", None).unwrap_err();
    assert!(headless.to_string().contains("unknown content"), "{headless}");
}

#[test]
fn a_header_alone_and_packed_files() {
    assert_eq!(csv("time,x\n", None).unwrap().0.len(), 0);
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("t"), zstd::encode_all(&b"time,x\n1723161255,2\n"[..], 1).unwrap()).unwrap();
    assert_eq!(table(directory.path(), None).unwrap().0[0].t_ns, [1_723_161_255_000_000_000]);
}

#[test]
fn files_are_read_in_the_order_of_their_times() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("a.csv"), "time,x\n1723161299,2\n").unwrap();
    std::fs::write(directory.path().join("b.csv"), "time,x\n1723161255,1\n").unwrap();
    let (batches, _) = table(directory.path(), None).unwrap();
    assert_eq!(batches.iter().map(|b| b.columns[0].values[0] as i64).collect::<Vec<_>>(), [1, 2]);
}

fn parquet(columns: Vec<(&str, ArrayRef)>, time: Option<&str>) -> Result<(Vec<TableBatch>, FeedCounters), FeedError> {
    let directory = tempfile::tempdir().unwrap();
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let path = directory.path().join("t.parquet");
    let mut writer = ArrowWriter::try_new(File::create(&path).unwrap(), batch.schema(), None).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    table(&path, time)
}

#[test]
fn parquet_numbers_beside_any_kind_of_time() {
    let us = 1_723_161_255_000_000;
    let times: [ArrayRef; 3] = [
        Arc::new(TimestampMicrosecondArray::from(vec![us, us])),
        Arc::new(Int64Array::from(vec![us, us])),
        Arc::new(StringArray::from(vec!["2024-08-08 23:54:15"; 2])),
    ];
    for time in times {
        let columns: Vec<(&str, ArrayRef)> = vec![
            ("x", Arc::new(Float32Array::from(vec![Some(1.5), None]))),
            ("note", Arc::new(StringArray::from(vec!["a", "b"]))),
            ("time", time),
        ];
        let (batches, _) = parquet(columns, None).unwrap();
        assert_eq!(batches[0].t_ns, [us * 1000; 2]);
        assert_eq!(batches[0].columns.len(), 1);
        assert_eq!(batches[0].columns[0].valid, [true, false]);
    }
    let columns: Vec<(&str, ArrayRef)> =
        vec![("x", Arc::new(Int64Array::from(vec![1, 2]))), ("time", Arc::new(Int64Array::from(vec![Some(us), None])))];
    let error = parquet(columns, None).unwrap_err();
    assert!(error.to_string().contains("row 2: column `time`: \"null\""), "{error}");
}

#[test]
fn the_footer_tells_the_span_of_a_table() {
    let us = 1_723_161_255_000_000;
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, time: ArrayRef| {
        let x: ArrayRef = Arc::new(Int64Array::from((0..time.len() as i64).collect::<Vec<_>>()));
        let batch = RecordBatch::try_from_iter([("x", x), ("time", time)]).unwrap();
        let file = File::create(directory.path().join(name)).unwrap();
        let mut writer = ArrowWriter::try_new(file, batch.schema(), None).unwrap();
        writer.write(&batch).unwrap();
        writer.close().unwrap();
    };
    let stated = || {
        let inventory = Inventory::scan(&[directory.path().to_path_buf()], None).unwrap();
        let look = |source| TableLook::of(source, &TableOptions::default()).unwrap();
        TableOutline::of(&inventory.sources.iter().map(look).collect::<Vec<_>>(), &TableOptions::default()).span_ns
    };
    write("a.parquet", Arc::new(TimestampMicrosecondArray::from(vec![us + 5, us, us + 9])));
    write("b.parquet", Arc::new(TimestampMicrosecondArray::from(vec![us + 20, us + 30, us + 25])));
    assert_eq!(stated(), Some((us * 1000, (us + 30) * 1000)));
    // No rows have no times.
    write("e.parquet", Arc::new(TimestampMicrosecondArray::from(Vec::<i64>::new())));
    assert_eq!(stated(), Some((us * 1000, (us + 30) * 1000)));
    // Whole numbers are times by what they look like, which no footer says.
    write("c.parquet", Arc::new(Int64Array::from(vec![us + 40, us + 41, us + 42])));
    assert_eq!(stated(), None);
}

/// A table of five row groups of 1,000 rows.
fn row_groups(path: &Path, first: i64) {
    let us = 1_723_161_255_000_000;
    let time: ArrayRef = Arc::new(TimestampMicrosecondArray::from((0..5_000).map(|i| us + i).collect::<Vec<_>>()));
    let x: ArrayRef = Arc::new(Int64Array::from((0..5_000).map(|i| first + i * i % 9_973).collect::<Vec<_>>()));
    let batch = RecordBatch::try_from_iter([("time", time), ("x", x)]).unwrap();
    let properties =
        parquet::file::properties::WriterProperties::builder().set_max_row_group_row_count(Some(1_000)).build();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

fn options(part_bytes: u64) -> TableOptions {
    let mut options = TableOptions::default();
    options.part_bytes = part_bytes;
    options
}

/// First row and values of `x` of each batch, and how often something was cut off.
type ReadRows = (Vec<(u64, Vec<f64>)>, u64);

fn read_all(reader: &mut TableReader) -> ReadRows {
    let mut rows = Vec::new();
    while let Some(batch) = reader.next_batch().unwrap() {
        rows.push((batch.first_row, batch.columns[0].values.clone()));
    }
    (rows, reader.counters().count("truncated_file"))
}

#[test]
fn a_damaged_row_group_costs_that_one_however_the_file_is_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.parquet");
    row_groups(&path, 0);
    let whole = std::fs::read(&path).unwrap();
    let metadata = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap().metadata().clone();
    for damaged in [0, 2, 3] {
        // Where a column of the row group starts is the head of a page.
        let (at, _) = metadata.row_group(damaged).column(damaged % 2).byte_range();
        let mut bytes = whole.clone();
        bytes[at as usize..][..20].fill(0xff);
        std::fs::write(&path, &bytes).unwrap();
        let source = || Inventory::scan(std::slice::from_ref(&path), None).unwrap().sources.remove(0);
        let [one, parts] =
            [0, 1].map(|part_bytes| read_all(&mut TableReader::new(vec![source()], options(part_bytes))));
        let rows: usize = one.0.iter().map(|(_, values)| values.len()).sum();
        assert_eq!((one.1, rows), (1, 4_000), "{damaged}");
        assert_eq!(one, parts, "{damaged}");
        assert_eq!(one.0.last().unwrap().0, 4_001, "{damaged}: what is behind the damage is read");
    }
}

/// Writes the file with another footer.
fn rewrite_footer(path: &Path, rewrite: impl Fn(usize, RowGroupMetaData) -> RowGroupMetaData) {
    let bytes = std::fs::read(path).unwrap();
    let metadata = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().metadata().clone();
    let groups = metadata.row_groups().iter().enumerate().map(|(i, group)| rewrite(i, group.clone()));
    let lying = ParquetMetaDataBuilder::new(metadata.file_metadata().clone()).set_row_groups(groups.collect()).build();
    let tail = u32::from_le_bytes(bytes[bytes.len() - 8..][..4].try_into().unwrap()) as usize + 8;
    let mut lies = bytes[..bytes.len() - tail].to_vec();
    ParquetMetaDataWriter::new(&mut lies, &lying).finish().unwrap();
    std::fs::write(path, lies).unwrap();
}

/// What is read of a file, as a whole and in parts of a row group.
fn read_in_parts(path: &Path) -> [ReadRows; 2] {
    let source = Inventory::scan(&[path.to_path_buf()], None).unwrap().sources.remove(0);
    [0, 1].map(|part_bytes| read_all(&mut TableReader::new(vec![source.clone()], options(part_bytes))))
}

#[test]
fn a_row_group_that_has_fewer_rows_than_its_footer_tells_is_counted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.parquet");
    row_groups(&path, 0);
    rewrite_footer(&path, |i, group| {
        let rows = group.num_rows() + if i == 1 { 200 } else { 0 };
        group.into_builder().set_num_rows(rows).build().unwrap()
    });
    let [whole, parts] = read_in_parts(&path);
    assert_eq!(whole, parts);
    let (rows, cut_off) = whole;
    assert_eq!((rows.iter().map(|(_, values)| values.len()).sum::<usize>(), cut_off), (5_000, 1));
    assert_eq!(rows[2].0, 2_201, "rows are numbered as the footer tells");
}

#[test]
fn a_file_whose_row_groups_tell_of_more_bytes_than_it_has_is_one_part() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.parquet");
    row_groups(&path, 0);
    rewrite_footer(&path, |_, group| {
        let larger = |column: &ColumnChunkMetaData| {
            column.clone().into_builder().set_total_compressed_size(1 << 50).build().unwrap()
        };
        let columns = group.columns().iter().map(larger).collect();
        group.into_builder().set_column_metadata(columns).build().unwrap()
    });
    let source = Inventory::scan(std::slice::from_ref(&path), None).unwrap().sources.remove(0);
    assert_eq!(TableLook::of(&source, &options(1)).unwrap().parts().len(), 1);
    let [whole, parts] = read_in_parts(&path);
    assert_eq!(whole, parts);
}

#[test]
fn a_file_that_is_another_one_now_is_not_read_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("t.parquet");
    row_groups(&path, 0);
    let source = Inventory::scan(std::slice::from_ref(&path), None).unwrap().sources.remove(0);
    let look = Arc::new(TableLook::of(&source, &options(1)));
    assert_eq!(look.as_ref().as_ref().unwrap().parts().len(), 5);
    let part = |part| {
        let columns = vec!["x".to_owned()];
        read_all(&mut TableReader::of_part(source.clone(), options(1), columns, (Arc::clone(&look), part)))
    };
    let (first, cut_off) = part(1);
    assert_eq!((first[0].0, first[0].1.len(), cut_off), (1_001, 1_000, 0));
    std::thread::sleep(std::time::Duration::from_millis(20));
    row_groups(&path, 5);
    assert_eq!(part(2), (Vec::new(), 1));
}
