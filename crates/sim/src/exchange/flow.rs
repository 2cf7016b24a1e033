//! The order flow: who sends what, when, as laws with short memory.

use core::f64::consts::TAU;

use verismo_market::event::Side;

use super::config::MarketConfig;
use super::publish::GRID_NS;
use crate::rng::Rng;

const GRID_S: f64 = GRID_NS as f64 * 1e-9;
const MINUTE_NS: i64 = 60_000_000_000;
const MINUTES_PER_DAY: i64 = 1_440;

/// Market orders a second that nothing but the clock causes, before activity, volatility and daily rhythm.
const BASE_RATE_HZ: f64 = 9.8;
/// Offspring per market order: the process is stationary below 1, and its long-run Fano factor is 1 / (1 - n)^2.
const BRANCHING: f64 = 0.5;
/// Decay of the excitation, 1/s; the memory of the process is 1 / (decay (1 - branching)) = 1 s.
const DECAY_HZ: f64 = 2.0;
/// Ceiling of the excited rate, 1/s: bounds the work of one interval.
const EXCITED_RATE_MAX_HZ: f64 = 400.0;
/// Peak of the daily rhythm above its mean; activity is highest at 14:00 UTC.
const RHYTHM: f64 = 0.2;
/// Time constant of the log-volatility, s, and its stationary standard deviation.
const VOLATILITY_MEMORY_S: f64 = 10.0;
const VOLATILITY_SD: f64 = 0.9;
/// Exponent with which volatility drives the rate of market orders.
const RATE_VOLATILITY: f64 = 0.2;
/// Mean time between reversals of the aggressors' common direction, s, and its weight against coin flips.
const TREND_MEMORY_S: f64 = 4.0;
const TREND_WEIGHT: f64 = 0.35;
/// Distance from the anchor, ticks, at which traders who know the value outweigh everybody else.
const VALUE_TICKS: f64 = 300.0;
/// Withdrawals of a whole best level a second at mean volatility: price moves without trades.
const WITHDRAWAL_RATE_HZ: f64 = 10.0;
/// Weight of the common direction in withdrawals.
const WITHDRAWAL_TREND_WEIGHT: f64 = 0.2;
/// Limit orders and cancellations a second.
const QUOTE_RATE_HZ: f64 = 300.0;

/// Levels further than this from the opposite best price are left to die out, ticks.
pub(super) const DEPTH_TICKS: usize = 260;
/// Furthest distance at which anything happens, ticks.
const REACH_TICKS: usize = 400;
/// Resolution of the table of distances: 2^12 entries.
const DISTANCE_BITS: u32 = 12;

/// What happens to the quotes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Quote {
    /// An order comes to, or leaves, the level at this distance from the opposite best price, on this side.
    Level(Side, usize),
    /// All orders at the best price of this side leave.
    Withdrawal(Side),
}

/// The state of the traders between events.
#[derive(Debug, Clone)]
pub(super) struct Flow {
    rng: Rng,
    activity: f64,
    typical_lots: f64,
    round_lots: i64,
    excited_hz: f64,
    base_hz: f64,
    log_volatility: f64,
    volatility_keep: f64,
    withdrawal_cut: u64,
    trend: f64,
    distances: Vec<u16>,
    queue_lengths: Vec<f64>,
    rhythm: Vec<f64>,
}

impl Flow {
    /// The traders of `config`, at rest.
    pub(super) fn new(config: &MarketConfig) -> Self {
        let mut rng = Rng::new(config.seed, 1);
        let mut round_lots = 1;
        for _ in 0..12 {
            if round_lots as f64 * 10.0 <= config.typical_lots * 1.5 {
                round_lots *= 10;
            }
        }
        let rhythm = |minute: i64| {
            let phase = TAU * (minute - 14 * 60) as f64 / MINUTES_PER_DAY as f64;
            1.0 + RHYTHM * libm::cos(phase)
        };
        Self {
            activity: config.activity,
            typical_lots: config.typical_lots,
            round_lots,
            excited_hz: 0.0,
            base_hz: 0.0,
            log_volatility: VOLATILITY_SD * rng.normal(),
            volatility_keep: libm::exp(-GRID_S / VOLATILITY_MEMORY_S),
            withdrawal_cut: 0,
            trend: if rng.chance(0.5) { 1.0 } else { -1.0 },
            distances: distance_table(),
            queue_lengths: (0..=REACH_TICKS).map(queue_length).collect(),
            rhythm: (0..MINUTES_PER_DAY).map(rhythm).collect(),
            rng,
        }
    }

