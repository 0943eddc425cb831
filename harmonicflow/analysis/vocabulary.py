"""The words of each genre and mood: places, artists' idioms, instruments, playing styles.

A sentence encoder knows neither that Nashville is country nor that a clavinet is funk, so every tag has a line of its
own words. Captions in training are drawn from the same lines. Phrases are lower case; a plural "s" and hyphens are
forgiven by the reader, words.py. All scores and emotions -1..1.
"""

from __future__ import annotations

from typing import Final, NamedTuple

GENRE_WORDS: Final[dict[str, tuple[str, ...]]] = {
    "rock": (
        "rock", "rock and roll", "rock n roll", "hard rock", "classic rock", "indie", "indie rock", "grunge", "punk",
        "garage", "surf", "britpop", "alternative", "shoegaze", "power chord", "electric guitar", "distorted guitar",
        "overdrive", "crunch", "stadium", "arena", "seattle", "marshall", "anthem", "guitar riff", "backbeat",
        "straight eighths", "driving", "psychedelic", "emo", "prog", "progressive rock", "new wave",
    ),
    "pop": (
        "pop", "ballad", "piano ballad", "chart", "radio", "catchy", "hook", "singer songwriter", "top 40", "hit",
        "boy band", "bubblegum", "synthpop", "dance pop", "k pop", "j pop", "mandopop", "soft rock", "commercial",
        "four chord", "chorus", "sing along", "teen", "sweet", "polished", "abba", "indie pop", "dream pop",
        "acoustic pop",
    ),
    "funk": (
        "funk", "funky", "slap bass", "slap", "clavinet", "wah", "wah wah", "on the one", "sixteenth groove",
        "syncopated", "james brown", "parliament", "p funk", "tower of power", "meters", "horn stabs", "disco",
        "boogie", "groove", "groovy", "scratch guitar", "chicken scratch", "tight pocket", "in the pocket", "pocket",
        "ghost note", "bootsy", "chic", "nile rodgers", "minneapolis", "breakbeat", "new orleans", "second line",
    ),
    "jazz": (
        "jazz", "jazzy", "swing", "swinging", "bebop", "bop", "hard bop", "cool jazz", "modal", "walking bass",
        "upright bass", "double bass", "ride cymbal", "brushes", "trio", "quartet", "piano trio", "big band",
        "ellington", "basie", "monk", "coltrane", "miles davis", "bill evans", "smoky club", "club", "standard",
        "real book", "two five one", "ii v i", "extended chords", "comping", "improvisation", "gypsy jazz", "fusion",
        "smooth jazz", "shuffle swing", "noir", "manhattan", "cocktail", "lounge", "dixieland", "ragtime",
    ),
    "latin": (
        "latin", "salsa", "bossa", "bossa nova", "samba", "rumba", "mambo", "cha cha", "cha cha cha", "tango",
        "bolero", "montuno", "tumbao", "clave", "son", "cuban", "cuba", "havana", "brazil", "brazilian", "rio",
        "ipanema", "bachata", "merengue", "cumbia", "reggaeton", "latin jazz", "conga", "bongo", "timbales", "guiro",
        "flamenco", "spanish", "mexico", "mariachi", "nylon guitar", "songo", "buenos aires", "baiao", "forro",
    ),
    "soul": (
        "soul", "soulful", "motown", "stax", "memphis", "detroit", "r&b", "rnb", "rhythm and blues", "neo soul",
        "gospel", "church", "choir", "hammond", "organ", "aretha", "marvin gaye", "stevie wonder", "otis", "rhodes",
        "quiet storm", "philly", "slow jam", "velvet", "smooth", "muscle shoals",
    ),
    "hiphop": (
        "hiphop", "hip hop", "rap", "trap", "boom bap", "lofi", "lo fi", "808", "beats", "sampler", "mpc", "dilla",
        "j dilla", "brooklyn", "bronx", "compton", "g funk", "drill", "old school", "vinyl", "head nod", "cypher",
        "turntable", "dusty", "study beats", "chillhop", "trip hop",
    ),
    "blues": (
        "blues", "bluesy", "twelve bar", "12 bar", "shuffle", "delta", "mississippi", "chicago blues", "chicago",
        "slide guitar", "bottleneck", "bb king", "muddy waters", "juke joint", "turnaround", "blue note", "harmonica",
        "texas blues", "crossroads", "woke up this morning", "slow blues", "boogie woogie", "stormy",
    ),
    "reggae": (
        "reggae", "ska", "dub", "rocksteady", "one drop", "skank", "offbeat", "jamaica", "jamaican", "kingston",
        "bob marley", "marley", "rasta", "roots", "steppers", "dancehall", "island", "bubble organ", "melodica",
        "caribbean", "beach", "calypso",
    ),
    "country": (
        "country", "nashville", "honky tonk", "bluegrass", "banjo", "fiddle", "pedal steel", "twang", "twangy",
        "chicken picking", "train beat", "cowboy", "western", "ranch", "johnny cash", "dolly", "americana", "folk",
        "folky", "texas", "two step", "boom chick", "fingerpicking", "travis picking", "campfire", "appalachia",
        "mandolin", "alt country", "outlaw", "rodeo",
    ),
    "afrobeat": (
        "afrobeat", "afro", "african", "africa", "fela", "fela kuti", "tony allen", "lagos", "nigeria", "highlife",
        "ghana", "juju", "soukous", "congo", "mali", "ethio", "ethiopian", "afropop", "kora", "shekere", "polyrhythm",
        "polyrhythmic", "12 8 bell", "senegal", "mbalax", "desert blues",
    ),
    "electronic": (
        "electronic", "electro", "edm", "house", "deep house", "techno", "trance", "drum and bass", "dnb", "dubstep",
        "ambient", "synth", "synthesizer", "synthwave", "chiptune", "8 bit", "berlin", "ibiza", "rave", "club beat",
        "four on the floor", "sidechain", "arpeggio", "acid", "jungle", "garage house", "idm", "minimal", "vaporwave",
        "downtempo", "kraftwerk", "dance", "electronica", "game boy",
    ),
    "metal": (
        "metal", "heavy metal", "thrash", "death metal", "black metal", "doom metal", "djent", "metalcore",
        "double kick", "blast beat", "palm mute", "palm muted", "chug", "drop d", "shred", "shredding", "growl",
        "headbang", "mosh", "metallica", "iron maiden", "black sabbath", "heavy", "nu metal", "power metal", "gallop",
    ),
}  # fmt: skip


