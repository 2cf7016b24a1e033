//! Digests of the segments of a long file: those subtrees of BLAKE3's tree that the digest of the whole file is put together from, so that
//! one reading tells both.

use std::io::Read;

use blake3::hazmat::{HasherExt as _, Mode, left_subtree_len, merge_subtrees_non_root, merge_subtrees_root};
use verismo_feed::{SEGMENT_BYTES_MIN, segment_end};
use verismo_stats::state::{DecodeError, Reader, put_u64};

use crate::store::{Digest, Hasher};

/// The segments of a file that is longer than one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Segments {
    /// Bytes of the file.
    bytes: u64,
    /// Bytes of all segments but the last: a power of two.
    segment_bytes: u64,
    digests: Vec<Digest>,
}

impl Segments {
    /// Reads all there is: the digest of all of it, and the segments where there are several.
    pub(super) fn read(input: &mut impl Read, segment_bytes: u64) -> std::io::Result<(Digest, Option<Self>)> {
        let segment_bytes = segment_bytes.next_power_of_two().max(SEGMENT_BYTES_MIN);
        let (mut bytes, mut digests) = (0_u64, Vec::new());
        let mut hasher = blake3::Hasher::new();
        let mut buffer = vec![0; 1 << 20];
        // Bounded by the length of the file, which the caller compares afterwards.
        loop {
            let room = segment_bytes - hasher.count();
            let wanted = buffer.len().min(usize::try_from(room).unwrap_or(usize::MAX));
            let n = match input.read(&mut buffer[..wanted.max(1)]) {
                Ok(n) => n,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if n == 0 {
                break;
            }
            if room == 0 {
                digests.push(hasher.finalize_non_root());
                hasher = blake3::Hasher::new();
                hasher.set_input_offset(bytes);
            }
            hasher.update(&buffer[..n]);
            bytes += n as u64;
        }
        if digests.is_empty() {
            return Ok((*hasher.finalize().as_bytes(), None));
        }
        digests.push(hasher.finalize_non_root());
        let segments = Self { bytes, segment_bytes, digests };
        Ok((segments.whole(), Some(segments)))
    }

    /// Whether they are of this length.
    pub(super) fn are_of(&self, segment_bytes: u64) -> bool {
        self.segment_bytes == segment_bytes
    }

    /// The digest of the file.
    pub(crate) fn whole(&self) -> Digest {
        let left = left_segments(self.bytes, self.segment_bytes).min(self.digests.len());
        let (left, right) = self.digests.split_at(left);
        let left_bytes = left.len() as u64 * self.segment_bytes;
        let (left, right) = (self.subtree(left, left_bytes), self.subtree(right, self.bytes - left_bytes));
        *merge_subtrees_root(&left, &right, Mode::Hash).as_bytes()
    }

    fn subtree(&self, digests: &[Digest], bytes: u64) -> Digest {
        match digests {
            [] => Digest::default(),
            [one] => *one,
            _ => {
                let (left, right) = digests.split_at(left_segments(bytes, self.segment_bytes).min(digests.len()));
                let left_bytes = left.len() as u64 * self.segment_bytes;
                let (left, right) = (self.subtree(left, left_bytes), self.subtree(right, bytes - left_bytes));
                merge_subtrees_non_root(&left, &right, Mode::Hash)
            }
        }
    }

    /// What whoever reads from a byte on up to the end of its segment depends on.
    pub(crate) fn from(&self, offset: u64) -> Digest {
        let end = segment_end(offset, self.segment_bytes).min(self.bytes);
        self.hash("segment", offset, end - 1).finish()
    }

    /// What reading from a byte up to before another one, or to the end, depended on.
    pub(crate) fn between(&self, offset: u64, end: Option<u64>) -> Digest {
        let mut hasher = self.hash("segments", offset, end.unwrap_or(self.bytes - 1));
        hasher.number(u64::from(end.is_none()));
        // The line that reading stopped before may end with the segment, if the file does.
        let end_of_segment = |byte: u64| (byte / self.segment_bytes + 1).saturating_mul(self.segment_bytes);
        hasher.number(u64::from(end.is_some_and(|end| self.bytes > end_of_segment(end))));
        hasher.number(end.unwrap_or(self.bytes).saturating_sub(offset));
        hasher.finish()
    }

    /// Of the segments from that of one byte to that of another; the place of the first in its own.
    fn hash(&self, kind: &str, offset: u64, last: u64) -> Hasher {
        let mut hasher = Hasher::new("verismo.segments/1");
        hasher.text(kind);
        hasher.number(self.segment_bytes);
        hasher.number(offset % self.segment_bytes);
        let place = |byte: u64| usize::try_from(byte / self.segment_bytes).unwrap_or(usize::MAX);
        let touched = self.digests.iter().skip(place(offset)).take(place(last).saturating_sub(place(offset)) + 1);
        touched.for_each(|digest| hasher.bytes(digest));
        hasher
    }

    /// As it is stored.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        put_u64(&mut out, self.bytes);
        put_u64(&mut out, self.segment_bytes);
        put_u64(&mut out, self.digests.len() as u64);
        self.digests.iter().for_each(|digest| out.extend_from_slice(digest));
        out
    }

