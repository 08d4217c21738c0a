"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold)."""

_SHIFT = """def canon_shift(a, b, rate):
    n = len(a)
    def hits(d):
        x, y = {x}[:n - d], {y}[d:]
        return int(({agree}).sum())
    return max(range(n // 2 + 1), key=hits){end}"""
_AGREE = "(x > 0) & (y > 0) & ((x - y).abs() < 0.5)"

MISTAKES = {
    "canon_shift": [
        (_SHIFT.format(x="a", y="b", agree=_AGREE, end=""), "in frames"),
        (_SHIFT.format(x="b", y="a", agree=_AGREE, end=" / rate"), "comes later"),
        (_SHIFT.format(x="a", y="b", agree="x == y", end=" / rate"), "equal numbers"),
    ],
    "headroom_db": [
        ("def headroom_db(sounds, peak_db):\n    return peak_db - 20 * torch.log10(sounds.abs().amax(1).sum())", "add the peaks"),
        ("def headroom_db(sounds, peak_db):\n    return peak_db - 20 * torch.log10(sounds.abs().max())", "loudest player"),
        ("def headroom_db(sounds, peak_db):\n    return 20 * torch.log10(sounds.sum(0).abs().max()) - peak_db", "wrong sign"),
        ("def headroom_db(sounds, peak_db):\n    return peak_db - 20 * torch.log10(sounds.mean(0).abs().max())", "mean"),
    ],
    "farthest": [
        ("def farthest(x, chosen):\n    return int(torch.cdist(x, x[chosen]).sum(1).argmax())", "sum of distances"),
        ("def farthest(x, chosen):\n    return int(torch.cdist(x, x[chosen]).max(1).values.argmax())", "nearest one"),
        ("def farthest(x, chosen):\n    return int(torch.cdist(x, x[chosen]).min(1).values.argmin())", "already"),
        ("def farthest(x, chosen):\n    return float(torch.cdist(x, x[chosen]).min(1).values.max())", "Which candidate"),
    ],
}
