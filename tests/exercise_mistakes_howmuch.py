"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold).

The code sees the names of the notebook's imports: math, torch, np and the functions of the earlier modules.
"""

MISTAKES = {
    "heard_wobble": [
        ("def heard_wobble(f, r):\n    return f", "as it was"),
        ("def heard_wobble(f, r):\n    return min(f, r / 2)", "not held back"),
        ("def heard_wobble(f, r):\n    return f % r", "remainder"),
        ("def heard_wobble(f, r):\n    return r - f if f > r / 2 else f", "not negative"),
        ("def heard_wobble(f, r):\n    return abs(r - f) if f > r / 2 else f", "another multiple"),
    ],
    "usable_rates": [
        ("def usable_rates(sr, lowest, highest):\n    return [r for r in range(lowest, highest) if sr % r == 0]", "where does range stop"),
        ("def usable_rates(sr, lowest, highest):\n    return [sr // r for r in range(lowest, highest + 1) if sr % r == 0]", "hops"),
        ("def usable_rates(sr, lowest, highest):\n    return list(range(lowest, highest + 1))", "begin at a sample"),
    ],
    "depth_left": [
        ("def depth_left(f, w):\n    return math.sin(f * w) / (f * w)", "a turn is 2 pi"),
        ("def depth_left(f, w):\n    return np.sinc(f * w) ** 2", "two such means"),
        ("def depth_left(f, w):\n    return np.sinc(2 * f * w)", "twice the length"),
        ("def depth_left(f, w):\n    return 1 - f * w", "straight line"),
        ("def depth_left(f, w):\n    return math.cos(math.pi * f * w)", "edge of the window"),
    ],
    "gain_of_doubling": [
        ("def gain_of_doubling(x, y):\n    return np.polyfit(x.log2().numpy(), y.numpy(), 1)[0]", "mind the sign"),
        ("def gain_of_doubling(x, y):\n    return -np.polyfit(x.log().numpy(), y.numpy(), 1)[0]", "natural"),
        ("def gain_of_doubling(x, y):\n    return -np.polyfit(x.numpy(), y.numpy(), 1)[0]", "it is not"),
        ("def gain_of_doubling(x, y):\n    return (y[0] - y[-1]) / torch.log2(x[-1] / x[0])", "first and the last"),
    ],
}
