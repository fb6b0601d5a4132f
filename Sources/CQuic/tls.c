#include "cquic.h"
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>

/* AES first: GnuTLS has it in hardware, ChaCha20 costs ten times as much here. */
static const char *const priorities =
    "NORMAL:-VERS-ALL:+VERS-TLS1.3:-CIPHER-ALL:+AES-128-GCM:+AES-256-GCM:+CHACHA20-POLY1305:"
    "-GROUP-ALL:+GROUP-X25519:+GROUP-SECP256R1:+GROUP-SECP384R1:%DISABLE_TLS13_COMPAT_MODE";

#define MAX_PROTOCOLS 64
/* GnuTLS takes no longer list. A server picks by itself, before GnuTLS looks; a client offers its first ones. */
#define LISTED_PROTOCOLS 8

struct cq_tls_config {
  gnutls_certificate_credentials_t credentials;
  gnutls_priority_t priority;
  gnutls_datum_t ticket_key;
  gnutls_datum_t protocol[MAX_PROTOCOLS];
  unsigned protocols;
  char *protocol_text;
  int server, trust;
  uint8_t *pins;
  size_t pin_count;
  FILE *keylog;
};

static cq_tls_config *config_new(int server, const char *protocols, const char *keylog, char *error, size_t error_size) {
  cq_tls_config *c = calloc(1, sizeof *c);
  if (!c) return NULL;
  c->server = server;
  int rv = gnutls_priority_init(&c->priority, priorities, NULL);
  if (rv || (rv = gnutls_certificate_allocate_credentials(&c->credentials))) {
    snprintf(error, error_size, "GnuTLS: %s", gnutls_strerror(rv));
    cq_tls_config_free(c);
    return NULL;
  }
  c->protocol_text = strdup(protocols);
  char *rest = NULL;
  for (char *p = c->protocol_text ? strtok_r(c->protocol_text, "\n", &rest) : NULL; p && c->protocols < MAX_PROTOCOLS;
       p = strtok_r(NULL, "\n", &rest)) {
    c->protocol[c->protocols].data = (unsigned char *)p;
    c->protocol[c->protocols++].size = (unsigned)strlen(p);
  }
  if (keylog && *keylog) {
    c->keylog = fopen(keylog, "a");
    if (!c->keylog) {
      snprintf(error, error_size, "cannot write the key log %s: %s", keylog, cq_errno_text());
      cq_tls_config_free(c);
      return NULL;
    }
    setvbuf(c->keylog, NULL, _IOLBF, 0);
  }
  return c;
}

cq_tls_config *cq_tls_server(const uint8_t *certificate, size_t certificate_size, const uint8_t *key, size_t key_size,
                             const char *protocols, const char *keylog, char *error, size_t error_size) {
  cq_tls_config *c = config_new(1, protocols, keylog, error, error_size);
  if (!c) return NULL;
  gnutls_datum_t cert = {(unsigned char *)certificate, (unsigned)certificate_size}, k = {(unsigned char *)key, (unsigned)key_size};
  int rv = gnutls_certificate_set_x509_key_mem(c->credentials, &cert, &k, GNUTLS_X509_FMT_PEM);
  if (rv >= 0) rv = gnutls_session_ticket_key_generate(&c->ticket_key);
  if (rv < 0) {
    snprintf(error, error_size, "GnuTLS does not take the certificate: %s", gnutls_strerror(rv));
    cq_tls_config_free(c);
    return NULL;
  }
  return c;
}

