//! Seconds in which the stream is far busier or quieter than it usually is, and outages.

use super::counters::{Check, Counter, Counters, EXAMPLES_MAX, Example};
use super::frame::Events;
use super::{SECOND_NS, SILENCE_MAX_NS};
use std::collections::BTreeMap;
use verismo_stats::carry;
use verismo_stats::state::{Carry, DecodeError, Reader};

/// Robust z above which a second is an anomaly.
const Z_MAX: f64 = 12.0;
/// Turns a median absolute deviation into a standard deviation under the normal law: 1 / Phi^-1(3/4).
const MAD_TO_SD: f64 = 1.482_602_218_505_602;
/// No stream has so many seconds, or updates.
pub(super) const COUNT_MAX: u64 = 1 << 48;
/// Seconds below which there is no "usual".
const SECONDS_MIN: u64 = 30;

/// Counts the events of every full second of each run, and finds the odd ones at the end.
#[derive(Debug, Default)]
pub(super) struct RateWatch {
    /// The second being counted, its events, and whether it is the first of its run (and so only part of a second).
    open: Option<(i64, u64, bool)>,
    last_ns: i64,
    rates: Rates,
}

/// What whole seconds held.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Rates {
    /// How many seconds had so many events.
    seconds: BTreeMap<u64, u64>,
    /// The busiest seconds, busiest first, of equal ones the earlier first: (events, second).
    busiest: Vec<(u64, i64)>,
    n_silences: u64,
    silences: Vec<Example>,
}

carry!(RateWatch: open, last_ns);

impl Carry for Rates {
    fn save(&self, out: &mut Vec<u8>) {
        let seconds: Vec<(u64, u64)> = self.seconds.iter().map(|(&count, &n)| (count, n)).collect();
        (seconds, self.busiest.clone(), self.n_silences).save(out);
        self.silences.save(out);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        let mut fields = (Vec::<(u64, u64)>::new(), Vec::new(), 0);
        fields.load(input)?;
        let total = fields.0.iter().try_fold(fields.2, |total: u64, (_, n)| total.checked_add(*n));
        if total.is_none_or(|total| total > COUNT_MAX) {
            return Err(input.invalid("a number of seconds"));
        }
        self.seconds = fields.0.into_iter().collect();
        (self.busiest, self.n_silences) = (fields.1, fields.2);
        self.silences.load(input)
    }
}

impl RateWatch {
    pub(super) fn observe(&mut self, events: &Events) {
        for (&t_ns, &continues) in events.t_ns.iter().zip(&events.continues) {
            let second = t_ns.div_euclid(SECOND_NS);
            match &mut self.open {
                Some((open, count, _)) if *open == second && continues => *count += 1,
                Some(_) if continues => self.turn_to(second, t_ns),
                // The last second of a run is only part of one, like its first.
                _ => self.open = Some((second, 1, true)),
            }
            self.last_ns = t_ns;
        }
    }

    /// Closes the open second and counts empty ones up to the new one.
    fn turn_to(&mut self, second: i64, t_ns: i64) {
        let Some((open, count, is_first)) = self.open.replace((second, 1, false)) else { return };
        if !is_first {
            *self.rates.seconds.entry(count).or_default() += 1;
            self.rates.rank(count, open);
        }
        let n_empty = (second - open - 1).clamp(0, SILENCE_MAX_NS / SECOND_NS) as u64;
        if n_empty > 0 {
            *self.rates.seconds.entry(0).or_default() += n_empty;
        }
        let silence_ns = t_ns - self.last_ns;
        if silence_ns > SILENCE_MAX_NS {
            self.rates.n_silences += 1;
            if self.rates.silences.len() < EXAMPLES_MAX {
                self.rates.silences.push(example(open, format!("no event for {} s", silence_ns / SECOND_NS)));
            }
        }
    }

    /// Takes what the whole seconds held; the open one goes on.
    pub(super) fn cut(&mut self) -> Rates {
        std::mem::take(&mut self.rates)
    }
}

impl Rates {
    /// Adds what seconds held later.
    pub(super) fn merge(&mut self, later: Self) {
        for (count, n) in later.seconds {
            let own = self.seconds.entry(count).or_default();
            *own = own.saturating_add(n);
        }
        for (count, second) in later.busiest {
            self.rank(count, second);
        }
        self.n_silences = self.n_silences.saturating_add(later.n_silences);
        let room = EXAMPLES_MAX.saturating_sub(self.silences.len());
        self.silences.extend(later.silences.into_iter().take(room));
    }

