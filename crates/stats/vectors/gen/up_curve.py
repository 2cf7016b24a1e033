"""Writes up_curve.csv: how often a price rises, bin by bin of a number before it, of samples that Rust can make again.

NumPy, by the definition: quantiles of the golden by the inverted distribution function, shares of rows by counting.

Run: python3 vectors/gen/up_curve.py > vectors/up_curve.csv
"""

import pathlib

import numpy as np

here = pathlib.Path(__file__).parent
exec(compile((here / "two_sample.py").read_text().split("def wasserstein")[0], "two_sample.py", "exec"))


def sample(kind, stream, n):
    """A price in whole steps that goes where the number before it points, more or less, and that number; some are not known."""
    u = (raw(stream, n).astype(np.float64) + 0.5) / 2147483648.0
    v = (raw(stream + 1, n).astype(np.float64) + 0.5) / 2147483648.0
    x = {
        "smooth": u,
        "ties": np.floor(4.0 * u),
        "middle": np.where((u > 0.25) & (u < 0.7), 0.5, u),
        "ends": np.clip(u, 0.3, 0.88),
        "two": np.floor(2.0 * u),
    }[kind]
    odd = 0.25 if stream % 2 == 1 else 0.0
    step = np.where(v < 0.25, -1.0, np.where(v < 0.5 + odd, 0.0, 1.0))
    # Where u is high the step after it is one up more often.
    step[1:] = np.where((u[:-1] > 0.6) & (v[1:] > 0.4), 1.0, step[1:])
    price = np.cumsum(step)
    price[np.arange(n) % 53 == 20] = np.nan
    x = x.copy()
    x[np.arange(n) % 31 == 7] = np.nan
    return price, x


def moves(kind, stream, n, lead):
    price, x = sample(kind, stream, n)
    before, after, x = price[:-lead], price[lead:], x[:-lead]
    known = ~(np.isnan(before) | np.isnan(after) | np.isnan(x))
    return x[known], (after > before)[known]


def edges(x, bins):
    """Quantiles; a bin that would hold less than half its share goes into the next one, the last one into the one before."""
    out = [np.quantile(x, k / bins, method="inverted_cdf") for k in range(1, bins)]
    last = -np.inf
    for k, edge in enumerate(out):
        if np.mean((x > last) & (x <= edge)) < 0.5 / bins:
            out[k] = last
        last = out[k]
    for k in reversed(range(bins - 1)):
        if np.mean(x > out[k]) >= 0.5 / bins:
            break
        out[k] = np.inf
    return [-np.inf, *out, np.inf]


print(f"# NumPy {np.__version__}. Regenerate: python3 vectors/gen/up_curve.py")
print("# kind,stream,n,m,lead,bins,side,numbers")
for kind, stream, n, m in [
    ("smooth", 9700, 997, 757),
    ("smooth", 9702, 2003, 1201),
    ("ties", 9704, 997, 757),
    ("middle", 9706, 997, 757),
    ("ends", 9708, 997, 757),
    ("two", 9710, 997, 757),
]:
    for lead in (1, 3):
        for bins in (3, 5):
            golden, candidate = moves(kind, stream, n, lead), moves(kind, stream + 3, m, lead)
            ends = edges(golden[0], bins)
            for side, (x, up) in (("golden", golden), ("candidate", candidate)):
                numbers = []
                for low, high in zip(ends, ends[1:]):
                    filled = np.any((golden[0] > low) & (golden[0] <= high))
                    own = (x > low) & (x <= high)
                    numbers.append(float(np.mean(up[own])) if filled else 0.0)
                print(",".join([kind, str(stream), str(n), str(m), str(lead), str(bins), side, *map(repr, numbers)]))
