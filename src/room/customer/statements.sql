-- Statements of the customer room; the format is in store/stmt.h.

-- --- Who is it? ---

-- name: customer_lookup
-- doc: who owns an identity, the root of that person, whether the claim is weak, and then whether the person has a sure
--   identity; the import asks for each identity that it reads.
-- in: kind i64, hash bytes
-- out: customer_id i64, root_id i64, weak i64, sure i64
-- plan: search
SELECT l.customer_id, c.root_id, COALESCE(i.weak, 0) AS weak,
       CAST(CASE WHEN i.weak = 1 AND EXISTS (
                SELECT 1 FROM customer m JOIN identity s ON s.customer_id = m.customer_id
                WHERE m.root_id = c.root_id AND s.claimed = 1 AND s.weak = 0)
            THEN 1 ELSE 0 END AS BIGINT) AS sure
FROM lookup l JOIN customer c ON c.customer_id = l.customer_id
LEFT JOIN identity i ON i.customer_id = l.customer_id AND i.identity_id = l.object_id
WHERE l.kind = :kind AND l.hash = :hash;

-- name: customer_holds
-- doc: whether a person is sure to hold an identity of this kind and issuer: a birth that does, if any.
-- in: root_id i64, kind i64, issuer text
-- out: customer_id i64
-- plan: search
SELECT i.customer_id
FROM customer c JOIN identity i ON i.customer_id = c.customer_id
WHERE c.root_id = :root_id AND i.kind = :kind AND i.issuer = :issuer AND i.claimed = 1 AND i.weak = 0
LIMIT 1;

-- name: customer_root
-- doc: the root of a customer.
-- in: customer_id i64
-- out: root_id i64
-- plan: search
SELECT root_id FROM customer WHERE customer_id = :customer_id;

-- name: customer_one
-- doc: a customer's row.
-- in: customer_id i64
-- out: parent_id i64?, root_id i64, placeholder i64, data_key bytes?, name_sealed bytes?
-- plan: search
SELECT parent_id, root_id, placeholder, data_key, name_sealed FROM customer WHERE customer_id = :customer_id;

-- name: customer_key
-- doc: what is needed to write personal fields of a known customer: the wrapped key, and whether a name is there.
-- in: customer_id i64
-- out: data_key bytes?, named i64
-- plan: search
SELECT data_key, CAST(CASE WHEN name_sealed IS NULL THEN 0 ELSE 1 END AS BIGINT)
FROM customer WHERE customer_id = :customer_id;

-- name: customer_kept
-- doc: whether somebody else's identity is noted on a customer already.
-- in: customer_id i64, kind i64, hash bytes
-- out: identity_id i64
-- plan: search
SELECT identity_id FROM identity
WHERE customer_id = :customer_id AND kind = :kind AND hash = :hash AND claimed = 0
LIMIT 1;

-- --- Writing people ---

-- name: customer_claim
-- doc: takes an identity for a customer; no row comes back where somebody was first.
-- in: kind i64, hash bytes, customer_id i64, object_id i64
-- out: customer_id i64
-- plan: search
INSERT INTO lookup (kind, hash, customer_id, object_id)
VALUES (:kind, :hash, :customer_id, :object_id)
ON CONFLICT (kind, hash) DO NOTHING
RETURNING customer_id;

-- name: customer_take
-- doc: moves a weak claim to a customer of whom the identity is sure; no row comes back where it moved before.
-- in: kind i64, hash bytes, from_id i64, customer_id i64, object_id i64
-- out: customer_id i64
-- plan: search
UPDATE lookup SET customer_id = :customer_id, object_id = :object_id
WHERE kind = :kind AND hash = :hash AND customer_id = :from_id
RETURNING customer_id;

-- name: customer_identity_unclaim
-- doc: the identity was taken over; it stays noted on who claimed it weakly.
-- in: customer_id i64, kind i64, hash bytes
-- plan: search
UPDATE identity SET claimed = 0
WHERE customer_id = :customer_id AND kind = :kind AND hash = :hash AND claimed = 1;

