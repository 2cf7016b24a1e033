//! The seeds: small data sets of the simulated exchange, small states, the built-in suites.

use std::fs;
use std::path::{Path, PathBuf};

use verismo_feed::Format;
use verismo_feed::write::{GoldenCompression, WriteOptions};
use verismo_market::event::EventBatch;
use verismo_market::observe::{ObserveOptions, StreamObserver};
use verismo_sim::{Market, MarketConfig};
use verismo_stats::column::{ColumnProfile, value_hash};
use verismo_stats::histogram::Histogram;
use verismo_stats::lags::LagMoments;
use verismo_stats::lattice::Lattice;
use verismo_stats::panel::{Panel, PanelRows, UNDEFINED};
use verismo_stats::sample::{IdRuns, IdSample};
use verismo_stats::state::Carry as _;
use verismo_stats::state::laws::encoded;
use verismo_suite::Suite;
use verismo_versions::{Archive, Entry, Manifest, Request};

/// Messages of a data set: a file of some KiB.
const MESSAGES: usize = 24;
/// Largest seed that is kept, in bytes.
const SEED_BYTES_MAX: usize = 24 * 1024;

/// Messages of kinds that the simulated exchange does not send.
const OTHER_FRAMES: &str = "\
{\"capture_ns\":1,\"stream\":\"btcusdt@aggTrade\",\"data\":{\"e\":\"aggTrade\",\"E\":1723161255343,\"s\":\"BTCUSDT\",\"a\":7,\"p\":\"61837.63\",\"q\":\"0.01\",\"f\":1,\"l\":2,\"T\":1723161255342,\"m\":true}}
{\"capture_ns\":2,\"stream\":\"btcusdt@bookTicker\",\"data\":{\"u\":9,\"s\":\"BTCUSDT\",\"b\":\"61837.62\",\"B\":\"1.5\",\"a\":\"61837.63\",\"A\":\"2\"}}
{\"capture_ns\":3,\"stream\":\"btcusdt@depth5\",\"data\":{\"lastUpdateId\":10,\"bids\":[[\"61837.62\",\"1\"]],\"asks\":[[\"61837.63\",\"2\"]]}}
{\"lastUpdateId\":11,\"bids\":[[\"61837.62\",\"1\"],[\"61837.61\",\"3\"]],\"asks\":[[\"61837.63\",\"2\"]]}
{\"capture_ns\":4,\"stream\":\"btcusdt@kline_1m\",\"data\":{\"e\":\"kline\",\"k\":{\"t\":1}}}
";

/// The heads of archive files, with a row or two.
const ARCHIVES: [&str; 4] = [
    "id,price,qty,quote_qty,time,is_buyer_maker\n1,61837.63,0.01,618.3,1723161255342,true\n2,61837.64,0.02,1236.7,1723161255343,false\n",
    "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n1,61837.63,0.01,1,2,1723161255342,true\n",
    "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time\n9,61837.62,1,61837.63,2,1723161255342,1723161255343\n",
    "1,61837.63,0.01,618.3,1723161255342123,True,True\n2,61837.64,0.02,1236.7,1723161255342124,False,True\n",
];

/// A sequence of every kind of message, two levels.
const SEQUENCE: &str = "34200.5,1,7,100,9900,1\n34200.6,2,7,50,9900,1\n34200.6,4,8,10,10100,-1\n34201.7,4,8,10,10100,-1\n34202,3,7,50,9900,1\n\n\
                        10100,30,9900,110,10200,5,9800,1\n10100,30,9900,60,10200,5,9800,1\n10100,20,9900,60,10200,5,9800,1\n\
                        10100,10,9900,60,10200,5,9800,1\n9999999999,0,9900,10,9999999999,0,-9999999999,0\n";

/// The manifest of a version of two files, sealed and bare.
fn manifests() -> Vec<Vec<u8>> {
    let entry = |path: &str, content: u8| Entry {
        path: path.to_owned(),
        bytes: u64::from(content),
        digest: [content; 32],
        is_data: content > 1,
        rows: Some(3),
        first_ns: Some(1),
        last_ns: Some(2),
        symbol: Some("X".to_owned()),
    };
    let manifest = Manifest::new("table", vec![entry("a/x.csv", 2), entry("manifest.jsonl", 1)]).unwrap();
    let home = tempfile::tempdir().unwrap();
    let request = Request {
        data: home.path(),
        is_file: false,
        name: None,
        branch: "main",
        tag: None,
        moves_tag: false,
        message: None,
        source: None,
        now: std::time::SystemTime::UNIX_EPOCH,
    };
    let archive = Archive::new(home.path());
    archive.record(&request, &manifest).unwrap();
    let sealed = fs::read_to_string(archive.manifest_path(manifest.version())).unwrap();
    let bare = sealed.trim_end().rsplit_once('\n').unwrap().0.to_owned() + "\n";
    vec![sealed.into(), bare.into()]
}

/// A list of a folder as DVC keeps it.
const LISTED: &str = r#"[{"md5": "900150983cd24fb0d6963f7d28e17f72", "relpath": "day 1/a.csv"}, {"md5": "900150983cd24fb0d6963f7d28e17f72", "relpath": "b.csv"}]"#;

/// Files of the command's tests that other tools wrote.
fn fixtures(folder: &str, end: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../cli/tests/versions").join(folder);
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == end) && path.is_file());
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// Writes the seeds of a target where `UPDATE_EXPECT=1` asks for it.
pub(crate) fn write_if_asked(name: &str, folder: &Path) {
    if std::env::var("UPDATE_EXPECT").as_deref() != Ok("1") {
        return;
    }
    let _absent = fs::remove_dir_all(folder);
    fs::create_dir_all(folder).unwrap();
    for (i, bytes) in seeds(name).into_iter().filter(|bytes| bytes.len() <= SEED_BYTES_MAX).enumerate() {
        fs::write(folder.join(format!("{i:02}")), bytes).unwrap();
    }
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    match name {
        "golden_jsonl" => [dataset("golden-jsonl", 1), vec![OTHER_FRAMES.into()]].concat(),
        "raw_frames" => {
            let frames = dataset("golden-jsonl", 2);
            frames.iter().map(|lines| unwrapped(lines)).chain([OTHER_FRAMES.into()]).collect()
        }
        "events_parquet" => dataset("events-parquet", 3),
        "binance_csv" => dataset("binance-csv", 4).into_iter().chain(ARCHIVES.map(Vec::from)).collect(),
        "crypto_lake" => dataset("crypto-lake", 5),
        "coinbase_full" => dataset("coinbase-full", 6),
        "bitstamp" => dataset("bitstamp", 7),
        "dbn" => dataset("dbn", 8),
        "lobster" => dataset("lobster", 9),
        "lob_bench" => vec![dataset("lobster", 14).join(&b'\n'), SEQUENCE.into()],
        "table_csv" => vec![csv(b','), csv(b'\t'), csv(b';')],
        "table_parquet" => [dataset("events-parquet", 10), dataset("crypto-lake", 11)].concat(),
        "sniff" => {
            let plain = Format::all().filter(|f| f.has_events()).flat_map(|f| dataset(f.name(), 12));
            plain.chain(packed(GoldenCompression::Gzip(6))).collect()
        }
        "suite_yaml" => ["market", "table"].map(|n| Suite::builtin_text(n).unwrap().as_bytes().to_vec()).to_vec(),
        "piece" => pieces(),
        "version_manifest" => manifests(),
        "delta_commit" => fixtures("delta/_delta_log", "json"),
        "delta_checkpoint" => fixtures("delta/_delta_log", "parquet"),
        "dvc_files" => {
            ["dvc", "lock"].into_iter().flat_map(|end| fixtures("dvc", end)).chain([LISTED.into()]).collect()
        }
        _ => states(name),
    }
}

/// What is stored of the first half of a small market.
fn pieces() -> Vec<Vec<u8>> {
    let options = ObserveOptions { observables: vec!["spread".to_owned()], warmup_ns: 0, ..ObserveOptions::default() };
    let mut observer = StreamObserver::new(&options);
    let mut batch = EventBatch::default();
    for (i, message) in Market::new(MarketConfig::new(15)).take(4 * MESSAGES).enumerate() {
        message.push_events(i as u64, &mut batch);
    }
    observer.observe(&batch, "seed");
    let part = observer.cut();
    let (mut scan, mut series) = (vec![0], vec![1]);
    part.scan.save(&mut scan);
    part.series["spread"].series.save(&mut series);
    let carry = [vec![3], observer.carries().scan].concat();
    vec![scan, series, carry]
}

/// The files of a small data set.
fn dataset(format: &str, seed: u64) -> Vec<Vec<u8>> {
    write(Format::from_name(format).unwrap(), seed, &WriteOptions::default())
}

/// A packed capture.
fn packed(compression: GoldenCompression) -> Vec<Vec<u8>> {
    write(Format::GoldenJsonl, 13, &WriteOptions::with_compression(compression))
}

fn write(format: Format, seed: u64, options: &WriteOptions) -> Vec<Vec<u8>> {
    let folder = tempfile::tempdir().unwrap();
    let market = Market::new(MarketConfig::new(seed).in_shares());
    let market = if format.is_by_orders() { market.with_orders() } else { market };
    let mut writer = format.writer(folder.path(), options).unwrap();
    for message in market.with_snapshots(3_600_000_000_000).take(MESSAGES) {
        // A snapshot of the whole book is most of a file; formats by orders need it.
        if format.is_by_orders() || !message.body.is_snapshot() {
            writer.write(&message).unwrap();
        }
    }
    writer.finish().unwrap();
    let mut paths = Vec::new();
    files_below(folder.path(), &mut paths);
    paths.sort();
    paths.iter().map(|path| short(fs::read(path).unwrap())).collect()
}

/// A text without its longest lines, and of the others the first and the last.
fn short(bytes: Vec<u8>) -> Vec<u8> {
    const LINE_BYTES_MAX: usize = 4_000;
    const LINES: usize = 40;
    let Ok(text) = std::str::from_utf8(&bytes) else { return bytes };
    let lines: Vec<&str> = text.split_inclusive('\n').filter(|line| line.len() <= LINE_BYTES_MAX).collect();
    if lines.len() <= 2 * LINES {
        return lines.concat().into_bytes();
    }
    [lines[..LINES].concat(), lines[lines.len() - LINES..].concat()].concat().into_bytes()
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if path.is_dir() { files_below(&path, found) } else { found.push(path) }
    }
}

/// Frames without the capture's wrapper.
fn unwrapped(lines: &[u8]) -> Vec<u8> {
    let text = String::from_utf8(lines.to_vec()).unwrap();
    let frame = |line: &str| -> Option<String> {
        let (_, data) = line.split_once("\"data\":")?;
        Some(data.strip_suffix('}')?.to_owned() + "\n")
    };
    text.lines().filter_map(frame).collect::<String>().into_bytes()
}

fn csv(delimiter: u8) -> Vec<u8> {
    let d = char::from(delimiter);
    let row = |i: u32| format!("{}{d}{}.5{d}\"{}\"{d}x\n", 1_723_161_255_000u64 + u64::from(i), i, i * i);
    (format!("time{d}price{d}size{d}side\n") + &(0..24).map(row).collect::<String>()).into_bytes()
}

fn states(name: &str) -> Vec<Vec<u8>> {
    let values: Vec<f64> = (0..40).map(|i| f64::from(i * i % 17) * 0.25 - 1.0).collect();
    let keys: Vec<i64> = (0..60).map(|i| i * i % 23 - 7).collect();
    match name {
        "histogram" => {
            let lattices = [Lattice::ticks(2), Lattice::float(10)];
            lattices
                .iter()
                .flat_map(|l| [&values[..], &[]].map(|v| encoded(&Histogram::from_values(l.clone(), v))))
                .collect()
        }
        "lag_moments" => [&keys[..], &keys[..3], &[]]
            .map(|keys| encoded(&LagMoments::from_series(&[1, 2, 5, 10], keys).unwrap()))
            .to_vec(),
        "panel" => {
            let mut rows = PanelRows::new(3);
            for (t, key) in (0..).zip(&keys) {
                rows.push(t * 1_000_000_000, &[*key, if key % 4 == 0 { UNDEFINED } else { t }, i64::MAX - key.abs()]);
            }
            vec![encoded(&Panel::pack(rows)), encoded(&Panel::new(1))]
        }
        "id_sample" => {
            let mut sample = IdSample::new(16);
            (0..40).for_each(|i| sample.push(1_000 + i, 1_723_161_255_000_000_000 + i * 7, i as u64));
            vec![encoded(&sample), encoded(&IdSample::new(8))]
        }
        "id_runs" => {
            let mut runs = IdRuns::new(8);
            [5, 6, 7, 10, 11, 3, 5, 20, -4].iter().for_each(|id| {
                runs.insert(*id);
            });
            vec![encoded(&runs), encoded(&IdRuns::new(4))]
        }
        "column_profile" => {
            let mut profile = ColumnProfile::new(16);
            values.iter().zip(0..).for_each(|(value, t)| profile.push(value_hash(t, *value), *value));
            profile.push_null();
            profile.push(0, f64::NAN);
            vec![encoded(&profile), encoded(&ColumnProfile::new(4))]
        }
        _ => panic!("no seeds for {name}"),
    }
}
