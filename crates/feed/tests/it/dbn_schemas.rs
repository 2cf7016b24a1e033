//! Several schemas of one instrument side by side, and symbols that change with the date.

use std::path::Path;

use verismo_market::event::{Event, EventBatch, Kind, NO_ID, Side};

use crate::common::{Dice, Read, read};

const UNIT: i64 = 100_000_000;
/// 2024-08-08 14:00 UTC.
const START_NS: i64 = 1_723_125_600_000_000_000;
const DAY_NS: i64 = 86_400_000_000_000;
const LAST: u8 = 1 << 7;

/// Numbers of schemas in headers.
const MBO: u16 = 0;
const MBP_1: u16 = 1;
const MBP_10: u16 = 2;
const TBBO: u16 = 3;
const TRADES: u16 = 4;

/// A symbol, and from when until when it stands for which instrument.
type Mapping = (&'static str, &'static [(u32, u32, &'static str)]);

const EVER: [Mapping; 2] = [("AAPL", &[(20_240_801, 20_240_901, "7")]), ("MSFT", &[(20_240_801, 20_240_901, "9")])];

fn header(schema: u16, mappings: &[Mapping]) -> Vec<u8> {
    let mut m = b"XNAS.ITCH".to_vec();
    m.resize(16, 0);
    m.extend(schema.to_le_bytes());
    [START_NS as u64, u64::MAX, 0].iter().for_each(|number| m.extend(number.to_le_bytes()));
    // From symbols to ids, no time of sending, symbols of 71 bytes.
    m.extend([1, 0, 0, 71, 0]);
    m.resize(100, 0);
    let text = |text: &str, m: &mut Vec<u8>| {
        m.extend(text.bytes());
        m.resize(m.len() + 71 - text.len(), 0);
    };
    // No layout, no symbols asked for, found in part or not found.
    [0, 0, 0, 0, mappings.len() as u32].iter().for_each(|n| m.extend(n.to_le_bytes()));
    for (symbol, spans) in mappings {
        text(symbol, &mut m);
        m.extend((spans.len() as u32).to_le_bytes());
        for (from, until, id) in *spans {
            m.extend(from.to_le_bytes());
            m.extend(until.to_le_bytes());
            text(id, &mut m);
        }
    }
    let mut out = b"DBN\x03".to_vec();
    out.extend((m.len() as u32).to_le_bytes());
    out.extend(m);
    out
}

/// What all records have; times are ns after the start.
#[derive(Debug, Clone, Copy)]
struct Say {
    id: u32,
    t: i64,
    action: u8,
    side: u8,
    price: i64,
    size: u32,
    flags: u8,
}

const SAY: Say = Say { id: 7, t: 0, action: b'A', side: b'B', price: 100, size: 1, flags: LAST };

fn start_of_record(say: Say, rtype: u8, bytes: usize) -> Vec<u8> {
    let mut r = vec![(bytes / 4) as u8, rtype, 2, 0];
    r.extend(say.id.to_le_bytes());
    r.extend((START_NS + say.t).to_le_bytes());
    r
}

fn order(say: Say, order_id: u64) -> Vec<u8> {
    let mut r = start_of_record(say, 0xa0, 56);
    r.extend(order_id.to_le_bytes());
    r.extend((say.price * 1_000_000_000).to_le_bytes());
    r.extend(say.size.to_le_bytes());
    r.extend([say.flags, 0, say.action, say.side]);
    r.extend((START_NS + say.t + 100).to_le_bytes());
    r.extend([0; 8]);
    r
}

/// A record by price: of no level it is a trade. Its type is the number of levels, which lie around the price.
fn priced(say: Say, levels: usize) -> Vec<u8> {
    let mut r = start_of_record(say, levels as u8, 48 + 32 * levels);
    r.extend((say.price * 1_000_000_000).to_le_bytes());
    r.extend(say.size.to_le_bytes());
    r.extend([say.action, say.side, say.flags, 0]);
    r.extend((START_NS + say.t + 100).to_le_bytes());
    r.extend([0; 8]);
    for level in 0..levels as i64 {
        for price in [say.price - 50 - level, say.price + 50 + level] {
            r.extend((price * 1_000_000_000).to_le_bytes());
        }
        [say.size, say.size + 1, 1, 1].iter().for_each(|n| r.extend(n.to_le_bytes()));
    }
    r
}

/// Records of one market in all schemas, by schema: AAPL in each of them on the first day, MSFT in the trades alone, and on the
/// next day AAPL in the trades alone.
fn market() -> Vec<(u16, Vec<Vec<u8>>)> {
    let mut dice = Dice(5);
    let (mut orders, mut tops, mut deep, mut trades, mut traded_tops) = (vec![], vec![], vec![], vec![], vec![]);
    orders.push(order(Say { action: b'R', side: b'N', flags: 0, ..SAY }, 0));
    orders.push(order(Say { side: b'A', price: 200, size: 1_000_000, ..SAY }, 1));
    let mut t = 0;
    for i in 0..300 {
        t += 1 + dice.below(2_000_000_000) as i64;
        let say = Say { t, price: 100 + dice.below(50) as i64, size: 1 + dice.below(9) as u32, ..SAY };
        if i % 3 > 0 {
            orders.push(order(say, 10 + i));
            tops.push(priced(say, 1));
            deep.push(priced(say, 10));
            continue;
        }
        let trade = Say { action: b'T', price: 200, ..say };
        orders.push(order(Say { flags: 0, ..trade }, 0));
        orders.push(order(Say { action: b'F', side: b'A', flags: 0, ..trade }, 1));
        orders.push(order(Say { action: b'C', side: b'A', ..trade }, 1));
        tops.push(priced(trade, 1));
        deep.push(priced(trade, 10));
        trades.push(priced(trade, 0));
        traded_tops.push(priced(trade, 1));
        trades.push(priced(Say { id: 9, t: t + 1, ..trade }, 0));
    }
    trades.extend((0..20).map(|i| priced(Say { action: b'T', t: t + DAY_NS + i, ..SAY }, 0)));
    vec![(MBO, orders), (MBP_10, deep), (MBP_1, tops), (TRADES, trades), (TBBO, traded_tops)]
}

/// Writes records into `n` files of that schema with names that say nothing.
fn put(directory: &Path, (schema, records): &(u16, Vec<Vec<u8>>), n: usize, dice: &mut Dice) {
    let mut at: Vec<usize> = (1..n).map(|_| dice.below(records.len() as u64) as usize).collect();
    at.extend([0, records.len()]);
    at.sort_unstable();
    at.dedup();
    for pair in at.windows(2) {
        let bytes = [header(*schema, &EVER), records[pair[0]..pair[1]].concat()].concat();
        std::fs::write(directory.join(format!("{:016x}", dice.below(u64::MAX))), bytes).unwrap();
    }
}

/// Rows without their positions, which count records of their file.
fn events(batch: &EventBatch) -> Vec<Event> {
    (0..batch.len()).map(|i| Event { position: 0, ..batch.row(i) }).collect()
}

fn read_of(schemas: &[u16], n_files: usize, dice: &mut Dice) -> Read {
    let directory = tempfile::tempdir().unwrap();
    for one in market().iter().filter(|(schema, _)| schemas.contains(schema)) {
        put(directory.path(), one, n_files, dice);
    }
    let read = read(&[directory.path()]);
    for (check, counter) in read.counters.iter().filter(|(check, _)| *check != "unknown_stream") {
        assert_eq!(counter.count, 0, "{check}: {}", read.detail(check));
    }
    read
}

#[test]
fn of_several_schemas_of_an_instrument_the_richest_is_read() {
    let mut dice = Dice(1);
    let trades = events(&read_of(&[TRADES], 1, &mut dice).events["AAPL"]);
    assert_eq!(trades.len(), 120);
    for (richest, others, left_out) in [
        (MBO, &[TRADES][..], 100),
        (MBO, &[TRADES, MBP_1], 400),
        (MBO, &[MBP_1, MBP_10, TBBO, TRADES], 800),
        (MBP_10, &[TRADES, MBP_1], 400),
        (MBP_1, &[TBBO, TRADES], 200),
    ] {
        let alone = read_of(&[richest], 1, &mut dice);
        assert_eq!(alone.count("unknown_stream"), 0);
        // The next day has trades alone, and so has the other instrument.
        let want = [events(&alone.events["AAPL"]), trades[100..].to_vec()].concat();
        for n_files in [1, 1, 1, 2, 5, 20] {
            let read = read_of(&[others, &[richest]].concat(), n_files, &mut dice);
            let got = events(&read.events["AAPL"]);
            let differs = got.iter().zip(&want).position(|(a, b)| a != b);
            assert!(got == want, "{richest} {others:?} in {n_files}: {} of {}, {differs:?}", got.len(), want.len());
            assert_eq!(read.events["MSFT"].len(), 100);
            assert_eq!(read.count("unknown_stream"), left_out, "{}", read.detail("unknown_stream"));
        }
    }
    // Of one schema files follow each other, and the reader rests between them, but in the middle of an event.
    for schema in [MBO, MBP_10, TRADES] {
        let read = read_of(&[schema], 20, &mut dice);
        assert!((12..=20).contains(&read.rests), "{schema}: {}", read.rests);
    }
    let read = read_of(&[MBO, TRADES], 1, &mut dice);
    assert_eq!(read.counters.unknown_streams().keys().collect::<Vec<_>>(), ["trades beside a richer schema"]);
}

#[test]
fn levels_after_orders_are_a_new_book() {
    let directory = tempfile::tempdir().unwrap();
    let records = [
        order(SAY, 1),
        priced(Say { t: DAY_NS, ..SAY }, 1),
        priced(Say { t: DAY_NS + 1, size: 2, ..SAY }, 1),
        order(Say { t: 2 * DAY_NS, ..SAY }, 2),
    ];
    std::fs::write(directory.path().join("x"), [header(MBO, &EVER), records.concat()].concat()).unwrap();
    let read = read(&[directory.path()]);
    let batch = &read.events["AAPL"];
    let (start, set, add) = (Kind::SnapshotStart, Kind::LevelSet, Kind::OrderAdd);
    assert_eq!(batch.kind, [add, start, set, set, set, set, start, add]);
}

/// (kind, side, price in whole units, order) of each row.
fn rows(batch: &EventBatch) -> Vec<(Kind, Side, i64, i64)> {
    (0..batch.len()).map(|i| batch.row(i)).map(|e| (e.kind, e.side, e.price / UNIT, e.id)).collect()
}

#[test]
fn a_symbol_is_that_of_the_day() {
    const AUGUST: u32 = 20_240_800;
    const ROLL: [Mapping; 2] = [
        ("ES.c.0", &[(AUGUST + 1, AUGUST + 9, "10"), (AUGUST + 9, AUGUST + 31, "20")]),
        (
            "ES.c.1",
            &[(AUGUST + 1, AUGUST + 9, "20"), (AUGUST + 9, AUGUST + 11, "30"), (AUGUST + 11, AUGUST + 12, "10")],
        ),
    ];
    let add = |id, t, price, order_id| order(Say { id, t, price, ..SAY }, order_id);
    // The last ns of the day by the receive time, which is 100 ns later.
    let midnight = 10 * 3_600_000_000_000 - 100;
    let records = [
        add(10, 1, 100, 1),
        add(20, 2, 200, 2),
        add(10, midnight - 1, 101, 3),
        add(20, midnight, 201, 4),
        add(30, midnight, 300, 5),
        add(10, midnight + 1, 102, 6),
        add(10, midnight + 2 * DAY_NS, 103, 7),
    ];
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("x"), [header(MBO, &ROLL), records.concat()].concat()).unwrap();
    let read = read(&[directory.path()]);
    let (start, add, bid) = (Kind::SnapshotStart, Kind::OrderAdd, Side::Bid);
    // The instrument that takes a symbol over has a book of its own.
    let new_book = (start, Side::None, 0, NO_ID);
    let row = |(kind, side, price, id): (Kind, Side, i64, i64)| match kind {
        Kind::SnapshotStart => new_book,
        _ => (kind, side, price, id),
    };
    let got = |symbol: &str| rows(&read.events[symbol]).into_iter().map(row).collect::<Vec<_>>();
    assert_eq!(read.events.keys().collect::<Vec<_>>(), ["10", "ES.c.0", "ES.c.1"]);
    assert_eq!(got("ES.c.0"), [(add, bid, 100, 1), (add, bid, 101, 3), new_book, (add, bid, 201, 4)]);
    let want = [(add, bid, 200, 2), new_book, (add, bid, 300, 5), new_book, (add, bid, 103, 7)];
    assert_eq!(got("ES.c.1"), want);
    assert_eq!(got("10"), [(add, bid, 102, 6)], "a day without a symbol");
}

#[test]
fn of_spans_that_overlap_the_last_told_is_kept() {
    const SPANS: [Mapping; 3] = [
        ("LONG", &[(20_240_801, 20_240_901, "7")]),
        ("SHORT", &[(20_240_809, 20_240_810, "7"), (20_240_815, 20_240_815, "7")]),
        ("LATE", &[(20_240_812, 20_240_814, "7"), (20_240_831, 20_240_902, "7")]),
    ];
    let records: Vec<Vec<u8>> = (0..26).map(|day| order(Say { t: day * DAY_NS, ..SAY }, day as u64 + 1)).collect();
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("x"), [header(MBO, &SPANS), records.concat()].concat()).unwrap();
    let read = read(&[directory.path()]);
    // Days of August.
    let days = |symbol: &str| read.events[symbol].id.iter().map(|id| id + 7).collect::<Vec<_>>();
    assert_eq!((days("SHORT"), days("LATE")), (vec![9], vec![12, 13, 31, 32]));
    assert_eq!(days("LONG"), [8, 10, 11].into_iter().chain(14..31).collect::<Vec<_>>());
    assert_eq!(days("7"), [33]);
}

#[test]
fn a_symbol_with_a_date_that_is_none_is_a_damaged_header() {
    let directory = tempfile::tempdir().unwrap();
    let bytes = [header(MBO, &[("X", &[(20_240_801, 20_241_301, "7")])]), order(SAY, 1)].concat();
    std::fs::write(directory.path().join("x"), bytes).unwrap();
    let error = crate::common::try_read(&[directory.path().to_owned()]).unwrap_err();
    assert!(error.to_string().contains("20241301 where the date of a symbol stands"), "{error}");
}
