"""Writes classic_tests.csv: Kuiper, Cramer-von Mises, Anderson-Darling, Mann-Whitney, chi-square, PSI, Jensen-Shannon, Hill and
tail ratios of samples that Rust can make again (see two_sample.py for the samples).

SciPy's numbers where SciPy has the test; where its floating arithmetic loses digits the same formula is taken in integers or
with 30 digits, and checked against SciPy to the digits SciPy has. The head of the file holds measured false alarms of SciPy's
Cramer-von Mises p-value on tied data.

Run: python3 vectors/gen/classic_tests.py > vectors/classic_tests.csv
"""

import math
import pathlib
import sys
import warnings
from fractions import Fraction

import mpmath as mp
import numpy as np
import scipy
from scipy import stats
from scipy.spatial.distance import jensenshannon

warnings.simplefilter("ignore")
mp.mp.dps = 30

# The sample functions of two_sample.py, without its table.
source = (pathlib.Path(__file__).parent / "two_sample.py").read_text().split("def wasserstein")[0]
exec(compile(source, "two_sample.py", "exec"))


def groups(x, y):
    """Distinct pooled values with the counts of both samples, as Python integers."""
    values = np.unique(np.concatenate([x, y]))
    count = lambda s: np.searchsorted(np.sort(s), values, side="right")
    i, j = count(x), count(y)
    return values, np.diff(i, prepend=0).tolist(), np.diff(j, prepend=0).tolist()


def kuiper(a, b, n, m):
    i = j = 0
    above = under = 0
    for da, db in zip(a, b):
        i, j = i + da, j + db
        above, under = max(above, i * m - j * n), max(under, j * n - i * m)
    return above + under


def cramer(a, b, n, m):
    """SciPy's T in integers: 4 sum over x of (rank - i)^2 is 4 a (j + b/2)^2 + (a^3 - a)/3 in a group of ties."""
    i = j = 0
    u12 = 0
    for da, db in zip(a, b):
        u12 += n * (3 * da * (2 * j + db) ** 2 + da**3 - da) + m * (3 * db * (2 * i + da) ** 2 + db**3 - db)
        i, j = i + da, j + db
    return Fraction(u12, 12 * n * m * (n + m)) - Fraction(4 * n * m - 1, 6 * (n + m))


def cramer_parts(a, b, n, m):
    """nm/N^2 sum l D^2 at mid-ranks, and the exact cumulants of its law given the ties (from eigenvalues)."""
    total = n + m
    i = j = 0
    distance = 0
    p, h = [], []
    for da, db in zip(a, b):
        d = Fraction(2 * i + da, 2 * n) - Fraction(2 * j + db, 2 * m)
        distance += (da + db) * d * d
        p.append((da + db) / total)
        h.append((2 * i + da + 2 * j + db) / (2 * total))
        i, j = i + da, j + db
    p, h = np.array(p), np.array(h)
    kernel = np.minimum.outer(h, h) * (1 - np.maximum.outer(h, h)) - np.diag(p / 4)
    root = np.sqrt(p)
    eigenvalues = np.clip(np.linalg.eigvalsh(root[:, None] * kernel * root[None, :]), 0, None)
    c1, c2, c3 = (np.sum(eigenvalues**r) for r in (1, 2, 3))
    x = float(Fraction(n * m, total * total) * distance) * (total - 1) / total
    nu = c2**3 / c3**2
    argument = nu + (x - c1) * math.sqrt(nu / c2)
    return 1.0 if argument <= 0 else float(mp.gammainc(nu / 2, argument / 2, mp.inf, regularized=True))


def cramer_tail(x):
    """1 - P(W <= x) of the limit law, see tails.py."""
    with mp.workdps(80):
        total = mp.mpf(0)
        for k in range(80):
            q = mp.mpf(4 * k + 1) ** 2 / (16 * x)
            binomial = (-1) ** k * mp.binomial(mp.mpf(-1) / 2, k)
            total += binomial * mp.sqrt(4 * k + 1) * mp.exp(-q) * mp.besselk(mp.mpf(1) / 4, q)
        return 1 - total / (mp.pi * mp.sqrt(x))


def anderson(a, b, n, m):
    total = n + m
    i = j = 0
    terms = []
    for da, db in zip(a, b):
        e, l, mid = (2 * i + da) * m - (2 * j + db) * n, da + db, 2 * (i + j) + da + db
        terms.append(l * (e * e / 4) / (mid * (2 * total - mid) / 4 - total * l / 4))
        i, j = i + da, j + db
    a2 = math.fsum(terms) * (total - 1) / (n * m * total)
    k, inverse = 2, 1 / n + 1 / m
    h = math.fsum(1 / np.arange(1.0, total))
    cumulated = np.cumsum(1 / np.arange(total - 1.0, 1.0, -1))
    g = math.fsum(cumulated / np.arange(2.0, total))
    ca = (4 * g - 6) * (k - 1) + (10 - 6 * g) * inverse
    cb = (2 * g - 4) * k**2 + 8 * h * k + (2 * g - 14 * h - 4) * inverse - 8 * h + 4 * g - 6
    cc = (6 * h + 2 * g - 2) * k**2 + (4 * h - 4 * g + 6) * k + (2 * h - 6) * inverse + 4 * h
    cd = (2 * h + 6) * k**2 - 4 * h * k
    sigma = math.sqrt((ca * total**3 + cb * total**2 + cc * total + cd) / ((total - 1) * (total - 2) * (total - 3)))
    return (a2 - 1) / sigma


