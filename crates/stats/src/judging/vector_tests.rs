//! The recipe's printed test vectors, to 1e-10, with the printed weights in place of the random ones.

use super::comparison::{Comparison, Noise, Source, error_part};
use super::edges::add_combination;
use super::effect::Shape;
use super::noise::{Matrix, Memory, NoiseModel, choose_cosines, energies, memory_constant};
use super::random::{Stream, Weights};
use super::replicate::{replicate_norms, tail_share, upper_quantile};
use super::{Design, Effect, Options, Window};
use crate::special::student_t_sf;

/// `w(b, k, q) = (((37 b + 61 k + 23 q) mod 41) - 20) / 10`.
struct Printed;

impl Weights for Printed {
    fn normal(&self, replicate: u32, cosine: u32, stream: Stream) -> f64 {
        (f64::from((37 * replicate + 61 * cosine + 23 * stream as u32) % 41) - 20.0) / 10.0
    }
}

fn close(what: &str, got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len(), "{what}: {got:?}");
    for (g, w) in got.iter().zip(want) {
        assert!((g - w).abs() <= 1e-10, "{what}: {got:?} instead of {want:?}");
    }
}

type Cells = Vec<crate::histogram::Cells>;

fn golden_counts(w: u64, j: u64) -> u64 {
    (5 * w + 3 * j + 2 * w * j * j) % 17 + 1
}

fn cells(windows: u64, count: impl Fn(u64, u64) -> u64) -> Cells {
    let window = |w| -> Vec<(i64, u64)> { (0..6).map(|j| (j as i64, count(w, j))).collect() };
    (0..windows).map(|w| crate::histogram::Cells::pack(&window(w))).collect()
}

fn golden(windows: u64) -> Cells {
    cells(windows, golden_counts)
}

fn candidate(windows: u64) -> Cells {
    cells(windows, |w, j| (w + 7 * j + 3 * w * j * j) % 17 + 1 + if j == 2 { 4 } else { 0 })
}

fn windows(cells: &Cells) -> Vec<Window<'_>> {
    cells.iter().enumerate().map(|(w, cells)| Window::new(w as i64, cells)).collect()
}

fn compare(golden: &Cells, candidate: &Cells, design: Design) -> Comparison {
    let mut comparison = Comparison::new(&windows(golden), &windows(candidate), design, &Options::default()).unwrap();
    if comparison.noise.is_some() {
        comparison.noise = Some(printed_noise(&comparison));
    }
    comparison
}

/// The noise by which the vectors were printed: one exponent of memory for each side, from itself alone.
fn printed_noise(comparison: &Comparison) -> Noise {
    let sources: &[Source] =
        if comparison.arrangement.paired { &[Source::Pairs] } else { &[Source::Candidate, Source::Golden] };
    let part = |source: &Source| {
        let model = NoiseModel::single(&comparison.noise_series(*source), Memory::Whittle);
        comparison.part_with(*source, model)
    };
    comparison.noise_of(sources.iter().map(part).collect())
}

/// Values whose gaps are 1, 1, 2, 3, 5.
fn value_of(key: i64) -> f64 {
    [0.0, 1.0, 2.0, 4.0, 7.0, 12.0][key as usize]
}

fn norms(comparison: &Comparison, shape: &Shape, ordered: bool) -> Vec<f64> {
    let noise = comparison.noise.as_ref().unwrap();
    let rows = rows(comparison, shape);
    let parts: Vec<_> =
        noise.parts.iter().zip(&rows).map(|(part, rows)| error_part(part.source, rows, part.model.degrees)).collect();
    if ordered {
        return replicate_norms(&parts, &Printed, None, 9, &shape.norm);
    }
    // One by one, as the recipe says it.
    let replicate = |b: u32| {
        let mut error = vec![0.0; rows[0].columns];
        for part in &parts {
            let square = |k| Printed.normal(b, k, part.spread) * Printed.normal(b, k, part.spread);
            let spread: f64 = (1..=part.degrees as u32).map(square).sum();
            let factor = part.sign * libm::sqrt(part.degrees as f64 / spread);
            for (k, row) in (1..).zip(part.rows.data.chunks_exact(part.rows.columns)) {
                for (e, v) in error.iter_mut().zip(row) {
                    *e += factor * Printed.normal(b, k, part.normals) * v;
                }
            }
        }
        shape.norm.of(&error)
    };
    (1..=9).map(replicate).collect()
}

