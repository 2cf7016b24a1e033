//! Counters for the cells of a float lattice, found from the bits of a value: a key is not made per value, but once per cell.
//!
//! The values between two powers of two (a binade) have counters of one width, at least as fine as the lattice is there. Counters
//! that make up one cell are added up when they are handed out. What this does not fit is handed back, for its key to be found:
//! values beside a point in the middle of a counter, and those of a binade with very fine cells.

use crate::lattice::{FloatLattice, ordered};

/// Powers of two and signs: the upper 12 bits of an ordered integer.
const BINADES: usize = 1 << 12;
/// The other bits.
const MANTISSA_BITS: u32 = 52;
const MANTISSA: i64 = (1 << MANTISSA_BITS) - 1;
/// The finest counters: all that are in use shall stay in a level-2 cache, and a floor is 16 bits.
const BITS_MAX: u8 = 14;
/// The coarsest: a binade has at least two words of the bitmap.
const BITS_MIN: u8 = 6;
/// Counters in all: 512 KiB.
const COUNTERS_MAX: usize = 1 << 18;
/// Entry of a binade in which no value was seen, and of one that has no counters.
const UNSEEN: u64 = 0;
const REFUSED: u64 = 1;
/// Set in the entry of a binade with hidden counters.
const HAS_HIDDEN: u64 = 1 << 63;
/// The floor of a counter whose values are handed back.
const HIDDEN: u16 = u16::MAX;
/// Values between two calls of [`Grid::hand_out`]: a counter holds them all.
const VALUES_MAX: usize = u16::MAX as usize;

/// Counts the values of a float lattice without origin.
#[derive(Debug, Clone)]
pub(super) struct Grid {
    lattice: FloatLattice,
    /// Per binade: its first counter, from bit 32 the width of its counters, from bit 40 its place in `open`.
    entries: Box<[u64; BINADES]>,
    open: Vec<Binade>,
    /// Places in `open`, by ascending values.
    order: Vec<usize>,
    counters: Vec<u16>,
    /// A bit per counter in use.
    touched: Vec<u64>,
    n_values: usize,
    /// What was handed out last, and older cells behind it.
    cells: Vec<(i64, u64)>,
}

/// The counters of a binade. A stretch of 2^shift ordered integers has two: for all that is inside it, and, behind those of all
/// stretches, for its lower end. Few values lie there, so that the counters in use are close together.
#[derive(Debug, Clone)]
struct Binade {
    /// Its ordered integers divided by 2^52.
    top: i64,
    shift: u32,
    /// Words of the bitmap.
    words: std::ops::Range<usize>,
    /// Per stretch, the one at whose lower end its cell begins, or [`HIDDEN`]; empty where each begins a cell.
    floors: Vec<u16>,
}

/// The ordered integer of a value, and its binade.
#[inline]
fn place(x: f64) -> (i64, usize) {
    let full = ordered(x);
    (full, (full >> MANTISSA_BITS) as usize % BINADES)
}

/// The stretch of an ordered integer in its binade, and whether it is the lower end of it.
#[inline]
fn stretch(full: i64, shift: u32) -> (usize, bool) {
    let mantissa = full & MANTISSA;
    let stretch = mantissa >> shift;
    (stretch as usize, stretch << shift == mantissa)
}

