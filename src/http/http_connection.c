/* The connections that are open, each with its deadline. */
#include "http/http_internal.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

int64_t http_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void address_text(const struct sockaddr *address, char out[48])
{
    out[0] = '\0';
    if (address && address->sa_family == AF_INET) {
        struct sockaddr_in v4;
        memcpy(&v4, address, sizeof(v4));
        inet_ntop(AF_INET, &v4.sin_addr, out, 48);
    }
    if (address && address->sa_family == AF_INET6) {
        struct sockaddr_in6 v6;
        memcpy(&v6, address, sizeof(v6));
        inet_ntop(AF_INET6, &v6.sin6_addr, out, 48);
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr))
            memmove(out, strrchr(out, ':') + 1, strlen(strrchr(out, ':') + 1) + 1);
    }
}

/* Both directions: libmicrohttpd's epoll wakes up and closes it. */
static void cut(struct connections *all, struct connection *connection)
{
    shutdown(connection->fd, SHUT_RDWR);
    connection->cut = true;
    all->cut_count++;
}

/* Of those that have not sent a whole request yet the one that waits longest; of `address`, or of
 * anybody where NULL. */
static struct connection *oldest_waiting(struct connections *all, const char *address)
{
    for (struct connection *each = all->first; each; each = each->next) {
        bool waits = each->state == CONNECTION_HEAD || each->state == CONNECTION_BODY;
        if (waits && !each->cut && (!address || strcmp(each->address, address) == 0))
            return each;
    }
    return NULL;
}

static int count_of(struct connections *all, const char *address)
{
    int count = 0;
    for (struct connection *each = all->first; each; each = each->next)
        count += !each->cut && strcmp(each->address, address) == 0;
    return count;
}

static void append(struct connections *all, struct connection *connection)
{
    connection->next = NULL;
    connection->previous = all->last;
    if (all->last)
        all->last->next = connection;
    else
        all->first = connection;
    all->last = connection;
}

static void unlink_connection(struct connections *all, struct connection *connection)
{
    if (connection->previous)
        connection->previous->next = connection->next;
    else
        all->first = connection->next;
    if (connection->next)
        connection->next->previous = connection->previous;
    else
        all->last = connection->previous;
}

struct connection *connection_open(struct connections *all, int fd, const struct sockaddr *address)
{
    struct connection *connection = memory_or_end(NULL, sizeof(*connection));
    *connection = (struct connection){
        .fd = fd, .state = CONNECTION_HEAD, .deadline_ms = http_now_ms() + all->head_timeout_ms};
    address_text(address, connection->address);
    pthread_mutex_lock(&all->lock);
    /* Counting is only worth its time where it could matter. */
    struct connection *in_the_way = NULL;
    if (all->count >= all->per_address_max &&
        count_of(all, connection->address) >= all->per_address_max)
        in_the_way = oldest_waiting(all, connection->address);
    else if (all->count >= all->count_max)
        in_the_way = oldest_waiting(all, NULL);
    if (in_the_way)
        cut(all, in_the_way);
    append(all, connection);
    all->count++;
    pthread_mutex_unlock(&all->lock);
    return connection;
}

void connection_close(struct connections *all, struct connection *connection)
{
    pthread_mutex_lock(&all->lock);
    unlink_connection(all, connection);
    all->count--;
    pthread_mutex_unlock(&all->lock);
    free(connection);
}

void connection_state(struct connections *all, struct connection *connection,
                      enum connection_state state, int64_t timeout_ms)
{
    pthread_mutex_lock(&all->lock);
    connection->state = state;
    connection->deadline_ms =
        timeout_ms == INT64_MAX ? INT64_MAX : http_now_ms() + timeout_ms;
    if (state == CONNECTION_HEAD) { /* it waits anew: behind those that wait already */
        unlink_connection(all, connection);
        append(all, connection);
    }
    pthread_mutex_unlock(&all->lock);
}

void connections_sweep(struct connections *all)
{
    int64_t now_ms = http_now_ms();
    pthread_mutex_lock(&all->lock);
    for (struct connection *each = all->first; each; each = each->next)
        if (!each->cut && each->deadline_ms < now_ms)
            cut(all, each);
    pthread_mutex_unlock(&all->lock);
}
