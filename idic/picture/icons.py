"""The signs of the kinds of steps, each drawn with lines on a square of 16."""

from __future__ import annotations

from idic.journey.channels import CHANNELS

ICONS = {
    "wait": ('<circle cx="8" cy="8" r="6.5"/><path d="M8 4v4.3l2.8 1.7"/>'),
    "wait_for": (
        '<path d="M1.2 8C3 4.8 5.3 3.4 8 3.4S13 4.8 14.8 8C13 11.2 10.7 12.6 8 12.6S3 11.2 1.2 8Z"/>'
        '<circle cx="8" cy="8" r="2.2"/>'
    ),
    "choose": (
        '<path d="M8 1.2 14.8 8 8 14.8 1.2 8Z"/>'
        '<path d="M6.3 6.4a1.8 1.8 0 1 1 2.4 1.7c-.5.2-.7.5-.7 1.1"/>'
        '<path d="M8 11.3v.1"/>'
    ),
    "split": '<path d="M8 14.5V9L3 4M8 9l5-5M3 7.5V4h3.5M13 7.5V4H9.5"/>',
    **{name: channel.icon for name, channel in CHANNELS.items()},
    "set": ('<path d="M2 14 3 10.5 11 2.5l2.5 2.5-8 8Z"/><path d="m9 4.5 2.5 2.5"/>'),
    "call": '<path d="M5.5 1v4M10.5 1v4M3.5 5h9v2.5a4.5 4.5 0 0 1-9 0ZM8 12v3"/>',
    "repeat": (
        '<path d="M2.5 8a5.5 5.5 0 0 1 9.5-3.8L13.5 5.7M13.5 2.2v3.5H10M13.5 8A5.5 5.5 0 0 1 4 11.8L2.5 10.3M2.5 13.8v-3.5H6"/>'
    ),
    "enter": '<path d="M7 2h6v12H7M1.5 8h7.5M6.2 5 9.2 8l-3 3"/>',
    "entry": '<path d="M7 2h6v12H7M1.5 8h7.5M6.2 5 9.2 8l-3 3"/>',
    "differentiate": (
        '<circle cx="5.5" cy="5" r="2.7"/>'
        '<path d="M.8 14c0-3 2-4.8 4.7-4.8s4.7 1.8 4.7 4.8M10.5 2.5a2.7 2.7 0 0 1 0 5'
        'M12 9.6c2 .6 3.2 2.2 3.2 4.4"/>'
    ),
    "exit": '<path d="M9 2H3v12h6M6.5 8h8M11.5 5l3 3-3 3"/>',
    "leave": '<path d="M9 2H3v12h6M6.5 8h8M11.5 5l3 3-3 3"/>',
    "goal": '<path d="M3 15V1.5M3 2.5h9.5L10.5 5.5l2 3H3"/>',
}
