#include "cquic.h"

static _Thread_local const cq_callbacks *on;
void cq_use_callbacks(const cq_callbacks *callbacks) { on = callbacks; }

/* Where the packet that is being read leaves the peer's STOP_SENDING frames. */
static _Thread_local cq_stops *stops;

static void note_stop(int64_t stream, uint64_t code) {
  if (!stops || stops->count >= CQ_STOPS) return;
  stops->stream[stops->count] = stream;
  stops->code[stops->count++] = code;
}

/* ---- STOP_SENDING before ngtcp2 tells -------------------------------------------------------- */

/* Before 1.24 no callback tells of a received STOP_SENDING: ngtcp2 answers it, and the sender would
 * learn of it when the stream is closed, or, on a bidirectional stream, when it next writes. A relay has
 * to know at once. So the frames of a decrypted packet are walked here; the library checks them after. */

#if NGTCP2_VERSION_NUM < 0x011800
static const uint8_t *varint(const uint8_t *p, const uint8_t *end, uint64_t *out) {
  if (p == NULL || p >= end) return NULL;
  size_t n = (size_t)1 << (*p >> 6);
  if ((size_t)(end - p) < n) return NULL;
  uint64_t v = *p & 0x3f;
  for (size_t i = 1; i < n; i++) v = v << 8 | p[i];
  *out = v;
  return p + n;
}
static const uint8_t *varints(const uint8_t *p, const uint8_t *end, uint64_t count) {
  uint64_t v;
  while (p && count--) p = varint(p, end, &v);
  return p;
}
static const uint8_t *skip(const uint8_t *p, const uint8_t *end, uint64_t n) {
  return p && (uint64_t)(end - p) >= n ? p + n : NULL;
}

static void find_stops(const uint8_t *p, const uint8_t *end) {
  while (p && p < end) {
    uint64_t type = 0, a = 0, b = 0;
    if (!(p = varint(p, end, &type))) return;
    if (type >= 0x08 && type <= 0x0f) { /* STREAM */
      if (!(type & 2)) return;          /* to the end of the packet */
      p = varints(p, end, type & 4 ? 2 : 1);
      if ((p = varint(p, end, &a))) p = skip(p, end, a);
      continue;
    }
    switch (type) {
    case 0x00: /* PADDING */
    case 0x01: /* PING */
    case 0x1e: /* HANDSHAKE_DONE */
      break;
    case 0x02: /* ACK */
    case 0x03:
      p = varints(p, end, 2);
      if (!(p = varint(p, end, &a))) return;
      p = varints(p, end, 1);
      if (a > (uint64_t)(end - p)) return;
      p = varints(p, end, 2 * a);
      if (type == 0x03) p = varints(p, end, 3);
      break;
    case 0x04: /* RESET_STREAM */
      p = varints(p, end, 3);
      break;
    case 0x05: /* STOP_SENDING */
      if ((p = varint(p, end, &a)) && (p = varint(p, end, &b))) note_stop((int64_t)a, b);
      break;
    case 0x06: /* CRYPTO */
      p = varints(p, end, 1);
      if ((p = varint(p, end, &a))) p = skip(p, end, a);
      break;
    case 0x07: /* NEW_TOKEN */
      if ((p = varint(p, end, &a))) p = skip(p, end, a);
      break;
    case 0x10: /* MAX_DATA */
    case 0x12: /* MAX_STREAMS */
    case 0x13:
    case 0x14: /* DATA_BLOCKED */
    case 0x16: /* STREAMS_BLOCKED */
    case 0x17:
    case 0x19: /* RETIRE_CONNECTION_ID */
      p = varints(p, end, 1);
      break;
    case 0x11: /* MAX_STREAM_DATA */
    case 0x15: /* STREAM_DATA_BLOCKED */
      p = varints(p, end, 2);
      break;
    case 0x18: /* NEW_CONNECTION_ID */
      p = varints(p, end, 2);
      if (!p || p >= end) return;
      p = skip(p, end, 1u + *p + 16u);
      break;
    case 0x1a: /* PATH_CHALLENGE */
    case 0x1b: /* PATH_RESPONSE */
      p = skip(p, end, 8);
      break;
    case 0x31: /* DATAGRAM with length */
      if ((p = varint(p, end, &a))) p = skip(p, end, a);
      break;
    default: /* DATAGRAM without length, CONNECTION_CLOSE, anything unknown */
      return;
    }
  }
}

