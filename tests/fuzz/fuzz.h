/* SPDX-License-Identifier: MIT */
/*
 * fuzz -- what a fuzz target defines, and who calls it
 *
 * libFuzzer does with --enable-fuzz; otherwise replay.c, with the corpus.
 */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

#endif
