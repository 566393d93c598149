"""JSON made by the database in one statement and passed on as it is, without parsing it.

It saves the driver's and our own objects altogether, and moves the work to the server that is
hardest to add to. Unlike every other variant it reads the rows for each request.
"""

from aiohttp import web

from services.chassis.parameters import PARAMETERS
from services.chassis.postgres import DATABASE
from services.json_serialization.answer import json_of
from services.json_serialization.rows import EXCERPT_CHARACTERS

#: The newest posts with author and tags; takes the characters of a body and the limit.
#: A moment as the other variants write it: to_char gives six digits where they give none.
PAGE = """
    SELECT posts.id, posts.title, left(posts.body, %s) AS body, posts.created_at,
           replace(
               to_char(posts.created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
               '.000000', ''
           ) AS created_at_text,
           authors.id AS author_id, authors.name AS author_name,
           ARRAY(
               SELECT tags.name FROM post_tags JOIN tags ON tags.id = post_tags.tag_id
               WHERE post_tags.post_id = posts.id ORDER BY tags.name
           ) AS tags
    FROM posts JOIN authors ON authors.id = posts.author_id
    ORDER BY posts.created_at DESC, posts.id DESC
    LIMIT %s
"""
#: The whole answer as one text. Of json, not jsonb: that would be parsed into a tree, its keys
#: sorted, and written out again.
DOCUMENT = f"""
    SELECT json_build_object(
        'count', count(*),
        'rows', coalesce(
            json_agg(
                json_build_object(
                    'id', id, 'title', title, 'body', body, 'created_at', created_at_text,
                    'author', json_build_object('id', author_id, 'name', author_name),
                    'tags', tags
                )
                ORDER BY created_at DESC, id DESC
            ),
            '[]'
        )
    )::text
    FROM ({PAGE}) AS page
"""  # noqa: S608 - both are constants


async def postgres(request: web.Request) -> web.Response:
    limit = request[PARAMETERS].integer("rows")
    ((document,),) = await request.app[DATABASE].fetch(DOCUMENT, (EXCERPT_CHARACTERS, limit))
    return json_of(document.encode())