static int decrypt_packet(uint8_t *dest, const ngtcp2_crypto_aead *aead, const ngtcp2_crypto_aead_ctx *context, const uint8_t *text,
                   size_t size, const uint8_t *nonce, size_t nonce_size, const uint8_t *header, size_t header_size) {
  int rv = ngtcp2_crypto_decrypt_cb(dest, aead, context, text, size, nonce, nonce_size, header, header_size);
  if (rv == 0 && stops && header_size && !(header[0] & 0x80) && size > aead->max_overhead)
    find_stops(dest, dest + size - aead->max_overhead);
  return rv;
}
#else
#define decrypt_packet ngtcp2_crypto_decrypt_cb
static int recv_stop_sending(ngtcp2_conn *c, int64_t id, uint64_t code, void *u, void *s) {
  (void)c, (void)u, (void)s;
  note_stop(id, code);
  return 0;
}
#endif

/* ---- Trampolines ----------------------------------------------------------------------------- */

#define FAILED(call) ((call) ? NGTCP2_ERR_CALLBACK_FAILURE : 0)

static void rand_bytes(uint8_t *out, size_t size, const ngtcp2_rand_ctx *context) {
  (void)context;
  cq_random(out, size);
}
static int handshake_completed(ngtcp2_conn *c, void *u) {
  (void)c;
  return FAILED(on->handshake_completed(u));
}
static int stream_open(ngtcp2_conn *c, int64_t id, void *u) {
  (void)c;
  return FAILED(on->stream_open(u, id));
}
static int stream_data(ngtcp2_conn *c, uint32_t flags, int64_t id, uint64_t offset, const uint8_t *data, size_t size, void *u,
                       void *s) {
  (void)c, (void)offset;
  return s ? FAILED(on->stream_data(u, s, id, data, size, (flags & NGTCP2_STREAM_DATA_FLAG_FIN) != 0)) : 0;
}
static int stream_acked(ngtcp2_conn *c, int64_t id, uint64_t offset, uint64_t size, void *u, void *s) {
  (void)c, (void)id;
  return s ? FAILED(on->stream_acked(u, s, offset + size, size)) : 0;
}
static int stream_reset(ngtcp2_conn *c, int64_t id, uint64_t final, uint64_t code, void *u, void *s) {
  (void)c, (void)id, (void)final;
  return s ? FAILED(on->stream_reset(u, s, code)) : 0;
}
static int stream_close(ngtcp2_conn *c, uint32_t flags, int64_t id, uint64_t code, void *u, void *s) {
  (void)c;
  return FAILED(on->stream_close(u, s, id, (flags & NGTCP2_STREAM_CLOSE_FLAG_APP_ERROR_CODE_SET) != 0, code));
}
static int stream_unblocked(ngtcp2_conn *c, int64_t id, uint64_t max, void *u, void *s) {
  (void)c, (void)id, (void)max;
  return s ? FAILED(on->stream_unblocked(u, s)) : 0;
}
static int more_bidi(ngtcp2_conn *c, uint64_t max, void *u) {
  (void)c, (void)max;
  return FAILED(on->streams_available(u, 1));
}
static int more_uni(ngtcp2_conn *c, uint64_t max, void *u) {
  (void)c, (void)max;
  return FAILED(on->streams_available(u, 0));
}
static int datagram(ngtcp2_conn *c, uint32_t flags, const uint8_t *data, size_t size, void *u) {
  (void)c, (void)flags;
  return FAILED(on->datagram(u, data, size));
}
static int datagram_lost(ngtcp2_conn *c, uint64_t id, void *u) {
  (void)c, (void)id;
  return FAILED(on->datagram_lost(u));
}
static int new_cid(ngtcp2_conn *c, ngtcp2_cid *cid, uint8_t *token, size_t size, void *u) {
  (void)c;
  return FAILED(on->new_cid(u, cid, token, size));
}
static int retire_cid(ngtcp2_conn *c, const ngtcp2_cid *cid, void *u) {
  (void)c;
  return FAILED(on->retire_cid(u, cid));
}
static int stateless_reset(ngtcp2_conn *c, const ngtcp2_pkt_stateless_reset *reset, void *u) {
  (void)c, (void)reset;
  return FAILED(on->stateless_reset(u));
}
static int versions(ngtcp2_conn *c, const ngtcp2_pkt_hd *hd, const uint32_t *list, size_t count, void *u) {
  (void)c, (void)hd;
  return FAILED(on->versions(u, list, count));
}
#if CQ_V1
static int path_validation(ngtcp2_conn *c, uint32_t flags, const ngtcp2_path *path, const ngtcp2_path *fallback,
                           ngtcp2_path_validation_result result, void *u) {
  (void)c, (void)flags, (void)fallback;
  return FAILED(on->path_validated(u, path, result == NGTCP2_PATH_VALIDATION_RESULT_SUCCESS));
}
static int new_token(ngtcp2_conn *c, const uint8_t *token, size_t size, void *u) {
  (void)c;
  return FAILED(on->new_token(u, token, size));
}
#else
static int path_validation(ngtcp2_conn *c, uint32_t flags, const ngtcp2_path *path, ngtcp2_path_validation_result result, void *u) {
  (void)c, (void)flags;
  return FAILED(on->path_validated(u, path, result == NGTCP2_PATH_VALIDATION_RESULT_SUCCESS));
}
static int new_token(ngtcp2_conn *c, const ngtcp2_vec *token, void *u) {
  (void)c;
  return FAILED(on->new_token(u, token->base, token->len));
}
#endif

