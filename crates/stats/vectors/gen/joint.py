"""Writes joint.csv: statistics of dependence and distances of joint laws, by SciPy, scikit-learn and NumPy, of samples that Rust can make
again.

Column c of a sample of stream s is made from the raw integers of stream s + c (see two_sample.py) by single correctly rounded
operations. Distances are on the golden's scale: mean and deviation (of n) of its columns.

Lines: name, kind, stream, n, m, then the numbers. The second sample of a pair has the stream 100 above.

Run: python3 vectors/gen/joint.py > vectors/joint.csv
"""

import itertools
import math
import pathlib

import numpy as np
import scipy
import sklearn
from scipy import special, stats
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.metrics.pairwise import rbf_kernel

here = pathlib.Path(__file__).parent
exec(compile((here / "two_sample.py").read_text().split("def wasserstein")[0], "two_sample.py", "exec"))


def columns(kind, stream, n, dims=3):
    """Rows of dependent columns."""
    u = [(raw(stream + c, n).astype(np.float64) + 0.5) / 2147483648.0 for c in range(dims)]
    shift = 0.25 if stream >= 100 and stream // 100 % 2 == 1 else 0.0
    x = u[0]
    out = [x]
    for c in range(1, dims):
        out.append(u[c] + (0.5 + shift) * x * (1.0 if c % 2 == 1 else -1.0))
    rows = np.stack(out, axis=1)
    if kind == "smooth":
        return rows
    if kind == "ties":
        return np.floor(rows * 4.0)
    if kind == "heavy":
        v = u[0]
        rows[:, 0] = (v - 0.5) / (v * (1.0 - v))
        return rows
    if kind == "offset":
        return 1e15 + np.floor(rows * 1024.0)
    raise ValueError(kind)


def standardise(x, y):
    mean, deviation = x.mean(axis=0), x.std(axis=0)
    return (x - mean) / deviation, (y - mean) / deviation


def line(name, kind, stream, n, m, numbers):
    print(",".join([name, kind, str(stream), str(n), str(m)] + [repr(float(v)) for v in numbers]))


PAIRS = [(0, 1), (0, 2), (2, 1)]


def lead_lag(rows, keep, x, y, k):
    """Correlation over the times at which both rows are kept."""
    n = len(rows)
    times = [t for t in range(n) if 0 <= t + k < n and keep[t] and keep[t + k]]
    return np.corrcoef(rows[times, x], rows[[t + k for t in times], y])[0, 1]


def places(v):
    """The interval of places of each value: ties share theirs."""
    n = len(v)
    return stats.rankdata(v, "min") - 1, stats.rankdata(v, "max")


def tail(x, y, q, lower):
    """Share beyond both quantiles, of those beyond one; values at a quantile count in part."""
    n = len(x)
    if lower:
        x, y = -x, -y
    share = lambda v: np.clip((places(v)[1] - q * n) / (places(v)[1] - places(v)[0]), 0.0, 1.0)
    return math.fsum(share(x) * share(y)) / (n * (1.0 - q))


def copula_cells(x, y, cells):
    """Means of the checkerboard copula over the cells of a grid: the mean over a row's places of the ramp of a cell."""
    n = len(x)

    def below(v, c):
        low, high = (p / n for p in places(v))
        a, b = c / cells, (c + 1) / cells
        integral = lambda s: np.minimum(s, a) + np.where(s > a, (np.minimum(s, b) - a) - (np.minimum(s, b) - a) ** 2 / (2 * (b - a)), 0)
        return (integral(high) - integral(low)) / (high - low)

    return [np.mean(below(x, c) * below(y, d)) for c in range(cells) for d in range(cells)]


def copula_exact(x, y):
    """Remillard and Scaillet (2009), the sum over all pairs of rows."""
    u = np.stack([stats.rankdata(c) / (len(x) + 1) for c in x.T], axis=1)
    v = np.stack([stats.rankdata(c) / (len(y) + 1) for c in y.T], axis=1)
    mean = lambda a, b: np.mean(np.prod(1.0 - np.maximum(a[:, None, :], b[None, :, :]), axis=2))
    square = mean(u, u) - 2 * mean(u, v) + mean(v, v)
    return [square, square / (1 / len(x) + 1 / len(y))]


def energy(x, y):
    x, y = standardise(x, y)
    n, m = len(x), len(y)
    xy, xx, yy = cdist(x, y), cdist(x, x), cdist(y, y)
    across = xy.mean()
    return [
        2 * across - xx.mean() - yy.mean(),
        2 * across - xx.sum() / (n * (n - 1)) - yy.sum() / (m * (m - 1)),
        across,
    ]


def breusch_pagan(x):
    """Mean square of the correlations of all pairs, and the statistic T sum r^2."""
    n, d = x.shape
    square = np.corrcoef(x.T)[np.triu_indices(d, 1)] ** 2
    return [square.mean(), n * square.sum()]