    /// Moves what is constant within an interval of the grid on to the one starting at `now_ns`.
    pub(super) fn begin_interval(&mut self, now_ns: i64) {
        let keep = self.volatility_keep;
        self.log_volatility =
            keep * self.log_volatility + VOLATILITY_SD * (1.0 - keep * keep).sqrt() * self.rng.normal();
        if self.rng.chance(GRID_S / TREND_MEMORY_S) {
            self.trend = -self.trend;
        }
        let minute = now_ns.div_euclid(MINUTE_NS).rem_euclid(MINUTES_PER_DAY) as usize;
        // Log-normal factors of mean 1.
        let factor = |power: f64| {
            let sd = power * VOLATILITY_SD;
            libm::exp(power * self.log_volatility - 0.5 * sd * sd)
        };
        self.base_hz = BASE_RATE_HZ * self.activity * self.rhythm[minute] * factor(RATE_VOLATILITY);
        let withdrawal_share = (WITHDRAWAL_RATE_HZ * factor(1.0) / QUOTE_RATE_HZ).min(0.5);
        self.withdrawal_cut = (withdrawal_share * (1u64 << 32) as f64) as u64;
    }

    /// Waiting time to the next limit order, cancellation or withdrawal, ns.
    #[inline]
    pub(super) fn quote_gap_ns(&mut self) -> i64 {
        (self.rng.exponential() * (1e9 / QUOTE_RATE_HZ)) as i64 + 1
    }

    /// Waiting time from `since_ns` to the next market order, if it comes before `until_ns`.
    ///
    /// A Hawkes process with exponential kernel, simulated by thinning (Ogata, "On Lewis' simulation method for point
    /// processes", 1981): between its events the rate only falls, so its present value bounds it. `horizon_ns` ends the
    /// search; nothing is lost, since the process is Markov in its excitation.
    pub(super) fn market_order_gap_ns(&mut self, horizon_ns: i64) -> Option<i64> {
        let mut gap_ns = 0i64;
        // Each turn passes an exponential time at a rate of at most EXCITED_RATE_MAX_HZ + base: 10^4 turns never happen.
        for _ in 0..10_000 {
            let bound_hz = self.base_hz + self.excited_hz;
            let step_ns = ((self.rng.exponential() / bound_hz) * 1e9).min(1e12) as i64 + 1;
            if gap_ns + step_ns >= horizon_ns {
                self.decay(horizon_ns - gap_ns);
                return None;
            }
            gap_ns += step_ns;
            self.decay(step_ns);
            if self.rng.uniform() * bound_hz < self.base_hz + self.excited_hz {
                self.excited_hz = (self.excited_hz + BRANCHING * DECAY_HZ).min(EXCITED_RATE_MAX_HZ);
                return Some(gap_ns);
            }
        }
        None
    }

    fn decay(&mut self, elapsed_ns: i64) {
        self.excited_hz *= libm::exp(-DECAY_HZ * 1e-9 * elapsed_ns as f64);
    }

    /// Side of the next market order when the mid price is `distance_ticks` above the anchor.
    ///
    /// The common direction makes signs persistent for seconds; traders who know the value pull the price back, which is what
    /// keeps it stationary.
    pub(super) fn aggressor(&mut self, distance_ticks: f64) -> Side {
        self.direction(TREND_WEIGHT, distance_ticks)
    }

    fn direction(&mut self, trend_weight: f64, distance_ticks: f64) -> Side {
        let lean = (trend_weight * self.trend - distance_ticks / VALUE_TICKS).clamp(-0.95, 0.95);
        if self.rng.chance(0.5 + 0.5 * lean) { Side::Bid } else { Side::Ask }
    }

