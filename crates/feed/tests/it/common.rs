//! Markets to write, and readers that collect everything.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use verismo_feed::write::{EventsOptions, EventsWriter, GoldenCompression, GoldenWriter};
use verismo_feed::{Block, FeedCounters, FeedError, Inventory, ReaderOptions, Spot};
use verismo_market::event::{Event, EventBatch, NO_ID, NO_TIME, Side, flags};
use verismo_market::message::{Body, Message};

/// 2024-08-08 23:54:15 UTC.
pub(crate) const START_NS: i64 = 1_723_161_255_000_000_000;

/// A small deterministic generator (SplitMix64), so that tests need no crate for it.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % n
    }
}

/// `n` messages of one symbol: trades and depth changes at whole milliseconds, ids and receive stamps rising.
pub(crate) fn market(symbol: &str, n: usize, seed: u64) -> Vec<Message> {
    let mut dice = Dice(seed);
    let (mut t_ns, mut trade_id, mut update_id) = (START_NS, 1000i64, 50_000i64);
    let mut out = Vec::new();
    for _ in 0..n {
        t_ns += 1_000_000 * dice.below(40) as i64;
        let receive = t_ns - START_NS + 7_000_000_000 + out.len() as i64;
        let body = if dice.below(4) > 0 {
            trade_id += 1;
            Body::Trade {
                id: trade_id,
                price: 6_183_763_000_000 + 1_000_000 * dice.below(1000) as i64,
                qty: 1_000 * (1 + dice.below(1_000_000) as i64),
                side: if dice.below(2) == 0 { Side::Bid } else { Side::Ask },
            }
        } else {
            let first_id = update_id + 1;
            update_id += 1 + dice.below(5) as i64;
            let mut levels = |base: i64| {
                (0..1 + dice.below(6) as i64).map(|i| (base + i * 1_000_000, 1_000 * dice.below(5000) as i64)).collect()
            };
            Body::Depth {
                first_id,
                last_id: update_id,
                bids: levels(6_183_000_000_000),
                asks: levels(6_184_000_000_000),
            }
        };
        out.push(Message { t_exchange_ns: t_ns, t_receive_ns: receive, symbol: symbol.to_owned(), body });
    }
    out
}

/// The events of messages, per symbol, as the message model makes them.
pub(crate) fn events_of(messages: &[Message]) -> BTreeMap<String, EventBatch> {
    let mut out: BTreeMap<String, EventBatch> = BTreeMap::new();
    for (i, message) in messages.iter().enumerate() {
        message.push_events(i as u64 + 1, out.entry(message.symbol.clone()).or_default());
    }
    out
}

/// What a set of paths gives.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) events: BTreeMap<String, EventBatch>,
    pub(crate) counters: FeedCounters,
    pub(crate) inventory: Inventory,
    pub(crate) messages: u64,
    pub(crate) block_messages: u64,
    /// Rests of a reader that may rest.
    pub(crate) rests: usize,
    /// The same inside files that were read in small segments.
    pub(crate) rests_inside: usize,
}

impl Read {
    pub(crate) fn count(&self, check: &str) -> u64 {
        self.counters.count(check)
    }

    pub(crate) fn only(&self) -> &EventBatch {
        assert_eq!(self.events.len(), 1, "{:?}", self.events.keys());
        self.events.values().next().unwrap()
    }

    pub(crate) fn detail(&self, check: &str) -> String {
        let (_, counter) = self.counters.iter().find(|(c, _)| *c == check).unwrap();
        counter.examples.iter().map(|e| format!("{}: {}\n", e.position, e.detail)).collect()
    }
}

pub(crate) fn try_read(paths: &[PathBuf]) -> Result<Read, FeedError> {
    try_read_with(paths, &ReaderOptions::default())
}

pub(crate) fn try_read_with(paths: &[PathBuf], options: &ReaderOptions) -> Result<Read, FeedError> {
    let inventory = Inventory::scan(paths, None)?;
    let mut events: BTreeMap<String, EventBatch> = BTreeMap::new();
    let mut counters = inventory.counters.clone();
    let (mut messages, mut block_messages) = (0, 0);
    for mut reader in inventory.readers(options)? {
        let mut block = Block::default();
        let mut bytes = 0;
        while reader.next_block(&mut block)? {
            let name = reader.streams()[block.stream].symbol.clone();
            let batch = events.entry(name).or_default();
            assert!(!block.batch.is_empty());
            for i in 0..block.batch.len() {
                batch.push(block.batch.row(i));
            }
            block_messages += block.messages;
            bytes += block.bytes;
        }
        bytes += block.bytes;
        assert_eq!(bytes, reader.bytes());
        assert!(!reader.next_block(&mut block)?, "a reader stays at its end");
        counters.merge(reader.counters());
        messages += reader.messages();
    }
    let read = Read { events, counters, inventory, messages, block_messages, rests: 0, rests_inside: 0 };
    let (rests, rests_inside) = assert_rests_change_nothing(&read, options)?;
    Ok(Read { rests, rests_inside, ..read })
}

