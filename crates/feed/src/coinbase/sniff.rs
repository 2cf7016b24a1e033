//! Recognises messages of the full channel and level-3 books.

use verismo_market::event::NO_TIME;

use super::{book, frame};
use crate::inventory::{FirstKey, Match, Probe, Source};
use crate::json::scan::Num;

/// A text with a message of the full channel among its first lines, or one that starts like a level-3 book.
///
/// A book has no time: that is how the reader tells it from messages.
pub(crate) fn sniff(probe: &Probe<'_>, source: &mut Source) -> Match {
    let Some(head) = probe.head() else { return Match::No };
    if book::is_book_start(&head.bytes) {
        return Match::Yes;
    }
    match first_message(head.lines()) {
        Some((first, clock_ns)) => {
            (source.first, source.clock_ns) = (first, clock_ns);
            Match::Yes
        }
        None => Match::No,
    }
}

/// Key and clock of the first message with a place in its product's sequence and a time.
fn first_message<'a>(lines: impl Iterator<Item = &'a [u8]>) -> Option<(FirstKey, i64)> {
    for line in lines {
        let Some(frame) = frame::parse(line).ok().filter(frame::Frame::is_sequenced) else { continue };
        let (t_exchange_ns, Num::Value(id)) = (frame.time_ns(), frame.sequence) else { continue };
        if t_exchange_ns != NO_TIME {
            let clock_ns = clock_of(frame.time.as_deref().unwrap_or_default());
            return Some((FirstKey { t_receive_ns: NO_TIME, t_exchange_ns, id }, clock_ns));
        }
    }
    None
}

/// The resolution that the digits after the point of a time in text can express, ns.
fn clock_of(text: &[u8]) -> i64 {
    let digits =
        memchr::memchr(b'.', text).map_or(0, |i| text[i + 1..].iter().take_while(|b| b.is_ascii_digit()).count());
    match digits {
        0 => 1_000_000_000,
        1..=3 => 1_000_000,
        4..=6 => 1_000,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_message_with_a_time_is_the_key() {
        let text = concat!(
            r#"{"type":"subscriptions","channels":[]}"#,
            "\n",
            r#"{"type":"open","product_id":"A-B","sequence":4,"time":"x"}"#,
            "\n",
            r#"{"type":"done","product_id":"A-B","sequence":5,"time":"2018-07-13T20:47:11.025000Z"}"#
        );
        let (first, clock_ns) = first_message(text.lines().map(str::as_bytes)).unwrap();
        assert_eq!((first.t_exchange_ns, first.id, clock_ns), (1_531_514_831_025_000_000, 5, 1_000));
        assert!(first_message("{}\n[1]\nx".lines().map(str::as_bytes)).is_none());
    }

    #[test]
    fn clocks_by_their_digits() {
        for (text, want) in [("11.025Z", 1_000_000), ("11Z", 1_000_000_000), ("11.123456789Z", 1), ("11.1234", 1_000)] {
            assert_eq!(clock_of(text.as_bytes()), want, "{text}");
        }
    }
}
