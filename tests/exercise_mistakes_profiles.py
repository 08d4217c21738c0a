"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold).

The code sees the names of the notebook's imports: math, torch, np and the functions of the earlier modules.
"""

MISTAKES = {
    "tick_time": [
        ("def tick_time(tick, tempos, division):\n    return tick * [q for t, q in tempos if t <= tick][-1] * 1e-6 / division", "last tempo"),
        ("def tick_time(tick, tempos, division):\n    return tick * tempos[0][1] * 1e-6 / division", "first tempo"),
        ("def tick_time(tick, tempos, division):\n    return sum((b[0] - a[0]) * a[1] for a, b in zip(tempos, tempos[1:])) * 1e-6 / division", "last change"),
    ],
    "bent_pitch": [
        ("def bent_pitch(key, wheel, semitones, cents):\n    return 440 * 2 ** ((key - 69 + wheel / 8192 * 2) / 12)", "two semitones"),
        ("def bent_pitch(key, wheel, semitones, cents):\n    return 440 * 2 ** ((key - 69 + wheel / 8192 * (semitones + cents / 128)) / 12)", "hundred a semitone"),
        ("def bent_pitch(key, wheel, semitones, cents):\n    return 440 * 2 ** ((key - 69) / 12) + wheel / 8192 * (semitones + cents / 100)", "add semitones to Hz"),
        ("def bent_pitch(key, wheel, semitones, cents):\n    return key + wheel / 8192 * (semitones + cents / 100)", "MIDI number"),
    ],
    "note_ends": [
        ("def note_ends(releases, pedal):\n    return releases", "sound on"),
        ("def note_ends(releases, pedal):\n    return torch.stack([torch.tensor(min([b for a, b in pedal if b > t], default=float(t))).double() for t in releases])", "while the pedal is not down"),
        ("def note_ends(releases, pedal):\n    out = releases.clone()\n    for a, b in pedal:\n        out[(releases >= a) & (releases < b)] = pedal[-1][1]\n    return out", "first time"),
    ],
    "glide_pitch": [
        ("def glide_pitch(t, a, b, g):\n    x = (t / g + 0.5).clamp(0, 1)\n    return a + (b - a) * x * x * (3 - 2 * x)", "geometric mean"),
        ("def glide_pitch(t, a, b, g):\n    return a * (b / a) ** (t / g + 0.5).clamp(0, 1)", "corners"),
        ("def glide_pitch(t, a, b, g):\n    x = (t / g).clamp(0, 1)\n    return a * (b / a) ** (x * x * (3 - 2 * x))", "in its middle"),
        ("def glide_pitch(t, a, b, g):\n    x = t / g + 0.5\n    return a * (b / a) ** (x * x * (3 - 2 * x))", "runs away"),
    ],
    "late_vibrato": [
        ("def late_vibrato(t, cents, rate):\n    return cents * torch.sin(2 * math.pi * rate * t)", "from the onset"),
        ("def late_vibrato(t, cents, rate):\n    return cents * (t >= 0.25) * torch.sin(2 * math.pi * rate * (t - 0.25))", "full depth"),
        ("def late_vibrato(t, cents, rate):\n    return cents * ((t - 0.25) / 0.2).clamp(0, 1) * torch.sin(2 * math.pi * rate * t)", "started at the onset"),
        ("def late_vibrato(t, cents, rate):\n    return cents * ((t - 0.25) / 0.2).clamp(max=1) * torch.sin(2 * math.pi * rate * (t - 0.25))", "upside down"),
    ],
    "place_loudness": [
        ("def place_loudness(x, f, m, s):\n    return m + s * (x - x.mean()) / x.std(correction=0)", "counted and moved"),
        ("def place_loudness(x, f, m, s):\n    return torch.where(f > 0, m + s * (x - x.mean()) / x.std(correction=0), x)", "still enter"),
        ("def place_loudness(x, f, m, s):\n    return torch.where(f > 0, x + m - x[f > 0].mean(), x)", "spread is still"),
        ("def place_loudness(x, f, m, s):\n    v = x[f > 0]\n    return m + s * (x - v.mean()) / v.std(correction=0)", "rests are moved"),
    ],
    "inner_slope": [
        ("def inner_slope(a, b):\n    return (a + b) / 2", "arithmetic mean"),
        ("def inner_slope(a, b):\n    return (a + b) / 2 if a * b > 0 else 0", "harmonic mean"),
        ("def inner_slope(a, b):\n    return 2 * a * b / (a + b) if a + b else 0", "peak or a valley"),
        ("def inner_slope(a, b):\n    return a * b / (a + b) if a * b > 0 else 0", "two equal slopes"),
    ],
    "stroke_frames": [
        ("def stroke_frames(s, n, r):\n    out = np.zeros(n)\n    for a, b in s:\n        out[int(a * r):int(b * r)] = 1\n    return out", "rounded down"),
        ("def stroke_frames(s, n, r):\n    t = np.arange(n) / r\n    return ((t >= s[0][0]) & (t < s[-1][1])) * 1.0", "filled"),
        ("def stroke_frames(s, n, r):\n    t = np.arange(n)\n    return np.any([(t >= a) & (t < b) for a, b in s], axis=0) * 1.0", "seconds"),
    ],
    "bridge": [
        ("def bridge(voiced, shortest):\n    return voiced", "Nothing has changed"),
        ("def bridge(voiced, shortest):\n    out, last = voiced.clone(), None\n    for i in range(len(voiced)):\n        if voiced[i]:\n            if last is not None and i - last - 1 <= shortest: out[last:i] = 1\n            last = i\n    return out", "exactly"),
        ("def bridge(voiced, shortest):\n    on = torch.nonzero(voiced)[:, 0]\n    out = voiced.clone()\n    out[on[0]:on[-1]] = 1\n    return out", "real rests"),
        ("def bridge(voiced, shortest):\n    out, last = voiced.clone(), -1\n    for i in range(len(voiced) + 1):\n        if i == len(voiced) or voiced[i]:\n            if i - last - 1 < shortest: out[last + 1:i] = 1\n            last = i\n    return out", "no gap between notes"),
    ],
    "halfway": [
        ("def halfway(a, b, part):\n    return a + (b - a) * part", "nobody plays"),
        ("def halfway(a, b, part):\n    return a + (b - a) * part if a > 0 and b > 0 else a if part < 0.5 else b", "linear in octaves"),
        ("def halfway(a, b, part):\n    return a if part < 0.5 else b", "staircase"),
        ("def halfway(a, b, part):\n    return a * (b / a) ** part if a > 0 and b > 0 else 0", "shorter"),
    ],
    "limited_share": [
        ("def limited_share(x, f, mean, std):\n    return ((x - mean).abs() > 3 * std).double().mean()", "Rests are counted"),
        ("def limited_share(x, f, mean, std):\n    return (((x - mean).abs() > 3 * std) & (f > 0)).double().mean()", "below it"),
        ("def limited_share(x, f, mean, std):\n    return (x > mean + 3 * std)[f > 0].double().mean()", "too loud"),
        ("def limited_share(x, f, mean, std):\n    return ((x - mean).abs() > std)[f > 0].double().mean()", "instead of three"),
    ],
    "block_memory": [
        ("def block_memory(s, r, k, m, b):\n    return s * r * (k + m)", "one piece"),
        ("def block_memory(s, r, k, m, b):\n    return (s * r if b is None else b) * (k + m)", "longer than the piece"),
        ("def block_memory(s, r, k, m, b):\n    return (s * r if b is None else min(s * r, b)) * k * m", "side by side"),
    ],
}
