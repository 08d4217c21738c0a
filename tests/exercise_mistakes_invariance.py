"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold).

The code sees the names of the notebook's imports: math, torch, np and the functions of the earlier modules.
"""

MISTAKES = {
    "common_range": [
        ("def common_range(a, b):\n    return torch.minimum(a, b).sum()", "These are frames"),
        ("def common_range(a, b):\n    a, b = a / a.sum(), b / b.sum()\n    return torch.minimum(a, b).sum() / torch.maximum(a, b).sum()", "1 and 0 in the same cases"),
        ("def common_range(a, b):\n    return (a / a.sum() * b / b.sum()).sum()", "product"),
        ("def common_range(a, b):\n    return ((a > 0) & (b > 0)).double().mean()", "as much as a thousand"),
    ],
    "effects": [
        ("def effects(h):\n    return torch.stack([(h[:, 1] - h[:, 0]).mean(), (h[1] - h[0]).mean()])", "wrong order"),
        ("def effects(h):\n    return torch.stack([h[1, 0] - h[0, 0], h[0, 1] - h[0, 0]])", "first state only"),
        ("def effects(h):\n    return torch.stack([h[1, 1] - h[0, 1], h[1, 1] - h[1, 0]])", "already exchanged"),
        ("def effects(h):\n    return torch.stack([(h[1] - h[0]).sum(), (h[:, 1] - h[:, 0]).sum()])", "Sums"),
    ],
    "within_source": [
        ("def within_source(pitch, source):\n    return pitch - pitch.mean()", "One mean for all"),
        ("def within_source(pitch, source):\n    m = torch.stack([pitch[source == k].mean() for k in range(int(source.max()) + 1)])\n    return pitch - m.mean()", "mean of the means"),
        ("def within_source(pitch, source):\n    m = torch.stack([pitch[source == k].mean() for k in range(int(source.max()) + 1)])\n    return m[source]", "These are the means"),
        ("def within_source(pitch, source):\n    m = torch.stack([pitch[source == k].median() for k in range(int(source.max()) + 1)])\n    return pitch - m[source]", "median"),
    ],
    "encoder_step": [
        ("def encoder_step(w, task, adversary, weight, rate):\n    return w - rate * (task + weight * adversary)", "helps the adversary"),
        ("def encoder_step(w, task, adversary, weight, rate):\n    return w + rate * (task - weight * adversary)", "climbs"),
        ("def encoder_step(w, task, adversary, weight, rate):\n    return w - rate * (task - adversary)", "is missing"),
        ("def encoder_step(w, task, adversary, weight, rate):\n    return w + rate * weight * adversary", "forgotten"),
    ],
}
