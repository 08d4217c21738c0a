"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold)."""

MISTAKES = {
    "best_blur": [
        ("def best_blur(spectra):\n    return spectra.mean(0)", "squared"),
        ("def best_blur(spectra):\n    return 10 * torch.log10((10 ** (spectra / 10)).mean(0))", "powers"),
        ("def best_blur(spectra):\n    return spectra.amax(0)", "loudest"),
    ],
    "formant_gain": [
        ("def formant_gain(f0, f, b, n):\n    x = f0 * torch.arange(1, n + 1)\n    return -20 * torch.log10(1 + ((x - f) / b) ** 2)", "no harmonic need"),
        ("def formant_gain(f0, f, b, n):\n    x = f0 * torch.arange(1, n + 1)\n    y = -10 * torch.log10(1 + ((x - f) / b) ** 2)\n    return y - y.max()", "amplitude"),
        ("def formant_gain(f0, f, b, n):\n    x = f0 * torch.arange(n)\n    y = -20 * torch.log10(1 + ((x - f) / b) ** 2)\n    return y - y.max()", "begin with 1"),
    ],
    "slowest_z": [
        ("def slowest_z(labels, rate):\n    return int((labels[1:] != labels[:-1]).sum()) * rate / len(labels)", "one run more"),
        ("def slowest_z(labels, rate):\n    return len(labels.unique()) * rate / len(labels)", "comes back"),
        ("def slowest_z(labels, rate):\n    return 1 + int((labels[1:] != labels[:-1]).sum())", "how many seconds"),
    ],
}