    fn rank(&mut self, count: u64, second: i64) {
        let is_busy = self.busiest.len() < EXAMPLES_MAX || self.busiest.last().is_some_and(|&(least, _)| count > least);
        if is_busy {
            let at = self.busiest.partition_point(|&(busier, _)| busier >= count);
            self.busiest.insert(at, (count, second));
            self.busiest.truncate(EXAMPLES_MAX);
        }
    }

    pub(super) fn report(self, counters: &mut Counters) {
        let seconds: Vec<(u64, u64)> = self.seconds.into_iter().collect();
        let total: u64 = seconds.iter().map(|&(_, n)| n).sum();
        let counter = counters.of(Check::RateAnomaly);
        counter.total = total;
        counter.count = self.n_silences;
        counter.examples = self.silences;
        if total < SECONDS_MIN {
            return;
        }
        let median = weighted_median(&seconds, total);
        let mut deviations: Vec<(u64, u64)> = seconds.iter().map(|&(count, n)| (count.abs_diff(median), n)).collect();
        deviations.sort_unstable();
        let mad = weighted_median(&deviations, total) as f64;
        // Counts of a calm stream scatter at least like a Poisson law's, whatever the median absolute deviation says.
        let scale = (MAD_TO_SD * mad).max((median as f64).sqrt()).max(1.0);
        let is_odd = |deviation: u64| deviation as f64 > Z_MAX * scale;
        let odd = deviations.iter().filter(|&&(deviation, _)| is_odd(deviation));
        for &(deviation, n) in odd {
            counter.count += n;
            counter.worst = counter.worst.max(deviation as i64);
        }
        let busy = self.busiest.iter().filter(|&&(count, _)| is_odd(count.abs_diff(median)));
        for &(count, second) in busy {
            push(counter, example(second, format!("{count} events in a second, median {median}")));
        }
    }
}

fn push(counter: &mut Counter, example: Example) {
    if counter.examples.len() < EXAMPLES_MAX {
        counter.examples.push(example);
    }
}

/// A second has a time, not a place.
fn example(second: i64, what: String) -> Example {
    Example { source: String::new(), position: 0, detail: format!("second {second} of the Unix epoch: {what}") }
}

/// The lower median of values with multiplicities, ascending.
fn weighted_median(values: &[(u64, u64)], total: u64) -> u64 {
    let mut n_below = 0;
    let at_median = values.iter().find(|&&(_, n)| {
        n_below += n;
        2 * n_below >= total
    });
    at_median.map_or(0, |&(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `counts[i]` events in second i and reports.
    fn watch(counts: &[i64], cut: usize) -> Counter {
        let mut events = Events::default();
        let mut watch = RateWatch::default();
        for (second, &n) in counts.iter().enumerate() {
            for i in 0..n {
                events.continues.push(!(second == 0 && i == 0));
                events.t_ns.push(second as i64 * SECOND_NS + i);
            }
            if second % cut == 0 {
                watch.observe(&events);
                events = Events::default();
            }
        }
        watch.observe(&events);
        let mut counters = Counters::new();
        watch.cut().report(&mut counters);
        counters.of(Check::RateAnomaly).clone()
    }

    #[test]
    fn a_steady_stream_has_no_anomaly() {
        let counts: Vec<i64> = (0..100).map(|i| 40 + (i * 7) % 11).collect();
        let counter = watch(&counts, 3);
        assert_eq!((counter.count, counter.total, counter.worst), (0, 98, 0));
    }

    #[test]
    fn a_burst_and_a_hole_are_found() {
        let mut counts: Vec<i64> = (0..100).map(|i| 400 + (i * 7) % 11).collect();
        counts[50] = 5_000;
        counts[60] = 0;
        let counter = watch(&counts, 7);
        assert_eq!((counter.count, counter.total), (2, 98));
        assert!(counter.worst >= 4_590, "{}", counter.worst);
        assert_eq!(counter.examples.len(), 1, "{:?}", counter.examples);
        assert!(counter.examples[0].detail.starts_with("second 50 of"), "{:?}", counter.examples);
    }

    #[test]
    fn a_silence_of_more_than_a_minute_is_found_in_a_slow_stream() {
        let mut counts = vec![1; 40];
        counts.extend(vec![0; 70]);
        counts.push(1);
        let counter = watch(&counts, 1_000);
        assert_eq!(counter.count, 1);
        assert!(counter.examples[0].detail.ends_with("no event for 71 s"), "{:?}", counter.examples);
    }
}
