//! A profile of a data set as a page: the same facts as the text, all of them, with the range of every observable drawn.

use verismo_suite::FindingVerdict;
use verismo_suite::profile::{ObservableProfile, Profile, StreamProfile};
use verismo_suite::report::IntegrityRow;

use super::page::{Page, chip, escape, folded, paragraph, prose_table, section, table};
use super::rest;
use super::svg::Path;
use crate::number::{bytes, count, duration, measured, optional};
use crate::profile::{facts, plural};

/// Streams shown in full; a page must stay a page.
const STREAMS_MAX: usize = 100;
/// Rows over a limit, shown at most.
const ROWS_MAX: usize = 200;
/// Width and height of a strip, units of the drawing.
const STRIP: (f64, f64) = (1_000.0, 100.0);

/// The profile as an HTML document.
pub fn profile_html(profile: &Profile) -> String {
    let mut body = String::new();
    let several = profile.streams.len() > 1;
    for (i, stream) in profile.streams.iter().take(STREAMS_MAX).enumerate() {
        let part = stream_part(profile, stream);
        body.push_str(&if several {
            let summary = format!("<b>{}</b> {}", escape(&stream.name), escape(&count(stream.messages)));
            folded(&summary, &part, i == 0)
        } else {
            part
        });
    }
    if let Some(more @ 1..) = profile.streams.len().checked_sub(STREAMS_MAX) {
        body.push_str(&paragraph(&format!("{more} more streams are in the JSON profile.")));
    }
    let streams = section("streams", if several { "Streams" } else { "Stream" }, &body_or_none(&body, profile));
    let page = Page {
        title: format!("{}: profile", profile.paths.join(", ")),
        places: vec![("main", "Data set"), ("streams", "Streams"), ("integrity", "Integrity")],
        body: format!("{}{}{streams}{}{}", title(profile), head(profile), integrity(profile), provenance(profile)),
    };
    page.finish()
}

fn body_or_none(body: &str, profile: &Profile) -> String {
    if profile.streams.is_empty() { paragraph("There is no stream in it.") } else { body.to_owned() }
}

fn title(profile: &Profile) -> String {
    format!("<h1>{}</h1>\n", escape(&profile.paths.join(", ")))
}

fn head(profile: &Profile) -> String {
    let facts = [
        plural(profile.files, "file"),
        bytes(profile.bytes),
        plural(profile.messages, "message"),
        plural(profile.events, "event"),
        plural(profile.streams.len() as u64, "stream"),
        plural(profile.sessions, "capture session"),
    ];
    let mut out = paragraph(&format!("{}: {}.", profile.format, facts.join(", ")));
    for note in &profile.notes {
        out.push_str(&paragraph(note));
    }
    if !profile.ignored.is_empty() {
        let rows: Vec<Vec<String>> =
            profile.ignored.iter().take(ROWS_MAX).map(|i| vec![escape(&i.path), escape(&i.reason)]).collect();
        let list = prose_table("Files that were not read", &["file", "why"], &rows);
        out.push_str(&folded(&format!("{} files were not read", profile.ignored.len()), &list, false));
    }
    out
}

fn stream_part(profile: &Profile, stream: &StreamProfile) -> String {
    let rows: Vec<Vec<String>> =
        facts(profile, stream).into_iter().map(|(name, text)| vec![format!("<b>{name}</b>"), escape(&text)]).collect();
    let mut out = format!("<h3>{}</h3>\n", escape(&stream.name));
    out.push_str(&prose_table("Facts of the stream", &["", "what"], &rows));
    let described: Vec<&ObservableProfile> = stream.observables.iter().filter(|o| o.n > 0).collect();
    let rows: Vec<Vec<String>> =
        described.iter().filter(|o| o.autocorrelations.is_empty()).map(|o| observable_row(o)).collect();
    if !rows.is_empty() {
        out.push_str("<h4>Observables</h4>\n");
        out.push_str(&paragraph(
            "The strip runs from the 1 % to the 99 % quantile: the line from 5 to 95 %, the box from 25 to 75 %, the mark at \
             the median. Differs: by how much the data set differs from itself, a sixth against the rest, its noise removed.",
        ));
        out.push_str(&table(
            "Observables",
            &[
                "observable",
                "law",
                ">n",
                ">worth",
                ">mean",
                ">sd",
                ">min",
                ">5 %",
                ">median",
                ">95 %",
                ">max",
                ">differs",
            ],
            &rows,
        ));
    }
    let lags = described.iter().filter(|o| !o.autocorrelations.is_empty()).map(|o| {
        let values: Vec<String> =
            o.autocorrelations.iter().map(|(lag, value)| format!("{} at lag {lag}", measured(*value))).collect();
        vec![escape(&o.observable), count(o.n), escape(&values.join(", "))]
    });
    let lags: Vec<Vec<String>> = lags.collect();
    if !lags.is_empty() {
        out.push_str(&prose_table("Autocorrelations", &["autocorrelation", "n", "values"], &lags));
    }
    for (reason, names) in crate::profile::without_values(&stream.observables) {
        out.push_str(&paragraph(&format!("No {}: {reason}.", names.join(", "))));
    }
    out.push_str(&resolution(stream));
    out
}

