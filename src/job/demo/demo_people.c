/* People who do not exist. Phones are from the ranges that Ofcom keeps for radio and television
 * drama and gives to nobody
 * ("Telephone numbers for use in TV and radio drama programmes"): a thousand mobile ones, and a
 * thousand of each of eleven cities. Mail addresses are below example.com (RFC 2606, 3), which no
 * mail reaches. */
#include "base/arena.h"
#include "base/check.h"
#include "job/demo/demo_life.h"

#define COUNT(array) ((uint32_t)(sizeof(array) / sizeof((array)[0])))
#define PHONES_PER_RANGE 1000
#define EMAIL_PERCENT 40
#define CHINESE_PERCENT 50

static const char *const phone_ranges[] = {
    "+447700900",                                                              /* mobile */
    "+441134960", /* Leeds */ "+441144960",      /* Sheffield */ "+441154960", /* Nottingham */
    "+441164960", /* Leicester */ "+441174960",  /* Bristol */ "+441184960",   /* Reading */
    "+441214960", /* Birmingham */ "+441314960", /* Edinburgh */ "+441414960", /* Glasgow */
    "+441514960", /* Liverpool */ "+441614960",                                /* Manchester */
};
#define PHONE_STEP 7919 /* a prime that divides no count of phones: every customer's is another */

static const char *const surnames[] = {
    "王", "李", "张", "刘", "陈", "杨", "黄", "赵", "吴", "周", "徐",   "孙",  "马",
    "朱", "胡", "郭", "何", "林", "高", "罗", "郑", "梁", "谢", "宋",   "唐",  "许",
    "韩", "冯", "邓", "曹", "彭", "曾", "肖", "田", "董", "潘", "袁",   "蔡",  "蒋",
    "余", "于", "杜", "叶", "程", "苏", "魏", "吕", "丁", "任", "沈",   "姚",  "卢",
    "姜", "崔", "钟", "谭", "陆", "汪", "范", "石", "廖", "贾", "欧阳", "诸葛"};
static const char *const given_names[] = {
    "晓雯", "嘉怡", "静",   "思远", "雨桐", "浩然", "子涵", "敏",   "丽华", "建国", "欣怡", "志强",
    "梓萱", "宇航", "慧",   "文博", "雪",   "明轩", "佳琪", "伟",   "婷婷", "俊杰", "芳",   "若曦",
    "天佑", "海燕", "诗涵", "磊",   "一诺", "秀英", "晨曦", "国栋", "悦",   "子墨", "春梅", "立新",
    "可馨", "鹏",   "雅琴", "家豪", "月",   "思琪", "凯",   "玉兰", "书瑶", "振华", "宁",   "亦凡"};
static const char *const first_names[] = {
    "Emma",   "Oliver", "Sophie", "James",  "Charlotte", "Thomas", "Amelia", "William",
    "Grace",  "Henry",  "Lucy",   "George", "Hannah",    "Daniel", "Alice",  "Edward",
    "Megan",  "Samuel", "Ella",   "Joseph", "Rebecca",   "Adam",   "Laura",  "Matthew",
    "Chloe",  "Ryan",   "Zoe",    "Simon",  "Eleanor",   "Peter",  "Nina",   "Martin",
    "Isobel", "Callum", "Fiona",  "Rhys",   "Harriet",   "Owen",   "Maya",   "Tobias"};
static const char *const last_names[] = {
    "Smith",    "Jones",  "Taylor",   "Brown",  "Williams", "Wilson",   "Johnson", "Davies",
    "Robinson", "Wright", "Thompson", "Evans",  "Walker",   "White",    "Roberts", "Green",
    "Hall",     "Wood",   "Jackson",  "Clarke", "Patel",    "Harrison", "Hughes",  "Edwards",
    "Hill",     "Moore",  "Clark",    "Cooper", "Ward",     "Turner",   "Carter",  "Mitchell",
    "Baker",    "Murphy", "Bell",     "Kelly",  "Morgan",   "Fletcher", "Reed",    "Marsh",
    "Fox",      "Holmes", "Barker",   "Lowe",   "Sutton",   "Pearce",   "Doyle",   "Whitfield"};

/* splitmix64 (Steele, Lea, Flood 2014): neighbouring seeds give numbers that have nothing to do
 * with each other. */
static uint64_t mix(uint64_t x)
{
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

uint32_t demo_draw(int64_t seed, uint32_t what, uint32_t index, uint32_t limit)
{
    uint64_t x = mix((uint64_t)seed);
    x = mix(x ^ (uint64_t)what << 32 ^ index);
    return (uint32_t)(x % limit);
}

struct demo_person demo_person(struct arena *arena, int64_t seed, uint32_t customer)
{
    uint32_t phone_count = COUNT(phone_ranges) * PHONES_PER_RANGE;
    CHECK(customer < phone_count);
    uint32_t draw = demo_draw(seed, DEMO_DRAW_NAME, customer, 1u << 30);
    bool chinese = draw % 100 < CHINESE_PERCENT;
    draw /= 100;
    struct demo_person person = {0};
    if (chinese)
        person.name = str_fmt(arena, "%s%s", surnames[draw % COUNT(surnames)],
                              given_names[draw / COUNT(surnames) % COUNT(given_names)]);
    else
        person.name = str_fmt(arena, "%s %s", first_names[draw % COUNT(first_names)],
                              last_names[draw / COUNT(first_names) % COUNT(last_names)]);
    uint32_t first = demo_draw(seed, DEMO_DRAW_NAME, DEMO_NONE, phone_count);
    uint32_t phone = (first + customer * PHONE_STEP) % phone_count;
    person.phone =
        str_fmt(arena, "%s%03u", phone_ranges[phone / PHONES_PER_RANGE], phone % PHONES_PER_RANGE);
    if (demo_draw(seed, DEMO_DRAW_EMAIL, customer, 100) < EMAIL_PERCENT)
        person.email = str_fmt(arena, "customer%u@example.com", customer + 1);
    return person;
}
