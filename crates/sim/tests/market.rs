//! The simulated market: the rules of its feed, and the law it follows.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod common;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use common::{Observed, Replay, abs, acf, distances, fano, mean, messages, observe, variance};
use verismo_market::event::Side;
use verismo_market::message::{Body, Message};
use verismo_sim::exchange::{DEFAULT_START_NS, GRID_NS, HOUR_NS};
use verismo_sim::{Market, MarketConfig, Venue};

const MESSAGES: usize = 600_000;
static ONE: LazyLock<Vec<Message>> = LazyLock::new(|| messages(1, MESSAGES));
static OBSERVED: LazyLock<Observed> = LazyLock::new(|| observe(&ONE));

fn level_counts() -> Vec<i64> {
    let count = |m: &Message| match &m.body {
        Body::Depth { bids, asks, .. } => Some((bids.len() + asks.len()) as i64),
        _ => None,
    };
    ONE.iter().filter_map(count).collect()
}

/// Words of everything a message says, for a fingerprint.
fn words(m: &Message) -> Vec<i64> {
    let mut words = vec![m.t_exchange_ns, m.t_receive_ns];
    match &m.body {
        Body::Trade { id, price, qty, side } => words.extend([*id, *price, *qty, *side as i64]),
        Body::Depth { first_id, last_id, bids, asks } => {
            words.extend([*first_id, *last_id]);
            words.extend(bids.iter().chain(asks).flat_map(|l| [l.0, l.1]));
        }
        Body::Snapshot { last_id, .. } | Body::OrderSnapshot { last_id, .. } => words.push(*last_id),
        Body::Order(order) => words.extend([order.id, order.price, order.qty]),
    }
    words
}

#[test]
fn the_same_seed_gives_the_same_market_forever() {
    assert!(ONE[..50_000] == messages(1, 50_000)[..]);
    // FNV-1a over the words of the first 50,000 messages. It changes with the law of the market, and must not otherwise: not
    // with the machine, not with the compiler.
    let fingerprint = ONE[..50_000].iter().flat_map(words).fold(0xcbf2_9ce4_8422_2325u64, |hash, word| {
        word.to_le_bytes().iter().fold(hash, |h, &b| (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3))
    });
    assert_eq!(fingerprint, FINGERPRINT);
}

const FINGERPRINT: u64 = 12_774_526_628_203_531_305;

#[test]
fn times_and_ids_follow_the_rules_of_the_feed() {
    let (mut last_trade, mut last_update) = (None, None);
    let mut last: Option<&Message> = None;
    for m in ONE.iter() {
        if let Some(last) = last.replace(m) {
            assert!(m.t_exchange_ns >= last.t_exchange_ns && m.t_receive_ns > last.t_receive_ns);
        }
        match m.body {
            Body::Trade { id, .. } => {
                assert!(m.t_exchange_ns >= DEFAULT_START_NS + GRID_NS);
                assert_eq!(id, last_trade.replace(id).map_or(id, |last: i64| last + 1));
            }
            Body::Depth { first_id, last_id, .. } => {
                assert_eq!(m.t_exchange_ns % GRID_NS, 0);
                assert!(first_id <= last_id);
                assert_eq!(first_id, last_update.replace(last_id).map_or(first_id, |last: i64| last + 1));
            }
            _ => panic!("neither snapshots nor orders were asked for"),
        }
    }
    // A depth message at a grid point comes after the trades of its interval: no trade at or after it precedes it.
    for pair in ONE.windows(2) {
        if matches!(pair[1].body, Body::Depth { .. }) {
            assert!(pair[0].t_exchange_ns < pair[1].t_exchange_ns);
        }
    }
    let latency: Vec<i64> = ONE.iter().map(|m| m.t_receive_ns - m.t_exchange_ns).collect();
    let fastest = latency.iter().min().unwrap();
    let slower: Vec<i64> = latency.iter().map(|l| l - fastest).collect();
    assert!((1e6..4e6).contains(&mean(&slower)), "{}", mean(&slower));
}

#[test]
fn seeds_and_symbols_share_no_ids() {
    let mut bases = BTreeMap::new();
    for seed in 0..20 {
        for k in 0..3 {
            let market = Market::new(MarketConfig::for_symbol(seed, k)).take(200);
            let id = market.filter_map(|m| if let Body::Trade { id, .. } = m.body { Some(id) } else { None }).next();
            let id = id.unwrap();
            assert!((1_000_000_000..4_000_000_000).contains(&id));
            bases.insert(id, (seed, k));
        }
    }
    assert_eq!(bases.len(), 60);
    let ids: Vec<i64> = bases.into_keys().collect();
    assert!(ids.windows(2).all(|w| w[1] - w[0] > 100_000), "half an hour of one meets the other");
}

