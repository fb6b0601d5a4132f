#include "cbench.h"
#include "cquic.h"
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#define CHUNK (64 * 1024)

/* One end of the transfer: a socket, a connection, a loop. */
typedef struct end {
  ngtcp2_conn *c;
  cq_tls *tls;
  cq_tls_config *config;
  cq_socket socket;
  cq_buffers *buffers;
  cq_writer *writer;
  cq_path path;
  int server, poll, ready, done, failed;
  uint64_t total, sent, received, now, cpu, began, ended;
  int64_t stream;
  uint8_t *chunk;
  atomic_uint *port;
} end;

static int completed(void *u) {
  end *e = u;
  e->ready = 1;
  e->cpu = cq_thread_cpu();
  e->began = cq_now();
  return 0;
}
static int opened(void *u, int64_t id) { return ngtcp2_conn_set_stream_user_data(((end *)u)->c, id, u); }
static int data(void *u, void *s, int64_t id, const uint8_t *bytes, size_t size, int fin) {
  (void)s, (void)bytes;
  end *e = u;
  e->received += size;
  ngtcp2_conn_extend_max_stream_offset(e->c, id, size);
  ngtcp2_conn_extend_max_offset(e->c, size);
  if (fin) e->done = 1;
  return 0;
}
static int acked(void *u, void *s, uint64_t offset, uint64_t size) {
  (void)u, (void)s, (void)offset, (void)size;
  return 0;
}
static int reset(void *u, void *s, uint64_t code) {
  (void)s, (void)code;
  ((end *)u)->failed = 1;
  return 0;
}
static int closed(void *u, void *s, int64_t id, int has_code, uint64_t code) {
  (void)s, (void)id, (void)has_code, (void)code;
  if (!((end *)u)->server) ((end *)u)->done = 1;
  return 0;
}
static int stream_event(void *u, void *s) {
  (void)u, (void)s;
  return 0;
}
static int available(void *u, int bidirectional) {
  (void)u, (void)bidirectional;
  return 0;
}
static int datagram(void *u, const uint8_t *bytes, size_t size) {
  (void)u, (void)bytes, (void)size;
  return 0;
}
static int plain(void *u) {
  (void)u;
  return 0;
}
static const uint8_t secret[32] = "a benchmark keeps no secrets";
static int new_cid(void *u, ngtcp2_cid *cid, uint8_t *token, size_t size) {
  (void)u;
  cq_random_cid(cid, size);
  return ngtcp2_crypto_generate_stateless_reset_token(token, secret, sizeof secret, cid);
}
static int retire(void *u, const ngtcp2_cid *cid) {
  (void)u, (void)cid;
  return 0;
}
static int validated(void *u, const ngtcp2_path *path, int success) {
  (void)u, (void)path, (void)success;
  return 0;
}
static int token(void *u, const uint8_t *bytes, size_t size) {
  (void)u, (void)bytes, (void)size;
  return 0;
}
static int versions(void *u, const uint32_t *list, size_t count) {
  (void)u, (void)list, (void)count;
  return 0;
}
static const cq_callbacks callbacks = {
    completed, opened, data, acked, reset, closed, stream_event, available, datagram, plain, new_cid, retire, validated, token,
    plain, versions,
};

static cq_options options(const end *e) {
  cq_options o = {0};
  o.now = e->now;
  o.idle_timeout = 10 * NGTCP2_SECONDS;
  o.handshake_timeout = 5 * NGTCP2_SECONDS;
  o.connection_window = 16 << 20;
  o.stream_window = 4 << 20;
  o.streams_bidi = o.streams_uni = 100;
  o.max_packet = 1452;
  return o;
}

