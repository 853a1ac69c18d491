#include "job/demo/demo_data.h"

#include "base/arena.h"
#include "base/limits.h"
#include "codec/gzip.h"

#define UNPACKED_BYTES_MAX ((size_t)16 << 20)
#define COUNT_MAX 10000000 /* of anything: far above what there is, far below what memory holds */
#define STEP_MAX 1000000000
#define MINUTES_PER_DAY (24 * 60)

extern const unsigned char demo_orders_packed[];
extern const size_t demo_orders_packed_n;

/* What is left to read; `bad` once anything did not fit. */
struct reader {
    const unsigned char *at, *end;
    bool bad;
};

static uint64_t read_number(struct reader *r)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 63; shift += 7) {
        if (r->at == r->end)
            break;
        unsigned char byte = *r->at++;
        value |= (uint64_t)(byte & 127) << shift;
        if (byte < 128)
            return value;
    }
    r->bad = true;
    return 0;
}

static int64_t read_signed(struct reader *r)
{
    uint64_t value = read_number(r);
    return value & 1 ? -(int64_t)(value >> 1) - 1 : (int64_t)(value >> 1);
}

/* A step from one run to the next: what is far beyond any is damage, and sums stay in range. */
static int64_t read_step(struct reader *r)
{
    int64_t step = read_signed(r);
    r->bad = r->bad || step > STEP_MAX || step < -STEP_MAX;
    return r->bad ? 0 : step;
}

/* A number below `limit`. */
static uint32_t read_index(struct reader *r, uint64_t limit)
{
    uint64_t value = read_number(r);
    r->bad = r->bad || value >= limit;
    return r->bad ? 0 : (uint32_t)value;
}

static uint32_t read_count(struct reader *r)
{
    /* Each of them takes a byte at least. */
    size_t left = (size_t)(r->end - r->at);
    return read_index(r, left < COUNT_MAX ? left + 1 : COUNT_MAX);
}

static struct str read_text(struct reader *r)
{
    uint32_t n = read_count(r);
    if (r->bad || n > (size_t)(r->end - r->at)) {
        r->bad = true;
        return STR("");
    }
    struct str text = {(const char *)r->at, n};
    r->at += n;
    return text;
}

static struct str *read_texts(struct reader *r, struct arena *arena, uint32_t count)
{
    struct str *texts = ARENA_ARRAY(arena, (size_t)count + 1, struct str);
    for (uint32_t i = 0; i < count; i++)
        texts[i] = read_text(r);
    return texts;
}

/* Which prices a product had. */
struct price_list {
    uint32_t *prices, count;
};

static struct price_list *read_price_lists(struct reader *r, struct arena *arena,
                                           const struct demo_data *data)
{
    struct price_list *lists =
        ARENA_ARRAY(arena, (size_t)data->product_count + 1, struct price_list);
    for (uint32_t i = 0; i < data->product_count; i++) {
        lists[i].count = read_count(r);
        lists[i].prices = ARENA_ARRAY(arena, (size_t)lists[i].count + 1, uint32_t);
        for (uint32_t k = 0; k < lists[i].count; k++)
            lists[i].prices[k] = read_index(r, data->price_count);
    }
    return lists;
}

static void read_runs(struct reader *r, struct arena *arena, struct demo_data *data)
{
    uint32_t count = data->run_count = read_count(r);
    struct demo_run *runs = data->runs = ARENA_ARRAY(arena, (size_t)count + 1, struct demo_run);
    for (uint32_t i = 0; i < count; i++)
        runs[i].kind = (int)read_index(r, 3);
    for (uint32_t i = 0; i < count; i++)
        runs[i].serial = (i ? runs[i - 1].serial : 0) + read_step(r);
    for (uint32_t i = 0; i < count; i++) {
        runs[i].minute = (i ? runs[i - 1].minute : 0) + read_step(r);
        int64_t day = runs[i].minute / MINUTES_PER_DAY;
        r->bad = r->bad || day < LIMIT_DAY_MIN || day > LIMIT_DAY_MAX;
        if (r->bad)
            runs[i].minute = 0;
    }
    for (uint32_t i = 0; i < count; i++)
        runs[i].customer = read_index(r, (uint64_t)data->customer_count + 1) - 1;
    for (uint32_t i = 0; i < count; i++)
        runs[i].country = read_index(r, data->country_count);
    for (uint32_t i = 0; i < count; i++) {
        runs[i].first_row = data->row_count;
        runs[i].row_count = read_count(r);
        if (data->row_count + (uint64_t)runs[i].row_count > COUNT_MAX)
            r->bad = true;
        else
            data->row_count += runs[i].row_count;
    }
}

