//! Panels: several numbers at one time, for joint laws, regressions, fits in order of time and errors point by point.

use super::book::{BP, ONE};
use super::columns;
use super::depth::where_deep;
use crate::book::Depths;
use crate::observe::frame::{Frame, TapeRow, TapeSample, TapeTrade};
use crate::observe::registry::Observable;
use crate::observe::{SECOND_NS, Series, WindowPanels};
use verismo_stats::carry;
use verismo_stats::panel::UNDEFINED;
use verismo_stats::state::{Carry, DecodeError, Reader};

/// Writes rows from what it reads, in order.
trait Writer: Carry + Send + 'static {
    fn read(&mut self, frame: &Frame, out: &mut WindowPanels);
}

struct Written<W> {
    id: &'static str,
    writer: W,
    windows: WindowPanels,
}

fn boxed(id: &'static str, window_ns: i64, writer: impl Writer) -> Box<dyn Observable> {
    Box::new(Written { id, writer, windows: WindowPanels::new(columns(id), window_ns) })
}

impl<W: Writer> Carry for Written<W> {
    fn save(&self, out: &mut Vec<u8>) {
        self.writer.save(out);
    }

    fn load(&mut self, input: &mut Reader<'_>) -> Result<(), DecodeError> {
        self.writer.load(input)
    }
}

impl<W: Writer> Observable for Written<W> {
    fn id(&self) -> &'static str {
        self.id
    }

    fn observe(&mut self, frame: &Frame) {
        self.writer.read(frame, &mut self.windows);
    }

    fn widen_windows(&mut self, factor: i64) {
        self.windows.widen(factor);
    }

    fn cut(&mut self) -> Series {
        self.windows.cut()
    }
}

/// Return, spread, imbalance, best quantities, order flow and volume of each second.
pub fn joint_state_1s(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    per_second("joint_state_1s", grid_ns, window_ns, |s| {
        let book = &s.book;
        [s.log_return(), spread(book), imbalance(book), book.bid_qty, book.ask_qty, s.ofi(), s.volume()].to_vec()
    })
}

/// Changes and flows of each second.
pub fn dependence_1s(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    per_second("dependence_1s", grid_ns, window_ns, |s| {
        [s.log_return(), spread(&s.book), imbalance(&s.book), s.ofi(), s.signed_volume(), s.volume(), s.trades()]
            .to_vec()
    })
}

/// The log mid with what may move it.
pub fn price_response_1s(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    per_second("price_response_1s", grid_ns, window_ns, |s| {
        [s.log_mid(), s.ofi(), s.signed_volume(), imbalance(&s.book)].to_vec()
    })
}

/// The log mid at each second.
pub fn mid_path_1s(grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    per_second("mid_path_1s", grid_ns, window_ns, |s| vec![s.log_mid()])
}

fn per_second(id: &'static str, grid_ns: i64, window_ns: i64, row: fn(&Second) -> Vec<i64>) -> Box<dyn Observable> {
    boxed(id, window_ns, Seconds { grid_ns, row, last: None, flow: Flow::default() })
}

/// A second of the market: the book at its end, the book a second before, and what happened in between.
struct Second {
    book: TapeSample,
    /// The book a second before; what happened in between is known only if there is one.
    before: Option<TapeSample>,
    flow: Flow,
}

/// What happened since the last full second.
#[derive(Debug, Clone, Copy, Default)]
struct Flow {
    ofi: i64,
    steps: i64,
    signed: i64,
    volume: i64,
    trades: i64,
    is_whole: bool,
}

carry!(Flow: ofi, steps, signed, volume, trades, is_whole);

impl Second {
    fn log_mid(&self) -> i64 {
        // Prices stand in 10^-8: the logarithm of twice the mid in units.
        fixed(BP * libm::log(self.book.mid_2() as f64 / (2.0 * ONE)))
    }

