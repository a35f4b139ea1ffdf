"""Clear requests never to be called again are understood, and nothing else is taken for one."""

from __future__ import annotations

import time
import tomllib
from pathlib import Path

import pytest

from bot.campaign.guard import refusals_of

CLEAR = {
    "en": """
        stop calling me
        Stop calling me!
        Please stop calling.
        quit calling me i am not interested
        I said stop calling me.
        I told you to stop calling this number.
        Would you please stop calling me?
        don't call me again
        Do not ever call me again, please.
        never call me again
        don’t call here anymore
        dont call me any more
        No, don't call me.
        I don't want you to call me again.
        I do not want to be called.
        I don't want any more calls from you.
        no more calls please
        take me off your list
        Could you take me off your calling list?
        I'm not interested take me off of your list
        get my number off that marketing list
        Please remove my number.
        remove me from your database
        delete my phone number from all your records
        Put me on the do not call list.
        can you please not call me again
        I asked you never call me again
        Unsubscribe.
        Don't call me again. I mean it.
    """,
    "es": """
        No me llame más.
        por favor no me llamen más
        No me vuelva a llamar.
        Deje de llamarme, por favor.
        dejen de molestarme
        Quíteme de su lista.
        sáqueme de la lista de llamadas
        Borre mi número de teléfono.
        no quiero más llamadas
        No quiero que me llamen.
        no me llame no estoy interesado
        no no me llame más
    """,
    "fr": """
        Ne m'appelez plus.
        ne m’appelez plus jamais s'il vous plaît
        m'appelez plus
        N'appelez plus ce numéro.
        Arrêtez de m'appeler !
        Retirez-moi de votre liste.
        supprimez mon numéro
        enlevez mon numéro de votre fichier
        Je ne veux plus être appelé.
        je veux plus recevoir vos appels
        Ne m'appelez pas, merci.
    """,
    "de": """
        Rufen Sie mich nicht mehr an.
        rufen sie mich bitte nie wieder an
        Ruf mich nicht mehr an!
        rufen Sie hier nicht mehr an
        Hören Sie auf, mich anzurufen.
        hör auf mich anzurufen
        Streichen Sie mich von Ihrer Liste.
        nehmen sie mich bitte aus ihrer kartei
        Löschen Sie meine Nummer.
        Ich möchte nicht mehr angerufen werden.
        ich will keine weiteren anrufe
        Keine Anrufe mehr, bitte.
        Ich will nicht, dass Sie mich noch einmal anrufen.
        Rufen Sie mich nicht an.
    """,
    "it": """
        Non mi chiami più.
        non chiamatemi mai più
        Smettetela di chiamarmi.
        la smetta di chiamarmi per favore
        Mi tolga dalla vostra lista.
        toglietemi dall'elenco
        Cancelli il mio numero.
        Non voglio più essere chiamato.
        non voglio ricevere altre telefonate
        Basta telefonate!
        Non mi chiami.
    """,
    "pt": """
        Não me ligue mais.
        não me liguem mais por favor
        Não ligue mais para este número.
        Pare de me ligar.
        parem de ligar para mim
        Tire o meu número da sua lista.
        me tire da lista
        Apague meu número.
        Não quero mais receber ligações.
        Nunca mais me ligue.
        não quero que me liguem
    """,
}
ELSE = {
    "en": """
        don't call me Bob
        please don't call me sir
        Don't call me that.
        Don't call me before nine.
        don't call me again until Friday
        Do not call me on my mobile, call the office.
        don't call me today
        Don't call me, I'll call you.
        Don't call me tomorrow.
        stop calling me Bob
        stop calling me so early
        stop calling it a clinic
        Do not stop calling me.
        I didn't say stop calling me.
        Don't take me off your list.
        I don't want you to take me off your list.
        You never call me anymore.
        Why did you stop calling me?
        If you remove my number I will not get the results.
        could you call me again
        Call me again tomorrow.
        There are no more calls.
        I did not get a call
        He said never call me again.
        Who is calling me?
        yes
    """,
    "es": """
        No me llame Pedro.
        no me llame mañana
        No me llame más tarde.
        llámeme otra vez
        No deje de llamarme.
        no borre mi número
        no quiero colgar
        No me llames así.
        Si me quita de la lista, pierdo la cita.
    """,
    "fr": """
        Ne m'appelez pas Robert.
        Vous ne m'appelez plus.
        ne m'appelez pas demain
        Rappelez-moi plus tard.
        N'arrêtez pas de m'appeler.
        ne supprimez pas mon numéro
        Je m'appelle Anne.
    """,
    "de": """
        Rufen Sie mich morgen an.
        Rufen Sie mich nicht mehr an?
        Rufen Sie mich nicht vor neun an.
        Rufen Sie mich nicht an, ich rufe Sie an.
        Streichen Sie mich nicht von der Liste.
        Löschen Sie meine Nummer nicht.
        Warum rufen Sie mich nicht mehr an
        Ich heiße Anna, rufen Sie mich zurück.
    """,
    "it": """
        Non mi chiami Mario.
        non mi chiami più tardi
        Non mi chiamo Rossi.
        non cancelli il mio numero
        Mi chiami domani.
        Perché non mi chiami più?
    """,
    "pt": """
        Não me ligue mais tarde.
        Não me liga amanhã.
        não pare de me ligar
        Não tire meu nome da lista.
        Me ligue amanhã.
        Não quero mais café.
        Chamo-me Ana.
    """,
}


