// SPDX-License-Identifier: Apache-2.0
//
// Random values for the tests of strings/: the same ones in every run.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ANY_SEED 0x9e3779b97f4a7c15
#define GOLDEN_PASSWORD "a@b:c/d?e#f[g]h!i$j&k'l(m)n*o+p,q;r=s%t\"u\\v w{x}y^z|<>~`"

uint32_t any_below(uint32_t below);
// At most 20 pieces, each a letter, any character, or what a parser may stumble over.
void any_text(char *out, size_t size, size_t least, bool may_control);
