//! Opening files: compression by magic bytes, bytes read from disk counted, lines of bounded length.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use flate2::read::MultiGzDecoder;

use crate::inventory::Source;
use crate::limits::Limits;

/// How the bytes of a file are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    Plain,
    /// gzip, one or more members.
    Gzip,
    /// Zstandard, one or more frames.
    Zstd,
}

impl Compression {
    /// The compression that starts with these bytes.
    pub(crate) fn of(magic: &[u8]) -> Self {
        match magic {
            [0x1f, 0x8b, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Self::Zstd,
            // A skippable frame, which some archivers put first.
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// Opens a source under its limits; `consumed` counts the packed bytes.
pub(crate) fn open_source(source: &Source, consumed: Arc<AtomicU64>) -> io::Result<Box<dyn Read + Send>> {
    open_limited(&source.path, source.compression, consumed, source.limits.unpack_ratio, source.bytes)
}

/// Opens a source that is not packed from a byte on; `consumed` counts those that are read.
pub(crate) fn open_source_at(
    source: &Source,
    offset: u64,
    consumed: Arc<AtomicU64>,
) -> io::Result<Box<dyn Read + Send>> {
    let mut inner = File::open(&source.path)?;
    inner.seek(SeekFrom::Start(offset))?;
    let packed = Arc::new(AtomicU64::new(offset));
    Ok(Box::new(CountingReader { inner, consumed, packed, bytes_min: source.bytes }))
}

/// Opens a file for reading its unpacked bytes; `consumed` counts the packed ones.
pub(crate) fn open(
    path: &Path,
    compression: Compression,
    consumed: Arc<AtomicU64>,
) -> io::Result<Box<dyn Read + Send>> {
    open_limited(path, compression, consumed, Limits::DEFAULT.unpack_ratio, 0)
}

/// The same under limits, for a file that may grow.
pub(crate) fn open_packed(
    path: &Path,
    compression: Compression,
    consumed: Arc<AtomicU64>,
    limits: &Limits,
) -> io::Result<Box<dyn Read + Send>> {
    open_limited(path, compression, consumed, limits.unpack_ratio, 0)
}

fn open_limited(
    path: &Path,
    compression: Compression,
    consumed: Arc<AtomicU64>,
    ratio_max: u64,
    bytes_min: u64,
) -> io::Result<Box<dyn Read + Send>> {
    let packed: Arc<AtomicU64> = Arc::default();
    let file = CountingReader { inner: File::open(path)?, consumed, packed: packed.clone(), bytes_min };
    let unpacked: Box<dyn Read + Send> = match compression {
        Compression::Plain => return Ok(Box::new(file)),
        Compression::Gzip => Box::new(MultiGzDecoder::new(BufReader::with_capacity(PACKED_BUFFER_BYTES, file))),
        Compression::Zstd => Box::new(zstd::stream::read::Decoder::new(file)?),
    };
    Ok(Box::new(Unpacking { inner: unpacked, packed, bytes: 0, ratio_max }))
}

const PACKED_BUFFER_BYTES: usize = 128 * 1024;

struct CountingReader {
    inner: File,
    /// Bytes of all files of a reader.
    consumed: Arc<AtomicU64>,
    /// Bytes of this one.
    packed: Arc<AtomicU64>,
    /// Bytes that it had when it was looked at; it may have grown since.
    bytes_min: u64,
}

/// Unpacked bytes before their ratio to the packed ones is looked at: little enough to be read in a moment, and enough for a file
/// that starts with a long pause.
const RATIO_FREE_BYTES: u64 = 64 * 1024 * 1024;

/// Unpacked bytes, which end with an error where they are out of proportion to the packed ones.
struct Unpacking {
    inner: Box<dyn Read + Send>,
    packed: Arc<AtomicU64>,
    bytes: u64,
    ratio_max: u64,
}

impl Read for Unpacking {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let packed = self.packed.load(Ordering::Relaxed);
        if self.bytes > RATIO_FREE_BYTES && self.bytes / self.ratio_max.max(1) > packed {
            return Err(io::Error::other(format!(
                "{packed} bytes unpack to more than {} times as many, which no text of a market does; \
                 if this one does, raise --max-unpack-ratio",
                self.ratio_max
            )));
        }
        let n = self.inner.read(buffer)?;
        self.bytes += n as u64;
        Ok(n)
    }
}

impl Read for CountingReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.consumed.fetch_add(n as u64, Ordering::Relaxed);
        let packed = self.packed.fetch_add(n as u64, Ordering::Relaxed);
        if n == 0 && !buffer.is_empty() && packed < self.bytes_min {
            let before = self.bytes_min;
            return Err(io::Error::other(format!("the file had {before} bytes and now ends after {packed}")));
        }
        Ok(n)
    }
}

/// Longest line that is read where no other limit is set, in bytes.
pub const LINE_BYTES_MAX: usize = Limits::DEFAULT.line_bytes;

/// What the next line is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Line {
    /// A line, as a range of [`LineReader::bytes`], without its line end.
    Whole(Range<usize>),
    /// The last line of the file, without a line end.
    Unterminated(Range<usize>),
    /// A line beyond the limit; its length in bytes.
    TooLong(u64),
    /// The bytes end too early or cannot be unpacked; nothing follows.
    Broken(String),
    /// The end of the file.
    End,
}

