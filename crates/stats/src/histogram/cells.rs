//! The cells of one histogram, packed: two or three bytes a cell instead of sixteen, read from front to back.
//!
//! A run holds a state for every observable and window, so their size is the memory of a run. The bytes are the only encoding of
//! their cells: equal bytes are equal cells, and digests and files hold them as they are.
//!
//! Layout, all integers LEB128 varints: number of cells; if there are any, number of observations, form, first position, step (if the
//! form has one and there are two cells), then per cell the distance to the cell before in steps, less one (0 for the first),
//! and its count. Positions are keys, or, for keys of a coarse float lattice (multiples of 2^shift, perhaps plus one),
//! `key / 2^shift` with the lowest bit appended. The form is that shift, 0 without, plus 128 where distances are too long for the
//! usual code: distance and "count above one" in one varint, the count less two in another if so.

use super::positions::Positions;
use super::ranks::Place;
use crate::divisor::Divisor;
use crate::state::{DecodeError, Reader, put_i64, put_u64};
use std::sync::Arc;

/// The form of keys without sticky bits, whose distances are divided by their greatest common divisor.
const STEPS: u8 = 0;
/// Added to a form whose distances and counts are varints of their own.
const WIDE: u8 = 0x80;
const SHIFT_MAX: u8 = 62;

/// Ascending keys with counts above zero, packed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cells(Arc<[u8]>);

/// Histograms that are merged by looking at the next cell of each.
const FEW: usize = 16;

/// Merges ascending cells of a few histograms.
fn merge_few(mut parts: Vec<Iter<'_>>, out: &mut Vec<(i64, u64)>) {
    let mut next: Vec<(i64, u64)> = parts.iter_mut().filter_map(Iterator::next).collect();
    // Every turn takes a cell from a part, or more, and a part without cells goes.
    while let Some(key) = next.iter().map(|&(key, _)| key).min() {
        let mut count = 0_u64;
        let mut i = 0;
        while i < next.len() {
            if next[i].0 == key {
                count = count.saturating_add(next[i].1);
                match parts[i].next() {
                    Some(cell) => next[i] = cell,
                    None => {
                        parts.swap_remove(i);
                        next.swap_remove(i);
                        continue;
                    }
                }
            }
            i += 1;
        }
        out.push((key, count));
    }
}

/// What stands before the cells.
#[derive(Debug, Clone, Copy)]
struct Head {
    n_cells: u64,
    count: u64,
    shift: u8,
    is_wide: bool,
    first: i64,
    step: u64,
}

impl Cells {
    /// Packs (key, count) of strictly ascending keys and counts above zero, at most 2^64 - 1 observations in all.
    #[must_use]
    pub fn pack(cells: &[(i64, u64)]) -> Self {
        let mut bytes = Vec::with_capacity(16 + 3 * cells.len());
        if !cells.is_empty() {
            pack(cells, &mut bytes);
        }
        Self(bytes.into())
    }

