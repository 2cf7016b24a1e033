//! What writers of order-level formats share: what they refuse, and the orders that rest.

use std::fs;
use std::path::{Path, PathBuf};

use rustc_hash::FxHashMap;
use verismo_market::event::{NO_TIME, Side};
use verismo_market::message::{Body, Message, OrderAction, OrderEvent, RestingOrder};

pub(super) use super::text::TextFile;
use crate::error::FeedError;

/// The directory of a writer, made if need be.
pub(super) fn directory(directory: &Path) -> Result<PathBuf, FeedError> {
    fs::create_dir_all(directory).map_err(|e| FeedError::io(directory, "create", &e))?;
    Ok(directory.to_owned())
}

/// What a format cannot hold.
pub(super) fn not_expressible(directory: &Path, what: &'static str, value: String) -> FeedError {
    FeedError::NotExpressible { path: directory.display().to_string(), what, value: value.chars().take(200).collect() }
}

/// Refuses what no order-level format holds: messages without time, symbols that are no names, levels, negative ids.
pub(super) fn check(directory: &Path, message: &Message) -> Result<(), FeedError> {
    let refuse = |what, value| Err(not_expressible(directory, what, value));
    if message.t_exchange_ns == NO_TIME {
        return refuse("a message without exchange time", format!("{:?}", message.body));
    }
    let is_name = |c: char| !c.is_control() && !matches!(c, '/' | '\\' | '"' | ',' | ' ');
    if message.symbol.is_empty() || message.symbol.starts_with('.') || !message.symbol.chars().all(is_name) {
        return refuse("the symbol", message.symbol.clone());
    }
    let bad_id = match &message.body {
        Body::Depth { .. } | Body::Snapshot { .. } => {
            return refuse("price levels in a format of single orders", format!("{:?}", message.body));
        }
        Body::Order(order) => (order.id < 0 && order.action != OrderAction::ExecHidden).then_some(order.id),
        Body::OrderSnapshot { orders, .. } => orders.iter().map(|o| o.id).find(|id| *id < 0),
        Body::Trade { .. } => None,
    };
    match bad_id {
        Some(id) => refuse("an order without an id of its own", id.to_string()),
        None => Ok(()),
    }
}

/// Refuses orders without a side, for formats that have no word for none. Of a hidden execution only the trade is told.
pub(super) fn check_sides(directory: &Path, message: &Message) -> Result<(), FeedError> {
    let sideless = match &message.body {
        Body::Order(order) if order.action != OrderAction::ExecHidden => (order.side == Side::None).then_some(order.id),
        Body::OrderSnapshot { orders, .. } => orders.iter().find(|o| o.side == Side::None).map(|o| o.id),
        _ => None,
    };
    match sideless {
        Some(id) => Err(not_expressible(directory, "an order without a side", id.to_string())),
        None => Ok(()),
    }
}

/// Orders that rest, for formats that say what is left.
#[derive(Debug, Default)]
pub(super) struct Resting(FxHashMap<i64, RestingOrder>);

impl Resting {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The orders of a snapshot are all that rest.
    pub(super) fn reset(&mut self, orders: &[RestingOrder]) {
        self.0 = orders.iter().map(|order| (order.id, *order)).collect();
    }

    /// Applies a change; what the order had before, and what it has after it. An order that is not known had what it loses.
    pub(super) fn apply(&mut self, order: &OrderEvent) -> (i64, i64) {
        let &OrderEvent { action, id, side, price, qty, .. } = order;
        if action == OrderAction::Add {
            self.0.insert(id, RestingOrder { id, side, price, qty });
            return (0, qty);
        }
        let Some(resting) = self.0.get_mut(&id) else {
            return (qty, 0);
        };
        let before = resting.qty;
        resting.qty = if action == OrderAction::Delete { 0 } else { before.saturating_sub(qty).max(0) };
        let after = resting.qty;
        if after == 0 {
            self.0.remove(&id);
        }
        (before, after)
    }
}

/// `buy`, `sell`, or nothing.
pub(super) fn buy_or_sell(side: Side) -> &'static str {
    match side {
        Side::Bid => "buy",
        Side::Ask => "sell",
        Side::None => "",
    }
}
