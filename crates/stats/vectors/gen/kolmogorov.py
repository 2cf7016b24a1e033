"""Writes kolmogorov_sf.csv: P(K > x) of Kolmogorov's limit law by mpmath, 50 digits, the alternating series summed naively.

Run: python3 vectors/gen/kolmogorov.py > vectors/kolmogorov_sf.csv
"""

from mpmath import exp, mp, mpf, nstr, pi, sqrt

mp.dps = 50


def survival(x):
    if x < mpf("0.3"):
        # The alternating series needs thousands of terms here; Jacobi's transform of it needs few.
        total = sum(exp(-((2 * k - 1) ** 2) * pi**2 / (8 * x**2)) for k in range(1, 50))
        return 1 - sqrt(2 * pi) / x * total
    return 2 * sum((-1) ** (k - 1) * exp(-2 * k**2 * x**2) for k in range(1, 200))


print("# x, P(K > x). mpmath, 50 digits. Regenerate: python3 vectors/gen/kolmogorov.py")
points = [0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.6, 0.7, 0.8, 0.8276, 0.9, 1.0, 1.1, 1.17, 1.1799999999]
points += [1.18, 1.19, 1.2, 1.2238, 1.3, 1.3581, 1.5, 1.6276, 1.7, 2.0, 2.3, 2.7, 3.1, 3.7, 4.3, 5.0, 6.1, 7.7, 9.9, 12.3, 15.1]
points += [17.3, 18.1, 18.7]
for x in points:
    print(f"{x!r},{nstr(survival(mpf(x)), 25, strip_zeros=False)}")
