//! Axes: linear, logarithmic and of time, with ticks that people can read.

use crate::number;

/// How values lie on an axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Linear,
    Log,
    /// ns since the epoch, UTC.
    Time,
}

/// One axis of a figure.
#[derive(Debug, Clone, PartialEq)]
pub struct Axis {
    /// What it shows, with the unit.
    pub name: String,
    scale: Scale,
    from: f64,
    to: f64,
    has_ticks: bool,
}

/// Ticks on an axis, about.
const TICKS: f64 = 5.0;

/// Distances between ticks of time, s.
const TIME_STEPS_S: [f64; 21] = [
    1.0,
    2.0,
    5.0,
    10.0,
    15.0,
    30.0,
    60.0,
    120.0,
    300.0,
    600.0,
    900.0,
    1800.0,
    3600.0,
    7200.0,
    10_800.0,
    21_600.0,
    43_200.0,
    86_400.0,
    172_800.0,
    604_800.0,
    2_592_000.0,
];

impl Axis {
    /// An axis on which equal distances are equal differences. Ends that are equal or not finite are moved apart.
    pub fn linear(name: impl Into<String>, from: f64, to: f64) -> Self {
        let (from, to) = apart(from, to);
        Self { name: name.into(), scale: Scale::Linear, from, to, has_ticks: true }
    }

    /// An axis on which equal distances are equal ratios; linear if `from` is not positive.
    pub fn log(name: impl Into<String>, from: f64, to: f64) -> Self {
        if !(from > 0.0 && to > from && to.is_finite()) {
            return Self::linear(name, from, to);
        }
        Self { name: name.into(), scale: Scale::Log, from, to, has_ticks: true }
    }

    /// An axis of time, in ns since the epoch.
    pub fn time(name: impl Into<String>, from_ns: i64, to_ns: i64) -> Self {
        let (from, to) = apart(from_ns as f64, to_ns as f64);
        Self { name: name.into(), scale: Scale::Time, from, to, has_ticks: true }
    }

    /// Where a value lies, 0 to 1; beyond the ends it is at the end.
    pub fn fraction(&self, value: f64) -> f64 {
        let fraction = match self.scale {
            Scale::Linear | Scale::Time => (value - self.from) / (self.to - self.from),
            Scale::Log if value <= self.from => 0.0,
            Scale::Log => libm::log(value / self.from) / libm::log(self.to / self.from),
        };
        if fraction.is_nan() { 0.0 } else { fraction.clamp(0.0, 1.0) }
    }

    /// Values with their words, ascending.
    pub fn ticks(&self) -> Vec<(f64, String)> {
        match self.scale {
            _ if !self.has_ticks => Vec::new(),
            Scale::Linear => linear_ticks(self.from, self.to),
            Scale::Log => log_ticks(self.from, self.to),
            Scale::Time => time_ticks(self.from, self.to),
        }
    }

    /// The same with another name.
    #[must_use]
    pub fn named(self, name: String) -> Self {
        Self { name, ..self }
    }

    /// The same without ticks: for things side by side, named one by one.
    #[must_use]
    pub fn without_ticks(self) -> Self {
        Self { has_ticks: false, ..self }
    }

    /// Whether equal distances are equal ratios.
    pub fn is_log(&self) -> bool {
        self.scale == Scale::Log
    }
}

fn apart(from: f64, to: f64) -> (f64, f64) {
    let (from, to) = if from.is_finite() && to.is_finite() { (from.min(to), from.max(to)) } else { (0.0, 1.0) };
    if to - from > 1e-12 * from.abs().max(to.abs()) {
        return (from, to);
    }
    let around = if from.abs() > 0.0 { 0.5 * from.abs() } else { 1.0 };
    (from - around, to + around)
}

/// 1, 2 or 5 times a power of ten, at least `least`.
fn round_step(least: f64) -> f64 {
    let power = libm::pow(10.0, libm::floor(libm::log10(least)));
    [1.0, 2.0, 5.0, 10.0].map(|m| m * power).into_iter().find(|step| *step >= least * 0.999).unwrap_or(10.0 * power)
}

fn linear_ticks(from: f64, to: f64) -> Vec<(f64, String)> {
    let step = round_step((to - from) / TICKS);
    let (first, last) = (libm::ceil(from / step - 1e-9), libm::floor(to / step + 1e-9));
    // The step is at least a fifth of the range over 2.5, so there are at most eleven.
    let count = (last - first).clamp(0.0, 12.0) as usize;
    (0..=count)
        .map(|i| {
            let k = first + i as f64;
            let value = k * step;
            let near_zero = k.abs() < 0.5;
            (value, if near_zero { "0".to_owned() } else { number::measured(value) })
        })
        .collect()
}

