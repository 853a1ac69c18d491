#ifndef HUITOU_TEST_ON_BOTH_H
#define HUITOU_TEST_ON_BOTH_H

#include "store/store.h"

/* A test on each database: ON_BOTH(name) after it, BOTH(name) in the list. */
#define ON_BOTH(test)                                                                             \
    static void test##_sqlite(void **state)                                                       \
    {                                                                                             \
        (void)state;                                                                              \
        test(STORE_SQLITE);                                                                       \
    }                                                                                             \
    static void test##_postgres(void **state)                                                     \
    {                                                                                             \
        (void)state;                                                                              \
        test(STORE_POSTGRES);                                                                     \
    }
#define BOTH(test) cmocka_unit_test(test##_sqlite), cmocka_unit_test(test##_postgres)

#endif
