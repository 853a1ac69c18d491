/* link: event test_support */
/* Every statement of the program: prepared on both databases (opening the store does that), and its
 * plan looked at. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/arena.h"
#include "support/test_store.h"

/* On SQLite a statement marked "plan: search" may not read a whole table or index. On PostgreSQL,
 * whose planner goes by statistics that an empty database has not, it is enough that there is a
 * plan. */
static void every_statement_has_its_plan(enum store_kind kind)
{
    struct test_store *test = test_store_open(kind);
    int faults = 0;
    assert_true(stmt_count > 0);
    for (int i = 0; i < stmt_count; i++) {
        const struct stmt *stmt = stmt_all[i];
        struct str plan = STR_NONE;
        bool full_scan = false;
        assert_ptr_equal(stmt_by_name(stmt->name), stmt);
        const struct err *err = store_explain(test->store, test->arena, stmt, &plan, &full_scan);
        if (err) {
            print_error("%s: %.*s\n", stmt->name, STR_ARG(err_text(test->arena, err, LANG_EN)));
            faults++;
        } else if (kind == STORE_SQLITE && full_scan && !stmt->scan_meant) {
            print_error("%s in %s says plan: search, but scans: %.*s\n", stmt->name, stmt->file,
                        STR_ARG(plan));
            faults++;
        }
    }
    assert_int_equal(faults, 0);
    assert_null(stmt_by_name("no_such_statement"));
    test_store_close(test);
}

static void plans_on_sqlite(void **state)
{
    (void)state;
    every_statement_has_its_plan(STORE_SQLITE);
}

static void plans_on_postgres(void **state)
{
    (void)state;
    every_statement_has_its_plan(STORE_POSTGRES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(plans_on_sqlite),
                                       cmocka_unit_test(plans_on_postgres)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
