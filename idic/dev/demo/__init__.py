"""The demo: customers of a small shop go through its journeys, and an audit checks that everything arrived."""
