"""Turn a message into what one customer receives: templates, emails, SMS, slots."""
