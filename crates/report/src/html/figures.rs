//! The figures of one observable, from its picture.

use verismo_suite::report::{Against, LagBar, LawCurves, Picture, Stretch, TimeStrip};

use super::axis::Axis;
use super::curves::{QQ_LEVELS, is_heavy, quantile, share_values, tail};
use super::page::figure;
use super::svg::{Path, Plot};
use crate::number::{self, measured};

/// Every figure of a picture, as markup: laws, difference, quantiles, tails, time.
pub(super) fn all(picture: &Picture) -> String {
    let mut out = String::from("<div class=\"figs\">\n");
    if let Some(laws) = &picture.laws {
        out.push_str(&distribution(picture, laws));
        out.push_str(&difference(picture, laws));
        if laws.at.len() > 4 {
            out.push_str(&quantiles(picture, laws));
            out.push_str(&tails(picture, laws));
        }
    }
    if !picture.lags.is_empty() {
        out.push_str(&lags(&picture.lags));
    }
    if let Some(time) = &picture.time {
        out.push_str(&over_time(picture, time));
    }
    out.push_str("</div>\n");
    out
}

/// The one figure that shows the verdict: the difference of the laws, or the autocorrelations.
pub(super) fn essential(picture: &Picture) -> String {
    let drawn = match &picture.laws {
        Some(laws) => difference(picture, laws),
        None if !picture.lags.is_empty() => lags(&picture.lags),
        None => return String::new(),
    };
    format!("<div class=\"figs\">\n{drawn}</div>\n")
}

fn value_name(picture: &Picture) -> String {
    let unit = if picture.unit.is_empty() { String::new() } else { format!(" [{}]", picture.unit) };
    format!("{}{unit}", picture.observable)
}

/// From the 0.5 % to the 99.5 % point of both sides; logarithmic where the values are positive and spread over decades.
fn value_axis(picture: &Picture, laws: &LawCurves) -> Axis {
    let ends = [&laws.golden, &laws.candidate].map(|law| [0.005, 0.995].map(|p| quantile(laws, law, p)));
    let (low, high) = (ends[0][0].min(ends[1][0]), ends[0][1].max(ends[1][1]));
    let name = value_name(picture);
    if is_heavy(laws, low, high) {
        let smallest = laws.at.iter().copied().find(|x| *x > 0.0).unwrap_or(low);
        return Axis::log(name, low.max(smallest), high);
    }
    let margin = 0.03 * (high - low);
    Axis::linear(name, low - margin, high + margin)
}

/// Whether the functions step to each listed value, instead of running there.
fn steps(laws: &LawCurves) -> Vec<bool> {
    let mut steps = vec![laws.is_complete; laws.at.len()];
    for jump in laws.jumps.iter().filter_map(|j| usize::try_from(*j).ok()) {
        if let Some(step) = steps.get_mut(jump) {
            *step = true;
        }
    }
    steps
}

/// A distribution function as corners of a line, from the bottom of the figure: with steps, first across and then up.
fn law(laws: &LawCurves, shares: &[f64]) -> Vec<(f64, f64)> {
    let mut corners: Vec<(f64, f64)> = laws.at.first().map(|x| (*x, 0.0)).into_iter().collect();
    for ((x, share), is_step) in laws.at.iter().zip(shares).zip(steps(laws)) {
        if let (true, Some((_, before))) = (is_step, corners.last().copied()) {
            corners.push((*x, before));
        }
        corners.push((*x, *share));
    }
    corners
}

/// The area around a function of the listed values: (value, low, high) at its corners.
fn around(laws: &LawCurves, middle: &[f64], half: &dyn Fn(usize) -> f64, limits: (f64, f64)) -> Vec<(f64, f64, f64)> {
    let mut corners: Vec<(f64, f64, f64)> = Vec::new();
    for (i, ((x, y), is_step)) in laws.at.iter().zip(middle).zip(steps(laws)).enumerate() {
        if let (true, Some((_, low, high))) = (is_step, corners.last().copied()) {
            corners.push((*x, low, high));
        }
        corners.push((*x, (y - half(i)).max(limits.0), (y + half(i)).min(limits.1)));
    }
    corners
}

