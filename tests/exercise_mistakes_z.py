"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold).

The code sees the names of the notebook's imports: math, torch, np and the functions of the earlier modules.
"""

MISTAKES = {
    "pool_by_loudness": [
        ("def pool_by_loudness(h, loudness_db):\n    return h.mean(0)", "count the same"),
        ("def pool_by_loudness(h, loudness_db):\n    return (loudness_db[:, None] * h).sum(0) / loudness_db.sum()", "negative"),
        ("def pool_by_loudness(h, loudness_db):\n    w = 10 ** (loudness_db / 10)\n    return (w[:, None] * h).sum(0) / w.sum()", "power"),
        ("def pool_by_loudness(h, loudness_db):\n    w = 10 ** (loudness_db / 20)\n    return (w[:, None] * h).mean(0)", "number of frames"),
    ],
    "draw_z": [
        ("def draw_z(mean, log_variance, noise):\n    return mean + log_variance.exp() * noise", "s squared"),
        ("def draw_z(mean, log_variance, noise):\n    return mean + log_variance * noise", "undoes"),
        ("def draw_z(mean, log_variance, noise):\n    return mean", "right for evaluation"),
    ],
    "kl_nats": [
        ("def kl_nats(mean, log_variance):\n    return 0.5 * (mean ** 2 + log_variance.exp() - log_variance - 1).mean()", "of their own"),
        ("def kl_nats(mean, log_variance):\n    return (mean ** 2 + log_variance.exp() - log_variance - 1).sum()", "a half"),
        ("def kl_nats(mean, log_variance):\n    return 0.5 * (mean ** 2 + log_variance.exp() - log_variance).sum()", "must give 0"),
    ],
    "envelope_distance": [
        ("def envelope_distance(a_db, b_db):\n    return (a_db - b_db).square().mean(0).sqrt().mean()", "louder copy"),
        ("def envelope_distance(a_db, b_db):\n    d = (a_db - a_db.mean(1, keepdim=True)) - (b_db - b_db.mean(1, keepdim=True))\n    return d.square().mean(0).sqrt().mean()", "that is the timbre"),
        ("def envelope_distance(a_db, b_db):\n    d = (a_db - a_db.mean(0)) - (b_db - b_db.mean(0))\n    return d.square().mean().sqrt()", "frame by frame"),
    ],
    "fair_donors": [
        ("def fair_donors(groups, recordings, k):\n    return [j for j in range(len(groups)) if groups[j] == groups[k]]", "itself"),
        ("def fair_donors(groups, recordings, k):\n    return [j for j in range(len(groups)) if groups[j] == groups[k] and j != k]", "neighbour"),
        ("def fair_donors(groups, recordings, k):\n    return [j for j in range(len(groups)) if groups[j] != groups[k]]", "swap test"),
    ],
    "share_of_gain": [
        ("def share_of_gain(loss, loss_none, loss_best):\n    return loss_best / loss", "ratio of losses"),
        ("def share_of_gain(loss, loss_none, loss_best):\n    return (loss_none - loss) / loss_none", "would not reach 1"),
        ("def share_of_gain(loss, loss_none, loss_best):\n    return (loss - loss_best) / (loss_none - loss_best)", "lost"),
    ],
}
