"""The scores of LOB-Bench with NumPy and SciPy, as its definitions say: what `verismo lob-bench` is checked against and timed beside.

Usage: python3 benches/lob_bench.py REAL GENERATED [--json FILE]

Both are folders of LOBSTER pairs, plain CSV. Prints the scores as JSON, and on standard error messages a second with and without
reading. No bootstrap is drawn.
"""

import argparse
import json
import pathlib
import sys
import time

import numpy as np
from scipy import stats

LAGS = [1, 2, 3, 3, 5, 6, 7, 10, 12, 15, 19, 25, 31, 39, 50, 63, 79, 100, 125, 158, 199]
EVENTS = ["MO_0", "MO_1", "LO_0", "LO_1", "CA_0", "CA_1"]
DISCRETE = {"spread"} | {f"{side}_{kind}" for side in ("limit_ask", "limit_bid") for kind in ("order_levels",)}
DISCRETE |= {"ask_cancellation_levels", "bid_cancellation_levels"}


def time_ns(text):
    whole, _, fraction = text.partition(".")
    return int(whole) * 10**9 + int((fraction + "000000000")[:9])


def load(folder):
    """Sequences of (messages, book): time ns, type, id, size, price, direction; four columns a level."""
    out = []
    for path in sorted(pathlib.Path(folder).glob("*message*.csv")):
        rows = [line.split(",") for line in path.read_text().splitlines()]
        messages = np.array([[time_ns(row[0])] + [int(x) for x in row[1:6]] for row in rows], dtype=np.int64)
        head, _, tail = path.name.rpartition("message")
        book = np.loadtxt(path.with_name(head + "orderbook" + tail), delimiter=",", dtype=np.int64, ndmin=2)
        out.append((messages, book))
    return out


def volume_per_minute(messages):
    trades = messages[messages[:, 1] == 4]
    if not len(trades):
        return np.zeros(0)
    second = trades[:, 0] // 10**9
    seconds = np.unique(second)
    volume = np.array([trades[second == s, 3].sum() * 60.0 for s in seconds])
    first, last = trades[0, 0], trades[-1, 0]
    first_us, last_us = (first % 10**9) // 1000, (last % 10**9) // 1000
    if len(seconds) == 1:
        if first == last:
            return volume
        part = last_us - first_us
        return volume * (1e6 / part) if part >= 100_000 else volume[:0]
    keep = np.ones(len(seconds), dtype=bool)
    if first_us < 900_000:
        keep[0] = False
    else:
        volume[0] /= 1 - first_us / 1e6
    if last_us < 100_000:
        keep[-1] = False
    else:
        volume[-1] *= 1e6 / last_us
    return volume[keep]


def time_to_cancel(messages):
    first, times = {}, []
    is_new = set(messages[messages[:, 1] == 1, 2].tolist())
    for t, kind, order in messages[:, :3].tolist():
        if kind in (1, 2, 3) and order in is_new:
            seen = first.setdefault(order, [])
            seen.append(t)
            if len(seen) == 2:
                times.append((t - seen[0]) / 1e9)
    times = np.array(times)
    return np.log(np.where(times == 0, 1e-9, times))


def scores(messages, book):
    ask, ask_size, bid, bid_size = book[:, :4].T
    kind, price, mid = messages[:, 1], messages[:, 4], (ask + bid) / 2
    out = {"spread": ask - bid, "orderbook_imbalance": (bid_size - ask_size) / (bid_size + ask_size)}
    wait = np.diff(messages[:, 0]) / 1e6
    out["log_inter_arrival_time"] = np.log(np.where(wait == 0, 1e-9, wait))
    out["log_time_to_cancel"] = time_to_cancel(messages)
    out["ask_volume_touch"], out["bid_volume_touch"] = ask_size, bid_size
    out["ask_volume"], out["bid_volume"] = book[:, 1:40:4].sum(axis=1), book[:, 3:40:4].sum(axis=1)
    for kinds, names in (((1,), "limit_{}_order_depth"), ((2, 3), "{}_cancellation_depth")):
        depth = (price - mid)[np.isin(kind, kinds)]
        out[names.format("ask")], out[names.format("bid")] = depth[depth > 0], -depth[depth < 0]
    before = (book[:-1], price[1:], kind[1:])
    for rows, kinds, names in (
        ((book, price, kind), (1,), "limit_{}_order_levels"),
        (before, (2, 3), "{}_cancellation_levels"),
    ):
        chosen = np.isin(rows[2], kinds)
        for side, column in (("ask", 0), ("bid", 2)):
            level = np.nonzero(rows[0][chosen][:, column:40:4] == rows[1][chosen][:, None])[1]
            out[names.format(side)] = level + 1
    out["vol_per_min"] = volume_per_minute(messages)
    flow = (
        (bid[1:] >= bid[:-1]) * bid_size[1:]
        - (bid[1:] <= bid[:-1]) * bid_size[:-1]
        - (ask[1:] <= ask[:-1]) * ask_size[1:]
        + (ask[1:] >= ask[:-1]) * ask_size[:-1]
    )
    total = np.concatenate([[0], np.cumsum(flow)])
    ofi = (total[100:] - total[:-100]) / 100
    out["ofi"] = ofi
    move = np.sign(np.diff(mid))[100:]
    for name, sign in (("ofi_up", 1), ("ofi_stay", 0), ("ofi_down", -1)):
        out[name] = ofi[:-1][move == sign] if len(ofi) else ofi
    return out


def total_variation(x, y, edges):
    bins = len(edges) + 1
    shares = [np.bincount(np.searchsorted(edges, v, side="right"), minlength=bins) / len(v) for v in (x, y)]
    return 0.5 * np.abs(shares[0] - shares[1]).sum()


