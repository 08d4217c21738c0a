"""Typical wrong answers: exercise -> list of (code that replaces the stub, word that the hint must hold).

The code sees the names of the notebook's imports: math, torch, np and the functions of the earlier modules.
"""

MISTAKES = {
    "window_start": [
        ("def window_start(i, size, n):\n    return i - size // 2", "frame 2"),
        ("def window_start(i, size, n):\n    return max(0, i - size // 2)", "last frame reaches"),
        ("def window_start(i, size, n):\n    return min(i, n - size)", "begins at the frame"),
    ],
    "jitter": [
        ("def jitter(z):\n    return z.diff(dim=0).norm(dim=1).sum() / len(z)", "one step fewer"),
        ("def jitter(z):\n    return (z[1:] - z[:-1]).abs().mean()", "taken alone"),
        ("def jitter(z):\n    return (z[1:] - z[:-1]).mean(0).norm()", "cancel"),
        ("def jitter(z):\n    return z.diff(dim=0).norm(dim=1).sum()", "whole path"),
        ("def jitter(z):\n    return z.diff(dim=0).square().sum(1).mean().sqrt()", "root of the mean square"),
    ],
    "between_share": [
        ("def between_share(z, group):\n    inside = sum((z[group == k] - z[group == k].mean(0)).square().sum() for k in group.unique())\n    return inside / (z - z.mean(0)).square().sum()", "inside the groups"),
        ("def between_share(z, group):\n    m = torch.stack([z[group == k].mean(0) for k in group.unique()])\n    return m.var(0, correction=0).sum() / z.var(0, correction=0).sum()", "counts once"),
        ("def between_share(z, group):\n    m = torch.stack([z[group == k].mean(0) for k in group.tolist()])\n    return (m - z.mean(0)).square().sum() / (z - m).square().sum()", "exceed 1"),
    ],
    "hold": [
        ("def hold(draws, starts, n_frames):\n    return draws[torch.searchsorted(starts, torch.arange(n_frames), right=True) - 1]", "index -1"),
        ("def hold(draws, starts, n_frames):\n    return draws[(torch.searchsorted(starts, torch.arange(n_frames)) - 1).clamp(min=0)]", "one frame late"),
        ("def hold(draws, starts, n_frames):\n    return draws[0].expand(n_frames, -1)", "one of its own"),
        ("def hold(draws, starts, n_frames):\n    return draws[(torch.arange(n_frames)[:, None] >= starts).sum(1).clamp(max=len(draws) - 1)]", "next note"),
    ],
    "conditional_mean": [
        ("def conditional_mean(mean, covariance, x):\n    g = covariance[0, 1] / covariance[1, 1]\n    return torch.stack([mean[0] + g * (x - mean[1]), covariance[0, 0]])", "less freedom"),
        ("def conditional_mean(mean, covariance, x):\n    g = covariance[0, 1] / covariance[0, 0]\n    return torch.stack([mean[0] + g * (x - mean[1]), covariance[0, 0] - g * covariance[0, 1]])", "variance of z"),
        ("def conditional_mean(mean, covariance, x):\n    g = covariance[0, 1] / covariance[1, 1]\n    return torch.stack([mean[0] + g * x, covariance[0, 0] - g * covariance[0, 1]])", "own mean"),
        ("def conditional_mean(mean, covariance, x):\n    return torch.stack([mean[0], covariance[0, 0]])", "without knowing"),
    ],
    "with_temperature": [
        ("def with_temperature(mean, covariance, noise, temperature):\n    return mean + temperature * torch.linalg.cholesky(covariance) @ noise", "by its square"),
        ("def with_temperature(mean, covariance, noise, temperature):\n    return temperature ** 0.5 * (mean + torch.linalg.cholesky(covariance) @ noise)", "mean shrinks"),
        ("def with_temperature(mean, covariance, noise, temperature):\n    return mean + temperature ** 0.5 * covariance @ noise", "covariance squared"),
        ("def with_temperature(mean, covariance, noise, temperature):\n    return mean + (temperature * covariance.diagonal()).sqrt() * noise", "on its own"),
    ],
    "forward": [
        ("def forward(start, transition, emission):\n    b = start * emission[0]\n    for e in emission[1:]: b = (transition @ b) * e\n    return b.sum().log()", "backwards"),
        ("def forward(start, transition, emission):\n    b = start\n    for e in emission[1:]: b = (b @ transition) * e\n    return b.sum().log()", "first frame"),
        ("def forward(start, transition, emission):\n    b = start * emission[0]\n    for e in emission[1:]: b = (b[:, None] * transition).max(0).values * e\n    return b.max().log()", "most likely path"),
        ("def forward(start, transition, emission):\n    return (emission @ start).log().sum()", "scored alone"),
    ],
    "persistence": [
        ("def persistence(x):\n    return 1 - x.diff().square().mean() / x.var(correction=0)", "the 2"),
        ("def persistence(x):\n    return x.diff().square().mean() / x.var(correction=0) / 2", "1 - rho"),
        ("def persistence(x):\n    return 1 - x.diff().square().mean() / x.square().mean() / 2", "around 0"),
    ],
    "dwell": [
        ("def dwell(p_stay, frame_rate):\n    return 1 / (1 - p_stay)", "in frames"),
        ("def dwell(p_stay, frame_rate):\n    return p_stay / (1 - p_stay) / frame_rate", "arrives"),
        ("def dwell(p_stay, frame_rate):\n    return math.log(0.5) / math.log(p_stay) / frame_rate", "half of the stays"),
    ],
}
