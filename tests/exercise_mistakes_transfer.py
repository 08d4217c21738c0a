"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold).

The code sees the names of the notebook's imports: math, torch, np and the functions of the earlier modules.
"""

RUNS = """def flip(mask, value, shorter_than):
    mask, first = mask.clone(), 0
    for last in range(1, len(mask) + 1):
        if last == len(mask) or mask[last] != mask[first]:
            if bool(mask[first]) == value and last - first < shorter_than: mask[first:last] = not value
            first = last
    return mask

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
    "cleaned": [
        (RUNS + "def cleaned(mask, gap, note):\n    return flip(flip(mask, True, note), False, gap)", "drop first"),
        (RUNS + "def cleaned(mask, gap, note):\n    return flip(mask, False, gap)", "short notes still"),
        (RUNS + "def cleaned(mask, gap, note):\n    return flip(mask, True, note)", "closed first"),
        (RUNS + "def cleaned(mask, gap, note):\n    return flip(flip(mask, False, gap + 1), True, note + 1)", "not shorter"),
    ],
    "share_softer": [
        ("def share_softer(x_db, q, rank):\n    return torch.distributions.Normal(q.mean(), q.std()).cdf(x_db)", "long soft side"),
        ("def share_softer(x_db, q, rank):\n    return (x_db - q.min()) / (q.max() - q.min())", "straight line from"),
        ("def share_softer(x_db, q, rank):\n    return (x_db[:, None] > q).double().mean(1)", "steps"),
        ("def share_softer(x_db, q, rank):\n    return np.interp(x_db, rank, q)", "changed places"),
        ("def share_softer(x_db, q, rank):\n    return 1 - np.interp(x_db, q, rank)", "louder"),
    ],
    "z_of_notes": [
        ("def z_of_notes(z, notes, size):\n    return z.mean(0)", "a rest"),
        ("def z_of_notes(z, notes, size):\n    return z[notes].mean(0)", "not crops"),
        ("def z_of_notes(z, notes, size):\n    share = notes.double().unfold(0, size, size).mean(1)\n    return z.unfold(0, size, size).mean(2)[share > 0.5].mean(0)", "at least half"),
        ("def z_of_notes(z, notes, size):\n    return z.unfold(0, size, size).mean(2).mean(0)", "All crops"),
        ("def z_of_notes(z, notes, size):\n    keep = [i for i in range(0, len(z), size) if notes[i:i + size].double().mean() >= 0.5]\n    return torch.stack([z[i:i + size].mean(0) for i in keep]).mean(0)", "like a whole one"),
    ],
    "fade_level_db": [
        ("def fade_level_db(w, phi):\n    return 20 * math.log10(abs(math.cos(phi / 2)))", "mid-fade only"),
        ("def fade_level_db(w, phi):\n    return 10 * math.log10(w ** 2 + (1 - w) ** 2)", "add powers"),
        ("def fade_level_db(w, phi):\n    return 20 * math.log10(w + 1 - w)", "arrows"),
        ("def fade_level_db(w, phi):\n    return 20 * math.log10(abs(w + (1 - w) * math.cos(phi)))", "right angles"),
    ],
    "frames_around": [
        ("def frames_around(start, stop, n_frames, n_taps, hop):\n    reach = math.ceil((n_taps - 1) / hop)\n    return start - reach, stop + reach", "first one"),
        ("def frames_around(start, stop, n_frames, n_taps, hop):\n    reach = (n_taps - 1) // hop\n    return max(0, start - reach), min(n_frames, stop + reach)", "Rounded down"),
        ("def frames_around(start, stop, n_frames, n_taps, hop):\n    reach = math.ceil(n_taps / hop)\n    return max(0, start - reach), min(n_frames, stop + reach)", "One frame too many"),
        ("def frames_around(start, stop, n_frames, n_taps, hop):\n    return max(0, start - math.ceil((n_taps - 1) / hop)), stop", "reach backwards"),
        ("def frames_around(start, stop, n_frames, n_taps, hop):\n    return max(0, start - n_taps + 1), min(n_frames, stop + n_taps - 1)", "in samples"),
    ],
}
