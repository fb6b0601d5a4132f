#define _GNU_SOURCE 1
#include "cquic.h"
#include <errno.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <stdlib.h>
#include <unistd.h>
#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

#define RX_SIZE 65536

struct cq_buffers {
  cq_packet packet[CQ_BATCH];
  struct mmsghdr message[CQ_BATCH];
  struct iovec iov[CQ_BATCH];
  _Alignas(struct cmsghdr) char control[CQ_BATCH][256];
  cq_writer writer;
  uint8_t *memory;
};

cq_buffers *cq_buffers_new(void) {
  cq_buffers *b = calloc(1, sizeof *b);
  if (!b) return NULL;
  b->memory = malloc((size_t)CQ_BATCH * RX_SIZE);
  b->writer.out = malloc(CQ_TX_SIZE + 2048);
  if (!b->memory || !b->writer.out) {
    cq_buffers_free(b);
    return NULL;
  }
  ngtcp2_path_storage_zero(&b->writer.path);
  return b;
}
void cq_buffers_free(cq_buffers *b) {
  if (!b) return;
  free(b->memory);
  free(b->writer.out);
  free(b);
}
cq_packet *cq_received(cq_buffers *b, int index) { return &b->packet[index]; }
cq_writer *cq_buffers_writer(cq_buffers *b) {
  static cq_writer none;
  return b ? &b->writer : &none;
}

static socklen_t to_sockaddr(const cq_address *a, struct sockaddr_storage *out) {
  memset(out, 0, sizeof *out);
  if (a->family == 6) {
    struct sockaddr_in6 *s = (void *)out;
    s->sin6_family = AF_INET6;
    s->sin6_port = htons(a->port);
    s->sin6_scope_id = a->scope;
    memcpy(&s->sin6_addr, a->bytes, 16);
    return sizeof *s;
  }
  struct sockaddr_in *s = (void *)out;
  s->sin_family = AF_INET;
  s->sin_port = htons(a->port);
  memcpy(&s->sin_addr, a->bytes, 4);
  return sizeof *s;
}
void cq_path_set_remote(cq_path *p, const cq_socket *local, const cq_address *remote) {
  struct sockaddr_storage to;
  socklen_t n = to_sockaddr(remote, &to);
  cq_path_set(p, (const struct sockaddr *)&local->local, local->locallen, (struct sockaddr *)&to, n);
}

int cq_socket_open(cq_socket *s, const cq_address *bind_to, const cq_address *connect_to, int offload, int reuse_port) {
  memset(s, 0, sizeof *s);
  int v6 = bind_to->family == 6, one = 1, size = 4 << 20;
  int fd = socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
  setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
  if (reuse_port) setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
  if (v6) {
    int probe = IPV6_PMTUDISC_PROBE;
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVTCLASS, &one, sizeof one);
    setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &probe, sizeof probe);
  } else {
    int probe = IP_PMTUDISC_PROBE;
    setsockopt(fd, IPPROTO_IP, IP_RECVTOS, &one, sizeof one);
    setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof probe);
  }
  s->wildcard = !connect_to && (v6 ? !bind_to->bytes[0] && !bind_to->bytes[1] : !(uint32_t)bind_to->bytes[0]);
  if (s->wildcard) {
    /* Answers must come from the address that was asked. */
    if (v6) setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &one, sizeof one);
    else setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &one, sizeof one);
  }
  struct sockaddr_storage address;
  socklen_t n = to_sockaddr(bind_to, &address);
  if (bind(fd, (struct sockaddr *)&address, n)) goto failed;
  if (connect_to) {
    n = to_sockaddr(connect_to, &address);
    if (connect(fd, (struct sockaddr *)&address, n)) goto failed;
    s->connected = 1;
  }
  s->locallen = sizeof s->local;
  if (getsockname(fd, (struct sockaddr *)&s->local, &s->locallen)) goto failed;
  s->gro = offload && !setsockopt(fd, IPPROTO_UDP, UDP_GRO, &one, sizeof one);
  s->gso = offload != 0;
  s->family = v6 ? 6 : 4;
  s->fd = fd;
  return 0;
failed:;
  int error = errno;
  close(fd);
  return -error;
}

void cq_socket_address(const cq_socket *s, cq_address *out) { cq_address_get((const struct sockaddr *)&s->local, out); }

