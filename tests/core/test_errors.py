"""Every row of the error table makes a sentence, and an error survives the wire."""

import pytest

from harmonicflow.core.errors import ERRORS, EXIT_FAILED, HarmonicFlowError, fields_of

EXIT_CODES = {1, 2, 3, 4, 5, 6, 130}
NAMES = ("OSC", "Ardour", "Ableton Live", "Live", "REAPER")


@pytest.mark.parametrize("code", ERRORS)
def test_every_row_says_what_and_what_to_do(code: str) -> None:
    spec = ERRORS[code]
    error = HarmonicFlowError(code, **dict.fromkeys(fields_of(spec), "7"))
    text = str(error)
    assert "{" not in text and text.endswith(".") and ".." not in text
    assert error.message[0].islower() or error.message[0] in "7'" or error.message.startswith(NAMES)
    assert error.todo and error.exit_code in EXIT_CODES


def test_an_unknown_code_or_a_missing_field_is_a_bug() -> None:
    with pytest.raises(KeyError):
        HarmonicFlowError("no_such_code")
    with pytest.raises(KeyError):
        HarmonicFlowError("bad_tempo")


def test_the_example_of_the_agreement() -> None:
    error = HarmonicFlowError("bad_tempo", tempo=4000)
    assert error.message == "tempo must be 20 to 400 beats per minute; got 4000"
    assert str(error) == f"{error.message}. {error.todo}."
    assert error.exit_code == 2 and error.fields == {"tempo": 4000}


def test_wire_there_and_back() -> None:
    error = HarmonicFlowError("unknown_stem", stem="kazoo", known="bass, drums")
    again = HarmonicFlowError.from_wire(error.to_wire())
    assert (again.code, str(again), again.exit_code) == (error.code, str(error), error.exit_code)
    newer = HarmonicFlowError.from_wire({"code": "of_a_newer_release", "message": "new", "todo": ""})
    assert newer.exit_code == EXIT_FAILED and str(newer) == "new."
