"""The script for customers' sites, and which pages may use its endpoints."""

from __future__ import annotations

from tests.api.web.site import Site


async def test_the_script_is_small_and_cached_by_browsers(site: Site) -> None:
    answer = await site.browser.get("/idic.js", headers={"Origin": "https://shop.example"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=300"
    assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
    assert answer.headers["access-control-allow-origin"] == "*"
    assert len(answer.content) < 5000
    again = await site.browser.get("/idic.js", headers={"If-None-Match": answer.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == answer.headers["etag"]


async def test_pages_of_any_origin_may_use_the_endpoints(site: Site) -> None:
    origin = {"Origin": "https://shop.example"}
    first = origin | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for path in ("content", "stream", "shown", "clicked"):
        answer = await site.browser.post(f"/v1/web/{path}", content="{}", headers=origin)
        assert answer.status_code in {400, 401}
        assert answer.headers["access-control-allow-origin"] == "*"
        answer = await site.browser.options(f"/v1/web/{path}", headers=first)
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "*"
