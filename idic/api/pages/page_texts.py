"""The texts of the customers' pages in every language that idic speaks; the first language is the fallback."""

from __future__ import annotations

from collections.abc import Iterable

from babel.core import negotiate_locale

from idic.journey.channels import CHANNELS

_EN = {
    "later.title": "That didn't work",
    "later.text": "Nothing is lost. Please try again in a minute.",
    "later.button": "Try again",
    "broken.title": "This link does not work",
    "broken.text": "It may have been cut off. Please open the link from the message again.",
    "old.title": "This link has expired",
    "old.text": "We no longer have any data about this message.",
    "gone.title": "We have no data about you",
    "gone.text": (
        "Everything was erased, as you asked. We won't send you any advertising, "
        "and there are no settings left to change."
    ),
    "thanks.title": "Thank you",
    "thanks.text": "Your answer has arrived.",
    "yes": "Yes",
    "no": "No",
    "everything": "Everything else",
    "everything.about": "Messages on other topics.",
    # Unsubscribing.
    "stop.title": "Unsubscribe?",
    "stop.topic": "Stop “{topic}” {by}",
    "stop.channel": "Stop all advertising {by}",
    "stop.service": "You will still get important messages about your orders.",
    "stopped.title": "You are unsubscribed",
    "stopped.topic": "You won't get “{topic}” {by} any more.",
    "stopped.channel": "You won't get any more advertising {by}.",
    "stop.choose": "Choose which messages you get",
    # Preferences.
    "p.title": "Your message settings",
    "p.for": "For {who}",
    "p.topics": "What would you like to hear about?",
    "p.no_topics": "There is nothing to choose at the moment: we don't send you any advertising.",
    "p.waiting": "Waiting for your confirmation: please click the link in the message we sent you.",
    "p.often": "How often?",
    "p.fewer": "Fewer messages",
    "p.fewer.about": "At most {most}, whatever you chose above.",
    "p.most.one": "one message {span}",
    "p.most.many": "{count} messages {span}",
    "p.span.day": "a day",
    "p.span.week": "a week",
    "p.span.days": "in {days} days",
    "p.questions": "Would you like to tell us more about you?",
    "p.questions.about": "This is optional: you can leave it empty.",
    "p.choose": "Please choose",
    "p.save": "Save",
    "p.pause": "Take a break",
    "p.pause.about": "No advertising for 30 days. After that, your settings here apply again.",
    "p.pause.button": "Pause for 30 days",
    "p.paused": "You are taking a break: no advertising until {day}.",
    "p.resume": "Resume now",
    "p.none": "Had enough?",
    "p.none.about": (
        "No more advertising on any channel. You will still get important messages "
        "about your orders."
    ),
    "p.none.button": "Unsubscribe from everything",
    "p.data": "What do we know about you?",
    "p.data.about": (
        "We'll send you a link to everything we know about you and why, to download or to "
        "erase. The link works for 24 hours."
    ),
    "p.data.button": "Send me the link",
    "done.saved": "Saved. Your settings apply from now on.",
    "done.same": "Nothing was changed.",
    "done.paused": "You won't get any advertising for 30 days.",
    "done.resumed": "Your break is over.",
    "done.none": "You are unsubscribed from everything.",
    "done.data": "We have sent you the link.",
    "wrong.title": "Nothing is saved yet",
    "wrong.text": "Please check the marked fields. Your entries are still there.",
    "wrong.date": "That isn't a valid date. Write it like this: {example}.",
    "wrong.number": "That isn't a number.",
    "wrong.text_long": "That's too long: at most {most} characters.",
    "wrong.choice": "Please choose one of these.",
    # Confirming.
    "c.title": "One more click",
    "c.ask": "May we write to you {by}?",
    "c.ask.topic": "Would you like to get “{topic}” {by}?",
    "c.button": "Yes, please",
    "c.otherwise": "If you didn't ask for this, just close this page. We won't send you anything.",
    "c.done": "Confirmed",
    "c.done.text": "Thank you. We look forward to writing to you.",
    "c.done.before": "You already confirmed this on {day}. You don't need to do anything else.",
    "c.old": "This link has expired",
    "c.old.text": "It worked for seven days, and you didn't confirm. If you still want to hear from us, you can sign up here.",
    "c.left": "You've since unsubscribed",
    "c.left.text": (
        "You unsubscribed after we asked. If you want to hear from us after all, you can sign up here."
    ),
    # Data.
    "d.title": "What we know about you, and why",
    "d.until": "You can open this page until {day}, {time}. Please don't share its link.",
    "d.old": "This link has expired",
    "d.old.text": (
        "It worked for 24 hours, to keep your data private. You can get a new "
        "link from your message settings."
    ),
    "d.attributes": "What we know",
    "d.attributes.none": "We only know how to reach you.",
    "d.from.shop": "from the shop",
    "d.from.page": "you told us in your message settings",
    "d.for": "for {purposes}",
    "d.for.any": "for messages that fit you",
    "d.for.reach": "so that we can reach you",
    "d.consents": "What you allowed",
    "d.consents.none": "You haven't allowed or refused anything yet.",
    "d.given": "allowed",
    "d.confirmed": "allowed and confirmed",
    "d.withdrawn": "withdrawn",
    "d.any_topic": "All topics",
    "d.messages": "What we sent you",
    "d.messages.none": "We haven't sent you anything.",
    "d.messages.more": "Older messages are in the file.",
    "d.because": "Because of: {event}, {day}",
    "d.journeys": "Messages planned for you",
    "d.journeys.none": "No messages are planned for you.",
    "d.take": "Download your data",
    "d.take.about": "Everything we know about you, including every event, as a file that other programs can read (JSON).",
    "d.take.button": "Download",
    "d.erase": "Erase your data",
    "d.erase.about": "We erase everything we know about you. This can't be undone.",
    "d.erase.button": "Erase everything …",
    "e.title": "Erase everything?",
    "e.what": (
        "We erase who you are, what you did, what you told us, and every message we "
        "sent you. Messages planned for you are cancelled."
    ),
    "e.keep": "We keep only a scrambled code of your address, so that nobody writes to it by mistake.",
    "e.shop": "The shop keeps orders and invoices for as long as the law requires.",
    "e.button": "Yes, erase everything",
    "e.back": "No, keep it",
    "e.done": "Everything is erased",
    "e.done.text": "We no longer know anything about you. Goodbye.",
    "act.form": "in a form",
    "act.double opt-in": "confirmed by a link in a mail",
    "act.import": "taken over from another system",
    "act.preference page": "in your message settings",
    "act.one-click": "with the unsubscribe button of your mail program",
    "act.unsubscribe page": "on the unsubscribe page",
    "act.keyword": "by SMS",
    "act.complaint": "marked as spam",
    "attribute.email": "Email address",
    "attribute.phone": "Telephone number",
    "attribute.zone": "Time zone",
    "attribute.timezone": "Time zone",
    "attribute.language": "Language",
    "attribute.locale": "Language",
    "attribute.country": "Country",
    "attribute.first_name": "First name",
    "attribute.last_name": "Last name",
    "attribute.name": "Name",
    "purpose.marketing": "advertising",
    "purpose.service": "service",
}  # fmt: skip

