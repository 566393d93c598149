"""JSON aggregation variant: PostgreSQL builds the response body, and the service passes it on.

The body must equal the other variants' bodies after decoding.
"""

from aiohttp import web

from services.avoiding_n_plus_one.budgeted_handler import counted_session
from services.avoiding_n_plus_one.post_range import requested_range


def _timestamp(column: str) -> str:
    """SQL that formats a column like orjson: six fractional digits, or none if all are zero.

    PostgreSQL's own JSON drops trailing zeros of the fraction.
    """
    with_fraction = f"""to_char({column}, 'YYYY-MM-DD"T"HH24:MI:SS.USTZH:TZM')"""
    return f"replace({with_fraction}, '.000000', '')"


# Cast to text, because psycopg2 would parse a value of type json.
_DOCUMENT = f"""
    SELECT row_to_json(document)::text FROM (
        SELECT coalesce(json_agg(post ORDER BY post.id), '[]') AS posts FROM (
            SELECT id, title, {_timestamp("created_at")} AS created_at, (
                SELECT coalesce(json_agg(comment ORDER BY comment.id), '[]') FROM (
                    SELECT comments.id, comments.body,
                           {_timestamp("comments.created_at")} AS created_at,
                           json_build_object('id', authors.id, 'name', authors.name) AS author
                    FROM comments JOIN authors ON authors.id = comments.author_id
                    WHERE comments.post_id = posts.id
                ) AS comment
            ) AS comments
            FROM posts WHERE id >= %s ORDER BY id LIMIT %s
        ) AS post
    ) AS document
"""  # noqa: S608 - built from constants only


async def json_aggregation(request: web.Request) -> web.Response:
    async with counted_session(request) as session:
        ((document,),) = await session.fetch(_DOCUMENT, requested_range(request))
    return web.Response(body=document.encode(), content_type="application/json")
