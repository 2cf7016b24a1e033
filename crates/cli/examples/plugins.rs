//! The `verismo` command with two observables and a metric of one's own: `cargo run --example plugins -- validate ...`.

use std::process::ExitCode;

use verismo_market::observe::frame::Frame;
use verismo_market::observe::plugin::{Plugin, Sink, register};
use verismo_stats::carry;
use verismo_stats::judging::{LawStatistic, ValueLaw};
use verismo_suite::catalogue::{
    Class, DefaultMargin, Grid, MarginUnit, Metric, ObservableInfo, PluginError, Reads, TestId, TestInfo, add_metric,
};

/// Whether a trade happened at a whole price. People prefer round numbers; a simulator may not.
pub struct WholePrice;

// It remembers nothing.
carry!(WholePrice:);

impl Plugin for WholePrice {
    const INFO: ObservableInfo = ObservableInfo {
        id: "whole_price",
        unit: "0 or 1",
        description: "The share of trades at whole prices.",
        formula: "1 if the price is a whole number, else 0",
        reference: "Harris (1991), Stock price clustering and discreteness",
        // Every trade by itself: pieces of a stream add up in any order.
        class: Class::Group,
        grid: Grid::Ticks(0),
        ..ObservableInfo::TEMPLATE
    };

    fn new(_grid_ns: i64) -> Self {
        Self
    }

    fn read(&mut self, frame: &Frame, out: &mut Sink) {
        const ONE: i64 = 100_000_000;
        for (&t_ns, &price) in frame.trades.t_ns.iter().zip(&frame.trades.price) {
            out.key(t_ns, i64::from(price % ONE == 0));
        }
    }
}

/// How far the price moves from one trade to the next.
pub struct TradeMove {
    last: Option<i64>,
}

carry!(TradeMove: last);

impl Plugin for TradeMove {
    const INFO: ObservableInfo = ObservableInfo {
        id: "trade_move",
        unit: "bp",
        description: "How far the price moves from one trade to the next.",
        formula: "|p_i - p_(i-1)| / p_(i-1) * 10^4 of trades in a row, where the price moved",
        reference: "Roll (1984), A simple implicit measure of the effective bid-ask spread",
        // It remembers the trade before: a cut hands that on.
        class: Class::Ordered,
        grid: Grid::Float(14),
        ..ObservableInfo::TEMPLATE
    };

    fn new(_grid_ns: i64) -> Self {
        Self { last: None }
    }

    fn read(&mut self, frame: &Frame, out: &mut Sink) {
        let trades = &frame.trades;
        for (i, &price) in trades.price.iter().enumerate() {
            let before = self.last.replace(price).filter(|before| trades.continues[i] && *before != price);
            if let Some(before) = before {
                out.value(trades.t_ns[i], 1e4 * (price - before).abs() as f64 / before as f64);
            }
        }
    }
}

/// Mean of logarithms: a typical size where sizes span decades. The effect is the log ratio of geometric means.
pub struct LogMean;

impl LawStatistic for LogMean {
    fn id(&self) -> &'static str {
        "log_mean"
    }

    fn read(&self, law: &ValueLaw<'_>) -> Result<(f64, Vec<f64>), &'static str> {
        // Values without mass are the other side's.
        let is_in = |mass: f64| mass > 0.0;
        if law.values.iter().zip(law.masses).any(|(value, mass)| is_in(*mass) && *value <= 0.0) {
            return Err("it has values at or below zero, of which there is no logarithm");
        }
        let log = |value: f64| if value > 0.0 { value.ln() } else { 0.0 };
        let terms = law.values.iter().zip(law.masses).filter(|(_, mass)| is_in(**mass));
        let mean: f64 = terms.map(|(value, mass)| mass * log(*value)).sum();
        Ok((mean, law.values.iter().map(|value| log(*value) - mean).collect()))
    }
}

/// Adds all of them.
///
/// # Errors
/// [`PluginError`] where a name is taken.
pub fn add() -> Result<(), PluginError> {
    register::<WholePrice>()?;
    register::<TradeMove>()?;
    add_metric_alone()
}

/// Adds the metric.
///
/// # Errors
/// [`PluginError`] where its name is taken.
pub fn add_metric_alone() -> Result<(), PluginError> {
    let info = TestInfo {
        // Given when it is registered.
        id: TestId::Plugin(0),
        name: "log_mean",
        title: "log ratio of geometric means",
        formula: "mean ln x of the candidate minus that of the golden; 0.1 is ten per cent",
        reference: "a plug-in",
        margin_unit: MarginUnit::Effect,
        margin_range: (0.001, 5.0),
        default_margin: DefaultMargin::Fixed(0.1),
        signed: true,
    };
    add_metric(Metric { info, reads: Reads::Law(&LogMean) }).map(|_| ())
}

#[allow(dead_code, clippy::print_stderr, reason = "tests take the plug-ins and no process; there is no logger yet")]
fn main() -> ExitCode {
    if let Err(error) = add() {
        eprintln!("{error}");
        return ExitCode::from(2);
    }
    verismo_cli::process::main()
}