fn log_ticks(from: f64, to: f64) -> Vec<(f64, String)> {
    let (low, high) = (libm::ceil(libm::log10(from) - 1e-9), libm::floor(libm::log10(to) + 1e-9));
    let decades = (high - low).clamp(0.0, 600.0);
    if decades < 2.0 {
        let mut ticks = Vec::new();
        for k in 0..=(decades as usize + 1) {
            let power = libm::pow(10.0, low - 1.0 + k as f64);
            for m in [1.0, 2.0, 5.0] {
                let value = m * power;
                if value >= from * 0.999 && value <= to * 1.001 {
                    ticks.push((value, number::measured(value)));
                }
            }
        }
        return ticks;
    }
    let step = libm::ceil((decades + 1.0) / 6.0).max(1.0);
    let count = (decades / step) as usize;
    (0..=count)
        .map(|i| {
            let value = libm::pow(10.0, low + step * i as f64);
            (value, number::measured(value))
        })
        .collect()
}

fn time_ticks(from_ns: f64, to_ns: f64) -> Vec<(f64, String)> {
    let (from, to) = (from_ns / 1e9, to_ns / 1e9);
    let least = (to - from) / TICKS;
    let longest = TIME_STEPS_S[TIME_STEPS_S.len() - 1];
    let step =
        TIME_STEPS_S.into_iter().find(|step| *step >= least).unwrap_or_else(|| longest * libm::ceil(least / longest));
    let (first, last) = (libm::ceil(from / step - 1e-9), libm::floor(to / step + 1e-9));
    let count = (last - first).clamp(-1.0, 12.0);
    (0..(count + 1.0) as usize)
        .map(|i| {
            let seconds = (first + i as f64) * step;
            (seconds * 1e9, time_label(seconds as i64, step))
        })
        .collect()
}

/// The part of a time that tells ticks of this distance apart.
fn time_label(seconds: i64, step: f64) -> String {
    let text = number::utc(seconds.saturating_mul(1_000_000_000));
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default().to_owned();
    if step >= 86_400.0 {
        part(5..10)
    } else if step >= 60.0 {
        part(11..16)
    } else {
        part(11..19)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(axis: &Axis) -> String {
        axis.ticks().into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn ticks_are_round_and_few() {
        assert_eq!(words(&Axis::linear("", 0.0, 1.0)), "0 0.2 0.4 0.6 0.8 1");
        assert_eq!(words(&Axis::linear("", -0.013, 0.021)), "-0.01 0 0.01 0.02");
        assert_eq!(words(&Axis::linear("", 3.0, 3.0)), "2 3 4");
        assert_eq!(words(&Axis::linear("", f64::NAN, 3.0)), "0 0.2 0.4 0.6 0.8 1");
        assert_eq!(words(&Axis::log("", 0.001, 20.0)), "0.001 0.01 0.1 1 10");
        assert_eq!(words(&Axis::log("", 2.0, 60.0)), "2 5 10 20 50");
        assert_eq!(words(&Axis::log("", 1e-12, 1e9)), "1e-12 1e-8 0.0001 1 10,000 100,000,000");
        assert_eq!(words(&Axis::log("", 0.0, 2.0)), "0 0.5 1 1.5 2");
        let noon = 1_723_118_400_000_000_000;
        assert_eq!(words(&Axis::time("", noon, noon + 3_600_000_000_000)), "12:00 12:15 12:30 12:45 13:00");
        assert_eq!(words(&Axis::time("", noon, noon + 20_000_000_000)), "12:00:00 12:00:05 12:00:10 12:00:15 12:00:20");
        assert_eq!(words(&Axis::time("", noon, noon + 400_000_000_000_000)), "08-09 08-10 08-11 08-12 08-13");
    }

    #[test]
    fn fractions_stay_on_the_axis() {
        let axis = Axis::log("", 1.0, 100.0);
        assert!((axis.fraction(10.0) - 0.5).abs() < 1e-12 && axis.is_log());
        for x in [f64::NAN, f64::NEG_INFINITY, -1.0, 0.0, 1e9, f64::INFINITY] {
            assert!((0.0..=1.0).contains(&axis.fraction(x)));
            assert!((0.0..=1.0).contains(&Axis::linear("", 0.0, 1.0).fraction(x)));
        }
    }
}
