//! From the events of a reader back to messages, for what changes data and writes them again.

use std::collections::{BTreeMap, VecDeque};

use verismo_engine::Meter;
use verismo_feed::{Block, EventReader, FeedError};
use verismo_market::event::{Event, Kind, NO_ID, NO_TIME, Side, flags};
use verismo_market::message::{Body, Message, OrderAction, OrderEvent, RestingOrder};

/// Everything that was read.
#[derive(Debug, Default)]
pub struct Collected {
    /// All messages, each stream in its own order, streams merged by time.
    pub messages: Vec<Message>,
    /// Events that no message can hold, by what they are.
    pub not_carried: BTreeMap<String, u64>,
}

/// Reads everything that `readers` yield into memory.
///
/// # Errors
/// [`FeedError`] where a reader cannot go on.
pub fn collect(readers: Vec<Box<dyn EventReader>>, meter: &Meter) -> Result<Collected, FeedError> {
    let mut streams = Streams::default();
    for mut reader in readers {
        let mut open: BTreeMap<usize, Option<Message>> = BTreeMap::new();
        let mut block = Block::default();
        let (mut messages, mut bytes) = (0, 0);
        while !meter.is_cancelled() && reader.next_block(&mut block)? {
            meter.add(reader.messages().saturating_sub(messages), reader.bytes().saturating_sub(bytes));
            (messages, bytes) = (reader.messages(), reader.bytes());
            let Some(name) = reader.streams().get(block.stream) else { continue };
            let pending = open.entry(block.stream).or_default();
            let queue = streams.by_name.entry((name.venue.clone(), name.symbol.clone())).or_default();
            for i in 0..block.batch.len() {
                if let Err(kind) = push(block.batch.row(i), &name.symbol, pending, queue) {
                    *streams.not_carried.entry(kind).or_default() += 1;
                }
            }
        }
        // Where the data end inside an update, what there is of it is kept.
        for (stream, message) in open {
            let Some((name, message)) = reader.streams().get(stream).zip(message) else { continue };
            streams.by_name.entry((name.venue.clone(), name.symbol.clone())).or_default().push_back(message);
        }
    }
    Ok(streams.merged())
}

#[derive(Debug, Default)]
struct Streams {
    by_name: BTreeMap<(String, String), VecDeque<Message>>,
    not_carried: BTreeMap<String, u64>,
}

impl Streams {
    /// Merges the streams by the time of their next message, so that each keeps its order whatever its times are.
    fn merged(self) -> Collected {
        let mut queues: Vec<VecDeque<Message>> = self.by_name.into_values().map(as_one_kind).collect();
        let total: usize = queues.iter().map(VecDeque::len).sum();
        let mut messages = Vec::with_capacity(total);
        for _ in 0..total {
            let next = queues.iter_mut().filter(|q| !q.is_empty()).min_by_key(|q| q.front().map(time));
            messages.extend(next.and_then(VecDeque::pop_front));
        }
        Collected { messages, not_carried: self.not_carried }
    }
}

/// Among single orders an empty book is one of no orders.
fn as_one_kind(mut stream: VecDeque<Message>) -> VecDeque<Message> {
    if stream.iter().any(|message| message.body.is_order_level()) {
        for message in &mut stream {
            if let Body::Snapshot { last_id, bids, asks } = &message.body
                && bids.is_empty()
                && asks.is_empty()
            {
                message.body = Body::OrderSnapshot { last_id: *last_id, orders: Vec::new() };
            }
        }
    }
    stream
}

/// The time by which streams are merged.
fn time(message: &Message) -> i64 {
    if message.t_receive_ns == NO_TIME { message.t_exchange_ns } else { message.t_receive_ns }
}

/// Takes one event; an update is a message when its last row has come.
///
/// # Errors
/// The name of a kind of event that no message holds.
fn push(event: Event, symbol: &str, pending: &mut Option<Message>, done: &mut VecDeque<Message>) -> Result<(), String> {
    let message = |body| Message {
        t_exchange_ns: event.t_exchange_ns,
        t_receive_ns: event.t_receive_ns,
        symbol: symbol.to_owned(),
        body,
    };
    let mut carried = Ok(());
    match event.kind {
        Kind::Trade => {
            let Event { id, price, qty, side, .. } = event;
            done.push_back(message(Body::Trade { id, price, qty, side }));
            return Ok(());
        }
        Kind::SnapshotStart => {
            done.extend(pending.take());
            let body = Body::Snapshot { last_id: event.id, bids: Vec::new(), asks: Vec::new() };
            *pending = Some(message(body));
        }
        Kind::OrderAdd if event.flags & flags::SNAPSHOT != 0 => {
            carried = push_resting(pending.as_mut().map(|update| &mut update.body), event);
        }
        Kind::OrderAdd | Kind::OrderReduce | Kind::OrderDelete | Kind::OrderExec | Kind::OrderExecHidden => {
            let body = Body::Order(order_event(event, done));
            done.push_back(message(body));
            return Ok(());
        }
        Kind::LevelSet => {
            let body = Body::Depth { first_id: event.first_id, last_id: event.id, bids: Vec::new(), asks: Vec::new() };
            let update = pending.get_or_insert_with(|| message(body));
            carried = push_level(&mut update.body, event);
        }
        other => return Err(format!("{other:?}")),
    }
    if event.flags & flags::LAST_OF_UPDATE != 0 {
        done.extend(pending.take());
    }
    carried
}

