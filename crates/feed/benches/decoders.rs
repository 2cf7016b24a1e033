//! Speed of the decoders on a simulated capture: `cargo bench -p verismo-feed`.
#![allow(clippy::unwrap_used, missing_docs)]

use std::fs::File;
use std::path::{Path, PathBuf};

use divan::counter::{BytesCount, ItemsCount};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use verismo_feed::write::{EventsOptions, EventsWriter, GoldenCompression, GoldenWriter};
use verismo_feed::{Block, Inventory, ReaderOptions};
use verismo_market::event::Side;
use verismo_market::message::{Body, Message};

fn main() {
    divan::main();
}

const MESSAGES: usize = 100_000;

/// A quarter depth messages of 45 levels, about 550 bytes a message.
fn market() -> Vec<Message> {
    let mut out = Vec::with_capacity(MESSAGES);
    let mut x = 1u64;
    let mut next = |n: u64| {
        x = x.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((x >> 33) % n) as i64
    };
    for i in 0..MESSAGES as i64 {
        let t_exchange_ns = 1_723_161_255_000_000_000 + i * 28_000_000;
        let body = if i % 4 > 0 {
            let side = if next(2) == 0 { Side::Bid } else { Side::Ask };
            Body::Trade {
                id: 3_735_683_259 + i,
                price: 6_183_763_000_000 + 1_000_000 * next(999),
                qty: 1000 * next(99_999),
                side,
            }
        } else {
            let mut levels =
                |n| (0..n).map(|_| (6_183_000_000_000 + 1_000_000 * next(9999), 1000 * next(9_999_999))).collect();
            Body::Depth {
                first_id: 50_093_239_203 + 10 * i,
                last_id: 50_093_239_212 + 10 * i,
                bids: levels(23),
                asks: levels(22),
            }
        };
        out.push(Message {
            t_exchange_ns,
            t_receive_ns: 81_000_000_000_000 + i * 28_000_123,
            symbol: "BTCUSDT".to_owned(),
            body,
        });
    }
    out
}

fn golden(compression: GoldenCompression) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = GoldenWriter::create(directory.path(), compression).unwrap();
    market().iter().for_each(|m| writer.write(m).unwrap());
    writer.finish().unwrap();
    directory
}

/// Reads everything; messages and bytes.
fn drain(path: &Path) -> (u64, u64) {
    let inventory = Inventory::scan(&[PathBuf::from(path)], None).unwrap();
    let (mut messages, mut bytes) = (0, 0);
    for mut reader in inventory.readers(&ReaderOptions::default()).unwrap() {
        let mut block = Block::default();
        while reader.next_block(&mut block).unwrap() {
            divan::black_box(&block.batch);
        }
        messages += reader.messages();
        bytes += reader.bytes();
    }
    (messages, bytes)
}

fn bench(bencher: divan::Bencher<'_, '_>, directory: &Path) {
    let (messages, bytes) = drain(directory);
    bencher.counter(ItemsCount::new(messages)).counter(BytesCount::new(bytes)).bench(|| drain(directory));
}

#[divan::bench(sample_count = 10)]
fn golden_plain(bencher: divan::Bencher<'_, '_>) {
    bench(bencher, golden(GoldenCompression::Plain).path());
}

#[divan::bench(sample_count = 10)]
fn golden_gzip(bencher: divan::Bencher<'_, '_>) {
    bench(bencher, golden(GoldenCompression::Gzip(6)).path());
}

/// The event tree again, every file packed otherwise.
fn repacked(directory: &Path, compression: Compression, has_dictionary: bool) {
    let mut folders = vec![directory.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "parquet") {
                let properties = WriterProperties::builder()
                    .set_compression(compression)
                    .set_dictionary_enabled(has_dictionary)
                    .build();
                let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
                let temporary = path.with_extension("new");
                let file = File::create(&temporary).unwrap();
                let mut writer = ArrowWriter::try_new(file, reader.schema().clone(), Some(properties)).unwrap();
                for batch in reader.build().unwrap() {
                    writer.write(&batch.unwrap()).unwrap();
                }
                writer.close().unwrap();
                std::fs::rename(temporary, path).unwrap();
            }
        }
    }
}

#[divan::bench(sample_count = 10, args = ["none", "snappy", "lz4", "zstd", "snappy with dictionaries"])]
fn events_parquet(bencher: divan::Bencher<'_, '_>, packing: &str) {
    let directory = tempfile::tempdir().unwrap();
    let mut writer = EventsWriter::create(directory.path(), EventsOptions::default()).unwrap();
    market().iter().for_each(|m| writer.write(m).unwrap());
    writer.finish().unwrap();
    let compression = match packing {
        "none" => Compression::UNCOMPRESSED,
        "lz4" => Compression::LZ4_RAW,
        "zstd" => Compression::ZSTD(ZstdLevel::default()),
        _ => Compression::SNAPPY,
    };
    repacked(directory.path(), compression, packing.ends_with("dictionaries"));
    bench(bencher, directory.path());
}
