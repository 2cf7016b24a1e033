//! The same lines or rows, cut into files in any way and named in any way, give the same events.

use std::path::Path;

use verismo_feed::write::{EventsOptions, GoldenCompression};
use verismo_market::event::NO_TIME;
use verismo_market::message::{Body, Message};

use crate::common::{Dice, assert_same_events, events_of, files, market, read, write_events, write_golden};

/// Cuts `lines` into files at `cuts` random places and gives them shuffled names.
fn cut_lines(lines: &[&str], directory: &Path, cuts: usize, dice: &mut Dice) {
    let mut at: Vec<usize> = (0..cuts).map(|_| dice.below(lines.len() as u64) as usize).collect();
    at.extend([0, lines.len()]);
    at.sort_unstable();
    at.dedup();
    for pair in at.windows(2) {
        let name = format!("{:016x}.jsonl", dice.below(u64::MAX));
        std::fs::write(directory.join(name), lines[pair[0]..pair[1]].concat()).unwrap();
    }
}

fn golden_text(messages: &[Message]) -> String {
    let whole = tempfile::tempdir().unwrap();
    write_golden(whole.path(), messages, GoldenCompression::Plain);
    files(whole.path()).iter().map(|p| std::fs::read_to_string(p).unwrap()).collect()
}

#[test]
fn a_capture_cut_at_any_lines() {
    let messages = market("BTCUSDT", 2000, 11);
    let text = golden_text(&messages);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let want = events_of(&messages);
    for seed in 0..20 {
        let directory = tempfile::tempdir().unwrap();
        cut_lines(&lines, directory.path(), 1 + seed as usize, &mut Dice(seed));
        let read = read(&[directory.path()]);
        assert_same_events(&read, &want, true);
        assert!(read.counters.iter().all(|(_, c)| c.count == 0), "{:?}", read.counters);
    }
}

#[test]
fn a_capture_rests_after_each_file_once_no_stream_waits_for_its_snapshot() {
    let messages = market("BTCUSDT", 12_000, 13);
    let text = golden_text(&messages);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    // The book of a stream may come within its first 2,000 messages: files that end before hold rows back.
    for (lines_per_file, rests) in [(3_000, 4), (1_000, 10), (12_000, 1)] {
        let directory = tempfile::tempdir().unwrap();
        for (i, lines) in lines.chunks(lines_per_file).enumerate() {
            std::fs::write(directory.path().join(format!("{i}.jsonl")), lines.concat()).unwrap();
        }
        let read = read(&[directory.path()]);
        assert_same_events(&read, &events_of(&messages), true);
        assert_eq!(read.rests, rests, "{lines_per_file}");
        assert!(read.rests_inside > 2_000, "{lines_per_file}: {}", read.rests_inside);
    }
}

#[test]
fn a_capture_rests_whatever_its_lines_are() {
    let messages = market("BTCUSDT", 9_000, 14);
    let text = golden_text(&messages);
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    let mut dice = Dice(14);
    // Streams that nobody reads, in files of their own and again later; broken lines; a line said twice.
    for i in 0..60 {
        let at = dice.below(lines.len() as u64) as usize;
        let line = match i % 3 {
            0 => {
                format!("{{\"stream\":\"x@kind{}\",\"data\":{{\"e\":\"kind{}\"}}}}\n", dice.below(12), dice.below(12))
            }
            1 => "{\n".to_owned(),
            _ => lines[at].clone(),
        };
        lines.insert(at, line);
    }
    let directory = tempfile::tempdir().unwrap();
    for (i, lines) in lines.chunks(1_700).enumerate() {
        std::fs::write(directory.path().join(format!("{}.jsonl", 9 - i)), lines.concat()).unwrap();
    }
    let read = read(&[directory.path()]);
    assert!(read.rests >= 4, "{}", read.rests);
    assert_eq!(read.count("unreadable"), 20);
    assert_eq!(read.count("unknown_stream"), 20);
}

#[test]
fn a_capture_dealt_line_by_line_to_files() {
    let messages = market("BTCUSDT", 2000, 12);
    let text = golden_text(&messages);
    for hands in 2..6 {
        let mut dice = Dice(hands);
        let mut dealt = vec![String::new(); hands as usize];
        text.split_inclusive('\n').for_each(|line| dealt[dice.below(hands) as usize].push_str(line));
        let directory = tempfile::tempdir().unwrap();
        for (i, part) in dealt.iter().enumerate() {
            std::fs::write(directory.path().join(format!("{}.jsonl", 9 - i)), part).unwrap();
        }
        let read = read(&[directory.path()]);
        assert_same_events(&read, &events_of(&messages), true);
        assert_eq!(read.block_messages, 2000);
    }
}