def lines(texts: dict[str, str]) -> list[tuple[str, str]]:
    return [
        (language, text.strip())
        for language, block in texts.items()
        for text in block.strip().splitlines()
    ]


def test_what_people_say() -> None:
    text = Path(__file__).with_name("sentences.toml").read_text(encoding="utf-8")
    for language, sentences in tomllib.loads(text).items():
        refusals = refusals_of(language)
        asks, others = sentences["asks"], sentences["others"]
        assert [each for each in asks if not refusals.asked_in(each)] == []
        assert [each for each in others if refusals.asked_in(each)] == []


@pytest.mark.parametrize(
    ("language", "calling", "data"),
    [
        ("en", "stop calling me", "remove my number"),
        ("de", "rufen Sie mich nicht mehr an", "löschen Sie meine Nummer"),
        ("fr", "ne m'appelez plus", "supprimez mon numéro"),
        ("es", "no me llame más", "borre mi número"),
        ("it", "non mi chiami più", "cancelli il mio numero"),
        ("pt", "não me ligue mais", "apague meu número"),
    ],
)
def test_in_calls_that_are_not_ours_only_words_about_calling_count(
    language: str, calling: str, data: str
) -> None:
    refusals = refusals_of(language)
    assert refusals.asked_in(calling, by_us=False)
    assert refusals.asked_in(data)
    assert not refusals.asked_in(data, by_us=False)


@pytest.mark.parametrize(("language", "text"), lines(CLEAR))
def test_a_clear_request(language: str, text: str) -> None:
    assert refusals_of(language).asked_in(text)
    assert refusals_of(language).asked_in(text.upper().rstrip(".!?"))


@pytest.mark.parametrize(("language", "text"), lines(ELSE))
def test_what_is_no_request(language: str, text: str) -> None:
    assert not refusals_of(language).asked_in(text)


def test_every_language_has_its_sentences() -> None:
    for language in CLEAR:
        refusals = refusals_of(f"{language}-XX")
        assert refusals is refusals_of(language)
        assert refusals.noted.rstrip(".") in refusals.goodbye
        assert all(refusals.asked_in(text) for text in refusals.usual)
    assert refusals_of("ja-JP") is refusals_of("en")


def test_a_long_turn_takes_no_time() -> None:
    began_s = time.process_time()
    for text in ("do not want to get ", "stop calling me bob ", "no more ", "please "):
        assert not refusals_of("en").asked_in(text * 5_000 + "of the calls")
    assert time.process_time() - began_s < 0.5
    assert refusals_of("en").asked_in("well " * 5_000 + "stop calling me")
