//! Tables: however they are cut, on however many threads, from the store or not, they come to the same.
#![allow(clippy::unwrap_used, clippy::print_stderr, missing_docs)]

mod common;

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, RecordBatch, TimestampNanosecondArray};
use common::{market, request};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;
use verismo_engine::{
    AuditRequest, JudgeAgain, Meter, RecallRequest, Recalled, StoreRequest, ValidateRequest, audit, canary,
    recall_states, states_root, suite_for, suite_of, validate, validate_traced,
};
use verismo_feed::Format;
use verismo_feed::write::{EventsOptions, EventsWriter};
use verismo_suite::report::{Cache, Report};
use verismo_suite::suite::Suite;
use verismo_suite::trace::Trace;

const ROWS: usize = 24_000;
const HEADER: &str = "time,price,change,volume\n";
/// Its numeric columns.
const COLUMNS: u64 = 3;

/// Rows a tenth of a second apart: a price in cents, a change that is no decimal, a whole volume; with holes, words, and steps back in time.
fn rows(seed: u64) -> Vec<String> {
    let mut state = seed;
    let mut uniform = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let row = |i: usize| {
        let back_ns = if i.is_multiple_of(1_000) { 3_000_000_000 } else { 0 };
        let t_ns = 1_753_056_000_000_000_000_i64 + i as i64 * 100_000_000 - back_ns;
        let price = format!("{:.2}", 100.0 + uniform());
        let change = if i % 701 == 5 { "NaN".to_owned() } else { (uniform() - uniform()).to_string() };
        let volume = match i % 907 {
            11 => String::new(),
            12 => "many".to_owned(),
            _ => (uniform() * 100.0).floor().to_string(),
        };
        format!("{t_ns},{price},{change},{volume}\n")
    };
    (0..ROWS).map(row).collect()
}

/// The rows in so many files, the last of which have the first names.
fn write(folder: &Path, rows: &[String], files: usize) {
    fs::create_dir_all(folder).unwrap();
    for (i, part) in rows.chunks(rows.len().div_ceil(files)).enumerate() {
        fs::write(folder.join(format!("{:02}.csv", 99 - i)), HEADER.to_owned() + &part.concat()).unwrap();
    }
}

fn suite() -> Option<Suite> {
    Some(Suite { replicates: 99, ..Suite::builtin("table").unwrap() })
}

fn report(request: ValidateRequest) -> Report {
    validate(&ValidateRequest { suite: suite(), ..request }, &Meter::default()).unwrap()
}

fn assert_same(with: &Report, without: &Report) {
    assert_eq!((&with.digest, &with.inputs), (&without.digest, &without.inputs));
    assert_eq!(format!("{:?}", with.findings), format!("{:?}", without.findings));
    assert_eq!(format!("{:?}", with.integrity), format!("{:?}", without.integrity));
}

struct Bench {
    dir: tempfile::TempDir,
}

