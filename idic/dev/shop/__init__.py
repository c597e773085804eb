"""The shop of the demo: a website of its own, as idic's customers have them, on an origin that is not the API's."""
