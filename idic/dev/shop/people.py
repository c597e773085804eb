"""The demo's customers, from all over the world, and what the shop's forms know about them."""

from __future__ import annotations

from typing import Any, NamedTuple

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType


class ShopCustomer(NamedTuple):
    """``address`` is the part of their email address before the @, and their user id. ``locale`` is BCP 47 and names their
    country; ``zone`` is an IANA zone."""

    name: str
    first_name: str
    address: str
    locale: str
    zone: str

    @property
    def email(self) -> str:
        """Their email address."""
        return f"{self.address}@example.com"

    @property
    def country(self) -> str:
        """Their country (ISO 3166-1 alpha-2)."""
        return self.locale.rpartition("-")[2]

    def traits(self) -> dict[str, Any]:
        """Everything the shop's form asks for."""
        return {
            "firstName": self.first_name,
            "email": self.email,
            "phone": mobile(self.country),
            "country": self.country,
            "timezone": self.zone,
            "locale": self.locale,
        }


def mobile(country: str, number: int = 0, *, landline: bool = False) -> str:
    """An unassigned mobile number of the country in E.164; ``number`` makes it unique. Raises ``ValueError`` for a country
    without any."""
    kind = PhoneNumberType.FIXED_LINE if landline else PhoneNumberType.MOBILE
    example = phonenumbers.example_number_for_type(country, kind)
    if example is None or example.national_number is None:
        raise ValueError(f"no numbers are known for {country}")
    for more in range(number, number + 100):
        other = phonenumbers.PhoneNumber(country_code=example.country_code, national_number=example.national_number + more)
        if phonenumbers.is_valid_number(other) and phonenumbers.number_type(other) == phonenumbers.number_type(example):
            return phonenumbers.format_number(other, PhoneNumberFormat.E164)
    raise ValueError(f"no numbers are known for {country}")


PEOPLE = tuple(
    ShopCustomer(*line)
    for line in (
        ("Anna Schröder", "Anna", "anna.schroeder", "de-DE", "Europe/Berlin"),
        ("佐藤 陽菜", "陽菜", "hina.sato", "ja-JP", "Asia/Tokyo"),
        ("Ελένη Παππά", "Ελένη", "eleni.pappa", "el-GR", "Europe/Athens"),
        ("Chinụa Ọkafọ", "Chinụa", "chinua.okafo", "ig-NG", "Africa/Lagos"),
        ("Søren Ørsted", "Søren", "soren.orsted", "da-DK", "Europe/Copenhagen"),
        ("Дарья Соколова", "Дарья", "darya.sokolova", "ru-RU", "Europe/Moscow"),
        ("José Ñáñez", "José", "jose.nanez", "es-MX", "America/Mexico_City"),
        ("김서연", "서연", "seoyeon.kim", "ko-KR", "Asia/Seoul"),
        ("ليلى حداد", "ليلى", "layla.haddad", "ar-LB", "Asia/Beirut"),
        ("Nguyễn Thị Hương", "Hương", "huong.nguyen", "vi-VN", "Asia/Ho_Chi_Minh"),
        ("İpek Yıldız", "İpek", "ipek.yildiz", "tr-TR", "Europe/Istanbul"),
        ("Zoë O'Brien-Łuczak", "Zoë", "zoe.obrien", "en-IE", "Europe/Dublin"),
        ("नेहा शर्मा", "नेहा", "neha.sharma", "hi-IN", "Asia/Kolkata"),
        ("王小明", "小明", "xiaoming.wang", "zh-CN", "Asia/Shanghai"),
        ("Þórdís Jónsdóttir", "Þórdís", "thordis.jonsdottir", "is-IS", "Atlantic/Reykjavik"),
        ("Олексій Шевченко", "Олексій", "oleksii.shevchenko", "uk-UA", "Europe/Kyiv"),
        ("נועה לוי", "נועה", "noa.levi", "he-IL", "Asia/Jerusalem"),
        ("Kiran O. Ng", "Kiran", "kiran.ng", "en-SG", "Asia/Singapore"),
        ("ნინო ბერიძე", "ნინო", "nino.beridze", "ka-GE", "Asia/Tbilisi"),
        ("Kōkī Keʻalohi", "Kōkī", "koki.kealohi", "haw-US", "Pacific/Honolulu"),
        ("Françoise Lefèvre", "Françoise", "francoise.lefevre", "fr-FR", "Europe/Paris"),
        ("Արամ Սարգսյան", "Արամ", "aram.sargsyan", "hy-AM", "Asia/Yerevan"),
        ("João Gonçalves", "João", "joao.goncalves", "pt-BR", "America/Sao_Paulo"),
        ("สมชาย ใจดี", "สมชาย", "somchai.jaidee", "th-TH", "Asia/Bangkok"),
        ("Żaneta Wójcik", "Żaneta", "zaneta.wojcik", "pl-PL", "Europe/Warsaw"),
        ("ሰላም ተስፋዬ", "ሰላም", "selam.tesfaye", "am-ET", "Africa/Addis_Ababa"),
        ("Ján Ľuboš Čierny", "Ján", "jan.cierny", "sk-SK", "Europe/Bratislava"),
        ("মিতা সেন", "মিতা", "mita.sen", "bn-BD", "Asia/Dhaka"),
        ("Aoife Ní Bhriain", "Aoife", "aoife.nibhriain", "ga-IE", "Europe/Dublin"),
        ("Nagy Ödön", "Ödön", "odon.nagy", "hu-HU", "Europe/Budapest"),
        ("பிரியா ராஜன்", "பிரியா", "priya.rajan", "ta-IN", "Asia/Kolkata"),
        ("Māra Bērziņa", "Māra", "mara.berzina", "lv-LV", "Europe/Riga"),
        ("María José de la Cruz y Vega", "María José", "mariajose.delacruz", "es-AR", "America/Argentina/Buenos_Aires"),
        ("Стоян Георгиев", "Стоян", "stoyan.georgiev", "bg-BG", "Europe/Sofia"),
        ("Lwazi Dlamini", "Lwazi", "lwazi.dlamini", "zu-ZA", "Africa/Johannesburg"),
        ("陳美玲", "美玲", "meiling.chen", "zh-TW", "Asia/Taipei"),
        ("Ķēniņš Õun", "Ķēniņš", "kenins.oun", "et-EE", "Europe/Tallinn"),
        ("Sinéad D'Arcy", "Sinéad", "sinead.darcy", "en-GB", "Europe/London"),
        ("رضا کریمی", "رضا", "reza.karimi", "fa-IR", "Asia/Tehran"),
        ("Aroha Te Whānau", "Aroha", "aroha.tewhanau", "mi-NZ", "Pacific/Auckland"),
    )
)
