"""Where more machines stop helping: measured costs of one machine, and a model of many.

Measured here, with one thread: what it takes to read and observe a byte of a market, to keep its states, to take them from the store, and to
judge a pair of streams. Modelled: workers that each take one job at a time from a queue, largest first, from a store that all of them share;
no two machines are as fast as each other, and a few are much slower. Nothing here ran on more than one machine.

Two ways to cut the work, both of which are commands of today that share nothing but the store:
  by stream          `verismo validate --symbol S`: one job a pair of streams; a stream is read from its start to its end
  by stream and day  the same of the files of a day: as many verdicts as days, each about its day alone

    python3 benches/workers.py --verismo target/release/verismo
"""

import argparse
import heapq
import json
import math
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time


def run(verismo, out, *arguments):
    report = os.path.join(out, "report.json")
    before = time.perf_counter()
    command = [verismo, "validate", *arguments, "--threads", "1", "--json", report, "--out", os.path.join(out, "reports")]
    done = subprocess.run(command, capture_output=True, text=True)
    wall = time.perf_counter() - before
    if done.returncode not in (0, 1, 2):
        raise SystemExit(f"{' '.join(command)}\n{done.stderr}")
    with open(report) as file:
        return json.load(file), wall


def size(folder):
    return sum(os.path.getsize(os.path.join(path, name)) for path, _, names in os.walk(folder) for name in names)


def measure(verismo, events, repeats):
    """Costs of one pair of streams of so many messages a side: medians."""
    with tempfile.TemporaryDirectory() as out:
        sides = []
        for side, seed in ("golden", 5), ("candidate", 6):
            path = os.path.join(out, side)
            options = ["--format", "events-parquet", "--events", str(events), "--seed", str(seed), "--out", path]
            subprocess.run([verismo, "simulate", *options], check=True, capture_output=True)
            sides += [f"--{side}", path]
        bytes_raw = size(os.path.join(out, "golden")) + size(os.path.join(out, "candidate"))
        store = os.path.join(out, "store")
        observe, judge, again, fixed = [], [], [], []
        for _ in range(repeats):
            shutil.rmtree(store, ignore_errors=True)
            report, wall = run(verismo, out, *sides, "--store", store)
            observe.append(report["timing"]["stages"]["observe"])
            judge.append(report["timing"]["stages"]["judge"])
            pieces = report["cache"]["pieces"]
            stream = report["streams"][0]
            windows = (stream["golden_span_ns"][1] - stream["golden_span_ns"][0]) / 1e9 / stream["window_s"]
            states = size(os.path.join(store, "states", "pieces"))
            for kind in "judged", "known", "reports":
                shutil.rmtree(os.path.join(store, "states", kind), ignore_errors=True)
            report, wall = run(verismo, out, *sides, "--store", store)
            again.append(wall)
            fixed.append(wall - sum(report["timing"]["stages"].values()))
        return {
            "bytes": bytes_raw,
            "pieces": pieces,
            "windows": windows,
            "states": states,
            "observe": statistics.median(observe),
            "judge": statistics.median(judge),
            "again": statistics.median(again),
            "start": max(statistics.median(fixed), 0.0),
        }


def jobs_of(cost, total, streams, days, by_day):
    """Jobs as (compute seconds, bytes to read, bytes to write). The k-th busiest stream has a k-th of the busiest one's bytes."""
    weights = [1 / k for k in range(1, streams + 1)]
    scale = total / sum(weights)
    jobs = []
    for weight in weights:
        parts = days if by_day else 1
        raw = scale * weight / parts
        # Judging costs windows: of a minute, where a stream has a day or more.
        windows = 1_440 * (1 if by_day else days)
        judge = cost["judge"] * windows / cost["windows"]
        compute = cost["start"] + cost["observe"] * raw / cost["bytes"] + judge
        jobs += [(compute, raw, raw * cost["states"] / cost["bytes"])] * parts
    return sorted(jobs, reverse=True)


