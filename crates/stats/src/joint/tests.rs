//! Every statistic's influence values are what a little more weight of a row does.

use super::*;
use crate::panel::{Panel, PanelRows};

pub(crate) use crate::judging::laws::{
    check_first_numbers as check_first_influences, check_panel_statistic as check_influences, some_rows,
};

#[test]
fn correlations() {
    let (golden, candidate) = (some_rows(200), some_rows(130));
    check_influences(&Correlation::of_all(3), &golden, &candidate, 1e-6);
}

/// Windows of 20 rows of two numbers whose correlation is as asked.
fn windows(count: i64, correlation: f64, seed: u64) -> Vec<Panel> {
    let mut state = seed;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    };
    let mut panels = Vec::new();
    for w in 0..count {
        let mut rows = PanelRows::new(2);
        for i in 0..20 {
            let (a, b) = (uniform(), uniform());
            let y = correlation * a + libm::sqrt(1.0 - correlation * correlation) * b;
            rows.push(w * 20 + i, &[(a * 1e8) as i64, (y * 1e8) as i64]);
        }
        panels.push(Panel::pack(rows));
    }
    panels
}

fn judged(golden: f64, candidate: f64, margin: f64) -> crate::judging::Judged {
    use crate::judging::{Design, Options, Outcome, PanelWindow, compare_panels};
    let (golden, candidate) = (windows(60, golden, 1), windows(50, candidate, 2));
    let placed = |panels: &'static [Panel]| -> Vec<PanelWindow<'static>> {
        panels.iter().zip(0..).map(|(panel, id)| PanelWindow { id, stratum: 0, block: 0, panel }).collect()
    };
    let (golden, candidate) = (placed(golden.leak()), placed(candidate.leak()));
    let statistic = Correlation::of_all(2);
    let outcome =
        compare_panels(&golden, &candidate, &[1e-8; 2], &statistic, (Design::Independent, margin, &Options::default()));
    match outcome.unwrap().outcome {
        Outcome::Judged(judged) => *judged,
        Outcome::TooFewWindows { .. } => panic!("there are windows enough"),
    }
}

#[test]
fn a_difference_of_correlations_is_told_from_none() {
    let same = judged(0.5, 0.5, 0.2);
    assert!(same.is_inside(0.2) && same.lower <= 0.0, "{same:?}");
    let other = judged(0.5, 0.0, 0.2);
    assert!(other.is_outside(0.2) && other.p_fail < 0.01 && other.upper > 0.5, "{other:?}");
    assert!((other.estimate - 0.5).abs() < 0.1);
}
