"""Quantiles of microstructure observables of one real capture, computed apart from verismo: dicts for the book, NumPy for the rest.

    python3 crates/market/vectors/gen/microstructure.py DATA/binance > crates/market/vectors/microstructure_binance.csv

DATA/binance holds spot_btcusdt_20240808.gz and spot_btcusdt_20240809.gz, the example captures of nkaz001/hftbacktest (MIT). NumPy 2.
Prices are integers of 10^-8. The grid is absolute, 100 ms; a sample is the book after all updates at or before its time. A trade meets
the last sample before its time; "tau later" is the first sample at or after its time plus tau.
"""

import gzip
import json
import sys
from decimal import Decimal

import numpy as np

GRID = 100  # ms
QUANTILES = [0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1]


def scaled(text):
    return int(Decimal(text) * 10**8)


def messages(folder):
    """(kind, data) in the order in which a reader can apply them: diffs before the snapshot wait for it."""
    waiting, snapshot = [], None
    for day in ("20240808", "20240809"):
        with gzip.open(f"{folder}/spot_btcusdt_{day}.gz", "rt") as lines:
            for line in lines:
                data = json.loads(line.split(" ", 1)[1])
                if "lastUpdateId" in data:
                    snapshot = data["lastUpdateId"]
                    yield "snapshot", data
                    yield from (("depth", diff) for diff in waiting if diff["u"] > snapshot)
                elif "@depth" in data["stream"]:
                    if snapshot is None:
                        waiting.append(data["data"])
                    else:
                        yield "depth", data["data"]
                elif data["stream"].endswith("@trade"):
                    yield "trade", data["data"]


def replay(folder):
    bids, asks = {}, {}
    samples, trades, best = [], [], []  # (t, bid, ask, price of a walk), (t, p, e), (t, best bid)
    due, clock = None, 0

    def sample(until):
        nonlocal due
        if due is None:
            due = -(-until // GRID) * GRID
        if due >= until:
            return
        ladder = sorted(asks.items())[:10]
        bid, ask = max(bids), ladder[0][0]
        want = left = sum(q for _, q in ladder) // 2
        paid = 0
        for price, qty in ladder:
            take = min(left, qty)
            paid += take * price
            left -= take
        while due < until:
            samples.append((due, bid, ask, paid / want))
            due += GRID

    for kind, data in messages(folder):
        if kind == "trade":
            if due is not None:
                trades.append((data["T"], scaled(data["p"]), -1 if data["m"] else 1))
            continue
        if kind == "depth":
            clock = data["E"]
            sample(clock)
        else:
            bids, asks = {}, {}
        for side, levels in ((bids, data.get("b", data.get("bids"))), (asks, data.get("a", data.get("asks")))):
            for price, qty in levels:
                price, qty = scaled(price), scaled(qty)
                if qty:
                    side[price] = qty
                else:
                    side.pop(price, None)
        if kind == "depth":
            best.append((clock, max(bids)))
    sample(clock + 1)
    return np.array(samples), trades, best


def main():
    samples, trades, best = replay(sys.argv[1])
    first = int(samples[0, 0])
    assert (np.diff(samples[:, 0]) == GRID).all()
    mid = (samples[:, 1] + samples[:, 2]) / 2
    t = np.maximum.accumulate(np.array([trade[0] for trade in trades]))
    price, sign = np.array([trade[1] for trade in trades]), np.array([trade[2] for trade in trades])
    before = (t - 1) // GRID - first // GRID
    known = (before >= 0) & (before < len(mid))
    values = {"effective_spread": (2e4 * sign * (price - mid[before.clip(0, len(mid) - 1)]) / mid[before.clip(0, len(mid) - 1)])[known]}

    after = -(-(t + 1000) // GRID) - first // GRID
    known &= after < len(mid)
    m0, m1 = mid[before[known]], mid[after[known]]
    values["realised_spread_1s"] = 2e4 * sign[known] * (price[known] - m1) / m0
    values["impact_1s"] = 1e4 * sign[known] * (m1 - m0) / m0

    seconds = samples[:, 0] % 1000 == 0
    at, log_mid = samples[seconds, 0].astype(np.int64) // 1000, np.log(mid[seconds])
    minutes = [i for i in range(60, len(at)) if at[i] % 60 == 0]
    values["realised_vol_1m"] = np.array([1e4 * np.sqrt(np.sum(np.diff(log_mid[i - 60 : i + 1]) ** 2)) for i in minutes])
    values["slippage_buy"] = 1e4 * (samples[:, 3] - mid) / mid

    changes = [best[i] for i in range(1, len(best)) if best[i][1] != best[i - 1][1]]
    values["best_quote_lifetime_bid"] = np.diff([change[0] for change in changes]) / 1000

    print("# observable, count, mean, order statistics at ranks floor(q (n - 1)) for q in", *QUANTILES)
    print(f"# Made by crates/market/vectors/gen/microstructure.py with NumPy {np.__version__}.")
    for name, x in values.items():
        x = np.sort(x)
        ranks = [int(q * (len(x) - 1)) for q in QUANTILES]
        print(name, len(x), *(repr(float(v)) for v in [x.mean(), *x[ranks]]), sep=",")


main()
