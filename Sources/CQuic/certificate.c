#include "cquic.h"
#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

int cq_sha256(const uint8_t *data, size_t size, uint8_t *out) {
  unsigned n = 32;
  return EVP_Digest(data, size, out, &n, EVP_sha256(), NULL) == 1 ? 0 : -1;
}

static int add_extension(X509 *x, int nid, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, x, x, NULL, NULL, 0);
  X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, &context, nid, value);
  if (!e) return 0;
  int good = X509_add_ext(x, e, -1);
  X509_EXTENSION_free(e);
  return good;
}

static int add_names(X509 *x, const char *names) {
  GENERAL_NAMES *all = sk_GENERAL_NAME_new_null();
  int good = all != NULL;
  char *copy = strdup(names), *rest = NULL;
  for (char *n = copy ? strtok_r(copy, "\n", &rest) : NULL; n && good; n = strtok_r(NULL, "\n", &rest)) {
    GENERAL_NAME *name = GENERAL_NAME_new();
    ASN1_OCTET_STRING *ip = a2i_IPADDRESS(n);
    if (!name) {
      good = 0;
    } else if (ip) {
      GENERAL_NAME_set0_value(name, GEN_IPADD, ip);
    } else {
      ASN1_IA5STRING *text = ASN1_IA5STRING_new();
      good = text && ASN1_STRING_set(text, n, -1);
      GENERAL_NAME_set0_value(name, GEN_DNS, text);
    }
    good = good && sk_GENERAL_NAME_push(all, name) > 0;
  }
  free(copy);
  good = good && X509_add1_ext_i2d(x, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1;
  GENERAL_NAMES_free(all);
  return good;
}

static int take(BIO *bio, uint8_t *out, size_t *size) {
  char *data = NULL;
  long n = BIO_get_mem_data(bio, &data);
  if (n <= 0 || (size_t)n > *size) return 0;
  memcpy(out, data, (size_t)n);
  *size = (size_t)n;
  return 1;
}

int cq_certificate_make(const char *names, int days, uint8_t *certificate, size_t *certificate_size, uint8_t *key,
                        size_t *key_size, uint8_t *sha256) {
  int good = 0;
  EVP_PKEY *pkey = EVP_EC_gen("P-256");
  X509 *x = X509_new();
  BIO *cert_bio = BIO_new(BIO_s_mem()), *key_bio = BIO_new(BIO_s_mem());
  uint8_t serial[16];
  if (!pkey || !x || !cert_bio || !key_bio || RAND_bytes(serial, sizeof serial) != 1) goto end;
  serial[0] &= 0x7f;
  BIGNUM *number = BN_bin2bn(serial, sizeof serial, NULL);
  if (!number || !BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x))) {
    BN_free(number);
    goto end;
  }
  BN_free(number);
  X509_set_version(x, 2);
  /* An hour back, for clocks that are behind; it counts in the validity that browsers limit. */
  X509_gmtime_adj(X509_getm_notBefore(x), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x), (long)days * 86400 - 3600);
  X509_set_pubkey(x, pkey);
  X509_NAME *subject = X509_get_subject_name(x);
  if (!X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)"swift-moq", -1, -1, 0)) goto end;
  if (!X509_set_issuer_name(x, subject) || !add_names(x, names)) goto end;
  if (!add_extension(x, NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(x, NID_key_usage, "critical,digitalSignature") || !add_extension(x, NID_ext_key_usage, "serverAuth"))
    goto end;
  if (!X509_sign(x, pkey, EVP_sha256())) goto end;
  if (!PEM_write_bio_X509(cert_bio, x) || !PEM_write_bio_PrivateKey(key_bio, pkey, NULL, NULL, 0, NULL, NULL)) goto end;
  unsigned n = 32;
  good = take(cert_bio, certificate, certificate_size) && take(key_bio, key, key_size) &&
         X509_digest(x, EVP_sha256(), sha256, &n) == 1;
end:
  BIO_free(cert_bio);
  BIO_free(key_bio);
  X509_free(x);
  EVP_PKEY_free(pkey);
  return good ? 0 : -1;
}

static X509 *first_certificate(const uint8_t *pem, size_t size) {
  BIO *bio = BIO_new_mem_buf(pem, (int)size);
  if (!bio) return NULL;
  X509 *x = PEM_read_bio_X509(bio, NULL, NULL, NULL);
  BIO_free(bio);
  return x;
}

int cq_certificate_digest(const uint8_t *pem, size_t size, uint8_t *sha256) {
  X509 *x = first_certificate(pem, size);
  unsigned n = 32;
  int good = x && X509_digest(x, EVP_sha256(), sha256, &n) == 1;
  X509_free(x);
  return good ? 0 : -1;
}

int cq_certificate_matches(const uint8_t *certificate, size_t certificate_size, const uint8_t *key, size_t key_size) {
  X509 *x = first_certificate(certificate, certificate_size);
  BIO *bio = BIO_new_mem_buf(key, (int)key_size);
  EVP_PKEY *pkey = bio ? PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL) : NULL;
  int good = x && pkey && X509_check_private_key(x, pkey) == 1;
  EVP_PKEY_free(pkey);
  BIO_free(bio);
  X509_free(x);
  return good ? 0 : -1;
}