def frozen_directions(count, dims):
    """Normal values from a counter, made orthogonal in blocks of as many as there are dimensions."""
    with np.errstate(over="ignore"):
        key = mix64(np.uint64(0x646972656374 ^ (1 << 48)))
        bits = mix64(key + np.arange(count * dims, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15))
    z = special.ndtri(((bits >> np.uint64(12)).astype(np.float64) + 0.5) / 2.0**52).reshape(count, dims)
    out = []
    for block in range(0, count, dims):
        rows = z[block : block + dims]
        q, r = np.linalg.qr(rows.T)
        out += list((q * np.sign(np.diag(r))).T[: len(rows)])
    return np.array(out)


def sliced_anderson(x, y, count, cells):
    """Laws of projections as means over cells, and what Anderson and Darling's weights make of their difference."""
    x, y = standardise(x, y)
    edges = 8.0 * np.sinh(3.5 * (2.0 * np.arange(cells + 1) / cells - 1.0)) / np.sinh(3.5)
    law = lambda v: np.array([np.clip((b - v) / (b - a), 0.0, 1.0).mean() for a, b in zip(edges, edges[1:])])
    total, numbers = 0.0, []
    for direction in frozen_directions(count, x.shape[1]):
        g, f = law(x @ direction), law(y @ direction)
        mass = 0.5 * (np.append(g[1:], 1.0) - np.append(0.0, g[:-1]))
        inside = (g > 0.01) & (g < 0.99)
        total += 0.25 * np.sum(((f - g) ** 2 * mass / (g * (1.0 - g)))[inside]) / count
        numbers += list(g)
    return [math.sqrt(total), *numbers[: 2 * cells]]


def whole_anderson(x, y):
    """One column: the integral itself, between the golden's 1 % and 99 %, value by value."""
    x, y = np.sort(x), np.sort(y)
    ends = np.arange(1, len(x) + 1) / len(x)
    g = ends - 0.5 / len(x)
    f = (np.searchsorted(y, x, "left") + np.searchsorted(y, x, "right")) / (2.0 * len(y))
    inside = (g > 0.01) & (g < 0.99)
    return [math.sqrt(0.25 * np.mean(np.where(inside, (f - g) ** 2 / (g * (1.0 - g)), 0.0)))]