class Mood(NamedTuple):
    """A named mood on the circumplex of Russell (1980): valence (bad..good), arousal (sleepy..excited), its words."""

    valence: float
    arousal: float
    words: tuple[str, ...]


MOODS: Final[dict[str, Mood]] = {
    "happy": Mood(0.8, 0.4, (
        "happy", "joyful", "joy", "cheerful", "sunny", "bright", "merry", "glad", "smiling", "feel good",
    )),
    "excited": Mood(0.7, 0.85, (
        "excited", "euphoric", "ecstatic", "party", "festive", "celebration", "wild", "jubilant",
    )),
    "energetic": Mood(0.4, 0.8, (
        "energetic", "energy", "upbeat", "lively", "powerful", "pumping", "fast", "busy", "vigorous",
    )),
    "uplifting": Mood(0.7, 0.5, (
        "uplifting", "hopeful", "hope", "inspiring", "optimistic", "rising", "motivational",
    )),
    "triumphant": Mood(0.6, 0.75, (
        "triumphant", "epic", "heroic", "victorious", "majestic", "grand", "cinematic", "glorious",
    )),
    "playful": Mood(0.6, 0.5, (
        "playful", "fun", "funny", "quirky", "bouncy", "cheeky", "cartoon", "whimsical", "jaunty",
    )),
    "romantic": Mood(0.55, -0.1, (
        "romantic", "love", "tender", "intimate", "sensual", "sexy", "passionate", "candlelight",
    )),
    "dreamy": Mood(0.4, -0.5, (
        "dreamy", "dream", "floating", "ethereal", "hazy", "airy", "spacey", "lush", "misty",
    )),
    "calm": Mood(0.4, -0.75, (
        "calm", "peaceful", "relaxed", "relaxing", "gentle", "soft", "quiet", "serene", "slow", "still", "sleepy",
        "meditative", "mellow", "soothing",
    )),
    "chill": Mood(0.45, -0.45, (
        "chill", "chilled", "laid back", "easy", "lazy", "cool", "late night", "sunday",
    )),
    "warm": Mood(0.5, -0.25, (
        "warm", "cosy", "cozy", "homely", "kind", "summer", "golden",
    )),
    "nostalgic": Mood(0.05, -0.35, (
        "nostalgic", "nostalgia", "wistful", "bittersweet", "memories", "longing", "autumn", "retro",
    )),
    "melancholic": Mood(-0.5, -0.45, (
        "melancholic", "melancholy", "blue", "rainy", "rain", "pensive", "reflective", "moody",
    )),
    "sad": Mood(-0.75, -0.4, (
        "sad", "sorrow", "sorrowful", "lonely", "heartbroken", "crying", "tears", "mournful", "grief", "depressing",
        "gloomy", "tragic",
    )),
    "serious": Mood(-0.1, 0.0, (
        "serious", "solemn", "stern", "sober", "thoughtful", "austere",
    )),
    "mysterious": Mood(-0.25, 0.05, (
        "mysterious", "mystery", "strange", "enigmatic", "eerie", "haunting", "spooky", "weird",
    )),
    "dark": Mood(-0.6, 0.15, (
        "dark", "brooding", "ominous", "sinister", "evil", "grim", "midnight", "gothic", "noir",
    )),
    "tense": Mood(-0.45, 0.6, (
        "tense", "tension", "suspense", "suspenseful", "nervous", "anxious", "urgent", "restless", "edgy",
    )),
    "scary": Mood(-0.8, 0.7, (
        "scary", "horror", "fear", "terrifying", "nightmare", "frightening", "creepy",
    )),
    "angry": Mood(-0.65, 0.85, (
        "angry", "anger", "aggressive", "furious", "rage", "violent", "brutal", "mean", "fierce", "raw",
    )),
}  # fmt: skip

STRONGER: Final = frozenset({"very", "really", "extremely", "super", "so", "intensely", "deeply", "totally"})
WEAKER: Final = frozenset({"slightly", "bit", "little", "somewhat", "mildly", "fairly", "kinda", "subtle"})
NEGATIONS: Final = frozenset({"not", "no", "without", "never", "non", "nothing", "isn't", "avoid", "less", "don't"})

PASSED_OVER: Final = frozenset(
    """a an and are as at bar bars bass be beat bit bpm but by can chord chords clip could drum drums feel feeling fill
    for from generate give guitar i in into is it key keys kind kit like little major make me meter minor mood
    more music my need needs of on one or over part parts piano play please quite really some something song
    sort sound sounding sounds stem stems style take tempo that the then there this to too track tune under up
    very vibe want way we where which while who will with you your""".split()
)
"""Words that say nothing of genre or mood, and instruments that every genre has: neither understood nor missed."""
