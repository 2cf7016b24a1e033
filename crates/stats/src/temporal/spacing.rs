//! Which rows are neighbours, and series made of a column.

use super::scaled;
use crate::judging::Rows;

/// Which rows are neighbours in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Spacing {
    /// Rows exactly this many nanoseconds apart, above 0: a grid that may have holes. Of rows at one time the last counts.
    Time(i64),
    /// Rows that follow each other (trades, updates), unless more than this many nanoseconds lie between them.
    Rows(i64),
}

impl Spacing {
    /// For each row the row that lies so many steps before it.
    pub(super) fn back(self, rows: &Rows, steps: usize) -> Vec<Option<usize>> {
        match self {
            Self::Time(step) => at_distance(rows, step.saturating_mul(i64::try_from(steps).unwrap_or(i64::MAX))),
            Self::Rows(gap_max) => {
                let mut run = 0_usize;
                let mut of = |i: usize| {
                    let gap = i.checked_sub(1).map(|before| i128::from(rows.t_ns[i]) - i128::from(rows.t_ns[before]));
                    run = if gap.is_some_and(|gap| (0..=i128::from(gap_max)).contains(&gap)) { run + 1 } else { 0 };
                    (run >= steps).then(|| i.saturating_sub(steps))
                };
                (0..rows.len()).map(&mut of).collect()
            }
        }
    }
}

/// For each row the one exactly so many nanoseconds before it. Where times descend (sessions that overlap) no pair crosses.
fn at_distance(rows: &Rows, distance: i64) -> Vec<Option<usize>> {
    let t = &rows.t_ns;
    let mut found = vec![None; t.len()];
    if distance < 0 {
        return found;
    }
    let mut j = 0;
    for i in 0..t.len() {
        if i > 0 && t[i] < t[i - 1] {
            j = i;
        }
        let is_last = t.get(i + 1) != Some(&t[i]);
        let Some(target) = t[i].checked_sub(distance).filter(|_| is_last) else { continue };
        while j < i && (t[j] < target || (t[j] == target && t.get(j + 1) == Some(&target))) {
            j += 1;
        }
        found[i] = (t[j] == target).then_some(j);
    }
    found
}

/// A series made of one column, row by row; NaN where it is not defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Series {
    /// The column itself.
    Level,
    /// Its change over one step: a return, if the column is a log price.
    Difference,
    /// The size of its change over one step.
    AbsDifference,
    /// The square of its change over one step, in squares of the largest.
    SquaredDifference,
    /// Its sign, -1 or 1; not defined for 0.
    Sign,
}

impl Series {
    pub(super) fn of(self, rows: &Rows, column: usize, spacing: Spacing) -> Vec<f64> {
        match self {
            Self::Level => column_of(rows, column),
            Self::Sign => {
                let sign = |v: f64| if v.abs() > 0.0 { v.signum() } else { f64::NAN };
                column_of(rows, column).into_iter().map(sign).collect()
            }
            Self::Difference => differences(rows, column, spacing, 1),
            Self::AbsDifference => differences(rows, column, spacing, 1).iter().map(|d| d.abs()).collect(),
            Self::SquaredDifference => {
                let changes = differences(rows, column, spacing, 1);
                let size = scaled(&changes).map_or(1.0, |(_, size)| size);
                changes.iter().map(|d| (d / size) * (d / size)).collect()
            }
        }
    }
}

/// A column; NaN for one that the rows do not have, and for what is not finite.
pub(super) fn column_of(rows: &Rows, column: usize) -> Vec<f64> {
    let value = |i: usize| rows.row(i).get(column).copied().filter(|v| v.is_finite()).unwrap_or(f64::NAN);
    (0..rows.len()).map(value).collect()
}

/// The change of a column over so many steps, at the later row; NaN where it is not defined.
pub(super) fn differences(rows: &Rows, column: usize, spacing: Spacing, steps: usize) -> Vec<f64> {
    let values = column_of(rows, column);
    let change = |(i, before): (usize, Option<usize>)| before.map_or(f64::NAN, |j| values[i] - values[j]);
    spacing.back(rows, steps).into_iter().enumerate().map(change).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(t_ns: &[i64]) -> Rows {
        let n = t_ns.len();
        Rows { t_ns: t_ns.to_vec(), ..Rows::of_values(1, (0..n).map(|i| (i * i) as f64).collect(), 1) }
    }

    #[test]
    fn neighbours_on_a_grid_are_exactly_so_far_apart() {
        let rows = rows(&[0, 10, 10, 20, 40, 50, 51, 60, 5, 15]);
        let back = Spacing::Time(10).back(&rows, 1);
        assert_eq!(back, [None, None, Some(0), Some(2), None, Some(4), None, Some(5), None, Some(8)]);
        let back = Spacing::Time(10).back(&rows, 2);
        assert_eq!(back, [None, None, None, Some(0), Some(3), None, None, Some(4), None, None]);
        let changes = differences(&rows, 0, Spacing::Time(10), 1);
        assert!((changes[3] - 5.0).abs() < 1e-12);
        assert!(changes[4].is_nan() && differences(&rows, 7, Spacing::Time(10), 1).iter().all(|d| d.is_nan()));
    }

    #[test]
    fn neighbours_by_rows_end_at_gaps() {
        let rows = rows(&[0, 1, 1, 100, 101, 50]);
        assert_eq!(Spacing::Rows(10).back(&rows, 1), [None, Some(0), Some(1), None, Some(3), None]);
        assert_eq!(Spacing::Rows(10).back(&rows, 2), [None, None, Some(0), None, None, None]);
        assert_eq!(Spacing::Rows(10).back(&rows, 0)[3], Some(3));
    }

    #[test]
    fn times_at_the_ends_of_the_range_do_no_harm() {
        let rows = rows(&[i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX]);
        for spacing in
            [Spacing::Time(i64::MAX), Spacing::Time(1), Spacing::Time(0), Spacing::Time(-5), Spacing::Rows(-1)]
        {
            for steps in [0, 1, 2, usize::MAX] {
                assert_eq!(spacing.back(&rows, steps).len(), 4);
            }
        }
        assert_eq!(Spacing::Time(1).back(&rows, 1), [None, Some(0), None, Some(2)]);
    }
}
