"""Writes mutual_hawkes.csv: fits of two kinds of events that excite themselves and each other, to streams that Rust can make again.

Streams are simulated by clusters: immigrants of each kind, and children of each event after exponential times, in whole microseconds, so
that the last bit of a logarithm does not matter. SciPy maximises the likelihood in its definition, sums over all pairs of events, without
derivatives; the root of the score near its end is then found by mpmath with 30 digits. The file has both: what SciPy ends with is no
larger than the likelihood at the root.

Run: python3 vectors/gen/mutual_hawkes.py > vectors/mutual_hawkes.csv
"""

import math
import pathlib

import mpmath as mp
import numpy as np
import scipy
from scipy import optimize, stats

mp.mp.dps = 30

here = pathlib.Path(__file__).parent
exec(compile((here / "two_sample.py").read_text().split("def wasserstein")[0], "two_sample.py", "exec"))

GAP_MAX = 60 * 10**9
DIGITS = 18
# Immigrants a second, branching numbers (kind excited, kind exciting), decay.
LAWS = {
    "usual": ([0.5, 0.3], [[0.5, 0.1], [0.2, 0.4]], 2.0),
    "own": ([0.4, 0.4], [[0.6, 0.0], [0.0, 0.6]], 8.0),
    "other": ([0.6, 0.6], [[0.05, 0.5], [0.4, 0.05]], 1.0),
}


def simulate(law, stream, seconds):
    """Events as pairs of nanoseconds and kind, ascending; a hole of 200 s in the middle."""
    rates, branching, decay = LAWS[law]
    uniforms = ((int(u) + 0.5) / 2147483648.0 for u in raw(stream, 60000))
    events = []
    for kind in (0, 1):
        at = 0.0
        while True:
            at -= math.log(next(uniforms)) / rates[kind]
            if at >= seconds:
                break
            events.append((at, kind))
    k = 0
    while k < len(events):
        at, kind = events[k]
        for child in (0, 1):
            left = next(uniforms)
            least = math.exp(-branching[child][kind])
            while left > least:
                events.append((at - math.log(next(uniforms)) / decay, child))
                left *= next(uniforms)
        k += 1
    events = [(int(at * 1e6) * 1000, kind) for at, kind in events if at < seconds]
    return sorted((t + (200 * 10**9 if t > seconds * 5 * 10**8 else 0), kind) for t, kind in events)


def sessions(events):
    """Times in seconds from the begin of each session, with the kinds that happen there."""
    out = []
    for t, kind in events:
        if out and t == out[-1][-1][0]:
            out[-1][-1][1][kind] = True
            continue
        if not out or t - out[-1][-1][0] > GAP_MAX:
            out.append([])
        out[-1].append((t, [kind == 0, kind == 1]))
    return [s for s in out if len(s) > 1]


def naive(theta, stretches):
    """The definition: sums over all pairs of each session."""
    value = 0.0
    mu, n, b = theta[:2], np.reshape(theta[2:6], (2, 2)), theta[6]
    for session in stretches:
        start = session[0][0]
        of = [np.array([(t - start) / 1e9 for t, kinds in session if kinds[k]]) for k in (0, 1)]
        end = (session[-1][0] - start) / 1e9
        for i in (0, 1):
            own = of[i][of[i] > 0]
            intensity = np.full(len(own), mu[i])
            for j in (0, 1):
                lag = own[:, None] - of[j][None, :]
                intensity += n[i, j] * b * np.where(lag > 0, np.exp(-b * np.where(lag > 0, lag, 0)), 0).sum(axis=1)
                value -= n[i, j] * (1 - np.exp(-b * (end - of[j]))).sum()
            if np.any(intensity <= 0):
                return -np.inf
            value += np.log(intensity).sum() - mu[i] * end
    return value


