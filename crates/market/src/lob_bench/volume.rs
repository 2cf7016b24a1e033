//! Traded size a minute, from clock seconds with trades.

const SECOND_NS: i64 = 1_000_000_000;
const SECOND_US: i64 = 1_000_000;
/// A part of a second at either end that is shorter is left out.
const PART_MIN_US: i64 = 100_000;
const SECONDS_A_MINUTE: f64 = 60.0;

/// Trades of one clock second.
#[derive(Debug, Clone, Copy)]
struct Second {
    second: i64,
    size: i64,
    first_ns: i64,
    last_ns: i64,
    /// The row of the first.
    row: u64,
}

/// Sizes of executions by clock second.
#[derive(Debug, Default)]
pub(super) struct Volume(Vec<Second>);

impl Volume {
    pub(super) fn push(&mut self, t_ns: i64, size: i64, row: u64) {
        let second = t_ns.div_euclid(SECOND_NS);
        match self.0.last_mut() {
            Some(last) if last.second == second => {
                last.size = last.size.saturating_add(size);
                last.last_ns = t_ns;
            }
            _ => self.0.push(Second { second, size, first_ns: t_ns, last_ns: t_ns, row }),
        }
    }

    /// Size a minute in each second, with the row of its first trade. The seconds at either end are not whole: the part from the
    /// first trade on, and that up to the last one, stand for them, in microseconds cut off as the benchmark has them.
    pub(super) fn finish(mut self) -> Vec<(u64, f64)> {
        // Only messages out of order have a second twice.
        self.0.sort_by_key(|second| second.second);
        self.0.dedup_by(|next, kept| {
            let is_same = next.second == kept.second;
            if is_same {
                kept.size = kept.size.saturating_add(next.size);
                (kept.first_ns, kept.last_ns, kept.row) = if next.row < kept.row {
                    (next.first_ns, kept.last_ns, next.row)
                } else {
                    (kept.first_ns, next.last_ns, kept.row)
                };
            }
            is_same
        });
        let mut values: Vec<(u64, f64)> =
            self.0.iter().map(|second| (second.row, second.size as f64 * SECONDS_A_MINUTE)).collect();
        let (Some(first), Some(last)) = (self.0.first(), self.0.last()) else { return values };
        let microsecond = |t_ns: i64| t_ns.rem_euclid(SECOND_NS) / 1_000;
        let (from_us, to_us) = (microsecond(first.first_ns), microsecond(last.last_ns));
        let scale = |value: &mut (u64, f64), part_us: i64| value.1 *= SECOND_US as f64 / part_us as f64;
        if let [only] = &mut values[..] {
            if first.first_ns == last.last_ns {
                return values;
            }
            if to_us - from_us < PART_MIN_US {
                return Vec::new();
            }
            scale(only, to_us - from_us);
            return values;
        }
        if to_us < PART_MIN_US {
            values.pop();
        } else if let Some(value) = values.last_mut() {
            scale(value, to_us);
        }
        if from_us < SECOND_US - PART_MIN_US {
            values.remove(0);
        } else if let Some(value) = values.first_mut() {
            scale(value, SECOND_US - from_us);
        }
        values
    }
}
