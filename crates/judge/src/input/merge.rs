//! Merging parts of a stream, and rolling windows up. Both are exact and do not depend on order.

use verismo_stats::divisor;
use verismo_stats::panel::Panel;
use verismo_stats::state::State;

use super::{Cells, Counter, EXAMPLES_MAX, InputError, Series, SeriesWindows, StreamStates};

impl StreamStates {
    /// Merges another part of the same stream. Parts with different windows meet at the longer one. All states of both are at hand.
    ///
    /// # Errors
    /// [`InputError`] when the parts were observed differently.
    pub fn merge(&mut self, mut other: Self) -> Result<(), InputError> {
        let name = self.name();
        if self.clock_ns != other.clock_ns {
            return Err(mismatch(&name, "the clock", self.clock_ns, other.clock_ns));
        }
        let window_ns = self.window_ns.max(other.window_ns);
        // Of the sum nothing is known yet.
        self.known.clear();
        self.roll_up(window_ns)?;
        other.roll_up(window_ns)?;
        self.carries_trades |= other.carries_trades;
        self.carries_book |= other.carries_book;
        self.carries_orders |= other.carries_orders;
        self.span_ns = match (self.span_ns, other.span_ns) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        };
        self.messages = self.messages.saturating_add(other.messages);
        self.events = self.events.saturating_add(other.events);
        self.price_tick = gcd(self.price_tick, other.price_tick);
        self.qty_lot = gcd(self.qty_lot, other.qty_lot);
        // A median does not merge; the smaller one is the finer granularity, and independent of order.
        self.book_cadence_ns = match (self.book_cadence_ns, other.book_cadence_ns) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        for (id, series) in other.series {
            match self.series.get_mut(&id) {
                Some(own) => merge_series(own, series, &name, &id)?,
                None => {
                    self.series.insert(id, series);
                }
            }
        }
        counters(&mut self.counters, other.counters);
        let state = |observable: &str| {
            let (stream, observable) = (name.clone(), observable.to_owned());
            move |source| InputError::State { stream, observable, source: Box::new(source) }
        };
        self.trade_ids.merge(&other.trade_ids).map_err(state("trade ids"))?;
        self.book_ids.merge(&other.book_ids).map_err(state("book ids"))?;
        self.trade_runs.merge(&other.trade_runs).map_err(state("trade id runs"))
    }

    /// Merges windows into longer ones; nothing happens when they have that length already.
    ///
    /// # Errors
    /// [`InputError::RollUp`] when the length is not a multiple of the present one.
    pub fn roll_up(&mut self, window_ns: i64) -> Result<(), InputError> {
        if window_ns == self.window_ns {
            return Ok(());
        }
        if self.window_ns <= 0 || window_ns < self.window_ns || window_ns % self.window_ns != 0 {
            return Err(InputError::RollUp { from_ns: self.window_ns, to_ns: window_ns });
        }
        let factor = window_ns / self.window_ns;
        self.known.clear();
        let name = self.name();
        for (id, series) in &mut self.series {
            series.roll_up(factor).map_err(|source| InputError::State {
                stream: name.clone(),
                observable: id.clone(),
                source: Box::new(source),
            })?;
        }
        self.window_ns = window_ns;
        Ok(())
    }
}

impl Series {
    /// Merges each `factor` windows into one.
    pub(crate) fn roll_up(&mut self, factor: i64) -> Result<(), verismo_stats::state::MergeError> {
        match &mut self.windows {
            SeriesWindows::Cells(windows) => {
                let old = std::mem::take(windows);
                let mut parts: Vec<Cells> = Vec::new();
                let mut index = 0;
                for (i, cells) in old {
                    let coarse = i.div_euclid(factor);
                    if coarse != index && !parts.is_empty() {
                        windows.push((index, join(&mut parts)));
                    }
                    index = coarse;
                    parts.push(cells);
                }
                if !parts.is_empty() {
                    windows.push((index, join(&mut parts)));
                }
                Ok(())
            }
            SeriesWindows::Lags(windows) => {
                for (i, moments) in std::mem::take(windows) {
                    let coarse = i.div_euclid(factor);
                    match windows.last_mut() {
                        Some((index, own)) if *index == coarse => own.merge(&moments)?,
                        _ => windows.push((coarse, moments)),
                    }
                }
                Ok(())
            }
            SeriesWindows::Panels(windows) => {
                let mut old = std::mem::take(windows);
                for group in old.chunk_by_mut(|a, b| a.0.div_euclid(factor) == b.0.div_euclid(factor)) {
                    let Some((i, first)) = group.first() else { continue };
                    let all = Panel::sum(first.columns(), group.iter().map(|(_, panel)| panel))?;
                    windows.push((i.div_euclid(factor), all));
                }
                Ok(())
            }
        }
    }
}