/// With a rest wherever the readers rest: going on, and taken up by another reader. The number of rests between files, and of those inside.
fn assert_rests_change_nothing(read: &Read, options: &ReaderOptions) -> Result<(usize, usize), FeedError> {
    let (mut all_rests, mut inside) = (0, 0);
    // Groups of an inventory that comes from bytes are the same.
    let saved = read.inventory.save().map(|bytes| Inventory::load(&bytes).unwrap());
    let inventory = saved.as_ref().unwrap_or(&read.inventory);
    for (reopens, segment_bytes) in [(false, 0), (true, 0), (false, 1 << 10), (true, 1 << 10), (true, 1 << 13)] {
        let options = &options.clone().with_segments(segment_bytes);
        let mut events: BTreeMap<String, EventBatch> = BTreeMap::new();
        let mut counters = inventory.counters.clone();
        let mut messages = 0;
        for group in inventory.reader_groups(options)? {
            let mut of_group = FeedCounters::default();
            let (mut at, mut carry, mut rests, mut lines) = (Spot::default(), Vec::new(), 0, 0);
            let mut reader = group.open_at(at, &carry)?;
            // Every turn goes further.
            while at.source < group.sources().len() {
                let mut block = Block::default();
                let before = reader.messages();
                while reader.next_block(&mut block)? {
                    let batch = events.entry(reader.streams()[block.stream].symbol.clone()).or_default();
                    (0..block.batch.len()).for_each(|i| batch.push(block.batch.row(i)));
                }
                lines += reader.messages() - before;
                let Some(rest) = reader.rest() else {
                    of_group.append(reader.counters());
                    break;
                };
                assert!(group.rests_at(at.source, rest.spot, &rest.carry), "{at:?} to {:?}", rest.spot);
                assert!(at < rest.spot);
                if rest.spot.offset > 0 {
                    assert!(group.segment_bytes(rest.spot.source).is_some());
                    assert!(rest.spot.offset < group.sources()[rest.spot.source].bytes);
                    inside += 1;
                }
                of_group.append(&rest.counters);
                (at, carry) = (rest.spot, rest.carry);
                rests += 1;
                all_rests += usize::from(segment_bytes == 0);
                if reopens && at.source < group.sources().len() {
                    reader = group.open_at(at, &carry)?;
                }
            }
            if rests > 1 {
                of_group.set_totals(lines);
            }
            counters.merge(&of_group);
            messages += lines;
        }
        assert_eq!(messages, read.messages);
        assert_eq!(counters, read.counters);
        assert_eq!(events.keys().collect::<Vec<_>>(), read.events.keys().collect::<Vec<_>>());
        for (name, batch) in &events {
            let rows = |batch: &EventBatch| (0..batch.len()).map(|i| batch.row(i)).collect::<Vec<_>>();
            assert!(rows(batch) == rows(&read.events[name]), "{name}");
        }
    }
    Ok((all_rests / 2, inside))
}

pub(crate) fn read(paths: &[&Path]) -> Read {
    try_read(&paths.iter().map(|p| p.to_path_buf()).collect::<Vec<_>>()).unwrap()
}

/// Rows without what a format cannot carry: position always; for event trees also first id and receive time.
pub(crate) fn rows(batch: &EventBatch, keep_receive_and_first_id: bool) -> Vec<Event> {
    let strip = |i| {
        let event = Event { position: 0, ..batch.row(i) };
        if keep_receive_and_first_id { event } else { Event { t_receive_ns: NO_TIME, first_id: NO_ID, ..event } }
    };
    (0..batch.len()).map(strip).collect()
}

pub(crate) fn assert_same_events(read: &Read, want: &BTreeMap<String, EventBatch>, keep: bool) {
    assert_eq!(read.events.keys().collect::<Vec<_>>(), want.keys().collect::<Vec<_>>());
    for (symbol, batch) in want {
        let (got, want) = (rows(&read.events[symbol], keep), rows(batch, keep));
        let differs = got.iter().zip(&want).position(|(a, b)| a != b);
        assert!(
            differs.is_none() && got.len() == want.len(),
            "{symbol}: {} rows, wanted {}; first difference at {differs:?}: {:?}",
            got.len(),
            want.len(),
            differs.map(|i| (got[i], want[i])),
        );
    }
}

pub(crate) fn write_golden(directory: &Path, messages: &[Message], compression: GoldenCompression) {
    let mut writer = GoldenWriter::create(directory, compression).unwrap();
    messages.iter().for_each(|m| writer.write(m).unwrap());
    let written = writer.finish().unwrap();
    assert_eq!(written.messages, messages.len() as u64);
}

pub(crate) fn write_events(directory: &Path, messages: &[Message], options: EventsOptions) {
    let mut writer = EventsWriter::create(directory, options).unwrap();
    messages.iter().for_each(|m| writer.write(m).unwrap());
    writer.finish().unwrap();
}

/// All regular files below a directory, sorted.
pub(crate) fn files(directory: &Path) -> Vec<PathBuf> {
    let mut out = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            out.extend(files(&path));
        } else {
            out.push(path);
        }
    }
    out.sort();
    out
}

/// The directory of real data; `None` (with a word on stderr) where it is absent.
pub(crate) fn real_data(part: &str) -> Option<PathBuf> {
    let root = std::env::var_os("VERISMO_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join(part);
    if path.exists() {
        return Some(path);
    }
    assert!(std::env::var("VERISMO_REQUIRE_ALL").as_deref() != Ok("1"), "{} is needed", path.display());
    eprintln!("skipped: {} is absent", path.display());
    None
}

/// Messages of each kind: rows that start one.
pub(crate) fn starts(batch: &EventBatch, kind: verismo_market::event::Kind) -> usize {
    (0..batch.len()).filter(|&i| batch.kind[i] == kind && batch.flags[i] & flags::FIRST_OF_MESSAGE != 0).count()
}
