"""What SciPy, Evidently, constraints in the style of Deequ, LOB-Bench's distances and verismo answer on the same real pairs.

    python3 benches/compare_tools.py --data FOLDER_OF_LOBSTER_FILES --verismo target/release/verismo

Needs: numpy, scipy, pandas < 3, evidently, zstandard. The book of each stock is sampled every 100 ms; every pair is a table of the same
columns on both sides, `t` in ns. Each tool runs as its documentation says, with its defaults. Prints Markdown; docs/COMPARISON.md holds the
output.
"""

import argparse
import io
import json
import pathlib
import subprocess
import tempfile

import evidently
import numpy as np
import pandas as pd
import scipy
import zstandard
from evidently import Dataset, DataDefinition, Report
from evidently.presets import DataDriftPreset
from scipy import stats

STEP_NS = 100_000_000
COLUMNS = ["spread", "imbalance", "bid_size", "return_1s"]
DAY = pd.Timestamp("2012-06-21", tz="America/New_York").value


def read(path):
    with open(path, "rb") as packed:
        raw = zstandard.ZstdDecompressor().stream_reader(packed).read()
    return np.loadtxt(io.BytesIO(raw), delimiter=",", dtype=np.float64, usecols=range(4 if "orderbook" in str(path) else 1))


def stock(folder, ticker):
    """The book every 100 ms: spread in cents, imbalance, best bid size, and the log return over one second at whole seconds."""
    book = read(next(folder.glob(f"{ticker}_*orderbook*")))
    times = read(next(folder.glob(f"{ticker}_*message*"))).reshape(-1)
    grid = np.arange(34_200.0 + 0.1, 57_600.0, 0.1)
    at = np.searchsorted(times, grid, side="right") - 1
    grid, at = grid[at >= 0], at[at >= 0]
    ask, ask_size, bid, bid_size = (book[at, i] for i in range(4))
    mid = (ask + bid) / 2
    returns = np.full(len(mid), np.nan)
    returns[10:] = np.log(mid[10:] / mid[:-10])
    whole = np.arange(len(mid)) % 10 == 0
    return pd.DataFrame({
        "t": DAY + np.rint(grid * 1e9).astype(np.int64),
        "spread": (ask - bid) / 100,
        "imbalance": (bid_size - ask_size) / (bid_size + ask_size),
        "bid_size": bid_size,
        "return_1s": np.where(whole, returns, np.nan),
    })


def between(table, start, end):
    clock = (table["t"] - DAY) / 3.6e12
    return table[(clock >= start) & (clock < end)].reset_index(drop=True)