impl Bench {
    /// Golden and candidate of so many files each.
    fn new(files: usize) -> Self {
        let bench = Self { dir: tempfile::tempdir().unwrap() };
        write(&bench.path("golden"), &rows(1), files);
        write(&bench.path("candidate"), &rows(2), files);
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn request(&self) -> ValidateRequest {
        request(&self.path("golden"), &self.path("candidate"))
    }

    /// With the store, compared with a run without.
    fn run(&self) -> (Cache, Report) {
        let store = Some(StoreRequest::in_folder(self.path("store")));
        let with = report(ValidateRequest { store, ..self.request() });
        assert_same(&with, &report(self.request()));
        (with.cache.clone().unwrap(), with)
    }

    /// Changes a file, so that its time tells it.
    fn edit(&self, name: &str, edit: impl FnOnce(String) -> String) {
        let path = self.path(name);
        let text = edit(fs::read_to_string(&path).unwrap());
        fs::write(&path, text).unwrap();
    }
}

#[test]
fn neither_cuts_nor_threads_nor_the_store_change_anything() {
    let mut digests = Vec::new();
    for files in [1, 3, 7] {
        let bench = Bench::new(files);
        let alone = report(ValidateRequest { threads: 1, ..bench.request() });
        for threads in [2, 5] {
            assert_same(&report(ValidateRequest { threads, ..bench.request() }), &alone);
        }
        let (cold, first) = bench.run();
        assert_eq!((cold.states_reused, cold.states_computed), (0, 2 * COLUMNS * files as u64));
        let again = report(ValidateRequest {
            store: Some(StoreRequest { wants_states: true, ..StoreRequest::in_folder(bench.path("store")) }),
            ..bench.request()
        });
        assert_same(&again, &first);
        let warm = again.cache.unwrap();
        assert_eq!((warm.states_reused, warm.states_computed), (2 * COLUMNS * files as u64, 0));
        assert_eq!((again.timing.bytes_read, again.timing.messages), (0, 2 * ROWS as u64));
        let checked =
            |check: &str| -> u64 { first.integrity.iter().filter(|row| row.check == check).map(|row| row.count).sum() };
        assert!(checked("out_of_order") >= 40 && checked("invalid_value") > 100, "{:?}", first.integrity);
        digests.push((first.digest, first.findings.len(), checked("out_of_order"), checked("invalid_value")));
    }
    assert!(digests.iter().all(|digest| *digest == digests[0]), "{digests:?}");
}

/// Tables of many row groups.
fn write_row_groups(bench: &Bench) {
    for (side, seed) in [("golden", 5), ("candidate", 6)] {
        let mut options = EventsOptions::default();
        options.row_group_rows = 1_000;
        let mut writer = EventsWriter::create(&bench.path(side), options).unwrap();
        market(seed, 3_000).for_each(|message| writer.write(&message).unwrap());
        writer.finish().unwrap();
    }
}

/// Their parts are observed by themselves.
#[test]
fn row_groups_are_read_side_by_side_and_come_to_the_same() {
    let bench = Bench { dir: tempfile::tempdir().unwrap() };
    write_row_groups(&bench);
    let of = |segment_bytes: u64, threads: usize, store: Option<StoreRequest>| {
        let format = Some(Format::Table);
        report(ValidateRequest { format, segment_bytes, threads, store, ..bench.request() })
    };
    let whole = of(0, 1, None);
    assert!(whole.timing.messages > 20_000 && whole.findings.len() > 10, "{:?}", whole.timing);
    for (segment_bytes, threads) in [(1, 1), (1, 3), (40_000, 2), (u64::MAX, 2)] {
        assert_same(&of(segment_bytes, threads, None), &whole);
    }
    let store = || Some(StoreRequest { wants_states: true, ..StoreRequest::in_folder(bench.path("store")) });
    let [cold, warm] = [(); 2].map(|()| of(1, 3, store()));
    assert_same(&cold, &whole);
    assert_same(&warm, &whole);
    let [cold, warm] = [cold, warm].map(|report| report.cache.unwrap());
    assert!(cold.pieces > 20 && cold.states_reused == 0, "{cold:?}");
    assert_eq!((warm.pieces, warm.states_computed, warm.states_reused), (cold.pieces, 0, cold.states_computed));
}

#[test]
fn a_change_costs_what_changed() {
    let bench = Bench::new(4);
    bench.run();
    // A value of the candidate: all columns of its file.
    bench.edit("candidate/97.csv", |text| text.replacen(",100.", ",101.", 1));
    let (cache, _) = bench.run();
    assert_eq!((cache.states_computed, cache.states_reused), (COLUMNS, 7 * COLUMNS));
    assert!(cache.misses[0].file.ends_with("97.csv") && cache.misses[0].why.contains("bytes"), "{:?}", cache.misses);
    // A price of the golden in tenths of a cent: its file, and that column everywhere.
    bench.edit("golden/99.csv", |text| text.replacen(",100.", ",100.001", 1));
    let (cache, _) = bench.run();
    assert_eq!((cache.states_computed, cache.states_reused), (COLUMNS + 7, 7 * (COLUMNS - 1)));
    // A file more, as where a capture goes on: its columns.
    bench.edit("candidate/96.csv", |text| text);
    let more: String = rows(3).iter().take(100).map(|row| row.replacen("1753056", "1753060", 1)).collect();
    fs::write(bench.path("candidate/95.csv"), HEADER.to_owned() + &more).unwrap();
    let (cache, _) = bench.run();
    assert_eq!((cache.states_computed, cache.states_reused), (COLUMNS, 8 * COLUMNS));
    // A margin reads nothing; what is known of the columns is asked of the store.
    let mut suite = suite().unwrap();
    suite.alpha = 0.01;
    let store = Some(StoreRequest::in_folder(bench.path("store")));
    let judged = ValidateRequest { suite: Some(suite), store, ..bench.request() };
    let judged = validate(&judged, &Meter::default()).unwrap();
    assert_eq!(judged.timing.bytes_read, 0);
}

#[test]
fn damage_in_the_store_is_told_and_computed_again() {
    let bench = Bench::new(2);
    bench.run();
    let objects = files_below(&bench.path("store/states/tables"));
    // Of each of four files its look, the columns, and of the golden's the decimal grids; the lattice of what is no decimal.
    assert_eq!(objects.len(), 4 * 2 + 2 + 1, "{objects:?}");
    for (i, path) in objects.iter().enumerate() {
        let mut bytes = fs::read(path).unwrap();
        let at = (i * 7919 + 50) % bytes.len();
        bytes[at] ^= 4;
        fs::write(path, bytes).unwrap();
        // The report as a whole would be enough.
        let store = StoreRequest { wants_states: true, ..StoreRequest::in_folder(bench.path("store")) };
        let with = report(ValidateRequest { store: Some(store), ..bench.request() });
        assert_same(&with, &report(bench.request()));
        let cache = with.cache.unwrap();
        assert!(cache.problems.iter().any(|problem| problem.contains("damaged")), "{path:?}: {cache:?}");
        assert!(cache.states_computed <= COLUMNS, "{path:?}: {cache:?}");
    }
}

#[test]
fn what_breaks_off_is_not_kept() {
    let bench = Bench::new(2);
    let path = bench.path("candidate/98.csv");
    let whole = zstd_of(&fs::read(&path).unwrap());
    fs::remove_file(&path).unwrap();
    fs::write(bench.path("candidate/98.csv.zst"), &whole[..whole.len() / 2]).unwrap();
    for _ in 0..2 {
        let (cache, broken) = bench.run();
        assert!(broken.integrity.iter().any(|row| row.check == "truncated_file" && row.count == 1));
        assert!(cache.states_computed >= COLUMNS, "{cache:?}");
    }
    // Of a golden that breaks off no grids and no lattices.
    let golden = bench.path("golden/98.csv");
    let packed = zstd_of(&fs::read(&golden).unwrap());
    fs::write(bench.path("golden/98.csv.zst"), &packed[..packed.len() / 2]).unwrap();
    fs::remove_file(&golden).unwrap();
    let names = || -> Vec<String> {
        let paths = files_below(&bench.path("store/states/tables"));
        paths.iter().map(|path| path.display().to_string()).collect()
    };
    let count = |end: &str| names().iter().filter(|name| name.contains(end)).count();
    let before = (count(".grids"), count("lattices"));
    bench.run();
    assert_eq!((count(".grids"), count("lattices")), before);
    fs::write(bench.path("candidate/98.csv.zst"), &whole).unwrap();
    fs::write(&golden, rows_of_golden()).unwrap();
    fs::remove_file(bench.path("golden/98.csv.zst")).unwrap();
    let (_, mended) = bench.run();
    assert!(mended.integrity.iter().all(|row| row.check != "truncated_file" || row.count == 0));
}

fn rows_of_golden() -> String {
    HEADER.to_owned() + &rows(1)[ROWS / 2..].concat()
}

fn files_below(path: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files_below(&path) } else { vec![path] }).collect()
}