cq_tls_config *cq_tls_client(int trust, const char *file, const uint8_t *pins, size_t pin_count, const char *protocols,
                             const char *keylog, char *error, size_t error_size) {
  cq_tls_config *c = config_new(0, protocols, keylog, error, error_size);
  if (!c) return NULL;
  c->trust = trust;
  int rv = 1;
  if (trust == CQ_TRUST_SYSTEM) {
    rv = gnutls_certificate_set_x509_system_trust(c->credentials);
  } else if (trust == CQ_TRUST_FILE) {
    rv = gnutls_certificate_set_x509_trust_file(c->credentials, file, GNUTLS_X509_FMT_PEM);
  } else if (trust == CQ_TRUST_PINS) {
    c->pins = malloc(pin_count * 32 + 1);
    if (c->pins) {
      memcpy(c->pins, pins, pin_count * 32);
      c->pin_count = pin_count;
    }
  }
  /* A system without trust store is reported by the handshake, a file that was named must be there. */
  if (rv <= 0 && trust == CQ_TRUST_FILE) {
    snprintf(error, error_size, "%s holds no certificate in PEM form%s%s", file, rv ? ": " : "", rv ? gnutls_strerror(rv) : "");
    cq_tls_config_free(c);
    return NULL;
  }
  return c;
}

void cq_tls_config_free(cq_tls_config *c) {
  if (!c) return;
  if (c->credentials) gnutls_certificate_free_credentials(c->credentials);
  if (c->priority) gnutls_priority_deinit(c->priority);
  if (c->ticket_key.data) {
    gnutls_memset(c->ticket_key.data, 0, c->ticket_key.size);
    gnutls_free(c->ticket_key.data);
  }
  if (c->keylog) fclose(c->keylog);
  free(c->protocol_text);
  free(c->pins);
  free(c);
}

static cq_tls *of_session(gnutls_session_t s) { return ((ngtcp2_crypto_conn_ref *)gnutls_session_get_ptr(s))->user_data; }
static ngtcp2_conn *get_conn(ngtcp2_crypto_conn_ref *ref) { return ((cq_tls *)ref->user_data)->connection; }

static int verify(gnutls_session_t session) {
  cq_tls *t = of_session(session);
  cq_tls_config *c = t->config;
  unsigned count = 0, status = 0;
  const gnutls_datum_t *chain = gnutls_certificate_get_peers(session, &count);
  if (!chain || !count) {
    t->verified = CQ_VERIFY_OTHER;
    return GNUTLS_E_CERTIFICATE_ERROR;
  }
  cq_sha256(chain[0].data, chain[0].size, t->digest);
  t->verified = CQ_VERIFY_GOOD;
  if (c->trust == CQ_TRUST_NONE) return 0;
  if (c->trust == CQ_TRUST_PINS) {
    for (size_t i = 0; i < c->pin_count; i++)
      if (!memcmp(c->pins + 32 * i, t->digest, 32)) return 0;
    t->verified = CQ_VERIFY_PIN;
    return GNUTLS_E_CERTIFICATE_ERROR;
  }
  int rv = gnutls_certificate_verify_peers3(session, t->host, &status);
  if (rv >= 0 && !status) return 0;
  if (rv < 0) t->verified = CQ_VERIFY_OTHER;
  else if (status & (GNUTLS_CERT_SIGNER_NOT_FOUND | GNUTLS_CERT_SIGNER_NOT_CA)) t->verified = CQ_VERIFY_AUTHORITY;
  else if (status & (GNUTLS_CERT_EXPIRED | GNUTLS_CERT_NOT_ACTIVATED)) t->verified = CQ_VERIFY_DATE;
  else if (status & GNUTLS_CERT_UNEXPECTED_OWNER) t->verified = CQ_VERIFY_NAME;
  else t->verified = CQ_VERIFY_OTHER;
  return GNUTLS_E_CERTIFICATE_ERROR;
}

static int log_key(gnutls_session_t session, const char *label, const gnutls_datum_t *secret) {
  FILE *f = of_session(session)->config->keylog;
  gnutls_datum_t client, server;
  gnutls_session_get_random(session, &client, &server);
  fprintf(f, "%s ", label);
  for (unsigned i = 0; i < client.size; i++) fprintf(f, "%02x", client.data[i]);
  fputc(' ', f);
  for (unsigned i = 0; i < secret->size; i++) fprintf(f, "%02x", secret->data[i]);
  fputc('\n', f);
  return 0;
}