def simulate(jobs, workers, model, seed):
    """The time until all jobs are done."""
    rng = random.Random(seed)
    speeds = [math.exp(rng.gauss(0, model["spread"])) for _ in range(workers)]
    for slow in rng.sample(range(workers), round(model["stragglers"] * workers)):
        speeds[slow] /= model["slowness"]
    free = [(0.0, i) for i in range(workers)]
    heapq.heapify(free)
    end = 0.0
    for compute, read, written in jobs:
        at, worker = heapq.heappop(free)
        # Bytes arrive while others are decoded: the longer of both counts.
        took = model["latency"] + max(compute / speeds[worker], (read + written) / model["nic"])
        heapq.heappush(free, (at + took, worker))
        end = max(end, at + took)
    # Whatever the workers do, the store hands out no more than it can.
    return max(end, sum(read + written for _, read, written in jobs) / model["store"])


def amdahl(points):
    """The serial share f of T(n) = T(1) (f + (1 - f) / n), least squares over the logarithms."""
    best = (math.inf, 0.0)
    for step in range(1, 200_001):
        f = 10 ** (-6 + 6 * step / 200_001)
        error = sum(math.log(s * (f + (1 - f) / n)) ** 2 for n, s in points)
        best = min(best, (error, f))
    return best[1]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verismo", default="target/release/verismo", help="the program that is measured")
    parser.add_argument("--events", type=int, default=1_000_000, help="messages a side of the pair that is measured")
    parser.add_argument("--repeats", type=int, default=3, help="medians of so many runs")
    parser.add_argument("--bytes", type=float, default=1e15, help="bytes of both sides together")
    parser.add_argument("--streams", type=int, default=500, help="streams a side")
    parser.add_argument("--days", type=int, default=365, help="days that each has")
    arguments = parser.parse_args()
    cost = measure(arguments.verismo, arguments.events, arguments.repeats)
    model = {
        "spread": 0.1,  # standard deviation of the logarithm of a machine's speed
        "stragglers": 0.01,  # share of machines that are
        "slowness": 4.0,  # so many times slower
        "nic": 1.25e9,  # bytes/s of a worker
        "store": 50e9,  # bytes/s of the store
        "latency": 0.1,  # s until a job begins
    }
    mb = cost["bytes"] / 1e6
    print(f"measured, one thread: {mb:.0f} MB in {cost['pieces']} files: observe {cost['observe']:.2f} s,")
    print(f"judge {cost['judge']:.2f} s ({cost['windows']:.0f} windows a side), start {cost['start']:.2f} s,")
    print(f"all of it from states {cost['again']:.2f} s; states {cost['states'] / 1e6:.1f} MB")
    print(f"modelled: {arguments.bytes / 1e12:.0f} TB, {arguments.streams} streams a side, {arguments.days} days; {model}\n")
    print("| cut | workers | hours | speed-up | efficiency | hours on even machines | floor by the longest job | floor by the store |")
    print("|---|---|---|---|---|---|---|---|")
    for name, by_day in ("by stream", False), ("by stream and day", True):
        jobs = jobs_of(cost, arguments.bytes, arguments.streams, arguments.days, by_day)
        even = {**model, "spread": 0.0, "stragglers": 0.0}
        one = simulate(jobs, 1, even, 0)
        points = []
        for workers in 1, 10, 100, 1_000:
            took = statistics.median(simulate(jobs, workers, model if workers > 1 else even, seed) for seed in range(5))
            points.append((workers, one / took))
            speed_up = one / took
            store = sum(read + written for _, read, written in jobs) / model["store"]
            hours = [f"{seconds / 3600:.1f}" for seconds in (simulate(jobs, workers, even, 0), jobs[0][0], store)]
            row = f"{took / 3600:.1f} | {speed_up:.1f} | {100 * speed_up / workers:.0f} % | {' | '.join(hours)}"
            print(f"| {name} | {workers} | {row} |")
        print(f"| {name} | | | serial share, fitted: {amdahl(points):.4f} | | | | |")


if __name__ == "__main__":
    main()
