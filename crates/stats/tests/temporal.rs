//! Statistics in order of time against mpmath, statsmodels and arch, and fits against what was simulated.
#![allow(clippy::unwrap_used, clippy::print_stdout, missing_docs)]

mod common;

use common::{raw, rows, uniform};
use std::collections::BTreeMap;
use verismo_stats::judging::{PanelStatistic, Rows};
use verismo_stats::temporal;

/// Columns: see the header. mpmath, 40 digits. Regenerate: `python3 vectors/gen/temporal.py`.
const VECTORS: &str = include_str!("../vectors/temporal.csv");
/// SciPy, and mpmath with 30 digits from where it ends. Regenerate: `python3 vectors/gen/mutual_hawkes.py`.
const MUTUAL: &str = include_str!("../vectors/mutual_hawkes.csv");
/// NumPy. Regenerate: `python3 vectors/gen/up_curve.py`.
const UP_CURVES: &str = include_str!("../vectors/up_curve.csv");

const UNIT: f64 = 1_048_576.0;

fn sum_up(steps: impl Iterator<Item = i64>) -> Vec<f64> {
    let mut at = 0;
    steps
        .map(|step| {
            at += step;
            at as f64 / UNIT
        })
        .collect()
}

fn around(u: u64) -> i64 {
    (u % 2001) as i64 - 1000
}

fn ar(stream: u64, n: u64) -> Vec<f64> {
    let mut x = 0.0;
    uniform(stream, n)
        .map(|u| {
            x = 0.5 * x + (u - 0.5);
            x
        })
        .collect()
}

fn garch(stream: u64, n: u64) -> Vec<f64> {
    let (mut h, mut r) = (1.0, 0.0);
    uniform(stream, n)
        .map(|u| {
            h = 0.05 + 0.1 * r * r + 0.85 * h;
            r = (u - 0.5) * 3.464_101_615_137_754_4 * f64::sqrt(h);
            r
        })
        .collect()
}

/// The series of `vectors/gen/temporal.py`.
fn series(kind: &str, stream: u64, n: u64) -> Vec<f64> {
    let add = |a: Vec<f64>, b: Vec<f64>| a.iter().zip(b).map(|(a, b)| a + b).collect();
    let walk = || sum_up(raw(stream, n).map(around));
    match kind {
        "walk" => walk(),
        "noisy" => add(walk(), raw(stream + 1, n).map(|u| around(u) as f64 / UNIT).collect()),
        "jumpy" => {
            let jump = |u: u64| {
                if u % 211 != 5 {
                    0
                } else if u.is_multiple_of(2) {
                    30_000
                } else {
                    -30_000
                }
            };
            add(walk(), sum_up(raw(stream + 1, n).map(jump)))
        }
        "offset" => walk().iter().map(|x| x + 1_000_000.0).collect(),
        "ar" => ar(stream, n),
        "shifted" => add(ar(stream, n), (0..n).map(|i| if i >= n / 3 { 0.75 } else { 0.0 }).collect()),
        "garch" => garch(stream, n),
        "garch_holes" => {
            let mut r = garch(stream, n);
            r.iter_mut().skip(n as usize / 5).step_by(n as usize / 3).for_each(|r| *r = f64::NAN);
            r
        }
        "garch_tiny" => garch(stream, n).iter().map(|r| r * 2.0_f64.powi(-200)).collect(),
        other => panic!("no kind {other}"),
    }
}

/// Bursts of events.
fn bursts(stream: u64, n: u64) -> Vec<i64> {
    let (mut t, mut is_fast) = (0_i64, false);
    let step = |(i, (u, v)): (u64, (u64, u64))| {
        is_fast ^= u.is_multiple_of(5);
        t += if u % 37 == 3 { 0 } else { 1 + (v % if is_fast { 200_000_000 } else { 2_000_000_000 }) as i64 };
        t += if i == n / 2 { 1_000_000_000_000 } else { 0 };
        t
    };
    (0..).zip(raw(stream, n).zip(raw(stream + 1, n))).map(step).collect()
}

