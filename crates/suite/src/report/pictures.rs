//! What the figures of a report are drawn from: laws at a few points, autocorrelations, the effect over time.
//!
//! Figures decide nothing and are no part of any digest. Numbers are rounded to five significant digits.

use serde::{Deserialize, Serialize};

/// The figures of one observable on one stream.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Picture {
    /// Stream, as in the findings.
    pub stream: String,
    /// Observable or column.
    pub observable: String,
    /// Unit of the values.
    pub unit: String,
    /// Observations drawn: golden, candidate.
    pub counts: [u64; 2],
    /// Both laws; absent for autocorrelations.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub laws: Option<LawCurves>,
    /// Autocorrelations by lag; empty for laws.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lags: Vec<LagBar>,
    /// The effect over time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time: Option<TimeStrip>,
}

/// Both distribution functions at the same values, and the noise of their difference there. All columns are equally long.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LawCurves {
    /// Values in the picture's unit, ascending: quantiles of both sides, the ends, both edges of heavy values, the worst gap.
    pub at: Vec<f64>,
    /// Share of the golden at or below the value.
    pub golden: Vec<f64>,
    /// Share of the candidate at or below the value, weighted to the golden's mix of half hours where these are matched.
    pub candidate: Vec<f64>,
    /// Half-width of the interval of the difference at this value alone; empty where no noise could be measured. All of
    /// `difference +- pointwise` inside the margin is what a `ks` PASS means.
    #[serde(default)]
    pub pointwise: Vec<f64>,
    /// Half-width of the band that holds the difference at all values at once; null where no noise could be measured. A
    /// difference that leaves `margin + simultaneous` anywhere is what a `ks` FAIL means.
    #[serde(default)]
    pub simultaneous: Option<f64>,
    /// Positions of values heavy enough on a side to be drawn as a jump; the value before them is listed, too.
    #[serde(default)]
    pub jumps: Vec<u32>,
    /// Position in the columns of the largest difference; null for equal laws.
    #[serde(default)]
    pub worst: Option<u32>,
    /// Whether every value of both sides is listed: the functions are then steps, else they run between the points and only
    /// jump at `jumps`.
    #[serde(default)]
    pub is_complete: bool,
    /// Margin of the `ks` test, if the suite has one.
    #[serde(default)]
    pub margin: Option<f64>,
    /// Smallest and largest value of the golden.
    pub golden_range: [f64; 2],
    /// Smallest and largest value of the candidate.
    pub candidate_range: [f64; 2],
}

/// Autocorrelation of both sides at one lag.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct LagBar {
    /// Lag in samples.
    pub lag: u32,
    /// Of the golden; null where it is not defined.
    pub golden: Option<f64>,
    /// Of the candidate.
    pub candidate: Option<f64>,
    /// Half-width of the interval of the difference; null where no noise could be measured.
    #[serde(default)]
    pub half_width: Option<f64>,
    /// Margin of the difference.
    #[serde(default)]
    pub margin: Option<f64>,
}

/// What the stretches of a [`TimeStrip`] are compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Against {
    /// The same stretch of the golden.
    #[default]
    SameStretch,
    /// All of the golden.
    WholeGolden,
}

/// The effect over time, in stretches of equal length. The columns are equally long.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TimeStrip {
    /// Start of the first stretch, ns since the epoch.
    pub from_ns: i64,
    /// Length of a stretch, ns.
    pub step_ns: i64,
    /// What each stretch is compared with.
    pub against: Against,
    /// Largest difference of the distribution functions (or of the autocorrelations) in each stretch; null where one of the
    /// two has too little there.
    pub effects: Vec<Option<f64>>,
    /// Effects up to this are usual: 49 in 50 of the golden's own stretches differ less from all of it, or, where stretches
    /// are compared pair by pair, from their neighbours; there the noise of the whole comparison is taken if it is smaller.
    pub noise: Vec<Option<f64>>,
    /// Observations of the golden in each stretch; empty against the whole golden.
    #[serde(default)]
    pub golden: Vec<u64>,
    /// Observations of the candidate in each stretch.
    pub candidate: Vec<u64>,
    /// Margin of the effect, if the suite has one.
    #[serde(default)]
    pub margin: Option<f64>,
}

/// What a stretch of time says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stretch {
    /// Too little on one side.
    Empty,
    /// No more than noise could be, whatever the margin.
    Noise,
    /// Beyond noise, inside the margin.
    Inside,
    /// Over the margin, by no more than noise could be.
    Doubtful,
    /// Over the margin by more than noise.
    Beyond,
}

impl TimeStrip {
    /// What stretch `i` says: [`Stretch::Empty`] also where there is no such stretch. Without a margin nothing is beyond it,
    /// and without measured noise nothing is.
    pub fn stretch(&self, i: usize) -> Stretch {
        let Some(effect) = self.effects.get(i).copied().flatten() else { return Stretch::Empty };
        let noise = self.noise.get(i).copied().flatten();
        let margin = self.margin.unwrap_or(f64::INFINITY);
        match noise {
            Some(noise) if effect - noise > margin => Stretch::Beyond,
            Some(noise) if effect <= noise => Stretch::Noise,
            _ if effect > margin => Stretch::Doubtful,
            _ => Stretch::Inside,
        }
    }

    /// Whether one side has observations in stretch `i` and the other has none.
    pub fn is_one_sided(&self, i: usize) -> bool {
        match (self.golden.get(i), self.candidate.get(i)) {
            (Some(g), Some(c)) => (*g == 0) != (*c == 0),
            _ => false,
        }
    }
}

/// A number with five significant digits; what is not finite stays.
pub fn rounded(x: f64) -> f64 {
    // The decimal form rounds half to even on the exact value and reads back as the nearest number: the same everywhere.
    format!("{x:.4e}").parse().unwrap_or(x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_five_digits() {
        for (x, want) in [(0.0, 0.0), (0.123_456_78, 0.12346), (-98_765.43, -98_765.0), (1.5e-12, 1.5e-12), (3.0, 3.0)]
        {
            assert_eq!(rounded(x).to_bits(), f64::to_bits(want), "{x}");
        }
        assert!(rounded(f64::INFINITY).is_infinite());
    }

    #[test]
    fn a_stretch_is_judged_by_margin_and_noise() {
        let strip = TimeStrip {
            effects: vec![None, Some(0.02), Some(0.08), Some(0.12), Some(0.2), Some(0.3)],
            noise: vec![Some(0.05), Some(0.05), Some(0.05), Some(0.05), Some(0.05), None],
            margin: Some(0.1),
            golden: vec![5, 1, 0, 0, 3, 3],
            candidate: vec![0, 1, 0, 4, 3, 3],
            ..TimeStrip::default()
        };
        use Stretch::{Beyond, Doubtful, Empty, Inside, Noise};
        let seen: Vec<Stretch> = (0..7).map(|i| strip.stretch(i)).collect();
        assert_eq!(seen, [Empty, Noise, Inside, Doubtful, Beyond, Doubtful, Empty]);
        let one_sided: Vec<usize> = (0..7).filter(|&i| strip.is_one_sided(i)).collect();
        assert_eq!(one_sided, [0, 3]);
        let unlimited = TimeStrip { margin: None, ..strip };
        assert!((0..7).all(|i| unlimited.stretch(i) <= Inside));
    }
}
