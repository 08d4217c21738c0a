"""A tone with exactly known pitch, for several tests."""
import torch


def make_tone(f0_hz, seconds, sr=16000, seed=0):
    "A plucked-looking tone with vibrato and exactly known f0, [T]."
    from ddsp_course.harmonic import tone

    n_frames = int(seconds * 100)
    time = torch.arange(n_frames) / 100
    f0 = f0_hz * 2 ** (0.3 / 12 * torch.sin(2 * torch.pi * 5.5 * time))
    amplitudes = 0.2 * (0.6 + 0.4 * torch.sin(2 * torch.pi * time / 1.3 + seed))[:, None] / torch.arange(1, 9)
    return tone(f0, amplitudes, sr, sr // 100)
