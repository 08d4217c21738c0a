"""How the bundled recordings are played: from written melodies to notes with a player's freedoms.

Timing, articulation, dynamics, vibrato and tuning are drawn from a seed for each file. The four
instruments of the quartet share their range and their loudness, so that only timbre tells them
apart.
"""
from dataclasses import dataclass

import numpy as np

from melodies import MELODIES, parse

RELEASE = 0.16                 # seconds from the end of a note to silence
MEAN_DB = -31.0                # mean A-weighted level of the notes, dB re full scale
MAX_DB, MIN_DB = -17.0, -50.0  # loudest and softest level of a note
QUARTET = ("violin", "flute", "clarinet", "trumpet")
LOW, HIGH = 62, 82             # range that the quartet shares, MIDI
GROUPS = (("ode_to_joy", "swan_lake", "can_can"), ("largo", "minuet", "nachtmusik"),
          ("lullaby", "greensleeves", "morning_mood"))
# The key (0 low .. 3 high) of a melody on violin, flute, clarinet, trumpet: chosen so that all
# four play each pitch about equally long.
KEYS = {"ode_to_joy": (0, 3, 1, 2), "swan_lake": (3, 0, 1, 2), "can_can": (1, 3, 2, 0),
        "largo": (2, 0, 3, 1), "minuet": (2, 3, 1, 0), "nachtmusik": (3, 2, 0, 1),
        "lullaby": (2, 1, 0, 3), "greensleeves": (1, 2, 3, 0), "morning_mood": (0, 1, 3, 2)}
TEMPI = (1.0, 1.04, 1.08, 1.12)
COMMON = (("amazing_grace", 0, 1.0), ("spring", -1, 1.0), ("mountain_king", 8, 1.0))
WHOLE = ((("scale_study", 0, 1.0), ("auld_lang_syne", -3, 1.0), ("irish_washerwoman", 12, 1.0),
          ("caprice", 0, 1.0)),
         (("toccata", 0, 1.0), ("jesu_joy", 9, 1.0)),
         (("folia", -12, 1.0), ("turkish_march", 5, 1.0), ("fur_elise", 12, 1.0)),
         (("canon", 0, 1.1), ("bumblebee", 0, 1.0), ("arpeggio_study", 0, 1.0)))


@dataclass
class Note:
    """One note to play: times in seconds, levels in dB, pitch deviations in cents."""

    onset: float
    duration: float
    midi: int
    phrase: int
    detached: bool
    level_db: float            # wanted A-weighted level, of which
    gain_db: float             # is the gain of the recording, not the player's force
    swell_db: float            # rise to the middle of the note (> 0) or fall to its end (< 0)
    tuning: float
    vibrato: tuple             # start in s, rate in Hz, depth in cents, phase in rad
    tied_before: bool = False  # legato from the note before / to the note after
    tied_after: bool = False

    @property
    def velocity(self):
        force_db = self.level_db - self.gain_db - MEAN_DB
        return int(np.clip(round(64 + 2.7 * force_db), 20, 120))