    fn log_return(&self) -> i64 {
        self.before.map_or(UNDEFINED, |before| {
            let ratio = (self.book.mid_2() - before.mid_2()) as f64 / before.mid_2() as f64;
            fixed(BP * libm::log1p(ratio))
        })
    }

    fn of_flow(&self, value: i64) -> i64 {
        if self.flow.is_whole { value } else { UNDEFINED }
    }

    fn ofi(&self) -> i64 {
        self.of_flow(self.flow.ofi)
    }

    fn signed_volume(&self) -> i64 {
        self.of_flow(self.flow.signed)
    }

    fn volume(&self) -> i64 {
        self.of_flow(self.flow.volume)
    }

    fn trades(&self) -> i64 {
        self.of_flow(self.flow.trades.saturating_mul(ONE as i64))
    }
}

/// A number in 10^-8, to the nearest; none where it is not finite or too large.
fn fixed(value: f64) -> i64 {
    let scaled = libm::round(value * ONE);
    if scaled.abs() < 9.2e18 { scaled as i64 } else { UNDEFINED }
}

/// In bp of the mid.
fn spread(book: &TapeSample) -> i64 {
    fixed(2.0 * BP * book.spread() as f64 / book.mid_2() as f64)
}

fn imbalance(book: &TapeSample) -> i64 {
    let (bid, ask) = (book.bid_qty as f64, book.ask_qty as f64);
    fixed((bid - ask) / (bid + ask))
}

struct Seconds {
    grid_ns: i64,
    row: fn(&Second) -> Vec<i64>,
    last: Option<Last>,
    flow: Flow,
}

/// The last sample, and that of the last full second.
#[derive(Default)]
struct Last {
    sample: TapeSample,
    second: Option<TapeSample>,
}

carry!(Last: sample, second);

impl Seconds {
    fn trade(&mut self, trade: &TapeTrade) {
        let flow = &mut self.flow;
        flow.signed = flow.signed.saturating_add(trade.sign.saturating_mul(trade.qty));
        flow.volume = flow.volume.saturating_add(trade.qty);
        flow.trades += 1;
    }

    fn sample(&mut self, sample: &TapeSample, out: &mut WindowPanels) {
        if let Some(last) = &self.last
            && last.sample.t_ns + self.grid_ns == sample.t_ns
        {
            self.flow.ofi = self.flow.ofi.saturating_add(sample.flow_since(&last.sample));
            self.flow.steps += 1;
        }
        let mut second = self.last.as_ref().and_then(|last| last.second);
        if sample.t_ns % SECOND_NS == 0 {
            let mut flow = std::mem::take(&mut self.flow);
            flow.is_whole = flow.steps == SECOND_NS / self.grid_ns;
            let before = second.filter(|before| before.t_ns + SECOND_NS == sample.t_ns);
            out.push(sample.t_ns, &(self.row)(&Second { book: *sample, before, flow }));
            second = Some(*sample);
        }
        self.last = Some(Last { sample: *sample, second });
    }
}

carry!(Seconds: last, flow);

impl Writer for Seconds {
    fn read(&mut self, frame: &Frame, out: &mut WindowPanels) {
        for row in &frame.tape {
            match row {
                TapeRow::Trade(trade) => self.trade(trade),
                TapeRow::Sample(sample) => self.sample(sample, out),
                TapeRow::Update(_) => {}
                TapeRow::Break => (self.last, self.flow) = (None, Flow::default()),
            }
        }
    }
}

/// A row for each trade, at its time: 1 under its side.
pub fn trade_arrivals(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    boxed("trade_arrivals", window_ns, Arrivals)
}

struct Arrivals;

carry!(Arrivals:);

impl Writer for Arrivals {
    fn read(&mut self, frame: &Frame, out: &mut WindowPanels) {
        for (&t_ns, &sign) in frame.trades.t_ns.iter().zip(&frame.trades.sign) {
            let of = |side: i64| if sign == side { ONE as i64 } else { UNDEFINED };
            out.push(t_ns, &[of(1), of(-1)]);
        }
    }
}