fn zstd_of(bytes: &[u8]) -> Vec<u8> {
    let mut packed = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    packed.write_all(bytes).unwrap();
    packed.finish().unwrap()
}

/// Four row groups of a decimal and of a column that is none, whose values are others in each group. Of the column that is none the first
/// rows look like decimals.
fn write_two_columns(path: &Path, seed: i64) {
    const ROWS: i64 = 3_000;
    let properties = WriterProperties::builder().set_max_row_group_row_count(Some(ROWS as usize)).build();
    let all = || 0..4 * ROWS;
    let time: ArrayRef = Arc::new(TimestampNanosecondArray::from_iter_values(
        all().map(|i| 1_753_056_000_000_000_000 + i * 1_000_000_000),
    ));
    let cents: ArrayRef =
        Arc::new(all().map(|i| ((i * 7_919 + seed) % 1_009) as f64 / 100.0).collect::<Float64Array>());
    let ratio = |i: i64| {
        if i < 100 { 1.5 } else { 10_f64.powi((i / ROWS) as i32) * (1.0 + ((i * i + seed) % 997) as f64 / 7.0) }
    };
    let ratio: ArrayRef = Arc::new(all().map(ratio).collect::<Float64Array>());
    let batch = RecordBatch::try_from_iter([("time", time), ("cents", cents), ("ratio", ratio)]).unwrap();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
}

