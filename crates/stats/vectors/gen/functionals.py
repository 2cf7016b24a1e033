"""Writes functionals.csv: energy distance, skewness, kurtosis, L-moments, Kullback-Leibler, generalised Pareto and power-law fits of
samples that Rust can make again (see two_sample.py for the samples).

Every number is the definition written naively with 40 digits: L-moments as unbiased probability-weighted moments (Hosking 1990,
the formulas of R's lmomco), fits as roots of the two score equations. They are checked against SciPy, lmoments3 and powerlaw to
the digits those have.

Run: python3 vectors/gen/functionals.py > vectors/functionals.csv
"""

import math
import pathlib
import sys
import warnings
from importlib.metadata import version

import lmoments3
import mpmath as mp
import numpy as np
import powerlaw
import scipy
from scipy import stats

warnings.simplefilter("ignore")
mp.mp.dps = 40

# The sample functions of two_sample.py and the bins of classic_tests.py, without their tables.
here = pathlib.Path(__file__).parent
exec(compile((here / "two_sample.py").read_text().split("def wasserstein")[0], "two_sample.py", "exec"))
source = (here / "classic_tests.py").read_text()
exec(compile("def bins" + source.split("def bins")[1].split("def psi")[0], "classic_tests.py", "exec"))

TAIL_MIN = 50


def groups(s, power):
    """Distinct values, exactly (ticks are integers over a power of ten), and their counts."""
    values, counts = np.unique(s, return_counts=True)
    exact = [mp.mpf(int(round(v * power))) / power if power > 1 else mp.mpf(float(v)) for v in values]
    return exact, counts.tolist()


def mean_distance(xs, ys):
    """E|X - Y| of two grouped samples: twice over all pairs would be naive, this is the integral of F(1 - G) + G(1 - F)."""
    events = sorted([(v, c, 0) for v, c in zip(*xs)] + [(v, 0, c) for v, c in zip(*ys)])
    n, m = sum(xs[1]), sum(ys[1])
    i = j = 0
    total = mp.mpf(0)
    for at, (value, a, b) in enumerate(events):
        i, j = i + a, j + b
        if at + 1 < len(events):
            total += (i * (m - j) + j * (n - i)) * (events[at + 1][0] - value)
    return total / (n * m)


def energy(xs, ys):
    across, first, second = mean_distance(xs, ys), mean_distance(xs, xs), mean_distance(ys, ys)
    square = 2 * across - first - second
    if square < mp.mpf(10) ** -30 * across:
        square = mp.mpf(0)
    if first == 0:
        return None, None, None
    return mp.sqrt(square), square / (2 * across) if across else mp.mpf(0), mp.sqrt(square / (2 * first))


def moments(values, counts):
    n = sum(counts)
    mean = mp.fsum(v * c for v, c in zip(values, counts)) / n
    power = lambda p: mp.fsum((v - mean) ** p * c for v, c in zip(values, counts)) / n
    m2 = power(2)
    return (None, None) if m2 == 0 else (power(3) / m2 ** mp.mpf(1.5), power(4) / m2**2)


def l_moments(values, counts):
    """(l2, t3, t4) from b_r = 1/n sum over j of C(j-1, r)/C(n-1, r) x_(j)."""
    n = sum(counts)
    b = []
    for r in range(min(4, n)):
        through, total = 0, mp.mpf(0)
        for v, c in zip(values, counts):
            # The sum of C(j-1, r) over the c order statistics that equal v.
            total += v * (math.comb(through + c, r + 1) - math.comb(through, r + 1))
            through += c
        b.append(total / (n * math.comb(n - 1, r)))
    b += [None] * (4 - len(b))
    if n < 2 or len(values) < 2:
        return None, None, None
    l2 = 2 * b[1] - b[0]
    t3 = (6 * b[2] - 6 * b[1] + b[0]) / l2 if n > 2 else None
    t4 = (20 * b[3] - 30 * b[2] + 12 * b[1] - b[0]) / l2 if n > 3 else None
    return l2, t3, t4


def kl(table, n, m):
    return mp.fsum(mp.mpf(b) / m * mp.log(mp.mpf(b) / m / (mp.mpf(a) / n)) for a, b in table if b)


