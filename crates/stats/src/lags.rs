//! Exact sums for autocorrelation at fixed lags.
//!
//! The carry is ordered (it knows the last values), the sums are not: a pair whose two values lie in different windows
//! belongs to the later one, so windows may be merged and subtracted in any order.

use crate::state::{DecodeError, Group, MergeError, Reader, State, put_i128, put_u64, put_u128};
use std::collections::VecDeque;

/// The most lags of one state.
pub const LAGS_MAX: usize = 64;
/// The longest lag, in values.
pub const LAG_MAX: u32 = 65_536;

/// Sums of an integer (fixed point) series and of its products at given lags: a commutative group, exact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LagMoments {
    count: u64,
    sum: i128,
    sum_squares: u128,
    /// Ascending lags.
    pairs: Vec<LagPairs>,
}

/// The sums over the pairs (x_t, x_{t-k}) of one lag k.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct LagPairs {
    /// The lag k, in values.
    pub lag: u32,
    /// The number of pairs.
    pub n_pairs: u64,
    /// The sum of the later values x_t.
    pub sum_lead: i128,
    /// The sum of the earlier values x_{t-k}.
    pub sum_lagged: i128,
    /// The sum of x_t * x_{t-k}.
    pub sum_product: i128,
}

/// Why lags or values cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum LagError {
    /// The list of lags is longer than [`LAGS_MAX`], not strictly ascending, or holds zero or more than [`LAG_MAX`].
    #[error("lags are strictly ascending, from 1 to {LAG_MAX}, at most {LAGS_MAX} of them")]
    InvalidLags,
    /// The carry was made for other lags than the moments.
    #[error("the carry and the moments have different lags")]
    DifferentLags,
    /// A sum left the range of its exact integer.
    #[error("a sum of products overflows 128 bits at value {index} of the batch")]
    Overflow {
        /// Position of the value in the batch.
        index: usize,
    },
}

impl LagMoments {
    /// No observations.
    ///
    /// # Errors
    /// [`LagError::InvalidLags`].
    pub fn new(lags: &[u32]) -> Result<Self, LagError> {
        check_lags(lags)?;
        let pairs = lags.iter().map(|&lag| LagPairs::new(lag)).collect();
        Ok(Self { count: 0, sum: 0, sum_squares: 0, pairs })
    }

    /// The sums of one series without gaps.
    ///
    /// # Errors
    /// [`LagError`] for bad lags or an overflow.
    pub fn from_series(lags: &[u32], series: &[i64]) -> Result<Self, LagError> {
        let mut moments = Self::new(lags)?;
        LagCarry::new(lags)?.feed(series, &mut moments)?;
        Ok(moments)
    }

    /// The sum of the values.
    #[must_use]
    pub fn sum(&self) -> i128 {
        self.sum
    }

    /// The sum of the squared values.
    #[must_use]
    pub fn sum_squares(&self) -> u128 {
        self.sum_squares
    }

    /// The sums per lag, ascending lags.
    #[must_use]
    pub fn pairs(&self) -> &[LagPairs] {
        &self.pairs
    }

    /// The autocorrelation at lag `lag`: the mean over the pairs of (x_t - m)(x_{t-lag} - m), over the mean over the values
    /// of (x_t - m)^2, m the mean of all values (ddof 0, means pooled over the windows merged).
    ///
    /// This is `E[x_t x_{t-k}] - m (E[x_t] + E[x_{t-k}]) + m^2` over the variance, so adding a constant to the series changes
    /// nothing, also when pairs are fewer than values. `None` for an unknown lag, without pairs, for a constant series, and
    /// when centring overflows 128 bits. With gaps between windows it may leave [-1, 1] by the share of the pairs missing.
    #[must_use]
    pub fn autocorrelation(&self, lag: u32) -> Option<f64> {
        let pairs = self.pairs.iter().find(|pairs| pairs.lag == lag && pairs.n_pairs > 0)?;
        let (n, n_pairs) = (i128::from(self.count), i128::from(pairs.n_pairs));
        // Centred exactly by the integer nearest the mean, so that floats only see small numbers.
        let pivot = self.sum.checked_div_euclid(n)?;
        let sum = self.sum - pivot * n;
        let square = pivot.checked_mul(pivot)?;
        let sum_squares = i128::try_from(self.sum_squares)
            .ok()?
            .checked_sub(pivot.checked_mul(self.sum)?.checked_mul(2)?)?
            .checked_add(square.checked_mul(n)?)?;
        let ends = pairs.sum_lead.checked_add(pairs.sum_lagged)?;
        let product =
            pairs.sum_product.checked_sub(pivot.checked_mul(ends)?)?.checked_add(square.checked_mul(n_pairs)?)?;
        let ends = ends - 2 * pivot * n_pairs;

        let (n, n_pairs) = (n as f64, n_pairs as f64);
        let mean = sum as f64 / n;
        let variance = sum_squares as f64 / n - mean * mean;
        let covariance = (product as f64 - mean * ends as f64) / n_pairs + mean * mean;
        (variance > 0.0).then(|| covariance / variance)
    }

