-- Keys and indexes, created after the rows are loaded.
ALTER TABLE authors ADD PRIMARY KEY (id);
ALTER TABLE posts ADD PRIMARY KEY (id);
ALTER TABLE comments ADD PRIMARY KEY (id);
ALTER TABLE tags ADD PRIMARY KEY (id);
ALTER TABLE post_tags ADD PRIMARY KEY (post_id, tag_id);

-- n-plus-one, all variants: the comments of a post, oldest first.
CREATE INDEX comments_post_id_id ON comments (post_id, id);
-- pagination: optimized (keyset) seeks in this index; offset and naive may scan it. More indexes
-- are in added_indexes.sql.
CREATE INDEX posts_created_at_id ON posts (created_at, id);

ALTER TABLE posts ADD FOREIGN KEY (author_id) REFERENCES authors;
ALTER TABLE comments ADD FOREIGN KEY (post_id) REFERENCES posts;
ALTER TABLE comments ADD FOREIGN KEY (author_id) REFERENCES authors;
ALTER TABLE post_tags ADD FOREIGN KEY (post_id) REFERENCES posts;
ALTER TABLE post_tags ADD FOREIGN KEY (tag_id) REFERENCES tags;

SELECT setval(pg_get_serial_sequence('authors', 'id'), (SELECT max(id) FROM authors));
SELECT setval(pg_get_serial_sequence('posts', 'id'), (SELECT max(id) FROM posts));
SELECT setval(pg_get_serial_sequence('comments', 'id'), (SELECT max(id) FROM comments));
SELECT setval(pg_get_serial_sequence('tags', 'id'), (SELECT max(id) FROM tags));

-- The exact number of posts, which triggers keep up to date. Counting the posts on each request
-- would cost more than the page itself. The price: concurrent writers wait for this row's lock.
CREATE TABLE row_counts (
    table_name text PRIMARY KEY,
    rows bigint NOT NULL
);
INSERT INTO row_counts SELECT 'posts', count(*) FROM posts;

CREATE OR REPLACE FUNCTION count_changed_rows() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE row_counts
    SET rows = rows + (SELECT count(*) FROM changed) * CASE TG_OP WHEN 'INSERT' THEN 1 ELSE -1 END
    WHERE table_name = TG_TABLE_NAME;
    RETURN NULL;
END
$$;

CREATE TRIGGER posts_inserted AFTER INSERT ON posts
    REFERENCING NEW TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_changed_rows();
CREATE TRIGGER posts_deleted AFTER DELETE ON posts
    REFERENCING OLD TABLE AS changed FOR EACH STATEMENT EXECUTE FUNCTION count_changed_rows();
