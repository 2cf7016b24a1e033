//! Writes the files beside this one with the crate `dbn` 0.73.0, the format's own.
//!
//! To run: a package with `dbn = "=0.73.0"` and `time = "0.3"`, this file as `src/main.rs`, `cargo run -- DIRECTORY`. With `--check FILE` it reads a file of
//! one order per record back with that crate and prints the records.
use dbn::decode::dbn::Decoder;
use dbn::decode::{DbnMetadata, DecodeRecordRef};
use dbn::encode::EncodeRecord;
use dbn::encode::dbn::Encoder;
use dbn::{
    BidAskPair, FlagSet, MappingInterval, MboMsg, Mbp1Msg, Mbp10Msg, Metadata, RecordHeader, SType, Schema, SymbolMapping,
    TradeMsg, UNDEF_PRICE, VersionUpgradePolicy, rtype,
};
use std::fs::File;
use time::{Date, Month};

const T: u64 = 1_723_161_255_000_000_000;

fn metadata(version: u8, schema: Schema, by_id: bool) -> Metadata {
    let mut m = Metadata::builder()
        .version(version)
        .dataset("XNAS.ITCH".to_owned())
        .schema(Some(schema))
        .start(T)
        .stype_in(Some(if by_id { SType::InstrumentId } else { SType::RawSymbol }))
        .stype_out(if by_id { SType::RawSymbol } else { SType::InstrumentId })
        .symbols(vec!["AAPL".to_owned(), "MSFT".to_owned()])
        .partial(vec!["MSFT".to_owned()])
        .not_found(vec!["NONE".to_owned()])
        .build();
    let day = m.start().date();
    let next = day.next_day().unwrap();
    let map = |raw: &str, id: &str| SymbolMapping {
        raw_symbol: if by_id { id } else { raw }.to_owned(),
        intervals: vec![MappingInterval { start_date: day, end_date: next, symbol: if by_id { raw } else { id }.to_owned() }],
    };
    m.mappings = vec![map("AAPL", "32"), map("MSFT", "10888")];
    m
}

fn header<R: dbn::v3::HasRType>(rtype: u8, instrument: u32, t: u64) -> RecordHeader {
    RecordHeader::new::<R>(rtype, 2, instrument, T + t)
}

fn mbo(instrument: u32, t: u64, action: u8, side: u8, order_id: u64, price: i64, size: u32, flags: u8) -> MboMsg {
    MboMsg {
        hd: header::<MboMsg>(rtype::MBO, instrument, t),
        order_id,
        price,
        size,
        flags: FlagSet::new(flags),
        channel_id: 3,
        action: action as _,
        side: side as _,
        ts_recv: T + t + 100,
        ts_in_delta: 7,
        sequence: t as u32,
    }
}

const P: i64 = 1_000_000_000;

