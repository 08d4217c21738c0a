"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold)."""

MISTAKES = {
    "effective_dimension": [
        ("def effective_dimension(z):\n    v = z.var(0)\n    return v.sum() ** 2 / v.square().sum()", "coordinates"),
        ("def effective_dimension(z):\n    v = torch.linalg.eigvalsh(z.T @ z)\n    return v.sum() ** 2 / v.square().sum()", "mean was not"),
        ("def effective_dimension(z):\n    v = torch.linalg.eigvalsh(torch.cov(z.T)).sqrt()\n    return v.sum() ** 2 / v.square().sum()", "Standard deviations"),
        ("def effective_dimension(z):\n    return torch.linalg.matrix_rank(z - z.mean(0))", "rank"),
    ],
    "r2": [
        ("def r2(z, predicted):\n    return (z - predicted).square().sum() / (z - z.mean(0)).square().sum()", "left over"),
        ("def r2(z, predicted):\n    return 1 - (z - predicted).square().sum() / z.square().sum()", "taken away"),
        ("def r2(z, predicted):\n    return (1 - (z - predicted).square().sum(0) / (z - z.mean(0)).square().sum(0)).mean()", "tiny variance"),
    ],
    "independent_frames": [
        ("def independent_frames(curve, n):\n    return n / (1 + 2 * curve[1:].sum())", "negative part"),
        ("def independent_frames(curve, n):\n    b = (curve < 0).nonzero()\n    e = int(b[0]) if len(b) else len(curve)\n    return n / (1 + curve[1:e].sum())", "twice"),
        ("def independent_frames(curve, n):\n    b = (curve < 0).nonzero()\n    e = int(b[0]) if len(b) else len(curve)\n    return n / (1 + 2 * curve[:e].sum())", "Lag 0"),
    ],
    "crop_starts": [
        ("def crop_starts(n_frames, size):\n    return list(range(0, n_frames, size))", "cut off"),
        ("def crop_starts(n_frames, size):\n    return list(range(0, n_frames - size, size)) or [-1]", "ends exactly"),
        ("def crop_starts(n_frames, size):\n    return list(range(0, n_frames - size + 1, size // 2)) or [-1]", "Half"),
    ],
    "pooled": [
        ("def pooled(h, loudness_db):\n    return h.mean(0)", "count alike"),
        ("def pooled(h, loudness_db):\n    return (h * loudness_db[:, None]).sum(0) / loudness_db.sum()", "decibels"),
        ("def pooled(h, loudness_db):\n    a = 10 ** (loudness_db / 10)\n    return (h * a[:, None]).sum(0) / a.sum()", "powers"),
        ("def pooled(h, loudness_db):\n    a = 10 ** (loudness_db / 20)\n    return (h * a[:, None]).mean(0)", "sum of the weights"),
    ],
    "majority": [
        ("def majority(labels):\n    return 1 / len(labels.unique())", "equal size"),
        ("def majority(labels):\n    return labels.bincount().max()", "share"),
        ("def majority(labels):\n    return (labels.bincount() / len(labels)).square().sum()", "in proportion"),
    ],
    "log_sum_exp": [
        ("def log_sum_exp(a):\n    return a.exp().sum(1).log()", "logarithm of 0"),
        ("def log_sum_exp(a):\n    m = a.amax(1, keepdim=True)\n    return (a - m).exp().sum(1).log()", "not put back"),
        ("def log_sum_exp(a):\n    return a.amax(1)", "largest alone"),
    ],
    "parabola": [
        ("def parabola(w, m, s):\n    return torch.tensor([-1 / (2 * s), m / s, -m**2 / (2 * s) + math.log(w) - math.log(s) - 0.5 * math.log(2 * math.pi)])", "variance"),
        ("def parabola(w, m, s):\n    return torch.tensor([-1 / (2 * s**2), m / s**2, -m**2 / (2 * s**2) - math.log(s) - 0.5 * math.log(2 * math.pi)])", "weight is missing"),
        ("def parabola(w, m, s):\n    return torch.tensor([-1 / (2 * s**2), m / s**2, -m**2 / (2 * s**2) + math.log(w) - math.log(s)])", "2 pi"),
    ],
    "m_step": [
        ("def m_step(x, r):\n    n = r.sum(0)\n    return torch.stack([n / len(x), r.T @ x / n, r.T @ x**2 / n], 1)", "square of the mean"),
        ("def m_step(x, r):\n    n = r.sum(0)\n    m = r.T @ x / n\n    return torch.stack([n, m, r.T @ x**2 / n - m**2], 1)", "sum to 1"),
        ("def m_step(x, r):\n    n = len(x)\n    m = r.T @ x / n\n    return torch.stack([r.sum(0) / n, m, r.T @ x**2 / n - m**2], 1)", "all points"),
    ],
    "bic": [
        ("def bic(log_l, n, k, d):\n    p = k - 1 + k * d + k * d * (d + 1) // 2\n    return p * math.log(n) - 2 * log_l", "all points together"),
        ("def bic(log_l, n, k, d):\n    p = k - 1 + k * d + k * d * d\n    return p * math.log(n) - 2 * n * log_l", "symmetric"),
        ("def bic(log_l, n, k, d):\n    p = k + k * d + k * d * (d + 1) // 2\n    return p * math.log(n) - 2 * n * log_l", "not free"),
        ("def bic(log_l, n, k, d):\n    p = k - 1 + k * d + k * d * (d + 1) // 2\n    return 2 * p - 2 * n * log_l", "AIC"),
    ],
    "responsibility": [
        ("def responsibility(a, w):\n    return a.softmax(1)", "not used"),
        ("def responsibility(a, w):\n    return (a + w).softmax(1)", "logarithm of the weight"),
        ("def responsibility(a, w):\n    return (a + w.log()).softmax(0)", "column"),
    ],
    "tempered": [
        ("def tempered(mean, factor, noise, t):\n    return mean + t * factor @ noise", "root"),
        ("def tempered(mean, factor, noise, t):\n    return t**0.5 * (mean + factor @ noise)", "mean is scaled"),
        ("def tempered(mean, factor, noise, t):\n    return mean + factor @ noise", "not used"),
    ],
}
