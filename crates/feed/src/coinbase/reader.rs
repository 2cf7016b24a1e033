//! Reads the files of a recording as one sequence of messages, with the books between them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use verismo_market::event::{NO_ID, NO_TIME};
use verismo_stats::state::{Carry, DecodeError, Reader, put_u64};

use super::VENUE;
use super::book::{self, Book, Order};
use super::frame::{self, Class, Frame};
use super::stream::{Change, Product, base};
use crate::block::{Block, EventReader, Rest, StreamName};
use crate::counters::{FeedCounters, checks};
use crate::error::FeedError;
use crate::inventory::Source;
use crate::json::reader_sample;
use crate::json::scan::Num;
use crate::limits::streams_max;
use crate::merge::{Keyed, LineMerge};
use crate::outbox::Outbox;
use crate::rests::Rests;

/// Longest product name in bytes.
const NAME_BYTES_MAX: usize = 64;
/// A stream starts from a book whose sequence is up to this much later than its first message: recorders subscribe, then fetch the book.
const START_IDS_MAX: i64 = 10_000;
/// A book this far from a product's messages is another product's.
const BOOK_IDS_MAX: i64 = 10_000_000;

/// Reads message files and books of the full channel, merged by time and sequence.
pub struct CoinbaseReader {
    merge: LineMerge,
    labels: Vec<Arc<str>>,
    /// Books not yet placed, by sequence, with the index of their label.
    books: Vec<(Book, u32)>,
    books_read: bool,
    book_sources: Vec<Source>,
    book_bytes: Arc<AtomicU64>,
    streams_max: usize,
    names: Vec<StreamName>,
    products: Vec<Product>,
    by_name: BTreeMap<Vec<u8>, usize>,
    outbox: Outbox,
    counters: FeedCounters,
    bytes_reported: u64,
    done: bool,
    /// Whether it may rest: all books come before the messages.
    rests: bool,
}

/// Where a message stands.
#[derive(Clone, Copy)]
struct Place {
    source: u32,
    position: u64,
}

impl CoinbaseReader {
    /// A reader of `sources`, ordered as [`crate::Inventory`] orders them. Sources without a first time are books.
    pub fn new(sources: Vec<Source>) -> Self {
        let (streams_max, rests) = (streams_max(&sources), has_books_first(&sources));
        let (book_sources, message_sources): (Vec<_>, Vec<_>) = sources.into_iter().partition(is_book);
        let merge = LineMerge::new(message_sources);
        let mut labels = merge.labels().to_vec();
        labels.extend(book_sources.iter().map(|s| Arc::from(s.path.display().to_string())));
        Self {
            merge,
            labels,
            books: Vec::new(),
            books_read: false,
            book_sources,
            book_bytes: Arc::default(),
            streams_max,
            names: Vec::new(),
            products: Vec::new(),
            by_name: BTreeMap::new(),
            outbox: Outbox::default(),
            counters: FeedCounters::default(),
            bytes_reported: 0,
            done: false,
            rests,
        }
    }

    /// The same, resting between files of messages, and going on at the rest before file `next`.
    ///
    /// # Errors
    /// [`DecodeError`] for a carry that no such reader has handed on.
    pub fn resting(mut self, next: usize, carry: &[u8]) -> Result<Self, DecodeError> {
        let (mut products, mut books) = (Vec::<(String, Product)>::new(), Vec::<String>::new());
        let next_of_messages = next.saturating_sub(self.book_sources.len());
        self.merge.resting(next_of_messages, carry, &mut self.counters, |input| {
            products.load(input)?;
            books.load(input)
        })?;
        if next_of_messages == 0 {
            return Ok(self);
        }
        for (name, product) in products {
            self.add_stream(&name, product);
        }
        // The books that were placed are in the products; what is bad in books was counted when they were read first.
        let counters = std::mem::take(&mut self.counters);
        self.read_books();
        self.counters = counters;
        self.books.retain(|(book, _)| books.contains(&book.digest()));
        if self.books.len() < books.len() {
            return Err(Reader::new("carry of a reader of Coinbase/1", carry).invalid("a book that was there before"));
        }
        Ok(self)
    }

    /// Whether a reader that rested with this carry rests before source `next` of these.
    pub(crate) fn rests_before(sources: &[Source], next: usize, carry: &[u8]) -> bool {
        let is_over = |source: &Source| Rests::was_over_before(carry, source.first.t_exchange_ns);
        sources.get(next).is_none_or(|source| has_books_first(sources) && is_over(source))
    }

