//! Binance files day by day: where readers rest between them, and that it changes nothing whatever the rows say.

use std::path::Path;

use verismo_market::event::flags;

use crate::common::{Dice, Read, read};

const HOUR_MS: i64 = 3_600_000;
/// 2024-08-08 00:00 UTC.
const START_MS: i64 = 1_723_075_200_000;

const DEPTH: &str = "symbol,timestamp,first_update_id,last_update_id,side,update_type,price,qty,pu\n";

/// Times of `n` rows of a day: one after the other, but for one in ten that steps back, by hours at most.
fn times(day: i64, n: i64, steps_back: bool, dice: &mut Dice) -> Vec<i64> {
    let time = |i: i64| START_MS + 24 * HOUR_MS * day + i * (22 * HOUR_MS / n);
    let back = |dice: &mut Dice| if steps_back && dice.below(10) == 0 { dice.below(30) as i64 * HOUR_MS } else { 0 };
    // What is at the start of a file says when it is due.
    (0..n).map(|i| time(i) - if i < 70 { 0 } else { back(dice) }).collect()
}

fn trades(symbol: &str, times: &[i64]) -> (String, String) {
    let row = |(i, t): (usize, &i64)| format!("{},100.5,2,201,{t},{}\n", i + 1, i % 3 == 0);
    let rows = times.iter().enumerate().map(row).collect();
    (format!("{symbol}-trades-{}.csv", times[0]), rows)
}

fn aggregated(symbol: &str, times: &[i64]) -> (String, String) {
    let row = |(i, t): (usize, &i64)| format!("{},100.5,2,5,6,{t},true\n", i + 1);
    let rows = times.iter().enumerate().map(row).collect();
    (format!("{symbol}-aggTrades-{}.csv", times[0]), rows)
}

/// Updates of two levels, of two symbols in turn, and among them rows of a kind that nobody reads.
fn depth(times: &[i64]) -> (String, String) {
    let row = |(i, t): (usize, &i64)| {
        let (symbol, id) = (["BTCUSDT", "ETHUSDT"][i % 2], i + 1);
        let kind = if i % 97 == 50 { "drop" } else { "set" };
        format!("{symbol},{t},{id},{id},b,{kind},99.5,{id},-1\n{symbol},{t},{id},{id},a,set,100.5,{id},-1\n")
    };
    let rows: String = times.iter().enumerate().map(row).collect();
    (format!("T_DEPTH_{}.csv", times[0]), DEPTH.to_owned() + &rows)
}

fn read_files(files: &[(String, String)]) -> Read {
    let directory = tempfile::tempdir().unwrap();
    files.iter().for_each(|(name, text)| write(directory.path(), name, text));
    read(&[directory.path()])
}

fn write(directory: &Path, name: &str, text: &str) {
    std::fs::write(directory.join(name), text).unwrap();
}

/// The days of a symbol without another one's rows.
fn days(n: i64, dice: &mut Dice) -> Vec<(String, String)> {
    let of_day = |day| {
        let times = times(day, 200, false, dice);
        [trades("BTCUSDT", &times), aggregated("ETHUSDT", &times)]
    };
    (0..n).flat_map(of_day).collect()
}

#[test]
fn a_reader_rests_after_each_day() {
    let mut dice = Dice(1);
    // Two symbols are two groups.
    assert_eq!(read_files(&days(4, &mut dice)).rests, 8);
    // Rows that name their symbol may be of any, and all files are one group.
    let mut files = days(4, &mut dice);
    files.extend((0..4).map(|day| depth(&times(day, 200, false, &mut dice))));
    let read = read_files(&files);
    assert_eq!((read.rests, read.inventory.groups().len()), (4, 1));
    assert_eq!(read.count("unknown_stream"), 8);
    // A file over two days has no rest in it.
    let over = [times(1, 100, false, &mut dice), times(2, 100, false, &mut dice)].concat();
    files.push(trades("BTCUSDT", &over));
    assert_eq!(read_files(&files).rests, 3);
}

