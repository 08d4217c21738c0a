"""The melodies of the bundled recordings, written down as notes.

All are in the public domain: traditional tunes, or composers who died before 1910.

A melody is a string of notes: name, octave (C4 = MIDI 60), then marks. ``:1.5`` gives the
length in quarter notes and holds until the next length. ``.`` after the octave = detached,
``>`` = accented, no mark = legato. ``R`` is a rest, ``|`` a bar line, ``/`` the end of a phrase.
"""
import re
from dataclasses import dataclass

STEPS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
TOKEN = re.compile(r"(?:([A-G])([#b]?)(\d)|R)([.>]*)(?::([\d.]+))?")


@dataclass(frozen=True)
class Melody:
    """A tune: title, origin, quarter notes a bar and a minute, its notes."""

    title: str
    origin: str
    bar: float
    tempo: float
    notes: str


@dataclass(frozen=True)
class WrittenNote:
    """One note or rest (midi None) as written; length in quarter notes."""

    midi: int | None
    beats: float
    detached: bool
    accented: bool


def parse(melody):
    """Return the phrases of a `Melody`, each a list of `WrittenNote`; checks the bar lines."""
    phrases, phrase, beats = [], [], 1.0
    bars, filled = [], 0.0
    for token in melody.notes.split():
        if token == "|":
            bars.append(filled)
            filled = 0.0
        elif token == "/":
            phrases.append(phrase)
            phrase = []
        else:
            match = TOKEN.fullmatch(token)
            if match is None:
                raise ValueError(f"{melody.title}: cannot read the note {token!r}")
            step, accidental, octave, marks, length = match.groups()
            beats = float(length) if length else beats
            midi = None if step is None else (
                12 * (int(octave) + 1) + STEPS[step] + {"": 0, "#": 1, "b": -1}[accidental])
            phrase.append(WrittenNote(midi, beats, "." in marks, ">" in marks))
            filled += beats
    wrong = [i for i, length in enumerate(bars) if i > 0 and abs(length - melody.bar) > 0.01]
    if wrong or max(bars[0], filled) > melody.bar + 0.01:
        raise ValueError(f"{melody.title}: bars {wrong} do not last {melody.bar} quarter notes")
    return phrases + [phrase]