fn distribution(picture: &Picture, laws: &LawCurves) -> String {
    let mut plot = Plot::new(value_axis(picture, laws), Axis::linear("", 0.0, 1.0));
    if let Some(half) = laws.simultaneous {
        plot.band(&around(laws, &laws.golden, &|_| half, (0.0, 1.0)), "bg");
    }
    plot.curve(law(laws, &laws.golden), "g");
    plot.curve(law(laws, &laws.candidate), "c");
    let mut caption = "Share of values at or below; golden solid, candidate dashed.".to_owned();
    if laws.simultaneous.is_some() {
        caption.push_str(" Band: noise around the golden.");
    }
    if let Some((x, g, c)) = worst(laws) {
        plot.vertical(x, g, c, "wg");
        plot.label(x, 0.5 * (g + c), &format!("gap {}", measured((c - g).abs())), "lb");
        caption.push_str(&format!(
            " Largest gap at {}: {} against {}.",
            with_unit(x, picture),
            number::percent(g),
            number::percent(c)
        ));
    }
    figure("Distributions.", &plot.finish(&format!("Distribution functions of {}", picture.observable)), &caption)
}

fn with_unit(x: f64, picture: &Picture) -> String {
    if picture.unit.is_empty() { measured(x) } else { format!("{} {}", measured(x), picture.unit) }
}

/// Value and both shares where the laws are farthest apart.
fn worst(laws: &LawCurves) -> Option<(f64, f64, f64)> {
    let at = usize::try_from(laws.worst?).ok()?;
    Some((*laws.at.get(at)?, *laws.golden.get(at)?, *laws.candidate.get(at)?))
}

fn difference(picture: &Picture, laws: &LawCurves) -> String {
    let gaps: Vec<f64> = laws.candidate.iter().zip(&laws.golden).map(|(c, g)| c - g).collect();
    let simultaneous = laws.simultaneous.unwrap_or(0.0);
    let most = gaps.iter().fold(0.0, |most: f64, d| most.max(d.abs())) + simultaneous;
    let limit = most.max(1.25 * laws.margin.unwrap_or(0.0)).max(1e-6) * 1.05;
    let mut plot = Plot::new(value_axis(picture, laws), Axis::linear("", -limit, limit));
    let everywhere = (-1.0, 1.0);
    if laws.simultaneous.is_some() {
        plot.band(&around(laws, &gaps, &|_| simultaneous, everywhere), "bd");
    }
    if !laws.pointwise.is_empty() {
        plot.band(&around(laws, &gaps, &|i| laws.pointwise.get(i).copied().unwrap_or(0.0), everywhere), "bp");
    }
    plot.horizontal(0.0, "ze");
    let mut caption = "Candidate minus golden at each value.".to_owned();
    if let Some(margin) = laws.margin {
        plot.horizontal(margin, "mg");
        plot.horizontal(-margin, "mg");
        plot.line_label(margin, &format!("margin {}", measured(margin)), "lb");
        caption.push_str(" Dotted: margin of the ks test.");
    }
    plot.curve(law(laws, &gaps), "d");
    if laws.simultaneous.is_some() {
        caption.push_str(
            " PASS: the dark band stays between the dotted lines. FAIL: the whole light band leaves them somewhere.",
        );
    }
    if let Some((x, g, c)) = worst(laws) {
        plot.vertical(x, 0.0, c - g, "wg");
    } else {
        caption.push_str(" The two laws are equal.");
    }
    figure(
        "Difference.",
        &plot.finish(&format!("Difference of the distribution functions of {}", picture.observable)),
        &caption,
    )
}

fn quantiles(picture: &Picture, laws: &LawCurves) -> String {
    let axis = value_axis(picture, laws);
    let mut plot = Plot::new(axis.clone().named(format!("golden {}", axis.name)), axis.named(String::new()));
    let ends = laws.at.first().zip(laws.at.last()).map(|(a, b)| [(*a, *a), (*b, *b)]);
    plot.curve(ends.into_iter().flatten(), "ze");
    let mut dots = Path::default();
    let (mut last, mut seen) = ((f64::NAN, f64::NAN), 0);
    for p in QQ_LEVELS {
        let (g, c) = (quantile(laws, &laws.golden, p), quantile(laws, &laws.candidate, p));
        let here = (plot.x(g).round(), plot.y(c).round());
        if (here.0 - last.0).abs() + (here.1 - last.1).abs() > 0.5 || seen == 0 {
            dots.dot(here.0, here.1);
            seen += 1;
        }
        last = here;
    }
    plot.path(&dots, "dt");
    let caption = "Quantiles of the candidate (up) against those of the golden (across), 1 % to 99 %: equal laws lie on the line.";
    figure("Q-Q.", &plot.finish(&format!("Quantiles of {} against each other", picture.observable)), caption)
}