def pareto(values, counts, s):
    """Shape, scale and log-likelihood beyond the 99 % quantile, as a root of both score equations."""
    u = mp.mpf(float(np.quantile(s, 0.99, method="inverted_cdf")))
    u = min(values, key=lambda v: abs(v - u))
    beyond = [(v - u, c) for v, c in zip(values, counts) if v > u]
    k = sum(c for _, c in beyond)
    if k < TAIL_MIN:
        return None
    mean = mp.fsum(y * c for y, c in beyond) / k
    scaled = [(y / mean, c) for y, c in beyond]

    def scores(xi, sigma):
        one = lambda y: mp.log(1 + xi * y / sigma) / xi**2 - (1 + 1 / xi) * (y / sigma) / (1 + xi * y / sigma)
        two = lambda y: -1 + (1 + xi) * (y / sigma) / (1 + xi * y / sigma)
        return [mp.fsum(one(y) * c for y, c in scaled), mp.fsum(two(y) * c for y, c in scaled)]

    data = np.repeat([float(y) for y, _ in scaled], [c for _, c in scaled])
    start = stats.genpareto.fit(data, floc=0)
    found = -stats.genpareto.nnlf(start, data)
    if not -0.5 < start[0] < 10:
        return None
    with mp.workdps(25):
        xi, sigma = mp.findroot(scores, (mp.mpf(start[0]), mp.mpf(start[2])), tol=1e-40)
    if not -0.5 < xi < 10:
        return None
    likelihood = lambda xi, sigma: -k * mp.log(sigma) - (1 + 1 / xi) * mp.fsum(mp.log(1 + xi * y / sigma) * c for y, c in scaled)
    best = likelihood(xi, sigma)
    assert best >= found - 1e-6, (best, found)
    assert best > likelihood(xi * (1 + mp.mpf(10) ** -5), sigma) and best > likelihood(xi, sigma * (1 - mp.mpf(10) ** -5))
    assert abs(xi - start[0]) < 1e-2, (xi, start)
    return xi, sigma * mean, best - k * mp.log(mean)


def start_of(s):
    """x_min by the least distance, as in plfit and powerlaw: law against the shares of values before each."""
    s = np.sort(s[s > 0])
    if len(s) < TAIL_MIN:
        return None
    logs = np.log(s)
    best = None
    for at in np.unique(s, return_index=True)[1]:
        k = len(s) - at
        if k < TAIL_MIN or s[at] == s[-1]:
            continue
        excess = logs[at:] - logs[at]
        alpha = k / excess.sum()
        distance = np.max(np.abs(1 - np.exp(-alpha * excess) - np.arange(k) / k))
        if best is None or distance < best[0]:
            best = (distance, s[at])
    return best and best[1]


def power_law(values, counts, s):
    """x_min, alpha, and (ratio, z, p) against the exponential and the cut log-normal law."""
    start = start_of(s)
    if start is None:
        return None
    start = min(values, key=lambda v: abs(v - mp.mpf(float(start))))
    tail = [(v / start, c) for v, c in zip(values, counts) if v >= start]
    k = sum(c for _, c in tail)
    logs = [(mp.log(u), c) for u, c in tail]
    m1 = mp.fsum(y * c for y, c in logs) / k
    m2 = mp.fsum(y * y * c for y, c in logs) / k
    alpha = 1 + 1 / m1
    # Densities of u = x / x_min.
    law = [mp.log(alpha - 1) - alpha * y for y, _ in logs]
    rate = 1 / (mp.fsum(u * c for u, c in tail) / k - 1)
    rivals = [[mp.log(rate) - rate * (u - 1) for u, _ in tail]]
    if m2 / m1**2 < 2:
        # Mean and second moment of N(mu, sigma) cut at 0 are those of the logarithms.
        def equations(mu, sigma):
            q = mp.npdf(-mu / sigma) / mp.ncdf(mu / sigma)
            return [mu + sigma * q - m1, mu**2 + sigma**2 + mu * sigma * q - m2]

        mu, sigma = solve(equations, m1, m2)
        cut = mp.log(mp.ncdf(mu / sigma))
        rivals.append([-y - mp.log(sigma) - mp.log(2 * mp.pi) / 2 - (y - mu) ** 2 / (2 * sigma**2) - cut for y, _ in logs])
    numbers = []
    for rival in rivals:
        d = [a - b for a, b in zip(law, rival)]
        ratio = mp.fsum(x * c for x, (_, c) in zip(d, tail))
        variance = mp.fsum((x - ratio / k) ** 2 * c for x, (_, c) in zip(d, tail)) / k
        z = ratio / mp.sqrt(k * variance)
        numbers += [ratio, z, mp.erfc(abs(z) / mp.sqrt(2))]
    check_powerlaw(s, start, alpha, numbers)
    return [start, alpha, *numbers, *[None] * (6 - len(numbers))]