int cq_receive(cq_socket *s, cq_buffers *b) {
  for (int i = 0; i < CQ_BATCH; i++) {
    struct msghdr *h = &b->message[i].msg_hdr;
    b->iov[i].iov_base = b->memory + (size_t)i * RX_SIZE;
    b->iov[i].iov_len = RX_SIZE;
    h->msg_iov = &b->iov[i];
    h->msg_iovlen = 1;
    h->msg_name = &b->packet[i].from;
    h->msg_namelen = sizeof b->packet[i].from;
    h->msg_control = b->control[i];
    h->msg_controllen = sizeof b->control[i];
    h->msg_flags = 0;
  }
  int n;
  do n = recvmmsg(s->fd, b->message, CQ_BATCH, MSG_DONTWAIT, NULL);
  while (n < 0 && errno == EINTR);
  if (n < 0) return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
  for (int i = 0; i < n; i++) {
    cq_packet *p = &b->packet[i];
    struct msghdr *h = &b->message[i].msg_hdr;
    p->data = b->iov[i].iov_base;
    p->size = p->segment = b->message[i].msg_len;
    p->ecn = 0;
    p->fromlen = h->msg_namelen;
    p->local = s->local;
    p->locallen = s->locallen;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
      int value = 0;
      if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
        memcpy(&value, CMSG_DATA(c), sizeof value);
        if (value > 0) p->segment = (uint32_t)value;
      } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TOS) {
        p->ecn = *(uint8_t *)CMSG_DATA(c) & 3;
      } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_TCLASS) {
        memcpy(&value, CMSG_DATA(c), sizeof value);
        p->ecn = (uint8_t)value & 3;
      } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
        struct in_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        ((struct sockaddr_in *)&p->local)->sin_addr = info.ipi_addr;
      } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
        struct in6_pktinfo info;
        memcpy(&info, CMSG_DATA(c), sizeof info);
        ((struct sockaddr_in6 *)&p->local)->sin6_addr = info.ipi6_addr;
      }
    }
  }
  return n;
}

static size_t put_control(struct msghdr *h, size_t used, int level, int type, const void *value, size_t size) {
  struct cmsghdr *c = (struct cmsghdr *)((char *)h->msg_control + used);
  c->cmsg_level = level;
  c->cmsg_type = type;
  c->cmsg_len = CMSG_LEN(size);
  memcpy(CMSG_DATA(c), value, size);
  return used + CMSG_SPACE(size);
}

static ssize_t send_once(cq_socket *s, const uint8_t *data, size_t size, uint32_t segment, uint8_t ecn, const struct sockaddr *to,
                         socklen_t tolen, const struct sockaddr *from) {
  struct iovec iov = {(void *)data, size};
  _Alignas(struct cmsghdr) char control[128];
  memset(control, 0, sizeof control);
  struct msghdr h = {0};
  h.msg_iov = &iov;
  h.msg_iovlen = 1;
  if (!s->connected) {
    h.msg_name = (void *)to;
    h.msg_namelen = tolen;
  }
  h.msg_control = control;
  size_t used = 0;
  if (segment && size > segment) {
    uint16_t v = (uint16_t)segment;
    used = put_control(&h, used, IPPROTO_UDP, UDP_SEGMENT, &v, sizeof v);
  }
  if (ecn) {
    int v = ecn;
    used = s->family == 4 ? put_control(&h, used, IPPROTO_IP, IP_TOS, &v, sizeof v)
                          : put_control(&h, used, IPPROTO_IPV6, IPV6_TCLASS, &v, sizeof v);
  }
  if (s->wildcard && from) {
    if (s->family == 4) {
      struct in_pktinfo info = {0};
      info.ipi_spec_dst = ((const struct sockaddr_in *)from)->sin_addr;
      used = put_control(&h, used, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    } else {
      struct in6_pktinfo info = {0};
      info.ipi6_addr = ((const struct sockaddr_in6 *)from)->sin6_addr;
      used = put_control(&h, used, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    }
  }
  h.msg_controllen = used;
  if (!used) h.msg_control = NULL;
  ssize_t n;
  do n = sendmsg(s->fd, &h, MSG_NOSIGNAL);
  while (n < 0 && errno == EINTR);
  return n < 0 ? -errno : n;
}

int64_t cq_send(cq_socket *s, const uint8_t *data, size_t size, uint32_t segment, uint8_t ecn, const struct sockaddr *to,
                socklen_t tolen, const struct sockaddr *from) {
  if (!segment || size <= segment) return send_once(s, data, size, 0, ecn, to, tolen, from);
  if (s->gso) {
    ssize_t n = send_once(s, data, size, segment, ecn, to, tolen, from);
    /* EIO: a device without checksum offload; the others: a kernel without UDP_SEGMENT. */
    if (n != -EIO && n != -EINVAL && n != -ENOPROTOOPT && n != -EOPNOTSUPP) return n;
    s->gso = 0;
  }
  size_t sent = 0;
  while (sent < size) {
    size_t part = size - sent < segment ? size - sent : segment;
    ssize_t n = send_once(s, data + sent, part, 0, ecn, to, tolen, from);
    if (n < 0) return sent ? (int64_t)sent : n;
    sent += part;
  }
  return (int64_t)sent;
}