#[test]
fn receive_times_in_some_files_leave_no_rest() {
    let mut dice = Dice(2);
    let mut files = days(3, &mut dice);
    let header = "TimestampOfReceive,Stream,EventType,EventTime,Symbol,TradeId,Price,Quantity,IsBuyerMarketMaker\n";
    let row = |t: i64| format!("{t},BTCUSDT@trade,trade,{t},BTCUSDT,{t},100.5,2,1\n");
    let stream = |day: i64| {
        header.to_owned() + &(0..50).map(|i| row(START_MS + (24 * day + 23) * HOUR_MS + i)).collect::<String>()
    };
    let streams: Vec<_> = (0..3).map(|day| (format!("stream-{day}.csv"), stream(day))).collect();
    assert_eq!(read_files(&streams).rests, 3);
    files.extend(streams);
    assert_eq!(read_files(&files).rests, 1);
}

#[test]
fn a_day_in_another_unit_is_held_against_the_first_one() {
    let mut dice = Dice(3);
    let [first, second] = [0, 1].map(|day| times(day, 100, false, &mut dice));
    let in_us: Vec<i64> = second.iter().map(|ms| 1_000 * ms).collect();
    let read = read_files(&[trades("BTCUSDT", &first), trades("BTCUSDT", &in_us)]);
    assert_eq!((read.rests, read.count("time_unit")), (2, 100));
}

/// Rows that step back behind the files before theirs: what those told of trades, and whether their last update goes on, is the same
/// with a rest between them and without. The reader of all tests compares.
#[test]
fn rows_that_step_back_change_nothing() {
    let (mut rests, mut stood_back) = (0, 0);
    for seed in 0..30 {
        let mut dice = Dice(seed);
        let mut files = Vec::new();
        for day in 0..5 {
            let n = 80 + dice.below(80) as i64;
            let symbol = ["BTCUSDT", "ETHUSDT"][dice.below(2) as usize];
            match dice.below(3) {
                0 => files.push(trades(symbol, &times(day, n, true, &mut dice))),
                1 => {
                    let times = times(day, n, true, &mut dice);
                    // Beside the trades themselves, or a part of them.
                    files.push(trades(symbol, &times[..n as usize / (1 + dice.below(3) as usize)]));
                    files.push(aggregated(symbol, &times));
                }
                _ => files.push(depth(&times(day, n, true, &mut dice))),
            }
        }
        // One group in any case.
        files.push(depth(&[START_MS + 24 * 5 * HOUR_MS]));
        let read = read_files(&files);
        rests += read.rests;
        let told = "aggregated trades beside the trades themselves";
        stood_back += read.counters.unknown_streams().get(told).copied().unwrap_or(0);
    }
    assert!(rests > 100 && stood_back > 500, "{rests} {stood_back}");
}

#[test]
fn an_update_does_not_go_on_in_a_file_that_starts_later() {
    let row = |symbol: &str, t: i64, id: i64, level: &str| format!("{symbol},{t},{id},{id},{level},-1\n");
    let first = DEPTH.to_owned() + &row("BTCUSDT", START_MS, 5, "b,set,99.5,1");
    let later: String = (0..70).map(|i| row("ETHUSDT", START_MS + HOUR_MS + i, i, "b,set,9.5,1")).collect();
    let second = DEPTH.to_owned() + &later + &row("BTCUSDT", START_MS, 5, "a,set,100.5,1");
    let read = read_files(&[("a.csv".to_owned(), first), ("b.csv".to_owned(), second)]);
    assert_eq!(read.rests, 2);
    let flags = &read.events["BTCUSDT"].flags;
    assert!(flags.iter().all(|f| *f == flags::FIRST_OF_MESSAGE | flags::LAST_OF_UPDATE), "{flags:?}");
}
