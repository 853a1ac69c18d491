/* One call of customer_resolve_many: what its buyers say, what the store knows of it, what is to be written. Decided in
 * customer_resolve.c, written in customer_resolve_write.c. Lives in the transaction's arena. */
#ifndef HUITOU_ROOM_CUSTOMER_CUSTOMER_BATCH_H
#define HUITOU_ROOM_CUSTOMER_CUSTOMER_BATCH_H

#include "room/customer/customer_map.h"
#include "room/customer/customer_part.h"

/* An identity of the batch, however many buyers have it. */
struct batch_identity {
    struct identity_value is;
    uint8_t hash[SECRET_HASH_BYTES];
    int64_t owner_id, owner_root_id; /* 0: nobody, so far */
    bool owner_weak;                 /* claimed weakly */
    size_t claim_row;                /* place + 1 of the batch's own row that claims it; 0: none */
    int64_t claimed_as;              /* identity_id of that row; 0: none */
};
/* A customer that facts of the batch hang on. */
struct batch_customer {
    int64_t customer_id, root_id;
    bool created, placeholder;
    bool writes_identities; /* its data key is needed */
    struct str name;        /* as the first buyer that has one says; absent: none does */
    int64_t met_at_us;      /* the earliest */
    struct str data_key;    /* wrapped */
    uint8_t key[SECRET_KEY_BYTES];
};
/* An identity to be written on a customer. */
struct batch_row {
    size_t customer, identity; /* their places in the batch */
    bool claimed, weak;
    int64_t taken_from; /* who claims it in the store, weakly; 0: nobody */
};
/* A claim in the store that was weak and becomes sure. */
struct batch_confirm {
    int64_t customer_id;
    size_t identity;
};
struct batch_proposal {
    int64_t low_id, high_id; /* roots */
    enum identity_kind kind;
};
struct customer_batch {
    struct tx *tx;
    struct arena *arena;
    const struct deps *deps;
    struct customer_buyer *buyers;
    size_t buyer_count;

    struct batch_identity *identities;
    size_t identity_count;
    struct batch_customer *customers;
    size_t customer_count;
    struct batch_row *rows;
    size_t row_count;
    struct batch_confirm *confirms;
    size_t confirm_count;
    struct batch_proposal *proposals;
    size_t proposal_count;

    struct customer_map *identity_by_hash;
    struct customer_map *customer_by_id;
    struct customer_map *holding;  /* (root, kind, issuer) of which the person holds a sure identity */
    struct customer_map *asked;    /* (root, kind, issuer) of which the store was asked */
    struct customer_map *sure;     /* roots of persons that have a sure identity, as far as it matters */
    struct customer_map *kept;     /* (customer, identity's place) noted unclaimed */
    struct customer_map *proposed; /* pairs of roots */
};

ERR_RESULT customer_batch_write(struct customer_batch *batch);

#endif
