//! Follows the book that a reader of the events has, and what the rows of the order book add to it.

use verismo_market::book::Book;
use verismo_market::event::{NO_ID, NO_TIME, Side};
use verismo_market::message::{Level, OrderAction, OrderEvent};
use verismo_market::orders::Orders;

use super::row::{MessageRow, Type, View};

/// The book as the events so far make it.
#[derive(Debug, Default)]
pub(super) struct Follow {
    book: Book,
    orders: Orders,
    /// The row before, if it was read.
    before: Option<View>,
}

impl Follow {
    /// Nothing is known.
    pub(super) fn clear(&mut self) {
        self.book.clear();
        self.orders.clear();
        self.before = None;
    }

    /// The book is this.
    pub(super) fn snapshot(&mut self, view: &View) {
        self.book.clear();
        self.orders.begin_snapshot();
        self.orders.end_snapshot();
        for side in [Side::Bid, Side::Ask] {
            for &(price, qty) in view.side(side) {
                self.book.set(side, price, qty);
            }
        }
    }

    /// Applies a message to the book, as every replay does.
    pub(super) fn apply(&mut self, row: &MessageRow) {
        let action = match row.kind {
            Type::Add => OrderAction::Add,
            Type::Reduce => OrderAction::Reduce,
            Type::Delete => OrderAction::Delete,
            Type::Exec => OrderAction::Exec,
            Type::ExecHidden | Type::Cross | Type::Status => return,
        };
        let MessageRow { id, side, price, qty, .. } = *row;
        let event = OrderEvent { action, id, side, price, qty, trade_id: NO_ID };
        self.orders.apply(&mut self.book, &event, NO_TIME);
    }

    /// Levels that the view shows otherwise than the book; the book holds them afterwards.
    ///
    /// A side that shows fewer levels than it could is shown whole; else nothing is said of what lies behind its last level.
    pub(super) fn correct(&mut self, view: &View, changes: &mut Vec<(Side, i64, i64)>) {
        changes.clear();
        for side in [Side::Bid, Side::Ask] {
            let shown = view.side(side);
            let is_before = |a: i64, b: i64| if side == Side::Ask { a < b } else { a > b };
            let end = shown.last().filter(|_| shown.len() >= view.depth).map(|level| level.0);
            let mut ours =
                self.book.levels(side).take_while(|l| end.is_none_or(|end| !is_before(end, l.price))).peekable();
            for &(price, qty) in shown {
                while let Some(gone) = ours.next_if(|l| is_before(l.price, price)) {
                    changes.push((side, gone.price, 0));
                }
                let same = ours.next_if(|l| l.price == price);
                if same.is_none_or(|l| l.qty != qty) {
                    changes.push((side, price, qty));
                }
            }
            changes.extend(ours.map(|gone| (side, gone.price, 0)));
        }
        for &(side, price, qty) in changes.iter() {
            self.book.set(side, price, qty);
        }
    }

    /// Whether the view follows from the row before it and the message; true where there is none. Keeps the view for the next row.
    pub(super) fn follows(&mut self, row: Option<&MessageRow>, view: &View) -> bool {
        let Some(mut expected) = self.before.replace(view.clone()) else { return true };
        let Some(row) = row else { return true };
        if expected.depth != view.depth {
            return false;
        }
        let hides = [Side::Bid, Side::Ask].map(|side| expected.side(side).len() >= expected.depth);
        change(&mut expected, row, 1);
        [Side::Bid, Side::Ask].into_iter().zip(hides).all(|(side, hides)| {
            let (expected, shown) = (expected.side(side), view.side(side));
            let expected = &expected[..expected.len().min(view.depth)];
            let n_new = shown.len().checked_sub(expected.len());
            n_new.is_some_and(|n| n <= usize::from(hides)) && shown.starts_with(expected)
        })
    }

    /// What comes next does not follow from what was.
    pub(super) fn forget_view(&mut self) {
        self.before = None;
    }
}

/// The view before the message that it stands after.
pub(super) fn undone(view: &View, row: &MessageRow) -> View {
    let mut before = view.clone();
    change(&mut before, row, -1);
    before
}

