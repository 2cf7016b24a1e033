//! Messages -> file -> events equals the events of the messages.

use proptest::prelude::*;
use verismo_feed::write::{EventsOptions, EventsWriter, GoldenCompression};
use verismo_feed::{Format, Inventory};
use verismo_market::event::{NO_ID, NO_TIME, Side};
use verismo_market::message::{Body, Level, Message, OrderAction, OrderEvent};

use crate::common::{START_NS, assert_same_events, events_of, files, market, read, write_events, write_golden};

#[test]
fn golden_captures_of_two_symbols_in_each_packing() {
    let mut messages = market("BTCUSDT", 3000, 1);
    messages.extend(market("ETHUSDT", 3000, 2));
    for compression in [GoldenCompression::Plain, GoldenCompression::Gzip(1)] {
        let directory = tempfile::tempdir().unwrap();
        write_golden(directory.path(), &messages, compression);
        let read = read(&[directory.path()]);
        assert_eq!(read.inventory.format, Format::GoldenJsonl);
        assert_eq!(read.inventory.clock_ns(), 1_000_000);
        assert_same_events(&read, &events_of(&messages), true);
        assert_eq!(read.messages, 6000);
        assert!(read.counters.iter().all(|(_, c)| c.count == 0));
    }
}

#[test]
fn a_capture_packed_by_another_tool_as_zstd() {
    let messages = market("BTCUSDT", 2000, 3);
    let directory = tempfile::tempdir().unwrap();
    write_golden(directory.path(), &messages, GoldenCompression::Plain);
    for path in files(directory.path()) {
        let packed = zstd::encode_all(std::fs::File::open(&path).unwrap(), 3).unwrap();
        std::fs::write(path.with_extension("jsonl.zst"), packed).unwrap();
        std::fs::remove_file(path).unwrap();
    }
    assert_same_events(&read(&[directory.path()]), &events_of(&messages), true);
}

#[test]
fn captures_are_named_and_rotated_by_the_hour() {
    let directory = tempfile::tempdir().unwrap();
    let mut messages = market("BTCUSDT", 200, 4);
    for message in &mut messages[100..] {
        message.t_exchange_ns += 3_600_000_000_000;
        message.t_receive_ns += 3_600_000_000_000;
    }
    write_golden(directory.path(), &messages, GoldenCompression::Gzip(6));
    let names: Vec<String> =
        files(directory.path()).iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    assert!(
        names[0].starts_with("btcusdt_capture_17231612") && names[0].ends_with("_20240808_235415.jsonl.gz"),
        "{names:?}"
    );
    assert_same_events(&read(&[directory.path()]), &events_of(&messages), true);
}

#[test]
fn the_frames_are_binances() {
    let directory = tempfile::tempdir().unwrap();
    let message =
        |body| Message { t_exchange_ns: START_NS + 343_000_000, t_receive_ns: 17, symbol: "BTCUSDT".into(), body };
    let trade = Body::Trade { id: 3_735_683_259, price: 6_183_763_000_000, qty: 2_000_000, side: Side::Ask };
    let depth = Body::Depth { first_id: 5, last_id: 7, bids: vec![(1, 0), (100_000_000, 5)], asks: vec![] };
    write_golden(directory.path(), &[message(trade), message(depth)], GoldenCompression::Plain);
    let text = std::fs::read_to_string(&files(directory.path())[0]).unwrap();
    let want = concat!(
        r#"{"capture_ns":17,"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"#,
        r#""p":"61837.63000000","q":"0.02000000","T":1723161255343,"m":true,"M":true}}"#,
        "\n",
        r#"{"capture_ns":17,"stream":"btcusdt@depth@100ms","data":{"e":"depthUpdate","E":1723161255343,"s":"BTCUSDT","#,
        r#""U":5,"u":7,"b":[["0.00000001","0.00000000"],["1.00000000","0.00000005"]],"a":[]}}"#,
        "\n"
    );
    assert_eq!(text, want);
}

#[test]
fn event_trees_of_two_symbols_with_snapshots() {
    let messages = [market("BTCUSDT", 6000, 5), market("ETH-USDT", 6000, 6)].concat();
    let directory = tempfile::tempdir().unwrap();
    let mut options = EventsOptions::default();
    options.file_bytes_max = 1000;
    options.row_group_rows = 1000;
    let mut writer = EventsWriter::create(directory.path(), options).unwrap();
    let mut with_snapshots = Vec::new();
    for message in &messages {
        let book = Body::Snapshot { last_id: 9, bids: vec![(5, 6), (4, 1)], asks: vec![(7, 8)] };
        if writer.starts_file(message) {
            with_snapshots.push(Message { body: book.clone(), ..message.clone() });
        }
        writer.write_with_snapshot(message, || Some(book)).unwrap();
        with_snapshots.push(message.clone());
    }
    let written = writer.finish().unwrap();
    assert_eq!(written.messages, with_snapshots.len() as u64);
    assert!(written.files >= 4 && with_snapshots.len() as u64 == 12_000 + written.files, "{written:?}");
    let read = read(&[directory.path()]);
    assert_eq!(read.inventory.format, Format::EventsParquet);
    assert_same_events(&read, &events_of(&with_snapshots), false);
    assert!(read.counters.iter().all(|(_, c)| c.count == 0), "{:?}", read.counters);
    assert_eq!((read.inventory.clock_ns(), read.messages), (1, written.rows));
}