impl Grid {
    /// `None` for a lattice that is finer than counters can be, or has an origin.
    pub(super) fn new(lattice: &FloatLattice) -> Option<Self> {
        if lattice.origin().to_bits() != 0 || lattice.mantissa_bits() > BITS_MAX {
            return None;
        }
        let mut entries: Box<[u64; BINADES]> = vec![UNSEEN; BINADES].into_boxed_slice().try_into().ok()?;
        // Here are NaN and infinities, and for the sake of the negative one also the least finite values.
        for x in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN, -f64::NAN] {
            entries[place(x).1] = REFUSED;
        }
        let (open, order) = (Vec::new(), Vec::new());
        let (counters, touched) = (Vec::new(), Vec::new());
        Some(Self { lattice: lattice.clone(), entries, open, order, counters, touched, n_values: 0, cells: Vec::new() })
    }

    /// How many more values it takes before [`Grid::hand_out`].
    pub(super) fn room(&self) -> usize {
        VALUES_MAX - self.n_values
    }

    /// Counts values, at most [`Grid::room`] of them; those that it cannot, among them what is not finite, go to `rest`.
    pub(super) fn count(&mut self, values: &[f64], rest: &mut Vec<f64>) {
        assert!(values.len() <= self.room(), "counters hold {VALUES_MAX} values");
        self.n_values += values.len();
        let (mut at, mut seen) = (0, 0);
        // Every turn counts all that are left, or stops at a binade that is unseen, and it is seen then.
        while let Some(left) = values.get(at..).filter(|left| !left.is_empty()) {
            at += self.count_seen(left, rest, &mut seen);
            if let Some(&x) = values.get(at) {
                self.open(x);
            }
        }
        if seen & HAS_HIDDEN != 0 {
            rest.extend(values.iter().filter(|&&x| self.is_hidden(x)));
        }
    }

    /// Counts values up to one of an unseen binade; returns how many.
    #[inline]
    fn count_seen(&mut self, values: &[f64], rest: &mut Vec<f64>, seen: &mut u64) -> usize {
        let (counters, touched) = (self.counters.as_mut_slice(), self.touched.as_mut_slice());
        for (i, &x) in values.iter().enumerate() {
            let (full, binade) = place(x);
            let entry = self.entries[binade];
            if entry <= REFUSED {
                if entry == UNSEEN {
                    return i;
                }
                rest.push(x);
                continue;
            }
            *seen |= entry;
            let shift = (entry >> 32) as u32 % 64;
            let (stretch, is_end) = stretch(full, shift);
            let ends = usize::from(is_end) << (MANTISSA_BITS.wrapping_sub(shift) % 64);
            let counter = (entry as u32) as usize + (stretch | ends);
            counters[counter] += 1;
            touched[counter / 64] |= 1 << (counter % 64);
        }
        values.len()
    }

    /// True for a value whose counter tells too little.
    fn is_hidden(&self, x: f64) -> bool {
        let (full, binade) = place(x);
        let entry = self.entries[binade];
        let open = if entry & HAS_HIDDEN == 0 { None } else { self.open.get((entry >> 40) as u16 as usize) };
        open.is_some_and(|open| open.floors.get(stretch(full, open.shift).0) == Some(&HIDDEN))
    }

    /// Gives the binade of a value counters, or refuses it.
    #[cold]
    fn open(&mut self, x: f64) {
        let (full, binade) = place(x);
        let top = full >> MANTISSA_BITS;
        let entry = self.bits(top).and_then(|bits| self.add(top, bits));
        self.entries[binade] = entry.unwrap_or(REFUSED);
    }

    /// The mantissa bits that counters of a binade need; `None` where they are too many.
    fn bits(&self, top: i64) -> Option<u8> {
        let splits = self.lattice.splits_within(top << MANTISSA_BITS, MANTISSA);
        // A point hides its neighbours; that is cheaper than counters for it, unless they are most of the binade.
        let is_point = |lo: i64, hi: i64| hi.wrapping_sub(lo) == 1;
        let finest = splits.iter().filter(|split| !is_point(split.lo, split.hi)).map(|split| split.bits).max();
        Some(finest.unwrap_or(0).max(self.lattice.mantissa_bits()).max(BITS_MIN)).filter(|&bits| bits <= BITS_MAX)
    }

    fn add(&mut self, top: i64, bits: u8) -> Option<u64> {
        let shift = MANTISSA_BITS - u32::from(bits);
        let (first, n_counters) = (self.counters.len(), 2_usize << bits);
        if first + n_counters > COUNTERS_MAX {
            return None;
        }
        let floors = self.floors(top, bits);
        let hidden = if floors.contains(&HIDDEN) { HAS_HIDDEN } else { 0 };
        let place = self.open.len();
        let entry = first as u64 | u64::from(shift) << 32 | (place as u64) << 40 | hidden;
        let words = first / 64..(first + n_counters) / 64;
        self.counters.resize(first + n_counters, 0);
        self.touched.resize(words.end, 0);
        let at = self.order.partition_point(|&other| self.open[other].top < top);
        self.order.insert(at, place);
        self.open.push(Binade { top, shift, words, floors });
        Some(entry)
    }

    /// Where the cell of each stretch begins.
    fn floors(&self, top: i64, bits: u8) -> Vec<u16> {
        let start = top << MANTISSA_BITS;
        if bits == self.lattice.mantissa_bits() && self.lattice.splits_within(start, MANTISSA).is_empty() {
            return Vec::new();
        }
        let width = 1_i64 << (MANTISSA_BITS - u32::from(bits));
        let floor = |stretch: i64| {
            let lower = start + stretch * width;
            let edge = self.lattice.edge(lower);
            let is_cut = self.lattice.edge(lower + (width - 1)) > lower;
            // An edge of the binade is an edge of the lattice, so that no cell begins before it.
            if is_cut || (edge - start) & (width - 1) != 0 { HIDDEN } else { ((edge - start) / width) as u16 }
        };
        (0..1 << bits).map(floor).collect()
    }

    /// What was counted, ascending keys and their counts; starts anew.
    pub(super) fn hand_out(&mut self) -> &[(i64, u64)] {
        // A cell for each value at most.
        let n_max = std::mem::take(&mut self.n_values);
        if self.cells.len() < n_max {
            self.cells.resize(n_max, (0, 0));
        }
        let mut n = 0;
        for &place in &self.order {
            let binade = &self.open[place];
            let first = binade.words.start * 64;
            let touched = &mut self.touched[binade.words.clone()];
            let counters = &mut self.counters[first..binade.words.end * 64];
            n += binade.hand_out(touched, counters, &mut self.cells[n..]);
        }
        &self.cells[..n]
    }
}