/// Best prices and quantities, and the depth of both sides, at each second.
pub fn quotes_1s(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    boxed("quotes_1s", window_ns, Quotes)
}

struct Quotes;

carry!(Quotes:);

impl Writer for Quotes {
    fn read(&mut self, frame: &Frame, out: &mut WindowPanels) {
        let samples = &frame.samples;
        for (i, &t_ns) in samples.t_ns.iter().enumerate() {
            if t_ns % SECOND_NS != 0 {
                continue;
            }
            let deep = |side: &Depths, n: usize, qty: i64| where_deep(side, n, qty).unwrap_or(UNDEFINED);
            let (bids, asks) = (&samples.bids[i], &samples.asks[i]);
            let row = [
                samples.bid[i],
                samples.ask[i],
                samples.bid_qty[i],
                samples.ask_qty[i],
                deep(bids, 5, bids.qty_5),
                deep(asks, 5, asks.qty_5),
                deep(bids, 10, bids.qty_10),
                deep(asks, 10, asks.qty_10),
                deep(bids, 20, bids.qty_20),
                deep(asks, 20, asks.qty_20),
            ];
            out.push(t_ns, &row);
        }
    }
}

/// Open, high, low, close, volume, notional and number of trades of each whole minute with trades, at its start. A minute is whole if
/// the trades before and after it are known.
pub fn bars_1m(_grid_ns: i64, window_ns: i64) -> Box<dyn Observable> {
    boxed("bars_1m", window_ns, Bars { open: None })
}

const MINUTE_NS: i64 = 60 * SECOND_NS;

struct Bars {
    open: Option<Bar>,
}

#[derive(Default)]
struct Bar {
    start_ns: i64,
    is_whole: bool,
    open: i64,
    high: i64,
    low: i64,
    close: i64,
    volume: i64,
    /// Price times quantity, 10^-16.
    notional: i128,
    trades: i64,
}

carry!(Bar: start_ns, is_whole, open, high, low, close, volume, notional, trades);

impl Bar {
    /// Without trades.
    fn new(start_ns: i64, is_whole: bool) -> Self {
        Self { start_ns, is_whole, open: 0, high: i64::MIN, low: i64::MAX, close: 0, volume: 0, notional: 0, trades: 0 }
    }

    fn add(&mut self, price: i64, qty: i64) {
        if self.trades == 0 {
            self.open = price;
        }
        (self.high, self.low, self.close) = (self.high.max(price), self.low.min(price), price);
        self.volume = self.volume.saturating_add(qty);
        self.notional = self.notional.saturating_add(i128::from(price) * i128::from(qty));
        self.trades += 1;
    }

    fn row(&self) -> [i64; 7] {
        let notional = i64::try_from(self.notional / i128::from(ONE as i64)).unwrap_or(UNDEFINED);
        let trades = self.trades.saturating_mul(ONE as i64);
        [self.open, self.high, self.low, self.close, self.volume, notional, trades]
    }
}

carry!(Bars: open);

impl Writer for Bars {
    fn read(&mut self, frame: &Frame, out: &mut WindowPanels) {
        let trades = &frame.trades;
        for (i, &t_ns) in trades.t_ns.iter().enumerate() {
            let start_ns = t_ns - t_ns.rem_euclid(MINUTE_NS);
            let before = self.open.take().filter(|_| trades.continues[i]);
            let mut bar = match before {
                None => Bar::new(start_ns, false),
                Some(bar) if bar.start_ns == start_ns => bar,
                Some(bar) => {
                    if bar.is_whole {
                        out.push(bar.start_ns, &bar.row());
                    }
                    Bar::new(start_ns, true)
                }
            };
            bar.add(trades.price[i], trades.qty[i]);
            self.open = Some(bar);
        }
    }
}
