//! Little-endian and LEB128 fields. Every integer has one encoding only: padded varints are refused.

use super::DecodeError;

/// A varint of 128 bits has at most this many bytes of 7 bits.
const VARINT_BYTES_MAX: u32 = 19;

/// Appends an unsigned LEB128 varint, 1 to 10 bytes.
pub fn put_u64(out: &mut Vec<u8>, value: u64) {
    put_u128(out, u128::from(value));
}

/// Appends an unsigned LEB128 varint, 1 to 19 bytes.
pub fn put_u128(out: &mut Vec<u8>, mut value: u128) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// Appends a signed integer as a zigzag varint: small magnitudes of either sign are short.
pub fn put_i64(out: &mut Vec<u8>, value: i64) {
    put_i128(out, i128::from(value));
}

/// Appends a signed integer as a zigzag varint: small magnitudes of either sign are short.
pub fn put_i128(out: &mut Vec<u8>, value: i128) {
    put_u128(out, ((value << 1) ^ (value >> 127)) as u128);
}

/// Appends the 8 little-endian bytes of an f64.
pub fn put_f64(out: &mut Vec<u8>, value: f64) {
    out.extend_from_slice(&value.to_bits().to_le_bytes());
}

/// Reads fields off the front of a byte slice; every method names the field for the error.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    state: &'static str,
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// A reader of `bytes` that reports errors under the format name `state`.
    #[must_use]
    pub fn new(state: &'static str, bytes: &'a [u8]) -> Self {
        Self { state, rest: bytes }
    }

    /// The number of bytes not yet read: the bound of every length field, since an element takes at least a byte.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// Whether the bytes not yet read begin with these.
    #[must_use]
    pub fn starts_with(&self, bytes: &[u8]) -> bool {
        self.rest.starts_with(bytes)
    }

    /// The error for a field whose value no state has.
    #[must_use]
    pub fn invalid(&self, field: &'static str) -> DecodeError {
        DecodeError::Invalid { state: self.state, field }
    }

    /// One byte.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn u8(&mut self, field: &'static str) -> Result<u8, DecodeError> {
        let (&first, rest) = self.rest.split_first().ok_or(DecodeError::Truncated { state: self.state, field })?;
        self.rest = rest;
        Ok(first)
    }

    /// A canonical unsigned varint of at most 64 bits.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`], or [`DecodeError::Invalid`] when padded or too large.
    #[inline]
    pub fn u64(&mut self, field: &'static str) -> Result<u64, DecodeError> {
        // Nearly all numbers are small.
        if let Some((&byte @ ..0x80, rest)) = self.rest.split_first() {
            self.rest = rest;
            return Ok(u64::from(byte));
        }
        let value = self.u128(field)?;
        u64::try_from(value).map_err(|_| self.invalid(field))
    }

    /// A canonical unsigned varint of at most 128 bits.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`], or [`DecodeError::Invalid`] when padded or too large.
    pub fn u128(&mut self, field: &'static str) -> Result<u128, DecodeError> {
        let mut value = 0_u128;
        for i in 0..VARINT_BYTES_MAX {
            let byte = self.u8(field)?;
            let bits = u128::from(byte & 0x7f);
            // The last byte of the longest varint carries the 2 bits 126 and 127.
            if i == VARINT_BYTES_MAX - 1 && bits > 3 {
                return Err(self.invalid(field));
            }
            value |= bits << (7 * i);
            if byte & 0x80 == 0 {
                let padded = byte == 0 && i > 0;
                return if padded { Err(self.invalid(field)) } else { Ok(value) };
            }
        }
        Err(self.invalid(field))
    }

    /// A zigzag varint of at most 64 bits.
    ///
    /// # Errors
    /// As [`Reader::u64`].
    pub fn i64(&mut self, field: &'static str) -> Result<i64, DecodeError> {
        let value = self.i128(field)?;
        i64::try_from(value).map_err(|_| self.invalid(field))
    }

    /// A zigzag varint of at most 128 bits.
    ///
    /// # Errors
    /// As [`Reader::u128`].
    pub fn i128(&mut self, field: &'static str) -> Result<i128, DecodeError> {
        let zigzag = self.u128(field)?;
        Ok((zigzag >> 1) as i128 ^ -((zigzag & 1) as i128))
    }

    /// The 8 little-endian bytes of an f64, any bit pattern.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn f64(&mut self, field: &'static str) -> Result<f64, DecodeError> {
        let Some((bytes, rest)) = self.rest.split_first_chunk::<8>() else {
            return Err(DecodeError::Truncated { state: self.state, field });
        };
        self.rest = rest;
        Ok(f64::from_bits(u64::from_le_bytes(*bytes)))
    }

    /// So many bytes.
    ///
    /// # Errors
    /// [`DecodeError::Truncated`].
    pub fn bytes(&mut self, field: &'static str, n: usize) -> Result<&'a [u8], DecodeError> {
        let state = self.state;
        let (bytes, rest) = self.rest.split_at_checked(n).ok_or(DecodeError::Truncated { state, field })?;
        self.rest = rest;
        Ok(bytes)
    }

    /// A number of elements that follow, each of at least `element_bytes_min` bytes: a larger claim than the remaining
    /// bytes can hold is refused before anything is allocated.
    ///
    /// # Errors
    /// As [`Reader::u64`].
    pub fn length(&mut self, field: &'static str, element_bytes_min: usize) -> Result<usize, DecodeError> {
        let n = self.u64(field)?;
        let n_max = self.rest.len() / element_bytes_min.max(1);
        usize::try_from(n).ok().filter(|&n| n <= n_max).ok_or(DecodeError::Truncated { state: self.state, field })
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`DecodeError::TrailingBytes`] when bytes are left.
    pub fn finish(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        Err(DecodeError::TrailingBytes { state: self.state, n_bytes: self.rest.len() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn integers_round_trip(a: u64, b: u128, c: i64, d: i128, e: f64) {
            let mut out = Vec::new();
            put_u64(&mut out, a);
            put_u128(&mut out, b);
            put_i64(&mut out, c);
            put_i128(&mut out, d);
            put_f64(&mut out, e);
            let mut reader = Reader::new("test/1", &out);
            prop_assert_eq!(reader.u64("a"), Ok(a));
            prop_assert_eq!(reader.u128("b"), Ok(b));
            prop_assert_eq!(reader.i64("c"), Ok(c));
            prop_assert_eq!(reader.i128("d"), Ok(d));
            prop_assert_eq!(reader.f64("e").map(f64::to_bits), Ok(e.to_bits()));
            prop_assert_eq!(reader.finish(), Ok(()));
        }
    }

    #[test]
    fn extremes_round_trip_and_padding_is_refused() {
        for value in [i128::MIN, -1, 0, 1, i128::MAX] {
            let mut out = Vec::new();
            put_i128(&mut out, value);
            assert_eq!(Reader::new("test/1", &out).i128("x"), Ok(value));
        }
        let invalid = Err(DecodeError::Invalid { state: "test/1", field: "x" });
        assert_eq!(Reader::new("test/1", &[0x80, 0x00]).u64("x"), invalid);
        let mut too_large = vec![0xff; 18];
        too_large.push(0x04);
        assert_eq!(Reader::new("test/1", &too_large).u128("x").map(|_| 0), invalid);
    }
}