impl Binade {
    /// Writes the cells of the counters in use to `cells`, and clears the counters; returns how many cells there are.
    fn hand_out(&self, touched: &mut [u64], counters: &mut [u16], cells: &mut [(i64, u64)]) -> usize {
        let start = self.top << MANTISSA_BITS;
        let key = |floor: usize, is_open: bool| start + ((floor as i64) << self.shift) + i64::from(is_open);
        // At the lower end of its cell a value is a point; all others of the cell share the next key.
        if self.floors.is_empty() {
            return add_cells(touched, counters, cells, |stretch, is_end| key(stretch, !is_end));
        }
        add_cells(touched, counters, cells, |stretch, is_end| match self.floors.get(stretch) {
            Some(&floor) if floor != HIDDEN => key(usize::from(floor), !is_end || usize::from(floor) != stretch),
            _ => NO_KEY,
        })
    }
}

/// The key of hidden counters; no value has it.
const NO_KEY: i64 = i64::MIN;

/// Adds the counters in use to their cells, and clears these; returns the number of cells. `key` is told a stretch and whether it is
/// its lower end.
#[inline]
fn add_cells(
    touched: &mut [u64],
    counters: &mut [u16],
    cells: &mut [(i64, u64)],
    key: impl Fn(usize, bool) -> i64,
) -> usize {
    let (inside, ends) = touched.split_at_mut(touched.len() / 2);
    let (of_inside, of_ends) = counters.split_at_mut(counters.len() / 2);
    let of_words = of_inside.chunks_exact_mut(64).zip(of_ends.chunks_exact_mut(64));
    let (mut n, mut last, mut sum) = (0, NO_KEY, 0);
    let mut add = |key: i64, count: &mut u16| {
        let count = u64::from(std::mem::take(count));
        if key != NO_KEY {
            // Whether a counter continues the cell before is a matter of chance: no branch would foresee it.
            let is_new = key != last;
            n += usize::from(is_new);
            sum = count + if is_new { 0 } else { sum };
            last = key;
            cells[n - 1] = (key, sum);
        }
    };
    for ((words, (of_inside, of_ends)), first) in inside.iter_mut().zip(ends).zip(of_words).zip((0..).step_by(64)) {
        let (inside, ends) = (std::mem::take(words.0), std::mem::take(words.1));
        let mut bits = inside | ends;
        while bits != 0 {
            let at = bits.trailing_zeros() as usize % 64;
            let bit = bits & bits.wrapping_neg();
            bits &= bits - 1;
            if ends & bit != 0 {
                add(key(first + at, true), &mut of_ends[at]);
            }
            if inside & bit != 0 {
                add(key(first + at, false), &mut of_inside[at]);
            }
        }
    }
    n
}
