/* One face for every ngtcp2 from 0.12.1 on, and the few system calls that Swift cannot make itself.
 *
 * What is `static inline` here only smooths over differences of versions and macros that Swift does not
 * import. No _GNU_SOURCE in this file: it would clash with Swift's Glibc module. */
#ifndef CQUIC_H
#define CQUIC_H
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <netinet/in.h>
#include <nghttp3/nghttp3.h>
#include <ngtcp2/ngtcp2.h>
#include <ngtcp2/ngtcp2_crypto.h>
#include <ngtcp2/ngtcp2_crypto_gnutls.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#if NGTCP2_VERSION_NUM >= 0x010000
#define CQ_V1 1
typedef ngtcp2_ccerr cq_close_error;
#else
#define CQ_V1 0
typedef ngtcp2_connection_close_error cq_close_error;
#endif

/* ---- Versions -------------------------------------------------------------------------------- */

/* ngtcp2 before 0.14 never closes a unidirectional stream that the peer opened (upstream 1d591bde). */
static inline int cq_keeps_remote_uni(void) { return NGTCP2_VERSION_NUM < 0x000e00; }
static inline const char *cq_header_version(void) { return NGTCP2_VERSION; }
static inline const char *cq_library_version(void) { return ngtcp2_version(0)->version_str; }
static inline const char *cq_gnutls_version(void) { return gnutls_check_version(NULL); }
static inline const char *cq_nghttp3_version(void) { return nghttp3_version(0)->version_str; }

/* ---- Addresses ------------------------------------------------------------------------------- */

typedef struct cq_address {
  uint64_t bytes[2]; /* network order; IPv4 in the first four bytes */
  uint32_t scope;
  uint16_t port; /* host order */
  uint8_t family; /* 4 or 6; 0 is none */
} cq_address;

int cq_address_parse(const char *text, uint16_t port, cq_address *out);
int cq_address_print(const cq_address *a, char *out, size_t size);
/* Blocks. Returns the number of addresses found, or a negative value with a text in `error`. */
int cq_resolve(const char *host, uint16_t port, cq_address *out, int capacity, const char **error);
void cq_address_get(const struct sockaddr *sa, cq_address *out);

/* ---- Clock, threads, descriptors ------------------------------------------------------------- */

uint64_t cq_now(void);
uint64_t cq_thread_cpu(void);
uint64_t cq_process_cpu(void);
uintptr_t cq_thread_self(void);
/* A detached thread with all signals blocked. */
int cq_thread_start(const char *name, void (*body)(void *), void *context);
void cq_random(uint8_t *out, size_t size);
const char *cq_errno_text(void);
const char *cq_error_text(int number);
void cq_close(int fd);

/* The whole file, or NULL with errno set; EFBIG beyond `limit`. */
uint8_t *cq_file_read(const char *path, size_t limit, size_t *size);
void cq_file_free(uint8_t *memory);

int cq_wake_open(void);
void cq_wake(int fd);
void cq_wake_clear(int fd);

typedef struct cq_event {
  uint64_t key;
  uint8_t readable, writable;
} cq_event;
int cq_poll_open(void);
int cq_poll_add(int poll, int fd, uint64_t key);
int cq_poll_writing(int poll, int fd, uint64_t key, int on);
void cq_poll_remove(int poll, int fd);
/* Waits `ns` nanoseconds, for ever if negative; at most 64 events. */
int cq_poll_wait(int poll, cq_event *out, int capacity, int64_t ns);

/* ---- UDP ------------------------------------------------------------------------------------- */

#define CQ_BATCH 16
#define CQ_TX_SIZE (64 * 1024)

typedef struct cq_socket {
  int fd;
  uint8_t family, wildcard, connected, gso, gro;
  struct sockaddr_storage local;
  socklen_t locallen;
} cq_socket;

/* Zero, or -errno. A zero port binds any; `connect_to` may be NULL; `offload` allows GSO and GRO. */
int cq_socket_open(cq_socket *s, const cq_address *bind_to, const cq_address *connect_to, int offload, int reuse_port);

