//! Snappy pages, unpacked into memory that is used again: by far the most common packing of event files.

use ::parquet::basic::Compression;
use ::parquet::column::page::Page;
use ::parquet::file::metadata::ColumnChunkMetaData;
use bytes::{Bytes, BytesMut};

use super::{Sure, Unsure};

/// No three bytes of Snappy stand for more than 64.
const RATIO_MAX: usize = 32;

/// Unpacks the pages of one column.
#[derive(Default)]
pub(super) struct Unpacker {
    decoder: snap::raw::Decoder,
    /// The page before, whose memory is taken once nobody looks at it.
    last: Bytes,
}

/// The column with its pages left as they are, if this module unpacks them.
pub(super) fn as_packed(column: &ColumnChunkMetaData) -> Sure<Option<ColumnChunkMetaData>> {
    if column.compression() != Compression::SNAPPY {
        return Ok(None);
    }
    let plain = column.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build();
    plain.map(Some).map_err(|_| Unsure)
}

impl Unpacker {
    /// The page with its bytes unpacked; the page before must not be in use any more for its memory to be used.
    pub(super) fn unpack(&mut self, mut page: Page) -> Sure<Page> {
        match &mut page {
            Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => *buf = self.bytes(buf, 0)?,
            Page::DataPageV2 { buf, is_compressed: true, def_levels_byte_len, rep_levels_byte_len, .. } => {
                let levels = (*def_levels_byte_len as usize).checked_add(*rep_levels_byte_len as usize);
                *buf = self.bytes(buf, levels.ok_or(Unsure)?)?;
            }
            Page::DataPageV2 { .. } => {}
        }
        Ok(page)
    }

    /// The first `plain` bytes as they are, the others unpacked.
    fn bytes(&mut self, from: &Bytes, plain: usize) -> Sure<Bytes> {
        let (head, packed) = from.split_at_checked(plain).ok_or(Unsure)?;
        // A page of nulls may have no bytes at all.
        let len = if packed.is_empty() { 0 } else { snap::raw::decompress_len(packed).map_err(|_| Unsure)? };
        if len > packed.len().saturating_mul(RATIO_MAX) {
            return Err(Unsure);
        }
        let end = plain.checked_add(len).ok_or(Unsure)?;
        let mut room = std::mem::take(&mut self.last).try_into_mut().unwrap_or_else(|_| BytesMut::new());
        if room.len() < end {
            room.resize(end, 0);
        }
        room[..plain].copy_from_slice(head);
        if len > 0 {
            let n = self.decoder.decompress(packed, &mut room[plain..end]).map_err(|_| Unsure)?;
            if n != len {
                return Err(Unsure);
            }
        }
        self.last = room.freeze();
        Ok(self.last.slice(..end))
    }
}
