//! Everything at a glance: a line per observable with its interval against the margin, and the effect over time.

use std::fmt::Write as _;

use verismo_suite::FindingVerdict;
use verismo_suite::report::{Finding, Picture, Report, Stretch, TimeStrip};

use super::page::{chip, escape, verdict_class};
use super::svg::Path;
use crate::number::{self, measured};
use crate::outline;

/// One observable on one stream: its findings, the deciding one first, and its picture.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject<'a> {
    /// Number of the part of the page that shows it.
    pub(super) number: usize,
    /// Its findings; never empty.
    pub(super) findings: &'a [Finding],
    /// What its figures are drawn from.
    pub(super) picture: Option<&'a Picture>,
}

impl<'a> Subject<'a> {
    /// The worst finding that decides, where several lags do; the first where none does.
    pub(super) fn deciding(&self) -> &'a Finding {
        let deciding = self.findings.iter().filter(|f| f.deciding);
        let worst = deciding.min_by(|a, b| rank(a).cmp(&rank(b)).then(reach(b).total_cmp(&reach(a))));
        worst.unwrap_or(&self.findings[0])
    }
}

/// How early a finding is shown: the run's verdict first, then what is over a margin without deciding, then the rest.
fn rank(f: &Finding) -> u8 {
    let decides = outline::decides_run(f);
    match f.verdict {
        FindingVerdict::Error if decides => 0,
        FindingVerdict::Fail if decides => 1,
        FindingVerdict::Inconclusive if decides => 2,
        FindingVerdict::Error | FindingVerdict::Fail => 3,
        FindingVerdict::Inconclusive => 4,
        FindingVerdict::Pass => 5,
        FindingVerdict::NotApplicable => 6,
    }
}

/// How far the interval reaches, in margins.
fn reach(f: &Finding) -> f64 {
    share_of_margin(f).map_or(0.0, |(_, high, _)| high)
}

/// The observables of a report in the order in which they are shown; findings of one observable on one stream lie together.
pub(super) fn subjects(report: &Report) -> Vec<Subject<'_>> {
    let key = |f: &Finding| (f.stream.clone(), f.observable.clone());
    let pictures: std::collections::BTreeMap<(&str, &str), &Picture> =
        report.pictures.iter().map(|p| ((p.stream.as_str(), p.observable.as_str()), p)).collect();
    let mut out: Vec<Subject<'_>> = report
        .findings
        .chunk_by(|a, b| key(a) == key(b))
        .map(|findings| {
            let first = &findings[0];
            let picture = pictures.get(&(first.stream.as_str(), first.observable.as_str())).copied();
            Subject { number: 0, findings, picture }
        })
        .collect();
    out.sort_by(|a, b| {
        let (a, b) = (a.deciding(), b.deciding());
        rank(a).cmp(&rank(b)).then(reach(b).total_cmp(&reach(a)))
    });
    for (number, subject) in out.iter_mut().enumerate() {
        subject.number = number;
    }
    out
}

/// Lower end, upper end and estimate of the size of an effect, in margins; the lower end is 0 where the interval holds 0.
fn share_of_margin(finding: &Finding) -> Option<(f64, f64, f64)> {
    let (margin, effect) = (finding.margin.filter(|m| *m > 0.0)?, finding.effect?);
    let [low, high] = finding.interval.unwrap_or([effect, effect]);
    let size = if low > 0.0 || high < 0.0 { low.abs().min(high.abs()) } else { 0.0 };
    Some((size / margin, low.abs().max(high.abs()) / margin, effect.abs() / margin))
}