fn rows(comparison: &Comparison, shape: &Shape) -> Vec<Matrix> {
    comparison.shape_rows(comparison.noise.as_ref().unwrap(), shape)
}

fn upper_end(comparison: &Comparison, shape: &Shape) -> f64 {
    let noise = comparison.noise.as_ref().unwrap();
    let band = comparison.band(noise, shape, &rows(comparison, shape));
    comparison.upper_end(noise, shape, &band, &|nu| noise.t[nu - 1])
}

struct SideVector {
    source: Source,
    law: [f64; 5],
    residual: [f64; 5],
    /// r1, rho, rho_up.
    rho: [f64; 3],
    energies: &'static [f64],
    d_percent: u32,
    cosines: usize,
    kappa: f64,
    first_row: [f64; 5],
    last_row: [f64; 5],
    n_eff: [f64; 5],
}

const SIDES: [SideVector; 2] = [
    SideVector {
        source: Source::Golden,
        law: [0.1630094044, 0.3228840125, 0.4937304075, 0.6630094044, 0.8448275862],
        residual: [-0.0114631342, -0.0179734869, -0.0206587003, -0.0185164257, -0.0126743055],
        rho: [-0.0183311764, 0.0650021569, 0.3530667793],
        energies: &[6.9554549290e-03, 5.4052173141e-04, 6.8970948754e-03, 8.6515140998e-03, 2.1932445467e-03],
        d_percent: 0,
        cosines: 5,
        kappa: 1.4631467829,
        first_row: [-0.0125948665, -0.0292650719, -0.0285207813, -0.0103825222, -0.0099530632],
        last_row: [0.0010354159, 0.0188794138, -0.0157562508, 0.0034547265, -0.0049100728],
        n_eff: [165.8976123157, 95.8925874673, 105.1313354980, 130.2338788308, 690.8007723814],
    },
    SideVector {
        source: Source::Candidate,
        law: [0.1340996169, 0.2860791826, 0.5300127714, 0.6819923372, 0.8378033206],
        residual: [-0.0067722631, -0.0056778053, 0.0039455935, 0.0012086337, 0.0071816653],
        rho: [0.0105183810, 0.0842008912, 0.3505130348],
        energies: &[
            7.2864662691e-03,
            5.0692273336e-03,
            1.5463352502e-03,
            3.9342766507e-04,
            2.3142880397e-04,
            3.0795248693e-03,
        ],
        d_percent: 45,
        cosines: 4,
        kappa: 20.9668545947,
        first_row: [-0.1573182963, -0.1000511558, -0.0538697010, -0.0075748726, 0.0217937189],
        last_row: [-0.0105909636, -0.0225940556, -0.0067108599, -0.0187139520, 0.0323160589],
        n_eff: [4.3682287365, 13.9182999711, 24.9006322914, 14.5346510930, 15.5279341934],
    },
];

#[test]
fn v1_sides() {
    let comparison = compare(&golden(12), &candidate(14), Design::Independent);
    assert_eq!(comparison.messages(), (638, 783));
    let noise = comparison.noise.as_ref().unwrap();
    for want in &SIDES {
        let part = noise.parts.iter().find(|part| part.source == want.source).unwrap();
        let law = if want.source == Source::Golden { &comparison.golden_law } else { &comparison.candidate_law };
        close("F", law, &want.law);
        let edges: Vec<usize> = (0..5).collect();
        let residuals = comparison.residuals(want.source, |side, w| comparison.side(side).0.cumulative(&edges, w));
        close("residual row 0", residuals.row(0), &want.residual);
        close("rho", &[part.model.r1, part.model.rho, part.model.rho_up], &want.rho);
        close("energies", &energies(&residuals), want.energies);
        assert_eq!(part.model.d_percent, want.d_percent);
        let [block] = part.model.blocks.as_slice() else { panic!("one block") };
        assert_eq!(block.scales.len(), want.cosines);
        close("kappa", &[block.kappa], &[want.kappa]);
        let rows = part.model.project(&residuals);
        close("E row 1", rows.row(0), &want.first_row);
        close("E row K", rows.row(want.cosines - 1), &want.last_row);
        let n_eff: Vec<f64> = law.iter().zip(&part.variance).map(|(f, v)| f * (1.0 - f) / v).collect();
        for (got, want) in n_eff.iter().zip(&want.n_eff) {
            assert!((got - want).abs() <= 1e-10 * want.max(1.0), "n_eff {n_eff:?}");
        }
        // The sparse projection at all edges and the dense one at the coarse edges are the same rows.
        for k in 0..want.cosines {
            let mut u = vec![0.0; want.cosines];
            u[k] = 1.0;
            let mut row = vec![0.0; 6];
            add_combination(&comparison.signed(want.source), &part.model, &u, &mut row);
            close("sparse row", &row[..5], rows.row(k));
        }
    }
}