#[test]
fn depth_messages_alone_give_a_book_that_never_crosses() {
    let mut book = Replay::default();
    for m in ONE.iter() {
        if let Body::Depth { bids, asks, .. } = &m.body {
            for (side, levels) in [(&book.bids, bids), (&book.asks, asks)] {
                for &(price, qty) in levels {
                    assert!(price > 0 && price % 10_000_000 == 0 && qty >= 0 && qty % 1_000 == 0);
                    // A message says nothing that was already so, and removes only what was there.
                    assert_ne!(side.get(&price).copied().unwrap_or(0), qty);
                }
            }
            assert!(bids.is_sorted_by(|a, b| a.0 > b.0) && asks.is_sorted_by(|a, b| a.0 < b.0));
            book.apply(&m.body);
            let [bid, ask] = book.best().expect("a side is empty");
            assert!(bid.0 < ask.0);
            assert!(book.bids.len().min(book.asks.len()) > 100);
        }
    }
    assert!(book.bids.len().max(book.asks.len()) < 400, "levels far from the price die out");
}

#[test]
fn snapshots_are_the_book_as_published_and_change_nothing_else() {
    let config = MarketConfig::new(4);
    let plain: Vec<Message> = Market::new(config.clone()).take(300_000).collect();
    let both: Vec<Message> = Market::new(config).with_snapshots(HOUR_NS).take(300_000).collect();
    let (mut book, mut update_id, mut hour, mut snapshots) = (Replay::default(), None, None, 0);
    let mut others = Vec::new();
    for (i, m) in both.iter().enumerate() {
        let this_hour = m.t_exchange_ns.div_euclid(HOUR_NS);
        let is_first = hour.replace(this_hour) != Some(this_hour);
        if let Body::Snapshot { last_id, .. } = m.body {
            assert!(is_first, "a snapshot within the hour");
            let next = &both[i + 1];
            assert_eq!((m.t_exchange_ns, m.t_receive_ns), (next.t_exchange_ns, next.t_receive_ns));
            if let Some(update_id) = update_id {
                assert_eq!(last_id, update_id);
            } else if let Body::Depth { first_id, .. } = next.body {
                assert_eq!(last_id + 1, first_id);
            }
            let mut shown = Replay::default();
            shown.apply(&m.body);
            assert_eq!(shown, book);
            snapshots += 1;
        } else {
            assert!(!is_first, "no snapshot before the first message of an hour");
            if let Body::Depth { last_id, .. } = m.body {
                update_id = Some(last_id);
            }
            book.apply(&m.body);
            others.push(m.clone());
        }
    }
    assert_eq!(snapshots, 3);
    assert!(others[..] == plain[..others.len()]);
}

#[test]
fn a_venue_is_its_markets_in_time_order() {
    let merged: Vec<Message> = Venue::new(9, 3).take(30_000).collect();
    assert!(merged.is_sorted_by_key(|m| m.t_exchange_ns));
    for (k, symbol) in ["BTCUSDT", "ETHUSDT", "SOLUSDT"].into_iter().enumerate() {
        let alone = Market::new(MarketConfig::for_symbol(9, k));
        let here: Vec<&Message> = merged.iter().filter(|m| m.symbol == symbol).collect();
        assert!(here.len() > 5_000);
        assert!(here.into_iter().zip(alone).all(|(a, b)| *a == b));
    }
    assert_eq!(MarketConfig::for_symbol(9, 7).symbol, "SIM7USDT");
    let snapshots =
        Venue::with_snapshots(9, 2, HOUR_NS).take(1_000).filter(|m| matches!(m.body, Body::Snapshot { .. }));
    assert_eq!(snapshots.count(), 2);
}

#[test]
fn messages_are_those_of_a_real_capture_in_number_and_size() {
    let counts = level_counts();
    let share = counts.len() as f64 / MESSAGES as f64;
    assert!((0.23..0.27).contains(&share), "{share}");
    // The first message fills the book.
    let later = &counts[1..];
    assert!((43.0..47.0).contains(&mean(later)), "{}", mean(later));
    assert!(later.iter().all(|&c| c >= 30));
    let long = later.iter().filter(|&&c| c > 60).count() as f64 / later.len() as f64;
    assert!(long < 0.002, "{long}");
    let span_s = (ONE[MESSAGES - 1].t_exchange_ns - ONE[0].t_exchange_ns) as f64 * 1e-9;
    assert!((36.0..44.0).contains(&(MESSAGES as f64 / span_s)), "{span_s}");
    // A level is `["118000.00000000","0.01000000"],` in Binance's eight decimals; 190 bytes are what goes around.
    let bytes = 190.0 + share * 34.0 * mean(&counts);
    assert!(bytes > 500.0, "{bytes}");
}

