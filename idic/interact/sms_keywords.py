"""Find keywords in SMS: stop, start, help and yes, in eight languages.

A keyword is a whole message: "stop it, please send help" is a sentence for a person to read. Case, accents, punctuation, spaces
around it and the colour of an emoji do not matter, nor does a repetition.

English: the words of CTIA's Messaging Principles and Best Practices, those that Twilio and Telnyx act upon by themselves, and
those of 47 CFR 64.1200(a)(10), which adds "revoke" and "opt out" (STOP, HELP and START are said in any language). French:
also ARRET, which carriers in Canada require. Other languages: their plain words, as imperative and infinitive. A word that
answers an ordinary question ("no", "fin", "ende") is not a keyword.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Literal, get_args

Keyword = Literal["stop", "start", "help", "yes"]
KEYWORDS: tuple[Keyword, ...] = get_args(Keyword)

WORDS: Mapping[Keyword, Mapping[str, tuple[str, ...]]] = {
    "stop": {
        "en": ("stop", "stop all", "stopall", "unsubscribe", "cancel", "end", "quit", "revoke", "opt out", "optout", "remove"),
        "de": ("stopp", "abmelden", "abbestellen", "beenden", "kündigen", "stop sms", "stopp sms"),
        "fr": ("arret", "arrêt", "arretez", "arrêter", "désabonner", "désinscrire", "stop sms", "stop pub"),
        "es": ("alto", "parar", "para", "baja", "cancelar", "detener", "darme de baja", "darse de baja"),
        "it": ("ferma", "fermare", "basta", "cancella", "annulla", "disiscrivi", "disiscrivimi"),
        "nl": ("stoppen", "afmelden", "uitschrijven", "opzeggen"),
        "pt": ("pare", "parar", "sair", "cancelar", "remover", "descadastrar"),
        "pl": ("stój", "koniec", "rezygnuję", "wypisz", "anuluj", "zakończ"),
    },
    "start": {
        "en": ("start", "unstop", "subscribe", "opt in", "optin", "resume"),
        "de": ("starten", "anmelden", "abonnieren"),
        "fr": ("commencer", "abonner", "démarrer", "reprendre"),
        "es": ("inicio", "iniciar", "empezar", "alta", "suscribir", "suscribirme", "darme de alta"),
        "it": ("inizia", "iniziare", "avvia", "iscrivi", "iscrivimi"),
        "nl": ("starten", "aanmelden", "inschrijven"),
        "pt": ("começar", "iniciar", "inscrever"),
        "pl": ("zapisz", "wznów"),
    },
    "help": {
        "en": ("help", "info", "help me"),
        "de": ("hilfe",),
        "fr": ("aide",),
        "es": ("ayuda",),
        "it": ("aiuto",),
        "nl": ("hulp",),
        "pt": ("ajuda",),
        "pl": ("pomoc",),
    },
    "yes": {
        "en": ("yes", "y", "yeah", "yep", "ok", "okay"),
        "de": ("ja", "jawohl"),
        "fr": ("oui",),
        "es": ("sí",),
        "it": ("sì",),
        "nl": ("ja",),
        "pt": ("sim",),
        "pl": ("tak",),
    },
}
"""Each keyword's words, by language (ISO 639-1)."""

_SIGNS: Mapping[str, Keyword] = {"🛑": "stop", "✋": "stop", "🚫": "stop", "⛔": "stop", "👍": "yes", "✅": "yes"}
_STOPS = frozenset(".!?,;:")
_LONGEST = 40
"""The most characters of a message that can be a keyword, with everything around it."""

_TINTS = re.compile("[\ufe0e\ufe0f\u200d\U0001f3fb-\U0001f3ff]")
"""How an emoji is drawn: as text or in colour, and in which colour of skin."""
_WORD = re.compile(r"[^\W_]+")
_APART = str.maketrans({"ł": "l", "Ł": "l", "ø": "o", "ß": "ss"})
"""Letters that are not another one with an accent."""


def keyword_of(text: str) -> Keyword | None:
    """The keyword that this whole message is; None if it is not one."""
    drawn = _TINTS.sub("", text).strip()
    if len(drawn) > _LONGEST:
        return None
    words = _plain(drawn)
    if words:
        return _KNOWN.get(" ".join(words)) or (_KNOWN.get(words[0]) if len(set(words)) == 1 else None)
    signs = {_SIGNS.get(sign) for sign in drawn if not sign.isspace() and sign not in _STOPS}
    # A thumb beside a stop sign is not clear.
    return signs.pop() if len(signs) == 1 else None


def _plain(text: str) -> list[str]:
    """Its words in small letters without accents."""
    bare = "".join(letter for letter in unicodedata.normalize("NFKD", text) if unicodedata.category(letter) not in ("Mn", "Cf"))
    return _WORD.findall(bare.casefold().translate(_APART))


_KNOWN: Mapping[str, Keyword] = {
    " ".join(_plain(word)): keyword for keyword in KEYWORDS for words in WORDS[keyword].values() for word in words
}