static void read_rows(struct reader *r, struct arena *arena, struct demo_data *data,
                      const struct price_list *lists)
{
    uint32_t count = data->row_count;
    if (r->bad || (uint64_t)count * 4 > (uint64_t)(r->end - r->at)) {
        r->bad = true;
        return;
    }
    struct demo_row *rows = data->rows = ARENA_ARRAY(arena, (size_t)count + 1, struct demo_row);
    const unsigned char *high = r->at, *low = r->at + count;
    r->at += (size_t)2 * count;
    for (uint32_t i = 0; i < count; i++) {
        rows[i].product = (uint32_t)high[i] << 8 | low[i];
        r->bad = r->bad || rows[i].product >= data->product_count;
    }
    for (uint32_t i = 0; i < count; i++)
        rows[i].quantity = read_signed(r);
    for (uint32_t i = 0; i < count && !r->bad; i++) {
        const struct price_list *list = &lists[rows[i].product];
        uint32_t rank = read_index(r, list->count);
        if (!r->bad)
            rows[i].price = list->prices[rank];
    }
}

/* Sums up what the runs say of their customers. */
static void sum_customers(struct arena *arena, struct demo_data *data)
{
    double *prices = ARENA_ARRAY(arena, (size_t)data->price_count + 1, double);
    for (uint32_t i = 0; i < data->price_count; i++)
        if (!str_to_f64(data->prices[i], &prices[i]))
            prices[i] = 0;
    data->last_day = DAY_NONE;
    for (uint32_t i = 0; i < data->run_count; i++) {
        const struct demo_run *run = &data->runs[i];
        int32_t day = demo_run_day(run);
        if (run->kind != 0)
            continue;
        if (day > data->last_day)
            data->last_day = day;
        if (run->customer == DEMO_NONE)
            continue;
        struct demo_customer *customer = &data->customers[run->customer];
        customer->country = run->country;
        customer->order_count++;
        if (customer->first_day == DAY_NONE)
            customer->first_day = day;
        customer->last_day = day;
        for (uint32_t k = 0; k < run->row_count; k++) {
            const struct demo_row *row = &data->rows[run->first_row + k];
            customer->amount += (double)row->quantity * prices[row->price];
        }
    }
}

static const struct err *damaged(struct arena *arena)
{
    return ERR_NEW(arena, ERR_DEMO_DATA, STR_NONE);
}

const struct err *demo_data_read(struct arena *arena, struct str bytes, struct demo_data **out)
{
    static const struct str magic = STR_INIT("HTDEMO1\n");
    struct demo_data *data = ARENA_NEW(arena, struct demo_data);
    if (!str_starts(bytes, magic))
        return damaged(arena);
    struct reader reader = {(const unsigned char *)bytes.p + magic.n,
                            (const unsigned char *)bytes.p + bytes.n, false};
    struct reader *r = &reader;
    data->product_count = read_count(r);
    data->product_codes = read_texts(r, arena, data->product_count);
    data->product_names = read_texts(r, arena, data->product_count);
    data->price_count = read_count(r);
    data->prices = read_texts(r, arena, data->price_count);
    const struct price_list *lists = read_price_lists(r, arena, data);
    data->country_count = read_count(r);
    data->countries = read_texts(r, arena, data->country_count);
    data->customer_count = read_count(r);
    const struct str *numbers = read_texts(r, arena, data->customer_count);
    data->customers = ARENA_ARRAY(arena, (size_t)data->customer_count + 1, struct demo_customer);
    for (uint32_t i = 0; i < data->customer_count; i++)
        data->customers[i] = (struct demo_customer){
            .number = numbers[i], .first_day = DAY_NONE, .last_day = DAY_NONE};
    read_runs(r, arena, data);
    read_rows(r, arena, data, lists);
    if (r->bad || r->at != r->end)
        return damaged(arena);
    sum_customers(arena, data);
    *out = data;
    return data->last_day == DAY_NONE ? damaged(arena) : NULL;
}

const struct err *demo_data_open(struct arena *arena, struct demo_data **out)
{
    struct str packed = {(const char *)demo_orders_packed, demo_orders_packed_n}, bytes;
    if (!gzip_unpack(arena, packed, UNPACKED_BYTES_MAX, &bytes))
        return damaged(arena);
    return demo_data_read(arena, bytes, out);
}

struct str demo_run_number(struct arena *arena, const struct demo_run *run)
{
    static const char *const kinds[] = {"", "C", "A"};
    return str_fmt(arena, "%s%lld", kinds[run->kind], (long long)run->serial);
}
