// SPDX-License-Identifier: Apache-2.0
//
// The nearest of some names to a word that was meant to be one of them. Pure.
#pragma once

struct suggest {
    const char *word;
    const char *best;  // NULL: nothing is near
    unsigned distance; // of best
};

struct suggest suggest_for(const char *word);
void suggest_offer(struct suggest *suggest, const char *name); // name must outlive suggest
// "; did you mean \"NAME\"?" or ""; the text lives until the thread's next call.
const char *suggest_text(const struct suggest *suggest);