/// The rows that are gone with a damaged column are gone of all, also when lattices are chosen, whatever of that is known already.
#[test]
fn damage_in_one_column_costs_the_same_rows_of_the_others_cold_and_warm() {
    let bench = Bench { dir: tempfile::tempdir().unwrap() };
    let [golden, candidate] = ["golden/t.parquet", "candidate/t.parquet"].map(|name| bench.path(name));
    write_two_columns(&golden, 1);
    write_two_columns(&candidate, 2);
    let metadata = ParquetRecordBatchReaderBuilder::try_new(File::open(&golden).unwrap()).unwrap().metadata().clone();
    // The head of the first page of the decimals of the third group.
    let (at, _) = metadata.row_group(2).column(1).byte_range();
    let mut bytes = fs::read(&golden).unwrap();
    bytes[at as usize..][..20].fill(0xff);
    fs::write(&golden, bytes).unwrap();
    let of = |threads: usize, store: Option<StoreRequest>| {
        report(ValidateRequest { segment_bytes: 1, threads, store, ..bench.request() })
    };
    let alone = of(1, None);
    assert!(alone.integrity.iter().any(|row| row.check == "truncated_file" && row.count == 1));
    assert_eq!(alone.inputs[0].events, 9_000);
    assert_same(&of(3, None), &alone);
    for _ in 0..3 {
        let store = StoreRequest { wants_states: true, ..StoreRequest::in_folder(bench.path("store")) };
        assert_same(&of(2, Some(store)), &alone);
    }
}

/// A run of the table of row groups, of which parts are kept, and what it left.
fn recorded(bench: &Bench) -> (Report, Trace) {
    write_row_groups(bench);
    let store = Some(StoreRequest::in_folder(bench.path("store")));
    let request = ValidateRequest { format: Some(Format::Table), segment_bytes: 20_000, store, ..bench.request() };
    let request = ValidateRequest { suite: suite(), ..request };
    let (report, trace) = validate_traced(&request, &Meter::default()).unwrap();
    (report, trace.unwrap())
}

fn again(bench: &Bench, run: (&Report, &Trace), suite: &Suite) -> Option<(Report, Trace)> {
    again_in(bench, "store", run, suite)
}

