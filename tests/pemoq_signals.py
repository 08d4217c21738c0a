"""Two of the reference signals, made from their recipes: 4 s at 48 kHz, rounded to 16 bits as in the files."""
import numpy as np
from scipy import signal

SR, N = 48000, 192000
TIME = np.arange(N) / SR


def sixteen_bits(x):
    return np.clip(np.round(32768 * x), -32768, 32767) / 32768


def low_passed(x, f_hz, order):
    "Zero-phase Butterworth."
    return signal.sosfiltfilt(signal.butter(order, f_hz, fs=SR, output="sos"), x)


def floor_noise(rng, f_hz):
    noise = low_passed(rng.standard_normal(N), f_hz, 8)
    return noise / noise.std()


def vibrato_tone(cents=0.0, n_harmonics=82):
    "A tone of 220 Hz with vibrato and up to 82 harmonics below 18.5 kHz."
    noise = floor_noise(np.random.default_rng(1), 19000.0)
    f0 = 220 * 2 ** ((35 * np.sin(2 * np.pi * 5.5 * TIME) * np.clip(TIME / 0.8, 0, 1) + cents) / 1200)
    turn, fade = 2 * np.pi * np.cumsum(f0) / SR, np.clip(TIME / 0.08, 0, 1) * np.clip((4 - TIME) / 0.25, 0, 1)
    tone = np.zeros(N)
    for k in range(1, n_harmonics + 1):
        tone += fade * k ** -1.1 * (1 + 0.3 * np.sin(2 * np.pi * 0.7 * TIME + k)) * (k * f0 < 18500) * np.sin(k * turn + 0.37 * k * k)
    return sixteen_bits(0.45 * tone / np.abs(tone).max() + 2e-4 * noise)


def noise_bursts():
    "Bursts of noise with a tone of 700 Hz; (start, seconds, level) of each."
    rng, gate = np.random.default_rng(3), np.zeros(N)
    for start, seconds, level in ((0.1, 0.5, 1), (0.8, 0.12, 0.5), (1.05, 0.12, 0.25), (1.4, 0.9, 0.7), (2.5, 0.03, 1), (2.7, 0.03, 1), (2.9, 0.9, 0.4)):
        gate = np.maximum(gate, level * np.clip((TIME - start) / 0.003, 0, 1) * np.clip((start + seconds - TIME) / 0.02, 0, 1))
    sound = gate * floor_noise(rng, 17000.0) + 0.8 * gate * np.sin(2 * np.pi * 700 * TIME)
    return sixteen_bits(0.6 * sound / np.abs(sound).max() + 1e-4 * floor_noise(rng, 17000.0))


def with_noise(x, snr_db, seed, f_hz=19000.0):
    noise = low_passed(np.random.default_rng(seed).standard_normal(N), f_hz, 8)
    return sixteen_bits(x + noise * np.sqrt(np.mean(x**2) / np.mean(noise**2)) * 10 ** (-snr_db / 20))


def generated_pairs():
    "Name of the pair -> (reference, test)."
    tone, bursts = vibrato_tone(), noise_bursts()
    return {
        "harm_vibrato__identical": (tone, tone),
        "harm_vibrato__noise_bl_60dB": (tone, with_noise(tone, 60, 101)),
        "harm_vibrato__noise_bl_40dB": (tone, with_noise(tone, 40, 102)),
        "harm_vibrato__noise_bl_20dB": (tone, with_noise(tone, 20, 103)),
        "harm_vibrato__lowpass_12k": (tone, sixteen_bits(low_passed(tone, 12000, 6))),
        "harm_vibrato__f0_plus_10cents": (tone, vibrato_tone(cents=10)),
        "harm_vibrato__harmonics_above_30_dropped": (tone, vibrato_tone(n_harmonics=30)),
        "noise_bursts__delay_24": (bursts, np.concatenate([np.zeros(24), bursts[:-24]])),
        "noise_bursts__lowpass_7k": (bursts, sixteen_bits(low_passed(bursts, 7000, 6))),
    }
