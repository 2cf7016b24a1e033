//! Every observable, by id.

use super::Series;
use super::frame::Frame;
use std::sync::{PoisonError, RwLock};
use verismo_stats::state::Carry;

use super::series::{book, bursts, depletion, depth, events, flow, hidden, impact, layering, liquidity, order_flow};
use super::series::{orders, panels, patterns, queues, returns, shape, toxicity, trades, volatility};

/// An observable: reads its columns of each frame, counts keys per window.
///
/// Frames come in stream order; where they are cut must make no difference to the series, so an observable keeps what it
/// needs of the past itself.
pub trait Observable: Carry + Send {
    /// Its id in the catalogue.
    fn id(&self) -> &'static str;

    /// Reads the next rows.
    fn observe(&mut self, frame: &Frame);

    /// Merges each `factor` windows into one and goes on with windows that much longer.
    fn widen_windows(&mut self, factor: i64);

    /// Takes the number of values that were given up because too many waited for what comes after them.
    fn forgotten(&mut self) -> u64 {
        0
    }

    /// The stream ends.
    fn end(&mut self) {}

    /// Takes the series so far out. What is observed next begins it anew; merged, the parts are the series without a cut.
    fn cut(&mut self) -> Series;
}

/// Tables of the frame that are made only where an observable needs them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Needs {
    /// The tape of trades and samples.
    pub tape: bool,
    /// Book updates on the tape.
    pub updates: bool,
    /// How far each side of the book reaches, in every sample.
    pub reach: bool,
    /// The levels near the touch, in every sample.
    pub near: bool,
    /// What happens to the queue at each price.
    pub queues: bool,
}

impl Needs {
    /// Nothing beyond the tables that are always there.
    pub const NONE: Self = Self { tape: false, updates: false, reach: false, near: false, queues: false };
    const TAPE: Self = Self { tape: true, ..Self::NONE };
    const UPDATES: Self = Self { updates: true, ..Self::TAPE };
    const REACH: Self = Self { reach: true, ..Self::NONE };
    const NEAR: Self = Self { near: true, ..Self::NONE };
    const QUEUES: Self = Self { queues: true, ..Self::NONE };

    /// What either needs.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            tape: self.tape || other.tape,
            updates: self.updates || other.updates,
            reach: self.reach || other.reach,
            near: self.near || other.near,
            queues: self.queues || other.queues,
        }
    }
}

/// Makes an observable for a grid (ns) and a window length (ns).
pub type Build = fn(grid_ns: i64, window_ns: i64) -> Box<dyn Observable>;

/// An observable of the registry.
#[derive(Clone, Copy)]
pub struct Entry {
    /// Its id in the catalogue.
    pub id: &'static str,
    /// Version of its definition: raised whenever equal events may give other keys, or what it remembers is written otherwise.
    pub version: u32,
    /// What it reads beyond the tables that are always there.
    pub needs: Needs,
    /// Makes it.
    pub build: Build,
}

const fn v1(id: &'static str, build: Build) -> Entry {
    v1_with(Needs::NONE, id, build)
}

const fn v1_with(needs: Needs, id: &'static str, build: Build) -> Entry {
    Entry { id, version: 1, needs, build }
}

/// The version of an observable's definition; 0 for one that is not known.
pub fn version(id: &str) -> u32 {
    entry(id).map_or(0, |entry| entry.version)
}

