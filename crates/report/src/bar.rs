//! An effect with its interval against its margin, as a line of text: alone, or one of many on a common axis.

use crate::layout::display_width;
use crate::number::measured;

/// Room left of the smallest and right of the largest number drawn, as a share of the axis.
const ROOM: f64 = 0.08;
/// Narrower bars say nothing.
const WIDTH_MIN: usize = 24;
/// Wider ones do not say more.
const WIDTH_MAX: usize = 72;

/// A bar and the labels under it; none where a number is missing.
///
/// `signed` says whether the effect has two directions: the margin then lies on both sides of 0.
pub(crate) fn bar(effect: f64, interval: [f64; 2], margin: f64, signed: bool, width: usize) -> Option<[String; 2]> {
    let [low, high] = interval;
    if width < WIDTH_MIN || ![effect, low, high, margin].iter().all(|x| x.is_finite()) || margin <= 0.0 {
        return None;
    }
    let cells = width.min(WIDTH_MAX);
    let axis = Axis::new(&[effect, low, high, margin], signed, cells);
    let line = line(&axis, effect, interval, margin);
    let at = |x| axis.cell(x);
    let edges: Vec<f64> = if signed { vec![-margin, margin] } else { vec![margin] };
    let mut labels: Vec<(usize, String)> = edges.iter().map(|&edge| (at(edge), measured(edge))).collect();
    labels.push((at(0.0), "0".to_owned()));
    labels.push((at(effect), measured(effect)));
    Some([line, place(&labels, cells)])
}

/// Where numbers lie on a line of text.
pub(crate) struct Axis {
    from: f64,
    reach: f64,
    cells: usize,
}

impl Axis {
    /// An axis with room for all of `numbers`, which are finite and not all 0; from 0 on unless `signed`.
    pub(crate) fn new(numbers: &[f64], signed: bool, cells: usize) -> Self {
        let reach = numbers.iter().fold(0.0_f64, |most, x| most.max(x.abs())) * (1.0 + ROOM);
        Self { from: if signed { -reach } else { 0.0 }, reach, cells: cells.max(1) }
    }

    fn is_signed(&self) -> bool {
        self.from < 0.0
    }

    fn cell(&self, x: f64) -> usize {
        let share = (x - self.from) / (self.reach - self.from);
        ((share * (self.cells - 1) as f64).round().max(0.0) as usize).min(self.cells - 1)
    }
}

/// An effect with its interval and margin on an axis.
pub(crate) fn line(axis: &Axis, effect: f64, [low, high]: [f64; 2], margin: f64) -> String {
    let (inside_from, inside_to) = (if axis.is_signed() { axis.cell(-margin) } else { 0 }, axis.cell(margin));
    let is_inside = |cell: usize| (inside_from..=inside_to).contains(&cell);
    let mut line: Vec<char> = (0..axis.cells).map(|cell| if is_inside(cell) { '─' } else { '·' }).collect();
    for cell in &mut line[axis.cell(low)..=axis.cell(high).max(axis.cell(low))] {
        *cell = '━';
    }
    if axis.is_signed() {
        line[inside_from] = '┃';
    }
    line[inside_to] = '┃';
    line[axis.cell(effect)] = '◆';
    line.into_iter().collect()
}

/// Writes each label under its cell, the first ones first; one that would touch another is left out.
fn place(labels: &[(usize, String)], cells: usize) -> String {
    let mut line: Vec<char> = vec![' '; cells];
    for (at, label) in labels {
        let wide = display_width(label);
        let start = at.saturating_sub(wide / 2).min(cells.saturating_sub(wide));
        let around = start.saturating_sub(1)..(start + wide + 1).min(cells);
        if wide > cells || line[around].iter().any(|c| *c != ' ') {
            continue;
        }
        for (cell, c) in line[start..].iter_mut().zip(label.chars()) {
            *cell = c;
        }
    }
    line.into_iter().collect::<String>().trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn what_lies_outside_is_drawn_outside() {
        let [line, labels] = bar(0.41, [0.38, 0.44], 0.15, false, 40).unwrap();
        expect![[r#"
            ────────────┃··················━━━◆━━···
            0         0.15                  0.41
        "#]]
        .assert_eq(&format!("{line}\n{labels}\n"));
        let [line, labels] = bar(-0.02, [-0.06, 0.02], 0.05, true, 40).unwrap();
        expect![[r#"
            ·━━━┃━━━━━━━━◆━━━━━━━━━━━━━────────┃····
              -0.05    -0.02    0            0.05
        "#]]
        .assert_eq(&format!("{line}\n{labels}\n"));
    }

    #[test]
    fn equal_data_and_extreme_numbers_have_a_bar_of_the_same_width() {
        for (effect, interval, margin) in [
            (0.0, [0.0, 0.0], 0.15),
            (1e300, [0.0, 1e300], 1e-9),
            (1e-320, [0.0, 1e-310], 1e-300),
            (5.0, [6.0, 7.0], 1.0),
        ] {
            for signed in [false, true] {
                let [line, labels] = bar(effect, interval, margin, signed, 60).unwrap();
                assert_eq!(line.chars().count(), 60);
                assert!(labels.chars().count() <= 60 && line.contains('◆'), "{line}");
            }
        }
        assert_eq!(bar(f64::NAN, [0.0, 1.0], 0.1, false, 60), None);
        assert_eq!(bar(0.1, [0.0, 1.0], 0.1, false, 10), None);
    }
}