    /// Packs the sum of packed histograms.
    #[must_use]
    pub fn sum<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let parts: Vec<Iter<'a>> = parts.into_iter().filter(|part| !part.is_empty()).map(Self::iter).collect();
        let mut cells: Vec<(i64, u64)> = Vec::with_capacity(parts.iter().map(Iter::len).max().unwrap_or(0));
        if parts.len() <= FEW {
            merge_few(parts, &mut cells);
            return Self::pack(&cells);
        }
        for part in parts {
            cells.extend(part);
        }
        // The stable sort finds the ascending runs and merges them.
        cells.sort_by_key(|&(key, _)| key);
        cells.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 = kept.1.saturating_add(next.1);
            }
            same
        });
        Self::pack(&cells)
    }

    /// The canonical bytes; empty without cells.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Cells from their bytes.
    ///
    /// # Errors
    /// [`DecodeError`] for bytes that no cells have.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new("cells/1", bytes);
        if !bytes.is_empty() && check(&mut reader, |_, _| ())? == 0 {
            return Err(reader.invalid("number of cells"));
        }
        reader.finish()?;
        Ok(Self(bytes.into()))
    }

    /// True without observations.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The number of cells.
    #[must_use]
    pub fn len(&self) -> usize {
        self.head().map_or(0, |(head, _)| head.n_cells as usize)
    }

    /// The number of observations.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.head().map_or(0, |(head, _)| head.count)
    }

    /// The smallest key, and what the distances to it are multiples of: `(key, shift, step)`, see the module;
    /// step 0 of a single cell.
    pub(crate) fn grid(&self) -> Option<(i64, u8, u64)> {
        let (head, _) = self.head()?;
        let key = if head.shift == 0 { head.first } else { unpack(head.first, head.shift) };
        Some((key, head.shift, if head.n_cells > 1 { head.step } else { 0 }))
    }

    /// (key, count), ascending keys.
    #[inline]
    #[must_use]
    pub fn iter(&self) -> Iter<'_> {
        match self.head() {
            Some((head, rest)) => {
                Iter { rest, left: head.n_cells, position: head.first.wrapping_sub(head.step as i64), head }
            }
            None => Iter {
                rest: &[],
                left: 0,
                position: 0,
                head: Head { n_cells: 0, count: 0, shift: 0, is_wide: false, first: 0, step: 1 },
            },
        }
    }

    /// Hands out where each cell lies on a grid, with its count, ascending. No key lies below the first position.
    #[inline(always)]
    pub(super) fn visit_on(&self, positions: &Positions, mut visit: impl FnMut(Place, u64)) {
        let mut cells = self.iter();
        let Head { n_cells, shift, step, .. } = cells.head;
        let stride = match (n_cells, shift) {
            (1, _) => Some(0),
            (_, 0) => positions.stride(step),
            _ => positions.has_cells_of(shift).then_some(1),
        };
        // Cells lie in steps, and these in steps of the grid: positions come by adding.
        if let Some(stride) = stride
            && let Some(first) = positions.of(cells.key_at(cells.head.first))
        {
            let (mut position, end) = ((first as u64).wrapping_sub(stride), positions.end());
            while let Some((n_steps, count)) = cells.next_step() {
                position = position.wrapping_add(stride.wrapping_mul(n_steps));
                let place = match position < end {
                    true => Place::Near(position as usize),
                    false => Place::Far(cells.key_at(cells.position)),
                };
                visit(place, count);
            }
            return;
        }
        for (key, count) in cells {
            visit(positions.of(key).map_or(Place::Far(key), Place::Near), count);
        }
    }

    #[inline]
    fn head(&self) -> Option<(Head, &[u8])> {
        if self.0.is_empty() {
            return None;
        }
        let mut rest = &*self.0;
        let n_cells = take(&mut rest);
        let count = take(&mut rest);
        let (&form, mut rest) = rest.split_first()?;
        let (shift, is_wide) = (form & !WIDE, form & WIDE != 0);
        let first = unzigzag(take(&mut rest));
        let step = if shift == 0 && n_cells > 1 { take(&mut rest) } else { 1 };
        Some((Head { n_cells, count, shift, is_wide, first, step }, rest))
    }
}

impl<'a> IntoIterator for &'a Cells {
    type Item = (i64, u64);
    type IntoIter = Iter<'a>;

    fn into_iter(self) -> Iter<'a> {
        self.iter()
    }
}

/// The cells of a [`Cells`].
#[derive(Debug, Clone)]
pub struct Iter<'a> {
    rest: &'a [u8],
    left: u64,
    position: i64,
    head: Head,
}

