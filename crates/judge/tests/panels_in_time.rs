//! Statistics in order of time: what excites what, and what foretells a rise, from states to findings.
#![allow(clippy::unwrap_used, missing_docs)]

mod common;

use common::{Noise, SECOND_NS, deciding, judged};
use verismo_judge::{Counter, Series, SeriesWindows, SideStates, StreamStates};
use verismo_stats::lattice::Lattice;
use verismo_stats::panel::{Panel, PanelRows, UNDEFINED};
use verismo_suite::Suite;
use verismo_suite::report::Finding;
use verismo_suite::verdict::FindingVerdict;

const ONE: i64 = 100_000_000;
const WINDOW_S: i64 = 10;

/// Rows, each at its time, as the only series of a stream.
fn side(id: &str, columns: usize, mut rows: Vec<(i64, Vec<i64>)>, span_s: i64) -> SideStates {
    rows.sort_unstable();
    let mut windows: Vec<(i64, PanelRows)> = Vec::new();
    for (t_ns, row) in rows {
        let index = t_ns / (WINDOW_S * SECOND_NS);
        if windows.last().is_none_or(|(last, _)| *last != index) {
            windows.push((index, PanelRows::new(columns)));
        }
        windows.last_mut().unwrap().1.push(t_ns, &row);
    }
    let windows = windows.into_iter().map(|(index, rows)| (index, Panel::pack(rows))).collect();
    let series = Series { version: 1, lattice: Lattice::ticks(8), windows: SeriesWindows::Panels(windows) };
    let mut stream = StreamStates::new("binance", "BTCUSDT", 1_000_000, WINDOW_S * SECOND_NS);
    (stream.carries_trades, stream.carries_book) = (true, true);
    stream.span_ns = Some((0, span_s * SECOND_NS));
    stream.series.insert(id.to_owned(), series);
    SideStates { streams: vec![stream], counters: vec![Counter::new("unreadable", 0, 1000)] }
}

/// Two hours of trades: of three in five another one comes of it after half a second on the mean, from the same side as often as told.
fn trades(seed: u64, same: f64) -> SideStates {
    let mut noise = Noise::new(seed);
    let mut times: Vec<(f64, bool)> = Vec::new();
    let mut at = 0.0;
    while at < 7_190.0 {
        at -= 2.0 * noise.uniform().max(1e-12).ln();
        let (mut t, mut is_buy) = (at, noise.uniform() < 0.5);
        times.push((t, is_buy));
        while noise.uniform() < 0.6 {
            t -= 0.5 * noise.uniform().max(1e-12).ln();
            is_buy ^= noise.uniform() > same;
            times.push((t, is_buy));
        }
    }
    let row =
        |(t, is_buy): (f64, bool)| ((t * 1e9) as i64, if is_buy { vec![ONE, UNDEFINED] } else { vec![UNDEFINED, ONE] });
    side("trade_arrivals", 2, times.into_iter().filter(|(t, _)| *t < 7_200.0).map(row).collect(), 7_200)
}

/// Two hours of seconds: with this much of the flow of a second the price goes on in the next.
fn seconds(seed: u64, share: f64) -> SideStates {
    let mut noise = Noise::new(seed);
    let (mut price, mut flow) = (0.0, 0.0);
    let row = |second: i64| {
        price += share * flow + noise.normal();
        flow = noise.normal();
        let fixed = |v: f64| (v * 1e8).round() as i64;
        (second * SECOND_NS, vec![fixed(price), fixed(flow), fixed(noise.normal()), fixed(noise.normal() / 10.0)])
    };
    side("price_response_1s", 4, (0..7_200).map(row).collect(), 7_200)
}

fn suite(id: &str, tests: &str) -> Suite {
    let decide = tests.split(':').next().unwrap();
    let text = format!(
        "schema: verismo.suite/1\nname: rows\ndata: market\nobservables:\n  - {{id: {id}, decide: {decide}, margins: {{{tests}}}}}\n"
    );
    Suite::parse(&text).unwrap()
}

fn of<'a>(findings: &'a [Finding], test: &str) -> &'a Finding {
    findings.iter().find(|f| f.test.as_str() == test).unwrap()
}

#[test]
fn who_excites_whom_is_told_where_how_much_is_equal() {
    let suite = suite("trade_arrivals", "hawkes_matrix: 0.15, hawkes_radius: 0.15, hawkes_branching: 0.15");
    let same = judged(&trades(1, 0.8), &trades(2, 0.8), &suite);
    for test in ["hawkes_matrix", "hawkes_radius", "hawkes_branching"] {
        let finding = of(&same.findings, test);
        assert_eq!(finding.verdict, FindingVerdict::Pass, "{finding:?}");
    }
    let other = judged(&trades(1, 0.8), &trades(2, 0.2), &suite);
    let finding = deciding(&other, "trade_arrivals");
    assert_eq!(finding.verdict, FindingVerdict::Fail, "{finding:?}");
    // Three in five, of which .8 come from the same side: .48 against .12.
    assert!((finding.effect.unwrap() - 0.36).abs() < 0.08, "{finding:?}");
    assert!(finding.notes.iter().any(|note| note.starts_with("farthest apart: ") && note.contains(" excites, ")));
    for test in ["hawkes_radius", "hawkes_branching"] {
        assert_eq!(of(&other.findings, test).verdict, FindingVerdict::Pass, "{:?}", of(&other.findings, test));
    }
}

#[test]
fn what_foretells_a_rise_is_told_bin_by_bin() {
    let suite = suite("price_response_1s", "up_given_flow: 0.1, up_given_imbalance: 0.1");
    let same = judged(&seconds(1, 0.6), &seconds(2, 0.6), &suite);
    for test in ["up_given_flow", "up_given_imbalance"] {
        assert_eq!(of(&same.findings, test).verdict, FindingVerdict::Pass, "{:?}", of(&same.findings, test));
    }
    let other = judged(&seconds(1, 0.6), &seconds(2, 0.0), &suite);
    let finding = deciding(&other, "price_response_1s");
    assert_eq!(finding.verdict, FindingVerdict::Fail, "{finding:?}");
    // P(N < .6 * 1.4) less one half, in the outer fifths.
    assert!((finding.effect.unwrap() - 0.3).abs() < 0.05, "{finding:?}");
    let said = |note: &String| note.contains("a rise after the") && note.contains("est fifth of ofi, golden");
    assert!(finding.notes.iter().any(said), "{:?}", finding.notes);
    assert_eq!(of(&other.findings, "up_given_imbalance").verdict, FindingVerdict::Pass);
}