/// The change of an order; an execution takes back the trade's row that came before it in the same message.
fn order_event(event: Event, done: &mut VecDeque<Message>) -> OrderEvent {
    let Event { id, side, price, qty, .. } = event;
    let action = match event.kind {
        Kind::OrderReduce => OrderAction::Reduce,
        Kind::OrderDelete => OrderAction::Delete,
        Kind::OrderExec => OrderAction::Exec,
        Kind::OrderExecHidden => OrderAction::ExecHidden,
        _ => OrderAction::Add,
    };
    let mut trade_id = NO_ID;
    if matches!(action, OrderAction::Exec | OrderAction::ExecHidden)
        && event.flags & flags::FIRST_OF_MESSAGE == 0
        && let Some(Body::Trade { id, .. }) = done.back().map(|message| &message.body)
    {
        trade_id = *id;
        done.pop_back();
    }
    OrderEvent { action, id, side, price, qty, trade_id }
}

/// Adds an order to the snapshot that is being read.
///
/// # Errors
/// The name of the kind, where the snapshot has levels already: no message holds both.
fn push_resting(snapshot: Option<&mut Body>, event: Event) -> Result<(), String> {
    let Event { id, side, price, qty, .. } = event;
    let order = RestingOrder { id, side, price, qty };
    match snapshot {
        Some(Body::OrderSnapshot { orders, .. }) => orders.push(order),
        Some(body) => match body {
            Body::Snapshot { last_id, bids, asks } if bids.is_empty() && asks.is_empty() => {
                *body = Body::OrderSnapshot { last_id: *last_id, orders: vec![order] };
            }
            _ => return Err(format!("{:?} in a snapshot of levels", event.kind)),
        },
        None => return Err(format!("{:?} outside a snapshot", event.kind)),
    }
    Ok(())
}

/// Adds a level to the update that is being read.
///
/// # Errors
/// The name of the kind, where the update is a snapshot of orders.
fn push_level(body: &mut Body, event: Event) -> Result<(), String> {
    let (Body::Depth { bids, asks, .. } | Body::Snapshot { bids, asks, .. }) = body else {
        return Err(format!("{:?} in a snapshot of orders", event.kind));
    };
    match event.side {
        Side::Bid => bids.push((event.price, event.qty)),
        Side::Ask => asks.push((event.price, event.qty)),
        // The one row of an update that changes no level.
        Side::None => {}
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use verismo_engine::MessageReader;
    use verismo_sim::Venue;

    use super::*;

    #[test]
    fn messages_survive_the_way_through_events() {
        let hour_ns = 3_600_000_000_000;
        let messages: Vec<Message> = Venue::with_snapshots(3, 2, hour_ns).take(3_000).collect();
        let reader: Box<dyn EventReader> = Box::new(MessageReader::new(messages.clone().into_iter()));
        let collected = collect(vec![reader], &Meter::default()).unwrap();
        assert_eq!(collected.messages.len(), messages.len());
        for symbol in ["BTCUSDT", "ETHUSDT"] {
            let of = |all: &[Message]| -> Vec<Message> { all.iter().filter(|m| m.symbol == symbol).cloned().collect() };
            assert_eq!(of(&collected.messages), of(&messages));
        }
        assert!(collected.messages.windows(2).all(|w| w[0].t_receive_ns <= w[1].t_receive_ns));
        assert!(collected.not_carried.is_empty());
    }

    #[test]
    fn changes_of_orders_survive_it_too() {
        let messages: Vec<Message> = Venue::with_orders(3, 1, Some(500_000_000)).take(20_000).collect();
        let count = |wanted| {
            let is_wanted = |m: &&Message| matches!(m.body, Body::Order(order) if order.action == wanted);
            messages.iter().filter(is_wanted).count()
        };
        assert!(count(OrderAction::Exec) > 100 && count(OrderAction::Reduce) > 100);
        assert!(messages.iter().any(|m| matches!(&m.body, Body::OrderSnapshot { orders, .. } if orders.is_empty())));
        assert!(messages.iter().any(|m| matches!(&m.body, Body::OrderSnapshot { orders, .. } if !orders.is_empty())));
        let reader: Box<dyn EventReader> = Box::new(MessageReader::new(messages.clone().into_iter()));
        let collected = collect(vec![reader], &Meter::default()).unwrap();
        assert_eq!(collected.messages.len(), messages.len());
        assert!(collected.messages == messages);
        assert!(collected.not_carried.is_empty());
    }
}