static void fill(end *e) {
  if (!e->c) return;
  if (!e->server && e->ready && e->stream < 0) {
    if (ngtcp2_conn_open_uni_stream(e->c, &e->stream, NULL)) e->stream = -1;
    else ngtcp2_conn_set_stream_user_data(e->c, e->stream, e);
  }
  cq_writer *w = e->writer;
  size_t packet = ngtcp2_conn_get_max_tx_udp_payload_size(e->c), used = 0, segment = 0, count = 0;
  size_t limit = ngtcp2_conn_get_send_quantum(e->c) / packet, most = CQ_TX_SIZE / packet;
  if (limit > most) limit = most;
  if (!limit) limit = 1;
  uint8_t ecn = 0;
  while (count < limit) {
    ngtcp2_ssize n;
    if (e->stream >= 0 && e->sent < e->total) {
      size_t at = e->sent % CHUNK, size = CHUNK - at;
      if (size > e->total - e->sent) size = e->total - e->sent;
      w->vec[0].base = e->chunk + at;
      w->vec[0].len = size;
      n = cq_write_stream(e->c, w, w->out + used, packet,
                          NGTCP2_WRITE_STREAM_FLAG_MORE | (e->sent + size == e->total ? NGTCP2_WRITE_STREAM_FLAG_FIN : 0), e->stream,
                          1, e->now);
      if (w->taken > 0) e->sent += (uint64_t)w->taken;
      if (n == NGTCP2_ERR_WRITE_MORE) continue;
      if (n == NGTCP2_ERR_STREAM_DATA_BLOCKED) n = cq_write_stream(e->c, w, w->out + used, packet, 0, -1, 0, e->now);
    } else {
      n = cq_write_stream(e->c, w, w->out + used, packet, 0, -1, 0, e->now);
    }
    if (n < 0) e->failed = 1;
    if (n <= 0) break;
    count++;
    uint8_t mark = (uint8_t)w->info.ecn;
    if (used && (size_t)n <= segment && mark == ecn && cq_writer_same_path(w)) {
      used += (size_t)n;
      if ((size_t)n < segment) {
        cq_send(&e->socket, w->out, used, (uint32_t)segment, ecn, cq_writer_to(w), w->tolen, cq_writer_from(w));
        used = 0;
      }
      continue;
    }
    if (used) {
      cq_send(&e->socket, w->out, used, (uint32_t)segment, ecn, cq_writer_to(w), w->tolen, cq_writer_from(w));
      memmove(w->out, w->out + used, (size_t)n);
    }
    cq_writer_take_path(w);
    used = segment = (size_t)n;
    ecn = mark;
  }
  if (used) cq_send(&e->socket, w->out, used, (uint32_t)segment, ecn, cq_writer_to(w), w->tolen, cq_writer_from(w));
  ngtcp2_conn_update_pkt_tx_time(e->c, e->now);
}

static void accept_client(end *e, cq_packet *p, const uint8_t *bytes, size_t size) {
  cq_initial initial;
  if (cq_decode_initial(bytes, size, &initial)) return;
  ngtcp2_cid scid, odcid = initial.hd.dcid;
  cq_random_cid(&scid, 18);
  cq_path_set(&e->path, cq_packet_local(p), p->locallen, cq_packet_from(p), p->fromlen);
  cq_options o = options(e);
  e->tls = cq_tls_new(e->config, NULL, 0);
  if (!e->tls || cq_server_new(&e->c, &initial.hd, &scid, &odcid, 0, &e->path, &o, secret, sizeof secret, e)) {
    e->failed = 1;
    return;
  }
  cq_tls_bind(e->tls, e->c);
}

static void drain(end *e) {
  for (int round = 0; round < 4; round++) {
    int n = cq_receive(&e->socket, e->buffers);
    for (int i = 0; i < n; i++) {
      cq_packet *p = cq_received(e->buffers, i);
      for (uint32_t at = 0; at < p->size; at += p->segment) {
        size_t size = p->size - at < p->segment ? p->size - at : p->segment;
        if (!e->c) accept_client(e, p, p->data + at, size);
        if (!e->c) continue;
        cq_path_set(&e->path, cq_packet_local(p), p->locallen, cq_packet_from(p), p->fromlen);
        int rv = cq_read(e->c, &e->path.path, p->ecn, p->data + at, size, &e->writer->stops, e->now);
        if (rv == NGTCP2_ERR_DRAINING) e->done = 1;
        else if (rv) e->failed = 1;
      }
    }
    if (n < CQ_BATCH) return;
  }
}