def mmd(x, y):
    x, y = standardise(x, y)
    n, m = len(x), len(y)
    step = max(1, -(-n // 512))
    sample = x[::step]
    squares = np.sort(cdist(sample, sample, "sqeuclidean")[np.tril_indices(len(sample), -1)])
    square = 2.0 ** round(math.log2(squares[len(squares) // 2]))
    kernel = lambda a, b: np.mean([rbf_kernel(a, b, gamma=0.5 / (square * w * w)) for w in (0.5, 1.0, 2.0)], axis=0)
    xy, xx, yy = kernel(x, y), kernel(x, x), kernel(y, y)
    return [
        xx.mean() + yy.mean() - 2 * xy.mean(),
        (xx.sum() - np.trace(xx)) / (n * (n - 1)) + (yy.sum() - np.trace(yy)) / (m * (m - 1)) - 2 * xy.mean(),
        xy.mean(),
    ]


def signature(rows, deviations, k, kind, depth):
    """Means of m! times the terms of depth m, as sums over increasing times with the volume of each region of equal times."""
    terms = []
    for start in range(0, len(rows) - k + 1, k):
        z = rows[start : start + k] / deviations
        steps = z / math.sqrt(k) if kind == "sums" else np.diff(z, axis=0)
        if kind == "lead_lag":
            # Every column goes on, then its laggard.
            still = np.zeros_like(steps)
            lead, lag = np.concatenate([steps, still], axis=1), np.concatenate([still, steps], axis=1)
            steps = np.stack([lead, lag], axis=1).reshape(2 * len(steps), -1)
        steps = np.concatenate([np.full((len(steps), 1), 1.0 / len(steps)), steps], axis=1)
        row = []
        letters = range(steps.shape[1])
        for m in range(1, depth + 1):
            for word in itertools.product(letters, repeat=m):
                if all(i == 0 for i in word):
                    continue
                total = 0.0
                for times in itertools.combinations_with_replacement(range(len(steps)), m):
                    volume = 1.0
                    for t in set(times):
                        volume /= math.factorial(times.count(t))
                    total += volume * math.prod(steps[t, i] for t, i in zip(times, word))
                row.append(math.factorial(m) * total)
        terms.append(row)
    return np.mean(terms, axis=0)


def features(z):
    z = np.clip(z, -4.0, 4.0)
    d = z.shape[1]
    products = [z[:, i] * z[:, j] for i in range(d) for j in range(i + 1, d)]
    return np.concatenate([z, (z * z - 1.0) / math.sqrt(2.0), np.stack(products, axis=1)], axis=1)


def logistic(x, y):
    """All rows, equal weight a row: the constant and the coefficients of a penalty of 0.5."""
    a, b = standardise(x, y)
    f = features(np.concatenate([a, b]))
    labels = np.array([0] * len(x) + [1] * len(y))
    model = LogisticRegression(C=2.0, solver="newton-cholesky", tol=1e-14, max_iter=1000).fit(f, labels)
    return [*model.intercept_, *model.coef_[0]]


def classifier(x, y, window=10):
    """Eight (or fewer) blocks of windows, purged by a fifth of a block at least by one; a model each way."""
    a, b = standardise(x, y)

    def fold(n):
        units = -(-n // window)
        blocks = min(max(units // 6 // 2 * 2, 2), 8)
        parity = np.array([(u * blocks // units) % 2 for u in range(units)])
        gap = max(units // blocks // 5, 1)
        fits = np.array([all(parity[v] == parity[u] for v in range(max(0, u - gap), min(units - 1, u + gap) + 1)) for u in range(units)])
        of_row = np.arange(n) // window
        return parity[of_row], fits[of_row]

    (fold_a, fits_a), (fold_b, fits_b) = fold(len(a)), fold(len(b))
    areas = []
    for f in (0, 1):
        train_a, train_b = a[(fold_a == f) & fits_a], b[(fold_b == f) & fits_b]
        labels = np.array([0] * len(train_a) + [1] * len(train_b))
        weights = np.where(labels == 0, 0.5 / len(train_a), 0.5 / len(train_b))
        model = LogisticRegression(C=100.0, solver="newton-cholesky", tol=1e-14, max_iter=1000)
        model.fit(features(np.concatenate([train_a, train_b])), labels, weights)
        test_a, test_b = a[fold_a == 1 - f], b[fold_b == 1 - f]
        labels = np.array([0] * len(test_a) + [1] * len(test_b))
        # Equal rows have equal scores but for rounding.
        scores = np.round(model.decision_function(features(np.concatenate([test_a, test_b]))), 9)
        areas.append(roc_auc_score(labels, scores))
    return [np.mean(areas) - 0.5]


print(f"# SciPy {scipy.__version__}, scikit-learn {sklearn.__version__}, NumPy {np.__version__}; see gen/joint.py")
for kind, stream, n, m in [
    ("smooth", 201, 60, 45),
    ("smooth", 401, 400, 333),
    ("ties", 601, 60, 45),
    ("ties", 801, 400, 333),
    ("heavy", 1001, 400, 500),
    ("offset", 1201, 200, 250),
]:
    x, y = columns(kind, stream, n), columns(kind, stream + 100, m)
    head = (kind, stream, n, m)
    if kind == "offset":
        # References at the origin, where they keep their digits: the difference is exact.
        x, y = x - 1e15, y - 1e15
    for name, of in [
        ("pearson", lambda a, b: np.corrcoef(a, b)[0, 1]),
        ("spearman", lambda a, b: stats.spearmanr(a, b).statistic),
        ("kendall", lambda a, b: stats.kendalltau(a, b, variant="b").statistic),
    ]:
        line(name, *head, [of(x[:, i], x[:, j]) for i, j in PAIRS])
    line("spectrum", *head, np.linalg.eigvalsh(np.corrcoef(x.T))[::-1])
    keep = np.arange(n) % 7 != 3
    line("lead_lag", *head, [lead_lag(x, keep, i, j, k) for i, j in PAIRS for k in range(-3, 4)])
    if n >= 200:
        line("tail", *head, [tail(x[:, i], x[:, j], q, lower) for i, j in PAIRS for lower in (False, True) for q in (0.8, 0.9)])
    line("copula_cells", *head, [v for i, j in PAIRS for v in copula_cells(x[:, i], x[:, j], 4)])
    line("copula_exact", *head, copula_exact(x, y))
    line("energy", *head, energy(x, y))
    line("breusch_pagan", *head, breusch_pagan(x))
    line("sliced_anderson", *head, sliced_anderson(x, y, 4, 20))
    # The cells at the ends count too.
    line("sliced_anderson_coarse", *head, sliced_anderson(x, y, 4, 3))
    if kind != "ties":
        line("whole_anderson", *head, whole_anderson(x[:, 0], y[:, 0]))
    line("mmd", *head, mmd(x, y))
    line("signature_values", *head, signature(x[:, [0, 2]], x[:, [0, 2]].std(axis=0), 5, "values", 3))
    line("signature_lead_lag", *head, signature(x[:, [0, 2]], x[:, [0, 2]].std(axis=0), 5, "lead_lag", 2))
    if kind != "offset":
        line("signature_sums", *head, signature(x[:, [0, 2]], x[:, [0, 2]].std(axis=0), 5, "sums", 3))
    line("logistic", *head, logistic(x, y))
    line("classifier", *head, classifier(x, y))
