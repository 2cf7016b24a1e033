//! Values as they stand in a page: numbers, short texts that are codes, long texts.

use bytes::Bytes;

use super::column::Values;
use super::{Sure, Unsure};
use crate::decimal;
use crate::parquet::values::{BAD, NULL};

/// How numbers stand in a page, and what becomes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Physical {
    /// Integers of 8 bytes, as they are.
    Long,
    /// Integers of 8 bytes with that many digits after the point, in units of 10^-8.
    LongDecimal(i8),
    /// The same of 4 bytes.
    IntDecimal(i8),
    /// Binary floats of 8 bytes, in units of 10^-8.
    Double,
    /// Big-endian integers of 1 to 16 bytes with that many digits after the point, in units of 10^-8.
    Fixed(usize, i8),
}

/// Numbers, with [`NULL`] for null and [`BAD`] for what has no exact form.
pub(super) struct Numbers {
    physical: Physical,
    dictionary: Vec<i64>,
    pub(super) out: Vec<i64>,
    /// Nulls among `out`.
    pub(super) nulls: usize,
}

impl Numbers {
    pub(super) fn new(physical: Physical) -> Self {
        Self { physical, dictionary: Vec::new(), out: Vec::new(), nulls: 0 }
    }

    /// The values collected, in order.
    pub(super) fn take(&mut self) -> Vec<i64> {
        self.nulls = 0;
        let room = Vec::with_capacity(self.out.len());
        std::mem::replace(&mut self.out, room)
    }
}

fn part(page: &[u8], at: usize, n: usize, size: usize) -> Sure<(&[u8], usize)> {
    let end = n.checked_mul(size).and_then(|len| at.checked_add(len)).ok_or(Unsure)?;
    Ok((page.get(at..end).ok_or(Unsure)?, end))
}

fn longs(bytes: &[u8]) -> impl ExactSizeIterator<Item = i64> {
    bytes.as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b))
}

/// Appends `n` values from byte `at` on; the byte after them.
fn numbers(physical: Physical, page: &[u8], at: usize, n: usize, out: &mut Vec<i64>) -> Sure<usize> {
    let scaled = |v: i128, scale| decimal::from_scaled(v, scale).unwrap_or(BAD);
    match physical {
        Physical::Long => {
            let (bytes, end) = part(page, at, n, 8)?;
            out.extend(longs(bytes));
            Ok(end)
        }
        Physical::LongDecimal(scale) => {
            let (bytes, end) = part(page, at, n, 8)?;
            out.extend(longs(bytes).map(|v| scaled(i128::from(v), scale)));
            Ok(end)
        }
        Physical::IntDecimal(scale) => {
            let (bytes, end) = part(page, at, n, 4)?;
            let values = bytes.as_chunks::<4>().0.iter().map(|b| i32::from_le_bytes(*b));
            out.extend(values.map(|v| scaled(i128::from(v), scale)));
            Ok(end)
        }
        Physical::Double => {
            let (bytes, end) = part(page, at, n, 8)?;
            let values = bytes.as_chunks::<8>().0.iter().map(|b| f64::from_le_bytes(*b));
            out.extend(values.map(|v| decimal::from_f64(v).unwrap_or(BAD)));
            Ok(end)
        }
        Physical::Fixed(16, 18) => {
            let (bytes, end) = part(page, at, n, 16)?;
            let values = bytes.as_chunks::<16>().0.iter().map(|b| i128::from_be_bytes(*b));
            out.extend(values.map(|v| decimal::from_scale_18(v).unwrap_or(BAD)));
            Ok(end)
        }
        Physical::Fixed(size @ 1..=16, scale) => {
            let (bytes, end) = part(page, at, n, size)?;
            out.extend(bytes.chunks_exact(size).map(|b| scaled(big_endian(b), scale)));
            Ok(end)
        }
        Physical::Fixed(..) => Err(Unsure),
    }
}

/// A signed number of at most 16 bytes.
fn big_endian(bytes: &[u8]) -> i128 {
    let sign = if bytes.first().is_some_and(|b| b & 128 != 0) { -1 } else { 0 };
    bytes.iter().fold(sign, |v, b| v << 8 | i128::from(*b))
}

impl Values for Numbers {
    #[inline]
    fn nulls(&mut self, n: usize) {
        self.nulls += n;
        self.out.resize(self.out.len() + n, NULL);
    }

    #[inline]
    fn plain(&mut self, page: &Bytes, at: usize, n: usize) -> Sure<usize> {
        numbers(self.physical, page, at, n, &mut self.out)
    }

    fn dictionary(&mut self, page: &Bytes, n: usize) -> Sure<()> {
        self.dictionary.clear();
        numbers(self.physical, page, 0, n, &mut self.dictionary)?;
        Ok(())
    }

    #[inline]
    fn same(&mut self, index: u32, n: usize) -> Sure<()> {
        let value = *self.dictionary.get(index as usize).ok_or(Unsure)?;
        self.out.resize(self.out.len() + n, value);
        Ok(())
    }

    #[inline]
    fn indexed(&mut self, indices: &[u32]) -> Sure<()> {
        gather(&self.dictionary, indices, &mut self.out)
    }
}

fn gather<T: Copy>(dictionary: &[T], indices: &[u32], out: &mut Vec<T>) -> Sure<()> {
    for &index in indices {
        out.push(*dictionary.get(index as usize).ok_or(Unsure)?);
    }
    Ok(())
}

/// The text whose length stands at byte `at`, and the byte after it.
fn text(page: &[u8], at: usize) -> Sure<(&[u8], usize)> {
    let rest = page.get(at..).ok_or(Unsure)?;
    let (len, rest) = rest.split_first_chunk::<4>().ok_or(Unsure)?;
    let len = u32::from_le_bytes(*len) as usize;
    Ok((rest.get(..len).ok_or(Unsure)?, at + 4 + len))
}