#[test]
fn the_spread_is_one_to_several_ticks_and_reverts_at_once() {
    let ticks: Vec<i64> = OBSERVED.spread.iter().map(|s| s / 10_000_000).collect();
    let share = |k: i64| ticks.iter().filter(|&&t| t == k).count() as f64 / ticks.len() as f64;
    assert!((0.6..0.8).contains(&share(1)) && (0.15..0.3).contains(&share(2)) && share(3) > 0.03 && share(4) > 0.005);
    assert!(*ticks.iter().max().unwrap() < 20);
    assert!(acf(&ticks, 50) < 0.05);
}

#[test]
fn activity_signs_and_volatility_cluster_and_forget() {
    let o = &*OBSERVED;
    assert!(fano(&o.count_100ms) > 2.0 && fano(&o.count_1s) > 3.0, "{}", fano(&o.count_1s));
    let absolute = abs(&o.return_1s);
    let acfs: Vec<f64> = [1, 5, 10, 120].iter().map(|&lag| acf(&absolute, lag)).collect();
    assert!(acfs[0] > 0.2 && acfs[1] > 0.1 && acfs[2] > 0.04 && acfs[3].abs() < 0.04, "{acfs:?}");
    let signs: Vec<f64> = [1, 5, 20, 2_000].iter().map(|&lag| acf(&o.sign, lag)).collect();
    assert!(signs[0] > 0.4 && signs[1] > 0.1 && signs[2] > 0.05 && signs[3].abs() < 0.02, "{signs:?}");
    // The price is stationary: ten seconds spread it less than ten times a second does, an hour not much more.
    let by = |lag: usize| {
        let moves: Vec<i64> = o.mid2_1s.windows(lag + 1).map(|w| w[lag] - w[0]).collect();
        variance(&moves)
    };
    assert!(by(1_000) < 25.0 * by(10), "{} {}", by(1_000), by(10));
    let zero = o.return_1s.iter().filter(|&&r| r == 0).count() as f64 / o.return_1s.len() as f64;
    assert!((0.02..0.2).contains(&zero), "{zero}");
}

#[test]
fn trade_sizes_have_round_numbers_and_a_heavy_tail() {
    let mut sizes = OBSERVED.trade_size.clone();
    sizes.sort_unstable();
    let share = |x: i64| sizes.iter().filter(|&&s| s == x).count() as f64 / sizes.len() as f64;
    assert!(share(1_000_000) > 0.03 && share(1_001_000) < 0.01);
    // A fill is the smaller of a market order and a resting order, each with tail exponent 1.5.
    let k = 300;
    let tail = &sizes[sizes.len() - k - 1..];
    let hill = k as f64 / tail[1..].iter().map(|&x| libm::log(x as f64 / tail[0] as f64)).sum::<f64>();
    assert!((2.0..4.0).contains(&hill), "{hill}");
    assert!(OBSERVED.incoherent * 20 < sizes.len(), "trades print near the published best prices");
}

#[test]
fn two_seeds_are_two_samples_of_one_law() {
    let other = observe(&messages(2, MESSAGES));
    let hard = ["mid_log_return_1s", "mid_log_return_10s", "ofi_1s", "event_count_1s"];
    for (name, d) in distances(&OBSERVED, &other) {
        // Fifteen thousand seconds and fifteen hundred times ten of them cannot say more.
        let limit = if name == "mid_log_return_10s" {
            0.06
        } else if hard.contains(&name) {
            0.03
        } else {
            0.015
        };
        assert!(d < limit, "{name}: {d}");
    }
    assert!((acf(&abs(&OBSERVED.return_1s), 1) - acf(&abs(&other.return_1s), 1)).abs() < 0.1);
}

#[test]
fn activity_follows_the_hours_of_the_day() {
    let trades_at = |hour: i64| {
        let mut config = MarketConfig::new(6);
        config.start_ns += hour * HOUR_NS;
        let end_ns = config.start_ns + HOUR_NS / 2;
        let half_hour = Market::new(config).take_while(|m| m.t_exchange_ns < end_ns);
        half_hour.filter(|m| matches!(m.body, Body::Trade { side: Side::Bid | Side::Ask, .. })).count() as f64
    };
    let ratio = trades_at(14) / trades_at(2);
    assert!((1.35..1.65).contains(&ratio), "{ratio}");
}