/// A number with its relative and absolute tolerance.
type Number = (&'static str, f64, f64, f64);

/// Closed forms keep 1e-12. What is a difference of two numbers of order 1 keeps that many digits of 1. Fits solve the score of the
/// likelihood in doubles, whose rounding (1e-16 of a mean score) the curvature carries to the parameters: 1e-12 here. Looking at the
/// likelihood alone would leave 1e-8 of them.
fn numbers(kind: &str, stream: u64, n: u64, statistic: &str, parameters: &[f64]) -> Vec<Number> {
    let whole = |i: usize| parameters[i] as usize;
    let closed = |name, value| (name, value, 1e-12, 0.0);
    if statistic == "hawkes" {
        let fit = temporal::fit_hawkes(&bursts(stream, n), parameters[0] as i64).unwrap();
        return vec![
            ("base", fit.base_rate, 1e-12, 0.0),
            ("ratio", fit.branching_ratio, 1e-12, 0.0),
            ("decay", fit.decay, 1e-12, 0.0),
            ("likelihood", fit.log_likelihood, 1e-12, 0.0),
            ("gaps", fit.gaps as f64, 0.0, 0.0),
            ("ks", fit.ks_distance, 1e-12, 0.0),
            ("p", fit.ks_p_value, 1e-11, 0.0),
        ];
    }
    let x = series(kind, stream, n);
    match statistic {
        "realised_variance" => vec![closed("value", temporal::realised_variance(&x, whole(0)).unwrap())],
        "two_scales" => {
            let scale = temporal::realised_variance(&x, 1).unwrap();
            vec![("value", temporal::two_scales_variance(&x, whole(0)).unwrap(), 1e-12, 1e-13 * scale)]
        }
        "noise_variance" => vec![closed("value", temporal::noise_variance(&x).unwrap())],
        "bipower" => vec![closed("value", temporal::bipower_variation(&x).unwrap())],
        "bns" => {
            let test = temporal::bns_test(&x).unwrap();
            vec![("share", test.share, 1e-12, 1e-14), ("z", test.z, 1e-12, 1e-13), ("p", test.p_value, 1e-11, 0.0)]
        }
        "lee_mykland" => {
            let jumps = temporal::lee_mykland(&x, whole(0), parameters[1]).unwrap();
            let first = |of: fn(&temporal::Jump) -> f64| jumps.first().map_or(f64::NAN, of);
            vec![
                ("count", jumps.len() as f64, 0.0, 0.0),
                ("at", first(|j| j.at as f64), 0.0, 0.0),
                closed("size", first(|j| j.size)),
                closed("statistic", first(|j| j.statistic)),
            ]
        }
        "hausman" => {
            let test = temporal::hausman(&x, whole(0)).unwrap();
            // The difference of two variances keeps its digits of either.
            let lost = 1e-13 / (test.ratio - 1.0).abs();
            vec![
                ("statistic", test.statistic, 1e-12 + lost, 0.0),
                ("p", test.p_value, 1e-11 + lost * (1.0 + test.statistic), 0.0),
                closed("ratio", test.ratio),
            ]
        }
        "autocorrelation" => {
            let lag = whole(0);
            vec![("value", temporal::autocorrelations(&x, lag).unwrap()[lag - 1], 1e-12, 1e-13)]
        }
        "ljung_box" => {
            let acf = temporal::autocorrelations(&x, whole(0)).unwrap();
            let test = *temporal::ljung_box(&acf, n, whole(1)).unwrap().last().unwrap();
            assert_eq!(test.lag, whole(0));
            vec![("statistic", test.statistic, 1e-11, 0.0), ("p", test.p_value.unwrap_or(f64::NAN), 1e-9, 1e-200)]
        }
        "runs" => {
            let test = temporal::wald_wolfowitz(&x).unwrap();
            vec![("runs", test.runs as f64, 0.0, 0.0), ("z", test.z, 1e-12, 1e-13), ("p", test.p_value, 1e-11, 0.0)]
        }
        "cusum" => {
            let test = temporal::cusum(&x, whole(0)).unwrap();
            vec![
                ("statistic", test.statistic, 1e-12, 0.0),
                ("p", test.p_value, 1e-10, 0.0),
                ("at", test.at as f64, 0.0, 0.0),
                ("shift", test.shift, 1e-11, 0.0),
            ]
        }
        "page_hinkley" => {
            let test = temporal::page_hinkley(&x, parameters[0], parameters[1]).unwrap();
            let alarm = test.alarm.map_or(f64::NAN, |(at, sign)| at as f64 * f64::from(sign));
            vec![
                ("alarm", alarm, 0.0, 0.0),
                ("rise", test.largest.0, 1e-11, 1e-12),
                ("fall", test.largest.1, 1e-11, 1e-12),
            ]
        }
        "ols" => {
            let y: Vec<f64> = x.iter().zip(ar(stream + 50, n)).map(|(a, b)| a + 2.0 * b).collect();
            let fit = temporal::ols_hac(&x, &y, whole(0)).unwrap();
            // An intercept is a difference of two numbers of the size of the offset.
            vec![
                ("slope", fit.slope, 1e-11, 0.0),
                ("intercept", fit.intercept, 1e-11, 1e-12 * y[0].abs() * (1.0 + fit.slope.abs())),
                ("r2", fit.r_squared, 1e-11, 1e-13),
                ("error", fit.standard_error, 1e-11, 0.0),
                ("p", fit.p_value, 1e-9, 0.0),
            ]
        }
        "garch" => {
            let fit = temporal::fit_garch(&x).unwrap();
            vec![
                ("omega", fit.omega, 1e-12, 0.0),
                ("alpha", fit.alpha, 1e-12, 0.0),
                ("beta", fit.beta, 1e-12, 0.0),
                ("likelihood", fit.log_likelihood, 1e-12, 0.0),
                ("half_life", fit.half_life, 1e-12, 0.0),
            ]
        }
        other => panic!("no statistic {other}"),
    }
}

#[test]
fn every_number_agrees_with_mpmath() {
    let mut computed: BTreeMap<String, Vec<Number>> = BTreeMap::new();
    let (mut checked, mut worst) = (BTreeMap::new(), BTreeMap::new());
    let mut failures = Vec::new();
    for fields in rows(VECTORS) {
        let [kind, stream, n, statistic, parameters, name, want] = fields[..] else { panic!("{fields:?}") };
        let (stream, n) = (stream.parse().unwrap(), n.parse().unwrap());
        let given: Vec<f64> = parameters.split(':').filter(|p| !p.is_empty()).map(|p| p.parse().unwrap()).collect();
        let key = format!("{kind},{stream},{n},{statistic},{parameters}");
        let found = computed.entry(key.clone()).or_insert_with(|| numbers(kind, stream, n, statistic, &given));
        if name == "arch" {
            let likelihood = found.iter().find(|(name, ..)| *name == "likelihood").unwrap().1;
            assert!(want.is_empty() || likelihood >= want.parse::<f64>().unwrap() - 1e-9 * likelihood.abs(), "{key}");
            continue;
        }
        let (_, value, relative, absolute) = *found.iter().find(|(found, ..)| *found == name).unwrap();
        *checked.entry(statistic).or_insert(0) += 1;
        if want.is_empty() {
            assert!(value.is_nan(), "{key}: {name} is {value}, not undefined");
            continue;
        }
        let want: f64 = want.parse().unwrap();
        let error = (value - want).abs();
        if error > 0.0 && want.abs() > 0.0 {
            let most: &mut f64 = worst.entry((statistic, name)).or_insert(0.0);
            *most = most.max(error / want.abs());
        }
        // Tails below the smallest normal double have no digits.
        if error.is_nan() || error > relative * want.abs() + absolute + 1e-300 {
            failures.push(format!("{key}: {name} is {value:e}, not {want:e}, off by {:e}", error / want.abs()));
        }
    }
    println!("{worst:#?}");
    assert!(failures.is_empty(), "{failures:#?}");
    assert!(checked.len() == 15 && checked.values().all(|n| *n >= 5), "{checked:?}");
}

/// The events of `vectors/gen/mutual_hawkes.py`, in order of time and kind.
fn clusters(law: &str, stream: u64, seconds: u64) -> Vec<(i64, usize)> {
    let (rates, branching, decay): ([f64; 2], [[f64; 2]; 2], f64) = match law {
        "usual" => ([0.5, 0.3], [[0.5, 0.1], [0.2, 0.4]], 2.0),
        "own" => ([0.4, 0.4], [[0.6, 0.0], [0.0, 0.6]], 8.0),
        "other" => ([0.6, 0.6], [[0.05, 0.5], [0.4, 0.05]], 1.0),
        other => panic!("no law {other}"),
    };
    let mut uniforms = uniform(stream, 60_000);
    let mut next = || uniforms.next().unwrap();
    let end = seconds as f64;
    let mut events: Vec<(f64, usize)> = Vec::new();
    for (kind, rate) in rates.into_iter().enumerate() {
        let mut at = 0.0;
        loop {
            at -= libm::log(next()) / rate;
            if at >= end {
                break;
            }
            events.push((at, kind));
        }
    }
    let mut k = 0;
    while k < events.len() {
        let (at, kind) = events[k];
        for (child, numbers) in branching.iter().enumerate() {
            let mut left = next();
            let least = libm::exp(-numbers[kind]);
            while left > least {
                events.push((at - libm::log(next()) / decay, child));
                left *= next();
            }
        }
        k += 1;
    }
    let hole = |t: i64| if t > seconds as i64 * 500_000_000 { t + 200_000_000_000 } else { t };
    let mut events: Vec<(i64, usize)> = events
        .into_iter()
        .filter(|(at, _)| *at < end)
        .map(|(at, kind)| (hole((at * 1e6) as i64 * 1_000), kind))
        .collect();
    events.sort_unstable();
    events
}

/// Parameters keep the digits of the root (the score in doubles leaves 1e-12 of them); SciPy, which sees the likelihood only, ends no
/// higher than we do, and no lower than rounding.
#[test]
fn mutual_excitation_agrees_with_scipy_and_mpmath() {
    let (mut fits, mut checked) = (BTreeMap::new(), 0);
    for fields in rows(MUTUAL) {
        let [law, stream, seconds, name, want] = fields[..] else { panic!("{fields:?}") };
        let key = (law, stream.parse().unwrap(), seconds.parse().unwrap());
        let fit = fits.entry(key).or_insert_with(|| {
            let events = clusters(key.0, key.1, key.2);
            let times: Vec<i64> = events.iter().map(|(t, _)| *t).collect();
            let kinds: Vec<[bool; 2]> = events.iter().map(|(_, kind)| [*kind == 0, *kind == 1]).collect();
            temporal::fit_mutual_hawkes(&times, &kinds, 60_000_000_000).unwrap()
        });
        let want: f64 = want.parse().unwrap();
        let [[a, b], [c, d]] = fit.branching;
        let (value, tolerance) = match name {
            "base_0" => (fit.base_rates[0], 1e-11),
            "base_1" => (fit.base_rates[1], 1e-11),
            "n_00" => (a, 1e-11),
            "n_01" => (b, 1e-11),
            "n_10" => (c, 1e-11),
            "n_11" => (d, 1e-11),
            "decay" => (fit.decay, 1e-11),
            "radius" => (fit.spectral_radius, 1e-11),
            "likelihood" => (fit.log_likelihood, 1e-12),
            "scipy" => (fit.log_likelihood.min(want + 1e-4), 1e-9 / want.abs()),
            "events_0" => (fit.events[0] as f64, 0.0),
            "events_1" => (fit.events[1] as f64, 0.0),
            "ks_0" => (fit.ks_distance[0], 1e-11),
            "ks_1" => (fit.ks_distance[1], 1e-11),
            "p_0" => (fit.ks_p_value[0], 1e-10),
            "p_1" => (fit.ks_p_value[1], 1e-10),
            other => panic!("no number {other}"),
        };
        if name == "scipy" {
            assert!(value >= want - 1e-9, "{key:?}: {value} is below SciPy's {want}");
            continue;
        }
        let error = (value - want).abs();
        // A branching number near 0 keeps the digits of 1.
        assert!(
            error <= tolerance * want.abs().max(0.1),
            "{key:?}: {name} is {value:e}, not {want:e}, off by {error:e}"
        );
        checked += 1;
    }
    assert_eq!((fits.len(), checked), (4, 60));
}

/// The sample of `vectors/gen/up_curve.py`.
fn steered(kind: &str, stream: u64, n: u64) -> Rows {
    let (u, v): (Vec<f64>, Vec<f64>) = (uniform(stream, n).collect(), uniform(stream + 1, n).collect());
    let odd = if stream % 2 == 1 { 0.25 } else { 0.0 };
    let mut price = 0.0;
    let row = |i: usize| {
        let x = match kind {
            "smooth" => u[i],
            "ties" => (4.0 * u[i]).floor(),
            "middle" if u[i] > 0.25 && u[i] < 0.7 => 0.5,
            "middle" => u[i],
            "ends" => u[i].clamp(0.3, 0.88),
            "two" => (2.0 * u[i]).floor(),
            other => panic!("no kind {other}"),
        };
        price += if i > 0 && u[i - 1] > 0.6 && v[i] > 0.4 {
            1.0
        } else if v[i] < 0.25 {
            -1.0
        } else if v[i] < 0.5 + odd {
            0.0
        } else {
            1.0
        };
        [if i % 53 == 20 { f64::NAN } else { price }, if i % 31 == 7 { f64::NAN } else { x }]
    };
    Rows::of_values(2, (0..n as usize).flat_map(row).collect(), 1_000_000_000)
}

#[test]
fn curves_of_rises_agree_with_numpy() {
    let mut checked = 0;
    for fields in rows(UP_CURVES) {
        let [kind, stream, n, m, lead, bins, side, want @ ..] = &fields[..] else { panic!("{fields:?}") };
        let stream: u64 = stream.parse().unwrap();
        let (golden, candidate) =
            (steered(kind, stream, n.parse().unwrap()), steered(kind, stream + 3, m.parse().unwrap()));
        let grid = temporal::Spacing::Time(1_000_000_000);
        let curve = temporal::UpCurve::new(0, 1, grid, lead.parse().unwrap(), bins.parse().unwrap());
        let found = &curve.read(&golden, &candidate).unwrap()[usize::from(*side == "candidate")].values;
        assert_eq!(found.len(), want.len());
        for (k, (found, want)) in found.iter().zip(want).enumerate() {
            let want: f64 = want.parse().unwrap();
            assert!(
                (found - want).abs() <= 1e-12,
                "{kind} {stream}, lead {lead}, {side}, bin {k}: {found} is not {want}"
            );
            checked += 1;
        }
    }
    assert!(checked > 150, "{checked}");
}