fn tails(picture: &Picture, laws: &LawCurves) -> String {
    let n = picture.counts[0].min(picture.counts[1]).max(1) as f64;
    let curves: Vec<(Vec<(f64, f64)>, &str)> = [(true, ""), (false, " g2")]
        .into_iter()
        .flat_map(|(is_upper, thin)| {
            let classes = if thin.is_empty() { ["g", "c"] } else { ["g g2", "c g2"] };
            [&laws.golden, &laws.candidate]
                .into_iter()
                .zip(classes)
                .map(move |(law, class)| (tail(laws, law, is_upper), class))
        })
        .filter(|(points, _)| points.len() > 2)
        .collect();
    let all = || curves.iter().flat_map(|(points, _)| points);
    let (low, high) = all().fold((f64::INFINITY, 0.0), |(a, b): (f64, f64), (x, _)| (a.min(*x), b.max(*x)));
    if curves.is_empty() || high <= low {
        return String::new();
    }
    let floor = all().fold(0.5, |least: f64, (_, s)| least.min(*s)).max(0.5 / n);
    let has_lower = curves.iter().any(|(_, class)| class.ends_with("g2"));
    // The body of the law is in the other figures: at most four decades below the largest value are shown.
    let axis = Axis::log(format!("|{}|", value_name(picture)), low.max(high * 1e-4), high);
    let mut plot = Plot::new(axis, Axis::log("", floor, 0.6));
    for (points, class) in &curves {
        plot.curve(points.iter().copied(), class);
    }
    let lower = if has_lower { " Thin: share below minus the value." } else { "" };
    let caption = format!("Share of values above, both axes logarithmic.{lower} Straight lines are power laws.");
    figure("Tails.", &plot.finish(&format!("Tails of {}", picture.observable)), &caption)
}

fn lags(bars: &[LagBar]) -> String {
    let value = |v: Option<f64>| v.unwrap_or(0.0);
    let ends = bars.iter().flat_map(|b| {
        let reach = b.margin.unwrap_or(0.0);
        [value(b.golden) - reach, value(b.golden) + reach, value(b.candidate)]
    });
    let (low, high) = ends.fold((0.0, 0.0), |(a, b): (f64, f64), v| (a.min(v), b.max(v)));
    let pad = 0.06 * (high - low).max(0.01);
    let mut plot = Plot::new(
        Axis::linear("", -0.5, bars.len() as f64 - 0.5).without_ticks(),
        Axis::linear("", if low < 0.0 { low - pad } else { 0.0 }, high + pad),
    );
    let unit = plot.x(1.0) - plot.x(0.0);
    let width = (0.26 * unit).min(60.0);
    let (mut golden, mut candidate, mut whisker, mut limit) =
        (Path::default(), Path::default(), Path::default(), Path::default());
    for (i, bar) in bars.iter().enumerate() {
        let (x, zero) = (plot.x(i as f64), plot.y(0.0));
        for (path, value, left) in
            [(&mut golden, bar.golden, x - width - 2.0), (&mut candidate, bar.candidate, x + 2.0)]
        {
            if let Some(value) = value {
                let y = plot.y(value);
                path.rectangle(left, y.min(zero), width, (y - zero).abs());
            }
        }
        if let (Some(c), Some(half)) = (bar.candidate, bar.half_width) {
            whisker.move_to(x + 2.0 + 0.5 * width, plot.y(c - half));
            whisker.line_to(x + 2.0 + 0.5 * width, plot.y(c + half));
        }
        if let (Some(g), Some(margin)) = (bar.golden, bar.margin) {
            for level in [g - margin, g + margin] {
                limit.move_to(x - width - 8.0, plot.y(level));
                limit.line_to(x + width + 8.0, plot.y(level));
            }
        }
        plot.tick_below(i as f64, &format!("lag {}", bar.lag));
    }
    plot.path(&golden, "bgr");
    plot.path(&candidate, "bca");
    plot.horizontal(0.0, "ze");
    plot.path(&limit, "mg");
    plot.path(&whisker, "wk");
    figure(
        "Autocorrelations.",
        &plot.finish("Autocorrelations of both sides by lag"),
        "Left bar golden, right bar candidate with the interval of the difference. Dotted: the golden plus and minus the margin.",
    )
}

