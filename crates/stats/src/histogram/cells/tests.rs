use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn any_cells() -> impl Strategy<Value = Vec<(i64, u64)>> {
    let count = prop_oneof![4 => Just(1_u64), 2 => 1_u64..300, 1 => 1_u64..1 << 40];
    let ticks = (any::<i32>(), 1_i64..5_000).prop_flat_map(move |(base, step)| {
        let key = (-400_i64..400).prop_map(move |k| i64::from(base) + k * step);
        proptest::collection::btree_map(key, 1_u64..4, 0..60)
    });
    let sticky = (2_u32..60).prop_flat_map(|shift| {
        let key = (-300_i64..300, 0_i64..2).prop_map(move |(k, open)| (k << shift.min(50)) | open);
        proptest::collection::btree_map(key, 1_u64..4, 0..60)
    });
    let wild = proptest::collection::btree_map(
        prop_oneof![any::<i64>(), Just(i64::MIN), Just(i64::MAX), -3_i64..3],
        count,
        0..20,
    );
    prop_oneof![ticks, sticky, wild].prop_map(|map: BTreeMap<i64, u64>| map.into_iter().collect())
}

proptest! {
    #[test]
    fn packed_cells_are_the_cells(cells in any_cells()) {
        let packed = Cells::pack(&cells);
        prop_assert_eq!(packed.iter().collect::<Vec<_>>(), cells.clone());
        prop_assert_eq!(packed.len(), cells.len());
        prop_assert_eq!(packed.count(), cells.iter().map(|c| c.1).sum::<u64>());
        prop_assert_eq!(packed.grid().map(|g| g.0), cells.first().map(|c| c.0));
        let mut bytes = Vec::new();
        encode(&cells, &mut bytes);
        prop_assert_eq!(read(&mut Reader::new("cells", &bytes)), Ok(cells));
        prop_assert_eq!(Cells::from_bytes(packed.as_bytes()), Ok(packed));
    }

    #[test]
    fn a_sum_adds_counts_of_equal_keys(parts in proptest::collection::vec(any_cells(), 0..6)) {
        let mut sum = BTreeMap::new();
        for (key, count) in parts.iter().flatten() {
            *sum.entry(*key).or_insert(0) += count;
        }
        let packed: Vec<Cells> = parts.iter().map(|p| Cells::pack(p)).collect();
        prop_assert_eq!(Cells::sum(&packed).iter().collect::<Vec<_>>(), sum.into_iter().collect::<Vec<_>>());
    }

    #[test]
    fn any_bytes_are_refused_or_the_only_encoding(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut reader = Reader::new("cells", &bytes);
        if let Ok(cells) = read(&mut reader) {
            let mut again = Vec::new();
            encode(&cells, &mut again);
            prop_assert_eq!(again.as_slice(), &bytes[..bytes.len() - reader.remaining()]);
        }
    }
}

#[test]
fn a_cell_of_sizes_in_lots_takes_a_byte_or_two() {
    // Sizes in lots of 10^-5, a few hundred of them below 0.1: what a window of ten seconds holds.
    let cells: Vec<(i64, u64)> = (0..400).map(|i| (1_000 * (7 + 23 * i), 1 + (i % 5 == 0) as u64)).collect();
    let packed = Cells::pack(&cells);
    assert!(packed.as_bytes().len() < 2 * cells.len(), "{} bytes", packed.as_bytes().len());
}
