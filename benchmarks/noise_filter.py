"""Filtered noise and its gradient: a chain of Fourier transforms against one constant matrix.

    python benchmarks/noise_filter.py

Process CPU time on one thread, medians, the two versions in turn: 4 crops of 4 s at 16 kHz, 65 magnitudes a frame.
"""
import time
from statistics import median

import torch
from scipy.fft import next_fast_len

from ddsp_course.noise import filtered_noise, impulse_responses
from ddsp_course.stft import overlap_add


def reference(magnitudes, hop_length):
    "The same noise with taps, spectra and overlap-add as separate steps, left to autograd."
    taps = impulse_responses(magnitudes)
    n_batch, n_frames, n_taps = taps.shape
    white = torch.rand(n_batch, n_frames, hop_length) * 2 - 1
    n_block = hop_length + n_taps - 1
    n_fft = next_fast_len(n_block, real=True)
    blocks = torch.fft.irfft(torch.fft.rfft(white, n_fft) * torch.fft.rfft(taps, n_fft), n_fft)[..., :n_block]
    return overlap_add(blocks, hop_length)[:, n_taps // 2:n_taps // 2 + n_frames * hop_length]


def cpu_ms(synthesize, magnitudes, hop_length):
    "CPU time of forward and backward."
    magnitudes.grad = None
    start = time.process_time()
    synthesize(magnitudes, hop_length).sum().backward()
    return 1000 * (time.process_time() - start)


def measure(hops=(64, 160), repeats=20):
    "list of dict(hop, reference_ms, ours_ms, ratio)"
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    rows = []
    for hop in hops:
        magnitudes = torch.rand(4, 64000 // hop, 65, requires_grad=True)
        times = [[cpu_ms(f, magnitudes, hop) for f in (reference, filtered_noise)] for _ in range(repeats + 3)]
        reference_ms, ours_ms = (median(column) for column in zip(*times[3:]))
        rows.append({"hop": hop, "reference_ms": reference_ms, "ours_ms": ours_ms, "ratio": reference_ms / ours_ms})
    torch.set_num_threads(threads)
    return rows


def main():
    print(f"{'hop':>5s} {'transforms':>12s} {'matrix':>12s} {'ratio':>6s}")
    for row in measure():
        print(f"{row['hop']:5d} {row['reference_ms']:9.1f} ms {row['ours_ms']:9.1f} ms {row['ratio']:6.1f}")


if __name__ == "__main__":
    main()