-- name: customer_identity_confirm
-- doc: an identity that only suggested its owner is told as a sure one.
-- in: customer_id i64, kind i64, hash bytes
-- plan: search
UPDATE identity SET weak = 0
WHERE customer_id = :customer_id AND kind = :kind AND hash = :hash AND claimed = 1;

-- name: customer_identity_forget
-- doc: what was noted unclaimed is about to be claimed.
-- in: customer_id i64, kind i64, hash bytes
-- plan: search
DELETE FROM identity
WHERE customer_id = :customer_id AND kind = :kind AND hash = :hash AND claimed = 0;

-- name: customer_insert
-- doc: new customers.
-- in: customer_id i64, root_id i64, placeholder i64, data_key bytes, name_sealed bytes?, created_at i64, recorded_at i64
-- bulk: yes
-- plan: search
INSERT INTO customer (customer_id, root_id, placeholder, data_key, name_sealed, created_at, recorded_at)
VALUES (:customer_id, :root_id, :placeholder, :data_key, :name_sealed, :created_at, :recorded_at);

-- name: customer_identity_insert
-- doc: identities of customers, claimed or kept.
-- in: customer_id i64, identity_id i64, kind i64, issuer text, hash bytes, claimed i64, weak i64,
--   value_sealed bytes, recorded_at i64
-- bulk: yes
-- plan: search
INSERT INTO identity (customer_id, identity_id, kind, issuer, hash, claimed, weak, value_sealed, recorded_at)
VALUES (:customer_id, :identity_id, :kind, :issuer, :hash, :claimed, :weak, :value_sealed, :recorded_at);

-- name: customer_issuer_insert
-- doc: notes an issuer when it is first met.
-- in: kind i64, issuer text
-- plan: search
INSERT INTO identity_issuer (kind, issuer) VALUES (:kind, :issuer) ON CONFLICT (kind, issuer) DO NOTHING;

-- name: customer_name_fill
-- doc: names a customer that has no name; a row comes back where it was set.
-- in: customer_id i64, name_sealed bytes
-- out: customer_id i64
-- plan: search
UPDATE customer SET name_sealed = :name_sealed
WHERE customer_id = :customer_id AND name_sealed IS NULL
RETURNING customer_id;

-- name: customer_name_set
-- doc: names a customer, whatever it was called before.
-- in: customer_id i64, name_sealed bytes
-- plan: search
UPDATE customer SET name_sealed = :name_sealed WHERE customer_id = :customer_id;

-- name: customer_name_hash_insert
-- doc: makes a customer findable by its name and the first characters of it.
-- in: kind i64, hash bytes, customer_id i64
-- bulk: yes
-- plan: search
INSERT INTO customer_name_hash (kind, hash, customer_id) VALUES (:kind, :hash, :customer_id);

-- name: customer_name_hash_delete
-- doc: a customer is no longer called that.
-- in: kind i64, hash bytes, customer_id i64
-- plan: search
DELETE FROM customer_name_hash WHERE kind = :kind AND hash = :hash AND customer_id = :customer_id;

-- --- Merges ---

-- name: customer_members
-- doc: all births of a person.
-- in: root_id i64
-- out: customer_id i64, parent_id i64?, placeholder i64, data_key bytes?, name_sealed bytes?, created_at i64
-- plan: search
SELECT customer_id, parent_id, placeholder, data_key, name_sealed, created_at
FROM customer WHERE root_id = :root_id
ORDER BY customer_id;

-- name: customer_member_count
-- doc: how many births a person unites.
-- in: root_id i64
-- out: members i64
-- plan: search
SELECT CAST(COUNT(*) AS BIGINT) FROM customer WHERE root_id = :root_id;

-- name: customer_link
-- doc: links a root below another root, or (parent_id NULL) lets it stand alone.
-- in: customer_id i64, parent_id i64?
-- plan: search
UPDATE customer SET parent_id = :parent_id WHERE customer_id = :customer_id;

-- name: customer_root_move
-- doc: all births of one person get another root.
-- in: from_root_id i64, into_root_id i64
-- plan: search
UPDATE customer SET root_id = :into_root_id WHERE root_id = :from_root_id;

-- name: customer_root_set
-- doc: one birth gets another root.
-- in: customer_id i64, root_id i64
-- plan: search
UPDATE customer SET root_id = :root_id WHERE customer_id = :customer_id;

