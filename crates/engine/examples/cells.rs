//! tmp
use verismo_engine::*;
use verismo_judge::SeriesWindows;
fn main() {
    let p: Vec<std::path::PathBuf> = std::env::args().skip(1).map(Into::into).collect();
    let plan = Plan::golden_only(&p, None).unwrap();
    let _ = plan;
    let req = ValidateRequest {
        golden: p,
        candidate: vec![],
        suite: None,
        format: None,
        time: None,
        tz: None,
        date: None,
        symbol: None,
        maps: vec![],
        threads: 2,
        settings: Default::default(),
    };
    let meter = Meter::default();
    let (side, _) = observe_golden(&req, &meter).unwrap();
    for s in &side.streams {
        for (id, series) in &s.series {
            if let SeriesWindows::Cells(w) = &series.windows {
                let c: usize = w.iter().map(|(_, c)| c.len()).sum();
                let n: u64 = w.iter().flat_map(|(_, c)| c.iter().map(|(_, n)| *n)).sum();
                let mut k: Vec<i64> = w.iter().flat_map(|(_, c)| c.iter().map(|(k, _)| *k)).collect();
                k.sort();
                k.dedup();
                println!(
                    "{id:24} windows {} cells {} obs {} keys {} range {:?}",
                    w.len(),
                    c,
                    n,
                    k.len(),
                    k.last().unwrap_or(&0) - k.first().unwrap_or(&0)
                );
            }
        }
    }
}
