"""Typical wrong answers on loudness, mel bands and pitch: exercise -> list of (code in place of the stub, word of the hint).

The code sees the names of the notebooks' imports: math, torch, np, frame, and the modules' own.
"""

_CURVE = ("def loudness_curve(audio):\n    n = 512\n    w = torch.hann_window(n).to(audio)\n    a = a_weighting_db(torch.arange(257) * 31.25).to(audio)\n"
          "    p = 2 * torch.fft.rfft(frame(audio, n, 64) * w).abs() ** 2 / n / (w ** 2).sum()\n")

MISTAKES = {
    "level_change": [
        ("def level_change(a, b):\n    return 10 * math.log10(b / a)", "two powers"),
        ("def level_change(a, b):\n    return 20 * math.log(b / a)", "gives 46"),
        ("def level_change(a, b):\n    return 20 * math.log10(a / b)", "softer"),
        ("def level_change(a, b):\n    return 20 * math.log10(abs(a - b))", "difference"),
        ("def level_change(a, b):\n    return -6.0206", "Called with"),
    ],
    "mean_level": [
        ("def mean_level(x):\n    return x.mean()", "average the decibels"),
        ("def mean_level(x):\n    return 20 * (10 ** (x / 20)).mean().log10()", "average amplitudes"),
        ("def mean_level(x):\n    return 10 * (10 ** (x / 10)).sum().log10()", "lasts longer"),
        ("def mean_level(x):\n    return (10 ** (x / 10)).mean()", "as a power"),
        ("def mean_level(x):\n    return x.max()", "loudest stretch"),
    ],
    "weighted_level": [
        ("def weighted_level(f, p):\n    return 10 * (p * 10 ** (a_weighting_db(f) / 20)).sum().log10()", "too weak"),
        ("def weighted_level(f, p):\n    return 10 * p.sum().log10()", "where is the weight"),
        ("def weighted_level(f, p):\n    return (10 * p.log10() + a_weighting_db(f)).sum()", "multiplies powers"),
        ("def weighted_level(f, p):\n    return (10 * p.log10() + a_weighting_db(f)).mean()", "average decibels"),
        ("def weighted_level(f, p):\n    return 20 * (p.sqrt() * 10 ** (a_weighting_db(f) / 20)).sum().log10()", "beat against"),
        ("def weighted_level(f, p):\n    return (10 * p.log10() * a_weighting_db(f)).sum()", "Called with"),
    ],
    "loudness_curve": [
        (_CURVE + "    return 10 * (p @ 10 ** (a / 20)).clamp_min(1e-8).log10()", "look at the weight"),
        (_CURVE + "    return 10 * (p @ 10 ** (a / 10) / 2).clamp_min(1e-8).log10()", "3.01 dB too low"),
        (_CURVE + "    y = 10 * (p @ 10 ** (a / 10)).clamp_min(1e-8).log10()\n    return y - y.max()", "depend on the clip"),
        (_CURVE + "    y = 10 * (p @ 10 ** (a / 10)).clamp_min(1e-8).log10()\n    return torch.cat([y[:1], y])", "one more than wanted"),
        (_CURVE + "    y = 10 * (p @ 10 ** (a / 10)).clamp_min(1e-8).log10()\n    return torch.cat([y[4:], y[-4:]])", "too early"),
        (_CURVE + "    return 10 * (p @ 10 ** (a / 10) + 1e-5).log10()", "Loud tones read right"),
        (_CURVE + "    return 10 * (p @ 10 ** (a / 10)).log10()", "finite"),
    ],
    "slaney_mel": [
        ("def slaney_mel(f):\n    return 2595 * math.log10(1 + f / 700)", "HTK"),
        ("def slaney_mel(f):\n    return 3 * f / 200", "equal steps"),
        ("def slaney_mel(f):\n    return 3 * f / 200 if f < 1000 else 27 * math.log(f / 1000) / math.log(6.4)", "jumps back"),
        ("def slaney_mel(f):\n    return 3 * f / 200 if f < 1000 else 15 + 27 * math.log10(f / 1000) / math.log(6.4)", "Two kinds"),
        ("def slaney_mel(f):\n    return 3 * f / 200 if f < 1000 else 15 + 27 * math.log(f / 1000) / 6.4", "by what do you divide"),
    ],
    "bands_below": [
        ("def bands_below(f, n, top):\n    return int((torch.linspace(0, top, n + 2)[1:-1] < f).sum())", "evenly spaced in Hz"),
        ("def bands_below(f, n, top):\n    m = hz_to_mel([float(f), float(top)], htk=True)\n    return int((torch.linspace(0, m[1], n + 2)[1:-1] < m[0]).sum())", "HTK"),
        ("def bands_below(f, n, top):\n    m = hz_to_mel([float(f), float(top)])\n    return int((torch.linspace(0, m[1], n + 2) < m[0]).sum())", "One too many"),
        ("def bands_below(f, n, top):\n    m = hz_to_mel([float(f), float(top)])\n    return int(n * m[0] / m[1])", "how many steps"),
        ("def bands_below(f, n, top):\n    m = hz_to_mel([float(f), float(top)])\n    return (n + 1) * m[0] / m[1]", "whole filters"),
    ],
    "dct_row": [
        ("def dct_row(k, n):\n    return torch.cos(math.pi * k / n * (torch.arange(n) + 0.5))", "The cosine is right"),
        ("def dct_row(k, n):\n    return 2 * torch.cos(math.pi * k / n * (torch.arange(n) + 0.5))", "SciPy"),
        ("def dct_row(k, n):\n    return math.sqrt(2 / n) * torch.cos(math.pi * k / n * (torch.arange(n) + 0.5))", "k = 0"),
        ("def dct_row(k, n):\n    return math.sqrt((2 if k else 1) / n) * torch.cos(math.pi * k / n * torch.arange(n))", "edge of the first band"),
        ("def dct_row(k, n):\n    return math.sqrt((2 if k else 1) / n) * torch.cos(math.pi * k / n * (torch.arange(n) + 1))", "from 1"),
    ],
    "drop_ripple": [
        ("def drop_ripple(x):\n    return x", "ripple with 45"),
        ("def drop_ripple(x):\n    m = dct_matrix(128, 128).to(x)\n    c = m @ x\n    c[0] = 0\n    c[30:] = 0\n    return c @ m", "which coefficient holds it"),
        ("def drop_ripple(x):\n    m = dct_matrix(8, 128).to(x)\n    return m.T @ (m @ x)", "10 half periods"),
        ("def drop_ripple(x):\n    return torch.nn.functional.avg_pool1d(x[None, None], 31, 1, 15, count_include_pad=False)[0, 0]", "4 half periods"),
        ("def drop_ripple(x):\n    return dct_matrix(30, 128).to(x) @ x", "[128]"),
    ],
    "split_by_recording": [
        ("def split_by_recording(r):\n    return torch.rand(len(r)) < 0.25", "on both sides"),
        ("def split_by_recording(r):\n    return torch.arange(len(r)) >= 0.75 * len(r)", "1 of 8 recordings have frames on both sides"),
        ("def split_by_recording(r):\n    return r == r.unique()[0]", "1 of 8 recordings are in the test"),
        ("def split_by_recording(r):\n    return r < len(r.unique()) / 4", "0 of 8 recordings are in the test"),
        ("def split_by_recording(r):\n    return r[torch.isin(r, r.unique()[:2])]", "is wanted"),
        ("def split_by_recording(r):\n    return torch.isin(r, r.unique()[:2]).float()", "not numbers"),
    ],
    "nearest_note": [
        ("def nearest_note(f):\n    m = 69 + 12 * math.log2(f / 440)\n    return int(m), 100 * (m - int(m))", "round down"),
        ("def nearest_note(f):\n    m = 69 + 12 * math.log2(f / 440)\n    return round(m), 100 * (round(m) - m)", "wrong sign"),
        ("def nearest_note(f):\n    m = 69 + 12 * math.log(f / 440)\n    return round(m), 100 * (m - round(m))", "8.3"),
        ("def nearest_note(f):\n    m = 60 + 12 * math.log2(f / 440)\n    return round(m), 100 * (m - round(m))", "60 at 440"),
        ("def nearest_note(f):\n    m = 69 + 12 * math.log2(f / 440)\n    return round(m), m - round(m)", "in semitones"),
    ],
    "correlation_pitch": [
        ("def correlation_pitch(r, sr, low, high):\n    return sr / max(r[sr // high:sr // low + 1].argmax().item(), 1e-3)", "Where does your slice start"),
        ("def correlation_pitch(r, sr, low, high):\n    return sr / (sr // high + r[sr // high:sr // low + 1].argmax().item() + 1)", "one too large"),
        ("def correlation_pitch(r, sr, low, high):\n    return sr / (sr // high + r[sr // high:sr // low + 1].argmax().item() - 1)", "one too small"),
        ("def correlation_pitch(r, sr, low, high):\n    return (sr // high + r[sr // high:sr // low + 1].argmax().item()) / sr", "in seconds"),
        ("def correlation_pitch(r, sr, low, high):\n    return sr / (1 + r[1:].argmax().item())", "limit the search"),
    ],
    "pitch_accuracy": [
        ("def pitch_accuracy(f, t):\n    return (cents(f, t).abs() <= 50).double().mean()", "all frames"),
        ("def pitch_accuracy(f, t):\n    c = cents(f, t)\n    return (c[~c.isnan()].abs() <= 50).double().mean()", "answers seldom"),
        ("def pitch_accuracy(f, t):\n    return (cents(f, t)[f > 0].abs() <= 50).double().mean()", "Whose voicing"),
        ("def pitch_accuracy(f, t):\n    return ((cents(f, t).abs() <= 50) | ((f == 0) & (t == 0))).double().mean()", "rests found"),
        ("def pitch_accuracy(f, t):\n    return ((f - t)[t > 0].abs() <= 50).double().mean()", "in Hz"),
        ("def pitch_accuracy(f, t):\n    c = cents(f, t)[t > 0]\n    return ((c - 1200 * (c / 1200).round()).abs() <= 50).double().mean()", "chroma"),
        ("def pitch_accuracy(f, t):\n    return 100 * (cents(f, t)[t > 0].abs() <= 50).double().mean()", "per cent"),
    ],
    "octave_errors": [
        ("def octave_errors(f):\n    m = hz_to_midi(f)\n    return (f > 0) & ((m - m[m > 0].median()).abs() > 9)", "is music"),
        ("def octave_errors(f):\n    m = hz_to_midi(f)\n    return (m - m.roll(1)).abs() > 9", "unvoiced"),
        ("def octave_errors(f):\n    m = hz_to_midi(f)\n    return (f > 0) & (m.roll(1) > 0) & ((m - m.roll(1)).abs() > 9)", "two sides"),
        ("def octave_errors(f):\n    m = hz_to_midi(f)\n    return (f > 0) & (torch.stack([m.roll(10) - m, m.roll(-10) - m]).amax(0) < -9)", "octave too low"),
        ("def octave_errors(f):\n    m = hz_to_midi(f)\n    return (f > 0) & ((m - torch.stack([m.roll(1), m, m.roll(-1)]).median(0).values).abs() > 9)", "with how many"),
        ("def octave_errors(f):\n    return f", "numbers"),
    ],
}