-- name: customer_merge_insert
-- doc: notes a merge.
-- in: customer_id i64, merge_id i64, into_id i64, merged_at i64, merged_by text
-- plan: search
INSERT INTO customer_merge (customer_id, merge_id, into_id, merged_at, merged_by)
VALUES (:customer_id, :merge_id, :into_id, :merged_at, :merged_by);

-- name: customer_merge_undo
-- doc: notes that a merge was undone.
-- in: customer_id i64, split_at i64, split_by text
-- plan: search
UPDATE customer_merge SET split_at = :split_at, split_by = :split_by
WHERE customer_id = :customer_id AND split_at IS NULL;

-- name: customer_propose
-- doc: proposes a merge; no row comes back where this pair was proposed before, however it was decided.
-- in: customer_id i64, other_id i64, identity_kind i64, recorded_at i64
-- out: customer_id i64
-- plan: search
INSERT INTO merge_proposal (customer_id, other_id, identity_kind, decided, recorded_at)
VALUES (:customer_id, :other_id, :identity_kind, 0, :recorded_at)
ON CONFLICT (customer_id, other_id) DO NOTHING
RETURNING customer_id;

-- name: customer_proposal_decide
-- doc: decides the open proposals between the births of two persons (or inside one).
-- in: root_id i64, other_root_id i64, decided i64, decided_at i64
-- plan: search
UPDATE merge_proposal SET decided = :decided, decided_at = :decided_at
WHERE decided = 0
  AND customer_id IN (SELECT customer_id FROM customer WHERE root_id = :root_id)
  AND EXISTS (SELECT 1 FROM customer o WHERE o.customer_id = merge_proposal.other_id AND o.root_id = :other_root_id);

-- name: customer_proposal_list
-- doc: the open proposals, oldest first.
-- in: limit i64
-- out: customer_id i64, other_id i64, identity_kind i64, recorded_at i64
-- plan: search
SELECT customer_id, other_id, identity_kind, recorded_at FROM merge_proposal
WHERE decided = 0
ORDER BY recorded_at, customer_id, other_id
LIMIT :limit;

-- --- Tags ---

-- name: customer_tag_insert_name
-- doc: a tag's name, when it is first used.
-- in: tag_id i64, name text, recorded_at i64
-- plan: search
INSERT INTO tag (tag_id, name, recorded_at) VALUES (:tag_id, :name, :recorded_at) ON CONFLICT (name) DO NOTHING;

-- name: customer_tag_by_name
-- doc: the id of a tag.
-- in: name text
-- out: tag_id i64
-- plan: search
SELECT tag_id FROM tag WHERE name = :name;

-- name: customer_tag_rows
-- doc: the tags of a person that were not removed, newest first.
-- in: root_id i64
-- out: customer_id i64, tag_id i64, name text, set_at i64, set_by text, until_day i64?
-- plan: search
SELECT t.customer_id, t.tag_id, n.name, t.set_at, t.set_by, t.until_day
FROM customer c JOIN customer_tag t ON t.customer_id = c.customer_id JOIN tag n ON n.tag_id = t.tag_id
WHERE c.root_id = :root_id AND t.removed_at IS NULL
ORDER BY n.name, t.set_at DESC, t.customer_id;

-- name: customer_tag_insert
-- doc: sets a tag; set, removed and set again within one instant, the last word holds.
-- in: customer_id i64, tag_id i64, set_at i64, set_by text, until_day i64?
-- plan: search
INSERT INTO customer_tag (customer_id, tag_id, set_at, set_by, until_day)
VALUES (:customer_id, :tag_id, :set_at, :set_by, :until_day)
ON CONFLICT (customer_id, tag_id, set_at)
DO UPDATE SET set_by = excluded.set_by, until_day = excluded.until_day, removed_at = NULL;

-- name: customer_tag_end
-- doc: removes a tag from all births of a person.
-- in: root_id i64, tag_id i64, removed_at i64
-- plan: search
UPDATE customer_tag SET removed_at = :removed_at
WHERE tag_id = :tag_id AND removed_at IS NULL
  AND customer_id IN (SELECT customer_id FROM customer WHERE root_id = :root_id);

