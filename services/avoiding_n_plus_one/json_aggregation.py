"""One statement whose one value is the body: PostgreSQL nests and encodes, nobody here parses."""

from aiohttp import web

from services.avoiding_n_plus_one.request_budget import counted_session
from services.chassis.parameters import PARAMETERS


def _timestamp(column: str) -> str:
    """A column as orjson writes a datetime: six digits of a fraction, or none.

    PostgreSQL's own JSON would leave out the zeros at its end.
    """
    spelled = f"""to_char({column}, 'YYYY-MM-DD"T"HH24:MI:SS.USTZH:TZM')"""
    return f"replace({spelled}, '.000000', '')"


# As text, or psycopg2 would parse it.
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
"""  # noqa: S608 - made of constants


async def json_aggregation(request: web.Request) -> web.Response:
    parameters = request[PARAMETERS]
    async with counted_session(request) as session:
        ((document,),) = await session.fetch(
            _DOCUMENT, (parameters.integer("start"), parameters.integer("posts"))
        )
    return web.Response(body=document.encode(), content_type="application/json")