fn pair(bid: i64, bid_sz: u32, ask: i64, ask_sz: u32) -> BidAskPair {
    let px = |p: i64| if p == 0 { UNDEF_PRICE } else { p * P };
    BidAskPair { bid_px: px(bid), ask_px: px(ask), bid_sz, ask_sz, bid_ct: 1, ask_ct: 1 }
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if args[1] == "--check" {
        let mut decoder = Decoder::with_upgrade_policy(File::open(&args[2]).unwrap(), VersionUpgradePolicy::AsIs).unwrap();
        println!("{:?}", decoder.metadata());
        while let Some(record) = decoder.decode_record_ref().unwrap() {
            println!("{:?}", record.get::<MboMsg>().unwrap());
        }
        return;
    }
    let dir = &args[1];
    let create = |name: &str| File::create(format!("{dir}/{name}")).unwrap();
    for version in 1..=3 {
        let mut e = Encoder::new(create(&format!("mbo_v{version}.dbn")), &metadata(version, Schema::Mbo, version == 2)).unwrap();
        for record in [
            mbo(32, 0, b'R', b'N', 0, UNDEF_PRICE, 0, dbn::flags::SNAPSHOT),
            mbo(32, 0, b'A', b'B', 11, 224 * P, 100, dbn::flags::SNAPSHOT),
            mbo(32, 0, b'A', b'A', u64::MAX - 4, 225 * P + 10_000_000, 50, dbn::flags::SNAPSHOT | dbn::flags::LAST),
            mbo(10888, 5, b'A', b'B', 12, 400 * P, 7, dbn::flags::LAST),
            mbo(32, 9, b'T', b'A', 0, 224 * P, 30, 0),
            mbo(32, 9, b'F', b'B', 11, 224 * P, 30, 0),
            mbo(32, 9, b'C', b'B', 11, 224 * P, 30, dbn::flags::LAST),
            mbo(32, 12, b'M', b'B', 11, 224 * P, 60, dbn::flags::LAST | dbn::flags::MAYBE_BAD_BOOK),
            mbo(32, 15, b'C', b'A', u64::MAX - 4, 225 * P + 10_000_000, 50, dbn::flags::LAST),
        ] {
            e.encode_record(&record).unwrap();
        }
    }
    let flags = FlagSet::new(dbn::flags::LAST);
    let mut e = Encoder::new(create("trades_v3.dbn"), &metadata(3, Schema::Trades, false)).unwrap();
    for (t, side) in [(1, b'B'), (2, b'A'), (3, b'N')] {
        let hd = header::<TradeMsg>(rtype::MBP_0, 32, t);
        let (price, action, side) = (224 * P + t as i64 * 10_000_000, b'T' as _, side as _);
        e.encode_record(&TradeMsg { hd, price, size: 5, action, side, flags, depth: 0, ts_recv: T + t + 100, ts_in_delta: 1, sequence: 1 }).unwrap();
    }
    let mut e = Encoder::new(create("mbp-1_v3.dbn"), &metadata(3, Schema::Mbp1, false)).unwrap();
    for (t, action, level) in [(1, b'A', pair(224, 5, 225, 6)), (2, b'T', pair(224, 3, 225, 6)), (3, b'C', pair(223, 9, 225, 6))] {
        let hd = header::<Mbp1Msg>(rtype::MBP_1, 32, t);
        let (action, side) = (action as _, b'A' as _);
        e.encode_record(&Mbp1Msg { hd, price: 224 * P, size: 2, action, side, flags, depth: 0, ts_recv: T + t + 100, ts_in_delta: 1, sequence: 1, levels: [level] }).unwrap();
    }
    let mut e = Encoder::new(create("mbp-10_v3.dbn"), &metadata(3, Schema::Mbp10, false)).unwrap();
    for t in 1..=2 {
        let hd = header::<Mbp10Msg>(rtype::MBP_10, 32, t);
        let (action, side) = (b'A' as _, b'B' as _);
        let levels = std::array::from_fn(|i| if i == 9 { pair(0, 0, 0, 0) } else { pair(224 - i as i64, t as u32, 225 + i as i64, 4) });
        e.encode_record(&Mbp10Msg { hd, price: 224 * P, size: 2, action, side, flags, depth: 0, ts_recv: T + t + 100, ts_in_delta: 1, sequence: 1, levels }).unwrap();
    }
    as_the_writer(create("writer_v3.dbn"));
}

/// What the writer under test makes of a snapshot of two orders, an addition, an execution and a deletion.
fn as_the_writer(file: File) {
    let start_date = Date::from_calendar_date(1970, Month::January, 1).unwrap();
    let end_date = Date::from_calendar_date(9999, Month::December, 31).unwrap();
    let mut m = Metadata::builder()
        .version(3)
        .dataset("VERISMO".to_owned())
        .schema(Some(Schema::Mbo))
        .start(T)
        .stype_in(Some(SType::RawSymbol))
        .stype_out(SType::InstrumentId)
        .symbols(vec!["BTCUSD".to_owned()])
        .build();
    let interval = MappingInterval { start_date, end_date, symbol: "1".to_owned() };
    m.mappings = vec![SymbolMapping { raw_symbol: "BTCUSD".to_owned(), intervals: vec![interval] }];
    let mut e = Encoder::new(file, &m).unwrap();
    let record = |t: u64, action: u8, side: u8, order_id: u64, price: i64, size: u32, flags: u8, sequence: u32| MboMsg {
        hd: RecordHeader::new::<MboMsg>(rtype::MBO, 0, 1, T + t),
        order_id,
        price,
        size,
        flags: FlagSet::new(flags),
        channel_id: 0,
        action: action as _,
        side: side as _,
        ts_recv: T + t + 70,
        ts_in_delta: 0,
        sequence,
    };
    let (snapshot, last) = (dbn::flags::SNAPSHOT, dbn::flags::LAST);
    for record in [
        record(0, b'R', b'N', 0, 0, 0, snapshot, 1),
        record(0, b'A', b'B', 1, 99 * P, 5, snapshot, 1),
        record(0, b'A', b'A', 2, 101 * P, 6, snapshot | last, 1),
        record(10, b'A', b'B', 3, 98 * P + P / 4, 7, last, 2),
        record(20, b'T', b'B', 0, 101 * P, 4, 0, 3),
        record(20, b'F', b'A', 2, 101 * P, 4, 0, 3),
        record(20, b'C', b'A', 2, 101 * P, 4, last, 3),
        record(30, b'C', b'B', 1, 99 * P, 5, last, 4),
    ] {
        e.encode_record(&record).unwrap();
    }
}
