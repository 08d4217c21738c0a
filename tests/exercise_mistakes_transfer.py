"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold).

The code sees the names of the notebook's imports: math, torch, np and the functions of the earlier modules.
"""

MISTAKES = {
    "phase_after": [
        ("def phase_after(f, sr, hop):\n    n = torch.cat([f[1:], f[-1:]])\n    return (f * (hop + 1) + n * (hop - 1)).sum() / (2 * sr)", "whole ones"),
        ("def phase_after(f, sr, hop):\n    return f.sum() * hop / sr % 1", "on the way"),
        ("def phase_after(f, sr, hop):\n    n = torch.cat([f[1:], f[-1:]])\n    return (f + n).sum() * hop / (2 * sr) % 1", "not area"),
        ("def phase_after(f, sr, hop):\n    n = torch.cat([f[1:], f[-1:]])\n    return (f * (hop + 1) + n * (hop - 1)).sum() / (2 * sr) % 1 * 2 * math.pi", "radians"),
    ],
    "tune_note": [
        ("def tune_note(f):\n    s = 12 * torch.log2(f / 440)\n    return 440 * 2 ** (s.round() / 12)", "semitone of its own"),
        ("def tune_note(f):\n    s = 12 * torch.log2(f / 440)\n    return torch.full_like(f, 440) * 2 ** (s.mean().round() / 12)", "steady"),
        ("def tune_note(f):\n    s = (12 * torch.log2(f / 440)).mean()\n    return f * 2 ** ((s.floor() - s) / 12)", "nearest"),
        ("def tune_note(f):\n    s = (12 * torch.log2(f / 440)).mean()\n    return f * 2 ** ((s - s.round()) / 12)", "direction"),
        ("def tune_note(f):\n    s = (12 * torch.log2(f / 440)).mean()\n    return f - f.mean() + 440 * 2 ** (s.round() / 12)", "ratio"),
    ],
    "octaves_needed": [
        ("def octaves_needed(f, target):\n    return torch.log2(target / f.median())", "as a whole"),
        ("def octaves_needed(f, target):\n    return int(torch.log2(target / f.median()))", "Cut off"),
        ("def octaves_needed(f, target):\n    return round(float(torch.log2(f.median() / target)))", "the other way"),
        ("def octaves_needed(f, target):\n    return round(float(torch.log2(target / f.mean())))", "leaps"),
        ("def octaves_needed(f, target):\n    return round(12 * float(torch.log2(target / f.median())))", "semitones"),
    ],
    "same_rank": [
        ("def same_rank(x, y):\n    return y.sort().values", "when does each"),
        ("def same_rank(x, y):\n    return y.sort().values[torch.argsort(x)]", "second argsort"),
        ("def same_rank(x, y):\n    return (x - x.mean()) / x.std() * y.std() + y.mean()", "Mean and spread"),
        ("def same_rank(x, y):\n    return x + y.mean() - x.mean()", "The mean is right"),
    ],
}
