//! States in a bucket of a server that speaks S3: whatever the server and the way to it do, the report is that of a run without a store.
#![allow(clippy::unwrap_used, missing_docs, unreachable_pub)]

mod common;
#[path = "remote/server.rs"]
mod server;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use common::{request, write_events};
use server::{Relay, Server, Trouble, google, remote};
use verismo_engine::{GcPolicy, Meter, Remote, Store, StoreRequest, ValidateRequest, validate};
use verismo_market::message::Message;
use verismo_sim::{Market, MarketConfig};
use verismo_suite::Suite;
use verismo_suite::report::{Cache, Report};

const HOUR_NS: i64 = 3_600_000_000_000;
const PATIENCE: Duration = Duration::from_secs(20);

/// A market of a few hours, in a file for each.
fn hours(seed: u64) -> impl Iterator<Item = Message> {
    const SLOWER: i64 = 180;
    let start = 1_753_056_000_000_000_000;
    let market = Market::new(MarketConfig::new(seed)).with_snapshots(HOUR_NS / SLOWER).take(4_000);
    market.map(move |mut message| {
        message.t_exchange_ns = start + (message.t_exchange_ns - start) * SLOWER;
        message
    })
}

/// A golden and a candidate, made once for all tests, and the report without a store.
fn data() -> &'static (tempfile::TempDir, Report) {
    static DATA: OnceLock<(tempfile::TempDir, Report)> = OnceLock::new();
    DATA.get_or_init(|| {
        let dir = tempfile::tempdir().unwrap();
        for (name, seed) in [("golden", 5), ("candidate", 6)] {
            write_events(&dir.path().join(name), hours(seed));
        }
        let report = validate(&asked(dir.path(), None), &Meter::default()).unwrap();
        (dir, report)
    })
}

fn asked(data: &Path, store: Option<StoreRequest>) -> ValidateRequest {
    let mut suite = Suite::builtin("light").unwrap();
    suite.replicates = 99;
    ValidateRequest { suite: Some(suite), store, ..request(&data.join("golden"), &data.join("candidate")) }
}

/// With a store; the same as without.
fn judged(store: StoreRequest) -> Cache {
    let (data, without) = data();
    let with = validate(&asked(data.path(), Some(store)), &Meter::default()).unwrap();
    assert_eq!((&with.digest, &with.inputs), (&without.digest, &without.inputs));
    assert_eq!(format!("{:?}", with.findings), format!("{:?}", without.findings));
    assert_eq!(format!("{:?}", with.integrity), format!("{:?}", without.integrity));
    with.cache.unwrap()
}

fn run(remote: Remote) -> Cache {
    judged(StoreRequest { remote: Some(remote), ..StoreRequest::default() })
}

/// A server with the states of a run.
fn filled() -> Server {
    let server = Server::start();
    assert_eq!(run(server.remote()).problems, Vec::<String>::new());
    server
}

#[track_caller]
fn is_warm(cache: &Cache) {
    assert_eq!((cache.states_computed, &cache.problems), (0, &Vec::new()), "{:?}", cache.misses);
}

#[test]
fn cold_warm_and_partly_evicted_all_say_the_same() {
    let server = Server::start();
    let cold = run(server.remote());
    assert_eq!((cold.states_reused, cold.problems.len(), cold.place.as_str()), (0, 0, "s3://bucket/states"));
    assert!(cold.pieces >= 6, "{cold:?}");
    is_warm(&run(server.remote()));
    // The same objects as in a folder: what one has written the other may read.
    let home = tempfile::tempdir().unwrap();
    judged(StoreRequest::in_folder(home.path()));
    let states = home.path().join("states/pieces");
    let of_bucket = server.objects();
    let names: Vec<PathBuf> =
        of_bucket.iter().filter(|path| path.to_string_lossy().contains("/pieces/")).cloned().collect();
    for path in &names {
        let (_, name) = path.to_str().unwrap().split_once("/pieces/").unwrap();
        assert_eq!(fs::read(path).unwrap(), fs::read(states.join(name)).unwrap(), "{name}");
    }
    // Some are gone, one is damaged.
    for path in names.iter().step_by(3) {
        fs::remove_file(path).unwrap();
    }
    let bytes = fs::read(&names[1]).unwrap();
    fs::write(&names[1], &bytes[..bytes.len() - 7]).unwrap();
    let partly = run(server.remote());
    assert!(partly.states_computed > 0 && partly.states_reused > 0, "{partly:?}");
    assert!(partly.problems.iter().all(|problem| problem.contains("is damaged")), "{:?}", partly.problems);
    is_warm(&run(server.remote()));
}