fn over_time(picture: &Picture, time: &TimeStrip) -> String {
    let n = time.effects.len();
    let end = |i: usize| time.from_ns.saturating_add(time.step_ns.saturating_mul(i as i64));
    let most = time.effects.iter().flatten().fold(0.0, |most: f64, e| most.max(*e));
    let mut noise: Vec<f64> = time.noise.iter().flatten().copied().collect();
    noise.sort_by(f64::total_cmp);
    let typical = noise.get(noise.len() / 2).copied().unwrap_or(0.0);
    let top = most.max(1.3 * time.margin.unwrap_or(0.0)).max(1.5 * typical).max(1e-6) * 1.04;
    let mut plot = Plot::new(
        Axis::time(format!("UTC, from {}", day(time.from_ns)), time.from_ns, end(n)),
        Axis::linear("", 0.0, top),
    );
    let mut bars: [Path; 4] = Default::default();
    let (mut missing, mut line) = (Path::default(), Path::default());
    for i in 0..n {
        let (left, right) = (plot.x(end(i) as f64), plot.x(end(i + 1) as f64));
        let bottom = plot.y(0.0);
        let class = match time.stretch(i) {
            Stretch::Empty => {
                if time.is_one_sided(i) {
                    missing.move_to(left, bottom - 5.0);
                    missing.line_to(right, bottom - 5.0);
                }
                continue;
            }
            Stretch::Noise => 0,
            Stretch::Inside => 1,
            Stretch::Doubtful => 2,
            Stretch::Beyond => 3,
        };
        let effect = time.effects.get(i).copied().flatten().unwrap_or(0.0);
        let height = (bottom - plot.y(effect)).max(1.0);
        let gap = if right - left > 6.0 { 1.0 } else { 0.0 };
        bars[class].rectangle(left, bottom - height, right - left - gap, height);
        if let Some(noise) = time.noise.get(i).copied().flatten() {
            line.move_to(left, plot.y(noise));
            line.line_to(right, plot.y(noise));
        }
    }
    for (path, class) in bars.iter().zip(["s0", "s1", "s2", "s3"]) {
        plot.path(path, class);
    }
    plot.path(&line, "nz");
    plot.path(&missing, "so");
    if let Some(margin) = time.margin {
        plot.horizontal(margin, "mg");
        plot.line_label(margin, &format!("margin {}", measured(margin)), "lb");
    }
    let step = number::duration(time.step_ns as f64 / 1e9);
    let against = match time.against {
        Against::SameStretch => "the same stretch of the golden",
        Against::WholeGolden => "all of the golden",
    };
    let what = if picture.laws.is_some() { "Largest gap" } else { "Largest difference of autocorrelations" };
    let caption = format!(
        "{what} of each stretch of {step} against {against}. Line: what is usual among the golden's own stretches.{} Decides nothing.",
        if missing.is_empty() { "" } else { " Dashed at the bottom: only one side has data." }
    );
    let drawing = plot.finish(&format!("Effect of {} over time", picture.observable));
    figure("Over time.", &drawing, &caption)
}

fn day(ns: i64) -> String {
    number::utc(ns).chars().take(10).collect()
}

/// The values below which shares of the golden lie, in words: what "usual" means for this observable.
pub(super) fn usual_range(picture: &Picture) -> Option<String> {
    let laws = picture.laws.as_ref()?;
    let [low, middle, high] = share_values(laws, &laws.golden, [0.05, 0.5, 0.95]);
    let [c_low, c_middle, c_high] = share_values(laws, &laws.candidate, [0.05, 0.5, 0.95]);
    Some(format!(
        "5 %, 50 %, 95 % points: golden {}, {}, {}; candidate {}, {}, {}. Range: golden {} to {}, candidate {} to {}.",
        measured(low),
        measured(middle),
        measured(high),
        measured(c_low),
        measured(c_middle),
        measured(c_high),
        measured(laws.golden_range[0]),
        measured(laws.golden_range[1]),
        measured(laws.candidate_range[0]),
        measured(laws.candidate_range[1]),
    ))
}
