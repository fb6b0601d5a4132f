#ifndef CBENCH_H
#define CBENCH_H
#endif
