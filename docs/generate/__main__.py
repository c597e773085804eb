"""Write the generated tables into the pages, and say which pages changed."""

from docs.generate.pages import fill, pages

for page in pages():
    before = page.read_text()
    after = fill(before)
    if after != before:
        page.write_text(after)
        print(f"wrote {page.name}")  # noqa: T201
