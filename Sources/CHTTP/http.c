#define _GNU_SOURCE
#include "chttp.h"
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* A connection, from its acceptance to its end. */
typedef struct client {
  struct client *next, **place;
  int fd;
  int64_t deadline;
  int closing;
} client;

struct ch_server {
  struct MHD_Daemon *daemon;
  pthread_t thread;
  int poll, wake;
  atomic_int stopping;
  ch_limits limits;
  ch_handler handler;
  void *context;
  client *clients;
};

struct ch_request {
  struct MHD_Response *response;
  unsigned status;
};

static int64_t milliseconds_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* The socket */

static int failed(char *error, const char *what, const char *why, int code) {
  snprintf(error, CH_ERROR_SIZE, "%s: %s", what, why);
  return code ? code : EINVAL;
}

static int describe(ch_place *place) {
  struct sockaddr_storage name;
  socklen_t length = sizeof name;
  if (getsockname(place->fd, (struct sockaddr *)&name, &length)) return -1;
  if (name.ss_family == AF_INET6) {
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)&name;
    place->port = ntohs(six->sin6_port);
    place->loopback = IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
    return inet_ntop(AF_INET6, &six->sin6_addr, place->host, sizeof place->host) ? 0 : -1;
  }
  const struct sockaddr_in *four = (const struct sockaddr_in *)&name;
  place->port = ntohs(four->sin_port);
  place->loopback = ntohl(four->sin_addr.s_addr) >> 24 == 127;
  return inet_ntop(AF_INET, &four->sin_addr, place->host, sizeof place->host) ? 0 : -1;
}

int ch_bind(const char *host, uint16_t port, ch_place *place, char *error) {
  char service[8];
  snprintf(service, sizeof service, "%u", port);
  struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found = NULL;
  int rv = getaddrinfo(*host ? host : NULL, service, &hints, &found);
  if (rv) return failed(error, host, gai_strerror(rv), rv == EAI_SYSTEM ? errno : 0);
  memset(place, 0, sizeof *place);
  place->fd = socket(found->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  int one = 1;
  rv = place->fd < 0 || setsockopt(place->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) ||
       bind(place->fd, found->ai_addr, found->ai_addrlen) || listen(place->fd, 64) || describe(place);
  int code = errno;
  freeaddrinfo(found);
  if (!rv) return 0;
  ch_unbind(place);
  return failed(error, "cannot listen", strerror(code), code);
}

void ch_unbind(ch_place *place) {
  if (place->fd >= 0) close(place->fd);
  place->fd = -1;
}

/* Requests */

/* Takes headers "Name: value\n" apart. */
static void add_headers(struct MHD_Response *response, const char *headers) {
  char name[64], value[1024];
  while (*headers) {
    size_t line = strcspn(headers, "\n"), colon = strcspn(headers, ":");
    if (colon < line && colon < sizeof name && line - colon - 1 < sizeof value) {
      memcpy(name, headers, colon);
      name[colon] = 0;
      const char *start = headers + colon + 1;
      while (*start == ' ') start++;
      size_t size = (size_t)(headers + line - start);
      memcpy(value, start, size);
      value[size] = 0;
      MHD_add_response_header(response, name, value);
    }
    headers += line + (headers[line] == '\n');
  }
}

void ch_answer(ch_request *request, unsigned status, const char *headers, const uint8_t *body, size_t size) {
  if (request->response) return;
  /* The library takes a pointer that it does not write to, but does not say so. */
  request->response = MHD_create_response_from_buffer(size, (void *)(uintptr_t)body, MHD_RESPMEM_MUST_COPY);
  if (!request->response) return;
  request->status = status;
  add_headers(request->response, headers);
}

static void refuse(ch_request *request, unsigned status, const char *headers, const char *sentence) {
  ch_answer(request, status, headers, (const uint8_t *)sentence, strlen(sentence));
}

#define PLAIN "Content-Type: text/plain; charset=utf-8\n"

static enum MHD_Result requested(void *context, struct MHD_Connection *connection, const char *path, const char *method,
                                 const char *version, const char *body, size_t *size, void **state) {
  ch_server *server = context;
  (void)version, (void)body, (void)size, (void)state;
  ch_request request = {NULL, MHD_HTTP_INTERNAL_SERVER_ERROR};
  const char *length = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
  if (strcmp(method, MHD_HTTP_METHOD_GET) && strcmp(method, MHD_HTTP_METHOD_HEAD)) {
    refuse(&request, MHD_HTTP_METHOD_NOT_ALLOWED, PLAIN "Allow: GET, HEAD\n", "Only GET and HEAD are answered here.\n");
  } else if (MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_TRANSFER_ENCODING) ||
             (length && strcmp(length, "0"))) {
    refuse(&request, MHD_HTTP_CONTENT_TOO_LARGE, PLAIN, "Requests have no body here.\n");
  } else {
    server->handler(server->context, path, &request);
    if (!request.response) refuse(&request, MHD_HTTP_INTERNAL_SERVER_ERROR, PLAIN, "There is no answer to this.\n");
  }
  if (!request.response) return MHD_NO;
  /* One request a connection: its age bounds how long a client can keep it. */
  MHD_add_response_header(request.response, MHD_HTTP_HEADER_CONNECTION, "close");
  MHD_add_response_header(request.response, "X-Content-Type-Options", "nosniff");
  enum MHD_Result result = MHD_queue_response(connection, request.status, request.response);
  MHD_destroy_response(request.response);
  return result;
}