impl Iter<'_> {
    /// Goes to the next cell; returns its steps from the one before, and its count.
    #[inline(always)]
    fn next_step(&mut self) -> Option<(u64, u64)> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let code = take(&mut self.rest);
        let (distance, count) = if self.head.is_wide {
            (code, take(&mut self.rest) + 1)
        } else if code & 1 == 0 {
            (code >> 1, 1)
        } else {
            (code >> 1, take(&mut self.rest) + 2)
        };
        // The position starts one step below the first cell, whose distance is 0, so that every distance counts from the cell before.
        let n_steps = distance.wrapping_add(1);
        self.position = self.position.wrapping_add(self.head.step.wrapping_mul(n_steps) as i64);
        Some((n_steps, count))
    }

    #[inline(always)]
    fn key_at(&self, position: i64) -> i64 {
        if self.head.shift == 0 { position } else { unpack(position, self.head.shift) }
    }
}

impl Iterator for Iter<'_> {
    type Item = (i64, u64);

    #[inline]
    fn next(&mut self) -> Option<(i64, u64)> {
        let (_, count) = self.next_step()?;
        Some((self.key_at(self.position), count))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left as usize, Some(self.left as usize))
    }
}

impl ExactSizeIterator for Iter<'_> {}

/// Appends what [`read`] reads: the packed cells, or a zero for none.
pub(super) fn encode(cells: &[(i64, u64)], out: &mut Vec<u8>) {
    if cells.is_empty() {
        put_u64(out, 0);
    } else {
        pack(cells, out);
    }
}

/// Reads packed cells off the front of `reader`.
///
/// # Errors
/// [`DecodeError`] for bytes that [`encode`] does not write.
pub(super) fn read(reader: &mut Reader<'_>) -> Result<Vec<(i64, u64)>, DecodeError> {
    let mut cells = Vec::new();
    let n_cells = check(reader, |n_cells, cell| {
        if cells.is_empty() {
            cells.reserve_exact(n_cells);
        }
        cells.push(cell);
    })?;
    debug_assert_eq!(n_cells, cells.len());
    Ok(cells)
}

/// Reads packed cells off the front of `reader`, and hands each out with their number; the number. There is one encoding only: a step is
/// the greatest divisor of the distances, a shift the largest there is, and a form is wide where a distance is too long for the other.
///
/// # Errors
/// [`DecodeError`] for bytes that [`encode`] does not write.
#[inline]
fn check(reader: &mut Reader<'_>, mut visit: impl FnMut(usize, (i64, u64))) -> Result<usize, DecodeError> {
    let n_cells = reader.length("cells", 1)?;
    if n_cells == 0 {
        return Ok(0);
    }
    let total = reader.u64("number of observations")?;
    let form = reader.u8("form")?;
    let (shift, is_wide) = (form & !WIDE, form & WIDE != 0);
    if shift == 1 || shift > SHIFT_MAX || (n_cells == 1 && form != 0) {
        return Err(reader.invalid("form"));
    }
    let first = reader.i64("first key")?;
    let step = if shift == STEPS && n_cells > 1 { reader.u64("step")? } else { 1 };
    if step == 0 {
        return Err(reader.invalid("step"));
    }
    let (mut position, mut last_key, mut counted) = (first, 0_i64, 0_u64);
    // Of the keys but their lowest bits; of the distances between positions, and between keys, in steps.
    let (mut used, mut longest, mut divisor) = (0_i64, 0_u64, Divisor::default());
    for i in 0..n_cells {
        let code = reader.u64("distance")?;
        let (distance, count) = match (is_wide, code & 1 == 0) {
            (true, _) => (code, reader.u64("count")?.checked_add(1)),
            (false, true) => (code >> 1, Some(1)),
            (false, false) => (code >> 1, reader.u64("count")?.checked_add(2)),
        };
        let count = count.ok_or_else(|| reader.invalid("count"))?;
        counted = counted.checked_add(count).ok_or_else(|| reader.invalid("count"))?;
        let mut n_steps = 0;
        if i > 0 {
            n_steps = distance.checked_add(1).ok_or_else(|| reader.invalid("distance"))?;
            let whole = n_steps.checked_mul(step).ok_or_else(|| reader.invalid("key"))?;
            position = position.checked_add_unsigned(whole).ok_or_else(|| reader.invalid("key"))?;
            longest = longest.max(whole);
        } else if distance != 0 {
            return Err(reader.invalid("distance"));
        }
        let key = if shift == 0 { Some(position) } else { checked_unpack(position, shift) };
        let key = key.ok_or_else(|| reader.invalid("key"))?;
        if i > 0 && divisor.value() != 1 {
            divisor = divisor.gcd(if shift == 0 { n_steps } else { key.wrapping_sub(last_key) as u64 });
        }
        used |= key & !1;
        last_key = key;
        visit(n_cells, (key, count));
    }
    if counted != total {
        return Err(reader.invalid("number of observations"));
    }
    // Keys that have a divisor are told in steps of it, others by as many low bits as none of them uses.
    let is_shift = (shift == 0 && step > 1) || n_cells == 1 || shift == shift_of(used);
    let is_step = n_cells == 1 || divisor.value() == 1;
    let is_form = is_wide == (step == 1 && longest.leading_zeros() == 0);
    if is_shift && is_step && is_form { Ok(n_cells) } else { Err(reader.invalid("cells")) }
}

