"""SMS by Telnyx."""