def solve(equations, m1, m2):
    """Newton from several starts: the equations have one root."""
    deviation = mp.sqrt(m2 - m1**2)
    for factor in [1, 0.5, 0, -0.5, -1, -2, -4, -8, -16]:
        for spread in [1, 1.5, 2, 3, 5]:
            try:
                mu, sigma = mp.findroot(equations, (factor * m1, spread * deviation), tol=1e-60)
            except (ValueError, ZeroDivisionError):
                continue
            if sigma > 0:
                return mu, sigma
    raise ValueError("no root")


def check_powerlaw(s, start, alpha, numbers):
    """The package gives the same fit from the same start; its own choice of the start, where no limit of ours excludes it, too."""
    if alpha >= 3:
        return  # The package looks no further.
    fit = powerlaw.Fit(s[s > 0], xmin=float(start), verbose=False)
    assert math.isclose(fit.power_law.alpha, float(alpha), rel_tol=1e-6), (fit.power_law.alpha, alpha)
    ratio, p = fit.distribution_compare("power_law", "exponential")
    assert math.isclose(ratio, float(numbers[0]), rel_tol=1e-3, abs_tol=0.05), (ratio, numbers[0])
    print("powerlaw", float(fit.power_law.alpha), float(alpha), ratio, float(numbers[0]), p, float(numbers[2]), file=sys.stderr)


def discrete(keys, start):
    keys = keys[keys >= start]
    k = len(keys)
    mean = mp.fsum(mp.log(int(v)) * int(c) for v, c in zip(*np.unique(keys, return_counts=True))) / k
    slope = lambda a: mp.zeta(a, start, 1) / mp.zeta(a, start) + mean
    alpha = mp.findroot(slope, (mp.mpf("1.2"), mp.mpf("6")), solver="anderson", tol=1e-30)
    return alpha, -k * (mp.log(mp.zeta(alpha, start)) + alpha * mean), k