fn again_in(bench: &Bench, store: &str, (report, trace): (&Report, &Trace), suite: &Suite) -> Option<(Report, Trace)> {
    let suite = suite_for(trace, suite.clone());
    let store = StoreRequest::in_folder(bench.path(store));
    let request = RecallRequest { trace: trace.clone(), suite: suite.clone(), store, threads: 2 };
    let Recalled::States(mut states) = recall_states(&request, &Meter::default()).unwrap() else { return None };
    let again = JudgeAgain {
        suite,
        maps: Vec::new(),
        inputs: report.inputs.clone(),
        settings: Default::default(),
        threads: 2,
        started: std::time::Instant::now(),
    };
    Some((states.judge(&again), states.trace().clone()))
}

#[test]
fn a_run_is_judged_again_without_its_files() {
    let bench = Bench { dir: tempfile::tempdir().unwrap() };
    let (first, trace) = recorded(&bench);
    assert!(trace.pieces() > 20 && trace.root.is_some() && trace.root == states_root(&trace), "{trace:?}");
    // Another suite leaves the lattices open, and has another error rate.
    let mut other = suite().unwrap();
    other.alpha = 0.01;
    let anew = ValidateRequest { format: Some(Format::Table), suite: Some(other.clone()), ..bench.request() };
    let anew = validate(&anew, &Meter::default()).unwrap();
    for side in ["golden", "candidate"] {
        fs::remove_dir_all(bench.path(side)).unwrap();
    }
    let (same, own) = again(&bench, (&first, &trace), &suite().unwrap()).unwrap();
    assert_same(&same, &first);
    assert_eq!(own, trace);
    assert_eq!((same.timing.messages, same.timing.bytes_read), (first.timing.messages, 0));
    let (again_, _) = again(&bench, (&first, &trace), &other).unwrap();
    assert_same(&again_, &anew);
    // Windows of another length were not kept.
    let longer = Suite { window_ns: Some(60_000_000_000), ..other };
    assert!(again(&bench, (&first, &trace), &longer).is_none());
}

/// What a run counted is not what another suite would: columns that it left out, and lattices that it was given.
#[test]
fn a_run_is_judged_under_another_suite_as_it_would_be_validated_or_not_at_all() {
    let bench = Bench::new(2);
    // A column of words for both, numbers in one row of a thousand: numeric only where it is asked for.
    for side in ["golden", "candidate"] {
        for name in ["99.csv", "98.csv"] {
            bench.edit(&format!("{side}/{name}"), |text| {
                let rows = text.lines().enumerate();
                let with = rows.map(|(i, line)| match i {
                    0 => format!("{line},note\n"),
                    _ if i % 1_000 == 1 => format!("{line},7\n"),
                    _ => format!("{line},n{i}\n"),
                });
                with.collect()
            });
        }
    }
    let full = suite().unwrap();
    let with_columns = |text: &str| {
        let text = format!("schema: verismo.suite/1\nname: x\ndata: table\nreplicates: 199\n{text}");
        Suite::parse(&text).unwrap()
    };
    let rule = "decide: ks, margins: {ks: 0.1}";
    let one = with_columns(&format!("observables:\n  - {{id: price, {rule}}}\n"));
    let pinned = with_columns(&format!(
        "observables:\n  - {{id: price, {rule}, lattice: {{ticks: 4}}}}\n  - {{id: note, {rule}, lattice: {{ticks: 0}}}}\n"
    ));
    let noted = with_columns(&format!(
        "observables:\n  - {{id: price, {rule}}}\n  - {{id: note, {rule}, lattice: {{ticks: 0}}}}\n"
    ));
    let suites = [full, one, pinned, noted];
    for (i, of_run) in suites.clone().iter().enumerate() {
        let store = Some(StoreRequest::in_folder(bench.path(&format!("store{i}"))));
        let request = ValidateRequest { suite: Some(of_run.clone()), store, ..bench.request() };
        let (report, trace) = validate_traced(&request, &Meter::default()).unwrap();
        let mut served = Vec::new();
        for suite in &suites {
            let anew = ValidateRequest { suite: Some(suite.clone()), ..bench.request() };
            let anew = validate(&anew, &Meter::default()).unwrap();
            let judged = again_in(&bench, &format!("store{i}"), (&report, trace.as_ref().unwrap()), suite);
            served.push(judged.is_some());
            if let Some((judged, _)) = judged {
                assert_same(&judged, &anew);
            }
        }
        // All columns of the first serve the second; the others lack columns, have them on other lattices, or looked for numbers in more.
        let want = [
            [true, true, false, false],
            [false, true, false, false],
            [false, false, true, false],
            [false, false, false, true],
        ];
        assert_eq!(served, want[i], "{i}");
    }
}