#[test]
fn a_bucket_is_counted_and_swept() {
    let server = filled();
    let store = Store::open_remote(&server.remote()).unwrap();
    let stats = store.stats().unwrap();
    let bytes = server.objects().iter().map(|path| fs::metadata(path).unwrap().len()).sum::<u64>();
    assert_eq!((stats.objects as usize, stats.bytes), (server.objects().len(), bytes));
    let policy = GcPolicy { max_bytes: Some(bytes / 2), ..GcPolicy::default() };
    let swept = store.gc(&policy).unwrap();
    assert!(swept.bytes - swept.bytes_removed <= bytes / 2 && swept.objects_removed > 0, "{swept:?}");
    assert_eq!(store.stats().unwrap().objects, swept.objects - swept.objects_removed);
    assert!(run(server.remote()).states_computed > 0);
}

#[test]
fn wrong_keys_and_a_bucket_that_is_not_there_cost_a_warning() {
    let server = filled();
    let wrong = remote(server.at(), "wrong", PATIENCE);
    let cache = run(wrong.clone());
    assert!(cache.states_reused == 0 && cache.problems.len() == 1, "{cache:?}");
    assert!(cache.problems[0].contains("SignatureDoesNotMatch"), "{:?}", cache.problems);
    assert!(Store::open_remote(&wrong).unwrap().stats().is_err());
    let at = format!("http://{}", server.at());
    let variables =
        [("AWS_ACCESS_KEY_ID", "key"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_ENDPOINT_URL", at.as_str())];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let cache = run(Remote::new("s3://nowhere/states", variables, PATIENCE).unwrap());
    assert!(cache.problems.len() == 1 && cache.problems[0].contains("NoSuchBucket"), "{:?}", cache.problems);
}

#[test]
fn a_server_that_is_busy_is_asked_again() {
    let server = filled();
    let relay = Relay::start(server.at(), [(6, Trouble::Busy)]);
    is_warm(&run(relay.remote(PATIENCE)));
    assert!(relay.connections() > 6);
    // While objects are written, too.
    let empty = Server::start();
    let relay = Relay::start(empty.at(), [(6, Trouble::Busy)]);
    assert_eq!(run(relay.remote(PATIENCE)).problems, Vec::<String>::new());
    is_warm(&run(empty.remote()));
}

#[test]
fn a_connection_that_dies_in_the_middle_of_an_object_is_taken_up_again() {
    let server = filled();
    let relay = Relay::start(server.at(), [(2, Trouble::Cut(700)), (2, Trouble::Cut(3_000)), (2, Trouble::Cut(9_000))]);
    is_warm(&run(relay.remote(PATIENCE)));
    assert!(relay.connections() > 6, "{}", relay.connections());
    let empty = Server::start();
    let relay = Relay::start(empty.at(), [(3, Trouble::Cut(40)), (3, Trouble::Cut(900))]);
    assert_eq!(run(relay.remote(PATIENCE)).problems, Vec::<String>::new());
    is_warm(&run(empty.remote()));
}

#[test]
fn a_bucket_of_google_cloud_keeps_states() {
    let server = Server::open_to_all();
    let cold = run(google(server.at()));
    assert_eq!((cold.problems, cold.place.as_str()), (Vec::new(), "gs://bucket/states"));
    is_warm(&run(google(server.at())));
    assert!(server.objects().len() as u64 > 2 * cold.pieces);
}

#[test]
fn a_server_that_does_not_answer_is_left_alone() {
    let server = filled();
    let patience = Duration::from_millis(1_500);
    // From the first question on; and after some answers.
    for troubles in [vec![(10_000, Trouble::Deaf)], vec![(2, Trouble::Cut(5_000)), (10_000, Trouble::Deaf)]] {
        let relay = Relay::start(server.at(), troubles);
        let start = Instant::now();
        let cache = run(relay.remote(patience));
        // Both sides may ask at the same time, and each may wait once.
        assert!(start.elapsed() < Duration::from_secs(60), "{:?}", start.elapsed());
        assert_eq!(cache.problems.len(), 1, "{:?}", cache.problems);
        assert!(cache.problems[0].contains("did not answer within 1.5 s"), "{:?}", cache.problems);
        assert!(relay.connections() < 40, "{}", relay.connections());
    }
}

#[test]
fn a_server_that_is_far_away_is_asked_side_by_side() {
    let away = Duration::from_millis(100);
    let is_side_by_side = || {
        let server = Server::start();
        let far = || Relay::start(server.at(), [(10_000, Trouble::Far(100))]);
        let start = Instant::now();
        let cold = run(far().remote(PATIENCE));
        assert_eq!(cold.problems, Vec::<String>::new());
        let (cold_took, start) = (start.elapsed(), Instant::now());
        is_warm(&run(far().remote(PATIENCE)));
        // A piece costs a listing and a read; sides are read side by side. One after the other a cold run would take five steps a piece.
        let steps = (cold.pieces as u32 + 4) * 3;
        start.elapsed() < away * steps && cold_took < away * steps * 2
    };
    // A busy machine may hide it now and then.
    assert!((0..5).any(|_| is_side_by_side()));
}