/// A text seen last, with its length before it, as one number.
#[derive(Debug, Clone, Copy, Default)]
struct Pattern {
    bytes: u128,
    mask: u128,
    size: usize,
}

impl Pattern {
    /// Of the text at byte `at`; none if it is long.
    fn of(page: &[u8], at: usize, end: usize) -> Self {
        let size = end - at;
        match page.get(at..).and_then(|b| b.first_chunk::<16>()) {
            Some(bytes) if size <= 16 => {
                let mask = u128::MAX >> (128 - 8 * size);
                Self { bytes: u128::from_le_bytes(*bytes) & mask, mask, size }
            }
            _ => Self::default(),
        }
    }

    /// How many times it stands at byte `at`, at most `max` times.
    #[inline]
    fn count(&self, page: &[u8], at: usize, max: usize) -> usize {
        let Self { bytes, mask, size } = *self;
        let mut rest = page.get(at..).unwrap_or_default();
        let mut n = 0;
        while n < max
            && let Some(next) = rest.first_chunk::<16>()
            && u128::from_le_bytes(*next) & mask == bytes
        {
            n += 1;
            rest = &rest[size..];
        }
        n
    }
}

/// Texts that stand for something.
pub(super) struct Codes<T> {
    /// What a text stands for; texts that are none are no business of ours.
    read: fn(&str) -> T,
    null: T,
    last: (Pattern, T),
    dictionary: Vec<T>,
    pub(super) out: Vec<T>,
}

impl<T: Copy> Codes<T> {
    pub(super) fn new(null: T, read: fn(&str) -> T) -> Self {
        Self { read, null, last: (Pattern::default(), null), dictionary: Vec::new(), out: Vec::new() }
    }

    pub(super) fn take(&mut self) -> Vec<T> {
        let room = Vec::with_capacity(self.out.len());
        std::mem::replace(&mut self.out, room)
    }

    fn code(&self, text: &[u8]) -> Sure<T> {
        Ok((self.read)(std::str::from_utf8(text).map_err(|_| Unsure)?))
    }
}

impl<T: Copy> Values for Codes<T> {
    #[inline]
    fn nulls(&mut self, n: usize) {
        self.out.resize(self.out.len() + n, self.null);
    }

    #[inline]
    fn plain(&mut self, page: &Bytes, mut at: usize, mut n: usize) -> Sure<usize> {
        // Bounded: every turn takes a value.
        while n > 0 {
            let (pattern, code) = self.last;
            let k = if pattern.size == 0 { 0 } else { pattern.count(page, at, n) };
            self.out.resize(self.out.len() + k, code);
            at += k * pattern.size;
            n -= k;
            if n > 0 {
                let (text, end) = text(page, at)?;
                let code = self.code(text)?;
                self.last = (Pattern::of(page, at, end), code);
                self.out.push(code);
                (at, n) = (end, n - 1);
            }
        }
        Ok(at)
    }

    fn dictionary(&mut self, page: &Bytes, n: usize) -> Sure<()> {
        self.dictionary.clear();
        let mut at = 0;
        for _ in 0..n {
            let (text, end) = text(page, at)?;
            self.dictionary.push(self.code(text)?);
            at = end;
        }
        Ok(())
    }

    #[inline]
    fn same(&mut self, index: u32, n: usize) -> Sure<()> {
        let code = *self.dictionary.get(index as usize).ok_or(Unsure)?;
        self.out.resize(self.out.len() + n, code);
        Ok(())
    }

    #[inline]
    fn indexed(&mut self, indices: &[u32]) -> Sure<()> {
        gather(&self.dictionary, indices, &mut self.out)
    }
}

/// Texts of a column that is mostly null: the rows that have one.
#[derive(Default)]
pub(super) struct Texts {
    dictionary: Vec<Bytes>,
    rows: usize,
    out: Vec<(usize, Bytes)>,
}

impl Texts {
    /// Row, from 0, and text of those that have one.
    pub(super) fn take(&mut self) -> Vec<(usize, Bytes)> {
        self.rows = 0;
        std::mem::take(&mut self.out)
    }

    fn push(&mut self, text: Bytes) {
        self.out.push((self.rows, text));
        self.rows += 1;
    }
}

/// The text at byte `at` without copying it.
fn slice(page: &Bytes, at: usize) -> Sure<(Bytes, usize)> {
    let (text, end) = text(page, at)?;
    std::str::from_utf8(text).map_err(|_| Unsure)?;
    Ok((page.slice(at + 4..end), end))
}

impl Values for Texts {
    fn nulls(&mut self, n: usize) {
        self.rows += n;
    }

    fn plain(&mut self, page: &Bytes, mut at: usize, n: usize) -> Sure<usize> {
        for _ in 0..n {
            let (text, end) = slice(page, at)?;
            self.push(text);
            at = end;
        }
        Ok(at)
    }

    fn dictionary(&mut self, page: &Bytes, n: usize) -> Sure<()> {
        self.dictionary.clear();
        let mut at = 0;
        for _ in 0..n {
            let (text, end) = slice(page, at)?;
            self.dictionary.push(text);
            at = end;
        }
        Ok(())
    }

    fn same(&mut self, index: u32, n: usize) -> Sure<()> {
        for _ in 0..n {
            self.indexed(&[index])?;
        }
        Ok(())
    }

    fn indexed(&mut self, indices: &[u32]) -> Sure<()> {
        for &index in indices {
            let text = self.dictionary.get(index as usize).ok_or(Unsure)?.clone();
            self.push(text);
        }
        Ok(())
    }
}
