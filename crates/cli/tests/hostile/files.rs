//! What the hostile files are made of.

use std::fs;
use std::io::Write as _;
use std::ops::Range;
use std::path::Path;

use flate2::write::GzEncoder;

/// Messages of a good stretch: five minutes.
pub(crate) const TRADES: u64 = 3_000;

/// A trade as the exchange sends it, without a line end.
pub(crate) fn trade(i: u64, symbol: &str, price: &str, qty: &str, t_ms: i64) -> String {
    let (capture, upper) = (7 + i * 100_000_000, symbol.to_uppercase());
    format!(
        "{{\"capture_ns\":{capture},\"stream\":\"{symbol}@trade\",\"data\":{{\"e\":\"trade\",\"E\":{t_ms},\"s\":\"{upper}\",\
         \"t\":{i},\"p\":\"{price}\",\"q\":\"{qty}\",\"T\":{t_ms},\"m\":true}}}}"
    )
}

/// Lines of trades, ten a second.
pub(crate) fn trades(numbers: Range<u64>) -> String {
    numbers.map(|i| trade(i, "btcusdt", "1.5", "2", 1_723_161_255_342 + 100 * i as i64) + "\n").collect()
}

/// A folder with one good file.
pub(crate) fn capture(dir: &Path) {
    fs::write(dir.join("x.jsonl"), trades(0..TRADES)).unwrap();
}

pub(crate) fn gzip_of(bytes: &[u8]) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// Text, then so many MiB of zeros, packed.
pub(crate) fn zeros_gz(text: &str, mebibytes: u64) -> Vec<u8> {
    let mut packed = GzEncoder::new(Vec::new(), flate2::Compression::new(6));
    packed.write_all(text.as_bytes()).unwrap();
    (0..mebibytes).for_each(|_| packed.write_all(&[0; 1 << 20]).unwrap());
    packed.finish().unwrap()
}

/// The same as Zstandard.
pub(crate) fn zeros_zst(text: &str, mebibytes: u64) -> Vec<u8> {
    let mut packed = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    packed.write_all(text.as_bytes()).unwrap();
    (0..mebibytes).for_each(|_| packed.write_all(&[0; 1 << 20]).unwrap());
    packed.finish().unwrap()
}

/// A Parquet file of nothing but a footer, which is said to have a length.
pub(crate) fn footer(metadata: &[u8], length: u32) -> Vec<u8> {
    [b"PAR1", metadata, &length.to_le_bytes(), b"PAR1"].concat()
}