    pub(super) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut input = Reader::new("segments of a file/1", bytes);
        let (bytes, segment_bytes) = (input.u64("bytes")?, input.u64("bytes of a segment")?);
        let n = input.length("segments", 32)?;
        let digest = |input: &mut Reader<'_>| {
            let bytes = input.bytes("the digest of a segment", 32)?;
            Digest::try_from(bytes).map_err(|_| input.invalid("the digest of a segment"))
        };
        let digests = (0..n).map(|_| digest(&mut input)).collect::<Result<Vec<_>, _>>()?;
        let is_possible = segment_bytes.is_power_of_two() && segment_bytes >= SEGMENT_BYTES_MIN;
        if !is_possible || n < 2 || bytes.div_ceil(segment_bytes) != n as u64 {
            return Err(input.invalid("the number of segments"));
        }
        input.finish()?;
        Ok(Self { bytes, segment_bytes, digests })
    }
}

/// Segments of the left one of two subtrees.
fn left_segments(bytes: u64, segment_bytes: u64) -> usize {
    usize::try_from(left_subtree_len(bytes) / segment_bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(bytes: &[u8], segment_bytes: u64) -> (Digest, Option<Segments>) {
        Segments::read(&mut &*bytes, segment_bytes).unwrap()
    }

    #[test]
    fn segments_make_the_digest_of_the_whole_and_are_read_back() {
        let bytes: Vec<u8> = (0..70_000_u32).map(|i| (i.wrapping_mul(i) >> 7) as u8).collect();
        for n in [0, 1, 1_023, 1_024, 1_025, 2_048, 2_049, 3_072, 5_000, 8_192, 8_193, 65_536, 65_537, 70_000] {
            for segment_bytes in [1_024, 2_048, 16_384, 1 << 20] {
                let (digest, segments) = of(&bytes[..n], segment_bytes);
                assert_eq!(digest, *blake3::hash(&bytes[..n]).as_bytes(), "{n} in {segment_bytes}");
                assert_eq!(segments.is_some(), n as u64 > segment_bytes);
                if let Some(segments) = segments {
                    let encoded = segments.encode();
                    assert_eq!(Segments::decode(&encoded).unwrap(), segments);
                    (0..encoded.len()).for_each(|at| assert!(Segments::decode(&encoded[..at]).is_err(), "{at}"));
                }
            }
        }
    }

    #[test]
    fn what_is_read_depends_on_its_segments_alone() {
        let bytes: Vec<u8> = (0..5_000_u32).map(|i| (i * 7) as u8).collect();
        let (_, Some(before)) = of(&bytes, 1_024) else { panic!("several segments") };
        // Changed in the third segment, and longer.
        let mut changed = bytes.clone();
        changed[2_500] ^= 1;
        let (_, Some(changed)) = of(&changed, 1_024) else { panic!("several segments") };
        let (_, Some(longer)) = of(&[&bytes[..], b"more"].concat(), 1_024) else { panic!("several segments") };
        // From a byte on to the end of its segment, which for those near its end is that of the next.
        for (offset, by_change, by_end) in [
            (0, false, false),
            (1_000, false, false),
            (1_600, true, false),
            (2_049, true, false),
            (3_000, true, false),
            (3_073, false, false),
            (3_700, false, true),
            (4_900, false, true),
        ] {
            assert_eq!(before.from(offset) != changed.from(offset), by_change, "{offset}");
            assert_eq!(before.from(offset) != longer.from(offset), by_end, "{offset}");
        }
        assert_ne!(before.from(0), before.from(1));
        assert_eq!(before.between(0, Some(2_047)), changed.between(0, Some(2_047)));
        let (_, Some(cut)) = of(&bytes[..3_072], 1_024) else { panic!("several segments") };
        assert_eq!(before.between(0, Some(2_000)), cut.between(0, Some(2_000)));
        assert_ne!(before.between(0, Some(3_000)), cut.between(0, Some(3_000)), "a line that ends there may go on");
        assert_ne!(before.between(0, Some(2_048)), changed.between(0, Some(2_048)));
        assert_ne!(before.between(10, Some(900)), before.between(10, Some(901)));
        assert_ne!(before.between(3_500, None), longer.between(3_500, None));
        assert_ne!(before.between(3_500, None), before.between(3_500, Some(5_000)));
        // What ends with a segment ends elsewhere where the file goes on.
        let (_, Some(even)) = of(&bytes[..4_096], 1_024) else { panic!("several segments") };
        assert_eq!(even.from(3_073), before.from(3_073));
        assert_ne!(even.between(3_073, None), before.between(3_073, Some(4_096)));
    }
}