fn observable_row(o: &ObservableProfile) -> Vec<String> {
    let quantile = |p: &str| optional(o.quantiles.get(p).copied());
    let end = |i: usize| optional(o.range.map(|range| range[i]));
    let unit = if o.unit.is_empty() { String::new() } else { format!(" <small>{}</small>", escape(&o.unit)) };
    vec![
        format!("<b>{}</b>{unit}", escape(&o.observable)),
        strip(o),
        count(o.n),
        o.n_eff.map_or_else(|| "-".to_owned(), |n| count(n.max(0.0).round() as u64)),
        optional(o.mean),
        optional(o.sd),
        end(0),
        quantile("p=0.05"),
        quantile("p=0.5"),
        quantile("p=0.95"),
        end(1),
        optional(o.heterogeneity),
    ]
}

/// The quantiles of an observable between its 1 and 99 % quantile; nothing for a constant.
fn strip(o: &ObservableProfile) -> String {
    let quantile = |p: &str| o.quantiles.get(p).copied();
    let (Some(low), Some(high)) = (quantile("p=0.01"), quantile("p=0.99")) else { return String::new() };
    if low >= high || !(high - low).is_finite() {
        return String::new();
    }
    let (width, height) = STRIP;
    let at = |p: &str| quantile(p).map_or(0.0, |x| width * ((x - low) / (high - low)).clamp(0.0, 1.0));
    let (middle, half) = (height / 2.0, height / 4.0);
    let mut whole = Path::default();
    whole.move_to(at("p=0.05"), middle);
    whole.line_to(at("p=0.95"), middle);
    let mut inner = Path::default();
    inner.rectangle(at("p=0.25"), middle - half, (at("p=0.75") - at("p=0.25")).max(1.0), 2.0 * half);
    let mut median = Path::default();
    median.move_to(at("p=0.5"), 0.0);
    median.line_to(at("p=0.5"), height);
    let text = format!(
        "5 % {}, 25 % {}, median {}, 75 % {}, 95 % {}",
        optional(quantile("p=0.05")),
        optional(quantile("p=0.25")),
        optional(quantile("p=0.5")),
        optional(quantile("p=0.75")),
        optional(quantile("p=0.95"))
    );
    // Strokes are set here: the style sheet knows the figures of reports only.
    format!(
        "<svg width=\"120\" height=\"14\" viewBox=\"0 0 {width} {height}\" preserveAspectRatio=\"none\" role=\"img\" \
         aria-label=\"{}\"><g fill=\"none\" stroke=\"currentColor\" stroke-width=\"8\">{}</g><g fill=\"currentColor\" \
         opacity=\".35\">{}</g><g fill=\"none\" stroke=\"currentColor\" stroke-width=\"14\">{}</g></svg>",
        escape(&text),
        whole.element(""),
        inner.element(""),
        median.element("")
    )
}

fn resolution(stream: &StreamProfile) -> String {
    let tests = stream.observables.iter().flat_map(|o| o.resolution.iter().map(move |r| (o, r)));
    let rows: Vec<Vec<String>> = tests
        .map(|(o, r)| {
            let test = r.parameter.as_ref().map_or_else(|| r.test.to_string(), |p| format!("{} {p}", r.test));
            let reach = match (r.resolvable, r.out_of_reach) {
                (None, _) => chip(FindingVerdict::NotApplicable, "unknown"),
                (_, true) => chip(FindingVerdict::Inconclusive, "out of reach"),
                (_, false) => chip(FindingVerdict::Pass, "in reach"),
            };
            let unit = if r.unit.is_empty() { String::new() } else { format!(" <small>{}</small>", escape(&r.unit)) };
            vec![
                format!("<b>{}</b>", escape(&o.observable)),
                escape(&test),
                format!("{}{unit}", optional(r.margin)),
                optional(r.resolvable),
                optional(r.one_minute),
                optional(r.one_hour),
                optional(r.detectable),
                r.needs_s.map_or_else(|| "-".to_owned(), duration),
                reach,
                escape(&r.text),
            ]
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    let mut out = format!("<h4>What {} of it can resolve</h4>\n", escape(&duration(stream.seconds)));
    out.push_str(&paragraph(
        "A faithful candidate of this length passes at margins above what is resolved in about four runs of five; needs is the \
         length of each side for the suite's margin.",
    ));
    out.push_str(&prose_table(
        "Resolution",
        &[
            "observable",
            "test",
            ">margin",
            ">resolves",
            ">1 minute",
            ">1 hour",
            ">detects",
            ">needs",
            "margin is",
            "in words",
        ],
        &rows,
    ));
    out
}

fn integrity(profile: &Profile) -> String {
    let (notable, silent): (Vec<&IntegrityRow>, Vec<&IntegrityRow>) =
        profile.integrity.iter().partition(|r| r.count > 0);
    let mut body = paragraph("Counts of what is wrong, held to the limits that a candidate is held to.");
    if notable.is_empty() {
        body.push_str(&paragraph("Nothing was counted."));
    } else {
        body.push_str(&rest::rows(&notable[..notable.len().min(ROWS_MAX)], "Checks that counted something"));
    }
    if !silent.is_empty() {
        let names: Vec<&str> = silent.iter().map(|r| r.check.as_str()).collect();
        body.push_str(&paragraph(&format!("Counted nothing: {}.", names.join(", "))));
    }
    section("integrity", "Integrity", &body)
}

fn provenance(profile: &Profile) -> String {
    let body = paragraph(&format!(
        "verismo {}, suite {} ({}), content {}, read in {}.",
        profile.provenance.version,
        profile.suite,
        profile.suite_digest,
        profile.digest,
        duration(profile.timing.seconds)
    ));
    section("provenance", "Provenance", &body)
}