/// All observables, in the order of the catalogue.
pub const REGISTRY: &[Entry] = &[
    v1("trade_size", trades::trade_size),
    v1("aggressor_sign", trades::aggressor_sign),
    v1("aggressor_sign_acf", trades::aggressor_sign_acf),
    v1("inter_event_time", events::inter_event_time),
    v1("inter_trade_time", trades::inter_trade_time),
    v1("spread", book::spread),
    v1("depth_bid_l1", book::depth_bid_l1),
    v1("depth_ask_l1", book::depth_ask_l1),
    v1("imbalance_l1", book::imbalance_l1),
    v1("imbalance_l5", book::imbalance_l5),
    v1("microprice_offset", book::microprice_offset),
    v1("ofi_1s", flow::ofi_1s),
    v1("mid_log_return_1s", returns::mid_log_return_1s),
    v1("mid_log_return_10s", returns::mid_log_return_10s),
    v1("abs_return_1s_acf", returns::abs_return_1s_acf),
    v1("event_count_100ms", events::event_count_100ms),
    v1("event_count_1s", events::event_count_1s),
    v1("order_event_size", orders::order_event_size),
    v1("order_lifetime", orders::order_lifetime),
    v1("time_to_cancel", orders::time_to_cancel),
    v1("queue_ahead", orders::queue_ahead),
    v1("spread_bps", book::spread_bps),
    v1("spread_l5", depth::spread_l5),
    v1("spread_l10", depth::spread_l10),
    v1("depth_bid_l5", depth::depth_bid_l5),
    v1("depth_ask_l5", depth::depth_ask_l5),
    v1("depth_bid_l10", depth::depth_bid_l10),
    v1("depth_ask_l10", depth::depth_ask_l10),
    v1("depth_bid_l20", depth::depth_bid_l20),
    v1("depth_ask_l20", depth::depth_ask_l20),
    v1("imbalance_l10", depth::imbalance_l10),
    v1("mid_log_return_1m", returns::mid_log_return_1m),
    v1("best_quote_changes_1s", flow::best_quote_changes_1s),
    v1("level_change_size", depth::level_change_size),
    v1("book_age", book::book_age),
    v1("notional", trades::notional),
    v1("trade_through", trades::trade_through),
    v1("trade_at_touch", trades::trade_at_touch),
    v1_with(Needs::TAPE, "effective_spread", impact::effective_spread),
    v1_with(Needs::TAPE, "realised_spread_1s", impact::realised_spread_1s),
    v1_with(Needs::TAPE, "realised_spread_5s", impact::realised_spread_5s),
    v1_with(Needs::TAPE, "markout_1s", impact::markout_1s),
    v1_with(Needs::TAPE, "markout_10s", impact::markout_10s),
    v1_with(Needs::TAPE, "impact_1s", impact::impact_1s),
    v1_with(Needs::TAPE, "impact_10s", impact::impact_10s),
    v1_with(Needs::TAPE, "impact_60s", impact::impact_60s),
    v1("trade_run_length", toxicity::trade_run_length),
    v1("flow_toxicity_50", toxicity::flow_toxicity_50),
    v1("signed_volume_1s", toxicity::signed_volume_1s),
    v1_with(Needs::TAPE, "amihud_1m", impact::amihud_1m),
    v1("imbalance_l20", shape::imbalance_l20),
    v1_with(Needs::REACH, "vamp_offset_l5", shape::vamp_offset_l5),
    v1_with(Needs::REACH, "slippage_buy", shape::slippage_buy),
    v1_with(Needs::REACH, "slippage_sell", shape::slippage_sell),
    v1("depth_share_l1", shape::depth_share_l1),
    v1("spread_change_1s", shape::spread_change_1s),
    v1("spread_acf", shape::spread_acf),
    v1("realised_vol_1m", volatility::realised_vol_1m),
    v1("bipower_ratio_1m", volatility::bipower_ratio_1m),
    v1("variance_ratio_10s", volatility::variance_ratio_10s),
    v1("return_1s_acf", returns::return_1s_acf),
    v1("return_sq_1s_acf", returns::return_sq_1s_acf),
    v1("ofi_1s_acf", flow::ofi_1s_acf),
    v1_with(Needs::UPDATES, "cancel_share_1s", order_flow::cancel_share_1s),
    v1_with(Needs::TAPE, "queue_traded_1s", depletion::queue_traded_1s),
    v1_with(Needs::TAPE, "queue_cancelled_1s", depletion::queue_cancelled_1s),
    v1_with(Needs::UPDATES, "order_to_trade_1s", order_flow::order_to_trade_1s),
    v1_with(Needs::UPDATES, "best_bid_lifetime", order_flow::best_bid_lifetime),
    v1_with(Needs::UPDATES, "best_ask_lifetime", order_flow::best_ask_lifetime),
    v1_with(Needs::TAPE, "fleeting_100ms", order_flow::fleeting_100ms),
    v1_with(Needs::TAPE, "resilience_time", liquidity::resilience_time),
    Entry { version: 2, ..v1_with(Needs::TAPE, "virtual_bid_fill_time", liquidity::virtual_bid_fill_time) },
    Entry { version: 2, ..v1_with(Needs::TAPE, "virtual_ask_fill_time", liquidity::virtual_ask_fill_time) },
    Entry { version: 2, ..v1_with(Needs::TAPE, "virtual_fill_10s", liquidity::virtual_fill_10s) },
    v1_with(Needs::TAPE, "virtual_fill_share_10s", liquidity::virtual_fill_share_10s),
    v1_with(Needs::QUEUES, "queue_error", queues::queue_error),
    v1_with(Needs::TAPE, "hidden_share", hidden::hidden_share),
    v1_with(Needs::TAPE, "refill_count", hidden::refill_count),
    v1_with(Needs::TAPE, "spoof_like_1m", patterns::spoof_like_1m),
    v1_with(Needs::NEAR, "layering_like_1m", layering::layering_like_1m),
    v1_with(Needs::TAPE, "ignition_1m", patterns::ignition_1m),
    v1("burst_length", bursts::burst_length),
    v1("burst_gap", bursts::burst_gap),
    v1("sweep_levels", bursts::sweep_levels),
    v1_with(Needs::TAPE, "joint_state_1s", panels::joint_state_1s),
    v1_with(Needs::TAPE, "dependence_1s", panels::dependence_1s),
    v1_with(Needs::TAPE, "price_response_1s", panels::price_response_1s),
    v1_with(Needs::TAPE, "mid_path_1s", panels::mid_path_1s),
    Entry { version: 2, ..v1("trade_arrivals", panels::trade_arrivals) },
    v1("quotes_1s", panels::quotes_1s),
    v1("bars_1m", panels::bars_1m),
];

/// Observables of plug-ins.
static ADDED: RwLock<Vec<Entry>> = RwLock::new(Vec::new());

/// Adds the observable of a plug-in, which the catalogue has taken: its name is new.
pub(super) fn add(entry: Entry) {
    ADDED.write().unwrap_or_else(PoisonError::into_inner).push(entry);
}

/// All observables, those of plug-ins last.
pub fn all() -> Vec<Entry> {
    let added = ADDED.read().unwrap_or_else(PoisonError::into_inner);
    REGISTRY.iter().chain(added.iter()).copied().collect()
}

/// The entry of that id.
pub fn entry(id: &str) -> Option<Entry> {
    let own = REGISTRY.iter().find(|entry| entry.id == id).copied();
    own.or_else(|| all().into_iter().find(|entry| entry.id == id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use verismo_suite::catalogue::OBSERVABLES;

    #[test]
    fn the_registry_and_the_catalogue_name_the_same_observables() {
        let ours: Vec<&str> = REGISTRY.iter().map(|entry| entry.id).collect();
        let theirs: Vec<&str> = OBSERVABLES.iter().map(|info| info.id).collect();
        assert_eq!(ours, theirs);
        for entry in REGISTRY {
            assert_eq!((entry.build)(100_000_000, 1_000_000_000).id(), entry.id);
        }
    }
}