fn pack(cells: &[(i64, u64)], out: &mut Vec<u8>) {
    debug_assert!(cells.windows(2).all(|pair| pair[0].0 < pair[1].0), "keys ascend");
    let Some(&(first, _)) = cells.first() else { return };
    let (total, divisor) = total_and_divisor(cells);
    let shift = if divisor == 1 { common_shift(cells) } else { 0 };
    let step = if shift == 0 { divisor.max(1) } else { 1 };
    let position = |key: i64| if shift == 0 { key } else { ((key >> shift) << 1) | (key & 1) };
    let steps = Divisor::new(step);
    let distance = |pair: &[(i64, u64)]| position(pair[1].0).wrapping_sub(position(pair[0].0)) as u64;
    // Only a distance of 64 bits is too long; nearly no state has one.
    let is_long = step == 1 && cells.last().is_some_and(|&(last, _)| last.wrapping_sub(first) < 0);
    let is_wide = is_long && cells.windows(2).any(|pair| distance(pair).leading_zeros() == 0);
    put_u64(out, cells.len() as u64);
    put_u64(out, total);
    out.push(shift | if is_wide { WIDE } else { 0 });
    put_i64(out, position(first));
    if shift == 0 && cells.len() > 1 {
        put_u64(out, step);
    }
    let distances = Distances { shift, steps };
    if is_wide { distances.put_wide(cells, out) } else { distances.put(cells, out) }
}

/// How far a cell is from the one before.
struct Distances {
    shift: u8,
    steps: Divisor,
}

impl Distances {
    #[inline]
    fn position(&self, key: i64) -> i64 {
        if self.shift == 0 { key } else { ((key >> self.shift) << 1) | (key & 1) }
    }

    /// In steps, less one.
    #[inline]
    fn of(&self, key: i64, last: i64) -> u64 {
        self.steps.quotient(self.position(key).wrapping_sub(self.position(last)) as u64).wrapping_sub(1)
    }

    fn put_wide(&self, cells: &[(i64, u64)], out: &mut Vec<u8>) {
        let mut last = None;
        for &(key, count) in cells {
            put_u64(out, last.map_or(0, |last| self.of(key, last)));
            put_u64(out, count - 1);
            last = Some(key);
        }
    }

