"""Free descriptions with the tag each one means.

The first four sets were written before the tags' lines, by the same hand, and share many of their words: they measure
whether the lines are found. The FAR sets were written after the lines and share no word of weight with the line of
their tag (a test sees to that): they measure what the vectors know by themselves.
"""

from typing import Final

GENRES: Final = {
    "rock": (
        "three guys with loud guitars in a garage", "stadium anthem with a big electric guitar riff",
        "something like led zeppelin", "raw college radio band from the nineties", "teenage punks playing too loud",
        "driving eighth notes and crunchy amps",
    ),
    "pop": (
        "a catchy tune for the radio", "chart hit with a big singalong chorus", "taylor swift style ballad",
        "sugary teen idol song", "the kind of hook everybody hums", "a polished love song for the top forty",
    ),
    "funk": (
        "tight syncopated groove with popping bass", "james brown and his band",
        "scratchy wah guitar over a fat pocket",
        "dancefloor of 1977 with a mirror ball", "prince jamming with bootsy", "horn section stabs on the one",
    ),
    "jazz": (
        "smoky club after midnight with a saxophone player", "walking double bass and ride cymbal",
        "miles davis in 1959", "a trio improvising over standards", "music for a cocktail bar in manhattan",
        "swinging big band with brass",
    ),
    "latin": (
        "a hot night in havana", "rio carnival with lots of percussion", "music to dance salsa to",
        "antonio carlos jobim on the beach of ipanema", "mexican wedding with congas and trumpets",
        "slow tango in buenos aires",
    ),
    "soul": (
        "aretha singing in church", "detroit hit factory in 1965", "a tender slow jam by marvin gaye",
        "warm organ and heartfelt vocals", "otis redding pouring his heart out", "smooth r&b for lovers",
    ),
    "hiphop": (
        "beats for a rapper from brooklyn", "dusty samples and a head nodding drum loop", "lo-fi beats to study to",
        "trap drums with rolling hi hats and an 808", "instrumental for freestyle rhymes", "kendrick lamar type beat",
    ),
    "blues": (
        "old man with a slide guitar on a mississippi porch", "twelve bars of heartache", "b.b. king bending a note",
        "chicago bar band with a harmonica", "woke up this morning and my baby was gone",
        "slow shuffle in e with a turnaround",
    ),
    "reggae": (
        "bob marley by the sea", "guitar chops on the offbeat and a heavy bass", "sunny day in kingston jamaica",
        "dub with lots of echo", "one drop drums", "rastafarian island rhythm",
    ),
    "country": (
        "nashville studio band", "cowboy singing about his truck", "banjo and fiddle at a barn dance",
        "johnny cash train rhythm", "pedal steel crying in a texas honky tonk", "campfire songs out west",
    ),
    "afrobeat": (
        "fela kuti and his big band", "lagos nightclub in the seventies", "interlocking west african guitars",
        "ghanaian dance band highlife", "hypnotic nigerian polyrhythms", "tony allen drumming",
    ),
    "electronic": (
        "warehouse rave at four in the morning", "pulsing synthesizers and a drum machine", "berlin techno",
        "computer music with arpeggios", "dj set on ibiza", "like daft punk or kraftwerk",
    ),
    "metal": (
        "brutal double kick and growling", "black sabbath heaviness", "headbanging with palm muted riffs",
        "iron maiden gallop", "doom and distortion from norway", "shredding solos at insane volume",
    ),
}  # fmt: skip

MOODS: Final = {
    "happy": ("it should make people smile", "a joyful day in the sun"),
    "excited": ("everyone jumping at new year's eve", "crazy party where nobody sits down"),
    "energetic": ("music for a hard workout", "full of drive and power"),
    "uplifting": ("a new beginning, things will get better", "gives you hope and courage"),
    "triumphant": ("the hero returns victorious", "winning the world cup final"),
    "playful": ("kittens chasing a ball of wool", "silly and mischievous like a cartoon"),
    "romantic": ("a candlelit dinner for two", "first kiss under the stars"),
    "dreamy": ("drifting through clouds half asleep", "hazy and weightless"),
    "calm": ("quiet lake at dawn", "to fall asleep to"),
    "chill": ("lying in a hammock with nothing to do", "lazy afternoon with friends"),
    "warm": ("a fireplace and a blanket", "cosy evening at home"),
    "nostalgic": ("looking at old photographs of my childhood", "remembering how things used to be"),
    "melancholic": ("watching the rain on the window alone", "grey november sky"),
    "sad": ("she left me and i cannot stop crying", "a funeral"),
    "serious": ("a news documentary about politics", "dignified and sober"),
    "mysterious": ("secret passage in an old castle", "something strange hides in the fog"),
    "dark": ("a sinister figure in a black coat", "gloomy dungeon"),
    "tense": ("the bomb goes off in ten seconds", "nervous waiting before the verdict"),
    "scary": ("haunted house with ghosts", "the killer is behind the door"),
    "angry": ("i want to smash everything", "furious protest in the streets"),
}  # fmt: skip