static void fill_callbacks(ngtcp2_callbacks *cb, int server) {
  memset(cb, 0, sizeof *cb);
  if (server) {
    cb->recv_client_initial = ngtcp2_crypto_recv_client_initial_cb;
  } else {
    cb->client_initial = ngtcp2_crypto_client_initial_cb;
    cb->recv_retry = ngtcp2_crypto_recv_retry_cb;
    cb->recv_version_negotiation = versions;
    cb->recv_new_token = new_token;
  }
  cb->recv_crypto_data = ngtcp2_crypto_recv_crypto_data_cb;
  cb->encrypt = ngtcp2_crypto_encrypt_cb;
  cb->decrypt = decrypt_packet;
  cb->hp_mask = ngtcp2_crypto_hp_mask_cb;
  cb->update_key = ngtcp2_crypto_update_key_cb;
  cb->delete_crypto_aead_ctx = ngtcp2_crypto_delete_crypto_aead_ctx_cb;
  cb->delete_crypto_cipher_ctx = ngtcp2_crypto_delete_crypto_cipher_ctx_cb;
  cb->get_path_challenge_data = ngtcp2_crypto_get_path_challenge_data_cb;
  cb->version_negotiation = ngtcp2_crypto_version_negotiation_cb;
  cb->rand = rand_bytes;
  cb->handshake_completed = handshake_completed;
  cb->stream_open = stream_open;
  cb->recv_stream_data = stream_data;
  cb->acked_stream_data_offset = stream_acked;
  cb->stream_reset = stream_reset;
  cb->stream_close = stream_close;
  cb->extend_max_stream_data = stream_unblocked;
  cb->extend_max_local_streams_bidi = more_bidi;
  cb->extend_max_local_streams_uni = more_uni;
  cb->recv_datagram = datagram;
  cb->lost_datagram = datagram_lost;
  cb->get_new_connection_id = new_cid;
  cb->remove_connection_id = retire_cid;
  cb->path_validation = path_validation;
  cb->recv_stateless_reset = stateless_reset;
#if NGTCP2_VERSION_NUM >= 0x011800
  cb->recv_stop_sending = recv_stop_sending;
#endif
}