void cq_socket_address(const cq_socket *s, cq_address *out);

typedef struct cq_packet {
  uint8_t *data;
  uint32_t size, segment; /* the bytes are packets of `segment` bytes, the last one may be shorter */
  uint8_t ecn;
  socklen_t fromlen, locallen;
  struct sockaddr_storage from, local;
} cq_packet;

static inline struct sockaddr *cq_packet_from(cq_packet *p) { return (struct sockaddr *)&p->from; }
static inline struct sockaddr *cq_packet_local(cq_packet *p) { return (struct sockaddr *)&p->local; }
static inline const uint8_t *cq_cid_bytes(const ngtcp2_cid *cid) { return cid->data; }

/* A peer's STOP_SENDING frames in one packet. */
#define CQ_STOPS 64
typedef struct cq_stops {
  uint32_t count;
  int64_t stream[CQ_STOPS];
  uint64_t code[CQ_STOPS];
} cq_stops;

/* What a loop's sockets read into and write from; one for each loop, at a stable address. */
typedef struct cq_buffers cq_buffers;
cq_buffers *cq_buffers_new(void);
void cq_buffers_free(cq_buffers *b);
/* The number of datagrams read, 0 if there are none, or -errno. */
int cq_receive(cq_socket *s, cq_buffers *b);
cq_packet *cq_received(cq_buffers *b, int index);
/* Sends packets of `segment` bytes each, the last one may be shorter. Returns the bytes that were sent, or -errno. */
int64_t cq_send(cq_socket *s, const uint8_t *data, size_t size, uint32_t segment, uint8_t ecn, const struct sockaddr *to,
                socklen_t tolen, const struct sockaddr *from);

/* ---- Connections ----------------------------------------------------------------------------- */

/* Scratch of one write: the path and ECN of the packet, the bytes it took. */
typedef struct cq_writer {
  ngtcp2_path_storage path;
  ngtcp2_pkt_info info;
  ngtcp2_ssize taken;
  int accepted;
  ngtcp2_vec vec[32];
  uint8_t *out; /* CQ_TX_SIZE bytes */
  /* the path of the batch that is being gathered */
  struct sockaddr_storage to, from;
  socklen_t tolen, fromlen;
  cq_stops stops;
} cq_writer;
/* Of no buffers: one without memory, through which nothing is written. */
cq_writer *cq_buffers_writer(cq_buffers *b);
static inline cq_stops *cq_writer_stops(cq_writer *w) { return &w->stops; }
static inline int64_t cq_stop_at(const cq_writer *w, int64_t i, uint64_t *code) {
  *code = w->stops.code[i];
  return w->stops.stream[i];
}
static inline ngtcp2_vec *cq_writer_vec(cq_writer *w) { return w->vec; }
static inline struct sockaddr *cq_writer_to(cq_writer *w) { return (struct sockaddr *)&w->to; }
static inline struct sockaddr *cq_writer_from(cq_writer *w) { return (struct sockaddr *)&w->from; }
/* Whether the packet just written goes the same way as the batch. */
static inline int cq_writer_same_path(const cq_writer *w) {
  const ngtcp2_addr *r = &w->path.path.remote, *l = &w->path.path.local;
  return r->addrlen == w->tolen && l->addrlen == w->fromlen && !memcmp(r->addr, &w->to, r->addrlen) &&
         !memcmp(l->addr, &w->from, l->addrlen);
}
static inline void cq_writer_take_path(cq_writer *w) {
  const ngtcp2_addr *r = &w->path.path.remote, *l = &w->path.path.local;
  memcpy(&w->to, r->addr, r->addrlen);
  memcpy(&w->from, l->addr, l->addrlen);
  w->tolen = r->addrlen;
  w->fromlen = l->addrlen;
}

