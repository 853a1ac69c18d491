-- Customers, their identities, tags and merges; for the type tokens see event/schema.sql.

-- migration: 3 customer archive

-- row: a value that is unique in the whole brand and what it names: an identity's customer, an order's customer and id,
-- a refund's. Claimed first by whoever wants the name. hash: keyed (secret_lookup_hash), its domain is the kind.
-- read by: every import row and every look-up by phone, member card, order number.
CREATE TABLE lookup (
    kind INT64 NOT NULL,
    hash BYTES NOT NULL,
    customer_id INT64 NOT NULL,
    object_id INT64 NOT NULL,
    PRIMARY KEY (kind, hash)
) STRICT CLUSTERED;

-- row: a customer as first met (a birth). parent_id: merged into that one (NULL: stands alone or is the root); root_id: the
-- top of the tree of merges, its own id where it is the root. placeholder 1: stands in for an unknown buyer of one order.
-- data_key: the key of the personal fields, wrapped by the master key; NULL after erasure. name_sealed: encrypted.
-- read by: all that resolves a customer; the SQL twins (root_id, placeholder).
CREATE TABLE customer (
    customer_id INT64 NOT NULL,
    parent_id INT64,
    root_id INT64 NOT NULL,
    placeholder INT64 NOT NULL,
    data_key BYTES,
    name_sealed BYTES,
    created_at INT64 NOT NULL,
    recorded_at INT64 NOT NULL,
    PRIMARY KEY (customer_id)
) STRICT;

-- read by: members of a merged customer, and the children of a birth when a merge is undone.
CREATE INDEX customer_by_root ON customer (root_id);

