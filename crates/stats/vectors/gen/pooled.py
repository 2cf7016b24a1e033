"""Writes pooled.csv: NumPy's Freedman-Diaconis edges of pooled samples, the total variation on them, SciPy's Wasserstein distance of
the standardised samples, and the same on the bins of distinct values and of pooled deciles.

Samples are those of two_sample.py, which Rust makes again. Columns: kind, stream, n, m, first edge, last edge, number of bins, some
edge in the middle, total variation on these bins, on distinct values, on deciles, pooled mean, pooled standard deviation (ddof 1),
Wasserstein distance of the standardised samples.

Run: python3 vectors/gen/pooled.py > vectors/pooled.csv
"""

import math
import pathlib

import numpy as np
import scipy
from scipy import stats

# The sample functions of two_sample.py, without its table.
source = (pathlib.Path(__file__).parent / "two_sample.py").read_text().split("def wasserstein")[0]
exec(compile(source, "two_sample.py", "exec"))


def total_variation(x, y, edges):
    bins = len(edges) + 1
    shares = [np.bincount(np.searchsorted(edges, v, side="right"), minlength=bins) / len(v) for v in (x, y)]
    return 0.5 * math.fsum(np.abs(shares[0] - shares[1]))


def deciles(pooled):
    edges = np.quantile(pooled, np.arange(0.1, 1.0, 0.1))
    kept = []
    for edge in edges:
        if kept.count(edge) < 2:
            kept.append(edge)
    return np.array([edge + 1e-2 if i > 0 and kept[i - 1] == edge else edge for i, edge in enumerate(kept)])


def main():
    print(f"# NumPy {np.__version__}, SciPy {scipy.__version__}: kind,stream,n,m,first,last,bins,middle,tv_fd,tv_values,tv_deciles,mean,std,w1")
    kinds = ["uniform", "heavy", "atoms", "ticks:0:7:0", "ticks:0:40:5", "ticks:2:1000:100000", "ticks:4:100000:5800000"]
    for stream, kind in enumerate(kinds):
        for n, m in [(1, 1), (3, 5), (40, 41), (500, 700), (15_000, 14_000)]:
            x, y = sample(kind, 2 * stream + 200, n), sample(kind, 2 * stream + 201, m)
            pooled = np.concatenate([x, y])
            edges = np.histogram_bin_edges(pooled, "fd")
            mean, std = pooled.mean(), pooled.std(ddof=1)
            w1 = stats.wasserstein_distance((x - mean) / std, (y - mean) / std) if std > 0 else 0.0
            numbers = [
                edges[0], edges[-1], len(edges) - 1, edges[(len(edges) - 1) // 2], total_variation(x, y, edges),
                total_variation(x, y, np.unique(pooled)), total_variation(x, y, np.sort(deciles(pooled))), mean, std, w1,
            ]
            print(",".join([kind, str(2 * stream + 200), str(n), str(m)] + [repr(float(v)) for v in numbers]))


if __name__ == "__main__":
    main()