    /// Most cells are a byte or two: both are written, and the second is written over where the count is one.
    fn put(&self, cells: &[(i64, u64)], out: &mut Vec<u8>) {
        let mut last = cells.first().map_or(0, |&(first, _)| first);
        let mut is_first = true;
        let mut bytes = [0_u8; BLOCK * LONGEST];
        for block in cells.chunks(BLOCK) {
            let mut n = 0;
            for &(key, count) in block {
                debug_assert!(count > 0, "counts are above zero");
                let distance = if std::mem::take(&mut is_first) { 0 } else { self.of(key, last) };
                last = key;
                let is_more = u64::from(count > 1);
                let (code, more) = (distance << 1 | is_more, count.wrapping_sub(2).wrapping_mul(is_more));
                if code | more < 0x80 {
                    bytes[n] = code as u8;
                    bytes[n + 1] = more as u8;
                    n += 1 + is_more as usize;
                    continue;
                }
                put_varint(&mut bytes, &mut n, code);
                if count > 1 {
                    put_varint(&mut bytes, &mut n, more);
                }
            }
            out.extend_from_slice(&bytes[..n]);
        }
    }
}

/// Cells that are packed before their bytes are appended.
const BLOCK: usize = 64;
/// Two varints of 64 bits.
const LONGEST: usize = 20;

/// Writes a varint at `n`, which moves behind it.
#[inline]
fn put_varint(bytes: &mut [u8; BLOCK * LONGEST], n: &mut usize, mut value: u64) {
    while value >= 0x80 {
        bytes[*n] = (value & 0x7f) as u8 | 0x80;
        *n += 1;
        value >>= 7;
    }
    bytes[*n] = value as u8;
    *n += 1;
}

/// The number of observations, and the greatest common divisor of the distances between neighbours, 0 for a single cell.
fn total_and_divisor(cells: &[(i64, u64)]) -> (u64, u64) {
    let Some((&(first, count), rest)) = cells.split_first() else { return (0, 0) };
    let (mut total, mut last) = (count, first);
    let (mut used, mut least) = (0, u64::MAX);
    for &(key, count) in rest {
        let distance = key.wrapping_sub(last) as u64;
        used |= distance;
        least = least.min(distance);
        total = total.saturating_add(count);
        last = key;
    }
    // A power of two that divides all and is one of them: float lattices.
    let is_power = used != 0 && used & used.wrapping_neg() == least;
    (total, if is_power { least } else { common_divisor(cells) })
}

/// The greatest common divisor of the distances between neighbours; 0 for a single cell.
fn common_divisor(cells: &[(i64, u64)]) -> u64 {
    let mut divisor = Divisor::default();
    for pair in cells.windows(2) {
        divisor = divisor.gcd(pair[1].0.wrapping_sub(pair[0].0) as u64);
        if divisor.value() == 1 {
            break;
        }
    }
    divisor.value()
}

/// The largest s in 0..=62 such that every key is a multiple of 2^s, or (for s > 0) one more than a multiple.
fn common_shift(cells: &[(i64, u64)]) -> u8 {
    shift_of(cells.iter().fold(0_i64, |used, &(key, _)| used | (key & !1)))
}

/// The same from the bits above the lowest that keys use.
fn shift_of(used: i64) -> u8 {
    let shift = used.trailing_zeros().min(u32::from(SHIFT_MAX)) as u8;
    // A shift of one packs nothing.
    if shift <= 1 { 0 } else { shift }
}

#[inline]
fn unpack(position: i64, shift: u8) -> i64 {
    ((position >> 1) << shift) | (position & 1)
}

fn checked_unpack(position: i64, shift: u8) -> Option<i64> {
    let cell = position >> 1;
    let key = cell << shift;
    (key >> shift == cell).then_some(key | (position & 1))
}

#[inline]
fn unzigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

/// A varint off the front of bytes that we wrote; 0 where there are none.
#[inline]
pub(crate) fn take(bytes: &mut &[u8]) -> u64 {
    let Some((&first, rest)) = bytes.split_first() else { return 0 };
    *bytes = rest;
    if first < 0x80 { u64::from(first) } else { take_long(u64::from(first & 0x7f), bytes) }
}

#[inline]
fn take_long(mut value: u64, bytes: &mut &[u8]) -> u64 {
    for shift in (7..64).step_by(7) {
        let Some((&byte, rest)) = bytes.split_first() else { return value };
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
    }
    value
}

#[cfg(test)]
mod tests;
