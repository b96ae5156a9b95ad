# SPDX-License-Identifier: Apache-2.0
"""From the figures of all rounds to tables: medians of per-round ratios, their spread and an
interval for the median."""
from math import comb
from statistics import median


def interval(values, level=0.95):
    """The order-statistic interval of the median that holds with at least this probability,
    whatever the distribution is; None when there are too few values (fewer than 6 for 95 %)."""
    count = len(values)
    tail, rank = 0.0, -1
    for k in range(count // 2):
        tail += comb(count, k) / 2**count
        if 2 * tail > 1 - level:
            break
        rank = k
    if rank < 0:
        return None
    ordered = sorted(values)
    return ordered[rank], ordered[count - 1 - rank]


def number(value):
    return f"{value:.2f}" if abs(value) >= 0.1 or value == 0 else f"{value:.3f}"


def ratio_text(values):
    if not values:
        return "–"
    text = f"{number(median(values))} [{number(min(values))}–{number(max(values))}]"
    bounds = interval(values)
    if bounds:
        text += f" ({number(bounds[0])}–{number(bounds[1])})"
    return text


def value_text(column, values):
    if not values:
        return "–"
    text = column.form.format(median(values))
    if column.spread:
        text += f" [{column.form.format(min(values))}–{column.form.format(max(values))}]"
    return text


def ratios(rounds, key, peer, reference):
    """The peer's figure divided by the reference's of the same round."""
    found = []
    for results in rounds:
        ours = results.get(peer, {}).get(key)
        theirs = results.get(reference, {}).get(key)
        if ours is not None and theirs:
            found.append(ours / theirs)
    return found


def cells(test, rounds, peer):
    for column in test.columns:
        values = [results[peer][column.key] for results in rounds
                  if results.get(peer, {}).get(column.key) is not None]
        yield value_text(column, values)
        for reference in test.refs if column.ratio else ():
            yield "–" if reference == peer else \
                ratio_text(ratios(rounds, column.key, peer, reference))
    found = [results[peer] for results in rounds if peer in results]
    yield str(sum(one.get("errors", 0) for one in found))


def header(test):
    for column in test.columns:
        yield column.title
        for reference in test.refs if column.ratio else ():
            yield f"÷ {reference}"
    yield "errors"


def table(test, rounds, titles):
    """Markdown; `rounds`: [{peer: figures}]."""
    rows = [["peer", *header(test)]]
    for peer in test.keys:
        if any(peer in results for results in rounds):
            rows.append([titles.get(peer, peer), *cells(test, rounds, peer)])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [f"**{test.name}** – {test.title} (rounds: {len(rounds)})", ""]
    for at, row in enumerate(rows):
        lines.append("| " + " | ".join(cell.ljust(widths[i]) if i == 0 else cell.rjust(widths[i])
                                       for i, cell in enumerate(row)) + " |")
        if at == 0:
            lines.append("|" + "|".join("-" * (width + 1) + ("-" if i == 0 else ":")
                                        for i, width in enumerate(widths)) + "|")
    for peer in test.keys:
        firsts = {results[peer]["first_error"] for results in rounds
                  if results.get(peer, {}).get("first_error")}
        lines += [f"\n{peer}: {text}" for text in sorted(firsts)]
    if test.name == "churn":
        lines += [""] + [f"{peer}, RSS MB after each: {results[peer]['rss_list']}"
                         for results in rounds for peer in test.keys
                         if "rss_list" in results.get(peer, {})]
    return "\n".join(lines) + "\n"


def report(about, tests, results, titles):
    """`about`: lines about the run; `results`: {test name: [{peer: figures}]}."""
    text = [*about, "",
            "Ratios: median [smallest–largest] of the per-round ratios; in round brackets an "
            "interval that holds their median with 95 % (from 6 rounds on).", ""]
    for test in tests:
        if results.get(test.name):
            text.append(table(test, results[test.name], titles))
    return "\n".join(text)
