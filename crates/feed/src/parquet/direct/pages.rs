//! The pages of one column, row group after row group, read from the file as they are needed.

use std::fs::File;
use std::io::{Chain, Read, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex};

use ::parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use ::parquet::basic::Encoding;
use ::parquet::column::page::{Page, PageReader as _};
use ::parquet::errors::{ParquetError, Result};
use ::parquet::file::metadata::ParquetMetaData;
use ::parquet::file::reader::{ChunkReader, Length, SerializedPageReader};
use bytes::buf::Reader;
use bytes::{Buf as _, Bytes};

use super::unpack::{self, Unpacker};
use super::{Sure, Unsure};

/// Bytes read at a time; less where a column ends before.
const WINDOW_BYTES: usize = 256 * 1024;
/// A page header is shorter than this, but for odd statistics.
const HEADER_BYTES: u64 = 512;

/// A file of at most so many bytes is read at once.
const SMALL_BYTES: u64 = 1 << 20;

/// A file that several columns read from.
#[derive(Debug)]
pub(in crate::parquet) struct Shared {
    file: Mutex<File>,
    len: u64,
    /// All bytes of a small file.
    whole: Option<Bytes>,
}

impl Shared {
    pub(in crate::parquet) fn open(path: &Path) -> std::io::Result<Self> {
        let mut file = File::open(path)?;
        let mut len = file.metadata()?.len();
        let mut whole = None;
        if len <= SMALL_BYTES {
            let mut bytes = Vec::with_capacity(len as usize + 1);
            (&mut file).take(SMALL_BYTES).read_to_end(&mut bytes)?;
            len = bytes.len() as u64;
            whole = Some(Bytes::from(bytes));
        }
        Ok(Self { file: Mutex::new(file), len, whole })
    }

    /// What the footer says.
    pub(in crate::parquet) fn metadata(self: &Arc<Self>) -> Result<ArrowReaderMetadata> {
        match &self.whole {
            Some(whole) => ArrowReaderMetadata::load(whole, ArrowReaderOptions::new()),
            None => ArrowReaderMetadata::load(&self.window(0, self.len), ArrowReaderOptions::new()),
        }
    }

    /// Bytes `start..end`, of which nothing has been read yet where the file is not small.
    fn window(self: &Arc<Self>, start: u64, end: u64) -> Window {
        let held = self.whole.clone().map_or((start, Bytes::new()), |whole| (0, whole));
        Window { shared: self.clone(), end, held: Mutex::new(held) }
    }

    /// Reads from `start` on until `out` is full or the file ends.
    fn read_at(&self, start: u64, out: &mut [u8]) -> std::io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        file.seek(SeekFrom::Start(start))?;
        let mut n = 0;
        while n < out.len() {
            match file.read(&mut out[n..])? {
                0 => break,
                k => n += k,
            }
        }
        Ok(n)
    }
}

/// One column chunk of the file, through a window that moves on.
pub(super) struct Window {
    shared: Arc<Shared>,
    /// Where the column chunk ends.
    end: u64,
    /// The bytes held, and where they start.
    held: Mutex<(u64, Bytes)>,
}

impl Window {
    /// At least `len` bytes from `start` on where the file has them, more where they are held anyway.
    fn bytes(&self, start: u64, len: usize) -> Result<Bytes> {
        let mut held = self.held.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let skip = start.checked_sub(held.0).and_then(|skip| usize::try_from(skip).ok());
        if let Some(skip) = skip.filter(|skip| skip.checked_add(len).is_some_and(|end| end <= held.1.len())) {
            return Ok(held.1.slice(skip..));
        }
        let in_file = usize::try_from(self.shared.len.saturating_sub(start)).unwrap_or(usize::MAX);
        let in_column = usize::try_from(self.end.saturating_sub(start)).unwrap_or(usize::MAX);
        let mut buffer = vec![0; in_column.min(WINDOW_BYTES).max(len).min(in_file)];
        let n = self.shared.read_at(start, &mut buffer)?;
        buffer.truncate(n);
        *held = (start, buffer.into());
        Ok(held.1.clone())
    }
}

impl Length for Window {
    fn len(&self) -> u64 {
        self.shared.len
    }
}

/// What comes after a window, for the rare header that is longer.
pub(super) struct Tail {
    shared: Arc<Shared>,
    at: u64,
}

impl Read for Tail {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n = self.shared.read_at(self.at, out)?;
        self.at += n as u64;
        Ok(n)
    }
}

impl ChunkReader for Window {
    type T = Chain<Reader<Bytes>, Tail>;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        let wanted = HEADER_BYTES.min(self.end.saturating_sub(start));
        let bytes = self.bytes(start, wanted as usize)?;
        let tail = Tail { shared: self.shared.clone(), at: start + bytes.len() as u64 };
        Ok(bytes.reader().chain(tail))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        let mut bytes = self.bytes(start, length)?;
        if bytes.len() < length {
            return Err(ParquetError::EOF(format!("{length} bytes wanted, {} left", bytes.len())));
        }
        bytes.truncate(length);
        Ok(bytes)
    }
}