/* ---- Making connections ---------------------------------------------------------------------- */

static void fill_settings(ngtcp2_settings *s, const cq_options *o) {
  ngtcp2_settings_default(s);
  s->initial_ts = o->now;
  s->handshake_timeout = o->handshake_timeout;
  s->cc_algo = o->congestion == 2 ? NGTCP2_CC_ALGO_BBR : o->congestion == 1 ? NGTCP2_CC_ALGO_RENO : NGTCP2_CC_ALGO_CUBIC;
  s->max_tx_udp_payload_size = o->max_packet;
  /* The windows stand as they are: ngtcp2 would widen them for a fast reader, and memory is promised. */
  s->max_window = o->connection_window;
  s->max_stream_window = o->stream_window;
  if (o->token_size) {
#if CQ_V1
    s->token = o->token;
    s->tokenlen = o->token_size;
#else
    s->token.base = (uint8_t *)o->token;
    s->token.len = o->token_size;
#endif
  }
}
static void fill_params(ngtcp2_transport_params *p, const cq_options *o) {
  ngtcp2_transport_params_default(p);
  p->initial_max_stream_data_bidi_local = p->initial_max_stream_data_bidi_remote = p->initial_max_stream_data_uni =
      o->stream_window;
  p->initial_max_data = o->connection_window;
  p->initial_max_streams_bidi = o->streams_bidi;
  p->initial_max_streams_uni = o->streams_uni;
  p->max_idle_timeout = o->idle_timeout;
  p->max_datagram_frame_size = o->takes_datagrams ? 65535 : 0;
  p->active_connection_id_limit = 7;
}

int cq_client_new(ngtcp2_conn **c, const ngtcp2_cid *dcid, const ngtcp2_cid *scid, const cq_path *path, const cq_options *o,
                  void *connection) {
  ngtcp2_callbacks cb;
  ngtcp2_settings s;
  ngtcp2_transport_params p;
  fill_callbacks(&cb, 0);
  fill_settings(&s, o);
  fill_params(&p, o);
  return ngtcp2_conn_client_new(c, dcid, scid, &path->path, NGTCP2_PROTO_VER_V1, &cb, &s, &p, NULL, connection);
}

int cq_server_new(ngtcp2_conn **c, const ngtcp2_pkt_hd *hd, const ngtcp2_cid *scid, const ngtcp2_cid *odcid, int retried,
                  const cq_path *path, const cq_options *o, const uint8_t *secret, size_t secret_size, void *connection) {
  ngtcp2_callbacks cb;
  ngtcp2_settings s;
  ngtcp2_transport_params p;
  fill_callbacks(&cb, 1);
  fill_settings(&s, o);
  fill_params(&p, o);
  p.original_dcid = *odcid;
#if CQ_V1
  p.original_dcid_present = 1;
#endif
  if (retried) {
    p.retry_scid = hd->dcid;
    p.retry_scid_present = 1;
  }
  p.stateless_reset_token_present = 1;
  if (ngtcp2_crypto_generate_stateless_reset_token(p.stateless_reset_token, secret, secret_size, scid)) return NGTCP2_ERR_INTERNAL;
  return ngtcp2_conn_server_new(c, &hd->scid, scid, &path->path, hd->version, &cb, &s, &p, NULL, connection);
}

int cq_read(ngtcp2_conn *c, const ngtcp2_path *path, uint8_t ecn, const uint8_t *data, size_t size, cq_stops *out, uint64_t now) {
  ngtcp2_pkt_info info;
  memset(&info, 0, sizeof info);
  info.ecn = ecn;
  out->count = 0;
  stops = out;
  int rv = ngtcp2_conn_read_pkt(c, path, &info, data, size, now);
  stops = NULL;
  return rv;
}