#[test]
fn a_doubled_line_stays_doubled_however_it_is_cut() {
    let mut messages = market("BTCUSDT", 50, 13);
    let copy = messages[20].clone();
    messages.insert(21, copy);
    let text = golden_text(&messages);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    for at in [10, 21, 30] {
        let directory = tempfile::tempdir().unwrap();
        std::fs::write(directory.path().join("b.jsonl"), lines[..at].concat()).unwrap();
        std::fs::write(directory.path().join("a.jsonl"), lines[at..].concat()).unwrap();
        assert_same_events(&read(&[directory.path()]), &events_of(&messages), true);
    }
}

/// Rows of a market whose times all differ, so that every order of files has one right answer.
fn spaced(n: usize, seed: u64) -> Vec<Message> {
    let mut messages = market("BTCUSDT", n, seed);
    for (i, message) in messages.iter_mut().enumerate() {
        message.t_exchange_ns += i as i64 * 1_000;
        message.t_receive_ns = NO_TIME;
    }
    messages
}

#[test]
fn a_tree_cut_at_any_messages() {
    let messages = spaced(3000, 14);
    for seed in 0..10 {
        let mut dice = Dice(seed);
        let directory = tempfile::tempdir().unwrap();
        let mut rest = &messages[..];
        let mut part = 0;
        while !rest.is_empty() {
            let n = (1 + dice.below(1200) as usize).min(rest.len());
            // Each part is a tree of its own, in a directory whose name says nothing.
            let name = format!("{:04}", dice.below(10_000));
            write_events(&directory.path().join(format!("{name}-{part}")), &rest[..n], EventsOptions::default());
            rest = &rest[n..];
            part += 1;
        }
        assert_same_events(&read(&[directory.path()]), &events_of(&messages), false);
    }
}

#[test]
fn a_tree_dealt_message_by_message_to_files_that_overlap() {
    let messages = spaced(3000, 15);
    for hands in 2..5 {
        let mut dice = Dice(hands);
        let mut dealt = vec![Vec::new(); hands as usize];
        messages.iter().for_each(|m| dealt[dice.below(hands) as usize].push(m.clone()));
        let directory = tempfile::tempdir().unwrap();
        for (i, part) in dealt.iter().enumerate() {
            write_events(&directory.path().join(format!("{}", 9 - i)), part, EventsOptions::default());
        }
        assert_same_events(&read(&[directory.path()]), &events_of(&messages), false);
    }
}

#[test]
fn an_update_cut_between_files_is_one_update() {
    let mut messages = spaced(40, 16);
    messages.retain(|m| matches!(m.body, Body::Depth { .. }));
    let whole = messages.clone();
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for (i, message) in messages.into_iter().enumerate() {
        let Body::Depth { first_id, last_id, bids, asks } = message.body.clone() else { unreachable!() };
        // Bids to one file, asks to the other, and every third message whole.
        let part = |bids, asks| Message { body: Body::Depth { first_id, last_id, bids, asks }, ..message.clone() };
        if i % 3 == 0 {
            first.push(message);
        } else {
            first.push(part(bids, Vec::new()));
            second.push(part(Vec::new(), asks));
        }
    }
    let directory = tempfile::tempdir().unwrap();
    write_events(&directory.path().join("2"), &first, EventsOptions::default());
    write_events(&directory.path().join("1"), &second, EventsOptions::default());
    assert_same_events(&read(&[directory.path()]), &events_of(&whole), false);
}

#[test]
fn updates_longer_than_a_block_end_once() {
    let levels: Vec<(i64, i64)> = (1..30_000).map(|i| (i, i)).collect();
    let mut messages = spaced(20, 17);
    messages[10].body = Body::Depth { first_id: 0, last_id: 1, bids: levels, asks: vec![(50_000, 1)] };
    let directory = tempfile::tempdir().unwrap();
    write_events(directory.path(), &messages, EventsOptions::default());
    assert_same_events(&read(&[directory.path()]), &events_of(&messages), false);
}