#[test]
fn v1_distance() {
    let comparison = compare(&golden(12), &candidate(14), Design::Independent);
    let noise = comparison.noise.as_ref().unwrap();
    close("delta", &comparison.delta, &[-0.0289097875, -0.0368048299, 0.0362823639, 0.0189829328, -0.0070242656]);
    close("s", &noise.deviation, &[0.1655432527, 0.1302075265, 0.1112714489, 0.1289848420, 0.0945570002]);
    assert_eq!(noise.degrees, [4, 5, 5, 4, 4]);
    let shape = comparison.shape(Effect::Ks, &value_of).unwrap();
    close("D", &[shape.estimate], &[0.0368048299]);
    let sups = [
        0.2520121254,
        0.1878122753,
        0.1822267376,
        0.1948329862,
        0.2270915514,
        0.1216145587,
        0.1794440257,
        0.1808304960,
        0.2577691462,
    ];
    close("sup per replicate", &norms(&comparison, &shape, false), &sups);
    let ordered = norms(&comparison, &shape, true);
    let critical = upper_quantile(&ordered, 0.2);
    close("c and L", &[critical, shape.estimate - critical], &[0.2520121254, -0.2152072954]);
    close("U", &[upper_end(&comparison, &shape)], &[0.3818226387]);
    for margin in [0.05, 0.20] {
        close("p_fail", &[tail_share(&ordered, shape.estimate - margin)], &[1.0]);
    }
    close("p_fail at an excess of 0.2", &[tail_share(&ordered, 0.2)], &[0.4]);
    for (margin, want) in [(0.05, 0.4616096539), (0.20, 0.1798776040)] {
        let super::Outcome::Judged(judged) = comparison.judge(Effect::Ks, margin, &value_of).unwrap() else { panic!() };
        close("p_pass", &[judged.p_pass], &[want]);
    }
}

#[test]
fn v1_other_effects() {
    let comparison = compare(&golden(12), &candidate(14), Design::Independent);
    let shape = comparison.shape(Effect::W1, &value_of).unwrap();
    let critical = upper_quantile(&norms(&comparison, &shape, true), 0.2);
    let upper = upper_end(&comparison, &shape);
    let got = [shape.estimate, critical, shape.estimate - critical, upper];
    close("W1", &got, &[0.2303494717, 1.7674663421, -1.5371168704, 3.1269044393]);
    let super::Outcome::Judged(mean) = comparison.judge(Effect::Mean, 0.05, &value_of).unwrap() else { panic!() };
    let se = (mean.upper - mean.estimate) / super::noise::t95(4);
    let got = [mean.estimate, se, mean.lower, mean.upper];
    close("mean", &got, &[-0.0286775804, 1.0085241998, -2.1786966546, 2.1213414938]);
    close("mean p_pass", &[mean.p_pass], &[student_t_sf((0.05 - mean.estimate.abs()) / se, 4.0)]);
}

#[test]
fn v2_choice_of_cosines() {
    let rows = [
        (12, 0.30, 0, 6, 1.4461084302, 2.3367568449),
        (60, 0.15, 0, 19, 1.0670180333, 1.7861347980),
        (60, 0.15, 20, 7, 2.4971726664, 2.9938974125),
        (200, 0.55, 0, 17, 1.0667886026, 1.7967607905),
        (200, 0.10, 35, 5, 5.7124117466, 4.8160970298),
        (60, 0.85, 0, 4, 1.5944412240, 2.6919082061),
    ];
    for (windows, rho_up, d, cosines, kappa, product) in rows {
        let choice = choose_cosines(windows, rho_up, d);
        assert_eq!(choice.cosines, cosines);
        close("kappa and product", &[choice.kappa, choice.product], &[kappa, product]);
    }
    close("c_d", &[20, 35, 45].map(memory_constant), &[0.6357384849, 0.3146893324, 0.1020282649]);
}