def pairs(folder):
    goog, amzn = stock(folder, "GOOG"), stock(folder, "AMZN")
    window = (goog["t"] // 10_000_000_000) % 2
    even, odd = goog[window == 0].reset_index(drop=True), goog[window == 1].reset_index(drop=True)
    wide, shifted = odd.copy(), odd.copy()
    hit = np.random.default_rng(1).random(len(odd)) < 0.2
    wide.loc[hit, "spread"] += 20
    shifted["bid_size"] = np.where(hit, 100, shifted["bid_size"])
    shifted["return_1s"] *= 1.2
    return [
        ("nothing", "GOOG, even against odd windows of 10 s", even, odd),
        ("nobody knows: other hours of one day", "GOOG, 11:00-12:30 against 12:30-14:00", between(goog, 11, 12.5), between(goog, 12.5, 14)),
        ("the spread", "the same, a fifth of the odd spreads 20 cents wider", even, wide),
        ("bid size and returns", "the same, a fifth of the odd bid sizes set to 100, returns times 1.2", even, shifted),
        ("everything", "GOOG against AMZN, whole day", goog, amzn),
    ]


def by_scipy(golden, candidate):
    return {c: stats.ks_2samp(golden[c].dropna(), candidate[c].dropna()).pvalue for c in COLUMNS}


def by_evidently(golden, candidate):
    definition = DataDefinition(numerical_columns=COLUMNS)
    reference, current = (Dataset.from_pandas(t[COLUMNS], data_definition=definition) for t in (golden, candidate))
    found = json.loads(Report([DataDriftPreset()]).run(current, reference).json())
    out = {}
    for metric in found["metrics"]:
        config = metric.get("config", {})
        if config.get("column") in COLUMNS:
            out[config["column"]] = (float(metric["value"]), config.get("method"), config.get("threshold"))
    return out


def by_constraints(golden, candidate):
    """Completeness, mean and five quantiles within a tenth of the golden's, the usual hand-written rules."""
    out = {}
    for c in COLUMNS:
        g, x = golden[c].dropna(), candidate[c].dropna()
        scale = max(g.quantile(0.75) - g.quantile(0.25), 1e-12)
        near = lambda a, b: abs(a - b) <= 0.1 * max(abs(a), scale)
        rules = [near(g.mean(), x.mean())] + [near(g.quantile(p), x.quantile(p)) for p in (0.05, 0.25, 0.5, 0.75, 0.95)]
        out[c] = all(rules)
    return out


def by_lob_bench(golden, candidate):
    """Its two distances: total variation over Freedman-Diaconis bins of both together, and Wasserstein of standardised values."""
    out = {}
    for c in COLUMNS:
        g, x = golden[c].dropna().to_numpy(), candidate[c].dropna().to_numpy()
        both = np.concatenate([g, x])
        edges = np.unique(both) if c == "spread" else np.histogram_bin_edges(both, "fd")
        share = lambda v: np.bincount(np.searchsorted(edges, v, side="right"), minlength=len(edges) + 1) / len(v)
        z = lambda v: (v - both.mean()) / both.std(ddof=1)
        out[c] = (np.abs(share(g) - share(x)).sum() / 2, stats.wasserstein_distance(z(g), z(x)))
    return out


SUITE = """schema: verismo.suite/1
name: comparison
data: table
window: 10s
observables:
  - {id: spread, decide: ks, margins: {ks: 0.15}}
  - {id: imbalance, decide: ks, margins: {ks: 0.075}}
  - {id: bid_size, decide: ks, margins: {ks: 0.1}}
  - {id: return_1s, decide: ks, margins: {ks: 0.03}}
"""


def by_verismo(binary, golden, candidate):
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for name, table in (("golden", golden), ("candidate", candidate)):
            table[["t"] + COLUMNS].to_parquet(folder / f"{name}.parquet", index=False)
        (folder / "suite.yaml").write_text(SUITE)
        command = [binary, "validate", "--golden", folder / "golden.parquet", "--candidate", folder / "candidate.parquet", "--time",
                   "t", "--suite", folder / "suite.yaml", "--out", folder / "out", "--json", "-", "-q"]
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False)
        report = json.loads(done.stdout)
    return {f["observable"]: f for f in report["findings"] if f["deciding"]}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--verismo", required=True)
    args = parser.parse_args()
    print(f"SciPy {scipy.__version__}, Evidently {evidently.__version__}, NumPy {np.__version__}, pandas {pd.__version__}.\n")
    for really, name, golden, candidate in pairs(args.data):
        print(f"### {name}\n\n{len(golden):,} and {len(candidate):,} rows; what really differs: {really}.\n")
        ks, drift = by_scipy(golden, candidate), by_evidently(golden, candidate)
        rules, bench, ours = by_constraints(golden, candidate), by_lob_bench(golden, candidate), by_verismo(args.verismo, golden, candidate)
        print("| column | SciPy K-S at .05 | Evidently | mean and quantiles within 10 % | LOB-Bench l1, wasserstein | verismo |")
        print("| --- | --- | --- | --- | --- | --- |")
        for c in COLUMNS:
            value, method, threshold = drift[c]
            is_drift = value < threshold if "p_value" in str(method) else value >= threshold
            f = ours[c]
            low, high = f["interval"] or (float("nan"), float("nan"))
            print(
                f"| {c} | {'differs' if ks[c] < 0.05 else 'same'}, p = {ks[c]:.2g} "
                f"| {'drift' if is_drift else 'no drift'}, {value:.3g} of {threshold} | {'within' if rules[c] else 'outside'} "
                f"| {bench[c][0]:.3g}, {bench[c][1]:.3g} "
                f"| {f['verdict']}, {f['effect']:.3g} in [{low:.3g}, {high:.3g}] of {f['margin']} |"
            )
        print()


if __name__ == "__main__":
    main()
