"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold).

The code sees the names of the notebook's imports: math, torch, np and the functions of the earlier modules.
"""

MISTAKES = {
    "accept_file": [
        ("def accept_file(c, n, s): return len(c) == n", "flipped bit"),
        ("import hashlib\ndef accept_file(c, n, s): return hashlib.sha256(c).hexdigest() == s", "promises 999"),
        ("import hashlib\ndef accept_file(c, n, s): return len(c) == n and hashlib.sha256(c).hexdigest()[:8] == s[:8]", "first digits"),
        ("import hashlib\ndef accept_file(c, n, s): return len(c) == n or hashlib.sha256(c).hexdigest() == s", "has both"),
        ("import hashlib\ndef accept_file(c, n, s): return len(c) >= n and hashlib.sha256(c[:n]).hexdigest() == s", "stand behind"),
    ],
    "write_position": [
        ("def write_position(have, status): return have", "status 200"),
        ("def write_position(have, status): return 0", "written over the beginning"),
        ("def write_position(have, status): return have + 1 if status == 206 else 0", "One too far"),
        ("def write_position(have, status): return have if status == 200 else 0", "other way round"),
    ],
    "connections_needed": [
        ("def connections_needed(n, share, whole_below): return math.ceil(1 / share)", "share of the rest"),
        ("def connections_needed(n, share, whole_below):\n    count = 0\n    while n >= whole_below:\n        n, count = n - round(n * share), count + 1\n    return count", "One too few"),
        ("def connections_needed(n, share, whole_below):\n    count = 0\n    while n >= whole_below:\n        n, count = n - round(n * (1 - share)), count + 1\n    return count + 1", "What is left"),
    ],
    "wav_bytes": [
        ("def wav_bytes(seconds, sr, bits, channels): return seconds * sr * bits / 8 * channels", "Before them"),
        ("def wav_bytes(seconds, sr, bits, channels): return seconds * sr * bits * channels + 44", "A byte has eight"),
        ("def wav_bytes(seconds, sr, bits, channels): return seconds * sr * bits / 8 + 44", "one sample of each"),
        ("def wav_bytes(seconds, sr, bits, channels): return seconds * sr * 2 * channels + 44", "16 bits"),
    ],
    "safe_mono": [
        ("def safe_mono(x): return x.mean(-1)", "almost silence"),
        ("def safe_mono(x): return x.sum(-1)", "C times as loud"),
        ("def safe_mono(x): return x[:, 0]", "only the others have"),
        ("def safe_mono(x):\n    m = x.mean(-1)\n    return x[:, 0] if m.std() < 0.01 * x.std() else m", "too late"),
        ("def safe_mono(x):\n    m = x.mean(-1)\n    return x[:, 0] if m.square().mean() < 0.1 * x.square().mean() else m", "too early"),
        ("def safe_mono(x): return x.abs().mean(-1)", "no sound any more"),
    ],
    "seam_drift": [
        ("def seam_drift(n, block, a, b): return sum(round(min(block, n - i) * b / a) for i in range(0, n, block))", "all samples"),
        ("def seam_drift(n, block, a, b): return math.ceil(n / block) * round(block * b / a) - round(n * b / a)", "as long as the others"),
        ("def seam_drift(n, block, a, b): return n // block * round(block * b / a) - round(n * b / a)", "forgotten"),
        ("def seam_drift(n, block, a, b): return round(n * b / a) - sum(round(min(block, n - i) * b / a) for i in range(0, n, block))", "wrong sign"),
    ],
    "late_by_ms": [
        ("def late_by_ms(sr, rate, s): return s * rate * round(sr / rate) / sr - s", "Milliseconds"),
        ("def late_by_ms(sr, rate, s): return 1000 * (s - s * rate * round(sr / rate) / sr)", "the other way round"),
        ("def late_by_ms(sr, rate, s): return 1000 * (round(sr / rate) - sr / rate) / sr", "adds up"),
        ("def late_by_ms(sr, rate, s): return s * rate * (round(sr / rate) - sr / rate)", "How long does one last"),
        ("def late_by_ms(sr, rate, s): return 1000 * (s * rate * (sr // rate) / sr - s)", "cut off"),
    ],
    "frames_late": [
        ("def frames_late(a, b, most): return min(range(-most, most + 1), key=lambda k: float((a - b.roll(-k)).abs().mean()))", "different units"),
        ("def frames_late(a, b, most): return max(range(-most, most + 1), key=lambda k: float((a * b.roll(-k)).sum()))", "ruled by the means"),
        ("def frames_late(a, b, most):\n    a, b = a - a.mean(), b - b.mean()\n    return max(range(-most, most + 1), key=lambda k: float((a[most:-most] * b.roll(k)[most:-most]).sum()))", "wrong sign"),
        ("def frames_late(a, b, most): return int(b.argmax() - a.argmax())", "maxima"),
    ],
    "chunk_rows": [
        ("def chunk_rows(n, chunk, context): return [[s - context, min(n, s + chunk + context), context] for s in range(0, n, chunk)]", "before the recording"),
        ("def chunk_rows(n, chunk, context): return [[max(0, s - context), min(n, s + chunk + context), context] for s in range(0, n, chunk)]", "first chunk"),
        ("def chunk_rows(n, chunk, context): return [[max(0, s - context), s + chunk + context, s - max(0, s - context)] for s in range(0, n, chunk)]", "behind the end"),
        ("def chunk_rows(n, chunk, context): return [[s, min(n, s + chunk), 0] for s in range(0, n, chunk)]", "naive way"),
        ("def chunk_rows(n, chunk, context): return [[max(0, s - context), min(n, s + chunk + context), 0] for s in range(0, n, chunk)]", "twice"),
    ],
    "leaking": [
        ("def leaking(recording, test): return len(recording[test].unique())", "wholly"),
        ("def leaking(recording, test): return len(recording.unique())", "all recordings."),
        ("def leaking(recording, test): return test.sum()", "Recordings are to be counted"),
        ("def leaking(recording, test): return torch.isin(recording[test], recording[~test]).sum()", "have a twin"),
    ],
    "pitch_statistics": [
        ("def pitch_statistics(f, c):\n    m = 69 + 12 * torch.log2(f / 440)\n    return torch.stack([m.mean(), m.std(correction=0)])", "filler"),
        ("def pitch_statistics(f, c):\n    f = f[c > 0]\n    return torch.stack([f.mean(), f.std(correction=0)])", "in Hz"),
        ("def pitch_statistics(f, c):\n    m = 69 + 12 * torch.log2(f[c > 0] / 440)\n    return torch.stack([m.mean(), m.std()])", "n - 1"),
        ("def pitch_statistics(f, c):\n    f = f[c > 0]\n    return 69 + 12 * torch.log2(torch.stack([f.mean(), f.std(correction=0)]) / 440)", "logarithm must come first"),
        ("def pitch_statistics(f, c):\n    m = 69 + 12 * torch.log2(f[c > 0] / 440)\n    return torch.stack([m.mean(), m.var(correction=0)])", "variance"),
    ],
    "held_crop": [
        ("def held_crop(x, start, count): return x[start:start + count]", "too short"),
        ("def held_crop(x, start, count):\n    y = x[start:start + count]\n    return torch.nn.functional.pad(y, (0, count - len(y)))", "zeros"),
        ("def held_crop(x, start, count): return torch.cat([x, x])[start:start + count]", "beginning of the recording"),
        ("def held_crop(x, start, count):\n    start = min(start, len(x) - count)\n    return x[start:start + count]", "moved back"),
    ],
    "write_order": [
        ("write_order = [1, 4, 3, 2]", "names an array"),
        ("write_order = [2, 3, 1, 4]", "before it is written"),
        ("write_order = [3, 2, 4, 1]", "Step 1"),
        ("write_order = [3, 2, 4, 4]", "once"),
    ],
    "result_name": [
        ("def result_name(sha256, definition): return sha256", "CREPE and pYIN"),
        ("def result_name(sha256, definition): return sha256 + str(definition)", "another order"),
        ("def result_name(sha256, definition):\n    import json\n    return json.dumps(definition, sort_keys=True)", "different content"),
        ("def result_name(sha256, definition): return sha256 + definition['f0'] + str(definition['frame_rate'])", "new version"),
        ("def result_name(sha256, definition): return f'{sha256} {np.random.rand()}'", "two names"),
        ("def result_name(sha256, definition): return 1", "A text"),
    ],
    "first_copy": [
        ("def first_copy(h): return [len(h) - 1 - h[::-1].index(x) for x in h]", "last copy"),
        ("def first_copy(h): return [h.count(x) for x in h]", "how often"),
        ("def first_copy(h): return [sorted(set(h)).index(x) for x in h]", "number of its own"),
        ("def first_copy(h): return [max([j for j in range(i) if h[j] == x], default=i) for i, x in enumerate(h)]", "third copy"),
    ],
    "still_to_do": [
        ("def still_to_do(names, files): return [i for i, n in enumerate(names) if not any(f.startswith(n) for f in files)]", "only begins"),
        ("def still_to_do(names, files): return [i for i, n in enumerate(names) if not any(f.split('.')[0] == n for f in files)]", "ends in .tmp"),
        ("def still_to_do(names, files): return list(range(len(files), len(names)))", "count files"),
        ("def still_to_do(names, files): return list(range(len(names)))", "computed again"),
        ("def still_to_do(names, files): return [i for i, n in enumerate(names) if n + '.safetensors' in files]", "finished ones"),
    ],
    "disagreement": [
        ("def disagreement(a, b):\n    c = (1200 * torch.log2(b / a)).abs()\n    return ((c > 50) & (a > 0) & (b > 0)).double().mean()", "divided by all"),
        ("def disagreement(a, b):\n    m = (a > 0) & (b > 0)\n    return ((a - b)[m].abs() > 50).double().mean()", "compare Hz"),
        ("def disagreement(a, b):\n    m = (a > 0) & (b > 0)\n    return (1200 * torch.log2(b / a)[m] > 50).double().mean()", "Below is as wrong"),
        ("def disagreement(a, b):\n    m = (a > 0) & (b > 0)\n    return ((1200 * torch.log2(b / a)[m]).abs() <= 50).double().mean()", "they agree"),
    ],
    "mean_noise": [
        ("def mean_noise(x, v): return x[~v].mean()", "mean of decibels"),
        ("def mean_noise(x, v): return 10 * torch.log10((10 ** (x / 10)).mean())", "tones count"),
        ("def mean_noise(x, v): return x.min()", "One frame"),
        ("def mean_noise(x, v): return 20 * torch.log10((10 ** (x[~v] / 20)).mean())", "average amplitudes"),
    ],
    "coverage_seconds": [
        ("def coverage_seconds(m, x):\n    return torch.histogramdd(torch.stack([m, x], 1), [torch.arange(59.5, 65).double(), torch.arange(-40, -19, 5.0).double()])[0]", "how long"),
        ("def coverage_seconds(m, x):\n    return torch.histogramdd(torch.stack([m, x], 1), [torch.arange(60.0, 66).double(), torch.arange(-40, -19, 5.0).double()])[0] / 100", "slightly flat"),
        ("def coverage_seconds(m, x):\n    y = torch.stack([m.clamp(60, 64), x.clamp(-40, -20.01)], 1)\n    return torch.histogramdd(y, [torch.arange(59.5, 65).double(), torch.arange(-40, -19, 5.0).double()])[0] / 100", "at the edge"),
    ],
    "flat_tops": [
        ("def flat_tops(x): return x >= x.max()", "two may be chance"),
        ("def flat_tops(x): return x.abs() >= 0.9999", "full scale"),
        ("def flat_tops(x):\n    top = x >= x.max()\n    out = torch.zeros_like(top)\n    for i in range(len(x) - 1):\n        if top[i:i + 2].all(): out[i:i + 2] = True\n    return out", "Two neighbours"),
        ("def flat_tops(x):\n    top = x >= x.max()\n    out = torch.zeros_like(top)\n    out[2:] = top[2:] & top[1:-1] & top[:-2]\n    return out", "third sample"),
    ],
    "to_int16": [
        ("def to_int16(x): return (32767 * x).round()", "cannot hold"),
        ("def to_int16(x): return (32767 * x).round().to(torch.int64).to(torch.int16)", "other end"),
        ("def to_int16(x): return (32767 * x.clamp(-1, 1)).trunc()", "towards zero"),
        ("def to_int16(x): return (32768 * x.clamp(-1, 1)).round()", "one more"),
        ("def to_int16(x): return 32767 * x.clamp(-1, 1)", "not whole"),
    ],
    "letters_needed": [
        ("def letters_needed(seconds, sr): return 44 + 2 * round(seconds * sr)", "need more"),
        ("def letters_needed(seconds, sr): return 4 * (44 + 2 * round(seconds * sr)) // 3", "filled up"),
        ("def letters_needed(seconds, sr): return 4 * math.ceil(2 * round(seconds * sr) / 3)", "header"),
        ("def letters_needed(seconds, sr): return 4 * math.ceil((44 + round(seconds * sr)) / 3)", "two bytes"),
    ],
    "next_number": [
        ("def next_number(names): return len(names) + 1", "You count files"),
        ("def next_number(names):\n    found = [n[5:-4] for n in names if n.startswith('take_') and n.endswith('.wav') and n[5:-4].isdigit()]\n    return int(max(found, default='0')) + 1", "as texts"),
        ("def next_number(names):\n    found = [int(n[5:-4]) for n in names if n.startswith('take_') and n.endswith('.wav') and n[5:-4].isdigit()]\n    return next(i for i in range(1, 99) if i not in found)", "first free"),
        ("def next_number(names):\n    found = [n for n in names if n.startswith('take_') and n.endswith('.wav') and n[5:-4].isdigit()]\n    return len(found) + 1", "You count takes"),
    ],
}
