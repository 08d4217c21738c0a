"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold).

The code sees the names of the notebook's imports: math, torch, np and the windows.
"""

MISTAKES = {
    "alias": [
        ("def my_alias(f_hz, sr):\n    return f_hz % sr", "mirror stands at sr / 2"),
        ("def my_alias(f_hz, sr):\n    return f_hz if f_hz <= sr / 2 else f_hz - sr / 2", "distance to the mirror"),
        ("def my_alias(f_hz, sr):\n    return f_hz - sr * round(f_hz / sr)", "negative"),
        ("def my_alias(f_hz, sr):\n    return f_hz if f_hz <= sr / 2 else abs(sr - f_hz)", "next multiple"),
        ("def my_alias(f_hz, sr):\n    return 7000", "Called with"),
    ],
    "bits_for_snr": [
        ("def bits_for_snr(snr_db):\n    return (snr_db - 1.76) / 6.02", "fraction of a bit"),
        ("def bits_for_snr(snr_db):\n    return int((snr_db - 1.76) / 6.02)", "Rounded down"),
        ("def bits_for_snr(snr_db):\n    return round((snr_db - 1.76) / 6.02)", "nearest"),
        ("def bits_for_snr(snr_db):\n    return math.ceil(snr_db / 6.02)", "left out the constant"),
        ("def bits_for_snr(snr_db):\n    return math.ceil((snr_db + 1.76) / 6.02)", "sign"),
        ("def bits_for_snr(snr_db):\n    return math.ceil((snr_db - 1.76) / 3.01)", "amplitude"),
    ],
    "cents_off": [
        ("def cents_off(a, b):\n    return 1200 * math.log2(a / b)", "direction"),
        ("def cents_off(a, b):\n    return 1200 * math.log(b / a)", "832"),
        ("def cents_off(a, b):\n    return 1200 * math.log10(b / a)", "361"),
        ("def cents_off(a, b):\n    return 12 * math.log2(b / a)", "semitones"),
        ("def cents_off(a, b):\n    return 1200 * (b / a - 1)", "equal ratios"),
    ],
    "buffer_length": [
        ("def buffer_length(ms, sr):\n    return 2 ** math.floor(math.log2(ms / 1000 * sr))", "how many buffers"),
        ("def buffer_length(ms, sr):\n    return ms / 1000 * sr / 2", "not a power of two"),
        ("def buffer_length(ms, sr):\n    return 2 ** math.floor(math.log2(ms * sr / 2))", "milliseconds or seconds"),
    ],
    "dither": [
        ("def my_quantize(x, bits):\n    return torch.round(x * 2 ** (bits - 1)) / 2 ** (bits - 1)", "on average"),
        ("def my_quantize(x, bits):\n    s = 2 ** (bits - 1)\n    return torch.round(x * s + torch.rand_like(x) - 0.5) / s", "changes with the signal"),
        ("def my_quantize(x, bits):\n    s = 2 ** (bits - 1)\n    return (torch.round(x * s) + torch.rand_like(x) - 0.5) / s", "last operation"),
        ("def my_quantize(x, bits):\n    s = 2 ** (bits - 1)\n    return torch.round(x * s + 2 * torch.randn_like(x)) / s", "How wide"),
    ],
    "downsample": [
        ("def third_of_the_samples(audio):\n    return audio[::3]", "filtered out before"),
        ("def third_of_the_samples(audio):\n    return audio.reshape(-1, 3).mean(1)", "its level changes"),
        ("def third_of_the_samples(audio):\n    x = audio[::3]\n    return (x + 0.05 * x.roll(1)) / 1.02", "alias"),
        ("def third_of_the_samples(audio):\n    return audio[::2]", "Shape [2400]"),
    ],
    "hann": [
        ("def my_hann(n):\n    return torch.hann_window(n, periodic=False)", "symmetric"),
        ("def my_hann(n):\n    return torch.hamming_window(n)", "Hamming"),
        ("def my_hann(n):\n    return torch.blackman_window(n)", "Blackman"),
        ("def my_hann(n):\n    return torch.ones(n)", "rectangular"),
        ("def my_hann(n):\n    return 0.5 + 0.5 * torch.cos(2 * math.pi * torch.arange(n) / n)", "sign of the cosine"),
        ("def my_hann(n):\n    return 1 - torch.cos(2 * math.pi * torch.arange(n) / n)", "factor of 2"),
        ("def my_hann(n):\n    return torch.hann_window(n + 1, periodic=False)", "one more"),
    ],
    "sine_amplitude": [
        ("def sine_amplitude(x):\n    return torch.fft.rfft(x * torch.hann_window(len(x))).abs().max()", "height of the peak"),
        ("def sine_amplitude(x):\n    return torch.fft.rfft(x * torch.hann_window(len(x))).abs().max() * 2 / len(x)", "Half of it"),
        ("def sine_amplitude(x):\n    return torch.fft.rfft(x * torch.hann_window(len(x))).abs().max() / len(x)", "quarter"),
        ("def sine_amplitude(x):\n    return x.square().mean().sqrt()", "RMS"),
    ],
    "window_length": [
        ("def window_length(d, sr):\n    return math.ceil(sr / d)", "main lobe of Hann"),
        ("def window_length(d, sr):\n    return math.ceil(2 * sr / d)", "half of a main lobe"),
        ("def window_length(d, sr):\n    return 4 * sr / d", "round up"),
        ("def window_length(d, sr):\n    return int(4 * sr / d)", "Rounded down"),
        ("def window_length(d, sr):\n    return 4 / d", "seconds"),
    ],
    "window_choice": [
        ("my_window = torch.ones(1024)", "side lobes"),
        ("my_window = torch.hann_window(1024)", "-69 dB"),
        ("my_window = torch.blackman_window(256)", "one hill"),
        ("my_window = torch.blackman_window(2048)", "8 to 1024 samples"),
        ("my_window = 'blackman'", "str"),
    ],
    "frame_count": [
        ("def my_frame_count(n, hop):\n    return n // hop", "Rounded down"),
        ("def my_frame_count(n, hop):\n    return 1 + n // hop", "torch.stft"),
        ("def my_frame_count(n, hop):\n    return n / hop", "whole number"),
        ("def my_frame_count(n, hop):\n    return round(n / hop)", "nearest"),
    ],
    "hop_from_overlap": [
        ("def hop_from_overlap(n, p):\n    return n * p / 100", "overlap in samples"),
        ("def hop_from_overlap(n, p):\n    return n * (1 - p)", "per cent"),
        ("def hop_from_overlap(n, p):\n    return 100 - p", "How many samples"),
    ],
    "locate": [
        ("def locate(k, i, n, h, sr):\n    return k * sr / n, (i * h + n // 2) / sr", "half a window late"),
        ("def locate(k, i, n, h, sr):\n    return k * sr / n, (i * h - n // 2) / sr", "left edge"),
        ("def locate(k, i, n, h, sr):\n    return k * sr / n, i * h", "in samples"),
        ("def locate(k, i, n, h, sr):\n    return k * sr / 2 / n, i * h / sr", "Nyquist frequency"),
        ("def locate(k, i, n, h, sr):\n    return k * sr / 2 / (n // 2 + 1), i * h / sr", "how many steps"),
        ("def locate(k, i, n, h, sr):\n    return i * h / sr, k * sr / n", "order"),
    ],
    "overlap_add": [
        ("def my_overlap_add(x, hop):\n    return x.flatten()", "hop apart"),
        ("def my_overlap_add(x, hop):\n    y = torch.zeros((len(x) - 1) * hop + x.shape[1], dtype=x.dtype)\n    for i in range(len(x)):\n"
         "        y[i * hop:i * hop + x.shape[1]] = x[i]\n    return y", "overwrites"),
        ("def my_overlap_add(x, hop):\n    y = torch.zeros(len(x) * hop + x.shape[1], dtype=x.dtype)\n    for i in range(len(x)):\n"
         "        y[i * hop:i * hop + x.shape[1]] += x[i]\n    return y[:len(x) * hop]", "cut off"),
        ("def my_overlap_add(x, hop):\n    x *= 2\n    return x.sum(0)", "in place"),
    ],
    "is_cola": [
        ("def is_cola(w, hop):\n    return True", "largest and the smallest"),
        ("def is_cola(w, hop):\n    return False", "shifted copies"),
        ("def is_cola(w, hop):\n    return len(w) / hop", "True or False"),
        ("def is_cola(w, hop):\n    return hop <= len(w) // 2", "symmetric Hann"),
    ],
}
