"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold).

The code sees the names of the notebook's imports: math, torch, np and the functions of the earlier modules.
"""

MISTAKES = {
    "touching_hz": [
        ("def touching_hz(sr, n_fft):\n    return 2 * sr / n_fft", "to one side"),
        ("def touching_hz(sr, n_fft):\n    return 8 * sr / n_fft", "half of each"),
        ("def touching_hz(sr, n_fft):\n    return sr / n_fft", "One bin"),
        ("def touching_hz(sr, n_fft):\n    return 4", "number of bins"),
        ("def touching_hz(sr, n_fft):\n    return 4 * n_fft / sr", "seconds"),
    ],
    "share_right": [
        ("def share_right(f, slope, target):\n    return (torch.sign(slope) != torch.sign(f - target)).double().mean()", "against the slope"),
        ("def share_right(f, slope, target):\n    return (slope < 0).double().mean()", "start above"),
        ("def share_right(f, slope, target):\n    return (slope * (f - target) > 0).sum()", "how many"),
        ("def share_right(f, slope, target):\n    return torch.sign(slope * (f - target)).mean()", "cancel"),
    ],
    "transport_hz": [
        ("def transport_hz(p, q, bin_hz):\n    return (p.cumsum(0) - q.cumsum(0)).abs().sum() * bin_hz", "one size"),
        ("def transport_hz(p, q, bin_hz):\n    return (p / p.sum() - q / q.sum()).abs().sum() * bin_hz", "Bin against bin"),
        ("def transport_hz(p, q, bin_hz):\n    return ((p / p.sum()).cumsum(0) - (q / q.sum()).cumsum(0)).abs().sum()", "counted in bins"),
        ("def transport_hz(p, q, bin_hz):\n    return ((p / p.sum()).cumsum(0) - (q / q.sum()).cumsum(0)).sum().abs() * bin_hz", "both directions"),
        ("def transport_hz(p, q, bin_hz):\n    return ((p / p.sum()).cumsum(0) - (q / q.sum()).cumsum(0)).abs().mean() * bin_hz", "add up"),
    ],
    "local_mean": [
        ("def local_mean(a, bins, reach):\n    return (a * bins).sum() / a.sum()", "an octave away"),
        ("def local_mean(a, bins, reach):\n    return bins[a.argmax()]", "highest bin itself"),
        ("def local_mean(a, bins, reach):\n    k = int(a.argmax())\n    near = slice(k - reach, k + reach + 1)\n    return (a[near] * bins[near]).sum() / a.sum()", "all activations"),
        ("def local_mean(a, bins, reach):\n    k = int(a.argmax())\n    near = slice(k - reach, k + reach + 1)\n    return (a[near] * bins[near]).sum()", "Divide"),
        ("def local_mean(a, bins, reach):\n    k = int(a.argmax())\n    near = slice(k - reach, k + reach)\n    return (a[near] * bins[near]).sum() / a[near].sum()", "last bin"),
    ],
}
