//! Rows of the two CSV files.

use verismo_market::event::{NO_ID, NO_TIME, Side};

use crate::decimal;
use crate::epoch::{self, EpochUnit};

/// Where the fields of a file stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Columns {
    Orders {
        id: usize,
        receive: Option<usize>,
        exchange: usize,
        price: usize,
        volume: usize,
        action: usize,
        side: usize,
    },
    Trades {
        id: Option<usize>,
        receive: Option<usize>,
        exchange: usize,
        price: usize,
        amount: usize,
        buy: usize,
        sell: usize,
        side: Option<usize>,
    },
}

/// What happened to an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Created,
    Changed,
    Deleted,
}

/// An order event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OrderRow {
    pub(super) action: Action,
    pub(super) id: i64,
    pub(super) side: Side,
    pub(super) price: i64,
    /// What is left of it.
    pub(super) qty: i64,
    pub(super) stamps: Stamps,
}

/// A trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TradeRow {
    /// Its id, or [`NO_ID`] if the file has none or leaves it empty.
    pub(super) id: i64,
    /// The aggressor's side, or none if the file does not say it.
    pub(super) side: Side,
    pub(super) price: i64,
    pub(super) qty: i64,
    pub(super) buy: i64,
    pub(super) sell: i64,
    pub(super) stamps: Stamps,
}

/// Times in ns, or [`NO_TIME`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamps {
    pub(super) exchange_ns: i64,
    pub(super) receive_ns: i64,
    /// In which the exchange time was written.
    pub(super) unit: EpochUnit,
}

/// A row of either file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Row {
    Order(OrderRow),
    Trade(TradeRow),
}

/// The columns that a header names; `None` if it is neither file's.
pub(super) fn columns(header: &[u8]) -> Option<Columns> {
    const COLUMNS_MAX: usize = 64;
    let header = header.strip_prefix(b"\xef\xbb\xbf").unwrap_or(header);
    let names: Vec<Vec<u8>> = fields(header).take(COLUMNS_MAX).map(<[u8]>::to_ascii_lowercase).collect();
    let find = |wanted: &[&[u8]]| wanted.iter().find_map(|w| names.iter().position(|name| name == w));
    let exchange = find(&[b"microtimestamp", b"exchange_timestamp", b"exchange.timestamp"])?;
    let receive = find(&[b"receive_timestamp", b"timestamp"]).filter(|i| *i != exchange);
    let price = find(&[b"price"])?;
    let amount = find(&[b"volume", b"amount"])?;
    if let (Some(buy), Some(sell)) = (find(&[b"buy_order_id"]), find(&[b"sell_order_id"])) {
        let (id, side) = (find(&[b"trade_id", b"id"]), find(&[b"side", b"type"]));
        return Some(Columns::Trades { id, receive, exchange, price, amount, buy, sell, side });
    }
    let id = find(&[b"order_id", b"id"])?;
    let (action, side) = (find(&[b"action", b"event"])?, find(&[b"direction", b"order_type", b"side"])?);
    Some(Columns::Orders { id, receive, exchange, price, volume: amount, action, side })
}

/// The fields of a line; quotes around a field go. No field of these files holds a comma.
fn fields(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(|b| *b == b',').map(|field| {
        let field = field.trim_ascii();
        field.strip_prefix(b"\"").and_then(|f| f.strip_suffix(b"\"")).unwrap_or(field)
    })
}

impl Columns {
    /// Exchange and receive time of a line, the key by which files are merged.
    pub(super) fn key(&self, line: &[u8]) -> Option<(i64, i64)> {
        let (Self::Orders { exchange, receive, .. } | Self::Trades { exchange, receive, .. }) = *self;
        let stamps = stamps(&mut |i| fields(line).nth(i), exchange, receive).ok()?;
        Some((stamps.exchange_ns, stamps.receive_ns))
    }

