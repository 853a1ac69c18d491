/* malloc, calloc and realloc of a whole test program, its libraries' calls too: the n-th is refused. A program that
 * links alloc_refuse.c replaces them (glibc's manual, "Replacing malloc"); free stays as it is. */
#ifndef HUITOU_TEST_FAULT_ALLOC_REFUSE_H
#define HUITOU_TEST_FAULT_ALLOC_REFUSE_H

#include <stdbool.h>

/* From now on the n-th call (from 1) answers NULL and ENOMEM; with every: and each one after it. */
void alloc_refuse(long n, bool every);
/* Refuses nothing any more; returns how many calls there were since alloc_refuse. */
long alloc_refuse_end(void);

#endif
