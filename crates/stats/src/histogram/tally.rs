//! The hot accumulator of one window: keys in, packed cells out, no allocation per value.

use super::Cells;
use crate::divisor::Divisor;

/// Keys buffered before they are counted: 128 KiB, and the most that one pass sees; counters hold more.
const CHUNK: usize = 16_384;
/// Counters of a page, and bits of its bitmap.
const PAGE: usize = 512;
const PAGE_WORDS: usize = PAGE / 64;
/// Pages addressed by the directory; a float lattice of 10 bits has 2^23 keys in all and always fits.
const DIRECTORY: usize = 1 << 14;
/// Pages that may be in use at once (1 MiB of counters, the size of a level-2 cache); scattered keys are sorted instead.
const PAGES_MAX: usize = 512;
/// Below this many keys sorting is at least as fast as paging.
const SORT_BELOW: usize = 48;
/// Up to this many keys sorting is as fast when they are scattered over more than [`SCATTERED`] counters a key.
const SORT_SCATTERED_BELOW: usize = 256;
const SCATTERED: usize = 32;
const NO_PAGE: u16 = u16::MAX;

/// Counts the keys of one window, then hands them out as sorted (key, count) runs.
///
/// Keys are buffered; a full buffer is counted in pages of counters that are found through a directory over the occupied
/// range and whose touched entries are marked in bitmaps, so that counting, handing out and clearing cost a few
/// nanoseconds a value. Keys too scattered for that are sorted. Memory stays below 2 MiB beside the runs.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    buffer: Vec<i64>,
    runs: Vec<(i64, u64)>,
    pages: Pages,
}

impl Tally {
    /// Nothing counted.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts one key.
    #[inline]
    pub fn push(&mut self, key: i64) {
        if self.buffer.len() == CHUNK {
            self.flush();
        }
        self.buffer.push(key);
    }

    /// Counts many keys.
    pub fn extend(&mut self, keys: &[i64]) {
        let mut rest = keys;
        while !rest.is_empty() {
            if self.buffer.len() == CHUNK {
                self.flush();
            }
            let (now, later) = rest.split_at(rest.len().min(CHUNK - self.buffer.len()));
            self.buffer.extend_from_slice(now);
            rest = later;
        }
    }

    /// True when nothing was counted since the last drain.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty() && self.runs.is_empty()
    }

    /// Hands out what was counted, packed, and starts anew, keeping its buffers.
    pub fn drain(&mut self) -> Cells {
        self.flush();
        let cells = Cells::pack(&self.runs);
        self.runs.clear();
        cells
    }

    /// What was counted, ascending, until [`Tally::clear_runs`].
    pub(super) fn drain_runs(&mut self) -> &[(i64, u64)] {
        self.flush();
        &self.runs
    }

    /// Starts anew after [`Tally::drain_runs`].
    pub(super) fn clear_runs(&mut self) {
        self.runs.clear();
    }

    fn flush(&mut self) {
        if self.buffer.is_empty() {
            return;
        }
        let is_first = self.runs.is_empty();
        let mut later = Vec::new();
        let runs = if is_first { &mut self.runs } else { &mut later };
        if !self.pages.count(&self.buffer, runs) {
            sort_into_runs(&mut self.buffer, runs);
        }
        self.buffer.clear();
        if !is_first {
            super::merge_cells(&mut self.runs, &later);
        }
    }
}

/// Sorts `keys` and appends their run lengths to `runs`.
pub(super) fn sort_into_runs(keys: &mut [i64], runs: &mut Vec<(i64, u64)>) {
    keys.sort_unstable();
    runs.extend(keys.chunk_by(|a, b| a == b).map(|run| (run[0], run.len() as u64)));
}

/// Paged counters over the range of one chunk. Everything is zero between calls.
#[derive(Debug, Clone, Default)]
struct Pages {
    /// Slot of each page, or [`NO_PAGE`]; allocated with the first use.
    directory: Vec<u16>,
    /// A bit per page in use.
    in_use: Vec<u64>,
    /// Page slots in a row.
    counters: Vec<u16>,
    /// A bit per counter in use.
    touched: Vec<u64>,
}

/// How the keys of a chunk map to counters.
#[derive(Clone, Copy)]
struct Packing {
    base: i64,
    form: Form,
    /// Positions are below this.
    width: usize,
}

#[derive(Clone, Copy)]
enum Form {
    /// Keys are multiples of a step above the base, as sizes in lots are.
    Steps(Divisor),
    /// Keys are multiples of 2^shift above the base, or one more (the sticky bit of a float lattice's open cells); shift is at
    /// least 1, which packs nothing.
    Sticky(u32),
}