TONES: Final = {
    "upright bass": ("big wooden contrabass plucked by hand", "stand-up bass"),
    "fingered bass": ("electric bass played with the fingers", "plain fender bass"),
    "picked bass": ("bass played with a plectrum", "clicky bass with a pick attack"),
    "fretless bass": ("singing sliding bass without frets", "jaco style bass"),
    "slap bass": ("thumb slapping on the bass strings", "popping and thumping bass"),
    "synth bass": ("moog bassline", "fat analog sub bass"),
    "nylon guitar": ("classical spanish guitar", "soft gut strings guitar"),
    "acoustic guitar": ("strumming a steel string folk guitar", "unplugged guitar with a capo"),
    "twelve string guitar": ("jangly guitar with doubled strings", "shimmering 12-string"),
    "jazz guitar": ("hollow body archtop guitar", "mellow guitar like wes montgomery"),
    "hawaiian guitar": ("lap steel guitar", "sliding guitar from hawaii"),
    "clean guitar": ("electric guitar without any distortion", "clear stratocaster tone"),
    "muted guitar": ("palm-muted picking on the guitar", "short damped guitar notes"),
    "funk guitar": ("scratchy sixteenth rhythm guitar", "wah-wah guitar chops"),
    "overdriven guitar": ("guitar through a crunchy tube amp", "slightly dirty guitar"),
    "distorted guitar": ("fuzzy high gain guitar", "heavy guitar with lots of distortion"),
    "grand piano": ("concert steinway", "acoustic piano in a hall"),
    "bright piano": ("a bright and brilliant piano", "sparkling pop piano sound"),
    "mellow piano": ("soft felt piano", "muffled gentle piano"),
    "electric grand piano": ("yamaha cp80", "amplified stage grand"),
    "honky-tonk piano": ("out of tune saloon piano", "ragtime upright in a western bar"),
    "electric piano": ("fender rhodes", "wurlitzer keys"),
    "standard drums": ("normal acoustic drum set", "an ordinary drum kit"),
    "room drums": ("drums recorded in a big reverberant room", "ambient live sounding kit"),
    "power drums": ("huge loud rock drums", "big hard hitting snare and toms"),
    "electronic drums": ("simmons pads", "synthetic drum sounds"),
    "808 drums": ("roland tr-808", "old analog drum machine"),
    "jazz drums": ("small bop drum kit with ride", "light swinging drummer's kit"),
    "brushes": ("drummer sweeping the snare with wire brushes", "brushed snare"),
}  # fmt: skip

OTHERS: Final = {
    "tempo": {
        "slow": ("take your time, no hurry", "a very low tempo"),
        "medium tempo": ("walking pace", "neither fast nor slow"),
        "fast": ("at breakneck speed", "quick tempo"),
    },
    "density": {
        "sparse": ("few notes with lots of space", "minimal and empty"),
        "busy": ("as many notes as possible", "dense and full arrangement"),
    },
    "era": {
        "baroque": ("like johann sebastian bach", "harpsichord age counterpoint"),
        "classical": ("mozart and haydn", "viennese sonata"),
        "romantic era": ("chopin nocturne", "nineteenth century piano by liszt"),
        "twenties": ("charleston and speakeasies", "from 1925"),
        "fifties": ("jukebox and milkshakes, elvis", "from 1956"),
        "sixties": ("beatlemania and mods", "from 1966"),
        "seventies": ("flared trousers and disco balls", "from 1974"),
        "eighties": ("gated snare and neon lights", "from 1985"),
        "nineties": ("cassette mixtape of my teens in 1994", "from 1996"),
        "modern": ("sounds like today", "released this year"),
    },
}  # fmt: skip

