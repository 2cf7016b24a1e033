//! A market told order by order against the same market told by levels, and against other orders.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs, dead_code, unreachable_pub)]

mod common;

use common::{applicable, assert_verdict, digest_of, is_slow_tier, market, market_suite};
use verismo_engine::{judge_messages, observe_options};
use verismo_market::message::{Body, Message, OrderAction};
use verismo_sim::exchange::DEFAULT_START_NS;
use verismo_sim::{Fault, FaultKind, Market, MarketConfig, apply};
use verismo_suite::catalogue::{Source, observable};
use verismo_suite::report::Report;
use verismo_suite::{FindingVerdict, Verdict};

const SECOND_NS: i64 = 1_000_000_000;
const ORDER_OBSERVABLES: [&str; 4] = ["order_event_size", "order_lifetime", "time_to_cancel", "queue_ahead"];

/// The market of `seed` order by order, `seconds` long, with a snapshot of all orders at the start.
fn orders(seed: u64, seconds: i64) -> impl Iterator<Item = Message> + Send + Clone + 'static {
    let end_ns = DEFAULT_START_NS + seconds * SECOND_NS;
    let market = Market::new(MarketConfig::new(seed)).with_orders().with_snapshots(3_600 * SECOND_NS);
    market.take_while(move |message| message.t_exchange_ns <= end_ns)
}

fn levels(seed: u64, seconds: i64) -> impl Iterator<Item = Message> + Send + Clone + 'static {
    let end_ns = DEFAULT_START_NS + seconds * SECOND_NS;
    market(seed, usize::MAX).take_while(move |message| message.t_exchange_ns <= end_ns)
}

fn judged<G, C>(golden: G, candidate: C, clock_ns: i64) -> Report
where
    G: Iterator<Item = Message> + Send + 'static,
    C: Iterator<Item = Message> + Send + 'static,
{
    let suite = market_suite();
    judge_messages(golden, candidate, &suite, &observe_options(&suite, clock_ns)).unwrap()
}

#[test]
fn levels_and_orders_of_one_market_pass_and_share_all_but_what_only_orders_show() {
    for (report, who) in [
        (judged(levels(31, 600), orders(31, 600), 1_000_000), "golden"),
        (judged(orders(31, 600), levels(31, 600), 1), "candidate"),
    ] {
        assert_verdict(&report, Verdict::Pass);
        assert!(applicable(&report).count() >= 40, "{}", digest_of(&report));
        for finding in applicable(&report) {
            assert_eq!(finding.effect, Some(0.0), "{} {:?}\n{}", finding.observable, finding.test, digest_of(&report));
        }
        for id in ORDER_OBSERVABLES {
            let findings: Vec<_> = report.findings.iter().filter(|f| f.observable == id).collect();
            assert!(!findings.is_empty(), "{id}");
            for finding in findings {
                assert_eq!(finding.verdict, FindingVerdict::NotApplicable, "{id}");
                assert_eq!(finding.reason, format!("the {who}'s source shows price levels, not single orders"));
            }
        }
    }
}

#[test]
fn orders_against_themselves_pass_and_lost_orders_fail() {
    let report = judged(orders(32, 300), orders(32, 300), 1);
    assert_verdict(&report, Verdict::Pass);
    for id in ORDER_OBSERVABLES {
        assert!(applicable(&report).any(|f| f.observable == id && f.deciding), "{}", digest_of(&report));
        assert_eq!(observable(id).unwrap().source, Source::Orders);
    }
    let fault = Fault::new(FaultKind::Drop, 0.02).unwrap();
    let (damaged, _) = apply(orders(32, 300).collect(), &[fault], 1);
    let report = judged(orders(32, 300), damaged.into_iter(), 1);
    assert_verdict(&report, Verdict::Fail);
    let unknown = report.integrity.iter().find(|r| r.check == "unknown_order" && r.count > 0).unwrap();
    assert_eq!(unknown.verdict, FindingVerdict::Fail, "{unknown:?}");
}

#[test]
fn orders_that_live_too_long_fail_by_their_lives_alone() {
    // Every deletion of an order that is not at the best price comes later: books near the touch hardly change.
    let late = |messages: Vec<Message>| {
        let mut late: Vec<Message> = messages
            .into_iter()
            .map(|mut message| {
                if let Body::Order(order) = &message.body
                    && order.action == OrderAction::Delete
                    && order.id % 2 == 0
                {
                    message.t_exchange_ns += 3 * SECOND_NS;
                }
                message
            })
            .collect();
        late.sort_by_key(|message| message.t_exchange_ns);
        late
    };
    let report = judged(orders(33, 600), late(orders(33, 600).collect()).into_iter(), 1);
    assert_verdict(&report, Verdict::Fail);
    let verdict = |id| applicable(&report).find(|f| f.observable == id && f.deciding).unwrap().verdict;
    assert_eq!(verdict("order_lifetime"), FindingVerdict::Fail, "{}", digest_of(&report));
    assert_eq!(verdict("order_event_size"), FindingVerdict::Pass, "{}", digest_of(&report));
    assert_eq!(verdict("trade_size"), FindingVerdict::Pass, "{}", digest_of(&report));
}

#[test]
fn another_day_of_the_same_law_does_not_fail() {
    if !is_slow_tier() {
        return;
    }
    let report = judged(orders(34, 7_200), orders(35, 7_200), 1_000_000);
    eprintln!("{}", digest_of(&report));
    assert_ne!(report.verdict, Verdict::Fail, "{}", digest_of(&report));
    assert_ne!(report.verdict, Verdict::Error, "{}", digest_of(&report));
}
