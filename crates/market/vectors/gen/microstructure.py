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
from fractions import Fraction

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
    # (t, bid, ask, price of a walk, best bid's quantity, vamp, best ask's quantity, quantity of five bids, of five asks),
    # (t, p, q, e), (t, best bid, lost)
    samples, trades, updates = [], [], []
    due, clock = None, 0

    def sample(until):
        nonlocal due
        if due is None:
            due = -(-until // GRID) * GRID
        if due >= until:
            return
        ladder = sorted(asks.items())[:10]
        bid, ask = max(bids), ladder[0][0]
        five = [sorted(bids.items())[-5:], ladder[:5]]
        volume = [sum(q for _, q in side) for side in five]
        mean = [sum(Fraction(p * q, v) for p, q in side) for side, v in zip(five, volume)]
        vamp = (mean[0] * volume[1] + mean[1] * volume[0]) / (volume[0] + volume[1]) - Fraction(bid + ask, 2)
        want = left = sum(q for _, q in ladder) // 2
        paid = 0
        for price, qty in ladder:
            take = min(left, qty)
            paid += take * price
            left -= take
        while due < until:
            samples.append((due, bid, ask, paid / want, bids[bid], float(vamp) / 1e8, asks[ask], *volume))
            due += GRID

    for kind, data in messages(folder):
        if kind == "trade":
            if due is not None:
                trades.append((data["T"], scaled(data["p"]), scaled(data["q"]), -1 if data["m"] else 1))
            continue
        if kind == "depth":
            clock = data["E"]
            sample(clock)
        else:
            bids, asks = {}, {}
        lost = 0
        for side, levels in ((bids, data.get("b", data.get("bids"))), (asks, data.get("a", data.get("asks")))):
            for price, qty in levels:
                price, qty = scaled(price), scaled(qty)
                lost += max(side.get(price, 0) - qty, 0)
                if qty:
                    side[price] = qty
                else:
                    side.pop(price, None)
        if kind == "depth":
            updates.append((clock, max(bids), lost))
    sample(clock + 1)
    return np.array(samples), trades, updates


def by_second(samples, t, trades, updates):
    """Share of what is lost that is not traded, and updates per trade, of the whole seconds."""
    seconds = {}
    for when, _, lost in updates:
        second = seconds.setdefault(when // 1000, [0, 0, 0, 0])
        second[0] += 1
        second[1] += lost
    for when, (_, _, qty, _) in zip(t, trades):
        second = seconds.setdefault(int(when) // 1000, [0, 0, 0, 0])
        second[2] += 1
        second[3] += qty
    whole = [seconds[s] for s in sorted(seconds)[1:-1]]
    cancelled = [max(0.0, 1 - traded / lost) for _, lost, _, traded in whole if lost]
    return cancelled, [n / m for n, _, m, _ in whole if m]


def virtual_bids(samples, t, trades):
    """Waiting times of a bid at the back of the best queue, placed every 10 s; 60 s at most, in the order of their ends."""
    waits, last = [], int(samples[-1, 0])
    for when, bid, _, _, ahead, *_ in samples[samples[:, 0] % 10_000 == 0]:
        filled = None
        for i in range(np.searchsorted(t, when, side="right"), len(t)):
            if t[i] > when + 60_000:
                break
            _, price, qty, sign = trades[i]
            if sign < 0 and price <= bid:
                ahead -= qty if price == bid else 0
                if price < bid or ahead < 0:
                    filled = (t[i] - when) / 1000
                    break
        if filled is not None:
            waits.append(filled)
        elif when + 60_000 <= last:
            waits.append(60.0)
    return waits


def depletion(samples, t, trades):
    """What the best queues lost by whole seconds, to trades and otherwise."""
    by_second = {}
    for (start, bid, ask, _, bid_qty, _, ask_qty, *_), (end, bid_2, ask_2, _, bid_qty_2, _, ask_qty_2, *_) in zip(samples, samples[1:]):
        meanwhile = trades[np.searchsorted(t, start, side="right") : np.searchsorted(t, end, side="right")]
        sums = by_second.setdefault(start // 1000, [0, 0, 0])
        sums[0] += 1
        for sign, best, worse_by, was, now in ((-1, bid, bid - bid_2, bid_qty, bid_qty_2), (1, ask, ask_2 - ask, ask_qty, ask_qty_2)):
            if worse_by < 0:
                continue
            lost = was if worse_by > 0 else max(was - now, 0)
            traded = min(lost, sum(qty for _, price, qty, side in meanwhile if side == sign and price == best))
            sums[1] += traded
            sums[2] += lost - traded
    whole = [sums for sums in by_second.values() if sums[0] * GRID == 1000]
    return [sums[1] / 1e8 for sums in whole], [sums[2] / 1e8 for sums in whole]


def virtual_shares(samples, t, trades):
    """Shares filled within 10 s of orders as large as the best queues that they join, placed every 10 s."""
    shares, last = [], int(samples[-1, 0])
    for when, bid, ask, _, bid_qty, _, ask_qty, *_ in samples[samples[:, 0] % 10_000 == 0]:
        if when + 10_000 > last:
            break
        soon = trades[np.searchsorted(t, when, side="right") : np.searchsorted(t, when + 10_000, side="right")]
        for side, best, queue in ((1, bid, bid_qty), (-1, ask, ask_qty)):
            met = [(side * (best - price), qty) for _, price, qty, sign in soon if sign == -side]
            taken = sum(qty for through, qty in met if through == 0)
            is_through = any(through > 0 for through, _ in met)
            shares.append(1.0 if is_through else min(max(taken - queue, 0), queue) / queue)
    return shares


def recoveries(samples, t):
    """Times from the first trade between two samples that widened the spread until the spread is back, 60 s at most."""
    spread, first, times, free_from = samples[:, 2] - samples[:, 1], samples[0, 0], [], 0
    for i in range(1, len(samples)):
        if i < free_from or spread[i] <= spread[i - 1]:
            continue
        at = np.searchsorted(t, samples[i - 1, 0], side="right")
        if at == len(t) or t[at] > samples[i, 0]:
            continue
        for j in range(i + 1, len(samples)):
            waited = samples[j, 0] - t[at]
            if spread[j] <= spread[i - 1] or waited >= 60_000:
                times.append(min(waited, 60_000) / 1000)
                free_from = j + 1
                break
        else:
            break
    return times


def bursts_at_touch(samples, t, trades):
    """Shares of what trades at a best price took that stayed on display, and refills of each stand of a price that was traded at."""
    when, shares, refills = samples[:, 0].astype(np.int64), [], []
    for prices, qtys, sign in ((samples[:, 1], samples[:, 4], -1), (samples[:, 2], samples[:, 6], 1)):
        met = {}
        for at, (_, price, qty, of) in zip(t, trades):
            i = (int(at) - 1 - int(when[0])) // GRID
            if of == sign and 0 <= i < len(when) and price == prices[i]:
                met.setdefault(i, []).append((int(at), qty))
        first = 0
        while first < len(when):
            end = first + 1
            while end < len(when) and prices[end] == prices[first]:
                end += 1
            waiting = [(i, at, qty) for i in range(first, end) for at, qty in met.get(i, ())]
            n, n_bursts, n_refills = 0, 0, 0
            while n < len(waiting):
                shown, took, settled = qtys[waiting[n][0]], 0, waiting[n][1]
                while n < len(waiting) and waiting[n][1] <= settled:
                    took += waiting[n][2]
                    settled = -(-(waiting[n][1] + 100) // GRID) * GRID
                    n += 1
                shows = None
                if settled < when[0] + end * GRID:
                    shows = qtys[(settled - when[0]) // GRID]
                elif end < len(when) and sign * prices[end] > sign * prices[first]:
                    shows = 0
                if shows is not None:
                    n_bursts += 1
                    n_refills += shows >= shown
                    shares.append((took - min(max(shown - shows, 0), took)) / took)
            if n_bursts and first > 0 and end < len(when):
                refills.append(n_refills)
            first = end
    return shares, refills


def by_minute(times, samples):
    """How many of the times lie in each whole minute (60 k s, 60 (k + 1) s]."""
    first, last = int(samples[0, 0]), int(samples[-1, 0])
    begins = range(-(-first // 60_000), last // 60_000)
    return [sum(60_000 * k < at <= 60_000 * (k + 1) for at in times) for k in begins]


class Running:
    def __init__(self, memory):
        self.memory, self.n, self.mean = memory, 0, 0.0

    def push(self, x):
        self.n = min(self.n + 1, self.memory)
        self.mean += (x - self.mean) / self.n


def spoofs(samples, t, trades):
    when, found = samples[:, 0].astype(np.int64), []
    side = np.array([trade[3] for trade in trades])
    large = ([], [])
    mean = Running(1000)
    columns = ((samples[:, 1], samples[:, 7], -1), (samples[:, 2], samples[:, 8], 1))
    for i in range(1, len(when)):
        for n, (prices, depth, _) in enumerate(columns):
            rise = depth[i] - depth[i - 1]
            if prices[i] == prices[i - 1] and rise > 0:
                if mean.n >= 50 and rise >= 5 * mean.mean:
                    large[n].append(i)
                mean.push(rise)
    for n, (prices, depth, sign) in enumerate(columns):
        free = 0
        for i in large[n]:
            # What is watched ends with a sample, and the same sample may begin another, or with a trade, and the next one may.
            if i < free:
                continue
            base, rise, free, gone = depth[i - 1], depth[i] - depth[i - 1], None, None
            for j in range(i + 1, len(when)):
                if np.any((t > when[i]) & (t <= when[j]) & (side == sign)) or prices[j] != prices[i]:
                    free = j
                    break
                if depth[j] - base <= int(rise) // 4:
                    gone = j
                    break
                if when[j] - when[i] >= 1000:
                    free = j
                    break
            if gone is not None:
                after = t[(t > when[gone]) & (t <= when[gone] + 1000) & (side == -sign)]
                known = after[after <= when[-1]]
                if len(known):
                    found.append(int(known[0]))
                    free = -(-int(known[0]) // GRID) * GRID
                else:
                    free = int(when[gone]) + 1000
                free = (free - int(when[0])) // GRID
            elif free is None:
                break
    return found


def ignitions(samples, t, trades):
    when, twice, found = samples[:, 0].astype(np.int64), samples[:, 1] + samples[:, 2], []
    signed = np.cumsum([0] + [qty * sign for _, _, qty, sign in trades])
    every = np.cumsum([0] + [qty for _, _, qty, _ in trades])
    upto = np.searchsorted(t, when, side="right")
    mean, free, steps = Running(600), 0, 1000 // GRID
    for i in range(steps, len(when)):
        move = twice[i] - twice[i - steps]
        if i >= free and mean.n >= 30 and move and abs(move) >= 6 * (samples[i - steps, 2] - samples[i - steps, 1]) and abs(move) >= 5 * mean.mean:
            net, total = (x[upto[i]] - x[upto[i - steps]] for x in (signed, every))
            sign = 1 if move > 0 else -1
            if total > 0 and 2 * net * sign >= total:
                furthest, free = twice[i], len(when)
                for j in range(i + 1, len(when)):
                    furthest = sign * max(sign * furthest, sign * twice[j])
                    back = sign * (furthest - twice[j])
                    if back > 0 and 2 * back >= sign * (furthest - twice[i - steps]):
                        found.append(int(when[j]))
                        free = j + 1
                        break
                    if when[j] - when[i] >= 5000:
                        free = j + 1
                        break
        if when[i] % 1000 == 0:
            mean.push(abs(move))
    return found


def busy_bins(times):
    """Lengths of runs of busy bins, and of what lies between them, in seconds."""
    bins = np.sort(times) // 100
    counts = np.bincount(bins - bins[0])[:-1]
    mean, busy = Running(3000), []
    for count in counts:
        busy.append(bool(mean.n >= 100 and count > 5 * max(mean.mean, 1)))
        mean.push(int(count))
    edges = np.flatnonzero(np.diff([False, *busy]))
    begins, ends = edges[::2] + 0, edges[1::2] + 0
    return (ends - begins[: len(ends)]) / 10, (begins[1:] - ends[: len(begins) - 1]) / 10


def sweeps(trades):
    levels, i = [], 0
    while i < len(trades):
        run = [trades[i][1]]
        while i + len(run) < len(trades) and trades[i + len(run)][3] == trades[i][3] and trades[i + len(run)][0] - trades[i][0] <= 100:
            run.append(trades[i + len(run)][1])
        sign = trades[i][3]
        if i + len(run) < len(trades):
            furthest = np.maximum.accumulate(sign * np.array(run))
            levels.append(len(np.unique(furthest)))
        i += len(run)
    return levels


def events(folder):
    """All trades, with times that never run backwards, and the times of all events."""
    trades, updates = [], []
    for kind, data in messages(folder):
        if kind == "trade":
            trades.append((data["T"], scaled(data["p"]), scaled(data["q"]), -1 if data["m"] else 1))
        elif kind == "depth":
            updates.append(data["E"])
    t = np.maximum.accumulate([trade[0] for trade in trades])
    times = np.concatenate([t, np.maximum.accumulate(updates)])
    return [(int(at), *trade[1:]) for at, trade in zip(t, trades)], times


def main():
    samples, trades, updates = replay(sys.argv[1])
    first = int(samples[0, 0])
    assert (np.diff(samples[:, 0]) == GRID).all()
    mid = (samples[:, 1] + samples[:, 2]) / 2
    t = np.maximum.accumulate(np.array([trade[0] for trade in trades]))
    price, sign = np.array([trade[1] for trade in trades]), np.array([trade[3] for trade in trades])
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

    values["vamp_offset_l5"] = samples[:, 5]

    changes = [now[0] for before, now in zip(updates, updates[1:]) if now[1] != before[1]]
    values["best_bid_lifetime"] = np.diff(changes) / 1000
    values["cancel_share_1s"], values["order_to_trade_1s"] = by_second(samples, t, trades, updates)
    values["queue_traded_1s"], values["queue_cancelled_1s"] = depletion(samples, t, trades)
    values["virtual_bid_fill_time"] = virtual_bids(samples, t, trades)
    values["virtual_fill_share_10s"] = virtual_shares(samples, t, trades)
    values["resilience_time"] = recoveries(samples, t)
    notional = np.cumsum([p * q / 1e16 for _, p, q, _ in trades])
    total = [notional[n - 1] if n else 0.0 for n in np.searchsorted(t, at[minutes[0] - 60 :: 60] * 1000, side="right")]
    moves = np.abs(np.diff(log_mid[minutes[0] - 60 :: 60]))
    values["amihud_1m"] = 1e4 * moves / (np.diff(total) / 1e6)

    values["hidden_share"], values["refill_count"] = bursts_at_touch(samples, t, trades)
    values["spoof_like_1m"] = by_minute(spoofs(samples, t, trades), samples)
    values["ignition_1m"] = by_minute(ignitions(samples, t, trades), samples)
    all_trades, times = events(sys.argv[1])
    values["burst_length"], values["burst_gap"] = busy_bins(times)
    values["sweep_levels"] = sweeps(all_trades)

    print("# observable, count, mean, order statistics at ranks floor(q (n - 1)) for q in", *QUANTILES)
    print(f"# Made by crates/market/vectors/gen/microstructure.py with NumPy {np.__version__}.")
    for name, x in values.items():
        x = np.sort(np.asarray(x))
        ranks = [int(q * (len(x) - 1)) for q in QUANTILES]
        print(name, len(x), *(repr(float(v)) for v in [x.mean(), *x[ranks]]), sep=",")


main()