def programme(name):
    """Instrument, seed and (melody, transposition, tempo factor) list of the file `name`."""
    instrument, part = name.rsplit("_", 1)
    if instrument == "violin_whole":
        return "violin", 100 + int(part), WHOLE[int(part) - 1]
    if part == "common":
        return instrument, 7, COMMON
    i, file = QUARTET.index(instrument), int(part) - 1
    group = GROUPS[(file + i) % 3]
    return instrument, 10 + 3 * i + file, [
        (melody, transposition(melody, KEYS[melody][i]), TEMPI[(KEYS[melody][i] + i) % 4])
        for melody in np.roll(group, i + i // 3)]


def transposition(melody, key):
    """Semitones that put `melody` in the lowest (key 0) to highest (3) place of the range."""
    pitches = [note.midi for phrase in parse(MELODIES[melody]) for note in phrase if note.midi]
    lowest, highest = LOW - min(pitches), HIGH - max(pitches)
    return round(lowest + (highest - lowest) * key / 3)


def all_names():
    """Folder and name of every file."""
    quartet = [(f"quartet/{i}", f"{i}_{part}") for i in QUARTET for part in (1, 2, 3, "common")]
    return quartet + [("violin_whole", f"violin_whole_{i + 1}") for i in range(len(WHOLE))]


def perform(name):
    """Return the notes of the file `name` with a player's freedoms, and its length in s."""
    _, seed, pieces = programme(name)
    rng = np.random.default_rng(seed)
    phrases = [(phrase, shift, 60 / (MELODIES[title].tempo * speed))
               for title, shift, speed in pieces for phrase in parse(MELODIES[title])]
    n = len(phrases)
    phrase_db = rng.permutation(np.linspace(-14, 14, n))          # pp to ff, evenly spread
    gain_db = rng.uniform(-5, 5, n)                               # its share from the recording
    arch_db = rng.permutation(np.resize([3, -2, 2, 4], n))        # swell of the phrase
    tilt_db = rng.permutation(np.resize([0, 3, -3], n))           # crescendo or diminuendo
    notes, time = [], 0.25
    for k, (phrase, shift, beat) in enumerate(phrases):
        level_db = phrase_db[k], gain_db[k], arch_db[k], tilt_db[k]
        played, time = _play_phrase(phrase, k, shift, beat, time, level_db, rng)
        notes += played
        time += rng.uniform(0.3, 0.8)
    _set_mean_level(notes)
    return notes, time


def _set_mean_level(notes):
    """Keep the levels within the limits, softly at the top, and their mean over time at MEAN_DB."""
    wished = np.array([note.level_db for note in notes])
    offset_db = 0.0
    for _ in range(8):                                            # the limits move the mean
        softened = MAX_DB - 3 * np.logaddexp(0, (MAX_DB - wished - offset_db) / 3)
        for note, level_db in zip(notes, softened):
            note.level_db = float(max(level_db, MIN_DB))
        curve = [target_level(note, np.arange(0, note.duration, 0.004)) for note in notes]
        offset_db += MEAN_DB - np.concatenate(curve).mean()


def _play_phrase(phrase, index, shift, beat, time, level_db, rng):
    """Notes of one phrase that starts at `time`, and the time at which it ends."""
    base_db, gain_db, arch_db, tilt_db = level_db
    total = sum(note.beats for note in phrase)
    notes, position = [], 0.0
    for i, written in enumerate(phrase):
        place = (position + written.beats / 2) / total               # 0 .. 1 in the phrase
        length = written.beats * beat * (1 + 0.12 * max(0, place - 0.8) / 0.2)
        follower = phrase[i + 1] if i + 1 < len(phrase) else None
        if written.midi is not None:
            tied = (follower is not None and follower.midi is not None
                    and follower.midi != written.midi and not written.detached)
            sounding = length * (0.7 if written.detached else 1 if tied else 0.92)
            late = 0 if notes and notes[-1].tied_after else min(0.01, abs(rng.normal(0, 0.005)))
            level = (base_db + arch_db * np.sin(np.pi * place) + tilt_db * (2 * place - 1)
                     + 2.5 * written.accented + rng.normal(0, 0.8))
            swell = -rng.uniform(3, 8) if written.detached else rng.uniform(0, 5) * (sounding > 0.5)
            notes.append(Note(
                onset=round(time + late, 4), duration=round(sounding - late, 4),
                midi=written.midi + shift, phrase=index, detached=written.detached,
                level_db=level, gain_db=gain_db, swell_db=swell,
                tuning=rng.normal(0, 5), vibrato=_vibrato(sounding, rng),
                tied_before=bool(notes) and notes[-1].tied_after, tied_after=tied))
        time += length
        position += written.beats
    return notes, time


def _vibrato(sounding, rng):
    """Start, rate, depth and phase of a vibrato; short notes have none."""
    start, rate, depth, phase = (rng.uniform(0.18, 0.3), rng.uniform(4.8, 6.0),
                                 rng.uniform(15, 40), rng.choice([0, np.pi]))
    return start, rate, depth if sounding > 0.45 else 0.0, phase


def target_level(note, times):
    """Wanted A-weighted level in dB at `times` seconds from the onset of `note`."""
    place = np.clip(times / note.duration, 0, 1)
    if note.swell_db >= 0:
        level = note.level_db + note.swell_db * (np.sin(np.pi * place) - 0.64)
    else:
        level = note.level_db + note.swell_db * (place - 0.5)
    if note.tied_before:
        level = level - 3 * np.clip(1 - times / 0.04, 0, 1)
    else:
        attack = 0.03 if note.detached else 0.06
        level = level - 30 * np.clip(1 - times / attack, 0, 1.5) ** 2
    if not note.tied_after:
        level = level - 50 * np.clip((times - note.duration) / RELEASE, 0, 1)
    return level


def pitch_deviation(note, times):
    """Cents above the written pitch at `times` seconds from the onset of `note`."""
    start, rate, depth, phase = note.vibrato
    grown = np.clip((times - start) / 0.25, 0, 1)
    return note.tuning + depth * grown * np.sin(2 * np.pi * rate * (times - start) + phase)
