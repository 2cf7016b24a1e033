//! Counters for the keys of a window, in pages that are found through a directory. No allocation per value.
//!
//! Keys of an observable mostly lie on a grid, multiples of a step or cells of a coarse float lattice, and near each other. Once the grid
//! is known a key becomes a position by a subtraction and a multiplication, which also tell whether it lies on the grid.

use super::merge_cells;
use super::positions::Positions;
use crate::divisor::Divisor;

/// Counters of a page, and bits of its bitmap.
const PAGE: usize = 512;
const PAGE_WORDS: usize = PAGE / 64;
/// Pages addressed by the directory; a float lattice of 10 bits has 2^23 keys in all and always fits.
const DIRECTORY: usize = 1 << 14;
const POSITIONS: u64 = (DIRECTORY * PAGE) as u64;
/// Pages that may be in use at once (512 KiB of counters, which a level-2 cache holds).
const PAGES_MAX: usize = 512;
/// Keys for every page in use below which sorting them is as fast: opening, reading and clearing a page takes as long as sorting so many.
const KEYS_PER_PAGE: usize = 6;
/// From this many keys on it is tried how many pages they need; of fewer the range decides.
const TRY_FROM: usize = 2048;
/// Largest shift of a sticky grid: all of its keys are equal but for the lowest bit.
const SHIFT_MAX: u32 = 62;
/// Keys counted before the counters, of 16 bits, are emptied.
const COUNTED_MAX: usize = u16::MAX as usize;

/// A grid that all of `keys` lie on, they in its middle; `None` when there is none that the directory covers, or they are too few for it.
fn grid_of(keys: &[i64]) -> Option<Positions> {
    let first = *keys.first()?;
    let (mut min, mut max, mut used) = (first, first, 0_i64);
    for &key in keys {
        min = min.min(key);
        max = max.max(key);
        // Bits in which keys differ from the first; equal low bits are what can be shifted out.
        used |= key ^ first;
    }
    // Only bits that are equal in all keys may be shifted out.
    let is_sticky = used & 1 == 1 && used & 2 == 0;
    let (min, step) = match is_sticky {
        true => (min & !1, 1 << (used & !1).trailing_zeros().min(SHIFT_MAX)),
        false => (min, step(keys, min)),
    };
    let most = POSITIONS >> u32::from(is_sticky);
    let last = max.wrapping_sub(min) as u64 / step;
    if last >= most {
        return None;
    }
    let n_pages = ((last + 1) << u32::from(is_sticky)) as usize / PAGE;
    if keys.len() < TRY_FROM.min(n_pages * KEYS_PER_PAGE) {
        return None;
    }
    // What the directory can cover and the keys do not need is left on both sides, as far as numbers go.
    let before = ((most - last - 1) / 2).min(min.wrapping_sub(i64::MIN) as u64 / step);
    Some(Positions::new(min.wrapping_sub((before * step) as i64), step, is_sticky, POSITIONS))
}

/// What all distances from the smallest key are multiples of; at least 1.
fn step(keys: &[i64], min: i64) -> u64 {
    let mut step = Divisor::default();
    for &key in keys {
        step = step.gcd(key.wrapping_sub(min) as u64);
        if step.value() == 1 {
            break;
        }
    }
    step.value().max(1)
}

/// Paged counters over a grid.
#[derive(Debug, Clone, Default)]
pub(super) struct Pages {
    grid: Option<Positions>,
    /// One more than the slot of each page, or 0; allocated with the first use.
    directory: Vec<u16>,
    /// Pages in use, by slot.
    in_use: Vec<u16>,
    /// Page slots in a row; all zero but those in use.
    counters: Vec<u16>,
    /// A bit per counter in use.
    touched: Vec<u64>,
    n_counted: usize,
}

impl Pages {
    /// Whether there is a grid, so that keys can be counted.
    #[inline]
    pub(super) fn has_grid(&self) -> bool {
        self.grid.is_some()
    }

    /// Keys counted since the last [`Self::empty_into`].
    pub(super) fn n_counted(&self) -> usize {
        self.n_counted
    }

