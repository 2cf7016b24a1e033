//! Numbers of the field beside the judged ones: tests of one side at a time, which take its moves as independent and decide nothing.

use verismo_stats::judging::PanelWindow;
use verismo_stats::panel::{PanelRows, UNDEFINED};
use verismo_stats::temporal::{
    Undefined, autocorrelations, bns_test, cusum, hausman, lee_mykland, ljung_box, wald_wolfowitz,
};
use verismo_suite::catalogue::TestId;

use crate::draft::short;
use crate::input::SECOND_NS;

/// Seconds over which returns are tested for jumps, and returns that tell the local volatility (Lee and Mykland 2008).
const JUMP_STEP: usize = 10;
const JUMP_WINDOW: usize = 60;
/// Seconds of the sparse returns that the dense ones are tested against.
const SPARSE: usize = 30;
/// Lags of the portmanteau test.
const LAGS: usize = 10;
/// Most seconds looked at: the first of the longest stretch without a hole.
const SECONDS_MAX: usize = 86_400;

/// What the tests of the field say of both sides; nothing for tests that have none.
pub(super) fn notes(test: TestId, golden: &[PanelWindow<'_>], candidate: &[PanelWindow<'_>]) -> Vec<String> {
    let say: fn(&Path) -> Result<String, Undefined> = match test {
        TestId::JumpShare => jumps,
        TestId::NoiseToSignal => noise,
        TestId::SignChanges => runs,
        TestId::SignaturePlot => change,
        _ => return Vec::new(),
    };
    let of = |(name, windows): (&str, &[PanelWindow<'_>])| {
        let path = Path::longest(windows);
        say(&path).ok().map(|text| format!("{name}, {} s in a row: {text}", path.log_mid.len()))
    };
    [("golden", golden), ("candidate", candidate)].into_iter().filter_map(of).collect()
}

/// The longest stretch of seconds without a hole: the first column, in units of 10^-8, and when it begins.
#[derive(Default)]
struct Path {
    from_ns: i64,
    log_mid: Vec<f64>,
}

impl Path {
    fn longest(windows: &[PanelWindow<'_>]) -> Self {
        let mut in_time: Vec<&PanelWindow<'_>> = windows.iter().collect();
        in_time.sort_by_key(|window| window.id);
        let (mut longest, mut open, mut next_ns) = (Self::default(), Self::default(), i64::MIN);
        for window in in_time {
            let mut rows = PanelRows::new(window.panel.columns());
            window.panel.unpack_into(&mut rows);
            for (i, &t_ns) in rows.t_ns.iter().enumerate() {
                let value = rows.row(i).first().copied().filter(|value| *value != UNDEFINED);
                let continues = t_ns == next_ns && open.log_mid.len() < SECONDS_MAX;
                if !continues || value.is_none() {
                    longest = longest.longer(std::mem::take(&mut open));
                }
                if let Some(value) = value {
                    if open.log_mid.is_empty() {
                        open.from_ns = t_ns;
                    }
                    open.log_mid.push(value as f64 * super::ONE);
                }
                next_ns = t_ns.saturating_add(SECOND_NS);
            }
        }
        longest.longer(open)
    }

    fn longer(self, other: Self) -> Self {
        if other.log_mid.len() > self.log_mid.len() { other } else { self }
    }

    fn every(&self, step: usize) -> Vec<f64> {
        self.log_mid.iter().copied().step_by(step).collect()
    }

    fn returns(&self) -> Vec<f64> {
        self.log_mid.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}

fn jumps(path: &Path) -> Result<String, Undefined> {
    let prices = path.every(JUMP_STEP);
    let test = bns_test(&prices)?;
    let found = lee_mykland(&prices, JUMP_WINDOW, 0.01)?;
    let share = format!("ratio test of jumps z = {}, p = {}", short(test.z), short(test.p_value));
    Ok(format!("{share}; {} moves beyond the 1 % bound of Lee and Mykland", found.len()))
}

fn noise(path: &Path) -> Result<String, Undefined> {
    let test = hausman(&path.log_mid, SPARSE)?;
    Ok(format!("Hausman test of noise H = {}, p = {}", short(test.statistic), short(test.p_value)))
}

fn runs(path: &Path) -> Result<String, Undefined> {
    let returns = path.returns();
    let runs = wald_wolfowitz(&returns)?;
    let said = format!("runs of signs z = {}, p = {}", short(runs.z), short(runs.p_value));
    let acf = autocorrelations(&returns, LAGS)?;
    let portmanteau = ljung_box(&acf, returns.len() as u64, 0)?;
    Ok(match portmanteau.last() {
        Some(last) => {
            let p = last.p_value.map_or(String::new(), |p| format!(", p = {}", short(p)));
            format!("{said}; Ljung-Box over {LAGS} lags Q = {}{p}", short(last.statistic))
        }
        None => said,
    })
}

/// Where the level of volatility changes most, minute by minute.
fn change(path: &Path) -> Result<String, Undefined> {
    let returns = path.returns();
    let squares = |minute: &[f64]| minute.iter().map(|r| r * r).sum::<f64>();
    let least = squares(&returns) * 1e-9 + f64::MIN_POSITIVE;
    let levels: Vec<f64> = returns.chunks_exact(60).map(|minute| libm::log(squares(minute) + least)).collect();
    let found = cusum(&levels, 5.min(levels.len() / 8))?;
    let second = (path.from_ns / SECOND_NS).saturating_add(60 * found.at as i64).rem_euclid(86_400);
    Ok(format!(
        "volatility of minutes changes most at {:02}:{:02} UTC, by a factor of {} in variance, CUSUM p = {}",
        second / 3_600,
        second / 60 % 60,
        short(libm::exp(found.shift)),
        short(found.p_value)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use verismo_stats::panel::Panel;

    /// Windows of ten seconds of a walk whose steps grow fivefold after an hour and a half, with a hole.
    fn windows() -> Vec<(i64, Panel)> {
        let mut state = 3_u64;
        let (mut price, mut out) = (11.0e12_f64, Vec::new());
        for window in 0..1_000_i64 {
            let mut rows = PanelRows::new(1);
            for second in 10 * window..10 * window + 10 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let step = (state >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
                price += if second < 5_400 { 1e6 * step } else { 5e6 * step };
                rows.push(second * SECOND_NS, &[price as i64]);
            }
            // The second hole leaves the longest stretch between both.
            if window != 40 && window != 990 {
                out.push((window, Panel::pack(rows)));
            }
        }
        out
    }

    #[test]
    fn both_sides_are_told_over_their_longest_stretch() {
        let windows = windows();
        let side: Vec<PanelWindow<'_>> =
            windows.iter().map(|(id, panel)| PanelWindow { id: *id, stratum: 0, block: 0, panel }).collect();
        let said = notes(TestId::SignaturePlot, &side, &side[..100]);
        assert!(said[0].starts_with("golden, 9490 s in a row: volatility of minutes changes most at 01:"), "{said:?}");
        assert!(said[0].contains("CUSUM p = ") && said[1].starts_with("candidate, 600 s in a row"), "{said:?}");
        for (test, word) in
            [(TestId::JumpShare, "jumps z"), (TestId::NoiseToSignal, "Hausman"), (TestId::SignChanges, "Ljung-Box")]
        {
            let said = notes(test, &side, &side);
            assert!(said.len() == 2 && said[0].contains(word), "{said:?}");
        }
        assert!(notes(TestId::Correlation, &side, &side).is_empty());
        assert!(notes(TestId::JumpShare, &[], &[]).is_empty());
    }
}
