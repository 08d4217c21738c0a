"""The fast kernels against plain PyTorch: harmonic synthesizer, spectral loss, GRU, a whole training step, generation.

    python benchmarks/parts.py

Process CPU time on one thread; the two sides run in turn and the medians are compared. Memory is the growth of the peak
resident set over what the process had before, each case in a process of its own.
"""
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import torch

from ddsp_course import model, training
from ddsp_course.harmonic import angular_phase, harmonic_synth, silent_above_nyquist, upsample_linear
from ddsp_course.kernels import use_kernels
from ddsp_course.layers import GRU
from ddsp_course.losses import multiscale_spectral_loss, spectral_target
from ddsp_course.runs import TrainConfig

SR = 16000


def peak_mb():
    "Largest resident set of this process so far."
    status = Path("/proc/self/status")
    if status.exists():                                                     # getrusage would also count the process that started this one
        return int(next(line for line in status.read_text().splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
    import resource
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024)


def compare(repeats=9, **calls):
    "Median CPU milliseconds of each call, the calls in turn."
    times = {name: [] for name in calls}
    for k in range(repeats + 1):
        for name, call in calls.items():
            start = time.process_time()
            call()
            if k:
                times[name].append(1000 * (time.process_time() - start))
    return {name: median(values) for name, values in times.items()}


def naive_harmonic(f0_hz, amplitudes, sr, hop_length):
    "Every amplitude and every sine as an array [B, T, K]."
    k = torch.arange(1.0, amplitudes.shape[-1] + 1)
    phase = angular_phase(f0_hz, sr, hop_length).float()[..., None] * k
    return (upsample_linear(silent_above_nyquist(amplitudes, f0_hz, sr), hop_length) * torch.sin(phase)).sum(-1)


def plain_harmonic(*arguments):
    "The library's reference in plain PyTorch."
    with use_kernels(False):
        return harmonic_synth(*arguments)


def harmonic_case(batch_size, f0=70.0, hop_length=64, seconds=4, n_harmonics=100):
    "f0, amplitudes and the gradient that comes back, for one call."
    torch.manual_seed(0)
    n_frames = seconds * SR // hop_length
    f0_hz = (f0 + torch.rand(batch_size, n_frames)).requires_grad_()
    amplitudes = (torch.rand(batch_size, n_frames, n_harmonics) / n_harmonics).requires_grad_()
    return f0_hz, amplitudes, torch.randn(batch_size, n_frames * hop_length)


def both_ways(synth, f0_hz, amplitudes, grad, hop_length):
    "Forward and backward, gradients to f0 and to the amplitudes."
    f0_hz.grad = amplitudes.grad = None
    synth(f0_hz, amplitudes, SR, hop_length).backward(grad)


def harmonic(f0, hop_length=64):
    "Milliseconds of naive, plain and kernel, forward and backward."
    case = harmonic_case(4, f0, hop_length)
    calls = {"naive": naive_harmonic, "plain": plain_harmonic, "kernel": harmonic_synth}
    return compare(5, **{name: lambda f=f: both_ways(f, *case, hop_length) for name, f in calls.items()})


def harmonic_memory_mb(name):
    "Growth of the peak memory for batch 16, in a fresh process."
    code = ("import torch, parts; torch.set_num_threads(1); case = parts.harmonic_case(16); small = parts.harmonic_case(1, seconds=1)\n"
            f"synth = parts.{name}; parts.both_ways(synth, *small, 64)\n"
            "before = parts.peak_mb(); parts.both_ways(synth, *case, 64); print(parts.peak_mb() - before)")
    done = subprocess.run([sys.executable, "-c", code], cwd=sys.path[0], capture_output=True, text=True, check=True)
    return float(done.stdout)


def harmonic_errors():
    "Largest errors against float64: sound (absolute), gradients (relative to the largest), sound after ten minutes."
    worst = {"sound": 0.0, "gradient": 0.0}
    for f0, hop_length in ((20.0, 64), (70.0, 64), (70.0, 160), (400.0, 256), (3000.0, 64)):
        f0_hz, amplitudes, grad = harmonic_case(2, f0, hop_length, seconds=1)
        results = []
        for dtype in (torch.float32, torch.float64):
            inputs = [x.detach().to(dtype).requires_grad_() for x in (f0_hz, amplitudes)]
            y = harmonic_synth(*inputs, SR, hop_length)
            y.backward(grad.to(dtype))
            results.append((y.detach(), *(x.grad for x in inputs)))
        worst["sound"] = max(worst["sound"], (results[0][0] - results[1][0]).abs().max().item())
        for g, reference in zip(results[0][1:], results[1][1:]):
            worst["gradient"] = max(worst["gradient"], ((g - reference).abs().max() / reference.abs().max()).item())
    f0_hz = torch.full((1, 600 * 100), 440.1)
    y = harmonic_synth(f0_hz, torch.ones(1, 60000, 1), SR, 160)[0, -SR:]
    n = torch.arange(600 * SR - SR + 1, 600 * SR + 1, dtype=torch.float64)
    worst["sound after 10 minutes"] = (y - torch.sin(2 * torch.pi * (f0_hz[0, 0].double() * n / SR % 1))).abs().max().item()
    return worst


def spectral_loss():
    "Milliseconds forward and backward, with the target's magnitudes kept and not."
    torch.manual_seed(0)
    y, x = (0.1 * torch.randn(4, 4 * SR)).requires_grad_(), 0.1 * torch.randn(4, 4 * SR)
    target = spectral_target(x)

    def plain(reference):
        with use_kernels(False):
            multiscale_spectral_loss(y, reference).backward()

    def kernel(reference):
        multiscale_spectral_loss(y, reference).backward()
    return compare(7, plain=lambda: plain(x), kernel=lambda: kernel(x), plain_kept=lambda: plain(target), kernel_kept=lambda: kernel(target))


def gru(width):
    "Milliseconds forward and backward, batch 4, 400 frames."
    torch.manual_seed(0)
    ours, theirs = GRU(width, width), torch.nn.GRU(width, width, batch_first=True)
    x, grad = torch.randn(4, 400, width, requires_grad=True), torch.randn(4, 400, width)
    return compare(5, torch=lambda: theirs(x)[0].backward(grad), kernel=lambda: ours(x).backward(grad))


def step_case(frame_rate=100, batch_size=4, seconds=4, **choices):
    "A function that makes one training step of the course's default model."
    torch.manual_seed(0)
    hop_length, n_frames = SR // frame_rate, round(seconds * frame_rate)
    net = model.DDSP(model.ModelConfig(hop_length=hop_length, **choices))
    optimizer = torch.optim.Adam(net.parameters(), fused=True)
    batch = {
        "f0_hz": 300 + 600 * torch.rand(batch_size, 1).expand(-1, n_frames),
        "loudness_db": -30 + 10 * torch.randn(batch_size, n_frames),
        "mfcc": torch.randn(batch_size, n_frames, 30),
        "audio": 0.1 * torch.randn(batch_size, n_frames * hop_length),
    }
    return lambda: training.train_step(net, optimizer, batch, TrainConfig(), 0)


def training_step(frame_rate):
    "Milliseconds of a step, plain and with kernels."
    step = step_case(frame_rate)

    def plain():
        with use_kernels(False):
            step()
    return compare(7, plain=plain, kernel=step)


def step_memory_mb():
    "Peak resident set of a process that trains ten steps, PyTorch itself included."
    code = "import torch, parts; torch.set_num_threads(1); step = parts.step_case(); [step() for _ in range(10)]; print(parts.peak_mb())"
    return float(subprocess.run([sys.executable, "-c", code], cwd=sys.path[0], capture_output=True, text=True, check=True).stdout)


@torch.no_grad()
def generation(seconds=20, frame_rate=100):
    "Seconds of sound a CPU second: decoder and synthesizer of the default model, one melody."
    torch.manual_seed(0)
    net = model.DDSP(model.ModelConfig(hop_length=SR // frame_rate)).eval()
    n_frames = seconds * frame_rate
    features = {"f0_hz": torch.linspace(200, 800, n_frames)[None], "loudness_db": torch.full((1, n_frames), -30.0), "z": torch.zeros(1, 6)}
    return 1000 * seconds / compare(5, run=lambda: net.synthesize(net(features)))["run"]


def main():
    torch.set_num_threads(1)
    for f0 in (70.0, 440.0):
        for hop_length in (64, 160):
            print(f"harmonic, f0 {f0:g} Hz, hop {hop_length}:", harmonic(f0, hop_length))
    print("errors:", harmonic_errors())
    print("memory, MB:", {name: harmonic_memory_mb(name) for name in ("naive_harmonic", "plain_harmonic", "harmonic_synth")})
    print("loss:", spectral_loss())
    for width in (128, 256, 512):
        print(f"GRU {width}:", gru(width))
    for frame_rate in (100, 250):
        print(f"step, {frame_rate} frames/s:", training_step(frame_rate))
    print("step, peak MB:", step_memory_mb())
    print("generation, x real time:", {rate: generation(frame_rate=rate) for rate in (100, 250)})


if __name__ == "__main__":
    main()
