#!/usr/bin/env python3
"""Beliefs about memory and the noise they leave: `python3 vectors/gen/memory.py > vectors/memory.csv`.

Written from the definitions with NumPy and SciPy, every spectrum by itself: no tables, no merging of like spectra.
"""

import numpy as np
import scipy
from scipy.optimize import brentq
from scipy.special import gamma
from scipy.stats import t as student

D = np.arange(25) / 50
RHO = np.array([-0.6, -0.4, -0.2, 0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9])
CHOICES = [2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 24]


def residuals(windows, columns, slow):
    w, x = np.meshgrid(np.arange(windows), np.arange(columns), indexing="ij")
    raw = (5 * w + 3 * x + 2 * w * x * x) % 17 + slow * ((w >= windows // 4) & (w < 3 * windows // 5) & (x <= 1))
    return raw - raw.mean(axis=0)


def c(d):
    if d == 0:
        return 1.0
    h = d + 0.5
    return gamma(2 * h + 1) * np.sin(np.pi * h) * np.pi ** (-2 * d)


def g(d, rho, k, windows):
    memory = k ** (-2 * d) * (1 - (d - 1.2 * d * d) / k)
    return memory * (1 - rho) ** 2 / (1 - 2 * rho * np.cos(np.pi * k / windows) + rho**2)


def likelihood(r, skip):
    windows = len(r)
    last = min(max(int(windows**0.8 + 1e-9), 4), int(4 * windows**0.5), 256, windows - 1)
    k = np.arange(min(skip, windows // 12) + 1, last + 1)
    w = np.arange(windows)
    a = np.array([np.sqrt(2) * (np.cos(np.pi * j * (2 * w + 1) / (2 * windows)) @ r) for j in k])
    energy = (a**2).sum(axis=1)
    squares = [
        (a[i] @ a[j]) ** 2 / (energy[i] * energy[j]) for i in range(min(len(k), 64)) for j in range(i)
    ]
    worth = min(max(1 / np.mean(squares), 1), 4)
    out = np.empty((len(D), len(RHO)))
    for i, d in enumerate(D):
        for j, rho in enumerate(RHO):
            shape = g(d, rho, k, windows)
            out[i, j] = -0.5 * (len(k) * np.log(np.mean(energy / shape)) + np.log(shape).sum())
    return worth * out


def belief(likelihoods):
    log = sum(likelihoods) - 1.2 * np.log(0.52 - D)[:, None]
    p = np.exp(log - log.max())
    p /= p.sum()
    return p, (p.sum(axis=1) @ D), (p.sum(axis=0) @ RHO)


def quantile(p, deviations, degrees):
    keep = p > 1e-4
    p, s = p[keep] / p[keep].sum(), deviations[keep]
    return brentq(lambda q: p @ student.sf(q / s, degrees) - 0.05, 0.01, 1e4, xtol=1e-13)


def block(p, d, rho, windows, skip):
    first = min(skip, windows // 12)
    most = min(max(windows // 2, 2), 24)
    k = np.arange(first + 1, first + most + 1)
    constant = np.exp(np.interp(d, D, [np.log(c(x)) for x in D]))
    mean = constant * g(d, rho, k, windows)
    best = None
    for count in [n for n in CHOICES if n <= most]:
        deviations = np.array(
            [[np.mean(c(x) * g(x, y, k, windows)[:count] / mean[:count]) ** -0.5 for y in RHO] for x in D]
        )
        q = quantile(p, deviations, count)
        if best is None or q < best[0]:
            best = (q, count)
    q, count = best
    return count, q / student.ppf(0.95, count) / np.sqrt(count * mean[:count])


def beyond(p, windows, blocks, cosines, kappa):
    k = np.arange(1, cosines + 1)
    deviations = np.array(
        [[blocks**x / np.sqrt(kappa * np.mean(c(x) * g(x, y, k, windows))) for y in RHO] for x in D]
    )
    degrees = min(blocks * cosines, 400)
    return max(quantile(p, deviations, degrees) / student.ppf(0.95, degrees), 1)


print(f"# numpy {np.__version__}, scipy {scipy.__version__}: windows, columns, slow, skip, d, rho, cosines, first scale, last scale,")
print("# noise beyond 13 blocks of 30 windows with 4 cosines and kappa 1.2")
for windows, columns, slow, skip in [(40, 3, 0, 0), (40, 3, 6, 0), (40, 1, 6, 0), (120, 5, 9, 8), (12, 2, 3, 1), (400, 4, 3, 0)]:
    p, d, rho = belief([likelihood(residuals(windows, columns, slow), skip)])
    count, scales = block(p, d, rho, windows, skip)
    over = beyond(p, 30, 13, 4, 1.2)
    numbers = ",".join(f"{v:.12e}" for v in [d, rho])
    rest = ",".join(f"{v:.9e}" for v in [scales[0], scales[-1], over])
    print(f"{windows},{columns},{slow},{skip},{numbers},{count},{rest}")
