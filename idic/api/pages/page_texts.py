"""Every text of the pages, in each language that idic itself speaks. Who speaks none of them reads the first."""

from __future__ import annotations

from collections.abc import Iterable

from babel.core import negotiate_locale

_EN = {
    "later.title": "That did not work",
    "later.text": "Nothing is lost. Please try again in a minute.",
    "later.button": "Try again",
    "broken.title": "This link does not work",
    "broken.text": "Perhaps it was cut off. Please open it from the message again.",
    "old.title": "This link is too old",
    "old.text": "Nothing is known of this message any more.",
    "gone.title": "Nothing is known of you here",
    "gone.text": (
        "Everything was erased, as you wished. You get no advertising from us, "
        "and there is nothing left to set."
    ),
    "thanks.title": "Thank you",
    "thanks.text": "Your answer has arrived.",
    "by.email": "by email",
    "by.sms": "by SMS",
    "by.web": "on our website",
    "channel.email": "Email",
    "channel.sms": "SMS",
    "channel.web": "On our website",
    "yes": "Yes",
    "no": "No",
    "everything": "Everything else",
    "everything.about": "What belongs to none of the topics above.",
    # Unsubscribing.
    "stop.title": "Unsubscribe?",
    "stop.topic": "No more of “{topic}” {by}",
    "stop.channel": "No more advertising {by} at all",
    "stop.service": "What you need to know about an order will still reach you.",
    "stopped.title": "You are unsubscribed",
    "stopped.topic": "You will get no more of “{topic}” {by}.",
    "stopped.channel": "You will get no more advertising {by}.",
    "stop.choose": "Choose what you get",
    # Preferences.
    "p.title": "Your messages",
    "p.for": "For {who}",
    "p.topics": "What would you like to hear about?",
    "p.no_topics": "There is nothing to choose from at the moment: we send you no advertising.",
    "p.waiting": "Waiting for your confirmation: please press the link in the message that we sent you.",
    "p.suppressed.email": (
        "Mails to this address come back to us. We can write to you again "
        "when you give us another one."
    ),
    "p.suppressed.sms": "We send nothing to this number. To change that, text us START.",
    "p.often": "How often?",
    "p.fewer": "Fewer messages",
    "p.fewer.about": "At most {most}, whatever you have chosen above.",
    "p.most.one": "one message {span}",
    "p.most.many": "{count} messages {span}",
    "p.span.day": "a day",
    "p.span.week": "a week",
    "p.span.days": "in {days} days",
    "p.questions": "Shall we get to know you?",
    "p.questions.about": "Only if you like. You can leave this empty.",
    "p.choose": "Please choose",
    "p.save": "Save",
    "p.pause": "A break",
    "p.pause.about": "No advertising for 30 days. Then everything goes on as you have set it here.",
    "p.pause.button": "Pause for 30 days",
    "p.paused": "You are having a break: no advertising until {day}.",
    "p.resume": "Go on now",
    "p.none": "Enough?",
    "p.none.about": (
        "No advertising any more, on no channel. What you need to know about "
        "an order will still reach you."
    ),
    "p.none.button": "Unsubscribe from everything",
    "p.data": "What do we know about you?",
    "p.data.about": (
        "We send you a link to everything we know and why, to take along or to "
        "erase. It is good for 24 hours."
    ),
    "p.data.button": "Send me the link",
    "done.saved": "Saved. This is how it is from now on.",
    "done.same": "Nothing was changed.",
    "done.paused": "You will get no advertising for 30 days.",
    "done.resumed": "The break is over.",
    "done.none": "You are unsubscribed from everything.",
    "done.data": "The link is on its way to you.",
    "wrong.title": "Nothing is saved yet",
    "wrong.text": "Please look at what is marked. What you entered is still there.",
    "wrong.date": "This is no date. Write it as {example}.",
    "wrong.number": "This is no number.",
    "wrong.text_long": "This is too long: at most {most} characters.",
    "wrong.choice": "Please choose one of these.",
    # Confirming.
    "c.title": "Only one press more",
    "c.ask": "Shall we write to you {by}?",
    "c.ask.topic": "Would you like to get “{topic}” {by}?",
    "c.button": "Yes, please",
    "c.otherwise": "If it was not you who asked for this, close this page. Nothing will be sent.",
    "c.done": "Confirmed",
    "c.done.text": "Thank you. We look forward to writing to you.",
    "c.done.before": "You confirmed this on {day}. There is nothing more to do.",
    "c.old": "This link was good for seven days",
    "c.old.text": "They are over, and nothing was confirmed. If you still want to hear from us, you can say so here.",
    "c.left": "You have said no since",
    "c.left.text": (
        "You unsubscribed after this was asked. If you want to hear from us after all, you can say so here."
    ),
    # Data.
    "d.title": "What we know about you, and why",
    "d.until": "This page can be opened until {day}, {time}. Please do not pass its link on.",
    "d.old": "This link was good for 24 hours",
    "d.old.text": (
        "They are over, so that nobody else reads what is yours. You get a new "
        "link from the page of your messages."
    ),
    "d.attributes": "What we know",
    "d.attributes.none": "We know nothing about you but how we reach you.",
    "d.from.shop": "from the shop",
    "d.from.page": "you told us on the page of your messages",
    "d.for": "for {purposes}",
    "d.for.any": "for messages that fit you",
    "d.for.reach": "so that we can reach you",
    "d.consents": "What you allowed us",
    "d.consents.none": "You have allowed or forbidden nothing yet.",
    "d.given": "allowed",
    "d.confirmed": "allowed and confirmed",
    "d.withdrawn": "withdrawn",
    "d.any_topic": "All topics",
    "d.messages": "What we sent you",
    "d.messages.none": "We have sent you nothing.",
    "d.messages.more": "The older ones are in the file.",
    "d.because": "Because of: {event}, {day}",
    "d.journeys": "What you are in the middle of",
    "d.journeys.none": "Nothing is under way for you.",
    "d.take": "Take it along",
    "d.take.about": "Everything we know, with every event, as a file that other programs can read (JSON).",
    "d.take.button": "Download",
    "d.erase": "Have it erased",
    "d.erase.about": "We forget everything about you. That cannot be undone.",
    "d.erase.button": "Erase everything …",
    "e.title": "Erase everything?",
    "e.what": (
        "We forget who you are, what you did, what you told us, and every message we "
        "sent you. Whatever is under way for you ends."
    ),
    "e.keep": "What we keep is an unreadable mark of your address, so that nobody writes to it by mistake.",
    "e.shop": "Orders and invoices are kept by the shop, for as long as the law asks for it.",
    "e.button": "Yes, erase everything",
    "e.back": "No, keep it",
    "e.done": "Everything is erased",
    "e.done.text": "We know nothing about you any more. Farewell.",
    "act.form": "in a form",
    "act.double opt-in": "confirmed by a link in a mail",
    "act.import": "from elsewhere",
    "act.preference page": "on the page of your messages",
    "act.one-click": "with the button of your mail program",
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
    "broken.text": "Vielleicht wurde er abgeschnitten. Bitte öffne ihn noch einmal aus der Nachricht.",
    "old.title": "Dieser Link ist zu alt",
    "old.text": "Von dieser Nachricht ist nichts mehr bekannt.",
    "gone.title": "Hier ist nichts über dich bekannt",
    "gone.text": (
        "Alles wurde gelöscht, wie du es wolltest. Du bekommst keine Werbung von uns, "
        "und es gibt nichts mehr einzustellen."
    ),
    "thanks.title": "Danke",
    "thanks.text": "Deine Antwort ist angekommen.",
    "by.email": "per E-Mail",
    "by.sms": "per SMS",
    "by.web": "auf unserer Website",
    "channel.email": "E-Mail",
    "channel.sms": "SMS",
    "channel.web": "Auf unserer Website",
    "yes": "Ja",
    "no": "Nein",
    "everything": "Alles Übrige",
    "everything.about": "Was zu keinem der Themen oben gehört.",
    "stop.title": "Abmelden?",
    "stop.topic": "Nichts mehr zu „{topic}“ {by}",
    "stop.channel": "Gar keine Werbung mehr {by}",
    "stop.service": "Was du über eine Bestellung wissen musst, erreicht dich weiterhin.",
    "stopped.title": "Du bist abgemeldet",
    "stopped.topic": "Du bekommst nichts mehr zu „{topic}“ {by}.",
    "stopped.channel": "Du bekommst keine Werbung mehr {by}.",
    "stop.choose": "Aussuchen, was du bekommst",
    "p.title": "Deine Nachrichten",
    "p.for": "Für {who}",
    "p.topics": "Wovon möchtest du hören?",
    "p.no_topics": "Zurzeit gibt es nichts auszuwählen: Wir schicken dir keine Werbung.",
    "p.waiting": "Wartet auf deine Bestätigung: Bitte drück auf den Link in unserer Nachricht an dich.",
    "p.suppressed.email": (
        "Mails an diese Adresse kommen zurück. Wir können dir wieder "
        "schreiben, wenn du uns eine andere gibst."
    ),
    "p.suppressed.sms": (
        "An diese Nummer schicken wir nichts. Wenn du das ändern willst, "
        "schick uns eine SMS mit START."
    ),
    "p.often": "Wie oft?",
    "p.fewer": "Weniger Nachrichten",
    "p.fewer.about": "Höchstens {most}, was auch immer du oben ausgesucht hast.",
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
    "p.pause.about": "30 Tage lang keine Werbung. Danach geht alles weiter, wie du es hier eingestellt hast.",
    "p.pause.button": "30 Tage Pause",
    "p.paused": "Du machst Pause: keine Werbung bis zum {day}.",
    "p.resume": "Jetzt weitermachen",
    "p.none": "Genug?",
    "p.none.about": (
        "Keine Werbung mehr, auf keinem Weg. Was du über eine Bestellung wissen "
        "musst, erreicht dich weiterhin."
    ),
    "p.none.button": "Von allem abmelden",
    "p.data": "Was wissen wir über dich?",
    "p.data.about": (
        "Wir schicken dir einen Link zu allem, was wir wissen und warum, zum "
        "Mitnehmen oder Löschen. Er gilt 24 Stunden."
    ),
    "p.data.button": "Schickt mir den Link",
    "done.saved": "Gespeichert. So ist es von jetzt an.",
    "done.same": "Es wurde nichts geändert.",
    "done.paused": "Du bekommst 30 Tage lang keine Werbung.",
    "done.resumed": "Die Pause ist vorbei.",
    "done.none": "Du bist von allem abgemeldet.",
    "done.data": "Der Link ist unterwegs zu dir.",
    "wrong.title": "Noch ist nichts gespeichert",
    "wrong.text": "Bitte sieh dir an, was markiert ist. Was du eingegeben hast, steht noch da.",
    "wrong.date": "Das ist kein Datum. Schreib es so: {example}.",
    "wrong.number": "Das ist keine Zahl.",
    "wrong.text_long": "Das ist zu lang: höchstens {most} Zeichen.",
    "wrong.choice": "Bitte wähle eins davon.",
    "c.title": "Nur noch ein Klick",
    "c.ask": "Dürfen wir dir {by} schreiben?",
    "c.ask.topic": "Möchtest du „{topic}“ {by} bekommen?",
    "c.button": "Ja, gern",
    "c.otherwise": "Wenn du das nicht warst, schließ diese Seite einfach. Dann wird nichts geschickt.",
    "c.done": "Bestätigt",
    "c.done.text": "Danke. Wir freuen uns darauf, dir zu schreiben.",
    "c.done.before": "Du hast das am {day} bestätigt. Es ist nichts mehr zu tun.",
    "c.old": "Dieser Link galt sieben Tage",
    "c.old.text": (
        "Sie sind vorbei, und nichts wurde bestätigt. Wenn du noch von uns hören "
        "willst, kannst du es hier sagen."
    ),
    "c.left": "Du hast seitdem Nein gesagt",
    "c.left.text": (
        "Nach dieser Frage hast du dich abgemeldet. Wenn du doch von uns hören willst, kannst du es hier sagen."
    ),
    "d.title": "Was wir über dich wissen, und warum",
    "d.until": "Diese Seite lässt sich bis zum {day}, {time}, öffnen. Bitte gib ihren Link nicht weiter.",
    "d.old": "Dieser Link galt 24 Stunden",
    "d.old.text": (
        "Sie sind vorbei, damit niemand sonst liest, was deins ist. Auf der Seite "
        "deiner Nachrichten bekommst du einen neuen."
    ),
    "d.attributes": "Was wir wissen",
    "d.attributes.none": "Wir wissen nichts über dich, außer wie wir dich erreichen.",
    "d.from.shop": "vom Laden",
    "d.from.page": "hast du auf der Seite deiner Nachrichten gesagt",
    "d.for": "für {purposes}",
    "d.for.any": "für Nachrichten, die zu dir passen",
    "d.for.reach": "damit wir dich erreichen",
    "d.consents": "Was du uns erlaubt hast",
    "d.consents.none": "Du hast noch nichts erlaubt oder verboten.",
    "d.given": "erlaubt",
    "d.confirmed": "erlaubt und bestätigt",
    "d.withdrawn": "widerrufen",
    "d.any_topic": "Alle Themen",
    "d.messages": "Was wir dir geschickt haben",
    "d.messages.none": "Wir haben dir nichts geschickt.",
    "d.messages.more": "Ältere stehen in der Datei.",
    "d.because": "Anlass: {event}, {day}",
    "d.journeys": "Was gerade läuft",
    "d.journeys.none": "Für dich läuft gerade nichts.",
    "d.take": "Mitnehmen",
    "d.take.about": "Alles, was wir wissen, mit jedem Ereignis, als Datei, die andere Programme lesen können (JSON).",
    "d.take.button": "Herunterladen",
    "d.erase": "Löschen lassen",
    "d.erase.about": "Wir vergessen alles über dich. Das lässt sich nicht rückgängig machen.",
    "d.erase.button": "Alles löschen …",
    "e.title": "Alles löschen?",
    "e.what": (
        "Wir vergessen, wer du bist, was du getan und uns gesagt hast, und jede Nachricht, die "
        "wir dir geschickt haben. Was gerade läuft, endet."
    ),
    "e.keep": "Es bleibt ein unlesbares Kennzeichen deiner Adresse, damit ihr niemand aus Versehen schreibt.",
    "e.shop": "Bestellungen und Rechnungen bewahrt der Laden auf, solange das Gesetz es verlangt.",
    "e.button": "Ja, alles löschen",
    "e.back": "Nein, behalten",
    "e.done": "Alles ist gelöscht",
    "e.done.text": "Wir wissen nichts mehr über dich. Mach's gut.",
    "act.form": "in einem Formular",
    "act.double opt-in": "bestätigt über einen Link in einer Mail",
    "act.import": "von anderswo übernommen",
    "act.preference page": "auf der Seite deiner Nachrichten",
    "act.one-click": "mit dem Knopf deines Mailprogramms",
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

TEXTS = {"en": _EN, "de": _DE}


def spoken(wanted: Iterable[str]) -> str:
    """Which of idic's own languages somebody reads who would like ``wanted`` (BCP 47), the dearest first."""
    for language in wanted:
        base = negotiate_locale([language.replace("-", "_")], list(TEXTS))
        if base in TEXTS:
            return base
    return next(iter(TEXTS))


class Words:
    """The texts in one language: ``words("by.email")``, ``words("p.for", who="Anna")``."""

    def __init__(self, language: str) -> None:
        self.language = language
        self._texts = TEXTS[language]

    def __call__(self, key: str, /, **values: object) -> str:
        return self._texts[key].format_map(values)

    def has(self, key: str) -> bool:
        return key in self._texts
