"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold).

The code sees the names of the notebook's imports: math, torch, np and the functions of the earlier modules.
"""

EACH = """def each(grade, recording):
    return np.array([np.mean([v for v, r in zip(grade, recording) if r == name and v is not None]) for name in set(recording)])

def interval(x):
    return x.mean(), 1.96 * x.std(ddof=1) / len(x) ** 0.5

"""

MISTAKES = {
    "rank_agreement": [
        ("def rank_agreement(x, y):\n    return torch.corrcoef(torch.stack([x, y]))[0, 1]", "of the values"),
        ("def rank_agreement(x, y):\n    return torch.corrcoef(torch.stack([x.argsort(), y.argsort()]).double())[0, 1]", "second argsort"),
        ("def rank_agreement(x, y):\n    return np.corrcoef(x.log(), y.log())[0, 1]", "Logarithms"),
        ("def rank_agreement(x, y):\n    r = [v.argsort(descending=d).argsort() for v, d in ((x, True), (y, False))]\n    return torch.corrcoef(torch.stack(r).double())[0, 1]", "sign"),
        ("def rank_agreement(x, y):\n    return (x.argsort().argsort() == y.argsort().argsort()).double().mean()", "same rank"),
    ],
    "wrong_order": [
        ("def wrong_order(harmless, fault):\n    return (harmless[:, None] > fault).double().mean()", "Ties"),
        ("def wrong_order(harmless, fault):\n    return (harmless[:, None] < fault).double().mean()", "right order"),
        ("def wrong_order(harmless, fault):\n    return (harmless >= fault.mean()).double().mean()", "mean fault"),
        ("def wrong_order(harmless, fault):\n    return (harmless >= fault.min()).double().mean()", "mildest"),
        ("def wrong_order(harmless, fault):\n    return (harmless[:, None] >= fault).sum()", "number of pairs"),
    ],
    "in_draws": [
        ("def in_draws(fault, draw):\n    return fault.mean(1) / draw.mean()", "larger numbers"),
        ("def in_draws(fault, draw):\n    return (draw / fault).mean(1)", "Turned over"),
        ("def in_draws(fault, draw):\n    return (fault - draw).mean(1)", "keeps the unit"),
        ("def in_draws(fault, draw):\n    return (fault / draw).max(1).values", "shows most"),
    ],
    "missing_db": [
        ("def missing_db(x, sr, model_sr):\n    p, f = torch.fft.rfft(x).abs() ** 2, torch.fft.rfftfreq(len(x), 1 / sr)\n    return 10 * torch.log10(p[f > model_sr].sum() / p.sum())", "above the rate"),
        ("def missing_db(x, sr, model_sr):\n    p, f = torch.fft.rfft(x).abs() ** 2, torch.fft.rfftfreq(len(x), 1 / sr)\n    return 10 * torch.log10(p[f <= model_sr / 2].sum() / p.sum())", "can have"),
        ("def missing_db(x, sr, model_sr):\n    p, f = torch.fft.rfft(x).abs() ** 2, torch.fft.rfftfreq(len(x), 1 / sr)\n    return 20 * torch.log10(p[f > model_sr / 2].sum() / p.sum())", "20 belongs"),
        ("def missing_db(x, sr, model_sr):\n    p, f = torch.fft.rfft(x).abs(), torch.fft.rfftfreq(len(x), 1 / sr)\n    return 20 * torch.log10(p[f > model_sr / 2].sum() / p.sum())", "magnitudes"),
    ],
    "grade_interval": [
        (EACH + "def grade_interval(grade, recording):\n    x = np.array([v for v in grade if v is not None])\n    return interval(x)", "as independent"),
        (EACH + "def grade_interval(grade, recording):\n    return interval(each([v or 0 for v in grade], recording))", "imperceptible"),
        (EACH + "def grade_interval(grade, recording):\n    return interval(each([-4 if v is None else v for v in grade], recording))", "very annoying"),
        (EACH + "def grade_interval(grade, recording):\n    x = each(grade, recording)\n    return x.mean(), 1.96 * x.std(ddof=1)", "how much recordings differ"),
        (EACH + "def grade_interval(grade, recording):\n    x = each(grade, recording)\n    return x.mean(), x.std(ddof=1) / len(x) ** 0.5", "standard error"),
        (EACH + "def grade_interval(grade, recording):\n    x = each(grade, recording)\n    return x.mean(), 1.96 * x.std() / len(x) ** 0.5", "n - 1"),
        (EACH + "def grade_interval(grade, recording):\n    x = each(grade, recording)\n    return np.mean([v for v in grade if v is not None]), interval(x)[1]", "longest recording"),
    ],
    "both_say_so": [
        ("def both_say_so(a, b):\n    e = ((a.var(1) + b.var(1)) / a.shape[1]) ** 0.5\n    return bool(((a.mean(1) - b.mean(1)) > 1.96 * e).sum() >= 2)", "different recordings"),
        ("def both_say_so(a, b):\n    d = a - b\n    return bool((d.mean(1) > 1.96 * d.std(1) / d.shape[1] ** 0.5).any())", "One measure"),
        ("def both_say_so(a, b):\n    d = a - b\n    return bool((d.mean(1) > 1.96 * d.std(1) / d.shape[1] ** 0.5).all())", "all measures"),
        ("def both_say_so(a, b):\n    return bool(((a - b).mean(1) > 0).sum() >= 2)", "half of all cases"),
        ("def both_say_so(a, b):\n    d = a - b\n    return bool((d.mean(1).abs() > 1.96 * d.std(1) / d.shape[1] ** 0.5).sum() >= 2)", "either direction"),
        ("def both_say_so(a, b):\n    d = (a - b).mean(0)\n    return bool(d.mean() > 1.96 * d.std() / len(d) ** 0.5)", "mean over measures"),
    ],
}
