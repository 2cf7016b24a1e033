//! An effect with its interval against its margin, as a line of text.

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
pub(super) fn bar(effect: f64, interval: [f64; 2], margin: f64, signed: bool, width: usize) -> Option<[String; 2]> {
    let [low, high] = interval;
    if width < WIDTH_MIN || ![effect, low, high, margin].iter().all(|x| x.is_finite()) || margin <= 0.0 {
        return None;
    }
    let cells = width.min(WIDTH_MAX);
    let reach = [effect, low, high, margin].iter().fold(0.0_f64, |most, x| most.max(x.abs())) * (1.0 + ROOM);
    let from = if signed { -reach } else { 0.0 };
    let at = |x: f64| {
        let share = (x - from) / (reach - from);
        ((share * (cells - 1) as f64).round().max(0.0) as usize).min(cells - 1)
    };
    let edges: Vec<f64> = if signed { vec![-margin, margin] } else { vec![margin] };
    let mut line: Vec<char> = (0..cells)
        .map(|cell| {
            let inside = cell <= at(margin) && (!signed || cell >= at(-margin));
            if inside { '─' } else { '·' }
        })
        .collect();
    for cell in &mut line[at(low)..=at(high)] {
        *cell = '━';
    }
    for &edge in &edges {
        line[at(edge)] = '┃';
    }
    line[at(effect)] = '◆';
    let mut labels: Vec<(usize, String)> = edges.iter().map(|&edge| (at(edge), measured(edge))).collect();
    labels.push((at(0.0), "0".to_owned()));
    labels.push((at(effect), measured(effect)));
    Some([line.into_iter().collect(), place(&labels, cells)])
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