/// One page, unpacked.
pub(super) enum Unpacked {
    Dictionary { bytes: Bytes, n: usize, group: usize },
    Data(DataPage),
}

/// A page of values.
pub(super) struct DataPage {
    pub(super) bytes: Bytes,
    /// Rows, nulls among them.
    pub(super) rows: usize,
    pub(super) encoding: Encoding,
    /// Where the definition levels stand, if there are any.
    pub(super) levels: Option<(usize, usize)>,
    /// Where the values start.
    pub(super) values: usize,
    /// Number of its row group, from 1; a dictionary serves one row group.
    pub(super) group: usize,
}

/// The pages of a column.
pub(super) struct Pages {
    shared: Arc<Shared>,
    metadata: Arc<ParquetMetaData>,
    column: usize,
    is_nullable: bool,
    /// The row group to open next.
    group: usize,
    reader: Option<SerializedPageReader<Window>>,
    /// Whether the reader leaves it to the unpacker to unpack its pages.
    is_packed: bool,
    unpacker: Unpacker,
    /// Rows of the open row group that are still to come.
    rows: u64,
}

impl Pages {
    pub(super) fn new(shared: Arc<Shared>, metadata: Arc<ParquetMetaData>, column: usize, is_nullable: bool) -> Self {
        Self {
            shared,
            metadata,
            column,
            is_nullable,
            group: 0,
            reader: None,
            is_packed: false,
            unpacker: Unpacker::default(),
            rows: 0,
        }
    }

    /// The next page; the end of the file is no page, so it is not to be asked for.
    pub(super) fn next(&mut self) -> Sure<Unpacked> {
        // Bounded by the number of row groups.
        loop {
            let Some(reader) = &mut self.reader else {
                self.open_group()?;
                continue;
            };
            let mut page = reader.get_next_page().map_err(|_| Unsure)?;
            if self.is_packed {
                page = page.map(|page| self.unpacker.unpack(page)).transpose()?;
            }
            match page {
                Some(Page::DictionaryPage { buf, num_values, encoding, .. }) => {
                    if !matches!(encoding, Encoding::PLAIN | Encoding::PLAIN_DICTIONARY) {
                        return Err(Unsure);
                    }
                    return Ok(Unpacked::Dictionary { bytes: buf, n: num_values as usize, group: self.group });
                }
                Some(page) => {
                    let page = self.data(page)?;
                    self.rows = self.rows.checked_sub(page.rows as u64).ok_or(Unsure)?;
                    return Ok(Unpacked::Data(page));
                }
                None if self.rows == 0 => self.reader = None,
                None => return Err(Unsure),
            }
        }
    }

    fn open_group(&mut self) -> Sure<()> {
        let group = self.metadata.row_groups().get(self.group).ok_or(Unsure)?;
        let column = group.columns().get(self.column).ok_or(Unsure)?;
        self.group += 1;
        self.rows = u64::try_from(group.num_rows()).map_err(|_| Unsure)?;
        if column.num_values() != group.num_rows() {
            return Err(Unsure);
        }
        if self.rows == 0 {
            return Ok(());
        }
        let start = column.dictionary_page_offset().unwrap_or(column.data_page_offset());
        let start = u64::try_from(start).map_err(|_| Unsure)?;
        let len = u64::try_from(column.compressed_size()).map_err(|_| Unsure)?;
        let end = start.checked_add(len).filter(|end| *end <= self.shared.len).ok_or(Unsure)?;
        let window = Arc::new(self.shared.window(start, end));
        let packed = unpack::as_packed(column)?;
        self.is_packed = packed.is_some();
        let reader = SerializedPageReader::new(window, packed.as_ref().unwrap_or(column), self.rows as usize, None);
        self.reader = Some(reader.map_err(|_| Unsure)?);
        Ok(())
    }

    fn data(&self, page: Page) -> Sure<DataPage> {
        let group = self.group;
        match page {
            Page::DataPage { buf, num_values, encoding, def_level_encoding, .. } => {
                let (mut levels, mut values) = (None, 0);
                if self.is_nullable {
                    let size = buf.first_chunk::<4>().filter(|_| def_level_encoding == Encoding::RLE).ok_or(Unsure)?;
                    values = (u32::from_le_bytes(*size) as usize).checked_add(4).ok_or(Unsure)?;
                    levels = Some((4, values));
                }
                Ok(DataPage { bytes: buf, rows: num_values as usize, encoding, levels, values, group })
            }
            Page::DataPageV2 {
                buf, num_values, num_rows, encoding, def_levels_byte_len, rep_levels_byte_len, ..
            } => {
                if num_values != num_rows || rep_levels_byte_len != 0 {
                    return Err(Unsure);
                }
                let values = def_levels_byte_len as usize;
                let levels = self.is_nullable.then_some((0, values));
                Ok(DataPage { bytes: buf, rows: num_values as usize, encoding, levels, values, group })
            }
            Page::DictionaryPage { .. } => Err(Unsure),
        }
    }
}