def mann_whitney_exact(n, m, u):
    """2 P(U >= u) from the coefficients of the Gaussian binomial, in integers."""
    small, large = min(n, m), max(n, m)
    counts = [1] + [0] * (small * large)
    for i in range(1, small + 1):
        for at in range(len(counts) - 1, large + i - 1, -1):
            counts[at] -= counts[at - large - i]
        for at in range(i, len(counts)):
            counts[at] += counts[at - i]
    return float(min(Fraction(1), 2 * Fraction(sum(counts[u:]), sum(counts))))


def bins(x, y, count):
    """Counts in the bins of x, by the rule of `bin_edges`."""
    values, sizes = np.unique(x, return_counts=True)
    total, edges = len(x), []
    closed, next_share = 0, 1
    through = np.cumsum(sizes).tolist()
    wide = lambda part: part * 10 * count >= total
    for at, size in enumerate(sizes.tolist()):
        below = through[at] - size
        if at and size * count >= total and wide(below - closed) and closed < below:
            edges.append(values[at - 1])
            closed = below
        reached = through[at] * count // total
        if reached >= next_share and wide(through[at] - closed) and wide(total - through[at]) and through[at] < total:
            edges.append(values[at])
            closed = through[at]
        next_share = max(next_share, reached + 1)
    cut = lambda s: np.diff([0, *np.searchsorted(np.sort(s), edges, side="right"), len(s)]).tolist()
    return list(zip(cut(x), cut(y))) if edges else None


def psi(table, n, m):
    share = lambda count, size: (mp.mpf(count) if count else mp.mpf(1) / 2) / size
    return mp.fsum((share(b, m) - share(a, n)) * mp.log(share(b, m) / share(a, n)) for a, b in table)


def jensen_shannon(table, n, m):
    total = mp.mpf(0)
    for a, b in table:
        p, q = mp.mpf(a) / n, mp.mpf(b) / m
        for share in (p, q):
            total += share * mp.log(2 * share / (p + q), 2) / 2 if share else 0
    return mp.sqrt(max(total, 0))


def quantile(s, p):
    return float(np.quantile(s, p, method="inverted_cdf"))


def hill(s):
    u = quantile(s, 0.95)
    beyond = s[s > u]
    return None if u <= 0 or len(beyond) == 0 else len(beyond) / math.fsum(np.log1p((beyond - u) / u))


def hill_lower(s):
    u = quantile(s, 0.05)
    beyond = s[s < u]
    return None if u >= 0 or len(beyond) == 0 else len(beyond) / math.fsum(np.log1p((beyond - u) / u))


def ratio(s, near, far, sign):
    near, far = sign * quantile(s, near), sign * quantile(s, far)
    return None if near <= 0 or far <= 0 else math.log1p((far - near) / near)


def false_alarms(kinds, n, m, runs=1000):
    """Share of SciPy's p-values below .05 for two samples of `kinds` equally frequent values."""
    rng = np.random.default_rng(1)
    draws = ((rng.integers(0, kinds, n), rng.integers(0, kinds, m)) for _ in range(runs))
    return np.mean([stats.cramervonmises_2samp(x, y).pvalue < 0.05 for x, y in draws])


def close(x, y, rel):
    return math.isclose(x, y, rel_tol=rel, abs_tol=1e-300)


print(f"# SciPy {scipy.__version__}, NumPy {np.__version__}, mpmath {mp.__version__}. Regenerate: python3 vectors/gen/classic_tests.py")
for kinds, n, m in [(2, 200, 100), (5, 200, 100), (5, 150, 150), (20, 1000, 200), (100, 1000, 100)]:
    rate = false_alarms(kinds, n, m)
    print(f"# false alarms of SciPy's cramervonmises_2samp at 5 %, {kinds} values, {n} against {m}: {100 * rate:.1f} %")
