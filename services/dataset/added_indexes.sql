-- Indexes added later. They are created in databases with a loaded data set too, without a new load.

-- pagination: posts by title, and the posts of an author by each order.
CREATE INDEX IF NOT EXISTS posts_title_id ON posts (left(title, 64), id);
CREATE INDEX IF NOT EXISTS posts_author_id_created_at_id ON posts (author_id, created_at, id);
CREATE INDEX IF NOT EXISTS posts_author_id_title_id ON posts (author_id, left(title, 64), id);
