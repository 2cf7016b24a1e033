//! Tables: any rows with a time column, every numeric column an observable.
//!
//! The golden is read twice: once to freeze the lattice of each column that the suite leaves open, once to count. The
//! lattice is chosen from the whole golden (a sample by hash and the decimal places of all values), so cuts do not matter. Files, and parts
//! of long ones, are looked at side by side; what a store has of them is not read again.

mod kept;
mod observer;
mod profile;
mod recorded;
mod side;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use verismo_feed::table::{TableBatch, TableOptions};
use verismo_market::observe::WINDOW_SHORT_NS;
use verismo_stats::lattice::Lattice;
use verismo_suite::catalogue::LatticeSpec;
use verismo_suite::suite::Suite;

use crate::census::Census;
use crate::chain::Vault;
use crate::error::EngineError;
use crate::meter::Meter;
use crate::plan::Plan;
use crate::validate::{SideResult, ValidateRequest};
use kept::Shelf;
use observer::TIME_RANGE_NS;
use side::Table;

pub(crate) use recorded::{RecordedTable, is_code_of, is_whole, suite_for};

/// What the steps of a run share.
struct Run<'a> {
    options: TableOptions,
    threads: usize,
    shelf: Option<Shelf<'a>>,
    meter: &'a Meter,
}

impl<'a> Run<'a> {
    fn of(request: &ValidateRequest, vault: Option<&'a Vault<'a>>, meter: &'a Meter) -> Self {
        let mut options = TableOptions::with_time(request.time.clone());
        options.part_bytes = request.segment_bytes;
        let shelf = vault.map(|vault| Shelf::new(vault, request));
        Self { options, threads: request.threads.max(1), shelf, meter }
    }

