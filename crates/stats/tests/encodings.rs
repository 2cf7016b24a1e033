//! What states were written as: bytes of every format, which stay readable. Where a format changes, its new bytes are added, and the
//! old ones stay.
#![allow(clippy::unwrap_used, missing_docs)]

use verismo_stats::column::{ColumnProfile, value_hash};
use verismo_stats::histogram::{Cells, Histogram};
use verismo_stats::lags::LagMoments;
use verismo_stats::lattice::{Lattice, Split, ordered};
use verismo_stats::panel::{Panel, PanelRows};
use verismo_stats::sample::{IdRuns, IdSample};
use verismo_stats::state::State;

/// The state reads as what it was, and is written as it was; one that is cut short, or goes on, is none.
fn check<S: State + PartialEq + std::fmt::Debug>(format: &str, state: &S, hex: &str) {
    let mut bytes = Vec::new();
    state.encode(&mut bytes);
    let found: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!((S::FORMAT, found.as_str()), (format, hex));
    assert_eq!(&S::decode(&bytes).unwrap(), state);
    assert!(S::decode(&bytes[..bytes.len() - 1]).is_err());
    bytes.push(0);
    assert!(S::decode(&bytes).is_err());
}

#[test]
fn histograms() {
    let mut keys = [5, 5, 7, 1_000_000, -3, i64::MAX];
    check(
        "histogram/2",
        &Histogram::from_keys(Lattice::ticks(8), &mut keys),
        "00080506000501000f0002f0887afcf685ffffffffffff01",
    );
    check(
        "histogram/2",
        &Histogram::from_values(Lattice::float(10), &[0.1, -2.5, 0.1, 1e300, 3.0]),
        "010a00000000000000000004052aff8780020099fbfe0300e49c01e4dff801",
    );
    let split = [Split { lo: ordered(1.0), hi: ordered(2.0), bits: 14 }];
    let lattice = Lattice::float_at(4, 0.5).with_splits(&split).unwrap();
    check(
        "histogram/2",
        &Histogram::from_values(lattice, &[1.25, 1.5, 7.0, 0.25]),
        "0104000000000000e03f0180808080808080f07f80808080808080080e040400ffffffffffffffcf7f808080808080800100b6ff010628",
    );
    let cells = [(100, 1), (200, 3), (1_000, 1_000)];
    let hex: String = Cells::pack(&cells).as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "03ec0700c801640001010fe607");
    assert_eq!(Cells::from_bytes(Cells::pack(&cells).as_bytes()).unwrap().iter().collect::<Vec<_>>(), cells);
}

#[test]
fn lagged_products() {
    check(
        "lag-moments/1",
        &LagMoments::from_series(&[1, 5], &[3, -1, 4, 1, -5, 9, 2, -6]).unwrap(),
        "080ead01020107081a5d05030a0c02",
    );
}

#[test]
fn rows_of_several_numbers() {
    let mut rows = PanelRows::new(2);
    rows.push(1_700_000_000_000_000_000, &[3, -4]);
    rows.push(1_700_000_000_100_000_000, &[5, i64::MIN]);
    check("panel/1", &Panel::pack(rows), "02028080d0e2c6bfce972f08078084af5f0600");
}

#[test]
fn ids() {
    let mut sample = IdSample::new(4);
    let mut runs = IdRuns::new(4);
    for id in [17, 18, 19, 40, 18, 41] {
        sample.push(id, 1_700_000_000_000_000_000 + id, 7 * id as u64);
        runs.insert(id);
    }
    check(
        "id-sample/1",
        &sample,
        "040422a280d0e2c6bfce972f77000000000000000052d280d0e2c6bfce972f1f010000000000000050d080d0e2c6bfce972f18010000000000000026a680d0e2c6bfce972f850000000000000000",
    );
    check("id-runs/1", &runs, "0406000222022a01");
}

#[test]
fn columns_of_tables() {
    let mut profile = ColumnProfile::new(4);
    for (i, value) in [1.25, -3.0, f64::NAN, 0.5].into_iter().enumerate() {
        profile.push(value_hash(i as i64, value), value);
    }
    profile.push_null();
    check(
        "column-profile/1",
        &profile,
        "04030101fc0703b988a8d3ba94fd886080808080808080f47f0180def7efcfa5cc896f80808080808080e07f0194c4efdfc097bca91bffffffffffffff87800101",
    );
}
