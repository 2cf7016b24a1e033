"""The same checks in plain Python: json, a dict for the book, SciPy for the tests; beside `verismo validate`.

    python3 benches/python_checks.py --verismo target/release/verismo [--messages 100000] [--big 2000000] [--runs 5]

Written the way one writes such a script: one pass over the lines, a list per observable, SciPy's two-sample tests at the end. It
computes the 34 observables of the market suite that a golden capture shows, the trade-sign and volatility autocorrelations among them, and per
observable K-S, Wasserstein, Cramer-von Mises, Mann-Whitney, Anderson-Darling, Kuiper, chi-square, PSI and Jensen-Shannon over quantile bins, Hill
index, quantiles, means and deviations. It has no intervals, no windows, no integrity checks beyond order of time and ids.

Each is timed as a process by the clock, in turn, and the ratio of messages per second is the median over the runs. Python's rate does not
depend on the length, verismo's start does, so each has a length of its own (--messages, --big); both are printed.
"""

import argparse
import glob
import heapq
import json
import statistics
import subprocess
import sys
import tempfile
import time


def observe(folder):
    """A list of values per observable."""
    out = {}

    def add(name, value):
        out.setdefault(name, []).append(value)

    bids, asks = {}, {}
    known_from = None
    next_sample = None
    last_event = last_trade = last_update = None
    signs = []
    mids = []
    counts = {}
    last_best = None
    flow, steps, changes = 0.0, 0, 0
    touches = {}
    trades = []
    n_bad = 0
    last_id = None
    for path in sorted(glob.glob(folder + "/*.jsonl")):
        with open(path, "rb") as lines:
            for line in lines:
                message = json.loads(line)
                data = message["data"]
                t = data["E"] if data["e"] == "depthUpdate" else data["T"]
                if last_event is not None:
                    n_bad += t < last_event
                    add("inter_event_time", t - last_event)
                last_event = t
                counts[t // 100] = counts.get(t // 100, 0) + 1
                if data["e"] == "depthUpdate":
                    if known_from is None:
                        known_from = t + 60_000
                    if last_id is not None and data["U"] != last_id + 1:
                        n_bad += 1
                    last_id = data["u"]
                    if next_sample is None:
                        next_sample = -(-t // 100) * 100
                    while next_sample < t:
                        if next_sample >= known_from and bids and asks and next_sample - last_update <= 60_000:
                            best = sample(next_sample, bids, asks, last_update, add)
                            touches[next_sample] = best
                            if last_best is not None:
                                (b, bq, a, aq), (pb, pbq, pa, paq) = best, last_best
                                flow += (bq if b >= pb else 0) - (pbq if b <= pb else 0)
                                flow -= (aq if a <= pa else 0) - (paq if a >= pa else 0)
                                changes += best != last_best
                                steps += 1
                            last_best = best
                            if next_sample % 1000 == 0:
                                mids.append((next_sample, (best[0] + best[2]) / 2))
                                if steps == 10:
                                    add("ofi_1s", flow)
                                    add("best_quote_changes_1s", changes)
                                flow, steps, changes = 0.0, 0, 0
                        next_sample += 100
                    last_update = t
                    for side, levels in ((bids, data["b"]), (asks, data["a"])):
                        for price, qty in levels:
                            price, qty = float(price), float(qty)
                            before = side.get(price, 0.0)
                            if qty == 0:
                                side.pop(price, None)
                            else:
                                side[price] = qty
                            if qty != before and t >= known_from:
                                add("level_change_size", abs(qty - before))
                else:
                    price, qty = float(data["p"]), float(data["q"])
                    sign = -1 if data["m"] else 1
                    add("trade_size", qty)
                    add("notional", price * qty)
                    add("aggressor_sign", sign)
                    signs.append(sign)
                    trades.append((t, price, sign))
                    if last_trade is not None:
                        add("inter_trade_time", t - last_trade)
                    last_trade = t
    for t, price, sign in trades:
        best = touches.get((t - 1) // 100 * 100)
        if best is not None:
            beyond = price - best[2] if sign > 0 else best[0] - price
            add("trade_through", float(beyond > 0))
            add("trade_at_touch", float(beyond == 0))
    first, last = min(counts), max(counts)
    for bin_ in range(first, last + 1):
        add("event_count_100ms", counts.get(bin_, 0))
    for bin_ in range(first // 10, last // 10 + 1):
        add("event_count_1s", sum(counts.get(bin_ * 10 + i, 0) for i in range(10)))
    returns(mids, add)
    out["aggressor_sign_acf"] = signs
    return out, n_bad


def sample(t, bids, asks, last_update, add):
    top_bids = heapq.nlargest(20, bids)
    top_asks = heapq.nsmallest(20, asks)
    b, a = top_bids[0], top_asks[0]
    bq, aq = bids[b], asks[a]
    add("spread", a - b)
    add("spread_bps", 20_000 * (a - b) / (a + b))
    add("book_age", t - last_update)
    add("depth_bid_l1", bq)
    add("depth_ask_l1", aq)
    add("imbalance_l1", (bq - aq) / (bq + aq))
    add("microprice_offset", (a - b) / 2 * (bq - aq) / (bq + aq))
    for n in (5, 10, 20):
        db, da = sum(bids[p] for p in top_bids[:n]), sum(asks[p] for p in top_asks[:n])
        if len(top_bids) >= n:
            add(f"depth_bid_l{n}", db)
        if len(top_asks) >= n:
            add(f"depth_ask_l{n}", da)
        if n < 20 and len(top_bids) >= n and len(top_asks) >= n:
            add(f"spread_l{n}", top_asks[n - 1] - top_bids[n - 1])
            add(f"imbalance_l{n}", (db - da) / (db + da))
    return b, bq, a, aq


def returns(mids, add):
    import math

    by_time = dict(mids)
    for t, mid in mids:
        for name, back in (("mid_log_return_1s", 1_000), ("mid_log_return_10s", 10_000), ("mid_log_return_1m", 60_000)):
            before = by_time.get(t - back)
            if before is not None and t % back == 0:
                add(name, math.log(mid / before))
                if back == 1_000:
                    add("abs_return_1s_acf", abs(math.log(mid / before)))


def tests(x, y):
    import numpy as np
    from scipy import stats

    x, y = np.asarray(x, float), np.asarray(y, float)
    found = {
        "ks": stats.ks_2samp(x, y, method="asymp"),
        "w1": stats.wasserstein_distance(x, y),
        "cvm": stats.cramervonmises_2samp(x, y, method="asymptotic"),
        "mwu": stats.mannwhitneyu(x, y, method="asymptotic"),
        "mean": (x.mean(), y.mean()),
        "std": (x.std(ddof=1), y.std(ddof=1)),
        "quantile": (np.quantile(x, [0.05, 0.5, 0.95]), np.quantile(y, [0.05, 0.5, 0.95])),
    }
    if len(np.unique(np.concatenate([x, y]))) > 1:
        found["ad"] = stats.anderson_ksamp([x, y], variant="midrank")
    pooled = np.sort(np.concatenate([x, y]))
    f = np.searchsorted(np.sort(x), pooled, side="right") / len(x)
    g = np.searchsorted(np.sort(y), pooled, side="right") / len(y)
    found["kuiper"] = (f - g).max() + (g - f).max()
    edges = np.unique(np.quantile(x, np.linspace(0, 1, 21)))
    if len(edges) > 2:
        p = np.histogram(x, np.concatenate([[-np.inf], edges[1:-1], [np.inf]]))[0] + 0.5
        q = np.histogram(y, np.concatenate([[-np.inf], edges[1:-1], [np.inf]]))[0] + 0.5
        found["chi2"] = stats.chi2_contingency(np.array([p, q]))
        p, q = p / p.sum(), q / q.sum()
        found["psi"] = ((p - q) * np.log(p / q)).sum()
        m = (p + q) / 2
        found["js"] = (stats.entropy(p, m, base=2) / 2 + stats.entropy(q, m, base=2) / 2) ** 0.5
    for tail, values in (("golden", x), ("candidate", y)):
        far = np.sort(values)[-max(2, len(values) // 20) :]
        if far[0] > 0:
            found["hill_" + tail] = 1 / np.mean(np.log(far / far[0]) + 1e-300)
    return found


def acf(x, lags):
    import numpy as np

    x = np.asarray(x, float)
    x = x - x.mean()
    v = (x * x).mean()
    return [float((x[k:] * x[:-k]).mean() / v) if v > 0 else 0.0 for k in lags]


def compare(golden, candidate):
    import warnings

    warnings.simplefilter("ignore")
    (g, bad_g), (c, bad_c) = observe(golden), observe(candidate)
    n = 0
    for name in sorted(g):
        if name.endswith("_acf"):
            acf(g[name], (1, 2, 5, 10, 20)), acf(c[name], (1, 2, 5, 10, 20))
        else:
            n += len(tests(g[name], c[name]))
    print(f"{len(g)} observables, {n} statistics, {bad_g + bad_c} out of order or missing", file=sys.stderr)


def seconds(command):
    start = time.perf_counter()
    status = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    taken = time.perf_counter() - start
    if status not in (0, 1, 3):
        sys.exit(f"{command[0]} ended with {status}")
    return taken


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verismo", default="target/release/verismo")
    parser.add_argument("--messages", type=int, default=100_000, help="a side, for Python")
    parser.add_argument("--big", type=int, default=2_000_000, help="a side, for verismo")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--compare", nargs=2, metavar="DIR", help="only compare two folders of golden JSONL")
    args = parser.parse_args()
    if args.compare:
        return compare(*args.compare)
    with tempfile.TemporaryDirectory() as scratch:
        for name, n in (("small", args.messages), ("big", args.big)):
            subprocess.run(
                [args.verismo, "simulate", "--quiet", "--format", "golden-jsonl", "--events", str(n), "--seed", "5"]
                + ["--out", f"{scratch}/{name}"],
                check=True,
                stdout=subprocess.DEVNULL,
            )
        validate = [args.verismo, "validate", "--quiet", "--out", scratch + "/report"]
        ratios, rates = [], []
        for run in range(args.runs):
            python = seconds([sys.executable, __file__, "--compare", scratch + "/small", scratch + "/small"])
            rust = seconds(validate + ["--golden", scratch + "/big", "--candidate", scratch + "/big"])
            rates.append((2 * args.messages / python, 2 * args.big / rust))
            ratios.append(rates[-1][1] / rates[-1][0])
            print(f"run {run + 1}: Python {rates[-1][0]:,.0f} messages/s, verismo {rates[-1][1]:,.0f}, ratio {ratios[-1]:.0f}")
        python, rust = (statistics.median(rate[i] for rate in rates) for i in (0, 1))
        print(f"medians: Python {python:,.0f} messages/s, verismo {rust:,.0f}, ratio {statistics.median(ratios):.0f}")


if __name__ == "__main__":
    main()