    fn add_stream(&mut self, name: &str, product: Product) {
        self.by_name.insert(name.as_bytes().to_vec(), self.names.len());
        self.names.push(StreamName { venue: VENUE.to_owned(), symbol: name.to_uppercase() });
        self.products.push(product);
        self.outbox.add_stream();
    }

    /// Whether it stands between two files of messages that do not overlap, or behind all with no book left to tell of.
    fn is_between(&mut self) -> bool {
        self.merge.is_between(&mut self.counters, &mut key)
            && self.rests
            && (!self.merge.has_opened_all() || self.books.is_empty())
    }

    fn read_books(&mut self) {
        self.books_read = true;
        let first_label = (self.labels.len() - self.book_sources.len()) as u32;
        for (label, source) in (first_label..).zip(&self.book_sources) {
            let name = &self.labels[label as usize];
            match book::read(source, self.book_bytes.clone()) {
                Ok(book) => {
                    for why in &book.bad {
                        self.counters.hit(checks::INVALID_VALUE, name, 1, || format!("book entry: {why}"));
                    }
                    self.books.push((book, label));
                }
                Err(why) => self.counters.hit(checks::TRUNCATED_FILE, name, 1, || why),
            }
        }
        // Equal books of two files are one; the files' order is that of their contents.
        self.books.sort_by_key(|(book, label)| (book.sequence, *label));
        self.books.dedup_by(|a, b| a.0.sequence == b.0.sequence && a.0.orders == b.0.orders);
    }

    /// Handles one line; `false` at the end of all files.
    fn step(&mut self) -> bool {
        let Some(at) = self.merge.next_line(&mut self.counters, &mut key) else {
            return false;
        };
        let place = Place { source: at.source, position: at.position };
        let frame = match frame::parse(at.line) {
            Ok(frame) => frame,
            Err(error) => {
                let half = if at.is_terminated { "" } else { ", and the file ends inside this line" };
                self.counters.hit(checks::UNREADABLE, &self.labels[place.source as usize], place.position, || {
                    format!("byte {}: {}{half}: {}", error.at + 1, error.what, reader_sample(at.line))
                });
                return true;
            }
        };
        let mut sink = Sink {
            labels: &self.labels,
            streams_max: self.streams_max,
            books: &mut self.books,
            names: &mut self.names,
            products: &mut self.products,
            by_name: &mut self.by_name,
            outbox: &mut self.outbox,
            counters: &mut self.counters,
        };
        sink.message(&frame, place);
        true
    }
}

/// Where a line goes.
fn key(_: u32, line: &[u8]) -> Keyed {
    frame::peek_key(line).map_or(Keyed::WithLineBefore, Keyed::At)
}

fn is_book(source: &Source) -> bool {
    source.first.t_exchange_ns == NO_TIME && source.problem.is_none()
}

/// Whether no book comes behind messages.
fn has_books_first(sources: &[Source]) -> bool {
    let messages = sources.iter().position(|source| source.first.t_exchange_ns != NO_TIME);
    !sources[messages.unwrap_or(sources.len())..].iter().any(is_book)
}

/// Everything of the reader but the lines, which are borrowed while a message is handled.
struct Sink<'a> {
    labels: &'a [Arc<str>],
    streams_max: usize,
    books: &'a mut Vec<(Book, u32)>,
    names: &'a mut Vec<StreamName>,
    products: &'a mut Vec<Product>,
    by_name: &'a mut BTreeMap<Vec<u8>, usize>,
    outbox: &'a mut Outbox,
    counters: &'a mut FeedCounters,
}