/* Heap memory for one path, so that no Swift access to a property spans a call that calls back. */
typedef struct cq_path {
  ngtcp2_path path;
  struct sockaddr_storage local, remote;
} cq_path;
static inline void cq_path_set(cq_path *p, const struct sockaddr *local, socklen_t locallen, const struct sockaddr *remote,
                               socklen_t remotelen) {
  memcpy(&p->local, local, locallen);
  memcpy(&p->remote, remote, remotelen);
  p->path.local.addr = (ngtcp2_sockaddr *)&p->local;
  p->path.local.addrlen = locallen;
  p->path.remote.addr = (ngtcp2_sockaddr *)&p->remote;
  p->path.remote.addrlen = remotelen;
  p->path.user_data = NULL;
}
void cq_path_set_remote(cq_path *p, const cq_socket *local, const cq_address *remote);

typedef struct cq_options {
  uint64_t now, idle_timeout, handshake_timeout; /* ns */
  uint64_t connection_window, stream_window, streams_bidi, streams_uni;
  uint64_t max_packet;
  uint8_t takes_datagrams;
  uint8_t congestion; /* 0 cubic, 1 reno, 2 bbr */
  const uint8_t *token; /* a client's from an earlier connection, a server's from the client's Initial */
  size_t token_size;
} cq_options;

/* What connections report, and to whom: one table for all connections of a thread. STOP_SENDING is told through `cq_stops`. */
typedef struct cq_callbacks {
  int (*handshake_completed)(void *connection);
  int (*stream_open)(void *connection, int64_t id);
  int (*stream_data)(void *connection, void *stream, int64_t id, const uint8_t *data, size_t size, int fin);
  int (*stream_acked)(void *connection, void *stream, uint64_t end, uint64_t size);
  int (*stream_reset)(void *connection, void *stream, uint64_t code);
  int (*stream_close)(void *connection, void *stream, int64_t id, int has_code, uint64_t code);
  int (*stream_unblocked)(void *connection, void *stream);
  int (*streams_available)(void *connection, int bidirectional);
  int (*datagram)(void *connection, const uint8_t *data, size_t size);
  int (*datagram_lost)(void *connection);
  int (*new_cid)(void *connection, ngtcp2_cid *cid, uint8_t *token, size_t size);
  int (*retire_cid)(void *connection, const ngtcp2_cid *cid);
  int (*path_validated)(void *connection, const ngtcp2_path *path, int success);
  int (*new_token)(void *connection, const uint8_t *token, size_t size);
  int (*stateless_reset)(void *connection);
  int (*versions)(void *connection, const uint32_t *versions, size_t count);
} cq_callbacks;
void cq_use_callbacks(const cq_callbacks *callbacks); /* the table stays where it is */

int cq_client_new(ngtcp2_conn **c, const ngtcp2_cid *dcid, const ngtcp2_cid *scid, const cq_path *path, const cq_options *o,
                  void *connection);
/* `odcid` is the client's first destination id; with `retried` that of the packet before the Retry. */
int cq_server_new(ngtcp2_conn **c, const ngtcp2_pkt_hd *hd, const ngtcp2_cid *scid, const ngtcp2_cid *odcid, int retried,
                  const cq_path *path, const cq_options *o, const uint8_t *secret, size_t secret_size, void *connection);

/* Reads one packet; what the peer stopped is left in `stops`. */
int cq_read(ngtcp2_conn *c, const ngtcp2_path *path, uint8_t ecn, const uint8_t *data, size_t size, cq_stops *stops, uint64_t now);

