"""Tables: K-S of every column in minute windows with NumPy, beside `verismo validate` on the same Parquet files.

    python3 benches/numpy_table.py --verismo target/release/verismo [--golden-rows 2000000] [--candidate-rows 12000000] [--runs 5]

NumPy reads both files with pyarrow, sorts the golden's columns once, and for each minute of the candidate and each of the 8 float columns takes
the K-S distance by `searchsorted` into the golden. verismo does what it does: histograms per window, all tests of the table suite,
intervals, a report. CPU seconds of whole processes (user and system, all threads), reading counted on both sides, in turn;
ratios of rows per CPU second, medians over the runs, for zstd and for uncompressed files.
"""

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile

COLUMNS = 8
MINUTE_NS = 60_000_000_000


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
    parser.add_argument("--compare", nargs=2, metavar="FILE", help="only compare two files with NumPy")
    args = parser.parse_args()
    if args.compare:
        return compare(*args.compare)
    rows = args.golden_rows + args.candidate_rows
    for compression in ("zstd", "none"):
        with tempfile.TemporaryDirectory() as scratch:
            golden, candidate = f"{scratch}/golden.parquet", f"{scratch}/candidate.parquet"
            write(golden, args.golden_rows, 1, compression)
            write(candidate, args.candidate_rows, 2, compression)
            validate = [args.verismo, "validate", "--quiet", "--time", "ts", "--out", scratch + "/report"]
            rates = []
            for run in range(args.runs):
                numpy = rows / cpu_seconds([sys.executable, __file__, "--compare", golden, candidate])
                rust = rows / cpu_seconds(validate + ["--golden", golden, "--candidate", candidate])
                rates.append((numpy, rust))
                print(f"{compression}, run {run + 1}: NumPy {numpy:,.0f} rows per CPU second, verismo {rust:,.0f}, ratio {rust / numpy:.2f}")
            numpy, rust = (statistics.median(rate[i] for rate in rates) for i in (0, 1))
            ratio = statistics.median(rust / numpy for numpy, rust in rates)
            print(f"{compression}, medians: NumPy {numpy:,.0f} rows per CPU second, verismo {rust:,.0f}, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
