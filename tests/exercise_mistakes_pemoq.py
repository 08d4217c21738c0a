"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold).

The code sees the names of the notebooks' imports: math, torch, np and the functions of the modules `auditory` and `pemoq`.
"""

LOOP = """def one_loop(x, sr, tau):
    a, state, out = math.exp(-1 / (sr * tau)), {start}, []
    for sample in x:
        {first}
        out.append(sample / state)
        {then}
    return np.array(out)"""

MISTAKES = {
    "bands_between": [
        ("def bands_between(a, b):\n    return (b - a) / erb_hz((a + b) / 2)", "at the middle"),
        ("def bands_between(a, b):\n    return (b - a) / erb_hz(a)", "lower end"),
        ("def bands_between(a, b):\n    return erb_hz(b) - erb_hz(a)", "wider"),
        ("def bands_between(a, b):\n    return hz_to_erb(b - a)", "began at 0 Hz"),
        ("def bands_between(a, b):\n    return math.log2(b / a)", "octaves"),
        ("def bands_between(a, b):\n    return hz_to_erb(a) - hz_to_erb(b)", "negative"),
    ],
    "steady_units": [
        ("def steady_units(db):\n    return db if db > 0 else 0.0", "logarithms"),
        ("def steady_units(db):\n    r = lambda x: 10 ** ((x - 100) / 640)\n    return 100 * (r(db) - r(0)) / (1 - r(0))", "below it"),
        ("def steady_units(db):\n    r = lambda x: 10 ** ((max(x, 0) - 100) / 100)\n    return 100 * (r(db) - r(0)) / (1 - r(0))", "fifth root"),
        ("def steady_units(db):\n    r = lambda x: 10 ** ((max(x, 0) - 100) / 320)\n    return 100 * (r(db) - r(0)) / (1 - r(0))", "16th root"),
        ("def steady_units(db):\n    return 10 ** ((max(db, 0) - 100) / 640)", "not scaled"),
    ],
    "one_loop": [
        (LOOP.format(start="math.sqrt(x[0])", first="state = a * state + (1 - a) * sample / state", then="pass"), "before you divide"),
        (LOOP.format(start="x[0]", first="pass", then="state = a * state + (1 - a) * out[-1]"), "input as its state"),
        (LOOP.format(start="1.0", first="pass", then="state = a * state + (1 - a) * out[-1]"), "starts at 1"),
        (LOOP.format(start="math.sqrt(x[0])", first="pass", then="state = (1 - a) * state + a * out[-1]"), "exchanged"),
        (LOOP.format(start="math.sqrt(x[0])", first="pass", then="state = a * state + (1 - a) * sample"), "its own output"),
        ("def one_loop(x, sr, tau):\n    return np.sqrt(x)", "settles"),
    ],
    "assimilated": [
        ("def my_assimilated(x, y):\n    return np.where(y < x, (x + y) / 2, y)", "magnitudes decide"),
        ("def my_assimilated(x, y):\n    return (x + y) / 2", "too much of"),
        ("def my_assimilated(x, y):\n    return np.where(np.abs(y) > np.abs(x), (x + y) / 2, y)", "hurts less"),
        ("def my_assimilated(x, y):\n    return np.where(np.abs(y) < np.abs(x), x, y)", "altogether"),
    ],
    "weighted_quantile": [
        ("def my_quantile(s, a):\n    return np.quantile(s, 0.05)", "one vote"),
        ("def my_quantile(s, a):\n    return s[np.argsort(s)][np.argmax(np.cumsum(a) >= 0.05 * a.sum())]", "go along"),
        ("def my_quantile(s, a):\n    return (s * a).sum() / a.sum()", "pay for bad ones"),
        ("def my_quantile(s, a):\n    o = np.argsort(-s)\n    return s[o][np.argmax(np.cumsum(a[o]) >= 0.05 * a.sum())]", "best slice"),
    ],
    "blind_spot": [
        ("def fault(x, sr):\n    return 0.3 * x", "Only the level"),
        ("def fault(x, sr):\n    return x + 0.1 * np.random.default_rng(0).normal(size=len(x)) * x.std()", "'lp' notices"),
        ("def fault(x, sr):\n    return x + 1e-4 * np.sin(2 * np.pi * 1000 * np.arange(len(x)) / sr)", "does not mind"),
        ("def fault(x, sr):\n    return np.zeros_like(x)", "silence"),
        ("def fault(x, sr):\n    return x[::2]", "as long as x"),
    ],
}
