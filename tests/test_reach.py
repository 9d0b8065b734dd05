"""What somebody who is limited to a zone may still do where no zone is named."""

import pytest

from gateway.access import Reach, Role
from tests.web_client import OWNER, Web, web

BAR = Reach(zones=("bar",))
PRESETS: dict[str, object] = {"presets": [{"label": "fries", "for_s": 180}]}
LAYOUT: dict[str, object] = {"content": {"zones": []}}


async def status(site: Web, method: str, path: str, body: object, headers: dict[str, str]) -> int:
    answer = await site.client.request(method, path, json=body, headers=headers)
    answer.close()
    return answer.status


@pytest.mark.parametrize(
    ("method", "path", "body", "limited", "free"),
    [
        ("POST", "/api/v1/timers", {"label": "fries", "for_s": 180}, 201, 201),
        ("PUT", "/api/v1/timers/presets", PRESETS, 403, 200),
        ("PUT", "/api/v1/layouts/wall", LAYOUT, 403, 200),
        ("PUT", "/api/v1/layouts/_boss", LAYOUT, 200, 200),
        ("DELETE", "/api/v1/layouts/wall", None, 403, 404),
        ("PUT", "/api/v1/views/mine", LAYOUT, 200, 200),
        ("POST", "/api/v1/duty/cook", {"person": "kim", "for_s": 3600}, 403, 200),
    ],
)
async def test_limits_hold_where_the_whole_kitchen_is_meant(
    method: str, path: str, body: object, limited: int, free: int
) -> None:
    for reach, expected in ((BAR, limited), (Reach(), free)):
        async with web() as site:
            headers = await site.headers_of("boss", Role.MANAGER)
            await site.access.people.change(OWNER, "boss", reach=reach)
            assert await status(site, method, path, body, headers) == expected


async def test_a_program_with_limits_arranges_its_own_layout_alone() -> None:
    async with web() as site:
        token = await site.access.create_token("pos", Role.STAFF, reach=BAR)
        headers = {"Authorization": f"Bearer {token}"}
        assert await status(site, "PUT", "/api/v1/layouts/_pos", LAYOUT, headers) == 200
        assert await status(site, "PUT", "/api/v1/layouts/_kim", LAYOUT, headers) == 403