print("# kind,stream,n,m,kuiper,cvm,cvm_p,ad,ad_p,mwu,mwu_p,chi2,chi2_p,psi,js,hill_upper,hill_lower,ratio_upper,ratio_lower")
sizes = [(1, 1), (1, 2), (2, 3), (5, 5), (3, 17), (8, 40), (17, 20), (17, 40), (100, 100), (500, 777), (4000, 3000), (50000, 20000)]
kinds = ["ticks:0:2:0", "ticks:0:5:1", "ticks:2:7:0", "ticks:0:1000:-500", "ticks:9:2000000000:0", "uniform", "heavy", "atoms", "cluster"]
rows = [(kind, *size) for kind in kinds for size in sizes]
rows += [("heavy", 1000000, 1000000), ("ticks:4:300:100", 1000000, 999983), ("heavy", 1, 1000000), ("ticks:0:5:1", 1000000, 2000)]
for index, (kind, n, m) in enumerate(rows):
    stream = 2 * index + 1000
    x, y = sample(kind, stream, n), sample(kind, stream + 1, m)
    values, a, b = groups(x, y)
    total = n + m
    tied = len(values) < total
    v = kuiper(a, b, n, m) / (n * m)
    ks = [stats.ks_2samp(x, y, alternative=side, method="asymp").statistic for side in ("less", "greater")]
    assert close(v, sum(ks), 1e-12), (kind, n, m, v, ks)
    t = p_t = ad = p_ad = None
    if min(n, m) > 1:
        t = cramer(a, b, n, m)
        ours = stats.cramervonmises_2samp(x, y)
        assert abs(ours.statistic - t) < 1e-11 * total, (kind, n, m)
        if not tied and max(n, m) <= 20:
            p_t = ours.pvalue
        elif not tied:
            # SciPy's normalisation, with the limit law to 30 digits: its own series ends at terms of 1e-7.
            mean = (1 + Fraction(1, total)) / 6
            variance = Fraction((total + 1) * (4 * n * m * total - 3 * (n * n + m * m) - 2 * n * m), 45 * total**2 * 4 * n * m)
            p_t = cramer_tail(mp.mpf(1) / 6 + mp.mpf(float(t - mean)) / mp.sqrt(45 * mp.mpf(float(variance))))
            assert abs(p_t - ours.pvalue) < 1e-6
        elif len(values) <= 2000:
            p_t = cramer_parts(a, b, n, m)
    if total > 3 and len(values) > 1:
        ad = anderson(a, b, n, m)
        result = stats.anderson_ksamp([x, y], variant="midrank")
        assert math.isclose(ad, result.statistic, rel_tol=1e-9, abs_tol=1e-9), (kind, n, m)
        p_ad = result.pvalue
    less, equal, i = 0, 0, 0
    for da, db in zip(a, b):
        less, equal, i = less + db * i, equal + da * db, i + da
    u = less + equal / 2
    exact = min(n, m) <= 8 and not tied and n * m <= 2**20
    if exact:
        p_u = mann_whitney_exact(n, m, max(less, n * m - less)) if n * m < 10**5 else float(
            min(Fraction(1), 2 * Fraction(m + 1 - max(less, m - less), m + 1))
        )
        assert n * m > 10**4 or close(p_u, stats.mannwhitneyu(y, x).pvalue, 1e-10)
    else:
        result = stats.mannwhitneyu(y, x, method="asymptotic")
        assert result.statistic == u
        p_u = result.pvalue if not math.isnan(result.pvalue) else 1.0
    chi = p_chi = index_psi = distance = None
    if (twentieths := bins(x, y, 20)) is not None:
        chi = stats.chi2_contingency(np.array(twentieths).T, correction=False)
        p_chi = mp.gammainc(mp.mpf(len(twentieths) - 1) / 2, chi.statistic / 2, mp.inf, regularized=True)
        assert close(float(p_chi), chi.pvalue, 1e-9)
        # The table in fractions: SciPy's expected counts are rounded.
        exact_chi = sum(Fraction((c * m - d * n) ** 2, n * m * (c + d)) for c, d in twentieths)
        assert math.isclose(exact_chi, chi.statistic, rel_tol=1e-9, abs_tol=1e-9)
        chi, p_chi = exact_chi, mp.gammainc(mp.mpf(len(twentieths) - 1) / 2, mp.mpf(exact_chi.numerator) / exact_chi.denominator / 2, mp.inf, regularized=True)
        distance = jensen_shannon(twentieths, n, m)
        theirs = jensenshannon([c for c, _ in twentieths], [d for _, d in twentieths], base=2)
        assert abs(distance - theirs) < 1e-7, (distance, theirs)
        index_psi = psi(bins(x, y, 10) or twentieths, n, m) if bins(x, y, 10) else None
    both = lambda f: None if f(x) is None or f(y) is None else f(y) - f(x)
    tails = [both(hill), both(hill_lower), both(lambda s: ratio(s, 0.95, 0.99, 1)), both(lambda s: ratio(s, 0.05, 0.01, -1))]
    numbers = [v, t, p_t, ad, p_ad, u, p_u, chi, p_chi, index_psi, distance, *tails]
    text = ["" if value is None else repr(float(value)) for value in numbers]
    print(",".join([kind, str(stream), str(n), str(m), *text]))
    print(kind, n, m, file=sys.stderr)
