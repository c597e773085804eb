"""Play the stories of journeys and judge what they expect."""