def score(theta, stretches):
    """Value and gradient by the recursion over times."""
    mu, n, b = theta[:2], [theta[2:4], theta[4:6]], theta[6]
    value, slope = mp.mpf(0), [mp.mpf(0)] * 7
    for session in stretches:
        s, d, before = [mp.mpf(0)] * 2, [mp.mpf(0)] * 2, None
        for t, kinds in session:
            if before is not None:
                gap = mp.mpf(t - before[0]) / 10**9
                e = mp.exp(-b * gap)
                begin = [v + (1 if before[1][j] else 0) for j, v in enumerate(s)]
                d_begin, s = d, [v * e for v in begin]
                d = [v * e - gap * w for v, w in zip(d, s)]
                for i in (0, 1):
                    value -= mu[i] * gap + sum(n[i][j] * (begin[j] - s[j]) for j in (0, 1))
                    slope[i] -= gap
                    slope[6] -= sum(n[i][j] * (d_begin[j] - d[j]) for j in (0, 1))
                    for j in (0, 1):
                        slope[2 + 2 * i + j] -= begin[j] - s[j]
                    if kinds[i]:
                        intensity = mu[i] + b * sum(n[i][j] * s[j] for j in (0, 1))
                        value += mp.log(intensity)
                        slope[i] += 1 / intensity
                        slope[6] += sum(n[i][j] * (s[j] + b * d[j]) for j in (0, 1)) / intensity
                        for j in (0, 1):
                            slope[2 + 2 * i + j] += b * s[j] / intensity
            before = (t, kinds)
    return value, slope


def residuals(theta, stretches):
    mu, n, b = theta[:2], [theta[2:4], theta[4:6]], theta[6]
    out = [[], []]
    for session in stretches:
        s, open_, before = [0.0, 0.0], [0.0, 0.0], None
        for t, kinds in session:
            if before is not None:
                gap = (t - before[0]) / 1e9
                begin = [v + (1 if before[1][j] else 0) for j, v in enumerate(s)]
                s = [v * math.exp(-b * gap) for v in begin]
                for i in (0, 1):
                    open_[i] += mu[i] * gap + sum(n[i][j] * (begin[j] - s[j]) for j in (0, 1))
                    if kinds[i]:
                        out[i].append(open_[i])
                        open_[i] = 0.0
            before = (t, kinds)
    return out


def fit(law, stream, seconds):
    events = simulate(law, stream, seconds)
    stretches = sessions(events)
    time = sum((s[-1][0] - s[0][0]) / 1e9 for s in stretches)
    counts = [sum(kinds[k] for s in stretches for _, kinds in s[1:]) for k in (0, 1)]
    rates = [c / time for c in counts]

    def minus(u):
        return -naive([*u[:6], math.exp(u[6])], stretches)

    best = None
    for decay in (0.5, 2.0, 8.0):
        start = [rates[0] / 2, rates[1] / 2, 0.25, 0.25, 0.25, 0.25, math.log(decay)]
        found = optimize.minimize(minus, start, method="Nelder-Mead",
                                  options={"xatol": 1e-7, "fatol": 1e-10, "maxiter": 20000, "maxfev": 20000, "adaptive": True})
        best = found if best is None or found.fun < best.fun else best
    start = [*best.x[:6], math.exp(best.x[6])]
    root = list(mp.findroot(lambda *theta: score(theta, stretches)[1], [mp.mpf(v) for v in start], tol=1e-36, maxsteps=30))
    value = score(root, stretches)[0]
    assert abs(float(value) - naive([float(v) for v in root], stretches)) < 1e-7
    assert -best.fun <= float(value) + 1e-9 and -best.fun > float(value) - 1e-4, (best.fun, value)
    a, b, c, d = root[2:6]
    radius = (a + d) / 2 + mp.sqrt((a - d) ** 2 / 4 + b * c)
    assert abs(float(radius) - max(abs(np.linalg.eigvals(np.array([[a, b], [c, d]], float))))) < 1e-12
    names = ["base_0", "base_1", "n_00", "n_01", "n_10", "n_11", "decay"]
    numbers = dict(zip(names, root)) | {"radius": radius, "likelihood": value, "events_0": counts[0], "events_1": counts[1],
                                        "scipy": mp.mpf(-best.fun)}
    for kind, own in enumerate(residuals([float(v) for v in root], stretches)):
        test = stats.kstest(own, "expon", mode="asymp")
        numbers |= {f"ks_{kind}": mp.mpf(test.statistic), f"p_{kind}": mp.mpf(test.pvalue)}
    for name, number in numbers.items():
        print(f"{law},{stream},{seconds},{name},{number if isinstance(number, int) else mp.nstr(mp.mpf(number), DIGITS)}")


print(f"# mpmath {mp.__version__}, SciPy {scipy.__version__}, NumPy {np.__version__}. Regenerate: python3 vectors/gen/mutual_hawkes.py")
print("# law,stream,seconds,number,value")
for law, stream, seconds in (("usual", 9600, 400), ("usual", 9601, 900), ("own", 9602, 600), ("other", 9603, 500)):
    fit(law, stream, seconds)