_DE = {
    "later.title": "Das hat nicht geklappt",
    "later.text": "Es ist nichts verloren. Bitte versuche es in einer Minute noch einmal.",
    "later.button": "Noch einmal",
    "broken.title": "Dieser Link funktioniert nicht",
    "broken.text": "Vielleicht wurde er abgeschnitten. Bitte öffne den Link noch einmal aus der Nachricht.",
    "old.title": "Dieser Link ist abgelaufen",
    "old.text": "Zu dieser Nachricht haben wir keine Daten mehr.",
    "gone.title": "Wir haben keine Daten über dich",
    "gone.text": (
        "Alles wurde gelöscht, wie du es wolltest. Du bekommst keine Werbung von uns, "
        "und es gibt nichts mehr einzustellen."
    ),
    "thanks.title": "Danke",
    "thanks.text": "Deine Antwort ist angekommen.",
    "yes": "Ja",
    "no": "Nein",
    "everything": "Alles Übrige",
    "everything.about": "Nachrichten zu anderen Themen.",
    "stop.title": "Abmelden?",
    "stop.topic": "Nichts mehr zu „{topic}“ {by}",
    "stop.channel": "Gar keine Werbung mehr {by}",
    "stop.service": "Wichtige Nachrichten zu deinen Bestellungen bekommst du weiterhin.",
    "stopped.title": "Du bist abgemeldet",
    "stopped.topic": "Du bekommst nichts mehr zu „{topic}“ {by}.",
    "stopped.channel": "Du bekommst keine Werbung mehr {by}.",
    "stop.choose": "Nachrichten auswählen",
    "p.title": "Deine Nachrichteneinstellungen",
    "p.for": "Für {who}",
    "p.topics": "Worüber möchtest du etwas hören?",
    "p.no_topics": "Zurzeit gibt es nichts auszuwählen: Wir schicken dir keine Werbung.",
    "p.waiting": "Wartet auf deine Bestätigung: Bitte klick auf den Link in unserer Nachricht an dich.",
    "p.often": "Wie oft?",
    "p.fewer": "Weniger Nachrichten",
    "p.fewer.about": "Höchstens {most}, egal was du oben ausgewählt hast.",
    "p.most.one": "eine Nachricht {span}",
    "p.most.many": "{count} Nachrichten {span}",
    "p.span.day": "am Tag",
    "p.span.week": "pro Woche",
    "p.span.days": "in {days} Tagen",
    "p.questions": "Magst du uns etwas verraten?",
    "p.questions.about": "Nur wenn du willst. Du kannst es auch leer lassen.",
    "p.choose": "Bitte wählen",
    "p.save": "Speichern",
    "p.pause": "Eine Pause",
    "p.pause.about": "30 Tage lang keine Werbung. Danach gelten wieder deine Einstellungen hier.",
    "p.pause.button": "30 Tage Pause",
    "p.paused": "Du machst Pause: keine Werbung bis zum {day}.",
    "p.resume": "Jetzt weitermachen",
    "p.none": "Genug?",
    "p.none.about": (
        "Gar keine Werbung mehr, auf keinem Kanal. Wichtige Nachrichten zu deinen "
        "Bestellungen bekommst du weiterhin."
    ),
    "p.none.button": "Von allem abmelden",
    "p.data": "Was wissen wir über dich?",
    "p.data.about": (
        "Wir schicken dir einen Link zu allem, was wir über dich wissen und warum, zum "
        "Herunterladen oder Löschen. Er gilt 24 Stunden."
    ),
    "p.data.button": "Schickt mir den Link",
    "done.saved": "Gespeichert. Deine Einstellungen gelten ab sofort.",
    "done.same": "Es wurde nichts geändert.",
    "done.paused": "Du bekommst 30 Tage lang keine Werbung.",
    "done.resumed": "Die Pause ist vorbei.",
    "done.none": "Du bist von allem abgemeldet.",
    "done.data": "Wir haben dir den Link geschickt.",
    "wrong.title": "Noch ist nichts gespeichert",
    "wrong.text": "Bitte prüf die markierten Felder. Deine Eingaben sind noch da.",
    "wrong.date": "Das ist kein Datum. Schreib es so: {example}.",
    "wrong.number": "Das ist keine Zahl.",
    "wrong.text_long": "Das ist zu lang: höchstens {most} Zeichen.",
    "wrong.choice": "Bitte wähle eins davon.",
    "c.title": "Nur noch ein Klick",
    "c.ask": "Dürfen wir dir {by} schreiben?",
    "c.ask.topic": "Möchtest du „{topic}“ {by} bekommen?",
    "c.button": "Ja, gern",
    "c.otherwise": "Wenn du das nicht warst, schließ diese Seite einfach. Wir schicken dir dann nichts.",
    "c.done": "Bestätigt",
    "c.done.text": "Danke. Wir freuen uns darauf, dir zu schreiben.",
    "c.done.before": "Du hast das schon am {day} bestätigt. Du musst nichts weiter tun.",
    "c.old": "Dieser Link ist abgelaufen",
    "c.old.text": (
        "Er galt sieben Tage, und du hast nicht bestätigt. Wenn du noch von uns hören "
        "willst, kannst du dich hier anmelden."
    ),
    "c.left": "Du hast dich inzwischen abgemeldet",
    "c.left.text": (
        "Du hast dich nach unserer Frage abgemeldet. Wenn du doch von uns hören willst, kannst du dich hier anmelden."
    ),
    "d.title": "Was wir über dich wissen, und warum",
    "d.until": "Du kannst diese Seite bis zum {day}, {time}, öffnen. Bitte gib ihren Link nicht weiter.",
    "d.old": "Dieser Link ist abgelaufen",
    "d.old.text": (
        "Er galt 24 Stunden, damit deine Daten privat bleiben. In deinen "
        "Nachrichteneinstellungen bekommst du einen neuen."
    ),
    "d.attributes": "Was wir wissen",
    "d.attributes.none": "Wir wissen nur, wie wir dich erreichen.",
    "d.from.shop": "vom Shop",
    "d.from.page": "aus deinen Nachrichteneinstellungen",
    "d.for": "für {purposes}",
    "d.for.any": "für Nachrichten, die zu dir passen",
    "d.for.reach": "damit wir dich erreichen",
    "d.consents": "Was du erlaubt hast",
    "d.consents.none": "Du hast noch nichts erlaubt oder abgelehnt.",
    "d.given": "erlaubt",
    "d.confirmed": "erlaubt und bestätigt",
    "d.withdrawn": "widerrufen",
    "d.any_topic": "Alle Themen",
    "d.messages": "Was wir dir geschickt haben",
    "d.messages.none": "Wir haben dir nichts geschickt.",
    "d.messages.more": "Ältere Nachrichten stehen in der Datei.",
    "d.because": "Anlass: {event}, {day}",
    "d.journeys": "Geplante Nachrichten an dich",
    "d.journeys.none": "Für dich sind keine Nachrichten geplant.",
    "d.take": "Deine Daten herunterladen",
    "d.take.about": "Alles, was wir über dich wissen, mit jedem Ereignis, als Datei, die andere Programme lesen können (JSON).",
    "d.take.button": "Herunterladen",
    "d.erase": "Deine Daten löschen",
    "d.erase.about": "Wir löschen alles, was wir über dich wissen. Das lässt sich nicht rückgängig machen.",
    "d.erase.button": "Alles löschen …",
    "e.title": "Alles löschen?",
    "e.what": (
        "Wir löschen, wer du bist, was du getan und uns gesagt hast, und jede Nachricht, die "
        "wir dir geschickt haben. Geplante Nachrichten an dich werden abgesagt."
    ),
    "e.keep": "Wir behalten nur einen unlesbaren Code deiner Adresse, damit niemand aus Versehen an sie schreibt.",
    "e.shop": "Bestellungen und Rechnungen bewahrt der Shop auf, solange das Gesetz es verlangt.",
    "e.button": "Ja, alles löschen",
    "e.back": "Nein, behalten",
    "e.done": "Alles ist gelöscht",
    "e.done.text": "Wir wissen nichts mehr über dich. Mach's gut.",
    "act.form": "in einem Formular",
    "act.double opt-in": "bestätigt über einen Link in einer Mail",
    "act.import": "aus einem anderen System übernommen",
    "act.preference page": "in deinen Nachrichteneinstellungen",
    "act.one-click": "mit dem Abmeldeknopf deines Mailprogramms",
    "act.unsubscribe page": "auf der Abmeldeseite",
    "act.keyword": "per SMS",
    "act.complaint": "als Spam gemeldet",
    "attribute.email": "E-Mail-Adresse",
    "attribute.phone": "Telefonnummer",
    "attribute.zone": "Zeitzone",
    "attribute.timezone": "Zeitzone",
    "attribute.language": "Sprache",
    "attribute.locale": "Sprache",
    "attribute.country": "Land",
    "attribute.first_name": "Vorname",
    "attribute.last_name": "Nachname",
    "attribute.name": "Name",
    "purpose.marketing": "Werbung",
    "purpose.service": "Service",
}  # fmt: skip


def _of_channels(language: str) -> dict[str, str]:
    """What the channels themselves say; in English where a channel says nothing in this language."""
    texts: dict[str, str] = {}
    for name, channel in CHANNELS.items():
        words = channel.customer_words.get(language) or channel.customer_words["en"]
        texts |= {f"by.{name}": words.by, f"channel.{name}": words.label}
        if words.suppressed:
            texts[f"p.suppressed.{name}"] = words.suppressed
    return texts


TEXTS = {language: {**texts, **_of_channels(language)} for language, texts in {"en": _EN, "de": _DE}.items()}


def spoken(wanted: Iterable[str]) -> str:
    """Choose one of idic's languages for a reader who prefers ``wanted`` (BCP 47 tags, the most preferred first)."""
    for language in wanted:
        base = negotiate_locale([language.replace("-", "_")], list(TEXTS))
        if base in TEXTS:
            return base
    return next(iter(TEXTS))


class PageTexts:
    """The texts in one language: ``words("by.email")``, ``words("p.for", who="Anna")``."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = TEXTS[language]

    def __call__(self, key: str, /, **values: object) -> str:
        return self._texts[key].format_map(values)

    def has(self, key: str) -> bool:
        """Whether there is a text with this key."""
        return key in self._texts
