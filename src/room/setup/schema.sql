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

-- migration: 12 backups

-- row: a backup of this brand that was made, or that this brand was restored from. made_by: a person's name, or "cli:USER".
-- path: where it was written to. sha256: of its content, as hexadecimal. with_key: 1 where it holds the master key,
-- locked. restored_at: when it was last restored, for good or on trial, and found whole; NULL: never.
-- read by: the page of backups, the review of security.
CREATE TABLE backup (
    backup_id INT64 NOT NULL,
    made_at INT64 NOT NULL,
    made_by TEXT NOT NULL,
    path TEXT NOT NULL,
    bytes INT64 NOT NULL,
    sha256 TEXT NOT NULL,
    with_key INT64 NOT NULL,
    restored_at INT64,
    PRIMARY KEY (backup_id)
) STRICT;

-- read by: the end of a restore.
CREATE UNIQUE INDEX backup_by_sha256 ON backup (sha256);

-- migration: 16 demo brand

-- 0: one's own; 1: a demo that is not finished yet; 2: a demo (enum brand_demo). Only a demo can be taken away as a whole.
ALTER TABLE brand ADD COLUMN demo INT64 NOT NULL DEFAULT 0;