-- name: customer_brand_zone
-- doc: the brand's time zone, which says whether a tag's last day is over.
-- out: time_zone text
-- plan: scan, because there is one brand
SELECT time_zone FROM brand ORDER BY brand_id LIMIT 1;

-- --- Reading people ---

-- name: customer_identities
-- doc: the identities of all births of a person, the surest first, claimed before kept.
-- in: root_id i64
-- out: customer_id i64, identity_id i64, kind i64, issuer text, hash bytes, claimed i64, weak i64, value_sealed bytes
-- plan: search
SELECT i.customer_id, i.identity_id, i.kind, i.issuer, i.hash, i.claimed, i.weak, i.value_sealed
FROM customer c JOIN identity i ON i.customer_id = c.customer_id
WHERE c.root_id = :root_id
ORDER BY i.kind, i.claimed DESC, i.customer_id, i.identity_id;

-- name: customer_issuers
-- doc: every issuer of every kind of identity.
-- out: kind i64, issuer text
-- plan: scan, because a handful of sources issue identities
SELECT kind, issuer FROM identity_issuer ORDER BY kind, issuer;

-- name: customer_by_name_hash
-- doc: the persons of a name or of its first characters; of a common surname there are very many, few are read.
-- in: kind i64, hash bytes
-- out: root_id i64
-- plan: search
-- rows: many
SELECT c.root_id
FROM customer_name_hash h JOIN customer c ON c.customer_id = h.customer_id
WHERE h.kind = :kind AND h.hash = :hash
ORDER BY h.customer_id;

-- name: customer_all
-- doc: all births with their roots; the build of the columns.
-- out: customer_id i64, root_id i64, placeholder i64
-- plan: scan, because the columns hold everybody
-- rows: many
SELECT customer_id, root_id, placeholder FROM customer ORDER BY customer_id;

-- --- For verify ---

-- name: customer_verify_links
-- doc: the births that are linked below another; verify walks each up to its top.
-- out: customer_id i64, parent_id i64, root_id i64
-- plan: scan, because verify looks at everybody
-- rows: many
SELECT customer_id, parent_id, root_id FROM customer WHERE parent_id IS NOT NULL ORDER BY customer_id;

-- name: customer_parent
-- doc: what a birth is linked below.
-- in: customer_id i64
-- out: parent_id i64?
-- plan: search
SELECT parent_id FROM customer WHERE customer_id = :customer_id;

-- name: customer_verify_roots
-- doc: births that stand alone and yet name another root.
-- out: customer_id i64
-- plan: scan, because verify looks at everybody
-- rows: many
SELECT customer_id FROM customer WHERE parent_id IS NULL AND root_id <> customer_id ORDER BY customer_id;

-- name: customer_verify_claims
-- doc: claimed identities that the look-up does not lead to.
-- out: customer_id i64, identity_id i64
-- plan: scan, because verify looks at everybody
-- rows: many
SELECT i.customer_id, i.identity_id
FROM identity i LEFT JOIN lookup l ON l.kind = i.kind AND l.hash = i.hash
WHERE i.claimed = 1 AND (l.customer_id IS NULL OR l.customer_id <> i.customer_id OR l.object_id <> i.identity_id)
ORDER BY i.customer_id, i.identity_id;

-- name: customer_verify_lookups
-- doc: look-ups of identities that lead to no such claimed identity (kinds from 32 are not identities).
-- out: customer_id i64, object_id i64
-- plan: scan, because verify looks at everybody
-- rows: many
SELECT l.customer_id, l.object_id
FROM lookup l LEFT JOIN identity i
  ON i.customer_id = l.customer_id AND i.identity_id = l.object_id AND i.kind = l.kind AND i.hash = l.hash
  AND i.claimed = 1
WHERE l.kind < 32 AND i.customer_id IS NULL
ORDER BY l.customer_id, l.object_id;

-- --- Made again (huitou rebuild) ---

