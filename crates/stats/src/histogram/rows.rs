//! Many packed histograms as rows over one list of keys, unpacked once.

use fearless_simd::{Level, dispatch};

use super::cells::Cells;
use super::ranks::{Marks, Place, Ranks};

/// Sparse rows, one for each histogram; columns are indices into the sorted union of the keys of all.
///
/// A cell is a word: the distance to the column before, less one, in the lower half, the count less one in the upper one. A
/// cell for which that is too narrow is [`WIDE`] and three words: column, lower and upper half of the count.
///
/// While the union is not known, rows are drafts: positions on a grid stand in place of columns, and after [`WIDE`] a key that has no
/// position is [`FAR`] and four words, the halves of key and count. Columns are at most as far apart as positions, so that a draft is
/// made a row where it lies.
#[derive(Debug, Clone)]
pub(crate) struct Rows {
    starts: Vec<usize>,
    words: Vec<u32>,
}

const WIDE: u32 = u32::MAX;
const FAR: u32 = u32::MAX;
const HALF: u64 = 0xffff;

impl Rows {
    /// The sorted keys of all histograms of some sides, and the rows of each side.
    pub(crate) fn of<'a, const SIDES: usize>(
        sides: [impl Iterator<Item = &'a Cells> + Clone; SIDES],
    ) -> (Vec<i64>, [Self; SIDES]) {
        // A rank counts bits, for which machines have an instruction that not all have.
        dispatch!(Level::new(), _ => Self::build(sides))
    }

    #[inline(always)]
    fn build<'a, const SIDES: usize>(
        sides: [impl Iterator<Item = &'a Cells> + Clone; SIDES],
    ) -> (Vec<i64>, [Self; SIDES]) {
        let mut marks = Marks::on_grid_of(sides.iter().flat_map(Clone::clone));
        let mut rows = sides.map(|side| Self::draft(side, &mut marks));
        let ranks = marks.ranks();
        for rows in &mut rows {
            rows.settle(&ranks);
        }
        (ranks.into_keys(), rows)
    }

    #[inline(always)]
    fn draft<'a>(histograms: impl Iterator<Item = &'a Cells> + Clone, marks: &mut Marks) -> Self {
        let n_cells = histograms.clone().map(Cells::len).sum();
        let mut draft = Self { starts: vec![0], words: Vec::with_capacity(n_cells) };
        for cells in histograms {
            let mut next = 0;
            marks.visit(cells, |place, count| match place {
                Place::Near(position) => next = draft.push(next, position, count),
                Place::Far(key) => {
                    let (low, high) = halves(key as u64);
                    let (n_low, n_high) = halves(count);
                    draft.words.extend([WIDE, FAR, low, high, n_low, n_high]);
                }
            });
            draft.starts.push(draft.words.len());
        }
        draft
    }

    /// Adds a cell, `next` being the number after the column (or position) before; returns the one after its own.
    #[inline(always)]
    fn push(&mut self, next: usize, column: usize, count: u64) -> usize {
        match narrow(next, column, count) {
            Some(word) => self.words.push(word),
            None => self.words.extend(wide(column, count)),
        }
        column + 1
    }

    /// Makes rows of drafts.
    #[inline(always)]
    fn settle(&mut self, ranks: &Ranks) {
        let Self { starts, words } = self;
        // What is read lies at or behind what is written.
        let (mut read, mut write) = (0, 0);
        for start in starts.iter_mut().skip(1) {
            let end = *start;
            let (mut next_position, mut next) = (0, 0);
            while let Some(&word) = words.get(read).filter(|_| read < end) {
                let (column, count) = if word != WIDE {
                    read += 1;
                    let position = next_position + (word & 0xffff) as usize;
                    next_position = position + 1;
                    (ranks.of_near(position), u64::from(word >> 16) + 1)
                } else if let Some(&[_, position, low, high]) = words.get(read..read + 4).filter(|w| w[1] != FAR) {
                    read += 4;
                    next_position = position as usize + 1;
                    (ranks.of_near(position as usize), whole(low, high))
                } else if let Some(&[_, _, low, high, n_low, n_high]) = words.get(read..read + 6) {
                    read += 6;
                    (ranks.of_far(whole(low, high) as i64), whole(n_low, n_high))
                } else {
                    break;
                };
                // Keys ascend, and so do their columns.
                match narrow(next, column, count) {
                    Some(word) => {
                        words[write] = word;
                        write += 1;
                    }
                    None => {
                        words[write..write + 4].copy_from_slice(&wide(column, count));
                        write += 4;
                    }
                }
                next = column + 1;
            }
            *start = write;
        }
        words.truncate(write);
        // Drafts of far keys are several times as long.
        words.shrink_to_fit();
    }

    /// The number of histograms.
    pub(crate) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// The non-empty cells of histogram `i`: (column, count), by column.
    #[inline(always)]
    pub(crate) fn cells(&self, i: usize) -> impl Iterator<Item = (usize, u64)> + '_ {
        let mut words = self.words[self.starts[i]..self.starts[i + 1]].iter().copied();
        let mut next = 0;
        core::iter::from_fn(move || {
            let word = words.next()?;
            let (column, count) = if word == WIDE {
                let (column, low, high) = (words.next()?, words.next()?, words.next()?);
                (column as usize, whole(low, high))
            } else {
                (next + (word & 0xffff) as usize, u64::from(word >> 16) + 1)
            };
            next = column + 1;
            Some((column, count))
        })
    }
}