-- row: an identity of a customer. issuer: who gives the value its meaning (the source of a buyer id, '' for a phone).
-- claimed 1: lookup names this customer by it; 0: another customer has it, which is why a merge was proposed.
-- weak 1: only suggests who it is (a receiver's phone). value_sealed: encrypted with the customer's data key.
-- read by: customer show; the resolution of an order's buyer.
CREATE TABLE identity (
    customer_id INT64 NOT NULL,
    identity_id INT64 NOT NULL,
    kind INT64 NOT NULL,
    issuer TEXT NOT NULL,
    hash BYTES NOT NULL,
    claimed INT64 NOT NULL,
    weak INT64 NOT NULL,
    value_sealed BYTES NOT NULL,
    recorded_at INT64 NOT NULL,
    PRIMARY KEY (customer_id, identity_id)
) STRICT CLUSTERED;

-- row: a customer can be found by this keyed hash of a whole name (kind 0) or of its first 1–4 characters (kind 1–4).
-- read by: customer find by name.
CREATE TABLE customer_name_hash (
    kind INT64 NOT NULL,
    hash BYTES NOT NULL,
    customer_id INT64 NOT NULL,
    PRIMARY KEY (kind, hash, customer_id)
) STRICT CLUSTERED;

-- row: a tag's name. read by: everything that shows or sets tags.
CREATE TABLE tag (
    tag_id INT64 NOT NULL,
    name TEXT NOT NULL,
    recorded_at INT64 NOT NULL,
    PRIMARY KEY (tag_id)
) STRICT;

-- read by: setting a tag by its name; keeps names unique.
CREATE UNIQUE INDEX tag_by_name ON tag (name);

-- row: a tag on a customer: who set it, when, until when, and when it was removed (NULL: still there).
-- read by: customer show, segments.
CREATE TABLE customer_tag (
    customer_id INT64 NOT NULL,
    tag_id INT64 NOT NULL,
    set_at INT64 NOT NULL,
    set_by TEXT NOT NULL,
    until_day INT64,
    removed_at INT64,
    PRIMARY KEY (customer_id, tag_id, set_at)
) STRICT CLUSTERED;

-- row: one merge and its undoing: customer_id was linked below into_id. split_at NULL: it holds.
-- read by: customer show, split.
CREATE TABLE customer_merge (
    customer_id INT64 NOT NULL,
    merge_id INT64 NOT NULL,
    into_id INT64 NOT NULL,
    merged_at INT64 NOT NULL,
    merged_by TEXT NOT NULL,
    split_at INT64,
    split_by TEXT,
    PRIMARY KEY (customer_id, merge_id)
) STRICT CLUSTERED;

-- row: two customers that may be one person (customer_id < other_id) and the kind of identity they share.
-- decided: 0 open, 1 merged, 2 refused.
-- read by: the list of proposals.
CREATE TABLE merge_proposal (
    customer_id INT64 NOT NULL,
    other_id INT64 NOT NULL,
    identity_kind INT64 NOT NULL,
    decided INT64 NOT NULL,
    recorded_at INT64 NOT NULL,
    decided_at INT64,
    PRIMARY KEY (customer_id, other_id)
) STRICT CLUSTERED;

-- read by: the list of open proposals, oldest first.
CREATE INDEX merge_proposal_by_decided ON merge_proposal (decided, recorded_at, customer_id, other_id);

-- row: an issuer that identities of this kind have been met with ('' where the kind has none). A handful of rows.
-- read by: customer find, which does not know who issued the value that a person types.
CREATE TABLE identity_issuer (
    kind INT64 NOT NULL,
    issuer TEXT NOT NULL,
    PRIMARY KEY (kind, issuer)
) STRICT CLUSTERED;

-- migration: 9 keepers

-- row: who of the staff looks after a customer (a root, or a birth that was one): what roles with "own" and "below" reach.
-- read by: every request about a customer by such a role; the customer's page.
CREATE TABLE customer_keeper (
    customer_id INT64 NOT NULL,
    staff_id INT64 NOT NULL,
    since INT64 NOT NULL,
    set_by TEXT NOT NULL,
    PRIMARY KEY (customer_id)
) STRICT CLUSTERED;

-- read by: the customers of a person.
CREATE INDEX customer_keeper_by_staff ON customer_keeper (staff_id, customer_id);

-- migration: 14 consent and erasure

-- row: what a person allowed, or took back: purpose, channel (0: every channel of the purpose), how it was told (the enums
-- consent_* of customer.h). given 0: taken back. evidence_sealed: what shows it, encrypted with the customer's data key;
-- NULL where there is none, and after erasure. Rows are never changed: of those that fit, the one that happened last decides.
-- A taking back stands on every birth of the person, under one id, so that it holds for both when a merge is undone.
-- read by: the customer's page, whoever wants to send a message.
CREATE TABLE consent (
    customer_id INT64 NOT NULL,
    consent_id INT64 NOT NULL,
    purpose INT64 NOT NULL,
    channel INT64 NOT NULL,
    given INT64 NOT NULL,
    how INT64 NOT NULL,
    evidence_sealed BYTES,
    recorded_by TEXT NOT NULL,
    occurred_at INT64 NOT NULL,
    recorded_at INT64 NOT NULL,
    PRIMARY KEY (customer_id, consent_id)
) STRICT CLUSTERED;

-- row: a person was erased: customer_id was their root then. read by: the log of erasures outside the database;
-- the import, which asks whether there is any.
CREATE TABLE erasure (
    erasure_id INT64 NOT NULL,
    customer_id INT64 NOT NULL,
    erased_at INT64 NOT NULL,
    erased_by TEXT NOT NULL,
    PRIMARY KEY (erasure_id)
) STRICT;

-- row: a birth whose data key was destroyed, and by which erasure. read by: the customer's page, the log of erasures.
CREATE TABLE erasure_customer (
    customer_id INT64 NOT NULL,
    erasure_id INT64 NOT NULL,
    PRIMARY KEY (customer_id)
) STRICT;

-- read by: the log of erasures.
CREATE INDEX erasure_customer_by_erasure ON erasure_customer (erasure_id, customer_id);

-- row: the keyed hash (as the lookup's) of an identity whose owner was erased, so that what an old file tells of the time
-- before does not bring the person back (docs/decisions/0016-erasure.md). read by: the import, once anybody was erased.
CREATE TABLE erased_identity (
    kind INT64 NOT NULL,
    hash BYTES NOT NULL,
    erased_at INT64 NOT NULL,
    erasure_id INT64 NOT NULL,
    PRIMARY KEY (kind, hash)
) STRICT CLUSTERED;

-- read by: the log of erasures.
CREATE INDEX erased_identity_by_erasure ON erased_identity (erasure_id, kind, hash);

-- migration: 17 unknown buyers, and when an erasure is gone from the files

-- read by: what the reports leave out. A placeholder has nobody below it (nobody is merged into one), so its orders are left
-- out while it is its own root.
CREATE INDEX customer_placeholder ON customer (customer_id) WHERE placeholder = 1 AND root_id = customer_id;

-- purged_at: when no file of the database held what was erased any more (store_purge); NULL: not yet.
ALTER TABLE erasure ADD COLUMN purged_at INT64;