-- name: customer_rebuild_prune
-- doc: look-ups of identities that lead to no such claimed identity go.
-- plan: scan, because all of them are looked at
DELETE FROM lookup WHERE kind < 32 AND NOT EXISTS (
    SELECT 1 FROM identity i WHERE i.customer_id = lookup.customer_id AND i.identity_id = lookup.object_id
    AND i.kind = lookup.kind AND i.hash = lookup.hash AND i.claimed = 1);

-- name: customer_rebuild_claim
-- doc: claimed identities that no look-up leads to get theirs.
-- plan: scan, because all of them are looked at
INSERT INTO lookup (kind, hash, customer_id, object_id)
SELECT kind, hash, customer_id, identity_id FROM identity WHERE claimed = 1
ON CONFLICT (kind, hash) DO NOTHING;

-- name: customer_rebuild_names_clear
-- doc: nobody is found by name any more, until the names have been gone through.
-- plan: scan, because all of them go
DELETE FROM customer_name_hash;

-- name: customer_rebuild_named
-- doc: the next customers with a name that can be read.
-- in: after_id i64, most i64
-- out: customer_id i64, data_key bytes, name_sealed bytes
-- plan: search
-- rows: many
SELECT customer_id, data_key, name_sealed FROM customer
WHERE customer_id > :after_id AND data_key IS NOT NULL AND name_sealed IS NOT NULL ORDER BY customer_id LIMIT :most;

-- --- Keepers ---

-- name: customer_keeper_set
-- doc: who looks after a customer from now on.
-- in: customer_id i64, staff_id i64, since i64, set_by text
-- plan: search
INSERT INTO customer_keeper (customer_id, staff_id, since, set_by) VALUES (:customer_id, :staff_id, :since, :set_by)
ON CONFLICT (customer_id) DO UPDATE SET staff_id = :staff_id, since = :since, set_by = :set_by;

-- name: customer_keeper_clear
-- doc: nobody in particular looks after a customer any more.
-- in: customer_id i64
-- plan: search
DELETE FROM customer_keeper WHERE customer_id = :customer_id;

-- name: customer_keeper_of
-- doc: who looks after a customer.
-- in: customer_id i64
-- out: staff_id i64, since i64
-- plan: search
SELECT staff_id, since FROM customer_keeper WHERE customer_id = :customer_id;

-- name: customer_keeper_at
-- doc: who looks after a customer, and who said so.
-- in: customer_id i64
-- out: staff_id i64, since i64, set_by text
-- plan: search
SELECT staff_id, since, set_by FROM customer_keeper WHERE customer_id = :customer_id;

-- --- Consent ---

-- name: customer_consent_insert
-- doc: what a person allowed or took back.
-- in: customer_id i64, consent_id i64, purpose i64, channel i64, given i64, how i64, evidence_sealed bytes?,
--   recorded_by text, occurred_at i64, recorded_at i64
-- plan: search
-- bulk: yes
INSERT INTO consent (customer_id, consent_id, purpose, channel, given, how, evidence_sealed, recorded_by, occurred_at,
                     recorded_at)
VALUES (:customer_id, :consent_id, :purpose, :channel, :given, :how, :evidence_sealed, :recorded_by, :occurred_at,
        :recorded_at);

-- name: customer_consents
-- doc: all that a person allowed or took back, what happened last first; the root's row before those of other births.
-- in: root_id i64
-- out: customer_id i64, consent_id i64, purpose i64, channel i64, given i64, how i64, evidence_sealed bytes?,
--   recorded_by text, occurred_at i64, recorded_at i64
-- plan: search
SELECT s.customer_id, s.consent_id, s.purpose, s.channel, s.given, s.how, s.evidence_sealed, s.recorded_by, s.occurred_at,
       s.recorded_at
FROM customer c JOIN consent s ON s.customer_id = c.customer_id
WHERE c.root_id = :root_id
ORDER BY s.occurred_at DESC, s.consent_id DESC, s.customer_id;

-- --- Correcting identities ---

-- name: customer_identity_one
-- doc: an identity of a customer.
-- in: customer_id i64, identity_id i64
-- out: kind i64, issuer text, hash bytes, claimed i64, weak i64
-- plan: search
SELECT kind, issuer, hash, claimed, weak FROM identity WHERE customer_id = :customer_id AND identity_id = :identity_id;