print(
    f"# mpmath {mp.__version__}, SciPy {scipy.__version__}, NumPy {np.__version__}, lmoments3 {version('lmoments3')}, "
    f"powerlaw {version('powerlaw')}. Regenerate: python3 vectors/gen/functionals.py"
)
print(
    "# kind,stream,n,m,energy,coefficient,effect,skewness,kurtosis,ln_kurtosis,l_scale,l_skew,l_kurtosis,kl,"
    "pareto_shape,pareto_scale,pareto_likelihood,x_min,alpha,exponential_ratio,z,p,log_normal_ratio,z,p"
)
sizes = [(1, 1), (1, 2), (2, 3), (3, 4), (5, 5), (3, 17), (17, 40), (100, 100), (500, 777), (6000, 3000), (20000, 20000)]
kinds = ["ticks:0:2:0", "ticks:0:5:1", "ticks:2:7:0", "ticks:0:1000:-500", "ticks:9:2000000000:0", "uniform", "heavy", "atoms", "cluster"]
both = lambda a, b: None if a is None or b is None else b - a
for index, (kind, n, m) in enumerate((kind, *size) for kind in kinds for size in sizes):
    stream = 2 * index + 4000
    x, y = sample(kind, stream, n), sample(kind, stream + 1, m)
    power = 10 ** int(kind.split(":")[1]) if kind.startswith("ticks") else 1
    xs, ys = groups(x, power), groups(y, power)
    distances = energy(xs, ys)
    if distances[0] is not None and n > 4:
        assert math.isclose(distances[0], stats.energy_distance(x, y), rel_tol=1e-4, abs_tol=1e-6)
    (skew_x, kurt_x), (skew_y, kurt_y) = moments(*xs), moments(*ys)
    if skew_x is not None and n > 20 and kind != "cluster":
        assert math.isclose(skew_x, stats.skew(x), rel_tol=1e-9, abs_tol=1e-9) and math.isclose(kurt_x - 3, stats.kurtosis(x), rel_tol=1e-9, abs_tol=1e-9)
    lx, ly = l_moments(*xs), l_moments(*ys)
    if lx[2] is not None and 4 < n <= 1000 and kind != "cluster":
        theirs = lmoments3.lmom_ratios(list(x), nmom=4)
        assert all(math.isclose(a, b, rel_tol=1e-8, abs_tol=1e-8) for a, b in zip(theirs[1:], [lx[0], lx[1], lx[2]])), (theirs, lx)
    l_scale = None if lx[0] is None or ly[0] is None else mp.log(ly[0] / lx[0])
    table = bins(x, y, 20)
    divergence = None if table is None else kl(table, n, m)
    fits = [None] * 3
    # The ends of the uniform kinds have no regular likelihood; few tied values have no tail.
    if kind in ("heavy", "cluster", "ticks:0:1000:-500") and n >= 5000:
        fits = list(pareto(*xs, x) or fits)
    law = [None] * 8
    if kind in ("heavy", "atoms") and n >= 500:
        # So few that every place at which the tail may start is tried.
        law = power_law(*groups(x[:250], 1), x[:250]) or law
    numbers = [*distances, both(skew_x, skew_y), both(kurt_x, kurt_y), None if kurt_x is None or kurt_y is None else mp.log(kurt_y / kurt_x)]
    numbers += [l_scale, both(lx[1], ly[1]), both(lx[2], ly[2]), divergence, *fits, *law]
    text = ["" if value is None else mp.nstr(value, 20) for value in numbers]
    print(",".join([kind, str(stream), str(n), str(m), *text]))
    print(kind, n, m, file=sys.stderr)
# Laws with a tail of their own: excesses and sizes by the inverse of the law, of one sample.
for index, (shape, n) in enumerate((shape, n) for shape in ("-0.25", "-0.01", "0", "0.2", "0.5", "1") for n in (5000, 20000)):
    stream = 5000 + index
    v = (raw(stream, n).astype(np.float64) + 0.5) / 2147483648.0
    # Square roots and quotients alone, which are rounded alike everywhere: shapes 1, 1/2 and others by their nearest relatives.
    s = {"1": lambda: 1 / v, "0.5": lambda: 1 / np.sqrt(v), "0.2": lambda: 1 / np.sqrt(np.sqrt(v)), "-0.25": lambda: 1 - np.sqrt(np.sqrt(v)),
         "0": lambda: (1 - v) / (1 + v), "-0.01": lambda: (2 - v) / np.sqrt(v + 0.125)}[shape]()
    xs = groups(s, 1)
    fits = pareto(*xs, s) or [None] * 3
    law = power_law(*groups(s[:140], 1), s[:140]) or [None] * 8
    text = ["" if value is None else mp.nstr(value, 20) for value in [*fits, *law]]
    print(",".join(["fit:" + shape, str(stream), str(n), "0", *[""] * 10, *text]))
    print(shape, n, file=sys.stderr)
print("# discrete,stream,n,start,alpha,log_likelihood,k of 1 + floor(|heavy|)")
for index, (n, start) in enumerate((n, start) for n in (200, 2000, 20000) for start in (1, 2, 3, 10)):
    stream = 2 * index + 6000
    keys = np.abs(sample("heavy", stream, n)).astype(np.int64) + 1
    if (keys >= start).sum() >= TAIL_MIN:
        alpha, likelihood, k = discrete(keys, start)
        print(",".join(["discrete", str(stream), str(n), str(start), mp.nstr(alpha, 20), mp.nstr(likelihood, 20), str(k)]))
