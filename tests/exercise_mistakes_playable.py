"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold)."""

MISTAKES = {
    "is_causal": [
        ("def is_causal(system, x):\n    n = len(x) // 2\n    return torch.allclose(system(x)[:n], system(x.flip(0))[:n])", "whole input"),
        ("def is_causal(system, x):\n    n = len(x) // 2\n    return torch.allclose(system(x)[n:], system(x[n:]))", "compare the end"),
        ("def is_causal(system, x):\n    n = len(x) // 2\n    return not torch.allclose(system(x)[:n], system(x[:n]))", "other way round"),
        ("def is_causal(system, x):\n    return system(x).shape == x.shape", "shape"),
    ],
    "blend": [
        ("def blend(d2, rests):\n    w = 1 / d2\n    return w @ rests / w.sum()", "division by zero"),
        ("def blend(d2, rests):\n    return (1 / (d2 + 1e-12)) @ rests", "sum to 1"),
        ("def blend(d2, rests):\n    w = 1 / (d2.sqrt() + 1e-12)\n    return w @ rests / w.sum()", "square"),
        ("def blend(d2, rests):\n    return rests[d2.argmin()]", "jumps"),
    ],
    "latency_ms": [
        ("def latency_ms(hop, sr, buffer, sr_out):\n    return 1000 * (hop / sr + buffer / sr_out)", "one more"),
        ("def latency_ms(hop, sr, buffer, sr_out):\n    return 2 * hop / sr + buffer / sr_out", "seconds"),
        ("def latency_ms(hop, sr, buffer, sr_out):\n    return 1000 * (2 * hop + buffer) / sr", "rate of its own"),
    ],
}
