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

/// What [`read`] does, by packing what was read once more.
fn read_by_packing(reader: &mut Reader<'_>) -> Result<Vec<(i64, u64)>, DecodeError> {
    let before = reader.clone();
    let n_cells = reader.length("cells", 1)?;
    if n_cells == 0 {
        return Ok(Vec::new());
    }
    let _count = reader.u64("number of observations")?;
    let form = reader.u8("form")?;
    let (shift, is_wide) = (form & !WIDE, form & WIDE != 0);
    if shift == 1 || shift > SHIFT_MAX {
        return Err(reader.invalid("form"));
    }
    let mut position = i128::from(reader.i64("first key")?);
    let step = if shift == STEPS && n_cells > 1 { reader.u64("step")? } else { 1 };
    let mut cells: Vec<(i64, u64)> = Vec::with_capacity(n_cells);
    for i in 0..n_cells {
        let code = reader.u64("distance")?;
        let (distance, count) = match (is_wide, code & 1 == 0) {
            (true, _) => (code, reader.u64("count")?.checked_add(1)),
            (false, true) => (code >> 1, Some(1)),
            (false, false) => (code >> 1, reader.u64("count")?.checked_add(2)),
        };
        if i > 0 {
            position += i128::from(step) * (i128::from(distance) + 1);
        } else if distance != 0 {
            return Err(reader.invalid("distance"));
        }
        let key =
            i64::try_from(position).ok().and_then(|p| if shift == 0 { Some(p) } else { checked_unpack(p, shift) });
        cells.push((key.ok_or_else(|| reader.invalid("key"))?, count.ok_or_else(|| reader.invalid("count"))?));
    }
    // One encoding only: what packs to other bytes was not packed by us.
    let is_ascending = cells.windows(2).all(|pair| pair[0].0 < pair[1].0);
    let total = cells.iter().try_fold(0_u64, |sum, &(_, count)| sum.checked_add(count));
    let mut bytes = Vec::new();
    if is_ascending && total.is_some() {
        pack(&cells, &mut bytes);
    }
    if bytes.is_empty() || !before.starts_with(&bytes) || before.remaining() - reader.remaining() != bytes.len() {
        return Err(reader.invalid("cells"));
    }
    Ok(cells)
}

/// Bytes that cells have, with a byte more, less or other: read as if they were packed once more.
fn nearly_packed() -> impl Strategy<Value = Vec<u8>> {
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0_u8..4), 0..3);
    (any_cells(), changes).prop_map(|(cells, changes)| {
        let mut bytes = Vec::new();
        encode(&cells, &mut bytes);
        for (at, byte, kind) in changes {
            let at = at.index(bytes.len().max(1));
            match kind {
                0 => bytes.insert(at.min(bytes.len()), byte),
                1 if at < bytes.len() => drop(bytes.remove(at)),
                2 if at < bytes.len() => bytes[at] = bytes[at].wrapping_add(byte % 3).wrapping_sub(1),
                _ if at < bytes.len() => bytes[at] = byte,
                _ => {}
            }
        }
        bytes
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_is_read_is_what_packing_it_again_would_write(bytes in nearly_packed()) {
        let (mut reader, mut other) = (Reader::new("cells", &bytes), Reader::new("cells", &bytes));
        let (cells, expected) = (read(&mut reader), read_by_packing(&mut other));
        prop_assert_eq!(cells.as_ref().ok(), expected.as_ref().ok(), "{:?} {:?}", cells, expected);
        if cells.is_ok() {
            prop_assert_eq!(reader.remaining(), other.remaining());
        }
    }
}

/// Every way to write the same cells otherwise is refused.
#[test]
fn other_encodings_of_the_same_cells_are_refused() {
    let bytes = |numbers: &[u64]| {
        let mut out = Vec::new();
        numbers.iter().for_each(|number| put_u64(&mut out, *number));
        out
    };
    // Cells, observations, form, first key (zigzag), step, and per cell the distance and "more" in one.
    assert!(Cells::from_bytes(&bytes(&[2, 2, 0, 0, 6, 0, 0])).is_ok());
    assert!(Cells::from_bytes(&bytes(&[2, 2, 0, 0, 3, 0, 2])).is_err(), "half the step, two steps");
    assert!(Cells::from_bytes(&bytes(&[2, 3, 0, 0, 6, 0, 0])).is_err(), "another number of observations");
    assert!(Cells::from_bytes(&bytes(&[2, 2, 0, 0, 0, 0, 0])).is_err(), "no step");
    assert!(Cells::from_bytes(&bytes(&[1, 1, 2, 0, 0])).is_err(), "a single cell with a shift");
    // Multiples of 4, and one more: told by their place among them, with the lowest bit apart.
    let sticky = Cells::pack(&[(0, 1), (5, 1), (8, 1)]);
    assert_eq!(sticky.as_bytes(), bytes(&[3, 3, 2, 0, 0, 4, 0]));
    assert!(
        Cells::from_bytes(&bytes(&[3, 3, 0, 0, 1, 0, 8, 4])).is_err(),
        "keys of a coarse lattice without its shift"
    );
    assert!(Cells::from_bytes(&[2, 2, 128, 0, 1, 0, 0, 0, 0]).is_err(), "wide for no reason");
    let far = Cells::pack(&[(i64::MIN, 1), (i64::MAX - 1, 1), (i64::MAX, 1)]);
    assert_eq!((far.as_bytes()[2], Cells::from_bytes(far.as_bytes()).as_ref()), (WIDE, Ok(&far)));
}

#[test]
fn a_cell_of_sizes_in_lots_takes_a_byte_or_two() {
    // Sizes in lots of 10^-5, a few hundred of them below 0.1: what a window of ten seconds holds.
    let cells: Vec<(i64, u64)> = (0..400).map(|i| (1_000 * (7 + 23 * i), 1 + (i % 5 == 0) as u64)).collect();
    let packed = Cells::pack(&cells);
    assert!(packed.as_bytes().len() < 2 * cells.len(), "{} bytes", packed.as_bytes().len());
}
