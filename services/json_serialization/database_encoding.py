"""The variant `postgres`: the database makes the JSON in one statement, the service passes it on.

The driver and the service create no objects for the rows. The work moves to the database server,
which is the hardest part to scale. Unlike all other variants this one reads the rows for each
request.
"""

from aiohttp import web

from services.chassis.parameters import PARAMETERS
from services.chassis.postgres import DATABASE
from services.json_serialization.json_response import encoded_json_response
from services.json_serialization.kept_rows import EXCERPT_CHARACTERS

#: The newest posts with author and tags. Parameters: characters of an excerpt, limit.
#: The other variants write a whole second without decimals; to_char always writes six of them.
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
#: The whole document as one text. It uses json, not jsonb: jsonb would be parsed into a tree, its
#: keys sorted, and written out again.
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
    return encoded_json_response(document.encode())