    /// What happens to the quotes next, the mid price being `distance_ticks` above the anchor.
    #[inline]
    pub(super) fn quote(&mut self, distance_ticks: f64) -> Quote {
        let bits = self.rng.next_u64();
        if bits >> 32 < self.withdrawal_cut {
            return match self.direction(WITHDRAWAL_TREND_WEIGHT, distance_ticks) {
                Side::Bid => Quote::Withdrawal(Side::Ask),
                _ => Quote::Withdrawal(Side::Bid),
            };
        }
        let distance = self.distances[(bits as usize >> 1) & ((1 << DISTANCE_BITS) - 1)];
        Quote::Level(if bits & 1 == 0 { Side::Bid } else { Side::Ask }, usize::from(distance))
    }

    /// A level on either side, any distance from the opposite best price up to [`DEPTH_TICKS`]: market makers at work
    /// throughout the book.
    pub(super) fn deep_quote(&mut self) -> (Side, usize) {
        let bits = self.rng.next_u64();
        let distance = 1 + (((bits >> 32) * DEPTH_TICKS as u64) >> 32) as usize;
        (if bits & 1 == 0 { Side::Bid } else { Side::Ask }, distance)
    }

    /// Whether what happens at a level with `queue_length` orders, `distance` ticks from the opposite best price, is that an
    /// order leaves; if so, which. Else an order comes.
    ///
    /// Leaving has odds of queue length to equilibrium length: the queue is a birth-death process around that length, and
    /// forgets its past within about as many events.
    #[inline]
    pub(super) fn leaving(&mut self, queue_length: usize, distance: usize) -> Option<usize> {
        if queue_length == 0 {
            return None;
        }
        let equilibrium = self.queue_lengths.get(distance).copied().unwrap_or(0.0);
        let length = queue_length as f64;
        // Scaled so that a value below `length` is an order's place and a value above means an arrival.
        let place = self.rng.uniform() * (length + equilibrium);
        (place < length).then_some(place as usize)
    }

    /// Whether orders come to a level at `distance` at all.
    #[inline]
    pub(super) fn attracts(&self, distance: usize) -> bool {
        distance <= DEPTH_TICKS
    }

    /// Number of distinct levels that the next depth message should at least hold: 34 to 57.
    pub(super) fn levels_wanted(&mut self) -> usize {
        34 + self.rng.below(24) as usize
    }

    /// Equilibrium number of orders at `distance`, rounded up, for the first filling of the book.
    pub(super) fn opening_orders(&mut self, distance: usize) -> u64 {
        let mean = self.queue_lengths.get(distance).copied().unwrap_or(0.0);
        1 + self.rng.below((2.0 * mean) as u64)
    }

    /// Size of a market order, lots.
    pub(super) fn market_order_lots(&mut self) -> i64 {
        let scale = self.typical_lots;
        self.size_lots(scale, 0.2, 0.06)
    }

    /// Size of a limit order, lots.
    #[inline]
    pub(super) fn limit_order_lots(&mut self) -> i64 {
        let scale = 1.6 * self.typical_lots;
        self.size_lots(scale, 0.1, 0.05)
    }

    /// A size: round numbers with probability `round_share`, a Pareto tail with `tail_share`, else log-normal.
    #[inline]
    fn size_lots(&mut self, scale: f64, round_share: f64, tail_share: f64) -> i64 {
        /// Tail exponent of order sizes; the smaller of two such sizes, a fill, has twice the exponent.
        const TAIL_EXPONENT: f64 = 1.5;
        /// No order is larger than this many typical ones, as venues cap them.
        const SIZE_MAX: f64 = 2_000.0;
        let u = self.rng.uniform();
        if u < round_share {
            // Multiples of a round number of lots, each as likely as the sixth of the share it falls into.
            let multiples = [1, 1, 1, 2, 2, 5];
            let which = (u / round_share * multiples.len() as f64) as usize;
            return multiples.get(which).copied().unwrap_or(1) * self.round_lots;
        }
        let size = if u < round_share + tail_share {
            2.0 * self.rng.pareto(TAIL_EXPONENT)
        } else {
            0.5 * libm::exp(1.1 * self.rng.normal())
        };
        (scale * size.min(SIZE_MAX)) as i64 + 1
    }
}

