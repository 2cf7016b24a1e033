//! Several levels of a side that grow together and shrink together, counted by the minute.

use super::machine::{self, Machine, Out};
use super::running::{Minutes, Running};
use crate::observe::SECOND_NS;
use crate::observe::frame::{Frame, NEAR_LEVELS, Near};
use crate::observe::registry::Observable;
use verismo_stats::carry;
use verismo_stats::state::{Carry, DecodeError, Reader};

/// At least three neighbouring levels of a side that grow in one step of the grid and are all back at once within 1 s.
pub fn layering_like_1m(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    machine::boxed("layering_like_1m", window_ns, Layers::new(grid_ns))
}

/// A level grows by at least so many times what a level usually holds.
const TIMES_MEAN: f64 = 2.0;
/// The running mean of levels remembers so many steps of the grid: five minutes of 100 ms.
const MEMORY_STEPS: u32 = 3_000;
const STEPS_MIN: u32 = 50;
const TOGETHER_MIN: usize = 3;
const SOON_NS: i64 = SECOND_NS;

/// A level that grew.
#[derive(Debug, Clone, Copy, Default)]
struct Grown {
    price: i64,
    base: i64,
    rise: i64,
}

carry!(Grown: price, base, rise);

/// Levels that grew together.
#[derive(Debug, Clone, Copy, Default)]
struct Layer {
    since_ns: i64,
    levels: [Grown; NEAR_LEVELS],
    n: usize,
}

impl Carry for Layer {
    fn save(&self, out: &mut Vec<u8>) {
        (self.since_ns, self.levels, self.n).save(out);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let mut fields = (0, [Grown::default(); NEAR_LEVELS], 0);
        fields.load(input)?;
        (self.since_ns, self.levels, self.n) = fields;
        if self.n > NEAR_LEVELS { Err(input.invalid("levels that grew")) } else { Ok(()) }
    }
}

struct Layers {
    minutes: Minutes,
    last: Option<[Near; 2]>,
    /// What one of the near levels of a side holds.
    usual: [Running; 2],
    layers: [Option<Layer>; 2],
}

impl Layers {
    fn new(grid_ns: i64) -> Self {
        let usual = [Running::new(MEMORY_STEPS); 2];
        Self { minutes: Minutes::new(grid_ns), last: None, usual, layers: [None; 2] }
    }

    fn sample(&mut self, t_ns: i64, near: &[Near; 2], out: &mut Out<'_>) {
        let last = self.last.replace(*near).filter(|_| self.minutes.continues(t_ns));
        if let Some(last) = last {
            // +1 where a higher price is a better one.
            for (i, sign) in [(0, 1), (1, -1)] {
                self.layers[i] = match self.layers[i].take() {
                    Some(layer) => match layer.fate(t_ns, &near[i], sign) {
                        Fate::Stands => Some(layer),
                        Fate::Lost => None,
                        Fate::Reverted => {
                            self.minutes.count();
                            None
                        }
                    },
                    None => {
                        let usual = self.usual[i].known(STEPS_MIN);
                        usual.and_then(|usual| grown_together(&last[i], &near[i], sign, TIMES_MEAN * usual, t_ns))
                    }
                };
            }
        } else {
            self.layers = [None; 2];
        }
        for (usual, near) in self.usual.iter_mut().zip(near) {
            let levels = near.levels();
            let sum: i128 = levels.iter().map(|&(_, qty)| i128::from(qty)).sum();
            if !levels.is_empty() {
                usual.push(sum as f64 / levels.len() as f64);
            }
        }
        self.minutes.sample(t_ns, out);
    }
}

/// The longest run of neighbouring levels that each grew by at least `rise_min`; `None` below three.
fn grown_together(before: &Near, now: &Near, sign: i64, rise_min: f64, t_ns: i64) -> Option<Layer> {
    let mut best: Option<Layer> = None;
    let mut run = Layer { since_ns: t_ns, levels: [Grown::default(); NEAR_LEVELS], n: 0 };
    for &(price, qty) in now.levels() {
        // What lay beyond the near levels before is not known to have grown.
        let grown = before.qty_at(price, sign).map(|base| Grown { price, base, rise: qty.saturating_sub(base) });
        match grown.filter(|grown| grown.rise > 0 && grown.rise as f64 >= rise_min) {
            Some(grown) => {
                run.levels[run.n] = grown;
                run.n += 1;
            }
            None => run.n = 0,
        }
        if run.n >= TOGETHER_MIN && best.is_none_or(|best| run.n > best.n) {
            best = Some(run);
        }
    }
    best
}

/// What became of levels that grew together.
enum Fate {
    Stands,
    Reverted,
    Lost,
}

impl Layer {
    fn fate(&self, t_ns: i64, near: &Near, sign: i64) -> Fate {
        let mut n_back = 0;
        for level in &self.levels[..self.n] {
            let Some(qty) = near.qty_at(level.price, sign) else { return Fate::Lost };
            n_back += usize::from(qty.saturating_sub(level.base) <= level.rise / 4);
        }
        match n_back {
            0 if t_ns - self.since_ns >= SOON_NS => Fate::Lost,
            0 => Fate::Stands,
            n if n == self.n => Fate::Reverted,
            // One after the other is what honest orders do.
            _ => Fate::Lost,
        }
    }
}

carry!(Layers: minutes, last, usual, layers);

impl Machine for Layers {
    fn read(&mut self, frame: &Frame, out: &mut Out<'_>) {
        for (&t_ns, near) in frame.samples.t_ns.iter().zip(&frame.samples.near) {
            self.sample(t_ns, near, out);
        }
    }
}