#[test]
fn trees_have_an_hour_per_directory_and_a_manifest() {
    let directory = tempfile::tempdir().unwrap();
    let mut messages = market("BTCUSDT", 200, 7);
    for message in &mut messages[100..] {
        message.t_exchange_ns += 3_600_000_000_000;
    }
    write_events(directory.path(), &messages, EventsOptions::default());
    let manifest = std::fs::read_to_string(directory.path().join("manifest.jsonl")).unwrap();
    let lines: Vec<serde_json::Value> = manifest.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["partition_path"], "BTCUSDT/2024/08/08/23");
    assert_eq!(lines[1]["partition_path"], "BTCUSDT/2024/08/09/00");
    assert_eq!(lines[0]["event_types"], serde_json::json!(["BOOK_DELTA", "TRADE"]));
    assert_eq!(lines[0]["timestamp_min"], messages[0].t_exchange_ns);
    let name = lines[0]["file_name"].as_str().unwrap();
    assert_eq!(name, format!("events_{}.parquet", messages[0].t_exchange_ns));
    assert!(directory.path().join("BTCUSDT/2024/08/08/23").join(name).exists());
    assert!(files(directory.path()).iter().all(|p| p.extension().unwrap() != "tmp"));
    assert!(manifest.starts_with("{\"partition_path\":\"BTCUSDT/2024/08/08/23\",\"file_name\":\"events_"));
}

#[test]
fn a_second_writer_overwrites_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let messages = market("BTCUSDT", 100, 8);
    for _ in 0..2 {
        write_events(directory.path(), &messages, EventsOptions::default());
        write_golden(&directory.path().join("golden"), &messages, GoldenCompression::Plain);
    }
    let parquet = files(directory.path()).into_iter().filter(|p| p.extension().unwrap() == "parquet").count();
    assert_eq!((parquet, files(&directory.path().join("golden")).len()), (2, 2));
}

#[test]
fn messages_no_format_can_express_are_refused() {
    let directory = tempfile::tempdir().unwrap();
    let trade = Body::Trade { id: 1, price: 1, qty: 1, side: Side::Bid };
    let no_time = Message { t_exchange_ns: NO_TIME, t_receive_ns: NO_TIME, symbol: "A".into(), body: trade.clone() };
    let bad_symbol = Message { t_exchange_ns: START_NS, t_receive_ns: NO_TIME, symbol: "../A".into(), body: trade };
    let order = OrderEvent { action: OrderAction::Add, id: 1, side: Side::Bid, price: 1, qty: 1, trade_id: NO_ID };
    let of_orders = [Body::Order(order), Body::OrderSnapshot { last_id: 1, orders: vec![] }].map(|body| Message {
        t_exchange_ns: START_NS,
        t_receive_ns: NO_TIME,
        symbol: "A".into(),
        body,
    });
    for message in [no_time, bad_symbol].into_iter().chain(of_orders) {
        let mut events = EventsWriter::create(directory.path(), EventsOptions::default()).unwrap();
        assert_eq!(events.write(&message).unwrap_err().code(), "not-expressible");
        let mut golden = verismo_feed::write::GoldenWriter::create(directory.path(), GoldenCompression::Plain).unwrap();
        assert_eq!(golden.write(&message).unwrap_err().code(), "not-expressible");
    }
    assert_eq!(Inventory::scan(&[directory.path().into()], None).unwrap_err().code(), "no-input");
}

fn levels() -> impl Strategy<Value = Vec<Level>> {
    proptest::collection::vec((1..i64::MAX / 2, 0..i64::MAX / 2), 0..5)
}

fn body() -> impl Strategy<Value = Body> {
    let id = prop_oneof![Just(NO_ID), 0..i64::MAX / 2];
    let side = prop_oneof![Just(Side::Bid), Just(Side::Ask)];
    prop_oneof![
        (id.clone(), 1..i64::MAX, 1..i64::MAX, side).prop_map(|(id, price, qty, side)| Body::Trade {
            id,
            price,
            qty,
            side
        }),
        (id, 0..1000i64, levels(), levels())
            .prop_filter("a depth message without levels has no row in a tree", |(_, _, b, a)| !b.is_empty()
                || !a.is_empty())
            .prop_map(|(first_id, n, bids, asks)| Body::Depth { first_id, last_id: n, bids, asks }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_messages_survive_both_formats(bodies in proptest::collection::vec((body(), 0i64..5000), 1..40)) {
        let mut t_ns = START_NS;
        let mut messages = Vec::new();
        for (i, (mut body, step)) in bodies.into_iter().enumerate() {
            t_ns += step * 1_000_000;
            // Ids rise as on a venue, so that equal times do not merge two updates into one.
            match &mut body {
                Body::Depth { last_id, .. } => *last_id += 1000 * (i as i64 + 1),
                Body::Trade { id, .. } if *id != NO_ID => *id = i as i64,
                _ => {}
            }
            messages.push(Message { t_exchange_ns: t_ns, t_receive_ns: 5 + i as i64, symbol: "BTCUSDT".into(), body });
        }
        let (golden, tree) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write_golden(golden.path(), &messages, GoldenCompression::Plain);
        write_events(tree.path(), &messages, EventsOptions::default());
        let want = events_of(&messages);
        assert_same_events(&read(&[golden.path()]), &want, true);
        assert_same_events(&read(&[tree.path()]), &want, false);
    }
}