static inline ngtcp2_ssize cq_write_stream(ngtcp2_conn *c, cq_writer *w, uint8_t *out, size_t size, uint32_t flags, int64_t id,
                                           size_t count, uint64_t now) {
  w->taken = -1;
  return ngtcp2_conn_writev_stream(c, &w->path.path, &w->info, out, size, &w->taken, flags, id, w->vec, count, now);
}
/* `header` holds up to eight bytes that go before the data, the first one at the lowest address. */
static inline ngtcp2_ssize cq_write_datagram(ngtcp2_conn *c, cq_writer *w, uint8_t *out, size_t size, uint64_t header,
                                             size_t header_count, const uint8_t *data, size_t count, uint64_t id,
                                             uint64_t now) {
  ngtcp2_vec v[2];
  size_t n = 0;
  /* An empty vector is not allowed, no vector is. */
  if (header_count) v[n++] = (ngtcp2_vec){(uint8_t *)&header, header_count};
  if (count) v[n++] = (ngtcp2_vec){(uint8_t *)data, count};
  w->accepted = 0;
  return ngtcp2_conn_writev_datagram(c, &w->path.path, &w->info, out, size, &w->accepted, NGTCP2_WRITE_DATAGRAM_FLAG_MORE, id,
                                     n ? v : NULL, n, now);
}
static const uint32_t cq_write_more = NGTCP2_WRITE_STREAM_FLAG_MORE;
static const uint32_t cq_write_fin = NGTCP2_WRITE_STREAM_FLAG_FIN;

static inline int cq_reset_stream(ngtcp2_conn *c, int64_t id, uint64_t code) {
#if CQ_V1
  return ngtcp2_conn_shutdown_stream_write(c, 0, id, code);
#else
  return ngtcp2_conn_shutdown_stream_write(c, id, code);
#endif
}
static inline int cq_stop_stream(ngtcp2_conn *c, int64_t id, uint64_t code) {
#if CQ_V1
  return ngtcp2_conn_shutdown_stream_read(c, 0, id, code);
#else
  return ngtcp2_conn_shutdown_stream_read(c, id, code);
#endif
}
static inline int cq_is_over(ngtcp2_conn *c) {
#if CQ_V1
  return ngtcp2_conn_in_closing_period(c) || ngtcp2_conn_in_draining_period(c);
#else
  return ngtcp2_conn_is_in_closing_period(c) || ngtcp2_conn_is_in_draining_period(c);
#endif
}

/* Writes CONNECTION_CLOSE: an application's, or the one that fits an error of the library. */
ngtcp2_ssize cq_write_close(ngtcp2_conn *c, cq_writer *w, uint8_t *out, size_t size, int application, uint64_t code, int error,
                            const uint8_t *reason, size_t reason_size, uint64_t now);
/* The peer's CONNECTION_CLOSE. */
typedef struct cq_close_info {
  int application;
  uint64_t code;
  size_t reason_size;
  uint8_t reason[512];
} cq_close_info;
void cq_get_close(ngtcp2_conn *c, cq_close_info *out);
/* The transport error code that belongs to an error of the library. */
uint64_t cq_transport_code(int error);

typedef struct cq_statistics {
  uint64_t srtt, min_rtt, cwnd, in_flight;
} cq_statistics;
static inline void cq_get_statistics(ngtcp2_conn *c, cq_statistics *o) {
#if CQ_V1
  ngtcp2_conn_info i;
  ngtcp2_conn_get_conn_info(c, &i);
#else
  ngtcp2_conn_stat i;
  ngtcp2_conn_get_conn_stat(c, &i);
#endif
  o->srtt = i.smoothed_rtt;
  o->min_rtt = i.min_rtt;
  o->cwnd = i.cwnd;
  o->in_flight = i.bytes_in_flight;
}
static inline uint64_t cq_remote_datagram_size(ngtcp2_conn *c) {
  const ngtcp2_transport_params *p = ngtcp2_conn_get_remote_transport_params(c);
  return p ? p->max_datagram_frame_size : 0;
}

/* ---- A listener's packets -------------------------------------------------------------------- */

