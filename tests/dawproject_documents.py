"""Documents of the .dawproject format at random: right ones made from the table of its facts, and damaged ones."""

import random
from copy import deepcopy

from lxml import etree

from tests.dawproject_schema import METADATA, PROJECT, WORDS, Kind, tokens

DEEPEST = 7
RIGHT = {
    "string": "a b", "int": "3", "double": "1.5", "boolean": "true", "ID": "", "IDREF": "", "*string": "text",
}  # fmt: skip
WRONG = ("", "x y", "-1", "1e3", "1.5.2", "true", "TRUE", "0", "99999999999", "NaN", "beats", "id1", "id9999", "a<b&c")
DAMAGES = "attribute attribute value value value strange remove twice rename move reorder text".split()
ELEMENTS = {kind.element: name for name, kind in (PROJECT | METADATA).items() if kind.element}


class Maker:
    """Makes documents; the same seed makes the same ones."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        self.ids = 0

    def document(self, element: str = "Project") -> etree._Element:
        """A right one, in which everything that the format knows turns up sooner or later."""
        self.ids = 0
        root = self._element(element, ELEMENTS[element], 0)
        known = root.xpath("//@id")
        for place in root.iter():
            for name in ("destination", "track", "reference", "parameter"):
                if place.get(name) == "":
                    if known:
                        place.set(name, self.dice.choice(known))
                    else:
                        del place.attrib[name]
        return root

    def _element(self, tag: str, kind: str, depth: int) -> etree._Element:
        made = etree.Element(tag)
        for each in _bases(kind):
            for text in each.attributes.split():
                name, _, of = text.rstrip("!").partition(":")
                if text.endswith("!") or self.dice.random() < 0.5:
                    made.set(name, self._value(of))
            self._content(made, tokens(each.content), depth)
        return made

    def _value(self, of: str) -> str:
        if of.startswith("["):
            return " ".join(self._value(of.strip("[]")) for _ in range(self.dice.randrange(3)))
        if of == "ID":
            self.ids += 1
            return f"id{self.ids}"
        return self.dice.choice(WORDS[of].split()) if of in WORDS else RIGHT[of]

    def _content(self, place: etree._Element, words: list[str], depth: int) -> None:
        """Items of a content, each as often as its sign allows."""
        while words:
            item = [words.pop(0)]
            if words and words[0] == "{":
                item.append(words.pop(0))
            if item[-1] in "({":
                open_ = 1
                while open_:
                    item.append(words.pop(0))
                    open_ += (item[-1] in "({") - (item[-1] in ")}")
            sign = words.pop(0) if words and words[0] in "?*+" else ""
            low, high = {"": (1, 1), "?": (0, 1), "*": (0, 3), "+": (1, 3)}[sign]
            for _ in range(low if depth > DEEPEST else self.dice.randint(low, high)):
                self._item(place, item, depth)

    def _item(self, place: etree._Element, item: list[str], depth: int) -> None:
        if item[0] == "(":
            choice = [word for word in item[1:-1] if word != "|" and not _abstract(word)]
            word = "Audio" if depth > DEEPEST and "Audio" in choice else self.dice.choice(choice)
            place.append(self._element(word, ELEMENTS[word], depth + 1))
        elif len(item) > 1:
            inside = etree.SubElement(place, item[0])
            self._content(inside, item[2:-1], depth + 1)
        else:
            name, _, of = item[0].partition("=")
            if of.startswith("*"):
                etree.SubElement(place, name).text = RIGHT[of]
            else:
                place.append(self._element(name, of or ELEMENTS[name], depth + 1))

    def damaged(self, document: etree._Element, times: int = 1) -> etree._Element:
        """A copy with something removed, added, renamed, moved or written wrongly."""
        copy = deepcopy(document)
        for _ in range(times):
            self._damage(self.dice.choice(list(copy.iter())), copy)
        return copy

    def _damage(self, place: etree._Element, root: etree._Element) -> None:
        parent, dice = place.getparent(), self.dice
        what = dice.choice(DAMAGES)
        if what in ("attribute", "value") and place.attrib:
            name = dice.choice(list(place.attrib))
            if what == "attribute":
                del place.attrib[name]
            else:
                place.set(name, dice.choice((*WRONG, *dice.choice(list(WORDS.values())).split())))
        elif what == "strange":
            place.set(dice.choice(("time", "id", "value", "name", "loaded", "unit", "nonsense")), dice.choice(WRONG))
        elif what == "remove" and parent is not None:
            parent.remove(place)
        elif what == "twice" and parent is not None:
            parent.insert(dice.randrange(len(parent) + 1), deepcopy(place))
        elif what == "rename":
            place.tag = dice.choice([*ELEMENTS, "Mute", "Volume", "File", "Markers", "Nonsense"])
        elif what == "move" and parent is not None:
            target = dice.choice(list(root.iter()))
            if place not in target.iterancestors() and target is not place:
                target.insert(dice.randrange(len(target) + 1), place)
        elif what == "reorder" and len(place) > 1:
            children = list(place)
            dice.shuffle(children)
            place[:] = children
        elif what == "text":
            place.text = dice.choice(("words", "  ", ""))


def _bases(kind: str) -> list[Kind]:
    kinds = PROJECT | METADATA
    found = [kinds[kind]]
    while found[0].base:
        found.insert(0, kinds[found[0].base])
    return found


def _abstract(element: str) -> bool:
    return (PROJECT | METADATA)[ELEMENTS[element]].abstract
