//! What readers hand on from one file to the next, damaged: an error or another carry, never a panic.

use verismo_feed::write::WriteOptions;
use verismo_feed::{Block, Format, Inventory, ReaderOptions, Spot};
use verismo_market::message::Message;

use crate::common::{Dice, market};
use crate::order_formats::orders_market;

const DAY_NS: i64 = 24 * 3_600_000_000_000;

/// A rest between the days of what is written of a market.
fn carried(format: Format) -> (verismo_feed::ReaderGroup, Spot, Vec<u8>, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let by_orders = format.is_by_orders();
    let messages = if by_orders { orders_market("BTCUSD", 300, 7) } else { market("BTC-USDT", 6_000, 7) };
    for (day, messages) in messages.chunks(messages.len().div_ceil(2)).enumerate() {
        let folder = directory.path().join(day.to_string());
        let mut writer = format.writer(&folder, &WriteOptions::default()).unwrap();
        for message in messages {
            let [t_exchange_ns, t_receive_ns] =
                [message.t_exchange_ns, message.t_receive_ns].map(|t_ns| t_ns + day as i64 * DAY_NS);
            writer.write(&Message { t_exchange_ns, t_receive_ns, ..message.clone() }).unwrap();
        }
        writer.finish().unwrap();
    }
    let inventory = Inventory::scan(&[directory.path().to_path_buf()], Some(format)).unwrap();
    let group = inventory.reader_groups(&ReaderOptions::default()).unwrap().remove(0);
    let mut reader = group.open_at(Spot::default(), &[]).unwrap();
    let mut block = Block::default();
    while reader.next_block(&mut block).unwrap() {}
    let rest = reader.rest().unwrap_or_else(|| panic!("{format:?} does not rest"));
    assert!(rest.spot.source < group.sources().len(), "{format:?}");
    assert!(group.rests_at(0, rest.spot, &rest.carry), "{format:?}");
    (group, rest.spot, rest.carry, directory)
}

#[test]
fn damaged_carries_never_panic() {
    for format in Format::all().filter(|format| format.has_events()) {
        let (group, spot, carry, _directory) = carried(format);
        assert_eq!(group.open_at(spot, &carry).err().map(|error| error.to_string()), None, "{format:?}");
        let cuts = (0..carry.len()).step_by(1 + carry.len() / 200);
        for cut in cuts {
            assert!(group.open_at(spot, &carry[..cut]).is_err(), "{format:?}: cut at {cut} of {}", carry.len());
            group.rests_at(0, spot, &carry[..cut]);
        }
        let mut dice = Dice(9);
        for _ in 0..300 {
            let mut damaged = carry.clone();
            for _ in 0..1 + dice.below(3) {
                let at = dice.below(damaged.len() as u64) as usize;
                damaged[at] = dice.below(256) as u8;
            }
            // Reading on with what is not the file's own is no error: a store tells by its checksums.
            drop(group.open_at(spot, &damaged));
            group.rests_at(0, spot, &damaged);
        }
    }
}