typedef struct cq_initial {
  ngtcp2_pkt_hd hd;
  const uint8_t *token;
  size_t token_size;
} cq_initial;
/* The connection ids of any packet; a short header's id has `length` bytes. Zero, or the library's error. */
int cq_decode(const uint8_t *data, size_t size, size_t length, ngtcp2_version_cid *out);
/* Whether a packet may begin a connection. */
int cq_decode_initial(const uint8_t *data, size_t size, cq_initial *out);
size_t cq_write_version_negotiation(uint8_t *out, size_t size, const ngtcp2_version_cid *ids);
size_t cq_write_retry(uint8_t *out, size_t size, const cq_initial *i, const struct sockaddr *from, socklen_t fromlen,
                      const uint8_t *secret, size_t secret_size, uint64_t now);
size_t cq_write_refusal(uint8_t *out, size_t size, const cq_initial *i, uint64_t code);
size_t cq_write_stateless_reset(uint8_t *out, size_t size, const uint8_t *packet, size_t packet_size, size_t length,
                                const uint8_t *secret, size_t secret_size);
/* 1: from a Retry of ours, `odcid` is set; 2: from an earlier connection; 0: worth nothing; -1: a broken Retry's. */
int cq_verify_token(const cq_initial *i, const struct sockaddr *from, socklen_t fromlen, const uint8_t *secret, size_t secret_size,
                    ngtcp2_cid *odcid, uint64_t now);
int cq_submit_token(ngtcp2_conn *c, const uint8_t *secret, size_t secret_size, uint64_t now);
void cq_random_cid(ngtcp2_cid *cid, size_t size);

/* ---- TLS ------------------------------------------------------------------------------------- */

enum { CQ_TRUST_NONE, CQ_TRUST_SYSTEM, CQ_TRUST_FILE, CQ_TRUST_PINS };
enum { CQ_VERIFY_GOOD, CQ_VERIFY_PIN, CQ_VERIFY_AUTHORITY, CQ_VERIFY_NAME, CQ_VERIFY_DATE, CQ_VERIFY_OTHER };

typedef struct cq_tls_config cq_tls_config;
/* `protocols` are joined by newlines, in order of preference; a client offers the first 8, which is as many as GnuTLS
 * takes. NULL with a text in `error` if it cannot be. */
cq_tls_config *cq_tls_server(const uint8_t *certificate, size_t certificate_size, const uint8_t *key, size_t key_size,
                             const char *protocols, const char *keylog, char *error, size_t error_size);
cq_tls_config *cq_tls_client(int trust, const char *file, const uint8_t *pins, size_t pin_count, const char *protocols,
                             const char *keylog, char *error, size_t error_size);
void cq_tls_config_free(cq_tls_config *config);

typedef struct cq_tls {
  gnutls_session_t session;
  ngtcp2_crypto_conn_ref ref;
  ngtcp2_conn *connection;
  cq_tls_config *config;
  char *host;
  int verified; /* CQ_VERIFY_… */
  int has_chosen; /* a server: its protocol, from the client's list */
  uint8_t digest[32]; /* of the peer's leaf certificate */
} cq_tls;
cq_tls *cq_tls_new(cq_tls_config *config, const char *host, int host_is_name);
void cq_tls_bind(cq_tls *tls, ngtcp2_conn *c);
void cq_tls_free(cq_tls *tls);
/* The size of the protocol's name in `out`, or -1. */
int cq_tls_protocol(cq_tls *tls, uint8_t *out, size_t size);
int cq_tls_send_ticket(cq_tls *tls);

/* ---- Certificates ---------------------------------------------------------------------------- */

/* A self-signed ECDSA P-256 certificate for `names` (joined by newlines), valid for `days`. Zero if made. */
int cq_certificate_make(const char *names, int days, uint8_t *certificate, size_t *certificate_size, uint8_t *key,
                        size_t *key_size, uint8_t *sha256);
/* SHA-256 of the first certificate of a PEM text, in DER. */
int cq_certificate_digest(const uint8_t *pem, size_t size, uint8_t *sha256);
/* Zero if the key belongs to the first certificate. */
int cq_certificate_matches(const uint8_t *certificate, size_t certificate_size, const uint8_t *key, size_t key_size);
int cq_sha256(const uint8_t *data, size_t size, uint8_t *out);

#endif