FAR_GENRES: Final = {
    "rock": (
        "four lads from dublin with a chiming telecaster", "eddie vedder and foo fighters at glastonbury",
        "teenagers in the basement, stratocaster at eleven", "springsteen in a denim jacket",
    ),
    "pop": (
        "a billboard number one for beyonce", "ed sheeran on spotify", "eurovision winner",
        "katy perry or justin bieber",
    ),
    "funk": (
        "sly stone and his family", "get up offa that thing", "strutting down the street in platform shoes",
        "george clinton on the mothership",
    ),
    "jazz": (
        "charlie parker at birdland", "chet baker whispering", "a saxophonist and a contrabassist after hours",
        "louis armstrong and ella fitzgerald",
    ),
    "latin": (
        "gloria estefan in miami", "shakira from colombia", "couples turning on a caribbean ballroom floor",
        "maracas and guiro",
    ),
    "soul": (
        "sam cooke pleading", "amy winehouse and adele", "ray charles at his rhodes", "preacher and his congregation",
    ),
    "hiphop": (
        "eminem versus jay-z", "wu-tang clan", "mcs battling on a street corner", "graffiti and sneakers in the ghetto",
    ),
    "blues": (
        "john lee hooker stomping his foot", "eric clapton with stevie ray vaughan", "cotton field lament",
        "howlin wolf on a saturday night",
    ),
    "reggae": (
        "peter tosh and jimmy cliff", "toots and the maytals", "dreadlocks and ganja", "sound system in trenchtown",
    ),
    "country": (
        "garth brooks in cowgirl boots", "grand ole opry", "prairie sunset over the trailer park",
        "loretta lynn and merle haggard",
    ),
    "afrobeat": (
        "accra and dakar dancing", "kenyan benga ensemble", "ali farka toure in timbuktu", "manu dibango from cameroon",
    ),
    "electronic": (
        "deadmau5 and skrillex", "roland 303 and modular oscillators", "robots and lasers at dawn",
        "aphex twin on his laptop",
    ),
    "metal": (
        "motorhead and judas priest", "slipknot and rammstein", "skulls, leather and satan", "wacken open air",
    ),
}  # fmt: skip

FAR_MOODS: Final = {
    "happy": ("delighted and grinning", "spring has come and birds sing"),
    "excited": ("thrilled beyond words", "the crowd goes mad at carnival"),
    "energetic": ("dynamic and unstoppable", "sprinting up the stairs"),
    "uplifting": ("light at the end of the tunnel", "you can do it"),
    "triumphant": ("gold medal on the podium", "conquerors marching into rome"),
    "playful": ("teasing like a monkey", "toys dancing in the nursery"),
    "romantic": ("roses and champagne for my darling", "honeymoon in paris"),
    "dreamy": ("surreal and otherworldly", "stardust in the milky way"),
    "calm": ("tranquil garden in kyoto", "breathing slowly"),
    "chill": ("sipping a cocktail by the pool", "no worries on holiday"),
    "warm": ("grandmother's kitchen at christmas", "soup on a winter day"),
    "nostalgic": ("home movies of yesterday", "the summer of our youth is gone"),
    "melancholic": ("walking through empty streets in drizzle", "sighing over lost time"),
    "sad": ("weeping at the grave", "my dog died"),
    "serious": ("a judge reads the verdict", "grave and earnest"),
    "mysterious": ("sherlock holmes follows a clue", "puzzling signals from beyond"),
    "dark": ("crypt of the vampire", "menacing and bleak"),
    "tense": ("defusing a bomb", "hitchcock on the edge of the seat"),
    "scary": ("zombies are coming", "panic in the cellar"),
    "angry": ("boiling with wrath", "hostile and mad at the world"),
}  # fmt: skip

NONSENSE: Final = (
    "asdf qwer zxcv", "invoice number 4711 is overdue", "please reset my password", "the tax office opens at nine",
    "select * from users where id = 1", "how do i boil an egg", "xylophagous beetles of borneo", "lorem ipsum dolor",
    "my printer has no toner", "stainless steel screws m4", "photosynthesis in algae", "quarterly earnings report",
    "a recipe for lentil soup", "git rebase conflict", "flight ba 117 to new jersey is delayed", "blorp zzyx fnord",
    "the mitochondria is the powerhouse of the cell", "dentist appointment tuesday", "parliament passed the budget",
    "usb c charging cable two metres", "hydraulic pump maintenance", "is it legal to park here", "1 2 3 4 5 6 7 8",
    "???!!!", "😀😀😀", "grammar rules for semicolons", "mortgage interest rates", "the cat sat on the keyboard",
    "download the latest driver", "triangle inequality in hilbert spaces", "vitamin d deficiency", "kjhgf dsapo iuyt",
    "shipping container dimensions", "nuclear reactor cooling", "potato salad", "laundry detergent",
)  # fmt: skip
