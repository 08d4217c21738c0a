"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold).

The code sees the names of the notebook's imports: math, torch, np and the functions of the earlier modules.
"""

_PITCH = "def paper_pitch(f, e, c):\n    d = 12 * torch.log2(e / f).abs()\n    sure = c >= 0.85\n"

MISTAKES = {
    "paper_pitch": [
        (_PITCH + "    clips = torch.stack([x[s].mean() for x, s in zip(d, sure) if s.any()])\n    return clips.mean(), (clips > 12).double().mean()", "still in the mean"),
        (_PITCH + "    clips = d.mean(1)\n    return clips[clips <= 12].mean(), (clips > 12).double().mean()", "All frames count"),
        (_PITCH + "    clips = (d * sure).sum(1) / sure.sum(1).clamp(min=1)\n    return clips[clips <= 12].mean(), (clips > 12).double().mean()", "no clip with error 0"),
        (_PITCH + "    clips = torch.stack([x[s].mean() for x, s in zip(d, sure) if s.any()])\n    return clips[clips <= 12].mean(), (clips > 12).sum() / len(d)", "is of all clips"),
        (_PITCH + "    clips = torch.stack([x[s].mean() for x, s in zip(d, sure) if s.any()])\n    return clips[clips <= 12].mean(), (clips > 12).sum()", "number of outliers"),
    ],
    "floored_lsd": [
        ("def floored_lsd(p, q, floor_db):\n    return (10 * torch.log10(p / q)).square().mean(0).sqrt().mean()", "No floor"),
        ("def floored_lsd(p, q, floor_db):\n    p, q = (x.clamp(min=float(x.max()) * 10 ** (floor_db / 10)) for x in (p, q))\n    return (10 * torch.log10(p / q)).square().mean(0).sqrt().mean()", "of its own"),
        ("def floored_lsd(p, q, floor_db):\n    p, q = (x.clamp(min=float(p.max()) * 10 ** (floor_db / 20)) for x in (p, q))\n    return (10 * torch.log10(p / q)).square().mean(0).sqrt().mean()", "half as deep"),
        ("def floored_lsd(p, q, floor_db):\n    p, q = (x.clamp(min=float(p.max()) * 10 ** (floor_db / 10)) for x in (p, q))\n    return (10 * torch.log10(p / q)).square().mean().sqrt()", "One root"),
    ],
    "standard_error": [
        ("def standard_error(e):\n    return e.std() / e.numel() ** 0.5", "witness"),
        ("def standard_error(e):\n    return e.mean(1).std()", "single recordings"),
        ("def standard_error(e):\n    m = e.mean(1)\n    return (m - m.mean()).square().mean().sqrt() / len(e) ** 0.5", "R - 1"),
    ],
    "harmonic_amplitude": [
        ("def harmonic_amplitude(x, k, periods):\n    t = torch.arange(len(x)) / len(x)\n    return (x * torch.exp(-2j * math.pi * k * periods * t)).mean().abs()", "Half of it"),
        ("def harmonic_amplitude(x, k, periods):\n    t = torch.arange(len(x)) / len(x)\n    return 2 * (x * torch.cos(2 * math.pi * k * periods * t)).mean()", "cosine part"),
        ("def harmonic_amplitude(x, k, periods):\n    t = torch.arange(len(x)) / len(x)\n    return 2 * (x * torch.exp(-2j * math.pi * k * t)).mean().abs()", "k periods in the segment"),
        ("def harmonic_amplitude(x, k, periods):\n    t = torch.arange(len(x)) / len(x)\n    return 2 * (x * torch.exp(-2j * math.pi * k * periods * t)).sum().abs()", "A sum in place of a mean"),
    ],
    "residual_gain": [
        ("def residual_gain(power, window):\n    return (power.mean(1) / window.square().sum()).sqrt()", "variance 1"),
        ("def residual_gain(power, window):\n    return 3 * power.mean(1) / window.square().sum()", "gain of the power"),
        ("def residual_gain(power, window):\n    return (3 * power.mean(1)).sqrt() / window.sum()", "sum of its squares"),
        ("def residual_gain(power, window):\n    return (3 * power / window.square().sum()).sqrt().mean(1)", "average the powers"),
    ],
    "place_between": [
        ("def place_between(model, best, worst):\n    return ((worst - model) / (worst - best)).mean()", "mean of ratios"),
        ("def place_between(model, best, worst):\n    return (model - best).mean() / (worst - best).mean()", "the other way round"),
        ("def place_between(model, best, worst):\n    return best.mean() / model.mean()", "The worst has no part"),
    ],
}
