//! LOBSTER days in several files: in pieces, and there twice.

use verismo_feed::Format;
use verismo_feed::write::GoldenCompression;

use crate::common::{Read, files, read};
use crate::lobster::{NAMES, events, small};
use crate::order_formats::{orders_market, write};

/// Reads files of these names and contents: packed where the name says so.
fn read_files(files: &[(&str, &str)]) -> Read {
    let directory = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let plain = text.as_bytes().to_vec();
        let bytes = if name.ends_with(".zst") { zstd::encode_all(&plain[..], 1).unwrap() } else { plain };
        std::fs::write(directory.path().join(name), bytes).unwrap();
    }
    read(&[directory.path()])
}

fn lines(text: &str, range: std::ops::Range<usize>) -> String {
    text.split_inclusive('\n').skip(range.start).take(range.len()).collect()
}

#[test]
fn a_day_that_is_there_twice_is_read_once() {
    let directory = tempfile::tempdir().unwrap();
    write(Format::Lobster, directory.path(), &orders_market("X", 400, 10), GoldenCompression::Plain);
    let [messages, book] = [0, 1].map(|i| std::fs::read_to_string(&files(directory.path())[i]).unwrap());
    let whole = read_files(&[(NAMES[0], &messages), (NAMES[1], &book)]);
    // The same day with the five best levels: the messages that change them.
    let first_five = |line: &str| line.split(',').take(20).collect::<Vec<_>>().join(",");
    let (mut five, mut five_book, mut n_five, mut before) = (String::new(), String::new(), 0, String::new());
    for (line, row) in messages.lines().zip(book.lines().map(first_five)) {
        if row != before {
            (five, five_book, n_five) = (five + line + "\n", five_book + &row + "\n", n_five + 1);
        }
        before = row;
    }
    assert!((50..350).contains(&n_five), "{n_five}");
    let parts = [lines(&messages, 0..300), lines(&book, 0..300), lines(&messages, 100..400), lines(&book, 100..400)];
    let (a, b) = ("X_2024-08-08_0_1_message_5.csv", "X_2024-08-08_0_1_orderbook_5.csv");
    let packed = [format!("{}.zst", NAMES[0]), format!("{}.zst", NAMES[1])];
    for (given, n_left_out) in [
        (vec![(a, &five), (b, &five_book), (NAMES[0], &messages), (NAMES[1], &book)], n_five),
        (vec![(NAMES[0], &five), (NAMES[1], &five_book), (a, &messages), (b, &book)], n_five),
        (vec![(&packed[0], &messages), (&packed[1], &book), (NAMES[0], &messages), (NAMES[1], &book)], 400),
        // Two packings of the messages with one order book.
        (vec![(&packed[0], &messages), (NAMES[0], &messages), (NAMES[1], &book)], 400),
        (vec![(a, &parts[0]), (b, &parts[1]), (NAMES[0], &parts[2]), (NAMES[1], &parts[3])], 200),
    ] {
        let given: Vec<(&str, &str)> = given.into_iter().map(|(name, text)| (name, text.as_str())).collect();
        let names: Vec<&str> = given.iter().map(|(name, _)| *name).collect();
        let read = read_files(&given);
        assert!(events(read.only()) == events(whole.only()), "{names:?}");
        assert_eq!(read.inventory.ignored, [], "{names:?}");
        for (check, counter) in read.counters.iter().filter(|(_, counter)| counter.count > 0) {
            assert_eq!((check, counter.count), ("session_overlap", n_left_out), "{names:?}: {}", read.detail(check));
            let example = &counter.examples[0];
            assert!(example.source != example.detail && example.detail.contains("_message_"), "{example:?}");
        }
        assert_eq!(read.count("session_overlap"), n_left_out, "{names:?}");
    }
}

#[test]
fn a_reader_rests_between_days_and_never_inside_one() {
    let [messages, book] = small();
    let of = |day: u32, kind: &str, more: &str| format!("X_2024-08-{day:02}_0_1_{kind}_10{more}.csv");
    let mut named = Vec::new();
    for day in [8, 9, 12] {
        named.extend([(of(day, "message", ""), messages.clone()), (of(day, "orderbook", ""), book.clone())]);
    }
    let given = |named: &[(String, String)]| -> Read {
        read_files(&named.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>())
    };
    let days = given(&named);
    assert_eq!((days.rests, days.messages), (3, 180));
    // One day in two files, the middle one without an order book, and one of no date.
    named[2] = (of(9, "message", "_a"), lines(&messages, 0..30));
    named[3] = (of(9, "message", "_b"), lines(&messages, 30..60));
    assert_eq!(given(&named).rests, 3);
    named.push(("X_message_10.csv".to_owned(), messages.clone()));
    let undated = given(&named);
    assert_eq!((undated.rests, undated.messages), (1, 240));
}

#[test]
fn a_day_in_pieces_loses_nothing_not_even_behind_a_wrong_stamp() {
    let [messages, _] = small();
    // Two messages whose times are not in order.
    let mut swapped: Vec<String> = messages.lines().map(str::to_owned).collect();
    let times = [29, 30].map(|i| swapped[i].split_once(',').unwrap().0.to_owned());
    for (i, time) in [(29, &times[1]), (30, &times[0])] {
        swapped[i] = format!("{time},{}", swapped[i].split_once(',').unwrap().1);
    }
    let swapped = swapped.join("\n") + "\n";
    // All of one instant.
    let instant: String =
        messages.lines().map(|line| format!("34200.5,{}\n", line.split_once(',').unwrap().1)).collect();
    for (text, cuts) in [(&messages, 1..60), (&swapped, 30..31), (&instant, 40..41)] {
        let whole = read_files(&[(NAMES[0], text)]);
        for at in cuts {
            let parts = [lines(text, 0..at), lines(text, at..60)];
            let (a, b) = ("X_2024-08-08_0_1_message_10_b.csv", "X_2024-08-08_0_1_message_10_a.csv");
            let read = read_files(&[(a, &parts[0]), (b, &parts[1])]);
            let (got, want) = (events(read.only()), events(whole.only()));
            assert_eq!(got.len(), want.len(), "cut at {at}");
            assert!(text == &instant || got == want, "cut at {at}");
            assert_eq!(read.count("session_overlap"), 0);
        }
    }
}

#[test]
fn the_clock_does_not_depend_on_the_cut() {
    let line = |time: &str| format!("{time},1,1,1,10000,1\n");
    let seconds = line("34200.000000000") + &line("34201.000000000");
    let fine = line("34202.000000500");
    let name = |i: usize| ["X_2024-08-08_0_1_message_1_a.csv", "X_2024-08-08_0_1_message_1_b.csv"][i];
    for (first, second, clock_ns) in [
        (seconds.clone(), fine.clone(), 1),
        (seconds.clone(), line("34202.000500"), 1_000),
        (seconds.clone(), line("34202"), 1_000_000_000),
    ] {
        assert_eq!(read_files(&[(name(0), &(first.clone() + &second))]).inventory.clock_ns(), clock_ns);
        for at in 0..2 {
            let read = read_files(&[(name(at), &first), (name(1 - at), &second)]);
            assert_eq!(read.inventory.clock_ns(), clock_ns);
        }
    }
}
