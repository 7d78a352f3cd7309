"""`.lst` files: what is written is what is read, byte for byte the same each time."""

from hypothesis import given
from hypothesis import strategies as st

from ml.dataset.lists import list_text, parse_list

PATHS = st.text(
    st.characters(blacklist_characters="\t\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029", codec="utf-8"), min_size=1
)


@given(st.lists(st.tuples(st.integers(0, 1), PATHS)))
def test_a_list_reads_back(examples: list[tuple[int, str]]) -> None:
    text = list_text(examples)
    assert [(label, path) for _, label, path in parse_list(text)] == examples
    assert [index for index, _, _ in parse_list(text)] == list(range(len(examples)))


def test_the_bytes_are_those_of_the_developer_guide() -> None:
    text = list_text([(0, "NORMAL/a.jpg"), (1, "PNEUMONIA/b.jpg")])
    assert text.encode() == b"0\t0\tNORMAL/a.jpg\n1\t1\tPNEUMONIA/b.jpg\n"