/// The overview. Strips are left out where there are very many lines.
pub(super) fn overview(subjects: &[Subject<'_>], several_streams: bool, with_strips: bool) -> String {
    let mut out = String::new();
    out.push_str(&tools(subjects));
    out.push_str("<div class=\"over\" id=\"over\" role=\"table\" aria-label=\"Observables\">\n");
    let axis = if with_strips { time_axis(subjects) } else { String::new() };
    let _ = writeln!(
        out,
        "<div class=\"r hd\" role=\"row\"><span role=\"columnheader\">verdict</span><span role=\"columnheader\">observable</span>\
         <span role=\"columnheader\">effect with interval; line: margin</span>\
         <span role=\"columnheader\" class=\"tax\">{axis}</span><span role=\"columnheader\">effect [interval] / margin</span></div>"
    );
    for subject in subjects {
        out.push_str(&line(subject, several_streams, with_strips));
    }
    out.push_str("</div>\n");
    if with_strips {
        out.push_str(LEGEND);
    }
    out
}

/// Buttons and a search field; shown by the script, which they need.
fn tools(subjects: &[Subject<'_>]) -> String {
    let count = |wanted: &[FindingVerdict]| subjects.iter().filter(|s| wanted.contains(&s.deciding().verdict)).count();
    use FindingVerdict::{Error, Fail, Inconclusive, NotApplicable, Pass};
    let mut out = String::from("<div class=\"tools\" data-scope=\"#over\" hidden>");
    let all = format!("All {}", subjects.len());
    let _ = write!(out, "<button type=\"button\" data-only=\"\" aria-pressed=\"true\">{all}</button>");
    for (classes, word, wanted) in [
        ("f e i", "Not passed", &[Fail, Error, Inconclusive][..]),
        ("p", "PASS", &[Pass][..]),
        ("na", "Not applicable", &[NotApplicable][..]),
    ] {
        let n = count(wanted);
        if n > 0 {
            let _ = write!(
                out,
                "<button type=\"button\" data-only=\"{classes}\" aria-pressed=\"false\">{word} {n}</button>"
            );
        }
    }
    out.push_str("<input type=\"search\" placeholder=\"Name\" aria-label=\"Filter by name\"><output></output></div>\n");
    out
}

fn line(subject: &Subject<'_>, several_streams: bool, with_strips: bool) -> String {
    let f = subject.deciding();
    let class = verdict_class(f.verdict);
    let stream = if several_streams { format!("<small> {}</small>", escape(&f.stream)) } else { String::new() };
    let name = format!("{} {}", f.observable, if several_streams { f.stream.as_str() } else { "" });
    let mut out = format!(
        "<div class=\"r\" role=\"row\" data-v=\"{class}\" data-n=\"{}\"><span role=\"cell\">{}</span>\
         <span role=\"cell\" class=\"ob\"><a href=\"#o{}\">{}</a> <small>{}</small>{stream}</span>",
        escape(name.trim_end()),
        chip(f.verdict, &outline::verdict_label(f)),
        subject.number,
        escape(&f.observable),
        escape(&outline::test_name(f)),
    );
    if with_strips {
        let time = subject.picture.and_then(|p| p.time.as_ref());
        let _ = write!(
            out,
            "<span role=\"cell\" class=\"w\">{}</span><span role=\"cell\" class=\"w\">{}</span>",
            interval_strip(f),
            time.map(heat_strip).unwrap_or_default()
        );
    } else {
        out.push_str("<span role=\"cell\"></span><span role=\"cell\"></span>");
    }
    let _ = writeln!(out, "<span role=\"cell\" class=\"nu w\">{}</span></div>", numbers(f));
    out
}

fn numbers(f: &Finding) -> String {
    let Some(effect) = f.effect else { return escape(&shortened(&f.reason, 60)) };
    let interval = f.interval.map(|i| format!(" {}", number::interval(i))).unwrap_or_default();
    let margin = f.margin.map(|m| format!(" / {}", measured(m))).unwrap_or_default();
    format!("<b>{}</b>{interval}{margin}", measured(effect))
}

/// The first characters of a text, with an ellipsis where something is missing.
fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut out: String = text.chars().take(most.saturating_sub(1)).collect();
    out.push('\u{2026}');
    out
}

/// Largest size drawn, in margins.
const REACH: f64 = 2.5;

/// Interval, estimate and margin of an effect, by size: the margin lies at the same place in every line.
fn interval_strip(f: &Finding) -> String {
    let Some((low, high, effect)) = share_of_margin(f) else { return String::new() };
    let x = |size: f64| (400.0 * size.min(REACH) / REACH).round();
    let (mut line, mut tick, mut limit, mut area) =
        (Path::default(), Path::default(), Path::default(), Path::default());
    area.rectangle(0.0, 0.0, x(1.0), 20.0);
    if f.interval.is_some() {
        line.move_to(x(low), 10.0);
        line.line_to(x(high).max(x(low) + 2.0), 10.0);
    }
    tick.move_to(x(effect).max(1.0), 3.0);
    tick.line_to(x(effect).max(1.0), 17.0);
    limit.move_to(x(1.0), 0.0);
    limit.line_to(x(1.0), 20.0);
    format!(
        "<svg class=\"strip\" viewBox=\"0 0 400 20\" preserveAspectRatio=\"none\" role=\"img\" aria-label=\"{} of the margin\">{}{}{}{}</svg>",
        number::percent(effect),
        area.element("ib"),
        line.element(&format!("iv {}", verdict_class(f.verdict))),
        tick.element("ie"),
        limit.element("im"),
    )
}

/// The effect over time as a row of cells, four kinds, told apart without colours by a notch and a dash.
pub(super) fn heat_strip(time: &TimeStrip) -> String {
    let mut cells: [Path; 4] = Default::default();
    let (mut notches, mut empty, mut gaps) = (Path::default(), Path::default(), Path::default());
    let n = time.effects.len();
    let mut i = 0;
    while i < n {
        let kind = time.stretch(i);
        let one_sided = time.is_one_sided(i);
        let same = |j: &usize| time.stretch(*j) == kind && time.is_one_sided(*j) == one_sided;
        let end = (i + 1..n).find(|j| !same(j)).unwrap_or(n);
        let (x, width) = (10.0 * i as f64, 10.0 * (end - i) as f64);
        match kind {
            Stretch::Empty => {
                let path = if one_sided { &mut gaps } else { &mut empty };
                path.move_to(x, 10.0);
                path.line_to(x + width, 10.0);
            }
            kind => {
                let class = usize::from(kind as u8).saturating_sub(1).min(3);
                cells[class].rectangle(x, 0.0, width, 20.0);
                if kind == Stretch::Beyond {
                    notches.rectangle(x, 8.0, width, 4.0);
                }
            }
        }
        i = end;
    }
    let drawn: String = cells.iter().zip(["s0", "s1", "s2", "s3"]).map(|(path, class)| path.element(class)).collect();
    let effects: Vec<String> = time.effects.iter().map(|e| e.map_or(String::new(), short)).collect();
    let beyond = (0..n).filter(|&i| time.stretch(i) == Stretch::Beyond).count();
    let margin = time.margin.map(|m| format!(" {}", short(m))).unwrap_or_default();
    format!(
        "<svg class=\"strip hm\" viewBox=\"0 0 {} 20\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{beyond} of {n} stretches beyond the margin\" data-t=\"{} {}{margin}\" data-e=\"{}\">{drawn}{}{}{}</svg>",
        10 * n,
        time.from_ns.div_euclid(1_000_000_000),
        time.step_ns.div_euclid(1_000_000_000).max(1),
        effects.join(","),
        notches.element("sn"),
        empty.element("sx"),
        gaps.element("so"),
    )
}

/// Three digits without a leading zero: strips hold many.
fn short(x: f64) -> String {
    let text = measured(x).replace(',', "");
    text.strip_prefix("0.").map_or(text.clone(), |rest| format!(".{rest}"))
}

/// First and last time of the strips, when they share one axis.
fn time_axis(subjects: &[Subject<'_>]) -> String {
    let mut axes = subjects.iter().filter_map(|s| s.picture?.time.as_ref()).map(|t| {
        let n = i64::try_from(t.effects.len()).unwrap_or(0);
        (t.from_ns, t.from_ns.saturating_add(t.step_ns.saturating_mul(n)))
    });
    let Some(first) = axes.next() else { return String::new() };
    let near = |a: i64, b: i64| a.abs_diff(b) <= first.1.abs_diff(first.0) / 20;
    if !axes.all(|(from, to)| near(from, first.0) && near(to, first.1)) {
        return "<span>effect over each stream's time</span>".to_owned();
    }
    let words = |ns: i64| number::utc(ns).get(..16).unwrap_or_default().to_owned();
    format!("<span>{}</span><span>{} UTC</span>", words(first.0), words(first.1).get(11..).unwrap_or_default())
}

const LEGEND: &str = "<ul class=\"legend\"><li>Over time, against the margin:</li>\
<li><svg viewBox=\"0 0 22 14\" aria-hidden=\"true\"><path class=\"s0\" d=\"M0 0h22v14h-22z\"/></svg>within noise</li>\
<li><svg viewBox=\"0 0 22 14\" aria-hidden=\"true\"><path class=\"s1\" d=\"M0 0h22v14h-22z\"/></svg>differs, inside the margin</li>\
<li><svg viewBox=\"0 0 22 14\" aria-hidden=\"true\"><path class=\"s2\" d=\"M0 0h22v14h-22z\"/></svg>over the margin, noise could be why</li>\
<li><svg viewBox=\"0 0 22 14\" aria-hidden=\"true\"><path class=\"s3\" d=\"M0 0h22v14h-22z\"/><path class=\"sn\" d=\"M0 6h22v3h-22z\"/></svg>beyond the margin and noise</li>\
<li><svg viewBox=\"0 0 22 14\" aria-hidden=\"true\"><path class=\"sx\" d=\"M0 7h22\"/></svg>too little to say</li>\
<li><svg viewBox=\"0 0 22 14\" aria-hidden=\"true\"><path class=\"so\" d=\"M0 7h22\"/></svg>only one side has data</li></ul>\n";