impl Sink<'_> {
    fn message(&mut self, frame: &Frame<'_>, place: Place) {
        if frame.class() == Class::Unknown {
            let name = frame.kind.as_deref().unwrap_or(b"no type");
            let name = String::from_utf8_lossy(&name[..name.len().min(NAME_BYTES_MAX)]).into_owned();
            self.counters.unknown_stream(&name, &self.labels[place.source as usize], place.position);
            return;
        }
        let Num::Value(sequence) = frame.sequence else {
            return self.invalid(place, || "a message without a sequence".to_owned());
        };
        let time_ns = frame.time_ns();
        if time_ns == NO_TIME {
            self.invalid(place, || "a message without a readable time".to_owned());
        }
        let Some(stream) = self.stream_of(frame, place) else { return };
        if self.products[stream].last.is_none() {
            self.start(stream, sequence, time_ns);
        } else {
            self.books_between(stream, sequence, time_ns);
        }
        if self.products[stream].in_book.is_some_and(|in_book| sequence <= in_book) {
            let label = &self.labels[place.source as usize];
            self.counters.hit(checks::SESSION_OVERLAP, label, place.position, || {
                format!("sequence {sequence} is in the book that the stream starts from")
            });
            return;
        }
        let is_new = self.products[stream].see(sequence, time_ns);
        if let Some(change) = self.change(frame, place) {
            let buffer = self.outbox.buffer(stream);
            buffer.begin_message(place.source);
            let base = base(time_ns, place.position);
            self.products[stream].apply(change, sequence, is_new, base, &mut buffer.batch);
            self.outbox.flush_if_full(stream);
        }
    }

    fn stream_of(&mut self, frame: &Frame<'_>, place: Place) -> Option<usize> {
        let product = frame.product.as_deref().unwrap_or_default();
        if let Some(&stream) = self.by_name.get(product) {
            return Some(stream);
        }
        let name = std::str::from_utf8(product)
            .ok()
            .filter(|n| !n.is_empty() && n.len() <= NAME_BYTES_MAX && !n.chars().any(char::is_control));
        let (Some(name), true) = (name, self.names.len() < self.streams_max) else {
            let shown = String::from_utf8_lossy(&product[..product.len().min(NAME_BYTES_MAX)]).into_owned();
            self.invalid(place, || {
                format!("product {shown:?} is empty, too long, not text, or one more than --max-streams allows")
            });
            return None;
        };
        let stream = self.names.len();
        self.names.push(StreamName { venue: VENUE.to_owned(), symbol: name.to_uppercase() });
        self.products.push(Product::default());
        self.outbox.add_stream();
        self.by_name.insert(product.to_vec(), stream);
        Some(stream)
    }

    /// The book that a stream starts from: the first that is not older than its first message, else the latest before it.
    fn start(&mut self, stream: usize, sequence: i64, time_ns: i64) {
        let distance = |book: &Book| book.sequence.saturating_sub(sequence);
        let after = self.books.iter().position(|(book, _)| (-1..=START_IDS_MAX).contains(&distance(book)));
        let before = || self.books.iter().rposition(|(book, _)| (-BOOK_IDS_MAX..-1).contains(&distance(book)));
        if let Some(at) = after.or_else(before) {
            let (book, label) = self.books.remove(at);
            self.products[stream].in_book = Some(book.sequence);
            self.push_book(stream, &book, label, time_ns);
        }
    }

    /// Books between the message before and this one.
    fn books_between(&mut self, stream: usize, sequence: i64, time_ns: i64) {
        let Some(last) = self.products[stream].last else { return };
        // Bounded by the number of books: each turn takes one.
        while let Some(at) = self.books.iter().position(|(book, _)| {
            (last..sequence).contains(&book.sequence) && sequence.saturating_sub(last) <= BOOK_IDS_MAX
        }) {
            let (book, label) = self.books.remove(at);
            self.push_book(stream, &book, label, time_ns);
        }
    }

    fn push_book(&mut self, stream: usize, book: &Book, label: u32, time_ns: i64) {
        let buffer = self.outbox.buffer(stream);
        buffer.begin_message(label);
        self.products[stream].start_from(book, base(time_ns, 1), &mut buffer.batch);
        self.outbox.flush_if_full(stream);
    }

    /// Books at the very end of a stream, and those that belong nowhere.
    fn finish(&mut self) {
        for (book, label) in std::mem::take(self.books) {
            let at_end = self.products.iter().position(|p| p.last == Some(book.sequence));
            match at_end {
                Some(stream) => {
                    let time_ns = self.products[stream].time_ns;
                    self.push_book(stream, &book, label, time_ns);
                }
                None => {
                    let label = &self.labels[label as usize];
                    self.counters.unknown_stream("book of no sequence that the messages reach", label, 1);
                }
            }
        }
    }

    /// What a message says; `None` with a count if a number that is needed cannot be read.
    fn change(&mut self, frame: &Frame<'_>, place: Place) -> Option<Change> {
        let class = frame.class();
        let (name, id) = match class {
            Class::Match => ("maker_order_id", frame.maker.as_deref()),
            _ => ("order_id", frame.order.as_deref()),
        };
        let Some(id) = id.map(super::order_id) else {
            self.invalid(place, || format!("a message without {name}"));
            return None;
        };
        let side = frame.order_side();
        let order = |price, qty| Order { side, price, qty, id };
        Some(match class {
            Class::Received | Class::Unknown => Change::Received { id },
            Class::Open => {
                let price = self.needed(frame.price, "price", place)?;
                Change::Open(order(price, self.needed(frame.remaining, "remaining_size", place)?))
            }
            Class::Match => {
                let price = self.needed(frame.price, "price", place)?;
                let qty = self.needed(frame.size, "size", place)?;
                let trade_id = self.optional(frame.trade_id, "trade_id", place).unwrap_or(NO_ID);
                Change::Match { order: order(price, qty), trade_id }
            }
            Class::Done => Change::Done {
                id,
                side,
                price: self.optional(frame.price, "price", place),
                qty: self.optional(frame.remaining, "remaining_size", place),
                is_canceled: frame.reason.as_deref() == Some(b"canceled"),
            },
            Class::Change => {
                // A market order is changed by its funds and has no sizes: it does not rest.
                let Some(new_qty) = self.optional(frame.new_size, "new_size", place) else {
                    return Some(Change::Received { id });
                };
                let price = if frame.new_price == Num::Absent { frame.price } else { frame.new_price };
                let price = self.optional(price, "price", place);
                let old_qty = self.optional(frame.old_size, "old_size", place);
                Change::Amend { id, side, price, new_qty, old_qty }
            }
        })
    }

    fn needed(&mut self, number: Num<'_>, what: &'static str, place: Place) -> Option<i64> {
        if number == Num::Absent {
            self.invalid(place, || format!("{what} is missing"));
        }
        self.optional(number, what, place)
    }

    /// A number that may be absent; a bad one is counted and taken as absent.
    fn optional(&mut self, number: Num<'_>, what: &'static str, place: Place) -> Option<i64> {
        match number {
            Num::Value(value) => Some(value),
            Num::Absent => None,
            Num::Bad(text, reason) => {
                self.invalid(place, || format!("{what} {:?}: {reason}", reader_sample(text)));
                None
            }
        }
    }

    fn invalid(&mut self, place: Place, detail: impl FnOnce() -> String) {
        self.counters.hit(checks::INVALID_VALUE, &self.labels[place.source as usize], place.position, detail);
    }
}

