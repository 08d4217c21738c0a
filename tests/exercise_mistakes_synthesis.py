"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold).

The code sees the names of the notebook's imports: math, torch, np and the functions of the synthesis modules.
"""

MISTAKES = {
    "running_phase": [
        ("def my_phase(f, sr):\n    return 2 * math.pi * f * torch.arange(len(f)) / sr", "Differentiate"),
        ("def my_phase(f, sr):\n    return f * torch.arange(len(f)) / sr", "in turns"),
        ("def my_phase(f, sr):\n    return torch.cumsum(f / sr, 0)", "whole turns"),
        ("def my_phase(f, sr):\n    return 2 * math.pi * (torch.cumsum(f, 0) - f) / sr", "one sample early"),
        ("def my_phase(f, sr):\n    return 2 * math.pi * torch.cumsum(f, 0)", "last"),
        ("def my_phase(f, sr):\n    return 2 * math.pi * torch.cumsum(f / sr, 0) % (2 * math.pi)", "whole angle"),
    ],
    "harmonics_that_fit": [
        ("def harmonics_that_fit(f, sr):\n    return int(sr / 2 // f)", "on sr / 2 itself"),
        ("def harmonics_that_fit(f, sr):\n    return math.ceil(sr / 2 / f)", "One too many"),
        ("def harmonics_that_fit(f, sr):\n    return round(sr / 2 / f)", "nearest"),
        ("def harmonics_that_fit(f, sr):\n    return sr / 2 / f", "whole"),
        ("def harmonics_that_fit(f, sr):\n    return sr // f", "Where does folding begin"),
    ],
    "share_out": [
        ("def share_out(t, w, f, sr):\n    return silent_above_nyquist(t[:, None] * w / w.sum(1, keepdim=True), f, sr)", "drops out"),
        ("def share_out(t, w, f, sr):\n    return t[:, None] * w / w.sum(1, keepdim=True)", "may not"),
        ("def share_out(t, w, f, sr):\n    return t[:, None] * silent_above_nyquist(w, f, sr)", "depends on the weights"),
        ("def share_out(t, w, f, sr):\n    return harmonic_amplitudes(torch.ones_like(t), w, f, sr)", "shares"),
        ("def share_out(t, w, f, sr):\n    x = silent_above_nyquist(w, f, sr)\n    return t[:, None] * x / x.sum(1, keepdim=True)", "division by zero"),
    ],
    "even_tone": [
        ("def even_tone(f, level):\n    return torch.full((len(f), 4), 10 ** (level / 20))", "apart from the amplitudes"),
        ("def even_tone(f, level):\n    a = torch.ones(len(f), 40, dtype=f.dtype)\n"
         "    return a * 10 ** ((level - exact_loudness_db(f, a)) / 20)[:, None]", "before you measure"),
        ("def even_tone(f, level):\n    a = torch.ones(len(f), 4, dtype=f.dtype)\n"
         "    return a * 10 ** ((level - 3.01 - exact_loudness_db(f, a)) / 20)[:, None]", "mean square"),
        ("def even_tone(f, level):\n    a = torch.ones(len(f), 4, dtype=f.dtype)\n"
         "    return a * 10 ** ((level + 6 - exact_loudness_db(f, a)) / 20)[:, None]", "same in every frame"),
        ("def even_tone(f, level):\n    a = torch.eye(4, dtype=f.dtype)[0].expand(len(f), 4)\n"
         "    return a * 10 ** ((level - exact_loudness_db(f, a)) / 20)[:, None]", "Only 1"),
        ("def even_tone(f, level):\n    return torch.ones(4)", "[60, K]"),
    ],
    "decay_curve": [
        ("def my_decay_curve(h):\n    e = h.square().cumsum(0)\n    return 10 * torch.log10(e / e[-1])", "rises"),
        ("def my_decay_curve(h):\n    e = h.square().flip(0).cumsum(0).flip(0)\n    return 20 * torch.log10(e / e[0])", "before its logarithm"),
        ("def my_decay_curve(h):\n    return 10 * torch.log10(h.square().flip(0).cumsum(0).flip(0))", "begin at 0 dB"),
        ("def my_decay_curve(h):\n    e = h.flip(0).cumsum(0).flip(0)\n    return 10 * torch.log10(e / e[0])", "the taps themselves"),
        ("def my_decay_curve(h):\n    return 20 * torch.log10(h / h[0])", "each tap alone"),
    ],
    "first_echo": [
        ("def first_echo(d, h, sr):\n    return round(2 * math.hypot(d / 2, h) / 343 * sr)", "takes its time too"),
        ("def first_echo(d, h, sr):\n    return round(2 * h / 343 * sr)", "Draw the path"),
        ("def first_echo(d, h, sr):\n    return round((math.hypot(d, h) - d) / 343 * sr)", "only once"),
        ("def first_echo(d, h, sr):\n    return (2 * math.hypot(d / 2, h) - d) / 343", "seconds"),
        ("def first_echo(d, h, sr):\n    return int((2 * math.hypot(d / 2, h) - d) / 343 * sr)", "Rounded down"),
    ],
    "rt60_from_curve": [
        ("def rt60_from_curve(x, sr):\n    return ((x <= -25).nonzero()[0].item() - (x <= -5).nonzero()[0].item()) / sr", "how far it has to fall"),
        ("def rt60_from_curve(x, sr):\n    return 3 * (x <= -20).nonzero()[0].item() / sr", "direct sound belongs to it"),
        ("def rt60_from_curve(x, sr):\n    return -60 / np.polyfit(np.arange(len(x)) / sr, x.numpy(), 1)[0]", "whole curve"),
        ("def rt60_from_curve(x, sr):\n    at = np.flatnonzero((x <= -5).numpy())\n    return -60 / np.polyfit(at / sr, x.numpy()[at], 1)[0]", "into the noise"),
        ("def rt60_from_curve(x, sr):\n    return 3 * ((x <= -25).nonzero()[0].item() - (x <= -5).nonzero()[0].item())", "number of samples"),
    ],
    "tail_gain": [
        ("def tail_gain(h, wet):\n    return 10 ** (wet / 20)", "energy 1"),
        ("def tail_gain(h, wet):\n    return 10 ** (wet / 10) / h.norm()", "divides the decibels"),
        ("def tail_gain(h, wet):\n    return 10 ** (wet / 20) / h.square().sum()", "the energy of the tail"),
        ("def tail_gain(h, wet):\n    return 10 ** (wet / 20) / h.abs().sum()", "in step"),
        ("def tail_gain(h, wet):\n    return 10 ** (wet / 20) / h.abs().max()", "highest tap"),
        ("def tail_gain(h, wet):\n    return 10 ** (wet / 20) * h.norm()", "divided by"),
    ],
    "room": [
        ("def my_room(s, sr):\n    t = torch.arange(5 * int(s * sr)) / sr\n    h = torch.randn(len(t)) * torch.exp(-t / s)\n    return h / h.norm()", "exponent reaches -1"),
        ("def my_room(s, sr):\n    t = torch.arange(3 * int(s * sr)) / sr\n    h = torch.randn(len(t)) * 10 ** (-1.5 * t / s)\n    return h / h.norm()", "or of the power"),
        ("def my_room(s, sr):\n    t = torch.arange(2 * int(s * sr)) / sr\n    return torch.randn(len(t)) * 10 ** (-3 * t / s)", "How much power"),
        ("def my_room(s, sr):\n    t = torch.arange(2 * int(s * sr)) / sr\n    h = 10 ** (-3 * t / s)\n    return h / h.norm()", "muffler"),
        ("def my_room(s, sr):\n    t = torch.arange(sr // 10) / sr\n    return torch.randn(len(t)) * 10 ** (-3 * t / s)", "half as long"),
        ("def my_room(s, sr):\n    h = torch.zeros(2 * int(s * sr))\n    h[0] = 1\n    return h", "gradually"),
    ],
    "taps": [
        ("def my_taps(m):\n    return torch.fft.irfft(m)", "no window"),
        ("def my_taps(m):\n    x = torch.fft.irfft(m)\n    return torch.fft.fftshift(x * torch.hann_window(len(x), dtype=x.dtype))", "All three steps"),
        ("def my_taps(m):\n    x = torch.fft.irfft(m)\n    return x * torch.hann_window(len(x), dtype=x.dtype)", "where the peak is"),
        ("def my_taps(m):\n    return torch.fft.fftshift(torch.fft.irfft(m))", "ends abruptly"),
        ("def my_taps(m):\n    x = torch.fft.fftshift(torch.fft.irfft(m))\n    return x * torch.hann_window(len(x), periodic=False, dtype=x.dtype)", "symmetric window"),
    ],
    "linear_by_fft": [
        ("def linear_by_fft(x, h):\n    n = max(len(x), len(h))\n    return torch.fft.irfft(torch.fft.rfft(x, n) * torch.fft.rfft(h, n), n)", "Circular"),
        ("def linear_by_fft(x, h):\n    n = len(x) + len(h)\n    return torch.fft.irfft(torch.fft.rfft(x, n) * torch.fft.rfft(h, n), n)", "too long"),
        ("def linear_by_fft(x, h):\n    n = len(x) + len(h) - 1\n    return torch.fft.irfft(torch.fft.rfft(x, n) * torch.fft.rfft(h, n), n)[:len(x)]", "cut off"),
        ("def linear_by_fft(x, h):\n    n = len(x) + len(h) - 1\n    return torch.fft.irfft(torch.fft.rfft(x, n) * torch.fft.rfft(h.flip(0), n), n)", "backwards"),
        ("def linear_by_fft(x, h):\n    return torch.fft.irfft(torch.fft.rfft(x) * torch.fft.rfft(h))", "RuntimeError"),
    ],
    "noise_gain": [
        ("def noise_gain(x):\n    return 10 ** (x / 20)", "4.77 dB too soft"),
        ("def noise_gain(x):\n    return 10 ** (x / 20) / 3 ** 0.5", "make up for"),
        ("def noise_gain(x):\n    return 3 * 10 ** (x / 20)", "belongs to the power"),
        ("def noise_gain(x):\n    return 2 ** 0.5 * 10 ** (x / 20)", "sine"),
        ("def noise_gain(x):\n    return (3 * 10 ** (x / 10))", "Called with"),
        ("def noise_gain(x):\n    return 3 ** 0.5 * 10 ** (x / 10)", "divides the decibels"),
    ],
    "band": [
        ("def my_band(low, high, sr):\n    f = torch.linspace(0, sr / 2, 129)\n    return ((f >= low) & (f <= high)).double()", "edges droop"),
        ("def my_band(low, high, sr):\n    f = torch.linspace(0, sr / 2, 17)\n    return ((f >= low) & (f <= high)).double()", "Are there enough"),
        ("def my_band(low, high, sr):\n    f = torch.linspace(0, sr / 2, 129)\n    return ((f > low - 500) & (f < high + 500)).double()", "reach 0"),
        ("def my_band(low, high, sr):\n    f = torch.linspace(0, sr, 129)\n    return ((f > low - 150) & (f < high + 150)).double()", "at sr / 2"),
        ("def my_band(low, high, sr):\n    f = torch.linspace(0, sr / 2, 129)\n    return 2 * ((f > low - 150) & (f < high + 150)).double()", "form is right"),
        ("def my_band(low, high, sr):\n    return torch.ones(2000)", "2 to 129"),
    ],
}
