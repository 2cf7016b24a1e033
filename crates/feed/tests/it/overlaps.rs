//! Captures of the same market that overlap, on one clock or on two.

use verismo_feed::write::GoldenCompression;
use verismo_market::event::{Kind, flags};
use verismo_market::message::{Body, Message};

use crate::common::{assert_same_events, events_of, market, read, starts, write_golden};

/// The same messages as another capture on another machine saw them.
fn seen_from(messages: &[Message], shift_ns: i64) -> Vec<Message> {
    messages.iter().map(|m| Message { t_receive_ns: m.t_receive_ns + shift_ns, ..m.clone() }).collect()
}

const DAY_NS: i64 = 86_400_000_000_000;

#[test]
fn sessions_on_two_clocks_follow_each_other_without_what_they_share() {
    let messages = market("BTCUSDT", 1000, 21);
    let directory = tempfile::tempdir().unwrap();
    // The second capture's clock is a day behind, so receive stamps would put it first.
    write_golden(&directory.path().join("z"), &messages[..600], GoldenCompression::Plain);
    write_golden(&directory.path().join("a"), &seen_from(&messages[400..], -DAY_NS), GoldenCompression::Plain);
    let read = read(&[directory.path()]);
    assert_eq!(read.count("session_overlap"), 200);
    let batch = read.only();
    let new: Vec<usize> = (0..batch.len()).filter(|&i| batch.flags[i] & flags::NEW_SESSION != 0).collect();
    assert_eq!(new.len(), 1, "one session begins inside the data");
    let ids: Vec<i64> = (0..batch.len()).filter(|&i| batch.kind[i] == Kind::Trade).map(|i| batch.id[i]).collect();
    let want: Vec<i64> =
        messages.iter().filter_map(|m| if let Body::Trade { id, .. } = m.body { Some(id) } else { None }).collect();
    assert_eq!(ids, want);
    assert_eq!(new[0], rows_before(&messages[..600]));
}

fn rows_before(messages: &[Message]) -> usize {
    events_of(messages).values().map(verismo_market::event::EventBatch::len).sum()
}

#[test]
fn captures_on_one_clock_are_merged_and_fill_each_others_holes() {
    let messages = market("BTCUSDT", 1000, 22);
    let (mut one, mut two) = (messages.clone(), seen_from(&messages, 3));
    one.drain(300..310);
    two.drain(700..720);
    let directory = tempfile::tempdir().unwrap();
    write_golden(&directory.path().join("1"), &one, GoldenCompression::Gzip(1));
    write_golden(&directory.path().join("2"), &two, GoldenCompression::Gzip(1));
    let read = read(&[directory.path()]);
    assert_eq!(read.count("session_overlap"), 970);
    let batch = read.only();
    let trades = messages.iter().filter(|m| matches!(m.body, Body::Trade { .. })).count();
    assert_eq!(starts(batch, Kind::Trade), trades);
    assert_eq!(starts(batch, Kind::LevelSet), 1000 - trades);
}

#[test]
fn a_session_on_another_clock_begins_behind_a_rest() {
    let messages = market("BTCUSDT", 6_000, 26);
    let directory = tempfile::tempdir().unwrap();
    write_golden(&directory.path().join("z"), &messages[..3_000], GoldenCompression::Plain);
    write_golden(&directory.path().join("a"), &seen_from(&messages[2_900..], -DAY_NS), GoldenCompression::Plain);
    let read = read(&[directory.path()]);
    assert_eq!(read.rests, 2, "between the sessions, and at the end");
    assert_eq!(read.count("session_overlap"), 100);
    let batch = read.only();
    let new: Vec<usize> = (0..batch.len()).filter(|&i| batch.flags[i] & flags::NEW_SESSION != 0).collect();
    assert_eq!(new, [rows_before(&messages[..3_000])]);
}

#[test]
fn what_a_capture_delivers_late_is_known_beyond_a_rest() {
    let messages = market("BTCUSDT", 9_000, 25);
    let late = seen_from(&messages, 1_000_000_000);
    // Both start a new file at one instant: the second one's begins with what the first one had in the file before.
    let cut = 4_500;
    let cut_late = late.partition_point(|m| m.t_receive_ns < messages[cut].t_receive_ns);
    assert!((cut - 200..cut - 10).contains(&cut_late), "{cut_late}");
    let directory = tempfile::tempdir().unwrap();
    let parts = [&messages[..cut], &messages[cut..], &late[..cut_late], &late[cut_late..]];
    for (i, part) in parts.into_iter().enumerate() {
        write_golden(&directory.path().join(i.to_string()), part, GoldenCompression::Plain);
    }
    let read = read(&[directory.path()]);
    assert_eq!(read.rests, 2, "where both end, and at the end");
    assert_eq!(read.count("session_overlap"), 9_000);
    assert_same_events(&read, &events_of(&messages), true);
}

#[test]
fn a_clock_that_restarts_inside_a_file_starts_a_session() {
    let mut messages = market("BTCUSDT", 400, 23);
    for message in &mut messages[200..] {
        message.t_receive_ns -= DAY_NS;
        message.t_exchange_ns += 100_000_000_000;
    }
    let directory = tempfile::tempdir().unwrap();
    write_golden(directory.path(), &messages, GoldenCompression::Plain);
    let whole = read(&[directory.path()]);
    let news = |b: &verismo_market::event::EventBatch| b.flags.iter().filter(|f| *f & flags::NEW_SESSION != 0).count();
    assert_eq!(news(whole.only()), 1);
    // Cut inside the second session: nothing changes.
    let cut = tempfile::tempdir().unwrap();
    write_golden(&cut.path().join("b"), &messages[..300], GoldenCompression::Plain);
    write_golden(&cut.path().join("a"), &messages[300..], GoldenCompression::Plain);
    let again = read(&[cut.path()]);
    assert_eq!(crate::common::rows(again.only(), true), crate::common::rows(whole.only(), true));
}

#[test]
fn a_pause_and_a_wrong_exchange_time_are_no_new_session() {
    let mut messages = market("BTCUSDT", 400, 24);
    for message in &mut messages[200..] {
        message.t_receive_ns += DAY_NS;
        message.t_exchange_ns += DAY_NS;
    }
    messages[100].t_exchange_ns += 400 * DAY_NS;
    let directory = tempfile::tempdir().unwrap();
    write_golden(directory.path(), &messages, GoldenCompression::Plain);
    let read = read(&[directory.path()]);
    assert_same_events(&read, &events_of(&messages), true);
}
