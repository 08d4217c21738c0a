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
}