    /// The variance of the values with divisor n (ddof 0), in squared units; `None` when empty or on overflow.
    #[must_use]
    pub fn variance(&self) -> Option<f64> {
        let n = i128::from(self.count);
        let pivot = self.sum.checked_div_euclid(n)?;
        let sum = (self.sum - pivot * n) as f64;
        let squares = i128::try_from(self.sum_squares)
            .ok()?
            .checked_sub(pivot.checked_mul(self.sum)?.checked_mul(2)?)?
            .checked_add(pivot.checked_mul(pivot)?.checked_mul(n)?)?;
        let mean = sum / n as f64;
        Some((squares as f64 / n as f64 - mean * mean).max(0.0))
    }

    fn add(&mut self, x: i64, lagged: impl Fn(u32) -> Option<i64>) -> Option<()> {
        self.count = self.count.checked_add(1)?;
        self.sum = self.sum.checked_add(i128::from(x))?;
        let magnitude = u128::from(x.unsigned_abs());
        self.sum_squares = self.sum_squares.checked_add(magnitude * magnitude)?;
        for pairs in &mut self.pairs {
            if let Some(before) = lagged(pairs.lag) {
                pairs.add(i128::from(x), i128::from(before))?;
            }
        }
        Some(())
    }

    fn lags(&self) -> impl Iterator<Item = u32> + '_ {
        self.pairs.iter().map(|pairs| pairs.lag)
    }

    fn check_lags_equal(&self, other: &Self) -> Result<(), MergeError> {
        if self.lags().eq(other.lags()) {
            return Ok(());
        }
        let text = |moments: &Self| format!("{:?}", moments.lags().collect::<Vec<_>>());
        Err(MergeError::ParameterMismatch {
            state: Self::FORMAT,
            parameter: "the list of lags",
            left: text(self),
            right: text(other),
        })
    }

    /// True when some series can have these sums, as far as counts and signs tell.
    fn is_possible(&self) -> bool {
        let nothing = self.count > 0 || (self.sum == 0 && self.sum_squares == 0);
        let n = u128::from(self.count);
        // Cauchy and Schwarz: sum^2 <= n * sum of squares; not decided where the products overflow.
        let magnitude = self.sum.unsigned_abs();
        let bounded = match (magnitude.checked_mul(magnitude), n.checked_mul(self.sum_squares)) {
            (Some(square), Some(limit)) => square <= limit,
            (None, Some(_)) => false,
            (_, None) => true,
        };
        let pairs = self.pairs.iter().all(|pairs| {
            let empty = pairs.sum_lead == 0 && pairs.sum_lagged == 0 && pairs.sum_product == 0;
            pairs.n_pairs <= self.count && (pairs.n_pairs > 0 || empty)
        });
        nothing && bounded && pairs
    }
}

impl LagPairs {
    fn new(lag: u32) -> Self {
        Self { lag, n_pairs: 0, sum_lead: 0, sum_lagged: 0, sum_product: 0 }
    }

    fn add(&mut self, lead: i128, lagged: i128) -> Option<()> {
        self.n_pairs = self.n_pairs.checked_add(1)?;
        self.sum_lead = self.sum_lead.checked_add(lead)?;
        self.sum_lagged = self.sum_lagged.checked_add(lagged)?;
        self.sum_product = self.sum_product.checked_add(lead * lagged)?;
        Some(())
    }

    fn merged(&self, other: &Self) -> Option<Self> {
        Some(Self {
            lag: self.lag,
            n_pairs: self.n_pairs.checked_add(other.n_pairs)?,
            sum_lead: self.sum_lead.checked_add(other.sum_lead)?,
            sum_lagged: self.sum_lagged.checked_add(other.sum_lagged)?,
            sum_product: self.sum_product.checked_add(other.sum_product)?,
        })
    }

    fn without(&self, other: &Self) -> Option<Self> {
        Some(Self {
            lag: self.lag,
            n_pairs: self.n_pairs.checked_sub(other.n_pairs)?,
            sum_lead: self.sum_lead.checked_sub(other.sum_lead)?,
            sum_lagged: self.sum_lagged.checked_sub(other.sum_lagged)?,
            sum_product: self.sum_product.checked_sub(other.sum_product)?,
        })
    }
}

impl State for LagMoments {
    const FORMAT: &'static str = "lag-moments/1";

    fn count(&self) -> u64 {
        self.count
    }

    fn merge(&mut self, other: &Self) -> Result<(), MergeError> {
        self.check_lags_equal(other)?;
        let merged = || {
            let pairs = self.pairs.iter().zip(&other.pairs).map(|(own, others)| own.merged(others));
            Some(Self {
                count: self.count.checked_add(other.count)?,
                sum: self.sum.checked_add(other.sum)?,
                sum_squares: self.sum_squares.checked_add(other.sum_squares)?,
                pairs: pairs.collect::<Option<_>>()?,
            })
        };
        *self = merged().ok_or(MergeError::Overflow { state: Self::FORMAT, quantity: "a sum" })?;
        Ok(())
    }

