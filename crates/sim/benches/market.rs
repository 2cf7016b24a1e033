//! Cost of the simulated market, per message.
#![allow(missing_docs, clippy::unwrap_used)]

use divan::{Bencher, counter::ItemsCount};
use verismo_sim::{Market, MarketConfig};

fn main() {
    divan::main();
}

#[divan::bench(sample_count = 10)]
fn messages(bencher: Bencher) {
    const MESSAGES: usize = 100_000;
    bencher.counter(ItemsCount::new(MESSAGES)).bench(|| Market::new(MarketConfig::new(1)).take(MESSAGES).count());
}