    /// Reads a line.
    ///
    /// # Errors
    /// The name of the field and what is wrong with it.
    pub(super) fn row(&self, line: &[u8]) -> Result<Row, Bad> {
        let values: Vec<&[u8]> = fields(line).collect();
        let mut at = |i: usize| values.get(i).copied();
        match *self {
            Self::Orders { id, receive, exchange, price, volume, action, side } => Ok(Row::Order(OrderRow {
                stamps: stamps(&mut at, exchange, receive)?,
                action: word(
                    at(action),
                    "action",
                    &[
                        (b"created", Action::Created),
                        (b"changed", Action::Changed),
                        (b"deleted", Action::Deleted),
                        (b"order_created", Action::Created),
                        (b"order_changed", Action::Changed),
                        (b"order_deleted", Action::Deleted),
                    ],
                )?,
                id: integer(at(id), "order id")?,
                side: word(at(side), "direction", &SIDES)?,
                price: number(at(price), "price")?,
                qty: number(at(volume), "volume")?,
            })),
            Self::Trades { id, receive, exchange, price, amount, buy, sell, side } => Ok(Row::Trade(TradeRow {
                stamps: stamps(&mut at, exchange, receive)?,
                id: match id.map(&mut at) {
                    None | Some(Some(b"")) => NO_ID,
                    Some(text) => integer(text, "trade id")?,
                },
                side: match side.map(&mut at) {
                    None | Some(Some(b"")) => Side::None,
                    Some(text) => word(text, "side", &SIDES)?,
                },
                price: number(at(price), "price")?,
                qty: number(at(amount), "amount")?,
                buy: integer(at(buy), "buy order id")?,
                sell: integer(at(sell), "sell order id")?,
            })),
        }
    }
}

const SIDES: [(&[u8], Side); 6] = [
    (b"bid", Side::Bid),
    (b"ask", Side::Ask),
    (b"buy", Side::Bid),
    (b"sell", Side::Ask),
    (b"0", Side::Bid),
    (b"1", Side::Ask),
];

/// A field that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bad {
    pub(super) field: &'static str,
    pub(super) text: String,
    pub(super) reason: &'static str,
}

impl Bad {
    fn new(field: &'static str, text: Option<&[u8]>, reason: &'static str) -> Self {
        let Some(text) = text else { return Self { field, text: String::new(), reason: "is missing" } };
        Self { field, text: crate::json::reader_sample(text), reason }
    }
}

fn stamps<'a>(
    at: &mut impl FnMut(usize) -> Option<&'a [u8]>,
    exchange: usize,
    receive: Option<usize>,
) -> Result<Stamps, Bad> {
    let (exchange_ns, unit) = epoch::to_ns(integer(at(exchange), "exchange time")?);
    let receive_ns = match receive {
        Some(receive) => integer(at(receive), "receive time").map_or(NO_TIME, |stamp| epoch::to_ns(stamp).0),
        None => NO_TIME,
    };
    Ok(Stamps { exchange_ns, receive_ns, unit })
}

fn integer(text: Option<&[u8]>, field: &'static str) -> Result<i64, Bad> {
    let value = text.and_then(|t| std::str::from_utf8(t).ok()).and_then(|t| t.parse::<i64>().ok());
    value.filter(|v| *v >= 0).ok_or_else(|| Bad::new(field, text, "is not a whole number"))
}

fn number(text: Option<&[u8]>, field: &'static str) -> Result<i64, Bad> {
    match text.map(decimal::parse) {
        Some(Ok(value)) if value >= 0 => Ok(value),
        Some(Ok(_)) => Err(Bad::new(field, text, "is negative")),
        Some(Err(error)) => Err(Bad::new(field, text, error.reason())),
        None => Err(Bad::new(field, None, "")),
    }
}

