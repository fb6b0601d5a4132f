#define _GNU_SOURCE 1
#include "cquic.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <net/if.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static uint64_t clock_ns(clockid_t id) {
  struct timespec t;
  clock_gettime(id, &t);
  return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}
uint64_t cq_now(void) { return clock_ns(CLOCK_MONOTONIC); }
uint64_t cq_thread_cpu(void) { return clock_ns(CLOCK_THREAD_CPUTIME_ID); }
uint64_t cq_process_cpu(void) { return clock_ns(CLOCK_PROCESS_CPUTIME_ID); }
uintptr_t cq_thread_self(void) { return (uintptr_t)pthread_self(); }
const char *cq_errno_text(void) { return strerror(errno); }
const char *cq_error_text(int number) { return strerror(number < 0 ? -number : number); }
void cq_close(int fd) { close(fd); }
void cq_random(uint8_t *out, size_t size) { gnutls_rnd(GNUTLS_RND_RANDOM, out, size); }

struct thread_start {
  void (*body)(void *);
  void *context;
  char name[16];
};
static void *thread_main(void *p) {
  struct thread_start s = *(struct thread_start *)p;
  free(p);
  pthread_setname_np(pthread_self(), s.name);
  s.body(s.context);
  return NULL;
}
int cq_thread_start(const char *name, void (*body)(void *), void *context) {
  struct thread_start *s = calloc(1, sizeof *s);
  if (!s) return ENOMEM;
  s->body = body;
  s->context = context;
  snprintf(s->name, sizeof s->name, "%s", name);
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, 4 << 20);
  sigset_t all, old;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &old);
  pthread_t thread;
  int rv = pthread_create(&thread, &attributes, thread_main, s);
  pthread_sigmask(SIG_SETMASK, &old, NULL);
  pthread_attr_destroy(&attributes);
  if (rv) free(s);
  return rv;
}

uint8_t *cq_file_read(const char *path, size_t limit, size_t *size) {
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return NULL;
  size_t capacity = 16 << 10, count = 0;
  uint8_t *memory = malloc(capacity);
  int error = memory ? 0 : ENOMEM;
  while (!error) {
    if (count == capacity) {
      if (capacity >= limit) {
        error = EFBIG;
        break;
      }
      capacity *= 2;
      uint8_t *larger = realloc(memory, capacity);
      if (!larger) {
        error = ENOMEM;
        break;
      }
      memory = larger;
    }
    ssize_t n = read(fd, memory + count, capacity - count);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) error = errno;
    if (n <= 0) break;
    count += (size_t)n;
  }
  close(fd);
  if (error) {
    free(memory);
    errno = error;
    return NULL;
  }
  *size = count;
  return memory;
}
void cq_file_free(uint8_t *memory) { free(memory); }

/* ---- Addresses ---- */

void cq_address_get(const struct sockaddr *sa, cq_address *out) {
  memset(out, 0, sizeof *out);
  if (sa->sa_family == AF_INET) {
    const struct sockaddr_in *a = (const void *)sa;
    out->family = 4;
    out->port = ntohs(a->sin_port);
    memcpy(out->bytes, &a->sin_addr, 4);
  } else if (sa->sa_family == AF_INET6) {
    const struct sockaddr_in6 *a = (const void *)sa;
    out->family = 6;
    out->port = ntohs(a->sin6_port);
    out->scope = a->sin6_scope_id;
    memcpy(out->bytes, &a->sin6_addr, 16);
  }
}
int cq_address_parse(const char *text, uint16_t port, cq_address *out) {
  memset(out, 0, sizeof *out);
  out->port = port;
  if (inet_pton(AF_INET, text, out->bytes) == 1) {
    out->family = 4;
    return 0;
  }
  char host[64];
  size_t n = strcspn(text, "%");
  if (n >= sizeof host) return -1;
  memcpy(host, text, n);
  host[n] = 0;
  if (inet_pton(AF_INET6, host, out->bytes) != 1) return -1;
  out->family = 6;
  if (text[n] == '%') {
    out->scope = if_nametoindex(text + n + 1);
    if (!out->scope) out->scope = (uint32_t)strtoul(text + n + 1, NULL, 10);
  }
  return 0;
}
int cq_address_print(const cq_address *a, char *out, size_t size) {
  if (!inet_ntop(a->family == 6 ? AF_INET6 : AF_INET, a->bytes, out, (socklen_t)size)) return -1;
  if (a->scope) {
    size_t n = strlen(out);
    snprintf(out + n, size - n, "%%%u", a->scope);
  }
  return 0;
}
int cq_resolve(const char *host, uint16_t port, cq_address *out, int capacity, const char **error) {
  struct addrinfo hints = {0}, *list = NULL;
  hints.ai_socktype = SOCK_DGRAM;
  hints.ai_flags = AI_ADDRCONFIG;
  int rv = getaddrinfo(host, NULL, &hints, &list);
  if (rv) {
    *error = rv == EAI_SYSTEM ? strerror(errno) : gai_strerror(rv);
    return -1;
  }
  int count = 0;
  for (struct addrinfo *i = list; i && count < capacity; i = i->ai_next) {
    if (i->ai_family != AF_INET && i->ai_family != AF_INET6) continue;
    cq_address_get(i->ai_addr, &out[count]);
    out[count++].port = port;
  }
  freeaddrinfo(list);
  return count;
}

/* ---- Waiting ---- */

int cq_wake_open(void) { return eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC); }
void cq_wake(int fd) {
  uint64_t one = 1;
  while (write(fd, &one, sizeof one) < 0 && errno == EINTR) {}
}
void cq_wake_clear(int fd) {
  uint64_t count;
  while (read(fd, &count, sizeof count) < 0 && errno == EINTR) {}
}
int cq_poll_open(void) { return epoll_create1(EPOLL_CLOEXEC); }
int cq_poll_add(int poll, int fd, uint64_t key) {
  struct epoll_event e = {.events = EPOLLIN, .data.u64 = key};
  return epoll_ctl(poll, EPOLL_CTL_ADD, fd, &e);
}
int cq_poll_writing(int poll, int fd, uint64_t key, int on) {
  struct epoll_event e = {.events = EPOLLIN | (on ? EPOLLOUT : 0), .data.u64 = key};
  return epoll_ctl(poll, EPOLL_CTL_MOD, fd, &e);
}
void cq_poll_remove(int poll, int fd) { epoll_ctl(poll, EPOLL_CTL_DEL, fd, NULL); }

int cq_poll_wait(int poll, cq_event *out, int capacity, int64_t ns) {
  struct epoll_event events[64];
  static int coarse; /* the kernel has no epoll_pwait2 (Linux before 5.11) */
  if (capacity > 64) capacity = 64;
  int n = -1;
  if (ns > 0 && !coarse) {
#ifdef SYS_epoll_pwait2
    struct timespec t = {ns / 1000000000, ns % 1000000000};
    n = (int)syscall(SYS_epoll_pwait2, poll, events, capacity, &t, NULL, 0);
    if (n < 0 && (errno == ENOSYS || errno == EPERM)) coarse = 1;
#else
    coarse = 1;
#endif
  }
  if (ns <= 0 || coarse) {
    int64_t ms = ns <= 0 ? ns : (ns + 999999) / 1000000;
    n = epoll_wait(poll, events, capacity, ms < 0 ? -1 : ms > 3600000 ? 3600000 : (int)ms);
  }
  for (int i = 0; i < n; i++) {
    out[i].key = events[i].data.u64;
    out[i].readable = (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP)) != 0;
    out[i].writable = (events[i].events & EPOLLOUT) != 0;
  }
  return n < 0 ? 0 : n;
}