static void run(end *e) {
  while (!e->done && !e->failed) {
    int64_t wait = 5 * NGTCP2_SECONDS;
    if (e->c) {
      uint64_t expiry = ngtcp2_conn_get_expiry(e->c), now = cq_now();
      wait = expiry == UINT64_MAX ? -1 : expiry > now ? (int64_t)(expiry - now) : 0;
    }
    cq_event event;
    int n = cq_poll_wait(e->poll, &event, 1, wait);
    uint64_t now = cq_now();
    if (now > e->now) e->now = now;
    if (n > 0) drain(e);
    else if (!e->c) e->failed = 1;
    if (e->c && ngtcp2_conn_get_expiry(e->c) <= e->now && ngtcp2_conn_handle_expiry(e->c, e->now)) e->failed = 1;
    fill(e);
  }
  e->cpu = cq_thread_cpu() - e->cpu;
  e->ended = cq_now();
  if (!e->c || !e->server) return;
  /* The sender waits for the last acknowledgement: closing is as good. */
  ngtcp2_ssize n = cq_write_close(e->c, e->writer, e->writer->out, 1200, 1, 0, 0, NULL, 0, e->now);
  if (n <= 0) return;
  cq_writer_take_path(e->writer);
  cq_send(&e->socket, e->writer->out, (size_t)n, 0, 0, cq_writer_to(e->writer), e->writer->tolen, cq_writer_from(e->writer));
}

static int set_up(end *e, const cq_address *at, const cq_address *to) {
  cq_use_callbacks(&callbacks);
  e->now = cq_now();
  e->stream = -1;
  e->buffers = cq_buffers_new();
  e->chunk = calloc(1, CHUNK);
  if (!e->buffers || !e->chunk || !e->config || cq_socket_open(&e->socket, at, to, 1, 0)) return -1;
  e->writer = cq_buffers_writer(e->buffers);
  e->poll = cq_poll_open();
  return cq_poll_add(e->poll, e->socket.fd, 0);
}

static void tear_down(end *e) {
  if (e->c) ngtcp2_conn_del(e->c);
  cq_tls_free(e->tls);
  if (e->socket.fd > 0) cq_close(e->socket.fd);
  if (e->poll > 0) cq_close(e->poll);
  if (e->buffers) cq_buffers_free(e->buffers);
  free(e->chunk);
  cq_tls_config_free(e->config);
}

static void *receive(void *u) {
  end *e = u;
  cq_address at, bound;
  cq_address_parse("127.0.0.1", 0, &at);
  if (set_up(e, &at, NULL)) e->failed = 1;
  cq_socket_address(&e->socket, &bound);
  atomic_store(e->port, e->failed ? UINT32_MAX : bound.port);
  if (!e->failed) run(e);
  return NULL;
}

int cbench_transfer(uint64_t bytes, cbench_result *out) {
  uint8_t certificate[8192], key[2048], digest[32];
  size_t certificate_size = sizeof certificate, key_size = sizeof key;
  char error[256] = "";
  atomic_uint port = 0;
  end server = {.server = 1, .port = &port, .total = bytes}, client = {.total = bytes};
  if (cq_certificate_make("localhost", 10, certificate, &certificate_size, key, &key_size, digest)) return -1;
  server.config = cq_tls_server(certificate, certificate_size, key, key_size, "bench", NULL, error, sizeof error);
  client.config = cq_tls_client(CQ_TRUST_NONE, NULL, NULL, 0, "bench", NULL, error, sizeof error);
  pthread_t thread;
  if (!server.config || !client.config || pthread_create(&thread, NULL, receive, &server)) return -1;
  while (!atomic_load(&port)) sched_yield();

  cq_address any, to;
  cq_address_parse("0.0.0.0", 0, &any);
  cq_address_parse("127.0.0.1", (uint16_t)atomic_load(&port), &to);
  int good = atomic_load(&port) != UINT32_MAX && !set_up(&client, &any, &to);
  if (good) {
    ngtcp2_cid dcid, scid;
    cq_random_cid(&dcid, 18);
    cq_random_cid(&scid, 16);
    cq_path_set_remote(&client.path, &client.socket, &to);
    cq_options o = options(&client);
    client.tls = cq_tls_new(client.config, "localhost", 1);
    good = client.tls && !cq_client_new(&client.c, &dcid, &scid, &client.path, &o, &client);
  }
  if (good) {
    cq_tls_bind(client.tls, client.c);
    fill(&client);
    run(&client);
  }
  pthread_join(thread, NULL);
  *out = (cbench_result){client.cpu, server.cpu, server.ended - client.began, server.received};
  good = good && server.received == bytes;
  tear_down(&client);
  tear_down(&server);
  return good ? 0 : -1;
}

uint64_t cbench_thread_cpu(void) { return cq_thread_cpu(); }
uint64_t cbench_process_cpu(void) { return cq_process_cpu(); }
uint64_t cbench_now(void) { return cq_now(); }
