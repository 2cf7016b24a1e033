"""Writes two_sample.csv: SciPy's two-sample statistics of samples that Rust can make again.

Sample element i of stream s is mix64(s * 2^32 + i + 1), the finaliser of SplitMix64, in integers; values follow from it by
single correctly rounded operations (+, -, *, /), the same in NumPy and in Rust.

Run: python3 vectors/gen/two_sample.py > vectors/two_sample.csv
"""

import math
import warnings

import numpy as np
import scipy
from scipy import special, stats

warnings.simplefilter("ignore")


def mix64(x):
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def raw(stream, n):
    with np.errstate(over="ignore"):
        return mix64(np.uint64(stream << 32) + np.arange(1, n + 1, dtype=np.uint64)) >> np.uint64(33)


def sample(kind, stream, n):
    """Values of a sample; the second sample of a pair has the stream above and a shift."""
    u = raw(stream, n)
    odd = stream % 2
    if kind.startswith("ticks"):
        _, scale, span, offset = kind.split(":")
        keys = (u % np.uint64(span)).astype(np.int64) + int(offset) + odd * (int(span) // 10)
        return keys.astype(np.float64) / 10.0 ** int(scale)
    v = (u.astype(np.float64) + 0.5) / 2147483648.0
    if kind == "uniform":
        return v + odd * 0.01
    if kind == "heavy":
        return (v - 0.5) / (v * (1.0 - v)) + odd * 0.05
    if kind == "atoms":
        return np.where(u % np.uint64(10) < 3, 0.0, np.where(u % np.uint64(10) < 4, 1.0, (v - 0.5) * (2.0 + odd)))
    if kind == "tiny":
        return (v + odd * 0.25) * 1e-300
    if kind == "cluster":
        return 1e9 + (v - 0.5) * (1.0 + odd * 0.125)
    raise ValueError(kind)


def wasserstein(x, y):
    """SciPy's formula with |F - G| from integer counts: its quotients lose digits in the far tails of heavy samples."""
    n, m = len(x), len(y)
    every = np.sort(np.concatenate([x, y]))
    i = np.searchsorted(np.sort(x), every[:-1], side="right")
    j = np.searchsorted(np.sort(y), every[:-1], side="right")
    distance = math.fsum(np.abs(i * m - j * n) / (n * m) * np.diff(every))
    assert math.isclose(distance, stats.wasserstein_distance(x, y), rel_tol=1e-10), (n, m)
    return distance


def is_unique(x, y, d):
    """False where several values or both signs attain D: SciPy then picks one by the rounding of its quotients."""
    every = np.unique(np.concatenate([x, y]))
    f = np.searchsorted(np.sort(x), every, side="right") / len(x)
    g = np.searchsorted(np.sort(y), every, side="right") / len(y)
    return np.count_nonzero(np.abs(np.abs(f - g) - d) < 1e-12) == 1


print(f"# SciPy {scipy.__version__}, NumPy {np.__version__}. Regenerate: python3 vectors/gen/two_sample.py")
print("# kind,stream,n,m,ks,sign,location,p_ks,w1,mean_difference,welch_t,p_welch,std0_ratio,std1_first,std1_second,q10,q50,q99")
sizes = [(1, 1), (1, 2), (2, 3), (5, 5), (17, 40), (100, 100), (500, 777), (1000, 1048), (4000, 3000), (50000, 20000)]
kinds = ["ticks:2:7:0", "ticks:8:1000000:100000000", "ticks:0:1000:-500", "uniform", "heavy", "atoms", "tiny", "cluster"]
rows = [(kind, *size) for kind in kinds for size in sizes]
rows += [("heavy", 1000000, 1000000), ("ticks:4:30000:100", 1000000, 999983), ("heavy", 1, 1000000)]
for index, (kind, n, m) in enumerate(rows):
    stream = 2 * index
    x, y = sample(kind, stream, n), sample(kind, stream + 1, m)
    exact = n * m <= 2**20
    ks = stats.ks_2samp(x, y, method="exact" if exact else "asymp")
    unique = is_unique(x, y, ks.statistic)
    p_ks = ks.pvalue if exact else special.kolmogorov(np.sqrt(n * m / (n + m)) * ks.statistic)
    # Both scaled by one power of two, which changes neither t nor the ratio: squares of 1e-300 would underflow.
    unit = 2.0**-990 if kind == "tiny" else 1.0
    x, y = x / unit, y / unit
    some_spread = n > 1 and m > 1 and (x.std() > 0 or y.std() > 0)
    spread = some_spread and x.std() > 0 and y.std() > 0
    welch = stats.ttest_ind(y, x, equal_var=False) if some_spread else None
    numbers = [
        ks.statistic,
        int(ks.statistic_sign) if unique else "",
        ks.statistic_location if unique else "",
        p_ks,
        wasserstein(x, y) * unit,
        (math.fsum(y) / m - math.fsum(x) / n) * unit,
        welch.statistic if some_spread else "",
        welch.pvalue if some_spread else "",
        np.log(y.std() / x.std()) if spread else "",
        x.std(ddof=1) * unit if spread else "",
        y.std(ddof=1) * unit if spread else "",
    ]
    quantiles = [np.quantile(side, [0.1, 0.5, 0.99], method="inverted_cdf") for side in (x, y)]
    numbers += list((quantiles[1] - quantiles[0]) * unit)
    text = [value if isinstance(value, str) else repr(float(value)) for value in numbers]
    print(",".join([kind, str(stream), str(n), str(m), *text]))