-- name: customer_identity_owner
-- doc: which birth of a person has an identity.
-- in: root_id i64, identity_id i64
-- out: customer_id i64
-- plan: search
SELECT i.customer_id FROM customer c JOIN identity i ON i.customer_id = c.customer_id
WHERE c.root_id = :root_id AND i.identity_id = :identity_id;

-- name: customer_identity_set
-- doc: the right value of an identity.
-- in: customer_id i64, identity_id i64, hash bytes, claimed i64, value_sealed bytes
-- plan: search
UPDATE identity SET hash = :hash, claimed = :claimed, value_sealed = :value_sealed
WHERE customer_id = :customer_id AND identity_id = :identity_id;

-- name: customer_identity_delete
-- doc: an identity is not the customer's.
-- in: customer_id i64, identity_id i64
-- plan: search
DELETE FROM identity WHERE customer_id = :customer_id AND identity_id = :identity_id;

-- name: customer_unclaim
-- doc: nobody is found by this identity any more.
-- in: kind i64, hash bytes, customer_id i64
-- plan: search
DELETE FROM lookup WHERE kind = :kind AND hash = :hash AND customer_id = :customer_id;

-- --- Erasure ---

-- name: customer_forget
-- doc: destroys a birth's data key, and what it had sealed here.
-- in: customer_id i64
-- plan: search
UPDATE customer SET data_key = NULL, name_sealed = NULL WHERE customer_id = :customer_id;

-- name: customer_forget_identities
-- doc: the identities of a birth.
-- in: customer_id i64
-- plan: search
DELETE FROM identity WHERE customer_id = :customer_id;

-- name: customer_forget_tags
-- doc: the tags of a birth: they tell what the person is like.
-- in: customer_id i64
-- plan: search
DELETE FROM customer_tag WHERE customer_id = :customer_id;

-- name: customer_forget_evidence
-- doc: what showed the consents of a birth; that they were given or taken back stays.
-- in: customer_id i64
-- plan: search
UPDATE consent SET evidence_sealed = NULL WHERE customer_id = :customer_id;

-- name: customer_forget_proposals
-- doc: nobody need compare an erased birth with others.
-- in: customer_id i64, decided i64, decided_at i64
-- plan: search
UPDATE merge_proposal SET decided = :decided, decided_at = :decided_at
WHERE decided = 0 AND (customer_id = :customer_id OR other_id = :customer_id);

-- name: customer_erasure_insert
-- doc: a person was erased; again with the same id (an erasure replayed twice) changes nothing.
-- in: erasure_id i64, customer_id i64, erased_at i64, erased_by text
-- plan: search
INSERT INTO erasure (erasure_id, customer_id, erased_at, erased_by)
VALUES (:erasure_id, :customer_id, :erased_at, :erased_by)
ON CONFLICT (erasure_id) DO NOTHING;

-- name: customer_erasure_birth
-- doc: a birth that an erasure took the key of.
-- in: customer_id i64, erasure_id i64
-- plan: search
INSERT INTO erasure_customer (customer_id, erasure_id) VALUES (:customer_id, :erasure_id)
ON CONFLICT (customer_id) DO NOTHING;

-- name: customer_erasure_identity
-- doc: an identity whose owner was erased; erased again, the later time holds.
-- in: kind i64, hash bytes, erased_at i64, erasure_id i64
-- plan: search
INSERT INTO erased_identity (kind, hash, erased_at, erasure_id) VALUES (:kind, :hash, :erased_at, :erasure_id)
ON CONFLICT (kind, hash) DO UPDATE SET erased_at = :erased_at, erasure_id = :erasure_id
WHERE erased_identity.erased_at < :erased_at;

-- name: customer_erasure_any
-- doc: whether anybody was ever erased; spares the import the look-up per identity.
-- out: erasure_id i64
-- plan: scan, because one row of any is all that is asked
SELECT erasure_id FROM erasure LIMIT 1;

-- name: customer_erased_identity
-- doc: when the owner of an identity was erased.
-- in: kind i64, hash bytes
-- out: erased_at i64
-- plan: search
SELECT erased_at FROM erased_identity WHERE kind = :kind AND hash = :hash;

