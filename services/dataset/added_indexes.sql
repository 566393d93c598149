-- Indexes on tables that may be full already: a data set of the same rows is not loaded anew for them.

-- pagination: the list by title, and each of its orders within an author's posts.
CREATE INDEX IF NOT EXISTS posts_title_id ON posts (left(title, 64), id);
CREATE INDEX IF NOT EXISTS posts_author_id_created_at_id ON posts (author_id, created_at, id);
CREATE INDEX IF NOT EXISTS posts_author_id_title_id ON posts (author_id, left(title, 64), id);
