"""Writes temporal.csv: statistics in order of time of series that Rust can make again.

Every number is the definition written naively with 40 digits from the exact values of the doubles; fits are roots of the score of the
likelihood, found with 40 digits from where arch (GARCH) or SciPy (Hawkes) end. They are checked against statsmodels, arch and SciPy
to the digits those have. What arch ends with stands in the file too: no likelihood here may be smaller.

Run: python3 vectors/gen/temporal.py > vectors/temporal.csv
"""

import math
import pathlib
import warnings
from importlib.metadata import version

import mpmath as mp
import numpy as np
import statsmodels.api as sm
from arch import arch_model
from scipy import optimize, stats
from statsmodels.sandbox.stats.runs import runstest_1samp
from statsmodels.stats.diagnostic import acorr_ljungbox, breaks_cusumolsresid
from statsmodels.tsa.stattools import acf

warnings.simplefilter("ignore")
mp.mp.dps = 40

# raw() of two_sample.py, without its table.
here = pathlib.Path(__file__).parent
exec(compile((here / "two_sample.py").read_text().split("def wasserstein")[0], "two_sample.py", "exec"))

UNIT = 1048576.0
DIGITS = 20


def integers(stream, n):
    return [int(u) for u in raw(stream, n)]


def uniform(stream, n):
    return [(u + 0.5) / 2147483648.0 for u in integers(stream, n)]


def walk(stream, n):
    return np.cumsum([u % 2001 - 1000 for u in integers(stream, n)]) / UNIT


def noisy(stream, n):
    return walk(stream, n) + np.array([u % 2001 - 1000 for u in integers(stream + 1, n)]) / UNIT


def jumpy(stream, n):
    jump = [(30000 if u % 2 == 0 else -30000) if u % 211 == 5 else 0 for u in integers(stream + 1, n)]
    return walk(stream, n) + np.cumsum(jump) / UNIT


def offset(stream, n):
    return walk(stream, n) + 1000000.0


def ar(stream, n):
    x, out = 0.0, []
    for u in uniform(stream, n):
        x = 0.5 * x + (float(u) - 0.5)
        out.append(x)
    return np.array(out)


