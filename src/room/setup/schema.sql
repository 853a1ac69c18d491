-- The brand's own tables; for the type tokens see event/schema.sql.

-- migration: 2 brand

-- row: the brand; there is one. last_node is the last node number given to a data directory. key_check: a hash that only
-- the brand's own master key makes, so that another one is noticed before anything is read or written with it.
-- read by: every start of the program.
CREATE TABLE brand (
    brand_id INT64 NOT NULL,
    name TEXT NOT NULL,
    currency TEXT NOT NULL,
    currency_digits INT64 NOT NULL,
    time_zone TEXT NOT NULL,
    key_check BYTES NOT NULL,
    last_node INT64 NOT NULL,
    created_at INT64 NOT NULL,
    PRIMARY KEY (brand_id)
) STRICT;

-- row: one calendar day from 1990-01-01 to 2099-12-31 with its month (year * 12 + month - 1); written with the brand.
-- read by: the SQL twins of the reports.
CREATE TABLE calendar (
    day INT64 NOT NULL,
    month INT64 NOT NULL,
    PRIMARY KEY (day)
) STRICT;

-- migration: 11 demo brand

-- 0: one's own; 1: a demo that is not finished yet; 2: a demo (enum brand_demo). Only a demo can be taken away as a whole.
ALTER TABLE brand ADD COLUMN demo INT64 NOT NULL DEFAULT 0;