/// Windows of a given length are another observation, whichever is longer.
#[test]
fn states_in_other_windows_do_not_serve() {
    let bench = Bench::new(2);
    let long = Suite { window_ns: Some(60_000_000_000), ..suite().unwrap() };
    let store = Some(StoreRequest::in_folder(bench.path("store")));
    let request = ValidateRequest { suite: Some(long.clone()), store, ..bench.request() };
    let (report, trace) = validate_traced(&request, &Meter::default()).unwrap();
    let trace = trace.unwrap();
    assert_eq!(report.streams[0].window_s as i64, 60);
    assert_same(&again(&bench, (&report, &trace), &long).unwrap().0, &report);
    assert!(again(&bench, (&report, &trace), &suite().unwrap()).is_none());
    // A record that lost a lattice would leave its column out.
    let mut short = trace.clone();
    short.sides[0].groups[0].table.as_mut().unwrap().lattices.pop();
    assert!(again(&bench, (&report, &short), &long).is_none());
}

#[test]
fn of_several_errors_the_first_is_told_on_any_threads() {
    let bench = Bench::new(6);
    for name in ["97.csv", "95.csv"] {
        bench.edit(&format!("candidate/{name}"), |text| text.replacen("\n1753", "\nnoon1753", 40));
    }
    for threads in [1, 2, 3, 8] {
        let request = ValidateRequest { suite: suite(), threads, ..bench.request() };
        let error = validate(&request, &Meter::default()).unwrap_err().to_string();
        assert!(error.contains("97.csv") && error.contains("noon1753"), "{threads}: {error}");
    }
}

#[test]
fn parts_are_held_against_their_files() {
    let bench = Bench { dir: tempfile::tempdir().unwrap() };
    let (_, trace) = recorded(&bench);
    let request = |trace: &Trace| AuditRequest {
        run: "a".to_owned(),
        trace: trace.clone(),
        store: StoreRequest::in_folder(bench.path("store")),
        seed: "s".to_owned(),
        share: 1.0,
        threads: 2,
    };
    let told = audit(&request(&trace), None, &Meter::default()).unwrap();
    assert_eq!((told.equal, told.pieces), (trace.pieces(), trace.pieces()), "{told:?}");
    let found = canary(&request(&trace), &Meter::default()).unwrap();
    assert!(found.is_same_code && found.computed == trace.pieces(), "{found:?}");
    assert_eq!((found.states_changed, found.replays_changed, found.unchecked.len()), (0, 0, 0), "{found:?}");
    // What a run claims to have left, and did not.
    let mut other = trace.clone();
    other.sides[1].groups[0].pieces[3].states = other.sides[1].groups[0].pieces[4].states.clone();
    let told = audit(&request(&other), None, &Meter::default()).unwrap();
    assert_eq!((told.equal, told.different.len()), (trace.pieces() - 1, 1), "{told:?}");
    // A file of the candidate that is another.
    let file = trace.sides[1].files.iter().find(|file| file.path.ends_with("parquet")).unwrap();
    let mut bytes = fs::read(&file.path).unwrap();
    bytes[5_000] ^= 1;
    fs::write(&file.path, bytes).unwrap();
    let told = audit(&request(&trace), None, &Meter::default()).unwrap();
    assert!(
        told.equal < trace.pieces() && told.different.iter().all(|piece| piece.why.contains("changed")),
        "{told:?}"
    );
    assert_eq!(told.equal + told.different.len() as u64, trace.pieces(), "{told:?}");
    assert_eq!(suite_of(&trace).unwrap().name, "table");
}
