//! The run-length and bit-packed hybrid of definition levels and dictionary indices.

use super::{Sure, Unsure};

/// The place in a stream of runs; the bytes are given with each call.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hybrid {
    /// The next run's header, and where the stream ends.
    at: usize,
    end: usize,
    /// Bits of a value, at most 32.
    width: u32,
    run: Run,
}

#[derive(Debug, Clone, Copy)]
enum Run {
    /// `n` times the value.
    Same { value: u32, n: usize },
    /// `n` values packed from the bit `bit` on.
    Packed { bit: usize, n: usize },
}

/// Values that come next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// So many times one value.
    Same(u32, usize),
    /// So many values were put into the buffer.
    Packed(usize),
}

/// Values unpacked at a time.
pub(super) const PACKED_MAX: usize = 64;

impl Hybrid {
    /// The stream in `bytes[at..end]`.
    pub(super) fn new(bytes: &[u8], at: usize, end: usize, width: u32) -> Sure<Self> {
        if width > 32 || end > bytes.len() || at > end {
            return Err(Unsure);
        }
        Ok(Self { at, end, width, run: Run::Same { value: 0, n: 0 } })
    }

    /// Reads headers up to a run that is not used up. Bounded: every header takes a byte.
    #[inline]
    fn ready(&mut self, bytes: &[u8]) -> Sure<()> {
        while matches!(self.run, Run::Same { n: 0, .. } | Run::Packed { n: 0, .. }) {
            self.header(bytes)?;
        }
        Ok(())
    }

    fn header(&mut self, bytes: &[u8]) -> Sure<()> {
        let header = self.varint(bytes)?;
        let n = usize::try_from(header >> 1).map_err(|_| Unsure)?;
        if header & 1 == 0 {
            let size = self.width.div_ceil(8) as usize;
            let value = bytes.get(self.at..self.end).and_then(|b| b.get(..size)).ok_or(Unsure)?;
            let value = value.iter().rev().fold(0, |v, b| v << 8 | u32::from(*b));
            self.at += size;
            self.run = Run::Same { value, n };
        } else {
            // Groups of 8 values take `width` bytes each; what the bytes at hand do not hold is missed when it is asked for.
            let groups = if self.width == 0 { n } else { n.min((self.end - self.at) / self.width as usize + 1) };
            let (bit, size) = (self.at * 8, groups.checked_mul(self.width as usize).ok_or(Unsure)?);
            let held = size.min(self.end - self.at);
            let n = if self.width == 0 { groups.saturating_mul(8) } else { held * 8 / self.width as usize };
            self.at += held;
            self.run = Run::Packed { bit, n };
        }
        Ok(())
    }

    fn varint(&mut self, bytes: &[u8]) -> Sure<u64> {
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            if self.at >= self.end {
                return Err(Unsure);
            }
            let byte = bytes[self.at];
            self.at += 1;
            value |= u64::from(byte & 127) << shift;
            if byte < 128 {
                return Ok(value);
            }
        }
        Err(Unsure)
    }

    /// Of values of one bit: how many times the next one comes, at most `max` (which is not 0).
    #[inline]
    pub(super) fn next_bits(&mut self, bytes: &[u8], max: usize) -> Sure<(bool, usize)> {
        self.ready(bytes)?;
        match &mut self.run {
            Run::Same { value, n } => {
                let k = max.min(*n);
                *n -= k;
                match *value {
                    0 => Ok((false, k)),
                    1 => Ok((true, k)),
                    _ => Err(Unsure),
                }
            }
            Run::Packed { bit, n } => {
                let word = word_at(bytes, *bit);
                // Of a word read from the middle of a byte, the top bits are not there.
                let held = (64 - *bit % 8).min(*n).min(max);
                let is_set = word & 1 == 1;
                let same = if is_set { word.trailing_ones() } else { word.trailing_zeros() };
                let k = (same as usize).min(held);
                *bit += k;
                *n -= k;
                Ok((is_set, k))
            }
        }
    }

    /// The next values, at most `max` (which is not 0).
    #[inline]
    pub(super) fn next(&mut self, bytes: &[u8], max: usize, out: &mut [u32; PACKED_MAX]) -> Sure<Next> {
        self.ready(bytes)?;
        match &mut self.run {
            Run::Same { value, n } => {
                let k = max.min(*n);
                *n -= k;
                Ok(Next::Same(*value, k))
            }
            Run::Packed { bit, n } => {
                let k = max.min(*n).min(PACKED_MAX);
                let mask = ((1u64 << self.width) - 1) as u32;
                for (i, out) in out.iter_mut().take(k).enumerate() {
                    *out = word_at(bytes, *bit + i * self.width as usize) as u32 & mask;
                }
                *bit += k * self.width as usize;
                *n -= k;
                Ok(Next::Packed(k))
            }
        }
    }
}