/// Splits unpacked bytes into lines with one buffer; a byte order mark at the start is skipped.
pub(crate) struct LineReader {
    input: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// Where in the input the buffer begins.
    base: u64,
    start: usize,
    end: usize,
    scanned: usize,
    line_bytes_max: usize,
    at_start: bool,
    broken: Option<String>,
    ended: bool,
}

impl LineReader {
    pub(crate) fn new(input: Box<dyn Read + Send>, line_bytes_max: usize) -> Self {
        Self {
            input,
            buffer: vec![0; READ_BYTES],
            base: 0,
            start: 0,
            end: 0,
            scanned: 0,
            line_bytes_max,
            at_start: true,
            broken: None,
            ended: false,
        }
    }

    /// The same of an input that begins so many bytes behind the start of the file.
    pub(crate) fn behind(self, offset: u64) -> Self {
        Self { base: offset, at_start: offset == 0, ..self }
    }

    /// Bytes of the file up to the end of the latest line.
    #[inline]
    pub(crate) fn offset(&self) -> u64 {
        self.base + self.start as u64
    }

    /// Why a line of so many bytes is not read.
    pub(crate) fn too_long(&self, bytes: u64) -> String {
        format!("a line of {bytes} bytes; the limit is {} (--max-line-bytes)", self.line_bytes_max)
    }

    /// The buffer that ranges of the latest line refer to.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.buffer
    }

    pub(crate) fn next_line(&mut self) -> Line {
        let mut dropped: u64 = 0; // bytes of an over-long line thrown away so far
        // Bounded: every turn reads at least one byte, finds a line end, or returns.
        loop {
            if let Some(i) = memchr::memchr(b'\n', &self.buffer[self.scanned..self.end]) {
                let newline = self.scanned + i;
                let line = self.trimmed(self.start, newline);
                let length = (newline - self.start) as u64;
                self.start = newline + 1;
                self.scanned = self.start;
                if dropped > 0 || length > self.line_bytes_max as u64 {
                    return Line::TooLong(dropped + length);
                }
                return Line::Whole(line);
            }
            self.scanned = self.end;
            if self.end - self.start > self.line_bytes_max {
                dropped += (self.end - self.start) as u64;
                self.start = self.end;
            }
            if self.ended {
                return self.last_line(dropped);
            }
            self.fill();
        }
    }

    fn last_line(&mut self, dropped: u64) -> Line {
        let rest = self.trimmed(self.start, self.end);
        let length = (self.end - self.start) as u64;
        self.start = self.end;
        if let Some(detail) = self.broken.take() {
            return Line::Broken(detail);
        }
        if dropped > 0 || length > self.line_bytes_max as u64 {
            return Line::TooLong(dropped + length);
        }
        if rest.is_empty() { Line::End } else { Line::Unterminated(rest) }
    }

    /// Without a carriage return at the end and a byte order mark at the start of the file.
    fn trimmed(&mut self, start: usize, end: usize) -> Range<usize> {
        let mut line = start..end;
        if std::mem::take(&mut self.at_start) && self.buffer[line.clone()].starts_with(b"\xef\xbb\xbf") {
            line.start += 3;
        }
        if line.end > line.start && self.buffer[line.end - 1] == b'\r' {
            line.end -= 1;
        }
        line
    }

    fn fill(&mut self) {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.base += self.start as u64;
            self.end -= self.start;
            self.scanned -= self.start;
            self.start = 0;
        }
        if self.buffer.len() - self.end < READ_BYTES / 2 {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        match self.input.read(&mut self.buffer[self.end..]) {
            Ok(0) => self.ended = true,
            Ok(n) => self.end += n,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => {
                self.ended = true;
                self.broken = Some(error.to_string());
            }
        }
    }
}

const READ_BYTES: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &'static [u8], max: usize) -> Vec<String> {
        let mut reader = LineReader::new(Box::new(input), max);
        let mut out = Vec::new();
        for _ in 0..100 {
            match reader.next_line() {
                Line::Whole(r) => out.push(String::from_utf8_lossy(&reader.bytes()[r]).into_owned()),
                Line::Unterminated(r) => out.push(format!("{}<eof>", String::from_utf8_lossy(&reader.bytes()[r]))),
                Line::TooLong(n) => out.push(format!("<{n} bytes>")),
                Line::Broken(e) => out.push(format!("<broken {e}>")),
                Line::End => return out,
            }
        }
        panic!("the reader does not end");
    }

    #[test]
    fn ends_marks_and_limits() {
        assert_eq!(lines(b"", 10), Vec::<String>::new());
        assert_eq!(lines(b"a\nb\r\n\nc", 10), ["a", "b", "", "c<eof>"]);
        assert_eq!(lines(b"\xef\xbb\xbfa\n\xef\xbb\xbfb\n", 10), ["a", "\u{feff}b"]);
        assert_eq!(lines(b"\xef\xbb\xbf", 10), Vec::<String>::new());
    }

    #[test]
    fn an_over_long_line_is_one_line() {
        let long: &'static [u8] =
            Box::leak([b"x".repeat(3 * READ_BYTES), b"\nshort\n".to_vec()].concat().into_boxed_slice());
        assert_eq!(lines(long, 1000), [format!("<{} bytes>", 3 * READ_BYTES), "short".to_owned()]);
    }
}
