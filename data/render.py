"""Make the bundled recordings: FluidSynth plays the written melodies as a musician might.

    python data/render.py --out data                # all files
    python data/render.py --out /tmp/x --only flute_1

Needs FluidSynth, pyfluidsynth and FluidR3_GM.sf2 (Debian: ``apt install fluidsynth
fluid-soundfont-gm``). The same versions give the same samples; SOURCES.md names ours.

Each note is played alone at 48 kHz, with vibrato by pitch bend. Its A-weighted level is then
measured and moved to the level the performance asks for, so that loudness says nothing about
the instrument. The notes are joined, brought to 16 kHz and written as 16-bit FLAC.
"""
import argparse
import csv
import ctypes
import hashlib
from pathlib import Path

import numpy as np
import soundfile as sf
import soxr

from performance import RELEASE, all_names, perform, pitch_deviation, programme, target_level

SOUNDFONT = "/usr/share/sounds/sf2/FluidR3_GM.sf2"
SR, SR_OUT = 48000, 16000
STEP = 256                     # samples between two control values (5.3 ms), 4 FluidSynth blocks
LEAD = 0.06                    # seconds played before the onset of a note
FADE = 0.03                    # seconds of cross-fade between legato notes
PROGRAMS = {"trumpet": 56, "violin": 40, "clarinet": 71, "flute": 73}  # General MIDI, from 0


class Player:
    """One FluidSynth instrument, dry, giving float samples at 48 kHz."""

    FILTER_CUTOFF = 8  # SoundFont generator: low-pass cut-off in cents

    def __init__(self, instrument, soundfont):
        import fluidsynth
        self.library = fluidsynth._fl
        self.synth = fluidsynth.Synth(gain=0.6, samplerate=SR)
        self.synth.setting("synth.reverb.active", 0)
        self.synth.setting("synth.chorus.active", 0)
        bank = self.synth.sfload(str(soundfont))
        if bank < 0:
            raise FileNotFoundError(f"FluidSynth cannot load the soundfont {soundfont}")
        self.synth.program_select(0, bank, 0, PROGRAMS[instrument])

    def samples(self, n):
        left, right = np.zeros(n, np.float32), np.zeros(n, np.float32)
        pointers = [ctypes.c_void_p(x.ctypes.data) for x in (left, right)]
        self.library.fluid_synth_write_float(ctypes.c_void_p(self.synth.synth), n,
                                             pointers[0], 0, 1, pointers[1], 0, 1)
        return (left.astype(float) + right) / 2

    def play(self, note):
        """Sound of `note` from LEAD s before its onset to RELEASE s after its end."""
        n_steps = int(np.ceil((LEAD + note.duration + RELEASE) * SR / STEP))
        times = np.arange(n_steps) * STEP / SR - LEAD
        bends = np.round(pitch_deviation(note, times) / 200 * 8192).astype(int)
        cutoff = ctypes.c_float(-3600 * (1 - note.velocity / 127))   # soft notes are darker
        self.library.fluid_synth_set_gen(ctypes.c_void_p(self.synth.synth), 0,
                                         self.FILTER_CUTOFF, cutoff)
        steps = []
        if not note.tied_before:                                     # silent until the onset
            steps.append(np.zeros(round(LEAD * SR / STEP) * STEP))
            bends = bends[round(LEAD * SR / STEP):]
        self.synth.noteon(0, note.midi, note.velocity)
        for bend in bends:
            self.synth.pitch_bend(0, int(bend))
            steps.append(self.samples(STEP))
        self.synth.all_sounds_off(0)
        self.samples(16 * STEP)
        return np.concatenate(steps)

    def close(self):
        self.synth.delete()


def level_curve(audio):
    """A-weighted level in dB every STEP samples (IEC 61672 weighting, 30 ms Hann mean)."""
    f2 = np.fft.rfftfreq(len(audio), 1 / SR) ** 2
    weight = 1.2589 * 12194**2 * f2**2 / ((f2 + 20.6**2) * (f2 + 12194**2) * np.sqrt(
        (f2 + 107.7**2) * (f2 + 737.9**2)))
    weight[f2 > (SR_OUT / 2) ** 2] = 0                               # not heard at 16 kHz
    power = np.fft.irfft(np.fft.rfft(audio) * weight, len(audio)) ** 2
    window = np.hanning(round(0.03 * SR))
    smooth = np.convolve(power, window / window.sum(), "same")
    return 10 * np.log10(np.maximum(smooth[::STEP], 1e-12))


def shape(audio, note):
    """Bring the sound of `note` to its wanted level curve and fade its ends."""
    times = np.arange(len(audio)) / SR - LEAD
    wanted = target_level(note, times[::STEP])
    measured = level_curve(audio)
    body = np.median(measured[(times[::STEP] > 0) & (times[::STEP] < note.duration)])
    gain_db = np.clip(wanted - np.maximum(measured, body - 20), -80, 80)
    audio = audio * 10 ** (np.interp(times, times[::STEP], gain_db) / 20)
    fade_in = FADE if note.tied_before else 0.004
    begin = -FADE / 2 if note.tied_before else 0.0
    audio = audio * np.sin(np.pi / 2 * np.clip((times - begin) / fade_in, 0, 1))
    end = note.duration + (FADE / 2 if note.tied_after else RELEASE)
    return audio * np.sin(np.pi / 2 * np.clip((end - times) / FADE, 0, 1))


def render(name, soundfont=SOUNDFONT):
    """Return the samples (16-bit integers at 16 kHz) and the notes of the file `name`."""
    notes, seconds = perform(name)
    player = Player(programme(name)[0], soundfont)
    mix = np.zeros(int(seconds * SR))
    for note in notes:
        audio = shape(player.play(note), note)
        start = round((note.onset - LEAD) * SR)
        stop = min(len(mix), start + len(audio))
        mix[start:stop] += audio[:stop - start]
    player.close()
    audio = soxr.resample(mix, SR, SR_OUT, "VHQ")
    if np.abs(audio).max() > 10 ** (-1 / 20):
        raise ValueError(f"{name} peaks at {np.abs(audio).max():.2f}: lower MEAN_DB")
    return np.round(audio * 32767).astype(np.int16), notes


def write_score(path, notes):
    """Write what sounds in a file: one line a note."""
    with open(path, "w", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("onset_s", "duration_s", "midi", "velocity", "articulation", "phrase"))
        for note in notes:
            table.writerow((f"{note.onset:.4f}", f"{note.duration:.4f}", note.midi, note.velocity,
                            "detached" if note.detached else "legato", note.phrase))


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--soundfont", default=SOUNDFONT, help="FluidR3_GM.sf2")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="folder to fill")
    parser.add_argument("--only", help="render this file alone, for example flute_1")
    args = parser.parse_args()
    chosen = [(folder, name) for folder, name in all_names() if args.only in (None, name)]
    if not chosen:
        parser.error(f"--only {args.only}: no such file, there are {[n for _, n in all_names()]}")
    for folder, name in chosen:
        path = args.out / folder / f"{name}.flac"
        path.parent.mkdir(parents=True, exist_ok=True)
        audio, notes = render(name, args.soundfont)
        sf.write(path, audio, SR_OUT, subtype="PCM_16")
        write_score(path.with_suffix(".csv"), notes)
        print(f"{path}  {len(audio) / SR_OUT:.1f} s  {len(notes)} notes")
    if args.only is None:
        lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(args.out)}"
                 for path in sorted(args.out / folder / f"{name}.{kind}" for folder, name in chosen
                                    for kind in ("csv", "flac"))]
        (args.out / "SHA256SUMS").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
