"""Tables: K-S of every column in minute windows with NumPy, beside `verismo validate` on the same Parquet files.

    python3 benches/numpy_table.py --verismo target/release/verismo [--golden-rows 2000000] [--candidate-rows 12000000] [--runs 5] [--data DIR]

NumPy reads both files with pyarrow, sorts the golden's columns once, and for each minute of the candidate and each of the 8 float columns takes
the K-S distance by `searchsorted` into the golden. verismo counts all rows of both files in minute windows, too, and is run twice: with K-S
alone, and with the whole table suite. Either way it gives intervals under autocorrelation, pictures and a report. What it judges
are the half hours that both sides have, here the first three of the candidate's seventeen hours; NumPy compares every minute.
CPU seconds of whole processes (user and system, all threads), reading counted on all sides, in turn; ratios of rows per CPU second,
medians over the runs, for zstd and for uncompressed files. With `--data` the files are made there once and kept.
"""

import argparse
import pathlib
import resource
import statistics
import subprocess
import sys
import tempfile

COLUMNS = 8
MINUTE_NS = 60_000_000_000
SUITE = """schema: verismo.suite/1
name: minutes
data: table
window: 60s
tests: [%s]
columns:
  decide: ks
  margins: {%s}
  severity: critical
"""
SUITES = {
    "K-S alone": SUITE % ("", "ks: 0.05"),
    # As the built-in one.
    "whole suite": SUITE % ("mwu", "ks: 0.05, w1: 0.1, mean: 0.1, std: 0.1, quantile: 0.15"),
}


def write(path, rows, seed, compression):
    """Columns with autocorrelation, heavy tails and different scales; a row every 5 ms."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = np.random.default_rng(seed)
    table = {"ts": pa.array(1_753_056_000_000_000_000 + 5_000_000 * np.arange(rows), pa.timestamp("ns"))}
    for c in range(COLUMNS):
        noise = rng.standard_t(4, rows) if c % 2 else rng.standard_normal(rows)
        table[f"f{c}"] = noise * 10.0 ** (c - 4) + rng.standard_normal(rows // 1000 + 1).repeat(1000)[:rows] * 10.0 ** (c - 5)
    pq.write_table(pa.table(table), path, compression=compression, use_dictionary=False)


def compare(golden, candidate):
    import numpy as np
    import pyarrow.parquet as pq

    g = pq.read_table(golden)
    sorted_golden = {f"f{c}": np.sort(g[f"f{c}"].to_numpy()) for c in range(COLUMNS)}
    c = pq.read_table(candidate)
    minutes = c["ts"].to_numpy().astype("int64") // MINUTE_NS
    starts = np.flatnonzero(np.diff(minutes, prepend=minutes[0] - 1))
    largest = 0.0
    for name, reference in sorted_golden.items():
        values = c[name].to_numpy()
        for start, end in zip(starts, np.append(starts[1:], len(minutes))):
            window = np.sort(values[start:end])
            n = len(window)
            right = np.searchsorted(reference, window, side="right") / len(reference)
            left = np.searchsorted(reference, window, side="left") / len(reference)
            gap = max((np.arange(1, n + 1) / n - right).max(), (left - np.arange(n) / n).max())
            largest = max(largest, gap)
    print(f"{len(starts)} minutes, largest distance {largest:.4f}", file=sys.stderr)


def cpu_seconds(command):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    status = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if status not in (0, 1, 3):
        sys.exit(f"{command[0]} ended with {status}")
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verismo", default="target/release/verismo")
    parser.add_argument("--golden-rows", type=int, default=2_000_000)
    parser.add_argument("--candidate-rows", type=int, default=12_000_000)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--data", type=pathlib.Path, help="folder of the files, made where they are not there")
    parser.add_argument("--compare", nargs=2, metavar="FILE", help="only compare two files with NumPy")
    args = parser.parse_args()
    if args.compare:
        return compare(*args.compare)
    with tempfile.TemporaryDirectory() as scratch:
        for compression in ("zstd", "none"):
            measure(args, compression, pathlib.Path(scratch))


def measure(args, compression, scratch):
    rows = args.golden_rows + args.candidate_rows
    data = args.data or scratch
    golden, candidate = data / f"g_{compression}.parquet", data / f"c_{compression}.parquet"
    for path, n, seed in [(golden, args.golden_rows, 1), (candidate, args.candidate_rows, 2)]:
        if not path.exists():
            write(path, n, seed, compression)
    commands = {"NumPy": [sys.executable, __file__, "--compare", str(golden), str(candidate)]}
    for name, text in SUITES.items():
        suite = scratch / f"{name.replace(' ', '-')}.yaml"
        suite.write_text(text)
        sides = ["--golden", str(golden), "--candidate", str(candidate)]
        validate = [args.verismo, "validate", "--quiet", "--time", "ts", "--out", str(scratch / "report")]
        commands[name] = validate + ["--suite", str(suite)] + sides
    rates = {name: [] for name in commands}
    for run in range(args.runs):
        for name, command in commands.items():
            rates[name].append(rows / cpu_seconds(command))
        shown = ", ".join(f"{name} {of[-1]:,.0f} (x{of[-1] / rates['NumPy'][-1]:.2f})" for name, of in rates.items())
        print(f"{compression}, run {run + 1}: {shown} rows per CPU second", flush=True)
    for name in SUITES:
        ratios = [own / numpy for own, numpy in zip(rates[name], rates["NumPy"])]
        of = [f"{statistics.median(rates[side]):,.0f}" for side in ("NumPy", name)]
        span = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"{compression}, {name}, medians: NumPy {of[0]}, verismo {of[1]}, ratio {statistics.median(ratios):.2f} ({span})")


if __name__ == "__main__":
    main()
