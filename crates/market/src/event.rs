//! The event model: what every decoder yields and every observable reads.
//!
//! Events are columns. A row is one normalised item: a trade, one level set to a quantity, the start of a snapshot, one
//! side of a best quote. Rows of one book update stand together, in order, and the last one carries
//! [`flags::LAST_OF_UPDATE`]; the book is observed there and nowhere else.

/// Prices and quantities are integers in units of 10^-8, exact for every venue we read.
pub const SCALE: u8 = 8;

/// No time: the column has none for this row.
pub const NO_TIME: i64 = i64::MIN;

/// No id: the column has none for this row.
pub const NO_ID: i64 = i64::MIN;

/// What a row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[non_exhaustive]
pub enum Kind {
    /// A trade; `side` is the aggressor's.
    Trade,
    /// The level at `price` on `side` now holds `qty`; 0 removes it.
    LevelSet,
    /// A snapshot starts: both sides are emptied, the level rows that follow (flag SNAPSHOT) are the whole book.
    SnapshotStart,
    /// The best price and quantity of `side`, as the venue says (for cross-checks, not for replay).
    Quote,
    /// Order-level: a new order `id` rests at `price` with `qty`.
    OrderAdd,
    /// Order-level: order `id` now holds `qty` less, and keeps its place in the queue.
    OrderReduce,
    /// Order-level: order `id` is gone; `qty` is what was left of it, 0 if the feed does not say.
    OrderDelete,
    /// Order-level: `qty` of the visible order `id` was executed; `side` is the order's. A trade row of the same message,
    /// before this one, counts the trade: this row only moves the book.
    OrderExec,
    /// A hidden order was executed; a trade row before this one counts the trade, no book changes.
    OrderExecHidden,
    /// A trading status change.
    Status,
}

/// The side of the book, or of the aggressor of a trade.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
#[repr(u8)]
pub enum Side {
    /// Unknown or not applicable.
    #[default]
    None,
    /// Bid; for a trade: the aggressor bought.
    Bid,
    /// Ask; for a trade: the aggressor sold.
    Ask,
}

impl Side {
    /// The other side; none has none.
    #[inline]
    pub fn opposite(self) -> Self {
        match self {
            Self::None => Self::None,
            Self::Bid => Self::Ask,
            Self::Ask => Self::Bid,
        }
    }
}

/// Bits of the `flags` column.
pub mod flags {
    /// The last row of its book update (or of its quote pair): observe the book after it.
    pub const LAST_OF_UPDATE: u8 = 1;
    /// The row belongs to a snapshot.
    pub const SNAPSHOT: u8 = 2;
    /// The row starts a new message of the source.
    pub const FIRST_OF_MESSAGE: u8 = 4;
    /// The row starts a new session: no continuity of ids, receive clock or carries with the row before.
    pub const NEW_SESSION: u8 = 8;
}

/// A batch of events of one stream, as columns of equal length, in arrival order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EventBatch {
    /// What the row says.
    pub kind: Vec<Kind>,
    /// Side of the book, or of the aggressor.
    pub side: Vec<Side>,
    /// Bits of [`flags`].
    pub flags: Vec<u8>,
    /// Exchange time, ns since the Unix epoch (UTC), or [`NO_TIME`].
    pub t_exchange_ns: Vec<i64>,
    /// Receive time, ns, meaningful only inside one session, or [`NO_TIME`].
    pub t_receive_ns: Vec<i64>,
    /// Price in units of 10^-8.
    pub price: Vec<i64>,
    /// Quantity in units of 10^-8.
    pub qty: Vec<i64>,
    /// Trade id, or last update id of a book update, or order id; [`NO_ID`] if none.
    pub id: Vec<i64>,
    /// First update id of a book update (`U`); on order-level rows the number of their message; [`NO_ID`] if none.
    pub first_id: Vec<i64>,
    /// Last id of the update before, as the venue says (`pu`), or [`NO_ID`].
    pub prev_id: Vec<i64>,
    /// Position of the row's message in its source: line number or row number, from 1.
    pub position: Vec<u64>,
}

/// One row of an [`EventBatch`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// See [`EventBatch::kind`].
    pub kind: Kind,
    /// See [`EventBatch::side`].
    pub side: Side,
    /// See [`EventBatch::flags`].
    pub flags: u8,
    /// See [`EventBatch::t_exchange_ns`].
    pub t_exchange_ns: i64,
    /// See [`EventBatch::t_receive_ns`].
    pub t_receive_ns: i64,
    /// See [`EventBatch::price`].
    pub price: i64,
    /// See [`EventBatch::qty`].
    pub qty: i64,
    /// See [`EventBatch::id`].
    pub id: i64,
    /// See [`EventBatch::first_id`].
    pub first_id: i64,
    /// See [`EventBatch::prev_id`].
    pub prev_id: i64,
    /// See [`EventBatch::position`].
    pub position: u64,
}

impl EventBatch {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.kind.len()
    }

    /// Whether there is no row.
    pub fn is_empty(&self) -> bool {
        self.kind.is_empty()
    }

    /// # Panics
    /// When the columns differ in length: whoever filled them has a bug.
    pub fn assert_rectangular(&self) {
        let n = self.kind.len();
        let lengths = [
            self.side.len(),
            self.flags.len(),
            self.t_exchange_ns.len(),
            self.t_receive_ns.len(),
            self.price.len(),
            self.qty.len(),
            self.id.len(),
            self.first_id.len(),
            self.prev_id.len(),
            self.position.len(),
        ];
        assert!(lengths.iter().all(|&len| len == n), "columns of {n} kinds have {lengths:?} rows");
    }

    /// Removes all rows, keeps the memory.
    pub fn clear(&mut self) {
        self.kind.clear();
        self.side.clear();
        self.flags.clear();
        self.t_exchange_ns.clear();
        self.t_receive_ns.clear();
        self.price.clear();
        self.qty.clear();
        self.id.clear();
        self.first_id.clear();
        self.prev_id.clear();
        self.position.clear();
    }

    /// Appends a row.
    #[inline]
    pub fn push(&mut self, e: Event) {
        self.kind.push(e.kind);
        self.side.push(e.side);
        self.flags.push(e.flags);
        self.t_exchange_ns.push(e.t_exchange_ns);
        self.t_receive_ns.push(e.t_receive_ns);
        self.price.push(e.price);
        self.qty.push(e.qty);
        self.id.push(e.id);
        self.first_id.push(e.first_id);
        self.prev_id.push(e.prev_id);
        self.position.push(e.position);
    }

    /// Row `i`; panics when out of bounds, like a slice.
    #[inline]
    pub fn row(&self, i: usize) -> Event {
        Event {
            kind: self.kind[i],
            side: self.side[i],
            flags: self.flags[i],
            t_exchange_ns: self.t_exchange_ns[i],
            t_receive_ns: self.t_receive_ns[i],
            price: self.price[i],
            qty: self.qty[i],
            id: self.id[i],
            first_id: self.first_id[i],
            prev_id: self.prev_id[i],
            position: self.position[i],
        }
    }
}