#[test]
fn v3_pairs() {
    let mut comparison = compare(&golden(10), &candidate(14), Design::Paired);
    assert_eq!(comparison.windows(), (10, 10));
    assert!(comparison.noise.is_none(), "ten pairs are too few for a verdict");
    comparison.noise = Some(printed_noise(&comparison));
    let noise = comparison.noise.as_ref().unwrap();
    close("delta", &comparison.delta, &[-0.0555270413, -0.0510788242, 0.0318251509, 0.0012732692, -0.0024906068]);
    let model = &noise.parts[0].model;
    assert_eq!((noise.parts.len(), model.d_percent, model.degrees), (1, 0, 5));
    close("rho_up, kappa", &[model.rho_up, model.blocks[0].kappa], &[0.3162277660, 1.5076030929]);
    close("s", &noise.deviation, &[0.0364948352, 0.0385960710, 0.0661523320, 0.0563749224, 0.0502757625]);
    let shape = comparison.shape(Effect::Ks, &value_of).unwrap();
    close("U", &[upper_end(&comparison, &shape)], &[0.1651252999]);
}

#[test]
fn v5_slow_level() {
    let slow = cells(40, |w, j| golden_counts(w, j) + if j <= 2 && (10..24).contains(&w) { 4 } else { 0 });
    let comparison = compare(&slow, &slow, Design::Independent);
    let noise = comparison.noise.as_ref().unwrap();
    let golden = noise.parts.iter().find(|part| part.source == Source::Golden).unwrap();
    assert_eq!((comparison.messages().0, golden.model.d_percent, golden.model.degrees), (2319, 34, 5));
    let got = [golden.model.rho, golden.model.rho_up, golden.model.blocks[0].kappa];
    close("rho, rho_up, kappa", &got, &[0.0160677871, 0.1741612583, 5.3325202553]);
    close("F", &comparison.golden_law, &[0.1763691246, 0.3514445882, 0.5291073739, 0.6890901251, 0.8447606727]);
    let s: Vec<f64> = golden.variance.iter().map(|v| v.sqrt()).collect();
    close("s", &s, &[0.0219614186, 0.0449126593, 0.0550132615, 0.0321322201, 0.0210661200]);
}

/// The printed weights with the sides exchanged.
struct Swapped;

impl Weights for Swapped {
    fn normal(&self, replicate: u32, cosine: u32, stream: Stream) -> f64 {
        let other = match stream {
            Stream::CandidateNormal => Stream::GoldenNormal,
            Stream::GoldenNormal => Stream::CandidateNormal,
            Stream::CandidateSpread => Stream::GoldenSpread,
            Stream::GoldenSpread => Stream::CandidateSpread,
        };
        Printed.normal(replicate, cosine, other)
    }
}

#[test]
fn swapping_sides_with_their_weights_swaps_nothing_but_signs() {
    let there = compare(&golden(12), &candidate(12), Design::Independent);
    let back = compare(&candidate(12), &golden(12), Design::Independent);
    for effect in [Effect::Ks, Effect::Kuiper, Effect::W1] {
        let replicates = |comparison: &Comparison, swapped: bool| {
            let noise = comparison.noise.as_ref().unwrap();
            let shape = comparison.shape(effect, &value_of).unwrap();
            let rows = rows(comparison, &shape);
            let mut parts: Vec<_> = noise
                .parts
                .iter()
                .zip(&rows)
                .map(|(part, rows)| error_part(part.source, rows, part.model.degrees))
                .collect();
            if swapped {
                parts.reverse();
                replicate_norms(&parts, &Swapped, None, 9, &shape.norm)
            } else {
                replicate_norms(&parts, &Printed, None, 9, &shape.norm)
            }
        };
        close("norms", &replicates(&there, false), &replicates(&back, true));
    }
    let (a, b) = (there.noise.as_ref().unwrap(), back.noise.as_ref().unwrap());
    close("s", &a.deviation, &b.deviation);
    assert_eq!(a.degrees, b.degrees);
}
