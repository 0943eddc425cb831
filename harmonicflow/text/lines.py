"""The product's tags, each with a line of its own words.

`says` are other ways to name the tag, true of everything it is put on: captions in training are made of them. `hints`
are what people say when they mean it: places, artists, instruments, playing styles, scenes. A prompt is compared with
both, since no sentence encoder knows by itself that Nashville is country.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Line(NamedTuple):
    """The words of a tag, lower case."""

    says: tuple[str, ...]
    hints: tuple[str, ...] = ()


GENRES: Final[dict[str, Line]] = {
    "rock": Line(
        ("rock", "rock music", "rock song", "rock band", "rock and roll"),
        ("hard rock", "classic rock", "indie rock", "alternative rock", "punk rock", "grunge from seattle",
         "garage band", "surf rock", "britpop", "arena rock", "electric guitar riff", "power chords",
         "loud guitars and drums", "marshall amplifier", "the rolling stones", "led zeppelin", "nirvana", "ac/dc",
         "guitar band playing a stadium", "punk band", "new wave band", "college radio band", "guitar solo"),
    ),
    "pop": Line(
        ("pop", "pop music", "pop song", "pop tune", "chart pop"),
        ("radio hit", "catchy chorus", "singer songwriter", "boy band", "teen idol", "top forty", "love song",
         "soft rock", "pop ballad", "synth pop", "dance pop", "bubblegum", "abba", "madonna", "hit single",
         "catchy melody everybody sings along to", "k-pop", "commercial jingle", "pop star"),
    ),
    "funk": Line(
        ("funk", "funk music", "funky groove", "funky", "funk jam"),
        ("slap bass groove", "wah wah guitar", "on the one", "james brown", "parliament funkadelic", "p-funk",
         "bootsy collins", "tower of power", "the meters", "disco groove", "disco dance floor", "chic and nile rodgers",
         "syncopated sixteenth notes", "clavinet", "tight pocket", "horn stabs", "prince", "new orleans second line",
         "earth wind and fire", "dance floor mirror ball"),
    ),
    "jazz": Line(
        ("jazz", "jazz music", "jazzy", "jazz tune", "jazz combo"),
        ("swing", "bebop", "cool jazz", "hard bop", "modal jazz", "jazz club", "smoky night club", "walking bass",
         "ride cymbal and brushes", "piano trio", "big band", "saxophone solo", "trumpet solo", "miles davis",
         "john coltrane", "duke ellington", "thelonious monk", "bill evans", "jazz standards from the real book",
         "improvisation", "cocktail lounge", "ragtime", "dixieland", "gypsy jazz", "jazz fusion", "film noir"),
    ),
    "latin": Line(
        ("latin", "latin music", "latin groove", "latin rhythm", "latin american music"),
        ("salsa", "bossa nova", "samba", "rumba", "mambo", "cha cha cha", "tango", "bolero", "merengue", "bachata",
         "cumbia", "cuban son montuno", "havana cuba", "rio de janeiro brazil", "argentina", "mexico mariachi",
         "conga and bongo", "timbales and clave", "carnival percussion", "flamenco", "spanish", "tito puente",
         "jobim", "santana", "reggaeton", "puerto rico"),
    ),
    "soul": Line(
        ("soul", "soul music", "soulful", "soul song", "rhythm and blues"),
        ("motown", "stax memphis", "detroit soul", "r&b", "neo soul", "gospel choir in church", "slow jam",
         "hammond organ", "aretha franklin", "marvin gaye", "stevie wonder", "otis redding", "al green",
         "philadelphia soul", "heartfelt singer", "velvet voice", "smooth soul for lovers", "gospel"),
    ),
    "hiphop": Line(
        ("hip hop", "hip hop beat", "rap", "rap beat", "hip hop music"),
        ("trap beat", "boom bap", "lo-fi beats", "rapper", "freestyle rap", "808 and hi hat rolls", "sampled drum loop",
         "dusty samples", "mpc sampler", "turntable scratching", "dj scratching vinyl", "j dilla", "brooklyn", "bronx",
         "compton", "g-funk", "drill", "study beats", "type beat", "breakdance", "rhymes over a beat"),
    ),
    "blues": Line(
        ("blues", "blues music", "bluesy", "blues song", "blues band"),
        ("twelve bar blues", "slow blues", "shuffle rhythm", "mississippi delta", "chicago blues", "texas blues",
         "slide guitar bottleneck", "harmonica", "b.b. king", "muddy waters", "robert johnson", "juke joint",
         "blues turnaround", "blue notes", "boogie woogie", "my baby left me", "i woke up this morning",
         "crossroads and the devil"),
    ),
    "reggae": Line(
        ("reggae", "reggae music", "reggae groove", "reggae song", "reggae rhythm"),
        ("ska", "dub", "rocksteady", "one drop", "offbeat skank guitar", "jamaica", "kingston", "bob marley",
         "rastafari", "roots reggae", "dancehall", "caribbean island", "tropical beach", "calypso",
         "lee perry dub echo", "heavy bass and offbeat chords", "steppers"),
    ),
    "country": Line(
        ("country", "country music", "country song", "country and western", "country band"),
        ("nashville", "honky tonk", "bluegrass", "banjo and fiddle", "pedal steel guitar", "telecaster twang",
         "cowboy", "ranch and rodeo", "johnny cash", "dolly parton", "hank williams", "willie nelson", "pickup truck",
         "texas", "train beat", "americana", "folk song", "campfire song", "appalachian mountains", "barn dance",
         "mandolin", "fingerpicked acoustic guitar", "wild west"),
    ),
    "afrobeat": Line(
        ("afrobeat", "afrobeat groove", "african music", "afro groove", "west african music"),
        ("fela kuti", "tony allen", "lagos nigeria", "highlife from ghana", "juju", "soukous from congo", "mali",
         "ethiopian jazz", "senegal mbalax", "polyrhythm", "kora", "shekere and talking drum", "desert blues",
         "african guitars", "african drums", "afropop", "interlocking guitars"),
    ),
    "electronic": Line(
        ("electronic", "electronic music", "electronic track", "electronic dance music", "electronica"),
        ("techno", "house music", "trance", "drum and bass", "dubstep", "ambient", "synthesizer", "synthwave",
         "chiptune game boy", "8 bit video game", "rave", "dj set in a club", "ibiza", "berlin nightclub",
         "four on the floor kick", "arpeggio sequencer", "drum machine and synths", "acid bassline", "kraftwerk",
         "daft punk", "jungle breakbeats", "computer music", "warehouse party", "edm festival"),
    ),
    "metal": Line(
        ("metal", "heavy metal", "metal music", "metal song", "metal band"),
        ("thrash metal", "death metal", "black metal", "doom metal", "nu metal", "power metal", "metalcore", "djent",
         "double kick drum", "blast beats", "palm muted riffs", "chugging guitars", "shredding guitar solo",
         "growling vocals", "screaming", "headbanging", "mosh pit", "metallica", "slayer", "iron maiden",
         "black sabbath", "drop d tuning", "galloping riff"),
    ),
}  # fmt: skip

MOODS: Final[dict[str, Line]] = {
    "happy": Line(
        ("happy", "joyful", "cheerful", "merry", "feel good", "glad"),
        ("sunny day", "smiling", "makes me smile", "bright and sunny", "good mood", "laughter"),
    ),
    "excited": Line(
        ("excited", "euphoric", "ecstatic", "festive", "wild", "jubilant"),
        ("party", "celebration", "new year's eve", "everybody jumps and dances", "crazy night out", "fireworks"),
    ),
    "energetic": Line(
        ("energetic", "lively", "upbeat", "vigorous", "powerful", "full of energy"),
        ("workout", "running in the gym", "driving force", "pumping", "sport", "adrenaline"),
    ),
    "uplifting": Line(
        ("uplifting", "hopeful", "inspiring", "optimistic", "encouraging"),
        ("hope", "new beginning", "motivational", "everything will be fine", "rising up", "courage", "faith"),
    ),
    "triumphant": Line(
        ("triumphant", "heroic", "victorious", "majestic", "epic", "glorious"),
        ("victory", "hero", "champions", "winning a battle", "film trailer", "king's coronation", "grand finale"),
    ),
    "playful": Line(
        ("playful", "fun", "quirky", "bouncy", "cheeky", "whimsical"),
        ("cartoon", "funny", "silly", "children playing", "circus clown", "mischief", "puppy"),
    ),
    "romantic": Line(
        ("romantic", "tender", "loving", "intimate", "sensual"),
        ("love", "kiss", "candlelight dinner", "wedding night", "lovers under the moon", "sexy", "valentine"),
    ),
    "dreamy": Line(
        ("dreamy", "floating", "ethereal", "hazy", "airy", "spacey"),
        ("dream", "clouds", "weightless in space", "half asleep", "underwater", "mist", "fairy tale"),
    ),
    "calm": Line(
        ("calm", "peaceful", "relaxed", "gentle", "quiet", "soothing", "serene"),
        ("sleep", "lullaby", "meditation", "still lake", "yoga", "bedtime", "silence", "sunrise"),
    ),
    "chill": Line(
        ("chill", "chilled", "laid back", "easy going", "mellow"),
        ("lazy sunday", "hammock", "hanging out with friends", "late night drive", "nothing to do", "cool", "couch"),
    ),
    "warm": Line(
        ("warm", "cosy", "homely", "kind", "warm hearted"),
        ("fireplace", "evening at home", "blanket and tea", "golden summer evening", "family", "hug"),
    ),
    "nostalgic": Line(
        ("nostalgic", "wistful", "bittersweet", "longing"),
        ("memories", "childhood", "old photographs", "the good old days", "remember", "past", "autumn"),
    ),
    "melancholic": Line(
        ("melancholic", "pensive", "reflective", "moody", "melancholy"),
        ("rain on the window", "grey sky", "alone", "november", "feeling blue", "thinking about life", "fog"),
    ),
    "sad": Line(
        ("sad", "sorrowful", "mournful", "heartbroken", "tragic"),
        ("crying", "tears", "grief", "funeral", "lonely", "goodbye", "loss", "she left me", "depressed"),
    ),
    "serious": Line(
        ("serious", "solemn", "sober", "thoughtful", "stern"),
        ("dignified", "documentary", "news", "ceremony", "important decision", "formal"),
    ),
    "mysterious": Line(
        ("mysterious", "strange", "enigmatic", "eerie"),
        ("mystery", "secret", "riddle", "hidden", "detective", "old castle", "magic", "unknown planet"),
    ),
    "dark": Line(
        ("dark", "brooding", "ominous", "sinister", "grim"),
        ("darkness", "gloomy", "gothic", "midnight", "evil", "shadow", "villain", "dungeon"),
    ),
    "tense": Line(
        ("tense", "nervous", "restless", "anxious", "edgy"),
        ("tension", "suspense", "countdown", "chase", "waiting nervously", "thriller", "danger", "time is running out"),
    ),
    "scary": Line(
        ("scary", "frightening", "terrifying", "creepy"),
        ("horror film", "ghost", "nightmare", "fear", "monster", "killer", "haunted house", "halloween"),
    ),
    "angry": Line(
        ("angry", "aggressive", "furious", "fierce", "raging"),
        ("anger", "rage", "hate", "violence", "fight", "riot", "revenge", "smash", "war"),
    ),
}  # fmt: skip

TEMPOS: Final[dict[str, Line]] = {
    "slow": Line(
        ("slow", "slow tempo", "unhurried", "at a slow pace"), ("adagio", "ballad tempo", "very slow", "no hurry")
    ),
    "medium tempo": Line(
        ("medium tempo", "mid tempo", "moderate tempo", "at a moderate pace"),
        ("andante", "walking pace", "not too fast"),
    ),
    "fast": Line(
        ("fast", "fast tempo", "up tempo", "quick", "at a fast pace"),
        ("very fast", "presto", "high speed", "racing", "breakneck speed"),
    ),
}

DENSITIES: Final[dict[str, Line]] = {
    "sparse": Line(
        ("sparse", "few notes", "lots of space", "simple", "minimal"),
        ("empty", "stripped down", "only a few notes", "space between the notes"),
    ),
    "busy": Line(
        ("busy", "many notes", "dense", "full", "intricate"),
        ("lots of notes", "crowded", "complex and full arrangement", "notes everywhere", "virtuoso"),
    ),
}

ERAS: Final[dict[str, Line]] = {
    "baroque": Line(
        ("baroque", "baroque music"), ("bach", "handel", "vivaldi", "harpsichord", "counterpoint and fugue")
    ),
    "classical": Line(
        ("classical", "classical period", "classical music"),
        ("mozart", "haydn", "beethoven", "vienna", "sonata", "minuet", "string quartet"),
    ),
    "romantic era": Line(
        ("romantic era", "nineteenth century"), ("chopin", "liszt", "schumann", "schubert", "nocturne", "prelude")
    ),
    "twenties": Line(("twenties", "from the 1920s"), ("charleston", "prohibition", "gramophone", "roaring twenties")),
    "fifties": Line(("fifties", "from the 1950s"), ("elvis presley", "jukebox", "diner", "rockabilly", "doo wop")),
    "sixties": Line(("sixties", "from the 1960s"), ("the beatles", "woodstock", "hippies", "british invasion", "mods")),
    "seventies": Line(
        ("seventies", "from the 1970s"), ("disco era", "flared trousers", "saturday night fever", "1977")
    ),
    "eighties": Line(
        ("eighties", "from the 1980s"), ("neon", "gated reverb snare", "mtv", "walkman", "synth pop 1984")
    ),
    "nineties": Line(("nineties", "from the 1990s"), ("cassette mixtape", "grunge years", "eurodance", "1995")),
    "modern": Line(("modern", "contemporary", "from today"), ("current", "nowadays", "this year", "new", "2020s")),
}

TONES: Final[dict[str, Line]] = {
    "upright bass": Line(
        ("upright bass", "double bass", "acoustic bass"),
        ("contrabass", "stand up bass", "wooden bass", "plucked double bass"),
    ),
    "fingered bass": Line(("fingered bass", "finger style bass", "electric bass"), ("bass guitar", "precision bass")),
    "picked bass": Line(("picked bass", "bass played with a pick"), ("plectrum bass", "pick attack on the bass")),
    "fretless bass": Line(
        ("fretless bass", "fretless electric bass"), ("jaco pastorius", "sliding bass without frets")
    ),
    "slap bass": Line(("slap bass", "slapped bass"), ("slapping and popping bass", "thumb bass", "slap and pop")),
    "synth bass": Line(
        ("synth bass", "synthesizer bass", "electronic bass"), ("moog bass", "sub bass", "analog bass", "303 acid bass")
    ),
    "nylon guitar": Line(
        ("nylon guitar", "nylon string guitar", "classical guitar"),
        ("spanish guitar", "gut strings", "flamenco guitar"),
    ),
    "acoustic guitar": Line(
        ("acoustic guitar", "steel string guitar", "steel string acoustic guitar"),
        ("strummed folk guitar", "unplugged guitar", "campfire guitar", "western guitar"),
    ),
    "twelve string guitar": Line(("twelve string guitar", "12 string guitar"), ("jangly guitar", "doubled strings")),
    "jazz guitar": Line(
        ("jazz guitar", "mellow jazz guitar"), ("archtop guitar", "hollow body guitar", "wes montgomery", "django")
    ),
    "hawaiian guitar": Line(
        ("hawaiian guitar",), ("lap steel guitar", "hawaii", "ukulele beach", "steel guitar slide")
    ),
    "clean guitar": Line(
        ("clean guitar", "clean electric guitar"), ("undistorted guitar", "stratocaster clean tone", "chorus guitar")
    ),
    "muted guitar": Line(("muted guitar", "muted electric guitar"), ("palm muted guitar", "damped guitar notes")),
    "funk guitar": Line(
        ("funk guitar", "funky guitar"), ("scratchy rhythm guitar", "wah guitar", "chicken scratch guitar")
    ),
    "overdriven guitar": Line(
        ("overdriven guitar", "overdrive guitar"), ("crunchy guitar", "tube amp crunch", "dirty guitar", "crunch")
    ),
    "distorted guitar": Line(
        ("distorted guitar", "distortion guitar"), ("fuzz guitar", "heavy guitar", "high gain guitar", "fuzz pedal")
    ),
    "grand piano": Line(("grand piano", "acoustic piano", "concert grand"), ("steinway", "concert hall piano")),
    "bright piano": Line(
        ("bright piano", "bright acoustic piano"), ("brilliant piano", "sparkling piano", "pop piano")
    ),
    "mellow piano": Line(("mellow piano", "soft piano"), ("felt piano", "muffled piano", "gentle piano", "warm piano")),
    "electric grand piano": Line(("electric grand piano", "electric grand"), ("yamaha cp80", "amplified piano")),
    "honky-tonk piano": Line(
        ("honky-tonk piano", "honky tonk piano"),
        ("saloon piano", "out of tune piano", "detuned bar piano", "tack piano"),
    ),
    "electric piano": Line(
        ("electric piano", "electric keys"), ("fender rhodes", "wurlitzer", "rhodes", "dx7 keys", "e-piano")
    ),
    "standard drums": Line(
        ("standard drums", "acoustic drums", "drum kit"), ("ordinary drum set", "normal drums", "studio drums")
    ),
    "room drums": Line(("room drums", "roomy drums"), ("ambient drums", "reverberant drums", "live room drum kit")),
    "power drums": Line(
        ("power drums", "powerful drums"), ("big drums", "huge snare", "hard hitting drums", "loud drums")
    ),
    "electronic drums": Line(
        ("electronic drums", "electronic drum kit"), ("simmons drums", "synthetic drums", "drum pads")
    ),
    "808 drums": Line(("808 drums", "808 drum machine"), ("tr-808", "roland drum machine", "analog drum machine")),
    "jazz drums": Line(("jazz drums", "jazz drum kit"), ("swinging drums", "bebop drummer", "ride cymbal drums")),
    "brushes": Line(("brushes", "brushed drums", "drums with brushes"), ("brushed snare", "wire brushes", "brush kit")),
}

TAGS: Final[dict[str, dict[str, Line]]] = {
    "genre": GENRES, "mood": MOODS, "tempo": TEMPOS, "density": DENSITIES, "era": ERAS, "tone": TONES,
}  # fmt: skip
