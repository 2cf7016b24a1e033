//! Recognises a capture by its first frames, and takes their stamps.

use std::io::Read;
use std::sync::Arc;

use verismo_market::event::{NO_ID, NO_TIME};

use super::frame::{self, Class, Field, Scratch};
use super::scan::Num;
use crate::epoch::{self, EpochUnit};
use crate::input::{self, LINE_BYTES_MAX, Line, LineReader};
use crate::inventory::{FirstKey, Match, Onset, Probe, Source};

/// Lines looked at before a text is called unknown, and before its first stamps are given up.
const LINES_MAX: usize = 2_000;
/// Bytes looked at in the same search.
const SNIFF_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// A text with a frame of a capture in its first lines.
pub(crate) fn sniff(probe: &Probe<'_>, source: &mut Source) -> Match {
    // What was opened a moment ago and cannot be now is found out again when its turn comes.
    let (Some(_), Ok(bytes)) = (probe.head(), input::open(probe.path, source.compression, Arc::default())) else {
        return Match::No;
    };
    match first_stamps(LineReader::new(Box::new(bytes.take(SNIFF_BYTES_MAX)), LINE_BYTES_MAX)) {
        Some(stamps) => {
            stamps.apply(source);
            Match::Yes
        }
        None => Match::No,
    }
}

/// The stamps of the first frames; `None` if no line is a frame.
fn first_stamps(mut lines: LineReader) -> Option<Stamps> {
    let mut stamps: Option<Stamps> = None;
    let mut scratch = Scratch::default();
    for _ in 0..LINES_MAX {
        let line = match lines.next_line() {
            Line::Whole(range) | Line::Unterminated(range) => &lines.bytes()[range],
            Line::TooLong(_) => continue,
            Line::Broken(_) | Line::End => break,
        };
        let Some(frame) = frame::parse(line, &mut scratch).ok().filter(is_frame) else {
            continue;
        };
        if stamps.get_or_insert_default().note(&frame) {
            break;
        }
    }
    stamps
}

fn is_frame(frame: &frame::Frame<'_>) -> bool {
    frame.stream.is_some() || frame.class() != Class::Unknown
}

/// Frames whose clocks are compared: the median of their offsets is not moved by a single wrong stamp.
const OFFSETS: usize = 15;

/// Frames whose stamps tell when a capture starts: with up to 32 late messages the median still lies after the start.
const KEYS: usize = 33;

/// The stamps of the first frames of a capture.
#[derive(Default)]
struct Stamps {
    /// What each frame is merged by.
    keys: Vec<i64>,
    first_receive: Option<i64>,
    first_exchange: Option<i64>,
    first_id: Option<i64>,
    unit: Option<EpochUnit>,
    offsets: Vec<i64>,
}

impl Stamps {
    /// Takes the stamps of a frame; `true` once there are enough.
    fn note(&mut self, frame: &frame::Frame<'_>) -> bool {
        let receive = match frame[Field::Receive] {
            Num::Value(ns) => Some(ns),
            _ => None,
        };
        self.first_receive = self.first_receive.or(receive);
        self.keys.extend(receive);
        if frame.class() == Class::Unknown {
            return false;
        }
        let Num::Value(stamp) = frame.exchange_stamp(frame.class() == Class::Trade) else {
            return false;
        };
        let (exchange_ns, unit) = epoch::to_ns(stamp);
        if exchange_ns == NO_TIME {
            return false;
        }
        self.unit.get_or_insert(unit);
        if receive.is_none() {
            self.keys.push(exchange_ns);
        }
        if self.first_exchange.is_none() {
            self.first_exchange = Some(exchange_ns);
            self.first_id = match (frame[Field::TradeId], frame[Field::LastId]) {
                (Num::Value(id), _) | (_, Num::Value(id)) => Some(id),
                _ => None,
            };
        }
        self.offsets.extend(receive.map(|receive| exchange_ns.saturating_sub(receive)));
        self.keys.len() >= KEYS && (receive.is_none() || self.offsets.len() >= OFFSETS)
    }

    fn apply(mut self, source: &mut Source) {
        self.keys.truncate(KEYS);
        self.keys.sort_unstable();
        source.onset =
            self.keys.first().map(|&earliest_ns| Onset { earliest_ns, typical_ns: self.keys[self.keys.len() / 2] });
        self.offsets.sort_unstable();
        let offset = self.offsets.get(self.offsets.len() / 2).copied();
        // With both clocks the start is where the receive stamp says, told in exchange time.
        let start = offset.zip(self.first_receive).map(|(offset, receive)| receive.saturating_add(offset));
        source.clock_offset_ns = offset;
        source.clock_ns = self.unit.map_or(1, EpochUnit::ns);
        source.first = FirstKey {
            t_receive_ns: self.first_receive.unwrap_or(NO_TIME),
            t_exchange_ns: start.or(self.first_exchange).unwrap_or(NO_TIME),
            id: self.first_id.unwrap_or(NO_ID),
        };
    }
}