    /// Takes the grid of these keys; without one they had better be sorted. Counters must be empty.
    pub(super) fn fit(&mut self, keys: &[i64]) -> bool {
        debug_assert!(self.in_use.is_empty(), "counters belong to the grid they were counted on");
        self.grid = grid_of(keys);
        if self.directory.is_empty() && self.grid.is_some() {
            self.directory = vec![0; DIRECTORY];
        }
        self.grid.is_some()
    }

    /// Gives the grid up. Counters must be empty.
    pub(super) fn forget_grid(&mut self) {
        debug_assert!(self.in_use.is_empty(), "counters belong to the grid they were counted on");
        self.grid = None;
    }

    /// Whether the pages in use hold so few keys that sorting them had been as fast.
    pub(super) fn is_scattered(&self) -> bool {
        self.in_use.len() * KEYS_PER_PAGE > self.n_counted + KEYS_PER_PAGE
    }

    /// Counts `keys`; those that are not on the grid, or would need too many pages, go to `others`. Where the counters must be emptied
    /// before, their runs are merged into `runs`.
    pub(super) fn count(&mut self, keys: &[i64], others: &mut Vec<i64>, runs: &mut Vec<(i64, u64)>) {
        let mut rest = keys;
        while !rest.is_empty() {
            if self.n_counted >= COUNTED_MAX {
                self.empty_into(runs);
            }
            let (now, later) = rest.split_at(rest.len().min(COUNTED_MAX - self.n_counted));
            self.count_some(now, others);
            rest = later;
        }
    }

    fn count_some(&mut self, keys: &[i64], others: &mut Vec<i64>) {
        let Some(grid) = self.grid else {
            others.extend_from_slice(keys);
            return;
        };
        let n_others = others.len();
        for &key in keys {
            let position = grid.of(key).unwrap_or(usize::MAX);
            let (page, offset) = (position / PAGE, position % PAGE);
            let slot = match self.directory.get(page) {
                Some(0) => self.open(page),
                Some(&slot) => usize::from(slot),
                None => 0,
            };
            let Some(slot) = slot.checked_sub(1) else {
                others.push(key);
                continue;
            };
            // Whether the counter was in use is not asked: nobody can foresee the answer.
            self.touched[slot * PAGE_WORDS + offset / 64] |= 1 << (offset % 64);
            self.counters[slot * PAGE + offset] += 1;
        }
        self.n_counted += keys.len() - (others.len() - n_others);
    }

    /// Takes the next free slot for a page; one more than it, or 0 if there is none.
    #[cold]
    fn open(&mut self, page: usize) -> usize {
        let slot = self.in_use.len();
        if slot == PAGES_MAX {
            return 0;
        }
        if self.counters.len() <= slot * PAGE {
            self.counters.resize((slot + 1) * PAGE, 0);
            self.touched.resize((slot + 1) * PAGE_WORDS, 0);
        }
        self.directory[page] = slot as u16 + 1;
        self.in_use.push(page as u16);
        slot + 1
    }

    /// Merges the runs of what was counted into `runs`, ascending, and starts anew on the same grid.
    pub(super) fn empty_into(&mut self, runs: &mut Vec<(i64, u64)>) {
        self.n_counted = 0;
        let Some(grid) = self.grid.filter(|_| !self.in_use.is_empty()) else { return };
        let mut later = Vec::new();
        let out = if runs.is_empty() { &mut *runs } else { &mut later };
        self.in_use.sort_unstable();
        for page in self.in_use.drain(..) {
            let page = usize::from(page);
            let slot = usize::from(std::mem::take(&mut self.directory[page])) - 1;
            let counters = &mut self.counters[slot * PAGE..][..PAGE];
            for (word, bits) in self.touched[slot * PAGE_WORDS..][..PAGE_WORDS].iter_mut().enumerate() {
                let mut bits = std::mem::take(bits);
                while bits != 0 {
                    let offset = word * 64 + bits.trailing_zeros() as usize;
                    bits &= bits - 1;
                    let count = std::mem::take(&mut counters[offset]);
                    out.push((grid.key(page * PAGE + offset), u64::from(count)));
                }
            }
        }
        if !later.is_empty() {
            merge_cells(runs, &later);
        }
    }
}
