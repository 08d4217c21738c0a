"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold).

The code sees the names of the notebooks' imports: math, torch, np and the functions of the modules on the ear and PEAQ.
"""

MISTAKES = {
    "bandwidth_of_a_bark": [
        ("def bandwidth_of_a_bark(f):\n    return bark_to_hz(bark(f) + 1) - f", "lower edge"),
        ("def bandwidth_of_a_bark(f):\n    return f - bark_to_hz(bark(f) - 1)", "upper edge"),
        ("def bandwidth_of_a_bark(f):\n    return bark_to_hz(bark(f) + 1) - bark_to_hz(bark(f) - 1)", "two Bark"),
        ("def bandwidth_of_a_bark(f):\n    return bark_to_hz(bark(f) + 0.5) - f", "upper half"),
        ("def bandwidth_of_a_bark(f):\n    return bark_to_hz(1)", "first Bark"),
    ],
    "mask_level": [
        ("def mask_level(l, f, z):\n    return l - 27 * z", "lower frequencies"),
        ("def mask_level(l, f, z):\n    return l - (24 + 230 / f) * z", "dependence on the level"),
        ("def mask_level(l, f, z):\n    return l - (24 + 230 / f + 0.2 * l) * z", "sign"),
        ("def mask_level(l, f, z):\n    return l - (24 + 230 / (f / 1000) - 0.2 * l) * z", "kHz"),
        ("def mask_level(l, f, z):\n    return l + (24 + 230 / f - 0.2 * l) * z", "rises"),
        ("def mask_level(l, f, z):\n    return l - (24 + 230 / f - 0.2 * l) * z - 3", "3 dB"),
    ],
    "running_average": [
        ("def running_average(x, s, t):\n    y, z = [], 0.0\n    for v in x:\n        z = math.exp(-s / t) * z + float(v)\n        y.append(z)\n    return y", "decaying sum"),
        ("def running_average(x, s, t):\n    b, y, z = 1 - math.exp(-s / t), [], 0.0\n    for v in x:\n        z = b * z + (1 - b) * float(v)\n        y.append(z)\n    return y", "changed places"),
        ("def running_average(x, s, t):\n    b, y, z = math.exp(-t / s), [], 0.0\n    for v in x:\n        z = b * z + (1 - b) * float(v)\n        y.append(z)\n    return y", "instead of the step"),
        ("def running_average(x, s, t):\n    b, y, z = math.exp(-s / t), [], float(x[0])\n    for v in x:\n        z = b * z + (1 - b) * float(v)\n        y.append(z)\n    return y", "from 0"),
        ("def running_average(x, s, t):\n    b, y, z = math.exp(-s / t), [], 0.0\n    for v in x:\n        y.append(z)\n        z = b * z + (1 - b) * float(v)\n    return y", "Late by one"),
    ],
    "any_band": [
        ("def any_band(d, s):\n    return (1 - 0.5 ** (d / s) ** torch.where(d > 0, 4, 6)).prod()", "every band"),
        ("def any_band(d, s):\n    return (1 - 0.5 ** (d / s) ** torch.where(d > 0, 4, 6)).sum()", "do not add"),
        ("def any_band(d, s):\n    return (1 - 0.5 ** (d / s) ** torch.where(d > 0, 4, 6)).max()", "best band"),
        ("def any_band(d, s):\n    return (0.5 ** (d / s) ** torch.where(d > 0, 4, 6)).prod()", "nobody notices"),
        ("def any_band(d, s):\n    return 1 - (0.5 ** (d / s) ** torch.where(d > 0, 6, 4)).prod()", "changed places"),
        ("def any_band(d, s):\n    return 1 - (0.5 ** (d / s) ** 4).prod()", "same exponent"),
    ],
    "di_of_grade": [
        ("def di_of_grade(g):\n    s = (g + 3.98) / 4.2\n    return math.log((1 - s) / s)", "sign"),
        ("def di_of_grade(g):\n    return -3.98 + 4.2 / (1 + math.exp(-g))", "forwards"),
        ("def di_of_grade(g):\n    return (g + 3.98) / 4.2", "sigmoid"),
        ("def di_of_grade(g):\n    s = (g + 3.98) / 4.2\n    return math.log10(s / (1 - s))", "log10"),
    ],
    "hz_of_bandwidth": [
        ("def hz_of_bandwidth(n):\n    return n * 48000 / 2048", "One bin too high"),
        ("def hz_of_bandwidth(n):\n    return (n - 1) * 24000 / 2048", "half of that"),
        ("def hz_of_bandwidth(n):\n    return (n - 1) * 48000 / 1024", "hop"),
        ("def hz_of_bandwidth(n):\n    return (n - 1) * 44100 / 2048", "44.1"),
    ],
    "fair_pair": [
        ("def fair_pair(r, m, d):\n    return r, m[d:]", "still has 48 kHz"),
        ("def fair_pair(r, m, d):\n    return r[::3][:len(m) - d], m[d:]", "folded down"),
        ("def fair_pair(r, m, d):\n    return resample(r, 48000, 16000), m[d:]", "cut its end"),
        ("def fair_pair(r, m, d):\n    return resample(r, 48000, 16000)[d:], m[d:]", "loses its start"),
        ("def fair_pair(r, m, d):\n    n = len(m) - d\n    return resample(r, 48000, 16000)[:n], m[:n]", "cut the end"),
        ("def fair_pair(r, m, d):\n    return resample(r, 48000, 16000)[:len(m) - d], m", "still there"),
        ("def fair_pair(r, m, d):\n    return m[d:], resample(r, 48000, 16000)[:len(m) - d]", "changed places"),
    ],
}