/// The sum of the parts, which are taken out.
fn join(parts: &mut Vec<Cells>) -> Cells {
    let sum = if parts.len() == 1 { parts.swap_remove(0) } else { Cells::sum(parts.iter()) };
    parts.clear();
    sum
}

fn merge_series(own: &mut Series, other: Series, stream: &str, id: &str) -> Result<(), InputError> {
    if own.version != other.version {
        let parameter = "the version of an observable";
        return Err(mismatch(stream, parameter, i64::from(own.version), i64::from(other.version)));
    }
    if own.lattice != other.lattice {
        return Err(InputError::Mismatch {
            stream: stream.to_owned(),
            parameter: "the lattice",
            left: own.lattice.id(),
            right: other.lattice.id(),
        });
    }
    let failed =
        |source| InputError::State { stream: stream.to_owned(), observable: id.to_owned(), source: Box::new(source) };
    match (&mut own.windows, other.windows) {
        (SeriesWindows::Cells(a), SeriesWindows::Cells(b)) => merge_windows(a, b, |x, y| {
            *x = Cells::sum([&*x, &y]);
            Ok(())
        }),
        (SeriesWindows::Lags(a), SeriesWindows::Lags(b)) => merge_windows(a, b, |x, y| x.merge(&y).map_err(failed)),
        (SeriesWindows::Panels(a), SeriesWindows::Panels(b)) => merge_windows(a, b, |x, y| x.merge(&y).map_err(failed)),
        _ => Err(InputError::Mismatch {
            stream: stream.to_owned(),
            parameter: "the kind of state",
            left: "one".to_owned(),
            right: "another".to_owned(),
        }),
    }
}

/// Merges two lists sorted by window index.
fn merge_windows<T>(
    own: &mut Vec<(i64, T)>,
    other: Vec<(i64, T)>,
    mut join: impl FnMut(&mut T, T) -> Result<(), InputError>,
) -> Result<(), InputError> {
    let mut left = std::mem::take(own).into_iter().peekable();
    let mut right = other.into_iter().peekable();
    while let (Some((i, _)), Some((j, _))) = (left.peek(), right.peek()) {
        let order = i.cmp(j);
        let a = if order.is_le() { left.next() } else { None };
        let b = if order.is_ge() { right.next() } else { None };
        match (a, b) {
            (Some((i, mut x)), Some((_, y))) => {
                join(&mut x, y)?;
                own.push((i, x));
            }
            (Some(one), None) | (None, Some(one)) => own.push(one),
            (None, None) => {}
        }
    }
    own.extend(left);
    own.extend(right);
    Ok(())
}

/// Merges counters by check and keeps the first examples by position.
pub(super) fn counters(own: &mut Vec<Counter>, other: Vec<Counter>) {
    for counter in other {
        match own.iter_mut().find(|c| c.check == counter.check) {
            Some(c) => {
                c.count = c.count.saturating_add(counter.count);
                c.total = c.total.saturating_add(counter.total);
                c.worst = if counter.worst.unsigned_abs() > c.worst.unsigned_abs() { counter.worst } else { c.worst };
                c.examples.extend(counter.examples);
            }
            None => own.push(counter),
        }
    }
    for counter in own.iter_mut() {
        counter.examples.sort_by(|a, b| (a.position, &a.source, &a.detail).cmp(&(b.position, &b.source, &b.detail)));
        counter.examples.truncate(EXAMPLES_MAX);
    }
    own.sort_by(|a, b| a.check.cmp(&b.check));
}

fn gcd(a: i64, b: i64) -> i64 {
    i64::try_from(divisor::gcd(a.unsigned_abs(), b.unsigned_abs())).unwrap_or(i64::MAX)
}

fn mismatch(stream: &str, parameter: &'static str, left: i64, right: i64) -> InputError {
    InputError::Mismatch { stream: stream.to_owned(), parameter, left: left.to_string(), right: right.to_string() }
}
