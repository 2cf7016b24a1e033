"""Writes ../binomial.csv: exact binomial tails and Clopper-Pearson intervals, mpmath with 50 digits, held against SciPy.

Run: python3 crates/stats/vectors/gen/binomial.py
"""
import os

import mpmath as mp
import scipy
from scipy.stats import binom, binomtest

mp.mp.dps = 50


def sf(k, n, p):
    return mp.mpf(1) if k == 0 else mp.betainc(k, n - k + 1, 0, p, regularized=True)


def root(f):
    low, high = mp.mpf(0), mp.mpf(1)
    for _ in range(220):
        middle = (low + high) / 2
        low, high = (low, middle) if f(middle) else (middle, high)
    return high


def interval(k, n, alpha):
    half = mp.mpf(alpha) / 2
    low = mp.mpf(0) if k == 0 else root(lambda p: sf(k, n, p) >= half)
    high = mp.mpf(1) if k == n else root(lambda p: 1 - sf(k + 1, n, p) <= half)
    return low, high


def show(x):
    return mp.nstr(x, 20)


lines = [f"# sf,k,n,p,value and interval,k,n,alpha,low,high ; mpmath {mp.__version__}, 50 digits ; within 1e-9 of SciPy {scipy.__version__}"]
for k, n, p in [(1, 1, 0.3), (1, 10, 0.05), (3, 20, 0.05), (7, 20, 0.35), (20, 20, 0.9), (50, 1000, 0.05),
                (90, 1000, 0.05), (4, 2_000, 1e-3), (999, 1000, 0.99)]:
    value = sf(k, n, mp.mpf(p))
    assert abs(value - binom.sf(k - 1, n, p)) < 1e-9 * value
    lines.append(f"sf,{k},{n},{p!r},{show(value)}")
for k, n, alpha in [(0, 10, 0.05), (1, 10, 0.05), (5, 10, 0.05), (10, 10, 0.05), (0, 50, 0.05), (3, 50, 0.1), (20, 400, 0.05),
                    (1, 1, 0.01), (997, 1000, 0.05)]:
    low, high = interval(k, n, alpha)
    ends = binomtest(k, n).proportion_ci(1 - alpha, method="exact")
    assert abs(low - ends.low) < 1e-9 and abs(high - ends.high) < 1e-9
    lines.append(f"interval,{k},{n},{alpha!r},{show(low)},{show(high)}")

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "binomial.csv")
with open(path, "w") as out:
    out.write("\n".join(lines) + "\n")