/// Changes the level of the message as the message does, or undoes it with sign -1. Behind the last level of a full side nothing is seen.
fn change(view: &mut View, row: &MessageRow, sign: i64) {
    let delta = match row.kind {
        Type::Add => row.qty,
        Type::Reduce | Type::Delete | Type::Exec => -row.qty,
        Type::ExecHidden | Type::Cross | Type::Status => return,
    };
    let delta = sign * delta;
    let (side, depth) = (row.side, view.depth);
    let levels = view.side_mut(side);
    let is_before = |&(price, _): &Level| if side == Side::Ask { price < row.price } else { price > row.price };
    let at = levels.partition_point(is_before);
    let is_shown = at < levels.len() || levels.len() < depth;
    match levels.get_mut(at).filter(|level| level.0 == row.price) {
        Some(level) => {
            level.1 = level.1.saturating_add(delta);
            if level.1 <= 0 {
                levels.remove(at);
            }
        }
        None if delta > 0 && is_shown => levels.insert(at, (row.price, delta)),
        None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lobster::row;

    fn view(line: &str) -> View {
        let mut view = View::default();
        view.read(line.as_bytes()).unwrap();
        view
    }

    fn message(line: &str) -> MessageRow {
        row::message(line.as_bytes()).unwrap()
    }

    const LEVEL: i64 = 10_000;
    const SHARE: i64 = 100_000_000;

    #[test]
    fn a_level_that_comes_into_view_is_set_and_what_messages_say_is_not() {
        let mut follow = Follow::default();
        let start = view("20,1,10,5,21,1,9,5");
        follow.snapshot(&start);
        assert!(follow.follows(None, &start));
        let mut changes = Vec::new();
        let mut step = |line: &str, book: &str| {
            let (row, view) = (message(line), view(book));
            follow.apply(&row);
            follow.correct(&view, &mut changes);
            (follow.follows(Some(&row), &view), changes.clone())
        };
        // Level 9 falls out of view, and comes back as it was.
        assert_eq!(step("1,1,7,3,11,1", "20,1,11,3,21,1,10,5"), (true, vec![]));
        assert_eq!(step("1,3,7,3,11,1", "20,1,10,5,21,1,9,5"), (true, vec![]));
        // A deeper ask is seen for the first time.
        let new = vec![(Side::Ask, 23 * LEVEL, 4 * SHARE)];
        assert_eq!(step("1,4,3,1,20,-1", "21,1,10,5,23,4,9,5"), (true, new));
        // The last ask goes: the side is shown whole.
        assert_eq!(step("1,4,3,1,21,-1", "23,4,10,5,9999999999,0,9,5"), (true, vec![]));
        // What no message says.
        let odd = vec![(Side::Bid, 10 * LEVEL, 6 * SHARE)];
        assert_eq!(step("1,5,0,1,12,1", "23,4,10,6,9999999999,0,9,5"), (false, odd));
        let gone = vec![(Side::Bid, 10 * LEVEL, 0), (Side::Bid, 8 * LEVEL, SHARE)];
        assert_eq!(step("1,5,0,1,12,1", "23,4,9,5,9999999999,0,8,1"), (false, gone));
    }

    #[test]
    fn a_message_undone_is_the_book_before_it() {
        let after = view("20,1,10,5,21,1,9,5");
        for (line, want) in [
            ("1,1,7,5,10,1", "20,1,9,5,21,1,9999999999,0"),
            ("1,1,7,2,10,1", "20,1,10,3,21,1,9,5"),
            ("1,4,7,2,20,-1", "20,3,10,5,21,1,9,5"),
            ("1,3,7,2,8,1", "20,1,10,5,21,1,9,5"),
            ("1,5,0,2,15,1", "20,1,10,5,21,1,9,5"),
        ] {
            let before = undone(&after, &message(line));
            let wanted = match line {
                // One level less than the row can show.
                "1,1,7,5,10,1" => View { bids: vec![(9 * LEVEL, 5 * SHARE)], ..after.clone() },
                _ => view(want),
            };
            assert_eq!(before, wanted, "{line}");
        }
        // An execution that emptied the best ask.
        let before = undone(&after, &message("1,4,7,2,19,-1"));
        assert_eq!(before.asks, [(19 * LEVEL, 2 * SHARE), (20 * LEVEL, SHARE), (21 * LEVEL, SHARE)]);
    }
}
