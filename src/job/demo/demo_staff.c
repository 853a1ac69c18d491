/* Room access in the demo: the people who work for the brand, each in another role, so that what a
 * role sees can be tried. None has a password: nobody can log in as them before an owner gives them
 * one. */
#include "job/demo/demo_life.h"

static const struct {
    const char *login, *name_en, *name_zh;
    enum role role;
    int manager; /* enum demo_member; -1: nobody */
} people[DEMO_STAFF_MAX] = {
    [DEMO_OWNER] = {"demo.owner", "Demo owner", "演示品牌方", ROLE_OWNER, -1},
    [DEMO_OPERATOR] = {"demo.operator", "Grace Lin", "林嘉怡", ROLE_OPERATOR, -1},
    [DEMO_SERVICE_MANAGER] = {"demo.service", "Thomas Reed", "沈文博", ROLE_SERVICE_MANAGER, -1},
    [DEMO_CLIENT_MANAGER] = {"demo.client", "Min Wang", "王敏", ROLE_CLIENT_MANAGER,
                             DEMO_SERVICE_MANAGER},
    [DEMO_AGENT] = {"demo.agent1", "Emma Hughes", "赵雨桐", ROLE_AGENT, DEMO_CLIENT_MANAGER},
    [DEMO_AGENT_2] = {"demo.agent2", "Lei Zhao", "孙浩然", ROLE_AGENT, DEMO_CLIENT_MANAGER},
    [DEMO_AGENT_3] = {"demo.agent3", "Yue Sun", "何欣怡", ROLE_AGENT, DEMO_CLIENT_MANAGER},
};

struct str demo_staff_name(const struct demo *demo, enum demo_member member)
{
    return demo_word(demo, people[member].name_en, people[member].name_zh);
}

static const struct err *make_staff(struct tx *tx, void *arg)
{
    struct demo *demo = arg;
    for (int i = 0; i < DEMO_STAFF_MAX; i++) {
        struct staff_new wanted = {
            .login = str_c(people[i].login),
            .name = demo_staff_name(demo, (enum demo_member)i),
            .no_password = true,
            .role = people[i].role,
            .manager_id = people[i].manager < 0 ? 0 : demo->staff_ids[people[i].manager]};
        TRY(staff_create(tx, &wanted, STR(""), &demo->staff_ids[i]));
    }
    return NULL;
}

const struct err *demo_staff(struct demo *demo)
{
    struct store_job job = {.name = "demo staff", .fn = make_staff, .arg = demo};
    demo->result->staff = DEMO_STAFF_MAX;
    return store_write(demo->home->store, demo->arena, &job);
}
