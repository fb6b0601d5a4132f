/* The least a C program needs to move bytes over QUIC on the shim that the Swift shell uses: its twin in benchmarks. */
#ifndef CBENCH_H
#define CBENCH_H
#include <stdint.h>

typedef struct cbench_result {
  uint64_t sender_cpu, receiver_cpu; /* nanoseconds of each thread, from the end of the handshake on */
  uint64_t wall;
  uint64_t received; /* bytes */
} cbench_result;

/* Sends `bytes` over one unidirectional stream from one thread to another on loopback. Zero if all arrived. */
int cbench_transfer(uint64_t bytes, cbench_result *out);

/* CPU time of the calling thread and of the process, in nanoseconds. */
uint64_t cbench_thread_cpu(void);
uint64_t cbench_process_cpu(void);
uint64_t cbench_now(void); /* monotonic */

#endif
