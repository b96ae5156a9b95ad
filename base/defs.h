// SPDX-License-Identifier: Apache-2.0
//
// The compiler attributes and small macros that the whole tree uses; nothing else belongs here.
#pragma once

#include <stddef.h>
#include <sys/queue.h>

// The caller must look at the result.
#define MUST_CHECK __attribute__((warn_unused_result))
// Checked like printf: format is argument number F, the first value number A (0 for a va_list).
#define PRINTF_LIKE(F, A) __attribute__((format(printf, F, A)))
#define NORETURN __attribute__((noreturn))
// Runs fn(&variable) when a local variable leaves its scope. For function-local resources only.
#define CLEANUP(fn) __attribute__((cleanup(fn)))

#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))
#define CONTAINER_OF(pointer, type, member)                                                        \
    ((type *)(void *)((char *)(pointer)-offsetof(type, member)))

// sys/queue.h of glibc has no _SAFE loops: `next` is fetched before the body may free `item`. Those
// of others are the same.
#undef LIST_FOREACH_SAFE
#undef TAILQ_FOREACH_SAFE
#define LIST_FOREACH_SAFE(item, head, field, next)                                                 \
    for ((item) = LIST_FIRST(head); (item) && ((next) = LIST_NEXT(item, field), 1); (item) = (next))
#define TAILQ_FOREACH_SAFE(item, head, field, next)                                                \
    for ((item) = TAILQ_FIRST(head); (item) && ((next) = TAILQ_NEXT(item, field), 1);              \
         (item) = (next))
