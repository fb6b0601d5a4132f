/* A small HTTP/1.1 server for people and browsers, on libmicrohttpd: GET and HEAD of a few paths, one request a
 * connection, one thread of its own. What a client may use of memory and time is bounded here, not by the caller. */
#ifndef CHTTP_H
#define CHTTP_H

#include <stddef.h>
#include <stdint.h>

#define CH_ERROR_SIZE 256

/* A bound socket that listens. */
typedef struct ch_place {
  int fd;
  uint16_t port;
  /* Whether only this machine can reach it. */
  int loopback;
  /* The address as digits, without the port. */
  char host[64];
} ch_place;

/* Binds the first address that `host` has. 0, or an errno, with a sentence in `error` (CH_ERROR_SIZE bytes). */
int ch_bind(const char *host, uint16_t port, ch_place *place, char *error);
void ch_unbind(ch_place *place);

/* What a client may use. */
typedef struct ch_limits {
  /* Connections at a time, in all and of one address. More are closed unanswered. */
  unsigned connections, connections_of_one;
  /* Seconds from its beginning until a connection is closed, whatever it does. */
  unsigned seconds;
  /* Bytes of a request line with its headers; more is answered with 414 or 431. */
  size_t memory;
} ch_limits;

typedef struct ch_server ch_server;
/* A request that waits for its answer; valid while its handler runs. */
typedef struct ch_request ch_request;

/* Called on the server's thread for each GET and HEAD, with the path as it came but %-decoded, without the query.
 * It must call `ch_answer` once, or the answer is 500. */
typedef void (*ch_handler)(void *context, const char *path, ch_request *request);

/* `headers` are lines "Name: value", each ended by a newline; `body` is copied. */
void ch_answer(ch_request *request, unsigned status, const char *headers, const uint8_t *body, size_t size);

/* Serves on `place`, which it takes over. `certificate` and `key` are PEM texts ended by a zero, or NULL for plain HTTP.
 * NULL if that fails, with a sentence in `error`. */
ch_server *ch_start(ch_place *place, const char *certificate, const char *key, ch_limits limits, ch_handler handler,
                    void *context, char *error);

/* Closes all connections and ends the thread. No handler runs after it. */
void ch_stop(ch_server *server);

#endif