/// Eight bytes from the one that holds `bit`, shifted so that the bit is the lowest; zeros stand for bytes that are not there.
#[inline]
fn word_at(bytes: &[u8], bit: usize) -> u64 {
    let at = bit / 8;
    let word = match bytes.get(at..).and_then(|b| b.first_chunk::<8>()) {
        Some(eight) => u64::from_le_bytes(*eight),
        None => {
            let mut eight = [0; 8];
            let rest = bytes.get(at..).unwrap_or_default();
            eight[..rest.len()].copy_from_slice(rest);
            u64::from_le_bytes(eight)
        }
    };
    word >> (bit % 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Runs as a writer may choose them: `Ok` packed, `Err` repeated.
    fn encode(values: &[u32], width: u32, cuts: &[usize]) -> Vec<u8> {
        let mut out = Vec::new();
        let mut rest = values;
        let mut cuts = cuts.iter().cycle();
        while let Some(&first) = rest.first() {
            let same = rest.iter().take_while(|v| **v == first).count();
            let cut = *cuts.next().unwrap();
            if same >= 8 || same == rest.len() || cut == 0 {
                out.extend([(same << 1) as u8 & 127 | 128, (same << 1 >> 7) as u8]);
                out.extend(&first.to_le_bytes()[..width.div_ceil(8) as usize]);
                rest = &rest[same..];
            } else {
                let n = (cut * 8).min(rest.len());
                let groups = n.div_ceil(8);
                out.push((groups << 1 | 1) as u8);
                let start = out.len() * 8;
                out.resize(out.len() + groups * width as usize, 0);
                for (i, v) in rest[..n].iter().enumerate() {
                    for b in 0..width as usize {
                        let bit = start + i * width as usize + b;
                        out[bit / 8] |= (((*v >> b) & 1) as u8) << (bit % 8);
                    }
                }
                // Padding is only allowed at the end.
                if !n.is_multiple_of(8) {
                    assert_eq!(n, rest.len());
                }
                rest = &rest[n..];
            }
        }
        out
    }

    proptest! {
        #[test]
        fn what_was_encoded_is_read(
            runs in proptest::collection::vec((any::<u32>(), 1usize..40), 0..30),
            width in 1u32..=32,
            cuts in proptest::collection::vec(0usize..4, 1..6),
            max in 1usize..100,
        ) {
            let mask = (u64::from(u32::MAX) >> (32 - width)) as u32;
            let values: Vec<u32> = runs.iter().flat_map(|(v, n)| std::iter::repeat_n(v & mask, *n)).collect();
            let bytes = encode(&values, width, &cuts);
            let mut hybrid = Hybrid::new(&bytes, 0, bytes.len(), width).unwrap();
            let (mut got, mut buffer) = (Vec::new(), [0; PACKED_MAX]);
            while got.len() < values.len() {
                match hybrid.next(&bytes, max.min(values.len() - got.len()), &mut buffer).unwrap() {
                    Next::Same(v, n) => got.extend(std::iter::repeat_n(v, n)),
                    Next::Packed(n) => got.extend(&buffer[..n]),
                }
            }
            prop_assert_eq!(&got, &values);
            if width == 1 {
                let mut hybrid = Hybrid::new(&bytes, 0, bytes.len(), 1).unwrap();
                got.clear();
                while got.len() < values.len() {
                    let (bit, n) = hybrid.next_bits(&bytes, max.min(values.len() - got.len())).unwrap();
                    got.extend(std::iter::repeat_n(u32::from(bit), n));
                }
                prop_assert_eq!(&got, &values);
            }
        }

        #[test]
        fn any_bytes_are_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..40), width in 0u32..=32) {
            let mut buffer = [0; PACKED_MAX];
            let mut hybrid = Hybrid::new(&bytes, 0, bytes.len(), width).unwrap();
            let mut bits = hybrid;
            for _ in 0..100 {
                let _ = hybrid.next(&bytes, 7, &mut buffer);
                let _ = bits.next_bits(&bytes, 7);
            }
        }
    }
}
