"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold).

The code sees the names of the notebook's imports: math, torch, np and the functions of the earlier modules.
"""

MISTAKES = {
    "verdict": [
        ("def verdict(a, b):\n    return -1 if a.mean() < b.mean() else 1", "means"),
        ("def verdict(a, b):\n    return -1 if a.min() < b.min() else 1", "luck"),
        ("def verdict(a, b):\n    return -1 if a[0] < b[0] else 1", "first seeds"),
        ("def verdict(a, b):\n    return 1 if a.max() < b.min() else -1 if b.max() < a.min() else 0", "wrong way round"),
        ("def verdict(a, b):\n    return int(a.max() < b.min() or b.max() < a.min())", "not which one"),
    ],
    "luck": [
        ("def luck(n):\n    return 1 / math.comb(2 * n, n)", "second may win"),
        ("def luck(n):\n    return 0.5 ** n", "pair by pair"),
        ("def luck(n):\n    return 2 * 0.5 ** (2 * n)", "coin"),
        ("def luck(n):\n    return 2 / math.factorial(2 * n)", "every order"),
        ("def luck(n):\n    return 0.5 ** (n * n)", "not independent"),
    ],
    "loss_by": [
        ("def loss_by(curve, seconds):\n    return float(np.interp(seconds, curve[:, 1], curve[:, 2]))", "future"),
        ("def loss_by(curve, seconds):\n    return float(curve[curve[:, 1] <= seconds][:, 2].min())", "best look"),
        ("def loss_by(curve, seconds):\n    return float(curve[-1, 2])", "end of the run"),
        ("def loss_by(curve, seconds):\n    return float(curve[(curve[:, 1] - seconds).abs().argmin(), 2])", "nearest"),
    ],
    "distortion": [
        ("def distortion(c, d):\n    return 10 / math.log(10) * (2 * (c - d).square().sum(1)).sqrt().mean()", "Coefficient 0"),
        ("def distortion(c, d):\n    return 10 / math.log(10) * (c - d)[:, 1:].square().sum(1).sqrt().mean()", "factor 2"),
        ("def distortion(c, d):\n    return 10 / math.log(10) * (2 * (c - d)[:, 1:].square().sum(1).mean()).sqrt()", "outside"),
        ("def distortion(c, d):\n    return 10 / math.log(10) * (2 * (c.mean(0) - d.mean(0))[1:].square().sum()).sqrt()", "cancel"),
    ],
}
