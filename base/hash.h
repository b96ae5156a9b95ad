// SPDX-License-Identifier: Apache-2.0
//
// FNV-1a, 64 bits (RFC 9923): the same on every machine and in every version, and no defence
// against somebody who looks for collisions. Pure.
#pragma once

#include <stddef.h>
#include <stdint.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)

// `hash` continued with these bytes.
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t len);
// With a text, without its zero byte: "ab", "c" is "a", "bc".
uint64_t hash_text(uint64_t hash, const char *text);
