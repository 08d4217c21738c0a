"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold).

The code sees the names of the notebooks' imports: math, torch, np and the functions of the earlier modules.
"""

INPUTS = "def decoder_inputs(f, x, m, s):\n    return torch.stack([{}, {}], -1)"
GRU = "def gru_of_decoder(h, z):\n    n = {}\n    return {} * (n * h + h * h + {} * h)"
ADAM = "def adam_step(m, v, t, g, rate):\n    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g * g\n    return {}"

MISTAKES = {
    "decoder_inputs": [
        (INPUTS.format("torch.log2(f / 440)", "(x - x.mean()) / x.std()"), "own mean"),
        (INPUTS.format("torch.log(f / 440)", "(x - m) / s"), "natural"),
        (INPUTS.format("torch.log2(f)", "(x - m) / s"), "above 1 Hz"),
        (INPUTS.format("12 * torch.log2(f / 440)", "(x - m) / s"), "semitones"),
        (INPUTS.format("f / 440", "(x - m) / s"), "interval"),
        (INPUTS.format("torch.log2(f / 440)", "(x - m) / s ** 2"), "variance"),
        ("def decoder_inputs(f, x, m, s):\n    return torch.stack([torch.log2(f / 440), (x - m) / s])", "Time comes first"),
    ],
    "gru_of_decoder": [
        (GRU.format("2 * h + z", 3, 2), "hand z"),
        (GRU.format("2 + z", 3, 2), "bare inputs"),
        (GRU.format("2 * h", 3, 2), "Right without z"),
        (GRU.format("3 * h", 3, 2), "Right with z"),
        (GRU.format("(3 if z else 2) * h", 3, 1), "two, one for"),
        (GRU.format("(3 if z else 2) * h", 4, 2), "LSTM"),
    ],
    "changed_frames": [
        ("def changed_frames(n, i, feature, z):\n    return torch.arange(n) >= i", "encoder"),
        ("def changed_frames(n, i, feature, z):\n    return torch.arange(n) == i", "remember"),
        ("def changed_frames(n, i, feature, z):\n    return torch.ones(n, dtype=bool)", "reads forwards"),
        ("def changed_frames(n, i, feature, z):\n    if feature == 'mfcc':\n        return torch.full((n,), z)\n    return torch.arange(n) >= i", "What weighs"),
        ("def changed_frames(n, i, feature, z):\n    return (torch.arange(n) >= i) & (z or feature != 'mfcc')", "holds for the whole clip"),
    ],
    "cost_of_missing": [
        ("def cost_of_missing(x):\n    s = 10 ** (x / 10)\n    return s, math.log((s + 1e-5) / 1e-5)", "power"),
        ("def cost_of_missing(x):\n    s = 10 ** (x / 20)\n    return s, math.log10((s + 1e-5) / 1e-5)", "Decades"),
        ("def cost_of_missing(x):\n    s = 10 ** (x / 20)\n    return s, -math.log(s + 1e-5)", "magnitude of 1"),
        ("def cost_of_missing(x):\n    s = 10 ** (x / 20)\n    return math.log((s + 1e-5) / 1e-5), s", "other order"),
        ("def cost_of_missing(x):\n    s = 10 ** (x / 20)\n    return s, math.log((s + 1e-7) / 1e-7)", "1e-7"),
    ],
    "resolved": [
        ("def resolved(f, sr, sizes):\n    return [f >= sr / n for n in sizes]", "One bin"),
        ("def resolved(f, sr, sizes):\n    return [f >= 2 * sr / n for n in sizes]", "half a main lobe"),
        ("def resolved(f, sr, sizes):\n    return [f <= 4 * sr / n for n in sizes]", "other way round"),
        ("def resolved(f, sr, sizes):\n    return [f >= 8 * sr / n for n in sizes]", "Eight"),
    ],
    "louder_loss": [
        ("def louder_loss(a, b, g):\n    return g * (a + b)", "ratio"),
        ("def louder_loss(a, b, g):\n    return a + b", "blind"),
        ("def louder_loss(a, b, g):\n    return g * a + b + math.log(g)", "left of it"),
        ("def louder_loss(a, b, g):\n    return g ** 2 * a + b", "twice"),
    ],
    "best_gain": [
        ("def best_gain(x, y, gains):\n    return gains[(gains[:, None] * x - y).square().sum(-1).argmin()]", "Squared"),
        ("def best_gain(x, y, gains):\n    return (gains[:, None] * x - y).abs().sum(-1).argmin()", "place"),
        ("def best_gain(x, y, gains):\n    return (gains[:, None] * x - y).abs().sum(-1).min()", "cost of"),
        ("def best_gain(x, y, gains):\n    return gains[(gains * x.sum() - y.sum()).abs().argmin()]", "bin by bin"),
        ("def best_gain(x, y, gains):\n    return gains[((gains[:, None] * x + 1e-5).log() - (y + 1e-5).log()).abs().sum(-1).argmin()]", "hates silence"),
    ],
    "resumed_log": [
        ("def resumed_log(old, new, done):\n    return torch.cat([old, new])", "twice"),
        ("def resumed_log(old, new, done):\n    return torch.cat([old, new[new[:, 0] > old[-1, 0]]])", "done again"),
        ("def resumed_log(old, new, done):\n    return torch.cat([old[old[:, 0] < done], new])", "valid"),
        ("def resumed_log(old, new, done):\n    return torch.cat([old[:done], new])", "every step"),
    ],
    "checkpoint_bytes": [
        ("def checkpoint_bytes(n, k):\n    return 12 * n", "one more number"),
        ("def checkpoint_bytes(n, k):\n    return 8 * n + 4 * k", "running mean is missing"),
        ("def checkpoint_bytes(n, k):\n    return 16 * n + 4 * k", "anew"),
        ("def checkpoint_bytes(n, k):\n    return 4 * n", "weights alone"),
        ("def checkpoint_bytes(n, k):\n    return 3 * n + k", "How many bytes"),
    ],
    "adam_step": [
        ("def adam_step(m, v, t, g, rate):\n    return -rate * g / (abs(g) + 1e-8)", "empty means"),
        (ADAM.format("-rate * m / (v ** 0.5 + 1e-8)"), "long run"),
        (ADAM.format("rate * m / (1 - 0.9 ** t) / ((v / (1 - 0.999 ** t)) ** 0.5 + 1e-8)"), "Uphill"),
        (ADAM.format("-rate * m / (1 - 0.9 ** t) / (v / (1 - 0.999 ** t) + 1e-8)"), "mean of squares"),
        (ADAM.format("-rate * g"), "gradient descent"),
    ],
    "whole_gradient": [
        ("def whole_gradient(d, c):\n    return d.mean(0)", "small share"),
        ("def whole_gradient(d, c):\n    return d.sum(0)", "grows"),
        ("def whole_gradient(d, c):\n    return (d * c[:, None]).sum(0)", "their mean"),
        ("def whole_gradient(d, c):\n    return d.sum(0) / c.sum()", "already"),
    ],
    "shared_clip": [
        ("def shared_clip(d, c):\n    return torch.stack([x * min(1.0, c / float(x.norm())) for x in d]).mean(0)", "before the mean"),
        ("def shared_clip(d, c):\n    return d.mean(0).clamp(-c, c)", "turns the gradient"),
        ("def shared_clip(d, c):\n    return d.mean(0) * c / d.mean(0).norm()", "only shortens"),
        ("def shared_clip(d, c):\n    return d.sum(0) * min(1.0, c / float(d.sum(0).norm()))", "sum is longer"),
        ("def shared_clip(d, c):\n    return d.mean(0)", "longer than allowed"),
    ],
    "own_noise": [
        ("def own_noise(seed, rank, size, share, n):\n    return torch.rand(share, n, generator=torch.Generator().manual_seed(seed))", "process 0"),
        ("def own_noise(seed, rank, size, share, n):\n    return torch.rand(share, n, generator=torch.Generator().manual_seed(seed + rank))", "the seed stays"),
        ("def own_noise(seed, rank, size, share, n):\n    return torch.rand(size * share, n, generator=torch.Generator().manual_seed(seed))[rank : rank + share]", "How many rows"),
        ("def own_noise(seed, rank, size, share, n):\n    return torch.rand(size * share, n, generator=torch.Generator().manual_seed(seed))[rank::size]", "cards"),
    ],
    "rate_at": [
        ("def rate_at(step, steps, start):\n    return start * (1 - 0.9 * step / steps)", "straight line"),
        ("def rate_at(step, steps, start):\n    return start * math.exp(-step / steps)", "0.37"),
        ("def rate_at(step, steps, start):\n    return start * 0.9 ** (step / steps)", "to a tenth"),
        ("def rate_at(step, steps, start):\n    return start * 0.1 ** ((step + 1) / steps)", "from 0"),
    ],
    "crop_places": [
        ("def crop_places(n, hop, frames):\n    return max(0, n // hop - frames)", "One too few"),
        ("def crop_places(n, hop, frames):\n    return n // hop - frames + 1", "short one"),
        ("def crop_places(n, hop, frames):\n    return n // hop", "beyond the end"),
        ("def crop_places(n, hop, frames):\n    return max(0, n - frames * hop) + 1", "in samples"),
        ("def crop_places(n, hop, frames):\n    return max(0, math.ceil(n / hop) - frames) + 1", "begun at the end"),
    ],
    "resumed_draws": [
        ("def resumed_draws(make, done, steps):\n    g = make(done)\n    return [float(torch.rand((), generator=g)) for _ in range(done, steps)]", "new one for each"),
        ("def resumed_draws(make, done, steps):\n    return [float(torch.rand((), generator=make(s))) for s in range(steps - done)]", "counted from 0 again"),
        ("def resumed_draws(make, done, steps):\n    return [float(torch.rand((), generator=make(s + 1))) for s in range(done, steps)]", "too late"),
        ("def resumed_draws(make, done, steps):\n    return [float(torch.rand((), generator=make(done))) for s in range(done, steps)]", "alike"),
    ],
    "stuck_phase": [
        ("def stuck_phase(d):\n    return 2 ** math.ceil(math.log2(128 * d))", "still moves"),
        ("def stuck_phase(d):\n    return 256 * d", "leaps"),
        ("def stuck_phase(d):\n    return 2 ** math.ceil(math.log2(2048 * d))", "float16"),
    ],
    "share_db": [
        ("def share_db(a, b):\n    return a - b", "half of the power"),
        ("def share_db(a, b):\n    return a - 20 * math.log10(10 ** (a / 20) + 10 ** (b / 20))", "add amplitudes"),
        ("def share_db(a, b):\n    return 10 ** (a / 10) / (10 ** (a / 10) + 10 ** (b / 10))", "between 0 and 1"),
        ("def share_db(a, b):\n    return 10 * math.log10(10 ** (a / 10) + 10 ** (b / 10))", "level of the whole"),
    ],
    "dead_since": [
        ("def dead_since(x, floor):\n    return int((x <= floor).nonzero()[0]) + 1 if (x <= floor).any() else 0", "rest"),
        ("def dead_since(x, floor):\n    return int((x <= floor).sum())", "number of silent"),
        ("def dead_since(x, floor):\n    loud = (x > floor).nonzero()\n    return int(loud[-1]) + 2 if len(loud) else 1", "Right where"),
    ],
    "knob_slope": [
        ("def knob_slope(x):\n    s = torch.sigmoid(x)\n    return s * (1 - s)", "sigmoid alone"),
        ("def knob_slope(x):\n    return 2 * math.log(10) * torch.sigmoid(x) ** (math.log(10) - 1)", "chain rule"),
        ("def knob_slope(x):\n    return (exp_sigmoid(x) - 1e-7) * (1 - torch.sigmoid(x))", "comes down"),
        ("def knob_slope(x):\n    return math.log(10) * (exp_sigmoid(x) - 1e-7)", "upper end"),
    ],
}
