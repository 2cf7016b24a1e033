//! The runs of a ledger, and one finding over them, for a terminal.

use anstyle::Style;
use verismo_suite::catalogue::TestId;
use verismo_suite::runs::{Point, Run, RunList, Series, Trend};

use crate::bar::{Axis, line};
use crate::layout::{Align, Cell, Column, Row, clean, paint, table};
use crate::number::{duration, interval, optional, percent, short_count};
use crate::text::{TextStyle, verdict_style};

/// Width of the bars of a trend.
const BAR_CELLS: usize = 32;

const fn column(title: &'static str, align: Align, width_min: usize, expendable: u8) -> Column {
    Column { title, align, width_min, expendable }
}

const RUN_COLUMNS: [Column; 10] = [
    column("run", Align::Left, 0, 0),
    column("when (UTC)", Align::Left, 0, 0),
    column("verdict", Align::Left, 0, 0),
    column("suite", Align::Left, 10, 1),
    column("golden", Align::Left, 12, 4),
    column("candidate", Align::Left, 12, 0),
    column("messages", Align::Right, 0, 3),
    column("took", Align::Right, 0, 5),
    column("cached", Align::Right, 0, 6),
    column("judged again", Align::Left, 0, 2),
];

/// The runs for a terminal, a line each.
pub fn runs_text(list: &RunList, style: &TextStyle) -> String {
    let rows: Vec<Row> = list.runs.iter().map(run_row).collect();
    table(&RUN_COLUMNS, &rows, style.width, style.colour)
}

fn run_row(run: &Run) -> Row {
    Row::Cells(vec![
        Cell::new(clean(&run.id)),
        Cell::new(minute(&run.started)),
        Cell::styled(run.verdict.as_str(), verdict_style(run.verdict.into())),
        Cell::new(clean(&run.suite)),
        Cell::new(places(&run.golden)),
        Cell::new(places(&run.candidate)),
        Cell::new(short_count(run.messages)),
        Cell::new(duration(run.seconds)),
        Cell::new(run.cached_share.map(percent).unwrap_or_default()),
        Cell::new(run.parent.as_deref().map(clean).unwrap_or_default()),
    ])
}

/// `2026-11-30 09:58` of a time of RFC 3339.
fn minute(started: &str) -> String {
    clean(started).chars().take(16).collect::<String>().replacen('T', " ", 1)
}

/// The end of the first path, which tells apart what lies in one folder, and how many more there are.
fn places(paths: &[String]) -> String {
    let Some(first) = paths.first() else { return "-".to_owned() };
    let end = first.trim_end_matches('/').rsplit('/').next().unwrap_or(first);
    let more = if paths.len() > 1 { format!(" +{}", paths.len() - 1) } else { String::new() };
    format!("{}{more}", clean(end))
}

const POINT_COLUMNS: [Column; 7] = [
    column("run", Align::Left, 0, 0),
    column("when (UTC)", Align::Left, 0, 2),
    column("effect", Align::Right, 0, 0),
    column("", Align::Left, 0, 1),
    column("interval", Align::Left, 0, 3),
    column("margin", Align::Right, 0, 4),
    column("verdict", Align::Left, 0, 0),
];

/// A trend for a terminal: a line a run, all of one series on one axis, with the margin drawn into it.
pub fn trend_text(trend: &Trend, style: &TextStyle) -> String {
    let mut out = String::new();
    for (i, series) in trend.series.iter().enumerate() {
        if i > 0 {
            out.push('\n');
        }
        let title = title(&trend.observable, series);
        out.push_str(&format!("{}\n", paint(&title, Style::new().bold(), style.colour)));
        let axis = axis(series);
        let rows: Vec<Row> = series.points.iter().map(|point| point_row(point, &axis)).collect();
        out.push_str(&table(&POINT_COLUMNS, &rows, style.width, style.colour));
    }
    out
}

/// `spread ks of BTCUSDT, suite market, paired, in ticks`.
fn title(observable: &str, series: &Series) -> String {
    let parameter = series.parameter.as_ref().map(|p| format!(" {p}")).unwrap_or_default();
    let parts = [
        format!("{observable} {}{parameter} of {}", series.test, series.stream),
        format!("suite {}", series.suite),
        series.stratum.clone(),
    ];
    clean(&parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", "))
}

fn axis(series: &Series) -> Axis {
    let numbers = series.points.iter().filter_map(drawn);
    let numbers: Vec<f64> = numbers.flat_map(|(effect, [low, high], margin)| [effect, low, high, margin]).collect();
    let is_signed = TestId::from_name(&series.test).is_some_and(|test| test.info().signed);
    Axis::new(&numbers, is_signed, BAR_CELLS)
}

/// What of a point can be drawn.
fn drawn(point: &Point) -> Option<(f64, [f64; 2], f64)> {
    let (effect, [low, high], margin) = (point.effect?, point.interval?, point.margin?);
    [effect, low, high, margin].iter().all(|x| x.is_finite()).then_some((effect, [low, high], margin))
}