struct offer {
  cq_tls_config *config;
  unsigned best;
};
/* The extension's value: two bytes of length, then names, each behind a byte of length. */
static int read_offer(void *context, unsigned id, const unsigned char *data, unsigned size) {
  struct offer *o = context;
  if (id != 16) return 0;
  for (unsigned i = 2; i < size && data[i] <= size - i - 1; i += 1u + data[i])
    for (unsigned p = 0; p < o->best; p++)
      if (o->config->protocol[p].size == data[i] && !memcmp(o->config->protocol[p].data, data + i + 1, data[i])) o->best = p;
  return 0;
}
static int choose_protocol(gnutls_session_t session, unsigned type, unsigned when, unsigned incoming,
                           const gnutls_datum_t *message) {
  (void)type, (void)when;
  cq_tls *t = of_session(session);
  if (!incoming || t->has_chosen || !t->config->protocols) return 0;
  t->has_chosen = 1;
  struct offer o = {t->config, t->config->protocols};
  gnutls_ext_raw_parse(&o, read_offer, message, GNUTLS_EXT_RAW_FLAG_TLS_CLIENT_HELLO);
  /* Where there is none in common, GnuTLS finds that out, and says so to the client. */
  return gnutls_alpn_set_protocols(session, &t->config->protocol[o.best < t->config->protocols ? o.best : 0], 1,
                                   GNUTLS_ALPN_MANDATORY | GNUTLS_ALPN_SERVER_PRECEDENCE);
}

cq_tls *cq_tls_new(cq_tls_config *config, const char *host, int host_is_name) {
  cq_tls *t = calloc(1, sizeof *t);
  if (!t) return NULL;
  t->config = config;
  t->ref.get_conn = get_conn;
  t->ref.user_data = t;
  /* GnuTLS keeps the pointer to the host's name. */
  t->host = host ? strdup(host) : NULL;
  if (gnutls_init(&t->session, config->server ? GNUTLS_SERVER | GNUTLS_NO_AUTO_SEND_TICKET : GNUTLS_CLIENT)) {
    t->session = NULL;
    goto failed;
  }
  gnutls_session_set_ptr(t->session, &t->ref);
  if (gnutls_priority_set(t->session, config->priority)) goto failed;
  if (config->server ? ngtcp2_crypto_gnutls_configure_server_session(t->session)
                     : ngtcp2_crypto_gnutls_configure_client_session(t->session))
    goto failed;
  if (gnutls_credentials_set(t->session, GNUTLS_CRD_CERTIFICATE, config->credentials)) goto failed;
  if (config->server) {
    gnutls_handshake_set_hook_function(t->session, GNUTLS_HANDSHAKE_CLIENT_HELLO, GNUTLS_HOOK_PRE, choose_protocol);
    if (gnutls_session_ticket_enable_server(t->session, &config->ticket_key)) goto failed;
  } else {
    unsigned offered = config->protocols < LISTED_PROTOCOLS ? config->protocols : LISTED_PROTOCOLS;
    if (gnutls_alpn_set_protocols(t->session, config->protocol, offered, GNUTLS_ALPN_MANDATORY)) goto failed;
    if (host && host_is_name) gnutls_server_name_set(t->session, GNUTLS_NAME_DNS, t->host, strlen(t->host));
    gnutls_session_set_verify_function(t->session, verify);
  }
  if (config->keylog) gnutls_session_set_keylog_function(t->session, log_key);
  return t;
failed:
  cq_tls_free(t);
  return NULL;
}
void cq_tls_bind(cq_tls *t, ngtcp2_conn *c) {
  t->connection = c;
  ngtcp2_conn_set_tls_native_handle(c, t->session);
}
void cq_tls_free(cq_tls *t) {
  if (!t) return;
  if (t->session) gnutls_deinit(t->session);
  free(t->host);
  free(t);
}
int cq_tls_protocol(cq_tls *t, uint8_t *out, size_t size) {
  gnutls_datum_t name;
  if (gnutls_alpn_get_selected_protocol(t->session, &name) || name.size > size) return -1;
  memcpy(out, name.data, name.size);
  return (int)name.size;
}
int cq_tls_send_ticket(cq_tls *t) { return gnutls_session_ticket_send(t->session, 1, 0); }
