/* The migrations, made into C by tools/mksql from every schema.sql: number n stands at migration_all[n - 1]. */
#ifndef HUITOU_STORE_MIGRATION_H
#define HUITOU_STORE_MIGRATION_H

struct migration {
    int number;
    const char *title;
    const char *const *sqlite, *const *postgres; /* the same statements for each database */
    int statement_count;
};

extern const struct migration migration_all[];
extern const int migration_count;

#endif