def shifted(stream, n):
    return ar(stream, n) + np.array([0.75 if i >= n // 3 else 0.0 for i in range(n)])


def garch(stream, n):
    h, r, out = 1.0, 0.0, []
    for u in uniform(stream, n):
        h = 0.05 + 0.1 * r * r + 0.85 * h
        r = (float(u) - 0.5) * 3.4641016151377544 * math.sqrt(h)
        out.append(r)
    return np.array(out)


def garch_holes(stream, n):
    r = garch(stream, n)
    r[n // 5 :: n // 3] = np.nan
    return r


def garch_tiny(stream, n):
    return garch(stream, n) * 2.0**-200


def bursts(stream, n):
    """Event times in ns: a state of small or of large gaps, some ties, one hole."""
    t, fast, out = 0, False, []
    for i, (u, v) in enumerate(zip(integers(stream, n), integers(stream + 1, n))):
        if u % 5 == 0:
            fast = not fast
        t += 0 if u % 37 == 3 else 1 + v % (200_000_000 if fast else 2_000_000_000)
        t += 1_000_000_000_000 if i == n // 2 else 0
        out.append(t)
    return out


KINDS = {f.__name__: f for f in (walk, noisy, jumpy, offset, ar, shifted, garch, garch_holes, garch_tiny, bursts)}


def exact(values):
    return [mp.mpf(float(v)) for v in values]


def row(kind, stream, n, statistic, parameters, /, **numbers):
    for name, value in numbers.items():
        text = "" if value is None else str(value) if isinstance(value, int) else mp.nstr(mp.mpf(value), DIGITS)
        print(",".join([kind, str(stream), str(n), statistic, ":".join(map(str, parameters)), name, text]))


def near(a, b, tolerance):
    assert abs(a - b) <= tolerance * max(abs(b), mp.mpf(10) ** -300), (a, b)


def normal_sf(z):
    return mp.erfc(z / mp.sqrt(2)) / 2


def kolmogorov(x):
    return 2 * mp.nsum(lambda k: (-1) ** (k - 1) * mp.exp(-2 * k * k * x * x), [1, mp.inf], method="d") if x > 0.4 else (
        1 - mp.sqrt(2 * mp.pi) / x * sum(mp.exp(-((2 * k - 1) ** 2) * mp.pi**2 / (8 * x * x)) for k in range(1, 30))
    )


def volatility(kind, stream, n):
    x = exact(KINDS[kind](stream, n))
    r = [b - a for a, b in zip(x, x[1:])]
    count = len(r)
    rv = {k: sum((x[i + k] - x[i]) ** 2 for i in range(len(x) - k)) / k for k in (1, 2, 5, 20)}
    for k, value in rv.items():
        row(kind, stream, n, "realised_variance", [k], value=value)
    for slow in (5, 20):
        m = mp.mpf(count - slow + 1) / slow
        row(kind, stream, n, "two_scales", [slow], value=rv[slow] - m / count * rv[1])
    row(kind, stream, n, "noise_variance", [], value=rv[1] / (2 * count))
    products = [abs(a) * abs(b) for a, b in zip(r, r[1:])]
    bv = mp.pi / 2 * mp.mpf(count) / (count - 1) * sum(products)
    row(kind, stream, n, "bipower", [], value=bv)
    mu = mp.mpf(2) ** (mp.mpf(2) / 3) * mp.gamma(mp.mpf(7) / 6) / mp.sqrt(mp.pi)
    p = [abs(v) ** (mp.mpf(4) / 3) for v in r]
    tp = count * mu**-3 * mp.mpf(count) / (count - 2) * sum(a * b * c for a, b, c in zip(p, p[1:], p[2:]))
    share = 1 - bv / rv[1]
    z = share / mp.sqrt(((mp.pi / 2) ** 2 + mp.pi - 5) / count * max(1, tp / bv**2))
    row(kind, stream, n, "bns", [], share=share, z=z, p=normal_sf(z))
    window, alpha = 40, 0.05
    tested = []
    for i in range(window - 1, count):
        # The pairs (j - 1, j) with both before i, window - 2 of them.
        local = sum(products[j - 1] for j in range(i - window + 2, i)) / (window - 2)
        tested.append((i, r[i], r[i] / mp.sqrt(local)))
    m = mp.mpf(len(tested))
    root, c = mp.sqrt(2 * mp.log(m)), mp.sqrt(2 / mp.pi)
    centre = root / c - (mp.log(mp.pi) + mp.log(mp.log(m))) / (2 * c * root)
    critical = -mp.log(-mp.log(1 - mp.mpf(alpha)))
    jumps = [jump for jump in tested if (abs(jump[2]) - centre) * c * root > critical]
    first = jumps[0] if jumps else (None, None, None)
    row(kind, stream, n, "lee_mykland", [window, alpha], count=len(jumps), at=first[0], size=first[1], statistic=first[2])
    for sparse in (5, 12):
        kept = count // sparse
        dense = sum(v**2 for v in r[: kept * sparse])
        coarse = [x[(i + 1) * sparse] - x[i * sparse] for i in range(kept)]
        quarticity = sum(v**4 for v in coarse) / (3 * sparse)
        h = (dense - sum(v**2 for v in coarse)) ** 2 / (2 * (sparse - 1) * quarticity)
        ratio = dense / sum(v**2 for v in coarse)
        p_value = mp.erfc(mp.sqrt(h / 2))
        near(p_value, stats.chi2.sf(float(h), 1), 1e-9)
        row(kind, stream, n, "hausman", [sparse], statistic=h, p=p_value, ratio=ratio)


def dependence(kind, stream, n):
    values = KINDS[kind](stream, n)
    x = exact(values)
    mean = sum(x) / n
    e = [v - mean for v in x]
    covariance = [sum(a * b for a, b in zip(e, e[k:])) for k in range(11)]
    rho = [c / covariance[0] for c in covariance[1:]]
    theirs = acf(values, nlags=10, adjusted=False, fft=False)[1:]
    for k in (1, 2, 10):
        near(rho[k - 1], theirs[k - 1], 1e-6 if kind == "offset" else 1e-9)
        row(kind, stream, n, "autocorrelation", [k], value=rho[k - 1])
    box = acorr_ljungbox(values, lags=10, model_df=2)
    for k in (1, 3, 10):
        q = n * (n + 2) * sum(rho[j] ** 2 / (n - j - 1) for j in range(k))
        p = mp.gammainc(mp.mpf(k - 2) / 2, q / 2, mp.inf, regularized=True) if k > 2 else None
        if kind != "offset":
            near(q, box["lb_stat"][k], 1e-9)
            if k > 2 and p > 1e-200:
                near(p, box["lb_pvalue"][k], 1e-6)
        row(kind, stream, n, "ljung_box", [k, 2], statistic=q, p=p)
    signs = [v > 0 for v in values if v != 0]
    a, b = sum(signs), len(signs) - sum(signs)
    if min(a, b) >= 2:
        runs = 1 + sum(s != t for s, t in zip(signs, signs[1:]))
        m = mp.mpf(2) * a * b / (a + b) + 1
        variance = mp.mpf(2) * a * b * (2 * a * b - a - b) / (mp.mpf(a + b) ** 2 * (a + b - 1))
        z = (runs - m) / mp.sqrt(variance)
        theirs = runstest_1samp(values[values != 0], cutoff=0, correction=False)
        near(z, theirs[0], 1e-9)
        row(kind, stream, n, "runs", [], runs=runs, z=z, p=2 * normal_sf(abs(z)))
    for lags in (0, 4, 12):
        variance = (covariance[0] + 2 * sum(
            (1 - mp.mpf(k) / (lags + 1)) * sum(p * q for p, q in zip(e, e[k:])) for k in range(1, lags + 1)
        )) / n
        sums = [sum(e[: k + 1]) for k in range(n - 1)]
        at = max(range(n - 1), key=lambda k: abs(sums[k])) + 1
        statistic = abs(sums[at - 1]) / mp.sqrt(variance * n)
        if lags == 0:
            near(statistic, breaks_cusumolsresid(values - values.mean())[0], 1e-6 if kind == "offset" else 1e-9)
        shift = sum(x[at:]) / (n - at) - sum(x[:at]) / at
        row(kind, stream, n, "cusum", [lags], statistic=statistic, p=kolmogorov(statistic), at=at, shift=shift)
    tolerance, threshold = 0.05, 3.0
    up = down = low = high = total = mp.mpf(0)
    largest, alarm = [mp.mpf(0), mp.mpf(0)], None
    for t, v in enumerate(x):
        total += v
        up += v - total / (t + 1) - mp.mpf(tolerance)
        down += v - total / (t + 1) + mp.mpf(tolerance)
        low, high = min(low, up), max(high, down)
        largest = [max(largest[0], up - low), max(largest[1], high - down)]
        if alarm is None and max(up - low, high - down) > threshold:
            alarm = t if up - low > threshold else -t
    row(kind, stream, n, "page_hinkley", [tolerance, threshold], alarm=alarm, rise=largest[0], fall=largest[1])


def regression(kind, stream, n):
    values, other = KINDS[kind](stream, n), ar(stream + 50, n)
    x, y = exact(values), [a + 2 * b for a, b in zip(exact(values), exact(other))]
    rounded = [float(v) + 2.0 * float(w) for v, w in zip(values, other)]
    y = exact(rounded)
    mx, my = sum(x) / n, sum(y) / n
    sxx = sum((a - mx) ** 2 for a in x)
    sxy = sum((a - mx) * (b - my) for a, b in zip(x, y))
    slope = sxy / sxx
    e = [b - my - slope * (a - mx) for a, b in zip(x, y)]
    g = [(a - mx) * v for a, v in zip(x, e)]
    for lags in (0, 5, 30):
        s = sum(v * v for v in g) + 2 * sum(
            (1 - mp.mpf(k) / (lags + 1)) * sum(p * q for p, q in zip(g, g[k:])) for k in range(1, lags + 1)
        )
        error = mp.sqrt(s) / sxx
        t = slope / error
        r2 = slope * sxy / sum((b - my) ** 2 for b in y)
        nu = n - 2
        p = mp.betainc(mp.mpf(nu) / 2, 0.5, 0, nu / (nu + t * t), regularized=True)
        if kind != "offset":
            fit = sm.OLS(rounded, sm.add_constant(values)).fit(cov_type="HAC", cov_kwds={"maxlags": lags}, use_t=True)
            near(slope, fit.params[1], 1e-9)
            near(error, fit.bse[1], 1e-9)
            near(r2, fit.rsquared, 1e-9)
        row(kind, stream, n, "ols", [lags], slope=slope, intercept=my - slope * mx, r2=r2, error=error, p=p)


def garch_score(theta, squares, starts, m):
    """Log-likelihood without constant and its gradient, mean over returns."""
    omega, alpha, beta = theta
    value, score = mp.mpf(0), [mp.mpf(0)] * 3
    h, last, d = m, m, [mp.mpf(0)] * 3
    for square, start in zip(squares, starts):
        if start:
            h, last, d = m, m, [mp.mpf(0)] * 3
        d = [1 + beta * d[0], last + beta * d[1], h + beta * d[2]]
        h = omega + alpha * last + beta * h
        last = square
        value -= (mp.log(h) + square / h) / 2
        a = (square / h - 1) / h / 2
        score = [s + a * v for s, v in zip(score, d)]
    return value, [s / len(squares) for s in score]


def garch_fit(kind, stream, n):
    r = KINDS[kind](stream, n)
    size = np.nanmax(np.abs(r))
    scaled = r / size
    returns = scaled[~np.isnan(scaled)]
    m = float(np.mean(returns**2))
    model = arch_model(returns / math.sqrt(m), mean="Zero", vol="GARCH", p=1, q=1, rescale=False)
    fit = model.fit(backcast=1.0, disp="off", options={"ftol": 1e-14, "maxiter": 1000})
    squares, starts, begin = [], [], True
    for v in exact(r):
        if not mp.isnan(v):
            squares.append(v * v)
            starts.append(begin)
        begin = bool(mp.isnan(v))
    unit = sum(squares) / len(squares)
    squares = [s / unit for s in squares]
    with mp.workdps(30):
        root = mp.findroot(
            lambda *theta: garch_score(theta, squares, starts, mp.mpf(1))[1], list(map(float, fit.params)), tol=1e-40, maxsteps=30
        )
    omega, alpha, beta = list(root)
    value = garch_score((omega, alpha, beta), squares, starts, mp.mpf(1))[0]
    constant = len(squares) * (mp.log(2 * mp.pi) / 2 + mp.log(unit) / 2)
    # arch knows no holes: there it only starts the search.
    theirs = mp.mpf(float(fit.loglikelihood)) - len(squares) * mp.log(unit) / 2 if all(not s for s in starts[1:]) else None
    if theirs is not None:
        near(alpha, fit.params.iloc[1], 2e-3)
        near(beta, fit.params.iloc[2], 2e-3)
        near(value - constant, theirs, 1e-9)
    row(kind, stream, n, "garch", [], omega=omega * unit, alpha=alpha, beta=beta, likelihood=value - constant, arch=theirs,
        half_life=mp.log(0.5) / mp.log(alpha + beta))


def sessions(times, gap_max):
    """Gaps in seconds with whether a session begins before them; events at one time are one."""
    out, start = [], True
    for a, b in zip(times, times[1:]):
        if a == b:
            continue
        if b - a > gap_max:
            start = True
            continue
        out.append((mp.mpf(b - a) / 10**9, start))
        start = False
    return out


def hawkes_score(theta, gaps):
    mu, ratio, b = theta
    value, score, left, slope = mp.mpf(0), [mp.mpf(0)] * 3, mp.mpf(0), mp.mpf(0)
    for gap, start in gaps:
        if start:
            left = slope = mp.mpf(0)
        begin, e = left + 1, mp.exp(-b * gap)
        left, slope_begin = begin * e, slope
        slope = slope * e - gap * left
        intensity = mu + ratio * b * left
        value += mp.log(intensity) - mu * gap - ratio * (begin - left)
        score[0] += 1 / intensity - gap
        score[1] += b * left / intensity - (begin - left)
        score[2] += ratio * (left + b * slope) / intensity - ratio * (slope_begin - slope)
    return value, [s / len(gaps) for s in score]


def hawkes_naive(theta, gaps):
    """The definition: sums over all pairs of each session."""
    mu, ratio, b = map(float, theta)
    stretches = []
    for gap, start in gaps:
        if start:
            stretches.append([0.0])
        stretches[-1].append(stretches[-1][-1] + float(gap))
    value = 0.0
    for t in map(np.array, stretches):
        intensity = [mu + ratio * b * np.exp(-b * (t[i] - t[:i])).sum() for i in range(1, len(t))]
        value += np.log(intensity).sum() - mu * t[-1] - ratio * (1 - np.exp(-b * (t[-1] - t))).sum()
    return value


def hawkes_fit(stream, n):
    gap_max = 60 * 10**9
    gaps = sessions(bursts(stream, n), gap_max)

    def minus(u):
        theta = (math.exp(u[0]), 1 / (1 + math.exp(-u[1])), math.exp(u[2]))
        return -hawkes_naive(theta, gaps)

    rate = len(gaps) / float(sum(g for g, _ in gaps))
    best = min(
        (optimize.minimize(minus, [math.log(rate / 2), 0.0, math.log(rate * f)], method="Nelder-Mead",
                           options={"xatol": 1e-6, "fatol": 1e-9, "maxiter": 4000}) for f in (0.3, 3.0)),
        key=lambda found: found.fun,
    )
    start = [math.exp(best.x[0]), 1 / (1 + math.exp(-best.x[1])), math.exp(best.x[2])]
    with mp.workdps(30):
        root = mp.findroot(lambda *theta: hawkes_score(theta, gaps)[1], start, tol=1e-40, maxsteps=30)
    theta = list(root)
    value = hawkes_score(theta, gaps)[0]
    near(value, hawkes_naive(theta, gaps), 1e-9)
    near(value, -best.fun, 1e-7)
    residuals, left = [], mp.mpf(0)
    for gap, begins in gaps:
        begin = (0 if begins else left) + 1
        left = begin * mp.exp(-theta[2] * gap)
        residuals.append(theta[0] * gap + theta[1] * (begin - left))
    residuals.sort()
    count = len(residuals)
    ks = max(max(mp.mpf(i + 1) / count - 1 + mp.exp(-v), 1 - mp.exp(-v) - mp.mpf(i) / count) for i, v in enumerate(residuals))
    near(ks, stats.kstest(np.array(residuals, float), "expon").statistic, 1e-9)
    row("bursts", stream, n, "hawkes", [gap_max], base=theta[0], ratio=theta[1], decay=theta[2], likelihood=value, gaps=count,
        ks=ks, p=kolmogorov(mp.sqrt(count) * ks))


print(
    f"# mpmath {mp.__version__}, statsmodels {version('statsmodels')}, arch {version('arch')}, SciPy {version('scipy')}, "
    f"NumPy {np.__version__}. Regenerate: python3 vectors/gen/temporal.py"
)
print("# kind,stream,n,statistic,parameters,number,value")
for index, kind in enumerate(("walk", "noisy", "jumpy", "offset")):
    for n in (300, 1000):
        volatility(kind, 9000 + 10 * index, n)
for index, kind in enumerate(("walk", "ar", "shifted", "garch", "offset")):
    for n in (60, 500):
        dependence(kind, 9100 + 10 * index, n)
for index, kind in enumerate(("walk", "ar", "garch", "offset")):
    for n in (40, 600):
        regression(kind, 9300 + 10 * index, n)
for stream, n in ((9400, 500), (9402, 1500), (9404, 3000)):
    garch_fit("garch", stream, n)
garch_fit("garch_holes", 9406, 2000)
garch_fit("garch_tiny", 9408, 800)
for stream, n in ((9500, 400), (9502, 1000), (9504, 1500)):
    hawkes_fit(stream, n)