    /// Does `n` pieces of work on the threads of the run; what comes of them in their order, and what each thread gathered. After an error what
    /// is behind it is not begun any more.
    ///
    /// # Errors
    /// The first one in the order of the work, on any number of threads; [`EngineError::Interrupted`].
    fn each<T: Send, A: Default + Send>(
        &self,
        n: usize,
        work: impl Fn(usize, &mut A) -> Result<T, EngineError> + Sync,
    ) -> Result<(Vec<T>, Vec<A>), EngineError> {
        let (next, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
        let done: Vec<Mutex<Option<Result<T, EngineError>>>> = (0..n).map(|_| Mutex::new(None)).collect();
        let turns = || {
            let mut gathered = A::default();
            while !is_over.load(Ordering::Relaxed) && !self.meter.is_cancelled() {
                // Whatever comes before in order has been begun.
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(place) = done.get(at) else { break };
                let came = work(at, &mut gathered);
                is_over.fetch_or(came.is_err(), Ordering::Relaxed);
                *place.lock().unwrap_or_else(PoisonError::into_inner) = Some(came);
            }
            gathered
        };
        let gathered = if self.threads <= 1 || n <= 1 {
            vec![turns()]
        } else {
            std::thread::scope(|scope| {
                let threads: Vec<_> = (0..self.threads.min(n)).map(|_| scope.spawn(turns)).collect();
                let ended = threads.into_iter().map(|thread| thread.join());
                ended.map(|ended| ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
            })
        };
        let done = done.into_iter().filter_map(|place| place.into_inner().unwrap_or_else(PoisonError::into_inner));
        let done = done.collect::<Result<Vec<T>, _>>()?;
        if self.meter.is_cancelled() {
            return Err(EngineError::Interrupted { messages: self.meter.messages() });
        }
        Ok((done, gathered))
    }
}

/// Observes both sides; also gives the suite with the lattices that were frozen.
pub(crate) fn observe_both(
    plan: &Plan,
    request: &ValidateRequest,
    suite: &Suite,
    vault: Option<&Vault<'_>>,
    meter: &Meter,
) -> Result<(SideResult, SideResult, Suite), EngineError> {
    let run = Run::of(request, vault, meter);
    let [golden, candidate] = [("golden", &plan.golden), ("candidate", &plan.candidate)]
        .map(|(side, part)| Table::look(&run, side, &part.inventory.sources));
    let tables = [golden?, candidate?];
    let (suite, frozen) = freeze(&run, &tables[0], suite, &|_| {})?;
    let (lattices, window_ns) = (lattices(&suite)?, suite.window_ns.unwrap_or(WINDOW_SHORT_NS));
    let [golden, candidate] = side::count(&run, &tables, (&lattices, &frozen), window_ns)?;
    Ok((golden.into_side()?, candidate.into_side()?, suite))
}

/// Observes one table alone; its rows and their times are counted in `census`.
pub(crate) fn observe_one(
    side: &'static str,
    plan: &Plan,
    request: &ValidateRequest,
    suite: &Suite,
    census: &mut Census,
    meter: &Meter,
) -> Result<(SideResult, Suite), EngineError> {
    let run = Run::of(request, None, meter);
    let tables = [Table::look(&run, side, &plan.golden.inventory.sources)?];
    let counted = Mutex::new(census);
    let look = |batch: &TableBatch| {
        let mut census = counted.lock().unwrap_or_else(PoisonError::into_inner);
        for &t_ns in batch.t_ns.iter().filter(|t_ns| TIME_RANGE_NS.contains(t_ns)) {
            census.message(t_ns);
        }
    };
    let (suite, frozen) = freeze(&run, &tables[0], suite, &look)?;
    let (lattices, window_ns) = (lattices(&suite)?, suite.window_ns.unwrap_or(WINDOW_SHORT_NS));
    let [observed] = side::count(&run, &tables, (&lattices, &frozen), window_ns)?;
    Ok((observed.into_side()?, suite))
}

/// The suite with a lattice for every column of the golden, and those lattices; `look` is shown every batch.
fn freeze(
    run: &Run<'_>,
    golden: &Table<'_>,
    suite: &Suite,
    look: &profile::Look<'_>,
) -> Result<(Suite, BTreeMap<String, Lattice>), EngineError> {
    let lattices = profile::lattices(run, golden, look)?;
    Ok((with_lattices(suite, &lattices), lattices))
}

/// A suite with these lattices where it leaves them open.
fn with_lattices(suite: &Suite, lattices: &BTreeMap<String, Lattice>) -> Suite {
    let specs = lattices.iter().map(|(name, lattice)| (name.clone(), LatticeSpec::from_lattice(lattice)));
    suite.with_columns(&specs.collect::<Vec<_>>())
}

fn lattices(suite: &Suite) -> Result<BTreeMap<String, Lattice>, EngineError> {
    let mut lattices = BTreeMap::new();
    for rule in &suite.observables {
        if let Some(spec) = &rule.lattice {
            let lattice = spec.to_lattice().map_err(|error| EngineError::Internal { detail: error.to_string() })?;
            lattices.insert(rule.id.clone(), lattice);
        }
    }
    Ok(lattices)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::identity::{Identities, Stamp};
    use crate::{StoreRequest, validate};

    fn packed(rows: std::ops::Range<i64>, places: usize) -> Vec<u8> {
        let row = |i: i64| {
            let t_ns = 1_753_056_000_000_000_000 + i * 1_000_000_000;
            let price = (i * 7_919 % 1_009) as f64 / 100.0 + if places > 2 { 0.001 } else { 0.0 };
            format!("{t_ns},{price:.places$},{}\n", (i * i % 97) as f64 / 7.0)
        };
        let text = format!("time,price,change\n{}", rows.map(row).collect::<String>());
        zstd::encode_all(text.as_bytes(), 1).unwrap()
    }

    /// A disk that gives less than it gave before: what is found in the store is of more rows than can be read now.
    #[test]
    fn a_read_that_breaks_off_is_told_and_not_kept() {
        let dir = tempfile::tempdir().unwrap();
        let [golden, candidate, home] = ["g.csv.zst", "c.csv.zst", "store"].map(|name| dir.path().join(name));
        let whole = packed(0..20_000, 2);
        std::fs::write(&candidate, &whole).unwrap();
        let report = |store: bool| {
            let store = store.then(|| StoreRequest { wants_states: true, ..StoreRequest::in_folder(&home) });
            let suite = Some(Suite { replicates: 99, ..Suite::builtin("table").unwrap() });
            let request =
                ValidateRequest { suite, store, ..ValidateRequest::new(vec![golden.clone()], vec![candidate.clone()]) };
            validate(&request, &Meter::default()).unwrap()
        };
        let same = || {
            std::thread::sleep(Duration::from_millis(100));
            let (with, without) = (report(true), report(false));
            assert_eq!(with.digest, without.digest);
            assert_eq!(format!("{:?}", with.integrity), format!("{:?}", without.integrity));
            with
        };
        std::fs::write(&golden, packed(0..20_000, 2)).unwrap();
        same();
        let digest = Identities::open(None, true).digest_of(&candidate).unwrap();
        // The price has finer places: of the candidate that column is missing, and half of it cannot be read.
        std::fs::write(&golden, packed(0..20_000, 3)).unwrap();
        std::fs::write(&candidate, &whole[..whole.len() / 2]).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        let stamp = Stamp::of_path(&candidate).unwrap();
        Identities::open(Some(&home), false).remember(&candidate, &stamp, &digest);
        let broken = same();
        assert!(broken.integrity.iter().any(|row| row.check == "truncated_file" && row.count == 1));
        assert!(broken.cache.unwrap().states_reused > 0);
        std::fs::write(&candidate, &whole).unwrap();
        let mended = same();
        assert!(mended.integrity.iter().all(|row| row.check != "truncated_file" || row.count == 0));
        assert_eq!(mended.inputs[1].events, 20_000);
        // Half of a golden whose states are all there, and whose grids are looked for once more.
        let whole = std::fs::read(&golden).unwrap();
        let digest = Identities::open(None, true).digest_of(&golden).unwrap();
        std::fs::write(&golden, &whole[..whole.len() / 2]).unwrap();
        std::thread::sleep(Duration::from_millis(100));
        let stamp = Stamp::of_path(&golden).unwrap();
        Identities::open(Some(&home), false).remember(&golden, &stamp, &digest);
        let of_grids = |path: &std::path::PathBuf| path.extension().is_some_and(|e| e == "grids");
        let n_removed = walk(&home).into_iter().filter(of_grids);
        assert!(n_removed.map(|path| std::fs::remove_file(path).unwrap()).count() > 0);
        let broken = same();
        assert!(broken.integrity.iter().any(|row| row.check == "truncated_file" && row.count == 1));
        assert!(!walk(&home).iter().any(of_grids));
    }

    fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        entries.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect()
    }
}
