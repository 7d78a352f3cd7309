"""Where the app finds its API."""

import pytest

from frontend.settings import AppSettingsError, load


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("API_URL", "API_KEY"):
        monkeypatch.delenv(name, raising=False)


def test_without_settings_both_are_named() -> None:
    with pytest.raises(AppSettingsError, match="API_URL and API_KEY"):
        load()


def test_a_single_missing_setting_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_URL", "https://example.org/dev/")
    with pytest.raises(AppSettingsError, match=r"^API_KEY "):
        load()


@pytest.mark.parametrize("url", ["example.org/dev", "ftp://example.org/", "https://"])
def test_an_invalid_url_is_rejected_with_what_was_received(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("API_URL", url)
    monkeypatch.setenv("API_KEY", "key")
    with pytest.raises(AppSettingsError, match=r"http or https") as caught:
        load()
    assert repr(url) in str(caught.value)


def test_a_key_with_control_characters_is_rejected_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_URL", "https://example.org/dev")
    monkeypatch.setenv("API_KEY", "secret\x07part")
    with pytest.raises(AppSettingsError) as caught:
        load()
    assert "secret" not in str(caught.value)


def test_the_url_ends_with_one_slash(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_URL", " https://example.org/dev ")
    monkeypatch.setenv("API_KEY", "key\n")
    assert (load().api_url, load().api_key) == ("https://example.org/dev/", "key")