fn word<T: Copy>(text: Option<&[u8]>, field: &'static str, words: &[(&[u8], T)]) -> Result<T, Bad> {
    let found = words.iter().find(|(word, _)| text.is_some_and(|t| t.eq_ignore_ascii_case(word)));
    found.map(|(_, value)| *value).ok_or_else(|| Bad::new(field, text, "is no word of this column"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ORDERS: &[u8] = b"id,timestamp,exchange_timestamp,price,volume,action,direction";
    const TRADES: &[u8] = b"trade_id,timestamp,exchange_timestamp,price,amount,buy_order_id,sell_order_id,side";

    #[test]
    fn rows_of_both_files() {
        let orders = columns(ORDERS).unwrap();
        let line = b"2002347637329922,1777689383201,1777689380521,78318.0,6.38e-05,created,bid";
        let want = OrderRow {
            action: Action::Created,
            id: 2_002_347_637_329_922,
            side: Side::Bid,
            price: 7_831_800_000_000,
            qty: 6_380,
            stamps: Stamps {
                exchange_ns: 1_777_689_380_521_000_000,
                receive_ns: 1_777_689_383_201_000_000,
                unit: EpochUnit::Milli,
            },
        };
        assert_eq!(orders.row(line), Ok(Row::Order(want)));
        assert_eq!(orders.key(line), Some((1_777_689_380_521_000_000, 1_777_689_383_201_000_000)));
        let trades = columns(TRADES).unwrap();
        let line = b"568694537,1777689383889,1777689383817,78319.0,0.121,20,26,buy";
        let Row::Trade(trade) = trades.row(line).unwrap() else { panic!("no trade") };
        assert_eq!(
            (trade.id, trade.side, trade.qty, trade.buy, trade.sell),
            (568_694_537, Side::Bid, 12_100_000, 20, 26)
        );
    }

    #[test]
    fn a_trade_may_have_no_id_and_no_side() {
        let trades = columns(TRADES).unwrap();
        let Row::Trade(trade) = trades.row(b",1777689383889,1777689383817,1,2,20,26,").unwrap() else {
            panic!("no trade")
        };
        assert_eq!((trade.id, trade.side), (NO_ID, Side::None));
        for (line, field) in [
            ("x,1777689383889,1777689383817,1,2,20,26,buy", "trade id"),
            ("1,1777689383889,1777689383817,1,2,20,26,up", "side"),
            ("1,1777689383889,1777689383817,1,2,20,26", "side"),
        ] {
            assert_eq!(trades.row(line.as_bytes()).unwrap_err().field, field, "{line}");
        }
    }

    #[test]
    fn the_venues_own_names_and_units() {
        let orders = columns(b"id,microtimestamp,amount,price,event,order_type").unwrap();
        let Row::Order(order) = orders.row(b"7,1777689380521321,1,2,order_deleted,1").unwrap() else {
            panic!("no order")
        };
        assert_eq!(
            (order.action, order.side, order.stamps.exchange_ns),
            (Action::Deleted, Side::Ask, 1_777_689_380_521_321_000)
        );
        assert_eq!(order.stamps.receive_ns, NO_TIME);
    }

    #[test]
    fn what_cannot_be_read_says_which_field() {
        let orders = columns(ORDERS).unwrap();
        for (line, field) in [
            ("x,1,2,3,4,created,bid", "order id"),
            ("1,1,2,3,4,made,bid", "action"),
            ("1,1,2,3,4,created,up", "direction"),
            ("1,1,2,-3,4,created,bid", "price"),
            ("1,1,2,3,0.000000001,created,bid", "volume"),
            ("1,1,,3,4,created,bid", "exchange time"),
            ("1,1,2", "action"),
        ] {
            assert_eq!(orders.row(line.as_bytes()).unwrap_err().field, field, "{line}");
        }
        assert_eq!(columns(b"time,price,volume"), None);
    }

    proptest! {
        #[test]
        fn any_bytes_are_an_answer(bytes in proptest::collection::vec(any::<u8>(), 0..120), header in any::<bool>()) {
            let _ = columns(&bytes);
            let columns = columns(if header { ORDERS } else { TRADES }).unwrap();
            let _ = columns.row(&bytes);
            let _ = columns.key(&bytes);
        }
    }
}