MELODIES = {
    # ---- played by all four instruments, in a key of their own (MIDI 62 to 82) ----
    "ode_to_joy": Melody("Ode to Joy", "Ludwig van Beethoven, Symphony No. 9, 1824", 4, 152, """
        F#4:1 F#4 G4 A4 | A4 G4 F#4 E4 | D4 D4 E4 F#4 | F#4:1.5 E4:.5 E4:2 / |
        F#4.:1 F#4. G4. A4> | A4 G4 F#4 E4 | D4. D4. E4. F#4. | E4:1.5 D4:.5 D4:2"""),
    "lullaby": Melody("Cradle Song", "Johannes Brahms, Op. 49 No. 4, 1868", 3, 112, """
        A4:.5 A4 | C5:1.5 A4:.5 A4:1 | C5:2 A4:.5 C5 | F5:1 E5:1.5 D5:.5 | D5:1 C5 / G4:.5 A4 |
        Bb4:1 G4 G4:.5 A4 | Bb4:2 G4:.5 Bb4 | E5:.5 D5 C5:1 E5 | F5:2"""),
    "largo": Melody("Largo", "Antonin Dvorak, Symphony No. 9, 1893", 4, 76, """
        E4:.75 G4:.25 G4:1 E4:.75 D4:.25 C4:1 | D4:.75 E4:.25 G4:.75 E4:.25 D4:2 / |
        E4:.75 G4:.25 G4:1 E4:.75 D4:.25 C4:1 | D4:.75 E4:.25 D4:.75 C4:.25 C4:2"""),
    "greensleeves": Melody("Greensleeves", "traditional, England, 16th century", 3, 126, """
        A4:.5 | C5:1 D5:.5 E5:.75 F#5:.25 E5:.5 | D5:1 B4:.5 G4:.75 A4:.25 B4:.5 |
        C5:1 A4:.5 A4:.75 G#4:.25 A4:.5 | B4:1 G#4:.5 E4:1 / A4:.5 |
        C5:1 D5:.5 E5:.75 F#5:.25 E5:.5 | D5:1 B4:.5 G4:.75 A4:.25 B4:.5 |
        C5:.75 B4:.25 A4:.5 G#4:.75 F#4:.25 G#4:.5 | A4:1.5 A4:1"""),
    "minuet": Melody("Minuet in G", "Christian Petzold, about 1725", 3, 138, """
        D5.>:1 G4:.5 A4 B4 C5 | D5.:1 G4. G4. | E5.>:1 C5:.5 D5 E5 F#5 | G5.:1 G4. G4. / |
        C5.>:1 D5:.5 C5 B4 A4 | B4.:1 C5:.5 B4 A4 G4 | F#4.:1 G4:.5 A4 B4 G4 | A4:3"""),
    "swan_lake": Melody("Swan theme", "Pyotr Tchaikovsky, Swan Lake, 1876", 4, 88, """
        F#5:2 B4:.5 C#5 D5 E5 | F#5:1.5 D5:.5 F#5:1.5 D5:.5 / |
        F#5>:1.5 B4:.5 D5:.5 B4 G4 D5 | B4:3"""),
    "morning_mood": Melody("Morning Mood", "Edvard Grieg, Peer Gynt, 1875", 3, 96, """
        B4:.5 G#4 F#4 E4 F#4 G#4 | B4 G#4 F#4 E4 F#4:.25 G#4 F#4 G#4 |
        B4:.5 G#4 B4 C#5 G#4 C#5 | B4 G#4 F#4 E4:1.5"""),
    "can_can": Melody("Infernal Galop", "Jacques Offenbach, Orpheus in the Underworld, 1858",
                      2, 138, """
        G4>:2 | A4.:.5 C5. B4. A4. | D5.:1 D5. | D5.:.5 E5. B4. C5. | A4.:1 A4. / |
        A4.:.5 C5. B4. A4. | G4. G5.> F#5. E5. | D5. C5. B4. A4. | G4>:2"""),
    "nachtmusik": Melody("A Little Night Music", "Wolfgang Amadeus Mozart, K. 525, 1787", 4, 132, """
        G5>:1 R:.5 D5. G5>:1 R:.5 D5. | G5. D5. G5. B5. D6>:1 R / |
        C6>:1 R:.5 A5. C6>:1 R:.5 A5. | C6. A5. F#5. A5. D5>:1.5"""),
    # ---- the common score: the same notes for all four, held out ----
    "amazing_grace": Melody("Amazing Grace", "traditional, United States, New Britain, 1829",
                            3, 112, """
        D4:1 | G4:2 B4:.5 G4 | B4:2 A4:1 | G4:2 E4:1 | D4:2 / D4:1 |
        G4:2 B4:.5 G4 | B4:2 A4:1 | D5:3 | D5:2"""),
    "spring": Melody("Spring", "Antonio Vivaldi, The Four Seasons, 1725", 4, 100, """
        E5.:.5 | G#5. G#5. G#5. F#5:.25 E5 B5>:1.5 B5:.25 A5 |
        G#5.:.5 G#5. G#5. F#5:.25 E5 B5>:1.5 B5:.25 A5 |
        G#5:.5 A5:.25 B5 A5:.5 G#5 F#5:2"""),
    "mountain_king": Melody("In the Hall of the Mountain King", "Edvard Grieg, Peer Gynt, 1875",
                            4, 126, """
        B3.:.5 C#4. D4. E4. F#4. D4. F#4>:1 | F4.:.5 C#4. F4>:1 E4.:.5 C4. E4>:1 / |
        B3.:.5 C#4. D4. E4. F#4. D4. F#4. B4. | A4. F#4. D4. F#4. A4>:2"""),
    # ---- the violin over its whole range ----
    "scale_study": Melody("Scale of G over three octaves", "study, written for this course", 4, 100, """
        G3:.25 A3 B3 C4 D4 E4 F#4 G4 A4 B4 C5 D5 E5 F#5 G5 A5 |
        B5 C6 D6 E6 F#6 G6 F#6 E6 D6 C6 B5 A5 G5 F#5 E5 D5 |
        C5 B4 A4 G4 F#4 E4 D4 C4 B3 A3 G3:1.5"""),
    "arpeggio_study": Melody("Arpeggios up to C7", "study, written for this course", 4, 92, """
        G3:.25 C4 E4 G4 C5 E5 G5 C6 E6 G6 C7:1 G6:.25 E6 |
        C6 G5 E5 C5 G4 E4 C4 G3 B3 D4 G4 B4 D5 G5 B5 D6 |
        F6:.5 D6:.25 B5 G5 F5 D5 B4 G4>:2 / |
        C5.:.25 E5. G5. C6. E6.:.25 C6. G5. E5. C6.:.25 G5. E5. C5. C4>:1"""),
    "auld_lang_syne": Melody("Auld Lang Syne", "traditional, Scotland, 1799", 4, 96, """
        C4:1 | F4:1.5 F4:.5 F4:1 A4 | G4:1.5 F4:.5 G4:1 A4 / |
        F4:1.5 F4:.5 A4:1 C5 | D5:3"""),
    "irish_washerwoman": Melody("The Irish Washerwoman", "traditional jig, Ireland, 18th century",
                                3, 174, """
        D5:.5 C5 | B4> G4. G4. D4> G4. G4. | B4> G4 B4 D5> C5 B4 | C5> A4. A4. E4> A4. A4. |
        C5> A4 C5 E5> D5 C5 / | B4> G4. G4. D4> G4. G4. | B4> G4 B4 D5> C5 B4 |
        C5> B4 C5 A4> D5 C5 | B4. G4. G4. G4:1"""),
    "toccata": Melody("Toccata in D minor", "Johann Sebastian Bach, BWV 565, about 1705", 4, 84, """
        A6:.25 G6 A6:2 R:.5 G6:.25 F6 E6 D6 | C#6:1 D6>:2 R:1 / |
        A5.:.25 G5. A5:2 R:.5 E5.:.5 F5. | C#5.:1 D5>:2 R:1 / |
        A4:.25 G4 A4:2 R:.5 G4:.25 F4 E4 D4 | C#4:1 D4>:2"""),
    "jesu_joy": Melody("Jesu, Joy of Man's Desiring", "Johann Sebastian Bach, BWV 147, 1723",
                       4.5, 116, """
        R:.5 G4 A4 B4 D5 C5 C5 E5 D5 | D5 G5 F#5 G5 D5 B4 G4 A4 B4 |
        C5 D5 E5 D5 C5 B4 A4 B4 G4 | F#4 G4 A4 D4 F#4 A4 C5 B4 A4 | B4:1.5"""),
    "fur_elise": Melody("Bagatelle in A minor", "Ludwig van Beethoven, WoO 59, 1810", 1.5, 72, """
        E5:.25 D#5 | E5 D#5 E5 B4 D5 C5 | A4:.75 C4:.25 E4 A4 | B4:.75 E4:.25 G#4 B4 |
        C5:.75 E4:.25 E5 D#5 / | E5 D#5 E5 B4 D5 C5 | A4:.75 C4:.25 E4 A4 |
        B4:.75 E4:.25 C5 B4 | A4:1"""),
    "folia": Melody("La Folia", "traditional, Iberian Peninsula, 17th century", 3, 126, """
        D5>:1 D5:1.5 E5:.5 | C#5:2 C#5:1 | D5:1 D5:1.5 D5:.5 | E5:2 E5:1 / |
        F5>:1 F5:1.5 G5:.5 | E5:2 E5:1 | D5:1 D5:1.5 E5:.5 | C#5:3"""),
    "turkish_march": Melody("Turkish March", "Wolfgang Amadeus Mozart, K. 331, 1783", 2, 108, """
        B4:.25 A4 G#4 A4 | C5.:.5 R D5:.25 C5 B4 C5 | E5.:.5 R F5:.25 E5 D#5 E5 |
        B5 A5 G#5 A5 B5 A5 G#5 A5 | C6>:1 A5.:.5 C6. / | B5>. A5. G5. A5. | B5>. A5. G5. A5. |
        B5>. A5. G5. F#5. | E5:1"""),
    "caprice": Melody("Theme of Caprice No. 24", "Niccolo Paganini, Op. 1, 1817", 2, 92, """
        A5>:.75 A5.:.25 A5 C6 B5 A5 | E5>:.75 E5.:.25 E5 G#5 F#5 E5 |
        A5>:.75 A5.:.25 A5 C6 B5 A5 | E5:2"""),
    "canon": Melody("Canon in D", "Johann Pachelbel, about 1690", 4, 84, """
        F#6:1 E6 D6 C#6 | B5 A5 B5 C#6 / | D6 C#6 B5 A5 | G5 F#5 G5 E5 /"""
        """ | D5:.5 F#5 A5 G5 F#5 D5 F#5 E5 | D5:2"""),
    "bumblebee": Melody("Flight of the Bumblebee", "Nikolai Rimsky-Korsakov, 1900", 2, 104, """
        E6:.25 D#6 D6 C#6 D6 C#6 C6 B5 | C6 B5 A#5 A5 G#5 G5 F#5 F5 |
        E5 D#5 D5 C#5 D5 C#5 C5 B4 | C5 B4 A#4 A4 G#4 G4 F#4 F4 | E4>:1.5"""),
}
