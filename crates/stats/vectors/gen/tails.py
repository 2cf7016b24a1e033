"""Writes tails.csv: tails of null laws with 50 digits, written naively.

Run: python3 vectors/gen/tails.py > vectors/tails.csv
"""

import mpmath as mp

mp.mp.dps = 80


def kuiper(x):
    return 2 * mp.nsum(lambda k: (4 * k * k * x * x - 1) * mp.exp(-2 * k * k * x * x), [1, mp.inf], method="d") if x > 1 else (
        1 - mp.sqrt(2 * mp.pi) * mp.pi**2 / x**3 * sum(k * k * mp.exp(-(k * mp.pi) ** 2 / (2 * x * x)) for k in range(1, 40))
    )


def cramer(x):
    """1 - P(W <= x), the series of Anderson and Darling (1952)."""
    total = mp.mpf(0)
    for k in range(80):
        y = 4 * k + 1
        q = mp.mpf(y) ** 2 / (16 * x)
        total += (-1) ** k * mp.binomial(mp.mpf(-1) / 2, k) * mp.sqrt(y) * mp.exp(-q) * mp.besselk(mp.mpf(1) / 4, q)
    return 1 - total / (mp.pi * mp.sqrt(x))


print(f"# mpmath {mp.__version__}, 50 digits. Regenerate: python3 vectors/gen/tails.py")
print("# function,argument,argument,value")
for text in "0.3 0.4 0.5 0.6 0.7 0.8 0.9 1.0 1.1 1.19 1.2 1.21 1.3 1.5 1.747 2.0 2.5 3.0 4.0 5.0 8.0 12.0 18.0".split():
    x = mp.mpf(float(text))
    # The direct sum, long enough at every x used, stands beside the transform.
    direct = 2 * sum((4 * k * k * x * x - 1) * mp.exp(-2 * k * k * x * x) for k in range(1, 200))
    assert abs(direct - kuiper(x)) <= abs(direct) * mp.mpf(10) ** -40, text
    print(f"kuiper_sf,{text},,{mp.nstr(direct, 25)}")
for text in "0.005 0.01 0.02 0.03 0.05 0.08 0.0999 0.1 0.11 0.15 0.2 0.3 0.46136 0.5 0.74346 1.0 1.5 2.0 3.0 5.0 8.0 12.0".split():
    print(f"cramer_von_mises_sf,{text},,{mp.nstr(cramer(mp.mpf(float(text))), 25)}")
for share in (1e-12, 1e-3, 0.1, 0.5, 0.9, 0.999999, 1 - 2.0**-53):
    for shape in (-0.5, -0.25, -1e-9, 0.0, 1e-12, 0.1, 1.0, 9.5):
        q, xi = mp.mpf(share), mp.mpf(shape)
        print(f"pareto_isf,{share!r},{shape!r},{mp.nstr((q**-xi - 1) / xi if xi else -mp.log(q), 25)}")
for a in (0.25, 0.5, 1.0, 1.7, 4.5, 9.5, 30.0, 120.0):
    for factor in (1e-6, 0.01, 0.3, 0.9, 1.0, 1.2, 2.0, 4.0):
        x = a * factor
        value = mp.gammainc(mp.mpf(a), mp.mpf(x), mp.inf, regularized=True)
        print(f"gamma_q,{a!r},{x!r},{mp.nstr(value, 25)}")
