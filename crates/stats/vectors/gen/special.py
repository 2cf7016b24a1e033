"""Writes ../special.csv: reference values of the special functions, mpmath with 50 digits.

Run: python3 crates/stats/vectors/gen/special.py
"""
import os
import mpmath as mp

mp.mp.dps = 50


def show(x):
    return mp.nstr(mp.mpf(x), 22, strip_zeros=False, min_fixed=-5, max_fixed=5)


def t_sf(t, nu):
    t, nu = mp.mpf(t), mp.mpf(nu)
    return mp.betainc(nu / 2, mp.mpf(1) / 2, 0, nu / (nu + t * t), regularized=True) / 2


def t_quantile(p, nu):
    p, nu = mp.mpf(p), mp.mpf(nu)
    if nu == 1:
        return mp.tan(mp.pi * (p - mp.mpf(1) / 2))
    sf = lambda t: mp.log(t_sf(t, nu)) - mp.log(1 - p)
    low, high = mp.mpf(0), mp.mpf(1)
    while sf(high) > 0:
        high *= 2
    for _ in range(170):
        middle = (low + high) / 2
        low, high = (middle, high) if sf(middle) > 0 else (low, middle)
    return low


def normal_quantile(p):
    with mp.workdps(400):  # 2 p - 1 must keep the digits of p = 1e-300
        p = mp.mpf(p)
        if p > mp.mpf("1e-30"):
            return mp.sqrt(2) * mp.erfinv(2 * p - 1)
    tail = lambda z: mp.log(mp.erfc(-z / mp.sqrt(2)) / 2) - mp.log(p)
    low, high = mp.mpf(-40), mp.mpf(0)
    for _ in range(170):
        middle = (low + high) / 2
        low, high = (low, middle) if tail(middle) > 0 else (middle, high)
    return low


lines = ["# function,arg1,arg2,arg3,value ; mpmath, 50 digits ; regenerate: python3 vectors/gen/special.py"]
for x in ["0.125", "0.5", "0.75", "1.25", "3.5", "6.75", "12.5", "40.25", "170.5", "1000.5"]:
    lines.append(f"ln_gamma,{x},,,{show(mp.loggamma(mp.mpf(x)))}")
    if float(x) < 170:
        lines.append(f"gamma,{x},,,{show(mp.gamma(mp.mpf(x)))}")
for a, b in [("0.5", "0.5"), ("2.5", "0.5"), ("9.5", "0.5"), ("10", "0.5"), ("200", "0.5"), ("5000", "0.5"),
             ("3.25", "7.5"), ("12", "30"), ("150", "151"), ("1000", "2.5"), ("10", "10")]:
    lines.append(f"ln_beta,{a},{b},,{show(mp.log(mp.beta(mp.mpf(a), mp.mpf(b))))}")
for a, b in [("0.5", "0.5"), ("2", "3.5"), ("10.25", "0.5"), ("30", "20"), ("200", "0.5"), ("0.75", "60")]:
    for x in ["0.0009765625", "0.125", "0.5", "0.75", "0.9375", "0.9990234375"]:
        value = mp.betainc(mp.mpf(a), mp.mpf(b), 0, mp.mpf(x), regularized=True)
        if value > mp.mpf("1e-300"):  # below is not a normal double
            lines.append(f"beta_inc,{a},{b},{x},{show(value)}")
for nu in ["1", "2", "3", "4", "5", "8", "11", "20", "54", "150", "400"]:
    for t in ["0.0625", "0.75", "1.640625", "3.125", "8.5", "40"]:
        lines.append(f"student_t_sf,{t},{nu},,{show(t_sf(t, nu))}")
for nu in ["1", "2", "3", "4", "5", "6", "7", "8", "11", "20", "54", "150", "400"]:
    for p in ["0.75", "0.9375", "0.95", "0.96875", "0.9990234375"]:
        # 0.95 is not a binary fraction: the reference takes the double's exact value, as the code does.
        lines.append(f"student_t_quantile,{p},{nu},,{show(t_quantile(mp.mpf(float(p)), nu))}")
for p in ["9.313225746154785e-10", "1e-300", "1e-20", "0.0001220703125", "0.03125", "0.0625", "0.25", "0.4375", "0.53125", "0.921875", "0.94",
          "0.9990234375", "0.9999999990686774"]:
    lines.append(f"normal_quantile,{p},,,{show(normal_quantile(mp.mpf(float(p))))}")
for z in ["-5.5", "-1.25", "0.5", "1.640625", "3.75", "9.5", "30"]:
    lines.append(f"normal_sf,{z},,,{show(mp.erfc(mp.mpf(z) / mp.sqrt(2)) / 2)}")
for s in ["1.0078125", "1.25", "2", "2.5", "3.75", "9.5", "40", "300"]:
    for a in ["0.0625", "1", "2.5", "17", "1000", "1e9"]:
        if not -290 < float(s) * mp.log10(mp.mpf(a)) < 290:
            continue
        # At 50 digits mpmath's zeta of large arguments keeps nine: more digits until two precisions agree.
        both = []
        for digits in (150, 300):
            with mp.workdps(digits):
                value = mp.zeta(mp.mpf(s), mp.mpf(a))
                both.append((value, mp.zeta(mp.mpf(s), mp.mpf(a), 1) / value))
        assert all(abs(x - y) <= abs(x) * mp.mpf(10) ** -40 for x, y in zip(*both)), (s, a)
        value, slope = both[1]
        lines.append(f"hurwitz_zeta,{s},{a},,{show(value)}")
        lines.append(f"hurwitz_slope,{s},{a},,{show(slope)}")
with open(os.path.join(os.path.dirname(__file__), "..", "special.csv"), "w") as out:
    out.write("\n".join(lines) + "\n")