    fn encode(&self, out: &mut Vec<u8>) {
        put_u64(out, self.count);
        put_i128(out, self.sum);
        put_u128(out, self.sum_squares);
        put_u64(out, self.pairs.len() as u64);
        for pairs in &self.pairs {
            put_u64(out, u64::from(pairs.lag));
            put_u64(out, pairs.n_pairs);
            put_i128(out, pairs.sum_lead);
            put_i128(out, pairs.sum_lagged);
            put_i128(out, pairs.sum_product);
        }
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(Self::FORMAT, bytes);
        let mut moments = Self {
            count: reader.u64("count")?,
            sum: reader.i128("sum")?,
            sum_squares: reader.u128("sum of squares")?,
            pairs: Vec::new(),
        };
        for _ in 0..reader.length("lags", 5)? {
            let lag = reader.u64("lag")?;
            moments.pairs.push(LagPairs {
                lag: u32::try_from(lag).map_err(|_| reader.invalid("lag"))?,
                n_pairs: reader.u64("number of pairs")?,
                sum_lead: reader.i128("sum of later values")?,
                sum_lagged: reader.i128("sum of earlier values")?,
                sum_product: reader.i128("sum of products")?,
            });
        }
        let lags: Vec<u32> = moments.lags().collect();
        if check_lags(&lags).is_err() {
            return Err(reader.invalid("lags"));
        }
        if !moments.is_possible() {
            return Err(reader.invalid("sums"));
        }
        reader.finish()?;
        Ok(moments)
    }
}

impl Group for LagMoments {
    fn subtract(&mut self, other: &Self) -> Result<(), MergeError> {
        self.check_lags_equal(other)?;
        let difference = || {
            let pairs = self.pairs.iter().zip(&other.pairs).map(|(own, others)| own.without(others));
            Some(Self {
                count: self.count.checked_sub(other.count)?,
                sum: self.sum.checked_sub(other.sum)?,
                sum_squares: self.sum_squares.checked_sub(other.sum_squares)?,
                pairs: pairs.collect::<Option<_>>()?,
            })
        };
        let not_contained = MergeError::NotContained { state: Self::FORMAT, quantity: "a sum" };
        *self = difference().filter(Self::is_possible).ok_or(not_contained)?;
        Ok(())
    }
}

/// The last values of a series: what a window needs from the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LagCarry {
    lags: Vec<u32>,
    /// The last values, oldest first, at most the longest lag.
    ring: VecDeque<i64>,
}

impl LagCarry {
    /// A carry at the start of a series.
    ///
    /// # Errors
    /// [`LagError::InvalidLags`].
    pub fn new(lags: &[u32]) -> Result<Self, LagError> {
        check_lags(lags)?;
        Ok(Self { lags: lags.to_vec(), ring: VecDeque::new() })
    }

    /// Forgets the past: after a gap no pair spans it.
    pub fn reset(&mut self) {
        self.ring.clear();
    }

    /// The values carried, oldest first, at most the longest lag: with the lags they are the whole carry.
    #[must_use]
    pub fn values(&self) -> Vec<i64> {
        self.ring.iter().copied().collect()
    }

    /// Feeds `values` in their order: each is added to `moments` together with its pairs, also those reaching back into
    /// earlier windows.
    ///
    /// # Errors
    /// [`LagError`]; carry and moments are then unchanged.
    pub fn feed(&mut self, values: &[i64], moments: &mut LagMoments) -> Result<(), LagError> {
        if !moments.lags().eq(self.lags.iter().copied()) {
            return Err(LagError::DifferentLags);
        }
        let mut sums = moments.clone();
        let carried = &self.ring;
        for (index, &x) in values.iter().enumerate() {
            let lagged = |lag: u32| {
                let lag = lag as usize;
                match index.checked_sub(lag) {
                    Some(before) => Some(values[before]),
                    None => carried.len().checked_sub(lag - index).map(|before| carried[before]),
                }
            };
            sums.add(x, lagged).ok_or(LagError::Overflow { index })?;
        }
        *moments = sums;
        self.keep(values);
        Ok(())
    }

    fn keep(&mut self, values: &[i64]) {
        let capacity = self.lags.last().map_or(0, |&lag| lag as usize);
        for &x in &values[values.len().saturating_sub(capacity)..] {
            if self.ring.len() == capacity {
                self.ring.pop_front();
            }
            self.ring.push_back(x);
        }
    }
}

crate::carry!(LagCarry: ring);

fn check_lags(lags: &[u32]) -> Result<(), LagError> {
    let in_range = lags.len() <= LAGS_MAX && lags.iter().all(|lag| (1..=LAG_MAX).contains(lag));
    let ascending = lags.windows(2).all(|pair| pair[0] < pair[1]);
    if in_range && ascending { Ok(()) } else { Err(LagError::InvalidLags) }
}
