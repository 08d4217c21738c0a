"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold).

The code sees the names of the notebook's imports: math, torch, np and the functions of the earlier modules.
"""

MISTAKES = {
    "paired_error": [
        ("def paired_error(a, b):\n    return (a - b).std() / a.numel() ** 0.5", "independent"),
        ("def paired_error(a, b):\n    return ((a.mean(1).var() + b.mean(1).var()) / len(a)) ** 0.5", "different people"),
        ("def paired_error(a, b):\n    return (a - b).mean(0).std() / a.shape[1] ** 0.5", "over trials"),
        ("def paired_error(a, b):\n    return (a - b).mean(1).std()", "mean of all of them"),
        ("def paired_error(a, b):\n    return np.std((a - b).mean(1).numpy()) / math.sqrt(len(a))", "n - 1"),
    ],
    "named": [
        ("def named(hidden):\n    return hidden.mean(1) < 90", "pulls it"),
        ("def named(hidden):\n    return (hidden < 90).any(1)", "One slip"),
        ("def named(hidden):\n    return (hidden <= 90).double().mean(1) > 0.15", "exactly 90"),
        ("def named(hidden):\n    return (hidden >= 90).double().mean(1) > 0.85", "does not name"),
        ("def named(hidden):\n    return (hidden < 100).double().mean(1) > 0.15", "that exact"),
    ],
    "level_factors": [
        ("def level_factors(level_db, peak):\n    return 0.9 / peak", "Equal peaks"),
        ("def level_factors(level_db, peak):\n    return 10 ** ((level_db.min() - level_db) / 20)", "softest"),
        ("def level_factors(level_db, peak):\n    top = (level_db + 20 * torch.log10(0.9 / peak)).max()\n    return 10 ** ((top - level_db) / 20)", "too high"),
        ("def level_factors(level_db, peak):\n    top = (level_db + 20 * torch.log10(0.9 / peak)).min()\n    return 10 ** ((top - level_db) / 10)", "amplitudes"),
        ("def level_factors(level_db, peak):\n    return (level_db + 20 * torch.log10(0.9 / peak)).min() - level_db", "multiplied"),
    ],
}