-- name: customer_erasure_of
-- doc: when a birth was erased.
-- in: customer_id i64
-- out: erasure_id i64, erased_at i64, erased_by text, purged_at i64?
-- plan: search
SELECT e.erasure_id, e.erased_at, e.erased_by, e.purged_at
FROM erasure_customer c JOIN erasure e ON e.erasure_id = c.erasure_id WHERE c.customer_id = :customer_id;

-- name: customer_erasure_unpurged
-- doc: erasures that the database's files may still hold something of.
-- out: erasure_id i64
-- rows: many
-- plan: scan, because it has one row per erasure
SELECT erasure_id FROM erasure WHERE purged_at IS NULL;

-- name: customer_erasure_purged
-- doc: the files hold nothing of an erasure.
-- in: erasure_id i64, purged_at i64
-- plan: search
UPDATE erasure SET purged_at = :purged_at WHERE erasure_id = :erasure_id;

-- name: customer_erasure_all
-- doc: all erasures, for the log outside the database.
-- out: erasure_id i64, customer_id i64, erased_at i64, erased_by text
-- plan: scan, because there are few
SELECT erasure_id, customer_id, erased_at, erased_by FROM erasure ORDER BY erasure_id;

-- name: customer_erasure_births
-- doc: the births of an erasure.
-- in: erasure_id i64
-- out: customer_id i64
-- plan: search
SELECT customer_id FROM erasure_customer WHERE erasure_id = :erasure_id ORDER BY customer_id;

-- name: customer_erasure_identities
-- doc: the identities that an erasure keeps from coming back.
-- in: erasure_id i64
-- out: kind i64, hash bytes
-- plan: search
SELECT kind, hash FROM erased_identity WHERE erasure_id = :erasure_id ORDER BY kind, hash;

-- name: customer_verify_erased
-- doc: births without a data key, and what is left of them that should not be.
-- out: customer_id i64, noted i64, named i64, identities i64, evidence i64
-- plan: scan, because verify looks at everybody
-- rows: many
SELECT c.customer_id,
       CAST(CASE WHEN EXISTS (SELECT 1 FROM erasure_customer e WHERE e.customer_id = c.customer_id) THEN 1 ELSE 0 END AS BIGINT)
           AS noted,
       CAST(CASE WHEN c.name_sealed IS NULL THEN 0 ELSE 1 END AS BIGINT) AS named,
       CAST(CASE WHEN EXISTS (SELECT 1 FROM identity i WHERE i.customer_id = c.customer_id) THEN 1 ELSE 0 END AS BIGINT)
           AS identities,
       CAST(CASE WHEN EXISTS (SELECT 1 FROM consent s WHERE s.customer_id = c.customer_id AND s.evidence_sealed IS NOT NULL)
            THEN 1 ELSE 0 END AS BIGINT) AS evidence
FROM customer c WHERE c.data_key IS NULL ORDER BY c.customer_id;

-- name: customer_verify_erased_names
-- doc: erased births that are still found by a name.
-- out: customer_id i64
-- plan: scan, because verify looks at everybody
-- rows: many
SELECT DISTINCT h.customer_id FROM customer_name_hash h JOIN customer c ON c.customer_id = h.customer_id
WHERE c.data_key IS NULL ORDER BY h.customer_id;

-- name: customer_verify_keyed
-- doc: births that were erased and have a data key again.
-- out: customer_id i64
-- plan: scan, because verify looks at every erased one
SELECT e.customer_id FROM erasure_customer e JOIN customer c ON c.customer_id = e.customer_id
WHERE c.data_key IS NOT NULL ORDER BY e.customer_id;

-- name: customer_verify_consents
-- doc: every consent with whether its customer is there.
-- out: customer_id i64, purpose i64, channel i64, given i64, how i64, known i64
-- plan: scan, because verify looks at every row
-- rows: many
SELECT s.customer_id, s.purpose, s.channel, s.given, s.how,
       CAST(CASE WHEN c.customer_id IS NULL THEN 0 ELSE 1 END AS BIGINT) AS known
FROM consent s LEFT JOIN customer c ON c.customer_id = s.customer_id
ORDER BY s.customer_id, s.consent_id;