/// Equilibrium number of orders `distance` ticks from the opposite best price: few at the touch, where price moves; a hump;
/// none beyond [`DEPTH_TICKS`].
fn queue_length(distance: usize) -> f64 {
    match distance {
        0 => 0.0,
        1 => 0.8,
        2 => 1.8,
        3 => 3.2,
        4..=60 => 4.5,
        _ if distance <= DEPTH_TICKS => 4.5 - 3.0 * (distance - 60) as f64 / (DEPTH_TICKS - 60) as f64,
        _ => 0.0,
    }
}

/// Quantiles of the distance of quotes from the opposite best price: P(d) falls as (d + 1)^-1.1, up to [`REACH_TICKS`].
fn distance_table() -> Vec<u16> {
    let weight = |d: usize| libm::pow(d as f64 + 1.0, -1.1);
    let total: f64 = (1..=REACH_TICKS).map(weight).sum();
    let entries = 1usize << DISTANCE_BITS;
    let (mut distance, mut below) = (1, weight(1));
    (0..entries)
        .map(|i| {
            let target = total * (i as f64 + 0.5) / entries as f64;
            while below < target && distance < REACH_TICKS {
                distance += 1;
                below += weight(distance);
            }
            distance as u16
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_follow_their_law() {
        let table = distance_table();
        assert!(table.windows(2).all(|w| w[0] <= w[1]));
        assert_eq!((table[0], usize::from(*table.last().unwrap())), (1, REACH_TICKS));
        let share = |d: u16| table.iter().filter(|&&x| x == d).count() as f64;
        let ratio = share(1) / share(3);
        assert!((ratio - libm::pow(2.0, 1.1)).abs() < 0.05, "{ratio}");
    }

    #[test]
    fn market_orders_have_the_rate_and_the_clustering_of_the_hawkes_law() {
        let mut config = MarketConfig::new(3);
        config.activity = 1.0;
        let mut flow = Flow::new(&config);
        flow.base_hz = 8.0;
        let horizon = 1_000_000_000;
        let counts: Vec<f64> = (0..40_000)
            .map(|_| {
                let (mut left, mut count) = (horizon, 0.0);
                while let Some(gap) = flow.market_order_gap_ns(left) {
                    left -= gap;
                    count += 1.0;
                }
                count
            })
            .collect();
        let n = counts.len() as f64;
        let mean = counts.iter().sum::<f64>() / n;
        let variance = counts.iter().map(|c| (c - mean) * (c - mean)).sum::<f64>() / n;
        // Mean base / (1 - n). Fano factor of a window w (Hawkes 1971; a = decay (1 - n)):
        // 1 + n (2 - n) / (1 - n)^2 * (1 - (1 - exp(-a w)) / (a w)).
        let a = DECAY_HZ * (1.0 - BRANCHING);
        let fano = 1.0
            + BRANCHING * (2.0 - BRANCHING) / ((1.0 - BRANCHING) * (1.0 - BRANCHING))
                * (1.0 - (1.0 - libm::exp(-a)) / a);
        assert!((mean / 16.0 - 1.0).abs() < 0.02, "{mean}");
        assert!((variance / mean / fano - 1.0).abs() < 0.05, "{} for {fano}", variance / mean);
    }

    #[test]
    fn sizes_are_heavy_tailed_and_have_round_numbers() {
        let mut flow = Flow::new(&MarketConfig::new(5));
        let mut sizes: Vec<i64> = (0..200_000).map(|_| flow.market_order_lots()).collect();
        sizes.sort_unstable();
        assert!(sizes[0] >= 1);
        let share = |x: i64| sizes.iter().filter(|&&s| s == x).count() as f64 / sizes.len() as f64;
        assert!(share(1_000) > 0.05 && share(1_001) < 0.01);
        // Hill's estimator over the largest 400, where the log-normal sizes have thinned out: 1.5.
        let tail = &sizes[sizes.len() - 401..];
        let hill = tail[1..].iter().map(|&x| libm::log(x as f64 / tail[0] as f64)).sum::<f64>() / 400.0;
        assert!((1.0 / hill - 1.5).abs() < 0.25, "{}", 1.0 / hill);
    }
}
