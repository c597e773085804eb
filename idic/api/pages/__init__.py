"""Pages that customers open from their messages: what they get, the confirmation of a consent, the way out, and what is known
of them. They work on a phone, without JavaScript, and say nothing to anybody who has no link of theirs."""