def standardised(x, y):
    pooled = np.concatenate([x, y])
    std = pooled.std(ddof=1)
    return stats.wasserstein_distance((x - pooled.mean()) / std, (y - pooled.mean()) / std) if std > 0 else np.nan


def deciles(pooled):
    """Of more than two equal deciles two are kept, the second 0.01 higher."""
    kept = []
    for edge in np.quantile(pooled, np.arange(0.1, 1.0, 0.1)):
        if kept.count(edge) < 2:
            kept.append(edge)
    return np.sort([edge + 1e-2 if i > 0 and kept[i - 1] == edge else edge for i, edge in enumerate(kept)])


def given(values, groups, is_discrete):
    """Mean distances over groups of a condition, weighed by what both sides have in each."""
    every = np.unique(np.concatenate(groups))
    total, sums = sum(map(len, values)), np.zeros(2)
    for group in every:
        x, y = (v[g == group] for v, g in zip(values, groups))
        share = (len(x) + len(y)) / total
        if not len(x) or not len(y):
            sums += [share, 0.0]
            continue
        pooled = np.concatenate([x, y])
        edges = np.unique(pooled) if is_discrete else deciles(pooled)
        sums += share * np.nan_to_num([total_variation(x, y, edges), standardised(x, y)])
    return sums.tolist()


def volatility(messages, book):
    interval = messages[:, 0] // 10**8
    last = np.nonzero(np.append(interval[1:] != interval[:-1], True))[0]
    log_mid = np.log((book[last, 0] + book[last, 2]) / 2)
    returns = np.diff(log_mid)[np.diff(interval[last]) == 1]
    return returns.std(ddof=1) if len(returns) > 1 else 0.0


def conditional(sides):
    spread = [np.concatenate([b[:, 0] - b[:, 2] for _, b in side]).astype(float) for side in sides]
    size = [np.concatenate([b[:, 1] for _, b in side]).astype(float) for side in sides]
    day = [np.concatenate([m[:, 0] for m, _ in side]) / 1e9 for side in sides]
    hour = [np.searchsorted(np.linspace(0, 86_400, 24), t, side="right") for t in day]
    calm = [np.concatenate([np.full(len(m), volatility(m, b)) for m, b in side]) for side in sides]
    edges = deciles(np.concatenate(calm))
    regime = [np.searchsorted(edges, v, side="right") for v in calm]
    return {
        "ask_volume | spread": given(size, spread, False),
        "spread | time": given(spread, hour, False),
        "spread | volatility": given(spread, regime, True),
    }


def events(messages, book):
    """Kind, sign and mid price of the orders that change the touch; one market order is one event."""
    touch = book[:, :4]
    changes = np.append(True, (touch[1:] != touch[:-1]).any(axis=1))
    keep = changes & (touch != 0).all(axis=1) & np.isin(messages[:, 1], (1, 2, 3, 4)) & np.isin(messages[:, 5], (1, -1))
    messages, prices = messages[keep], touch[keep][:, [0, 2]]
    moved = np.append(True, (prices[1:] != prices[:-1]).any(axis=1))[: len(prices)]
    kind = np.select([messages[:, 1] == 4, messages[:, 1] == 1], [0, 2], 4) + moved
    sign = np.where(messages[:, 1] == 1, messages[:, 5], -messages[:, 5])
    mid = (prices.sum(axis=1) / 2).astype(np.int64)
    same = (messages[1:, 1] == 4) & (np.diff(messages[:, 0]) <= 1_000)
    same &= (messages[1:, 4] == messages[:-1, 4]) & (messages[1:, 5] == messages[:-1, 5])
    last = np.append(~same, True)[: len(kind)]
    return kind[last], sign[last], mid[last]


def impact(sides):
    curves = []
    for side in sides:
        found = [events(*sequence) for sequence in side]
        curve = np.full((len(EVENTS), len(LAGS)), np.nan)
        for place, lag in enumerate(LAGS):
            kinds = np.concatenate([k[1 : len(k) - lag + 1] for k, _, _ in found if len(k) > lag] or [[]])
            moves = np.concatenate([(m[lag:] - m[:-lag]) * s[1 : len(s) - lag + 1] / 100 for _, s, m in found if len(m) > lag] or [[]])
            for event in range(len(EVENTS)):
                chosen = moves[kinds == event]
                curve[event, place] = chosen.mean() if len(chosen) else np.nan
        curves.append(curve)
    distance = np.abs(curves[0] - curves[1]).sum(axis=1)
    return {name: None if np.isnan(d) else float(d) for name, d in zip(EVENTS, distance)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("real")
    parser.add_argument("generated")
    parser.add_argument("--json")
    args = parser.parse_args()
    start = time.perf_counter()
    sides = [load(args.real), load(args.generated)]
    read = time.perf_counter()
    found = [[scores(*sequence) for sequence in side] for side in sides]
    out = {}
    for name in found[0][0]:
        x, y = (np.concatenate([s[name] for s in side]).astype(float) for side in found)
        x, y = x[np.isfinite(x)], y[np.isfinite(y)]
        pooled = np.concatenate([x, y])
        edges = np.unique(pooled) if name in DISCRETE else np.histogram_bin_edges(pooled, "fd")
        out[name] = [float(total_variation(x, y, edges)), float(standardised(x, y))]
    end = time.perf_counter()
    messages = sum(len(m) for side in sides for m, _ in side)
    print(f"{messages / (end - start):.0f} messages/s, {messages / (end - read):.0f} without reading", file=sys.stderr)
    text = json.dumps({"scores": out, "conditional": conditional(sides), "impact": impact(sides)}, indent=1)
    if args.json:
        pathlib.Path(args.json).write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