/* ---- Closing --------------------------------------------------------------------------------- */

ngtcp2_ssize cq_write_close(ngtcp2_conn *c, cq_writer *w, uint8_t *out, size_t size, int application, uint64_t code, int error,
                            const uint8_t *reason, size_t reason_size, uint64_t now) {
  cq_close_error e;
#if CQ_V1
  ngtcp2_ccerr_default(&e);
  if (application) ngtcp2_ccerr_set_application_error(&e, code, reason, reason_size);
  else if (error == NGTCP2_ERR_CRYPTO) ngtcp2_ccerr_set_tls_alert(&e, ngtcp2_conn_get_tls_alert(c), NULL, 0);
  else if (error) ngtcp2_ccerr_set_liberr(&e, error, NULL, 0);
  else ngtcp2_ccerr_set_transport_error(&e, code, reason, reason_size);
#else
  ngtcp2_connection_close_error_default(&e);
  if (application) ngtcp2_connection_close_error_set_application_error(&e, code, reason, reason_size);
  else if (error == NGTCP2_ERR_CRYPTO)
    ngtcp2_connection_close_error_set_transport_error_tls_alert(&e, ngtcp2_conn_get_tls_alert(c), NULL, 0);
  else if (error) ngtcp2_connection_close_error_set_transport_error_liberr(&e, error, NULL, 0);
  else ngtcp2_connection_close_error_set_transport_error(&e, code, reason, reason_size);
#endif
  return ngtcp2_conn_write_connection_close(c, &w->path.path, &w->info, out, size, &e, now);
}

void cq_get_close(ngtcp2_conn *c, cq_close_info *o) {
  memset(o, 0, sizeof *o);
#if CQ_V1
  const ngtcp2_ccerr *e = ngtcp2_conn_get_ccerr(c);
  o->application = e->type == NGTCP2_CCERR_TYPE_APPLICATION;
#else
  ngtcp2_connection_close_error value, *e = &value;
  ngtcp2_conn_get_connection_close_error(c, e);
  o->application = e->type == NGTCP2_CONNECTION_CLOSE_ERROR_CODE_TYPE_APPLICATION;
#endif
  o->code = e->error_code;
  o->reason_size = e->reasonlen < sizeof o->reason ? e->reasonlen : sizeof o->reason;
  if (o->reason_size) memcpy(o->reason, e->reason, o->reason_size);
}

uint64_t cq_transport_code(int error) { return ngtcp2_err_infer_quic_transport_error_code(error); }

/* ---- A listener's packets -------------------------------------------------------------------- */

int cq_decode(const uint8_t *data, size_t size, size_t length, ngtcp2_version_cid *out) {
  return ngtcp2_pkt_decode_version_cid(out, data, size, length);
}

int cq_decode_initial(const uint8_t *data, size_t size, cq_initial *out) {
  memset(out, 0, sizeof *out);
  int rv = ngtcp2_accept(&out->hd, data, size);
  if (rv) return rv;
  if (out->hd.type != NGTCP2_PKT_INITIAL) return -1;
#if CQ_V1
  out->token = out->hd.token;
  out->token_size = out->hd.tokenlen;
#else
  out->token = out->hd.token.base;
  out->token_size = out->hd.token.len;
#endif
  return 0;
}

static size_t written(ngtcp2_ssize n) { return n > 0 ? (size_t)n : 0; }

size_t cq_write_version_negotiation(uint8_t *out, size_t size, const ngtcp2_version_cid *ids) {
  uint8_t unused;
  cq_random(&unused, 1);
  const uint32_t versions[] = {0x1a2a3a4a, NGTCP2_PROTO_VER_V1}; /* the first one is reserved, to be ignored */
  return written(
      ngtcp2_pkt_write_version_negotiation(out, size, unused, ids->scid, ids->scidlen, ids->dcid, ids->dcidlen, versions, 2));
}