impl EventReader for CoinbaseReader {
    fn streams(&self) -> &[StreamName] {
        &self.names
    }

    fn next_block(&mut self, block: &mut Block) -> Result<bool, FeedError> {
        block.clear();
        if !self.books_read {
            self.read_books();
        }
        // Bounded by the number of lines.
        while !self.outbox.is_ready() && !self.done && !self.merge.is_resting() {
            if !self.step() {
                self.done = true;
                let mut sink = Sink {
                    labels: &self.labels,
                    streams_max: self.streams_max,
                    books: &mut self.books,
                    names: &mut self.names,
                    products: &mut self.products,
                    by_name: &mut self.by_name,
                    outbox: &mut self.outbox,
                    counters: &mut self.counters,
                };
                sink.finish();
                self.outbox.flush_all();
            } else if self.is_between() {
                self.merge.pause();
                if self.merge.is_resting() {
                    self.outbox.flush_all();
                }
            }
        }
        self.counters.set_totals(self.merge.lines_since_rest());
        let more = self.outbox.pop(block, &self.labels);
        let bytes = self.bytes();
        block.bytes = bytes - self.bytes_reported;
        self.bytes_reported = bytes;
        Ok(more)
    }

    fn counters(&self) -> &FeedCounters {
        &self.counters
    }

    fn messages(&self) -> u64 {
        self.merge.lines()
    }

    fn bytes(&self) -> u64 {
        self.merge.bytes() + self.book_bytes.load(Ordering::Relaxed)
    }

    fn rest(&mut self) -> Option<Rest> {
        let Self { merge, counters, by_name, products, books, book_sources, .. } = self;
        let mut rest = merge.rest(counters, |carry| {
            let mut names: Vec<(&[u8], usize)> = by_name.iter().map(|(name, &at)| (name.as_slice(), at)).collect();
            names.sort_unstable_by_key(|(_, at)| *at);
            put_u64(carry, names.len() as u64);
            for (name, at) in names {
                String::from_utf8_lossy(name).into_owned().save(carry);
                products[at].save(carry);
            }
            books.iter().map(|(book, _)| book.digest()).collect::<Vec<_>>().save(carry);
        })?;
        rest.spot.source += book_sources.len();
        Some(rest)
    }
}
