//! What the observables of rare patterns share: what is usual for a stream, from that stream alone, and counts of whole minutes.

use super::machine::Out;
use crate::observe::SECOND_NS;
use verismo_stats::carry;

pub(super) const MINUTE_NS: i64 = 60 * SECOND_NS;

/// A running mean: the plain mean of the first values, later each value weighs `1 / memory`, so that an old one fades by e over `memory`
/// newer ones. It never looks at the other side of a comparison.
#[derive(Debug, Clone, Copy)]
pub(super) struct Running {
    memory: u32,
    n: u32,
    mean: f64,
}

carry!(Running: n, mean);

impl Running {
    pub(super) fn new(memory: u32) -> Self {
        Self { memory, n: 0, mean: 0.0 }
    }

    #[inline]
    pub(super) fn push(&mut self, x: f64) {
        self.n = (self.n + 1).min(self.memory);
        self.mean += (x - self.mean) / f64::from(self.n);
    }

    /// The mean, once it rests on `n_min` values.
    #[inline]
    pub(super) fn known(&self, n_min: u32) -> Option<f64> {
        (self.n >= n_min).then_some(self.mean)
    }
}

/// Counts what is seen in each whole minute `(60 k s, 60 (k + 1) s]` over which the book is defined at every grid time, at its end.
#[derive(Debug, Clone)]
pub(super) struct Minutes {
    grid_ns: i64,
    last_ns: Option<i64>,
    is_whole: bool,
    n: i64,
}

carry!(Minutes: last_ns, is_whole, n);

impl Minutes {
    pub(super) fn new(grid_ns: i64) -> Self {
        Self { grid_ns, last_ns: None, is_whole: false, n: 0 }
    }

    pub(super) fn grid_ns(&self) -> i64 {
        self.grid_ns
    }

    /// Whether the sample at this time is the one after the last.
    #[inline]
    pub(super) fn continues(&self, t_ns: i64) -> bool {
        self.last_ns == Some(t_ns - self.grid_ns)
    }

    #[inline]
    pub(super) fn count(&mut self) {
        self.n += 1;
    }

    /// The grid has come to `t_ns`, and whatever that decides is counted.
    #[inline]
    pub(super) fn sample(&mut self, t_ns: i64, out: &mut Out<'_>) {
        if !self.continues(t_ns) {
            self.is_whole = false;
        }
        self.last_ns = Some(t_ns);
        if t_ns % MINUTE_NS == 0 {
            if self.is_whole {
                out.key(t_ns, self.n);
            }
            (self.is_whole, self.n) = (true, 0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Running;

    #[test]
    fn a_running_mean_is_plain_at_first_and_forgets_later() {
        let mut mean = Running::new(4);
        for x in [1.0, 2.0, 3.0] {
            mean.push(x);
        }
        assert_eq!((mean.known(3), mean.known(4)), (Some(2.0), None));
        mean.push(6.0);
        assert_eq!(mean.known(4), Some(3.0));
        mean.push(7.0);
        assert_eq!(mean.known(4), Some(4.0), "a quarter of the way to 7");
    }
}
