"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold).

The code sees the names of the notebook's imports: math, torch, np and the functions of the earlier modules.
"""

MISTAKES = {
    "frechet_1d": [
        ("def frechet_1d(x, y):\n    return (x.mean() - y.mean()) ** 2", "different width"),
        ("def frechet_1d(x, y):\n    return (x.mean() - y.mean()) ** 2 + (x.var(ddof=1) - y.var(ddof=1)) ** 2", "leaves standard deviations"),
        ("def frechet_1d(x, y):\n    return (x.mean() - y.mean()) ** 2 + (x.std() - y.std()) ** 2", "ddof"),
        ("def frechet_1d(x, y):\n    return math.sqrt((x.mean() - y.mean()) ** 2 + (x.std(ddof=1) - y.std(ddof=1)) ** 2)", "Its square"),
    ],
    "own_similarity": [
        ("def own_similarity(k):\n    return k.mean()", "similar to itself"),
        ("def own_similarity(k):\n    return (k.sum() - len(k)) / len(k) ** 2", "How many pairs"),
        ("def own_similarity(k):\n    n = len(k)\n    return k[np.triu_indices(n, 1)].sum() / (n * (n - 1))", "Half of the pairs"),
        ("def own_similarity(k):\n    return k.sum() / (len(k) * (len(k) - 1))", "still holds the diagonal"),
    ],
    "coverage": [
        ("def coverage(distance, radius):\n    return (distance.min(1) <= radius).mean()", "edge"),
        ("def coverage(distance, radius):\n    return (distance < radius[:, None]).any(0).mean()", "which axis"),
        ("def coverage(distance, radius):\n    return (distance < radius[:, None]).mean()", "all pairs"),
        ("def coverage(distance, radius):\n    return (distance < radius[:, None]).sum(1).mean()", "whether there is any"),
    ],
    "shape_jitter": [
        ("def shape_jitter(mel_db):\n    return np.sqrt((np.diff(mel_db, axis=0) ** 2).mean(1)).mean()", "swells and fades"),
        ("def shape_jitter(mel_db):\n    s = mel_db - mel_db.mean(1, keepdims=True)\n    return np.sqrt((np.diff(s, axis=1) ** 2).mean(1)).mean()", "other axis"),
        ("def shape_jitter(mel_db):\n    s = mel_db - mel_db.mean(1, keepdims=True)\n    return abs(np.diff(s, axis=0)).mean()", "mean absolute"),
        ("def shape_jitter(mel_db):\n    s = mel_db - mel_db.mean(1, keepdims=True)\n    return np.sqrt((np.diff(s, axis=0) ** 2).mean())", "root in each frame"),
    ],
    "consistency": [
        ("def consistency(labels):\n    return np.bincount(labels.ravel()).max() / labels.size", "together"),
        ("def consistency(labels):\n    return np.mean([np.bincount(row).max() for row in labels])", "count windows"),
        ("def consistency(labels):\n    return (labels == labels[:, :1]).mean()", "odd one out"),
        ("def consistency(labels):\n    return (labels[:, 1:] == labels[:, :-1]).mean()", "neighbours"),
    ],
    "best_rung": [
        ("def best_rung(pitch, jitter, drift, coverage):\n    return int(coverage.argmax())", "of all"),
        ("def best_rung(pitch, jitter, drift, coverage):\n    ok = (pitch >= 0.95) & (jitter <= 1)\n    return int(np.where(ok, coverage, -1).argmax()) if ok.any() else -1", "Drift"),
        ("def best_rung(pitch, jitter, drift, coverage):\n    ok = (pitch >= 0.95) & (jitter <= 1) & (drift <= 1.2)\n    return int(np.where(ok, coverage, -1).argmax())", "no rung passes"),
        ("def best_rung(pitch, jitter, drift, coverage):\n    ok = (pitch >= 0.95) & (jitter <= 1) & (drift <= 1.2)\n    return int(coverage[ok].argmax()) if ok.any() else -1", "among all"),
    ],
    "nearest_ratio": [
        ("def nearest_ratio(generated, held_out):\n    return held_out.min(1).mean() / generated.min(1).mean()", "Upside down"),
        ("def nearest_ratio(generated, held_out):\n    return generated.mean() / held_out.mean()", "near to one"),
        ("def nearest_ratio(generated, held_out):\n    return generated.min(0).mean() / held_out.min(0).mean()", "other axis"),
        ("def nearest_ratio(generated, held_out):\n    return generated.min() / held_out.min()", "lucky"),
    ],
    "rarest_share": [
        ("def rarest_share(heard, n):\n    return np.unique(heard, return_counts=True)[1].min() / len(heard)", "never heard"),
        ("def rarest_share(heard, n):\n    return np.bincount(heard, minlength=n).min()", "number of draws"),
        ("def rarest_share(heard, n):\n    return np.bincount(heard, minlength=n).argmin()", "which instrument"),
        ("def rarest_share(heard, n):\n    return np.bincount(heard, minlength=n).min() / n", "among the draws"),
    ],
    "lead": [
        ("def lead(a, b):\n    return np.percentile(a, 2.5) - np.percentile(b, 2.5)", "unpaired"),
        ("def lead(a, b):\n    return np.percentile(a, 2.5) - np.percentile(b, 97.5)", "easy for both"),
        ("def lead(a, b):\n    return (a - b).mean()", "unlucky"),
        ("def lead(a, b):\n    return np.percentile(a - b, 0.025)", "fraction"),
    ],
}