impl Packing {
    /// `None` when the range is wider than the directory.
    fn of(keys: &[i64]) -> Option<Self> {
        let first = *keys.first()?;
        let (mut min, mut max, mut used) = (first, first, 0_i64);
        for &key in keys {
            min = min.min(key);
            max = max.max(key);
            // Bits in which keys differ from the first; equal low bits are what can be shifted out.
            used |= key ^ first;
        }
        let range = max.wrapping_sub(min) as u64;
        let (base, form, last) = if used & 1 == 0 || used & 2 != 0 {
            let step = step(keys, min);
            (min, Form::Steps(step), step.quotient(range))
        } else {
            // The shift may only drop bits that are equal in all keys.
            let shift = (used & !1).trailing_zeros().clamp(1, 62);
            let base = min & !1;
            (base, Form::Sticky(shift), (max.wrapping_sub(base) as u64 >> shift).checked_mul(2)? + 1)
        };
        let width = last.checked_add(1)?;
        (width <= (DIRECTORY * PAGE) as u64).then_some(Self { base, form, width: width as usize })
    }

    #[inline]
    fn position(self, key: i64) -> usize {
        let distance = key.wrapping_sub(self.base) as u64;
        match self.form {
            Form::Steps(step) => step.quotient(distance) as usize,
            Form::Sticky(shift) => ((distance >> shift) << 1 | (distance & 1)) as usize,
        }
    }

    #[inline]
    fn key(self, position: usize) -> i64 {
        let position = position as u64;
        let distance = match self.form {
            Form::Steps(step) => step.value() * position,
            Form::Sticky(shift) => ((position >> 1) << shift) | (position & 1),
        };
        self.base.wrapping_add(distance as i64)
    }
}

/// What all distances from the smallest key are multiples of; at least 1.
fn step(keys: &[i64], min: i64) -> Divisor {
    let mut step = Divisor::default();
    for &key in keys {
        step = step.gcd(key.wrapping_sub(min) as u64);
        if step.value() == 1 {
            break;
        }
    }
    if step.value() == 0 { Divisor::new(1) } else { step }
}

impl Pages {
    /// Counts at most [`CHUNK`] keys and appends their runs; false, with nothing done, when the keys should be sorted.
    fn count(&mut self, keys: &[i64], runs: &mut Vec<(i64, u64)>) -> bool {
        if keys.len() < SORT_BELOW {
            return false;
        }
        let is_scattered = |packing: &Packing| packing.width / SCATTERED > keys.len();
        let packing = Packing::of(keys).filter(|p| keys.len() >= SORT_SCATTERED_BELOW || !is_scattered(p));
        let Some(packing) = packing else { return false };
        if self.directory.is_empty() {
            self.directory = vec![NO_PAGE; DIRECTORY];
            self.in_use = vec![0; DIRECTORY / 64];
        }
        let pages_max = PAGES_MAX.min(keys.len() / 4 + 1);
        let mut n_pages = 0;
        for &key in keys {
            let position = packing.position(key);
            let (page, offset) = (position / PAGE, position % PAGE);
            let mut slot = self.directory[page];
            if slot == NO_PAGE {
                if n_pages == pages_max {
                    self.emit(packing, &mut Vec::new());
                    return false;
                }
                slot = self.open(page, n_pages);
                n_pages += 1;
            }
            let slot = usize::from(slot);
            self.counters[slot * PAGE + offset] += 1;
            self.touched[slot * PAGE_WORDS + offset / 64] |= 1 << (offset % 64);
        }
        self.emit(packing, runs);
        true
    }

    /// Takes the next free slot for a page.
    #[cold]
    fn open(&mut self, page: usize, n_pages: usize) -> u16 {
        if self.counters.len() <= n_pages * PAGE {
            self.counters.resize((n_pages + 1) * PAGE, 0);
            self.touched.resize((n_pages + 1) * PAGE_WORDS, 0);
        }
        self.directory[page] = n_pages as u16;
        self.in_use[page / 64] |= 1 << (page % 64);
        n_pages as u16
    }

    /// Appends the counters in use in ascending order and clears them.
    fn emit(&mut self, packing: Packing, runs: &mut Vec<(i64, u64)>) {
        // Positions start at the smallest key: the words in use are the first ones.
        for directory_word in 0..packing.width.div_ceil(PAGE * 64) {
            let mut pages = std::mem::take(&mut self.in_use[directory_word]);
            while pages != 0 {
                let page = directory_word * 64 + pages.trailing_zeros() as usize;
                pages &= pages - 1;
                let slot = usize::from(std::mem::replace(&mut self.directory[page], NO_PAGE));
                for word in 0..PAGE_WORDS {
                    let mut bits = std::mem::take(&mut self.touched[slot * PAGE_WORDS + word]);
                    while bits != 0 {
                        let offset = word * 64 + bits.trailing_zeros() as usize;
                        bits &= bits - 1;
                        let count = std::mem::take(&mut self.counters[slot * PAGE + offset]);
                        runs.push((packing.key(page * PAGE + offset), u64::from(count)));
                    }
                }
            }
        }
    }
}