fn point_row(point: &Point, axis: &Axis) -> Row {
    let bar = drawn(point).map(|(effect, interval, margin)| line(axis, effect, interval, margin));
    Row::Cells(vec![
        Cell::new(clean(&point.run)),
        Cell::new(minute(&point.started)),
        Cell::new(optional(point.effect)),
        Cell::new(bar.unwrap_or_default()),
        Cell::new(point.interval.map_or_else(|| "-".to_owned(), interval)),
        Cell::new(optional(point.margin)),
        Cell::styled(point.verdict.as_str(), verdict_style(point.verdict)),
    ])
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use verismo_suite::runs::{RUNS_SCHEMA, TREND_SCHEMA};
    use verismo_suite::{FindingVerdict, Verdict};

    use super::*;

    fn run(id: &str, verdict: Verdict) -> Run {
        Run {
            id: id.into(),
            started: "2026-11-30T09:58:40.123Z".into(),
            parent: None,
            verdict,
            digest: "d".into(),
            suite: "market".into(),
            suite_digest: "s".into(),
            version: "0.1.0".into(),
            golden: vec!["data/golden/".into()],
            candidate: vec!["a/x.parquet".into(), "a/\u{1b}y.parquet".into()],
            messages: 1_234_567,
            events: 0,
            seconds: 1.5,
            cpu_seconds: None,
            bytes_read: 0,
            peak_memory_bytes: None,
            cached_share: None,
        }
    }

    fn point(id: &str, effect: Option<f64>, verdict: FindingVerdict) -> Point {
        Point {
            run: id.into(),
            started: "2026-11-30T09:58:40.123Z".into(),
            effect,
            interval: effect.map(|e| [e - 0.01, e + 0.01]),
            margin: Some(0.05),
            verdict,
        }
    }

    #[test]
    fn a_run_is_a_line() {
        let mut list = RunList {
            schema: RUNS_SCHEMA.into(),
            runs: vec![run("01jd0000000ab", Verdict::Fail), run("01jd0000000aa", Verdict::Pass)],
        };
        // A first line without an indent keeps that of the table.
        expect![[r#"
            runs
              run            when (UTC)        verdict  suite   golden  candidate     messages   took
              01jd0000000ab  2026-11-30 09:58  FAIL     market  golden  x.parquet +1     1.23M  1.5 s
              01jd0000000aa  2026-11-30 09:58  PASS     market  golden  x.parquet +1     1.23M  1.5 s
        "#]]
        .assert_eq(&format!("runs\n{}", runs_text(&list, &TextStyle::default())));
        list.runs[0].parent = Some("01jd0000000aa".into());
        let wide = runs_text(&list, &TextStyle { width: 160, ..TextStyle::default() });
        assert!(wide.lines().nth(1).unwrap().ends_with("1.5 s  01jd0000000aa"), "{wide}");
        list.runs[0].cached_share = Some(0.97);
        let wide = runs_text(&list, &TextStyle { width: 160, ..TextStyle::default() });
        assert!(wide.contains("97 %"), "{wide}");
        for width in [60, 80] {
            let narrow = runs_text(&list, &TextStyle { width, ..TextStyle::default() });
            assert!(narrow.lines().all(|l| l.chars().count() <= width), "{narrow}");
        }
    }

    #[test]
    fn the_points_of_a_series_lie_on_one_axis() {
        let points = vec![
            point("01jd0000000aa", Some(0.02), FindingVerdict::Pass),
            point("01jd0000000ab", None, FindingVerdict::Inconclusive),
            point("01jd0000000ac", Some(0.2), FindingVerdict::Fail),
        ];
        let series = Series {
            suite: "market".into(),
            stream: "BTCUSDT".into(),
            test: "ks".into(),
            parameter: None,
            stratum: "paired".into(),
            unit: "ticks".into(),
            points,
        };
        let mut trend = Trend { schema: TREND_SCHEMA.into(), observable: "spread".into(), series: vec![series] };
        expect![[r#"
            spread ks of BTCUSDT, suite market, paired
              run            when (UTC)        effect                                    interval      margin  verdict
              01jd0000000aa  2026-11-30 09:58    0.02  ─━━◆━──┃························  [0.01, 0.03]    0.05  PASS
              01jd0000000ab  2026-11-30 09:58       -                                    -               0.05  INCONCLUSIVE
              01jd0000000ac  2026-11-30 09:58     0.2  ───────┃··················━◆━━··  [0.19, 0.21]    0.05  FAIL
        "#]].assert_eq(&trend_text(&trend, &TextStyle { width: 120, ..TextStyle::default() }));
        for point in &mut trend.series[0].points {
            (point.effect, point.interval, point.margin) = (Some(0.0), Some([0.0, 0.0]), Some(0.0));
        }
        assert!(trend_text(&trend, &TextStyle::default()).contains('◆'), "equal data and no margin");
    }
}
