"""The demo's shop: a website on an origin of its own, like those of idic's users."""