/// The word of a cell, counts being above zero; none where it is too narrow.
#[inline(always)]
fn narrow(next: usize, column: usize, count: u64) -> Option<u32> {
    let (distance, more) = (column as u64 - next as u64, count - 1);
    (distance <= HALF && more < HALF).then_some(distance as u32 | (more as u32) << 16)
}

#[inline(always)]
fn wide(column: usize, count: u64) -> [u32; 4] {
    let (low, high) = halves(count);
    [WIDE, column as u32, low, high]
}

#[inline(always)]
fn halves(value: u64) -> (u32, u32) {
    (value as u32, (value >> 32) as u32)
}

#[inline(always)]
fn whole(low: u32, high: u32) -> u64 {
    u64::from(low) | u64::from(high) << 32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn histogram() -> impl Strategy<Value = BTreeMap<i64, u64>> {
        let key = prop_oneof![
            4 => -90_i64..90,
            3 => (-300_i64..300).prop_map(|k| k * 7_000),
            2 => (-50_i64..50, 0_i64..2).prop_map(|(k, open)| k << 40 | open),
            1 => any::<i64>(),
        ];
        let count = prop_oneof![6 => 1_u64..5, 1 => 65_530_u64..65_540, 1 => 1_u64..1 << 40];
        proptest::collection::btree_map(key, count, 0..30)
    }

    proptest! {
        #[test]
        fn rows_hold_the_cells(
            golden in proptest::collection::vec(histogram(), 0..5),
            candidate in proptest::collection::vec(histogram(), 0..5),
        ) {
            let pack = |side: &[BTreeMap<i64, u64>]| -> Vec<Cells> {
                side.iter().map(|cells| Cells::pack(&cells.iter().map(|(k, n)| (*k, *n)).collect::<Vec<_>>())).collect()
            };
            let packed = [pack(&golden), pack(&candidate)];
            let (keys, rows) = Rows::of(packed.each_ref().map(|side| side.iter()));
            let all: BTreeSet<i64> = golden.iter().chain(&candidate).flat_map(BTreeMap::keys).copied().collect();
            prop_assert_eq!(&keys, &all.into_iter().collect::<Vec<_>>());
            for (rows, side) in rows.iter().zip([golden, candidate]) {
                prop_assert_eq!(rows.len(), side.len());
                for (i, cells) in side.into_iter().enumerate() {
                    let found: Vec<(i64, u64)> = rows.cells(i).map(|(column, count)| (keys[column], count)).collect();
                    prop_assert_eq!(found, cells.into_iter().collect::<Vec<_>>());
                }
            }
        }
    }

    #[test]
    fn columns_far_apart_are_told_too() {
        let many: Vec<(i64, u64)> = (0..140_000).map(|key| (key, 1)).collect();
        let few = [(0, 1), (65_536, 2), (131_073, 1 << 16), (139_999, 3)];
        let packed = [Cells::pack(&many), Cells::pack(&few)];
        let (keys, [rows]) = Rows::of([packed.iter()]);
        assert_eq!(keys.len(), many.len());
        let found: Vec<(i64, u64)> = rows.cells(1).map(|(column, count)| (keys[column], count)).collect();
        assert_eq!(found, few);
    }
}