/* Connections */

static void noted(void *context, struct MHD_Connection *connection, void **state,
                  enum MHD_ConnectionNotificationCode what) {
  ch_server *server = context;
  if (what == MHD_CONNECTION_NOTIFY_STARTED) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    client *c = info ? calloc(1, sizeof *c) : NULL;
    *state = c;
    if (!c) return;
    c->fd = info->connect_fd;
    c->deadline = milliseconds_now() + (int64_t)server->limits.seconds * 1000;
    c->next = server->clients;
    c->place = &server->clients;
    if (c->next) c->next->place = &c->next;
    server->clients = c;
  } else if (*state) {
    client *c = *state;
    *c->place = c->next;
    if (c->next) c->next->place = c->place;
    free(c);
    *state = NULL;
  }
}

/* The library's own timeout begins anew with every byte that comes; this one does not. */
static void close_old(ch_server *server) {
  int64_t now = milliseconds_now();
  for (client *c = server->clients; c; c = c->next) {
    if (c->closing || now < c->deadline) continue;
    c->closing = 1;
    shutdown(c->fd, SHUT_RDWR);
  }
}

/* The thread */

static void *serve(void *context) {
  ch_server *server = context;
  pthread_setname_np(pthread_self(), "moq-http");
  while (!atomic_load(&server->stopping)) {
    MHD_UNSIGNED_LONG_LONG wanted = 1000;
    int wait = MHD_get_timeout(server->daemon, &wanted) == MHD_YES && wanted < 1000 ? (int)wanted : 1000;
    struct pollfd ready[2] = {{.fd = server->poll, .events = POLLIN}, {.fd = server->wake, .events = POLLIN}};
    poll(ready, 2, server->clients || wait < 1000 ? wait : -1);
    MHD_run(server->daemon);
    close_old(server);
  }
  return NULL;
}

ch_server *ch_start(ch_place *place, const char *certificate, const char *key, ch_limits limits, ch_handler handler,
                    void *context, char *error) {
  ch_server *server = calloc(1, sizeof *server);
  int fd = place->fd;
  if (!server) {
    failed(error, "no HTTP server", strerror(ENOMEM), 0);
    ch_unbind(place);
    return NULL;
  }
  server->limits = limits;
  server->handler = handler;
  server->context = context;
  server->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  unsigned flags = MHD_USE_EPOLL;
  struct MHD_OptionItem tls[] = {{MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)certificate},
                                 {MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)key},
                                 {MHD_OPTION_HTTPS_PRIORITIES, 0, "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"},
                                 {MHD_OPTION_END, 0, NULL}};
  if (certificate) flags |= MHD_USE_TLS;
  struct MHD_OptionItem none[] = {{MHD_OPTION_END, 0, NULL}};
  server->daemon = MHD_start_daemon(
      flags, 0, NULL, NULL, requested, server, MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
      limits.connections, MHD_OPTION_PER_IP_CONNECTION_LIMIT, limits.connections_of_one, MHD_OPTION_CONNECTION_TIMEOUT,
      limits.seconds, MHD_OPTION_CONNECTION_MEMORY_LIMIT, limits.memory, MHD_OPTION_NOTIFY_CONNECTION, noted, server,
      MHD_OPTION_ARRAY, certificate ? tls : none, MHD_OPTION_END);
  if (!server->daemon) {
    failed(error, "no HTTP server", certificate ? "the certificate or its key is not taken" : strerror(errno), 0);
    ch_unbind(place);
    if (server->wake >= 0) close(server->wake);
    free(server);
    return NULL;
  }
  /* From here on the daemon owns the socket. */
  place->fd = -1;
  const union MHD_DaemonInfo *info = MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD);
  server->poll = info ? info->epoll_fd : -1;
  /* Signals are for other threads. */
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  int rv = server->poll < 0 || server->wake < 0 ? EBADF : pthread_create(&server->thread, NULL, serve, server);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!rv) return server;
  failed(error, "no HTTP server", strerror(rv), rv);
  MHD_stop_daemon(server->daemon);
  if (server->wake >= 0) close(server->wake);
  free(server);
  return NULL;
}

void ch_stop(ch_server *server) {
  atomic_store(&server->stopping, 1);
  uint64_t one = 1;
  (void)!write(server->wake, &one, sizeof one);
  pthread_join(server->thread, NULL);
  MHD_stop_daemon(server->daemon);
  close(server->wake);
  free(server);
}
