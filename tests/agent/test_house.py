"""The house: prices in words, and prices that were told anew."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from agent.house import EditorLine, editors, price_words, refresh
from agent.printing import print_editors
from agent.runs import configured_editors
from tools.editors.base import Price
from tools.editors.prices import prices_file, read_prices, write_prices
from tools.editors.registry import roster, whole_roster
from tools.errors import BadInput
from tools.sandbox.providers import ProviderSandbox

READ = date(2026, 11, 22)


def editor(name: str, provider: str, ready: str, price: str = "free") -> EditorLine:
    return EditorLine(
        name=name,
        provider=provider,
        model="",
        actions=("inpaint", "retake"),
        methods=(),
        local=not provider,
        price=price,
        success="70% expected",
        ready=ready,
    )


def test_what_all_editors_of_a_place_lack_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    print_editors(
        [
            editor("plate", "", "ready"),
            editor("vace", "", "weights are missing"),
            editor("one", "Ours", "set OUR_KEY", "1 USD a job (no date)?"),
            editor("two", "Ours", "set OUR_KEY"),
            editor("three", "Ours", "retired: gone"),
            editor("four", "Theirs", "ready"),
        ]
    )
    shown = [line.strip() for line in capsys.readouterr().out.splitlines()]
    places = ["this machine", "Ours: set OUR_KEY", "Theirs"]
    lacks = ["vace: weights are missing", "three: retired: gone"]
    assert [line for line in shown if line in places] == places
    assert [line for line in shown if line in lacks] == lacks
    assert "\n".join(shown).count("OUR_KEY") == 1
    assert shown[-1].startswith("? after a price")


@pytest.mark.parametrize(
    ("price", "words"),
    [
        (Price(), "free"),
        (
            Price(per_second=Decimal("0.28"), least=Decimal("0.56"), on=READ),
            "0.28 USD a second made, at least 0.56 (2026-11-22)",
        ),
        (Price(per_token=Decimal("0.000007"), on=READ), "7 USD a million tokens (2026-11-22)"),
        (
            Price(per_job=Decimal("0.1"), per_frame=Decimal("0.01"), sure=False),
            "0.1 USD a job + 0.01 USD a frame sent (no date)?",
        ),
    ],
)
def test_prices_say_what_they_count_and_when_they_were_read(price: Price, words: str) -> None:
    assert price_words(price) == words


def test_a_newer_price_is_laid_over_the_roster_and_an_older_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    name, entry = next((name, one) for name, one in roster().items() if one.capabilities.price.on)
    told = Price(per_second=Decimal("0.3"), on=date(2126, 1, 1), source='the "price" page', sure=False)
    old = Price(per_second=Decimal("0.2"), on=date(2006, 1, 1))
    for price, holds in ((told, told), (old, entry.capabilities.price)):
        write_prices(prices_file(), {name: price})
        whole_roster.cache_clear()
        assert read_prices(prices_file()) == {name: price}
        assert roster()[name].capabilities.price == holds
    prices_file().write_text(f'["{name}"]\nper_second = "dear"\n')
    whole_roster.cache_clear()
    with pytest.raises(BadInput, match=rf"prices.toml: {name}"):
        roster()
    prices_file().unlink()
    whole_roster.cache_clear()


def test_nobody_is_asked_for_prices_without_a_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("FAL_KEY", raising=False)
    with pytest.raises(BadInput, match="no provider that tells its prices"):
        refresh(None)
    assert not prices_file().exists()


def test_prices_that_a_provider_tells_are_kept_and_used_from_then_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    whole_roster.cache_clear()
    high = {name: entry.capabilities.price.high for name, entry in roster().items() if entry.capabilities.price.sure}
    with ProviderSandbox(None) as providers:
        for name, value in providers.environment().items():
            monkeypatch.setenv(name, value)
        told = refresh(None)
    assert told
    kept = read_prices(prices_file())
    assert set(kept) == set(told)
    assert {roster()[name].capabilities.price for name in told} == set(kept.values())
    assert all(price.on and "api.fal.ai" in price.source for price in kept.values())
    assert all(price.high >= high.get(name, 1) for name, price in kept.items()), "a bill may be as high as before"
    prices_file().unlink()
    whole_roster.cache_clear()


def test_an_editor_says_what_is_missing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("LUMA_API_KEY", raising=False)
    assert "LUMA_API_KEY" in {one.name: one for one in editors(None)}["ray-3.2"].ready
    (tmp_path / "suture.toml").write_text('[keys]\nLUMA_API_KEY = "luma-of-the-file"\n')
    line = {one.name: one for one in editors(None)}["ray-3.2"]
    assert (line.ready, line.provider) == ("ready", "Luma")


def test_on_the_stage_of_a_rehearsal_every_editor_is_ready(tmp_path: Path) -> None:
    with ProviderSandbox(None) as providers:
        ready = configured_editors(tmp_path, providers.environment())
    able = {name: entry.capabilities for name, entry in roster().items()}
    assert set(ready) == {name for name, can in able.items() if not can.retired and not can.weights}