void cq_random_cid(ngtcp2_cid *cid, size_t size) {
  memset(cid, 0, sizeof *cid);
  cid->datalen = size;
  cq_random(cid->data, size);
}

size_t cq_write_retry(uint8_t *out, size_t size, const cq_initial *i, const struct sockaddr *from, socklen_t fromlen,
                      const uint8_t *secret, size_t secret_size, uint64_t now) {
  uint8_t token[NGTCP2_CRYPTO_MAX_RETRY_TOKENLEN];
  ngtcp2_cid scid;
  cq_random_cid(&scid, 18);
  ngtcp2_ssize n = ngtcp2_crypto_generate_retry_token(token, secret, secret_size, i->hd.version, (const ngtcp2_sockaddr *)from,
                                                      fromlen, &scid, &i->hd.dcid, now);
  if (n < 0) return 0;
  return written(ngtcp2_crypto_write_retry(out, size, i->hd.version, &i->hd.scid, &scid, &i->hd.dcid, token, (size_t)n));
}

size_t cq_write_refusal(uint8_t *out, size_t size, const cq_initial *i, uint64_t code) {
  return written(ngtcp2_crypto_write_connection_close(out, size, i->hd.version, &i->hd.scid, &i->hd.dcid, code, NULL, 0));
}

size_t cq_write_stateless_reset(uint8_t *out, size_t size, const uint8_t *packet, size_t packet_size, size_t length,
                                const uint8_t *secret, size_t secret_size) {
  /* Shorter than what it answers, so that two forgetful ends do not talk for ever; ngtcp2's PING is small. */
  if (packet_size < 22 || packet_size < 1 + length) return 0;
  size_t random_size = packet_size - 17 < 40 ? packet_size - 17 : 40;
  uint8_t token[NGTCP2_STATELESS_RESET_TOKENLEN], noise[40];
  ngtcp2_cid cid;
  ngtcp2_cid_init(&cid, packet + 1, length);
  if (ngtcp2_crypto_generate_stateless_reset_token(token, secret, secret_size, &cid)) return 0;
  cq_random(noise, random_size);
  return written(ngtcp2_pkt_write_stateless_reset(out, size, token, noise, random_size));
}

int cq_verify_token(const cq_initial *i, const struct sockaddr *from, socklen_t fromlen, const uint8_t *secret, size_t secret_size,
                    ngtcp2_cid *odcid, uint64_t now) {
  if (!i->token_size) return 0;
  if (i->token[0] == NGTCP2_CRYPTO_TOKEN_MAGIC_RETRY)
    return ngtcp2_crypto_verify_retry_token(odcid, i->token, i->token_size, secret, secret_size, i->hd.version,
                                            (const ngtcp2_sockaddr *)from, fromlen, &i->hd.dcid, 10 * NGTCP2_SECONDS, now)
               ? -1
               : 1;
  if (i->token[0] == NGTCP2_CRYPTO_TOKEN_MAGIC_REGULAR)
    return ngtcp2_crypto_verify_regular_token(i->token, i->token_size, secret, secret_size, (const ngtcp2_sockaddr *)from, fromlen,
                                              3600 * NGTCP2_SECONDS, now)
               ? 0
               : 2;
  return 0;
}

int cq_submit_token(ngtcp2_conn *c, const uint8_t *secret, size_t secret_size, uint64_t now) {
  uint8_t token[NGTCP2_CRYPTO_MAX_REGULAR_TOKENLEN];
  const ngtcp2_path *p = ngtcp2_conn_get_path(c);
  ngtcp2_ssize n = ngtcp2_crypto_generate_regular_token(token, secret, secret_size, p->remote.addr, p->remote.addrlen, now);
  return n < 0 ? (int)n : ngtcp2_conn_submit_new_token(c, token, (size_t)n);
}
