"""Writes berk_jones.csv: the two-sample Berk-Jones statistic and its p-value, written naively, of samples that Rust can make again (see
two_sample.py for the samples).

The statistic with 40 digits at every pooled value; the p-value by counting all lattice paths in integers, a path being outside where the
statistic is reached up to 30 digits, for samples small enough for that.

Run: python3 vectors/gen/berk_jones.py > vectors/berk_jones.csv
"""

import pathlib
from fractions import Fraction

import mpmath as mp
import numpy as np

mp.mp.dps = 40

# The sample functions of two_sample.py, without its table.
source = (pathlib.Path(__file__).parent / "two_sample.py").read_text().split("def wasserstein")[0]
exec(compile(source, "two_sample.py", "exec"))


def divergence(p, q):
    term = lambda a, b: a * mp.log(a / b) if a else mp.mpf(0)
    return term(p, q) + term(1 - p, 1 - q)


def ratio(i, j, n, m):
    if i + j in (0, n + m):
        return mp.mpf(0)
    pooled = mp.mpf(i + j) / (n + m)
    return n * divergence(mp.mpf(i) / n, pooled) + m * divergence(mp.mpf(j) / m, pooled)


def p_value(n, m, statistic):
    """Share of all paths that reach the statistic."""
    least = statistic - mp.mpf(10) ** -30
    inside = [[0] * (m + 1) for _ in range(n + 1)]
    for i in range(n + 1):
        for j in range(m + 1):
            if ratio(i, j, n, m) >= least:
                continue
            ways = (inside[i - 1][j] if i else 0) + (inside[i][j - 1] if j else 0)
            inside[i][j] = ways if i + j else 1
    every = int(mp.binomial(n + m, n)) if n + m < 100 else None
    if every is None:
        every = 1
        for k in range(1, n + 1):
            every = every * (m + k) // k
    return Fraction(every - inside[n][m], every)


print(f"# mpmath {mp.__version__}, NumPy {np.__version__}. Regenerate: python3 vectors/gen/berk_jones.py")
print("# kind,stream,n,m,statistic,location,p")
sizes = [(1, 1), (1, 2), (2, 3), (5, 5), (3, 17), (8, 40), (40, 8), (30, 30), (17, 100), (100, 100), (500, 777), (4000, 3000)]
kinds = ["ticks:0:2:0", "ticks:0:5:1", "ticks:2:7:0", "ticks:9:2000000000:0", "uniform", "heavy", "atoms", "cluster"]
for index, (kind, n, m) in enumerate((kind, *size) for kind in kinds for size in sizes):
    stream = 2 * index + 5000
    x, y = np.sort(sample(kind, stream, n)), np.sort(sample(kind, stream + 1, m))
    values = np.unique(np.concatenate([x, y]))
    if n * m > 20_000:
        # All of them would take hours: every tenth, and those near the largest of them in doubles.
        i, j = np.searchsorted(x, values, side="right"), np.searchsorted(y, values, side="right")
        f, g, h = i / n, j / m, (i + j) / (n + m)
        with np.errstate(all="ignore"):
            kl = lambda p: np.nan_to_num(p * np.log(p / h)) + np.nan_to_num((1 - p) * np.log((1 - p) / (1 - h)))
            near = np.argsort(n * kl(f) + m * kl(g))[-20:]
        values = values[np.unique(np.concatenate([np.arange(0, len(values), 10), near]))]
    counts = zip(np.searchsorted(x, values, side="right").tolist(), np.searchsorted(y, values, side="right").tolist())
    every = [ratio(i, j, n, m) for i, j in counts]
    statistic = max(every)
    clear = sum(value > statistic - mp.mpf(10) ** -9 * (1 + statistic) for value in every) == 1
    location = repr(float(values[every.index(statistic)])) if clear else ""
    p = ""
    if n * m <= 20_000:
        p = p_value(n, m, statistic)
        p = mp.nstr(mp.mpf(p.numerator) / p.denominator, 20)
    print(f"{kind},{stream},{n},{m},{mp.nstr(statistic, 20)},{location},{p}")
