-- What is done to many customers at once; for the type tokens see event/schema.sql.

-- migration: 11 bulk changes

-- row: one change to many customers, whom a selection named when it began. action: enum bulk_action; state: enum bulk_state. tag:
-- '' where it is about the keeper. value: what all of them get (struct bulk_pair). by_id: the staff member, 0 for a key's.
-- done_count, changed_count: customers looked at, and changed, so far. undo_of, undone_by: the bulk that it undoes, or
-- that undid it.
-- read by: the page of customers, while it runs; the list of past changes; what carries it on after a restart.
CREATE TABLE bulk (
    bulk_id INT64 NOT NULL,
    action INT64 NOT NULL,
    state INT64 NOT NULL,
    tag TEXT NOT NULL,
    value INT64 NOT NULL,
    set_by TEXT NOT NULL,
    by_id INT64 NOT NULL,
    by_name TEXT NOT NULL,
    started_at INT64 NOT NULL,
    finished_at INT64,
    customer_count INT64 NOT NULL,
    done_count INT64 NOT NULL,
    changed_count INT64 NOT NULL,
    undo_of INT64 NOT NULL,
    undone_by INT64 NOT NULL,
    PRIMARY KEY (bulk_id)
) STRICT;

-- read by: what carries on those that run.
CREATE INDEX bulk_by_state ON bulk (state, bulk_id);

-- row: some customers of a bulk change, done in one transaction. pairs: customer and value, eight bytes each, least first;
-- changed: those that were changed with what they had before, NULL until they are done.
-- read by: what carries the change out; its undoing.
CREATE TABLE bulk_part (
    bulk_id INT64 NOT NULL,
    part_no INT64 NOT NULL,
    pairs BYTES NOT NULL,
    changed BYTES,
    PRIMARY KEY (bulk_id, part_no)
) STRICT CLUSTERED;
