"""The benchmark's table, and its figures against the targets."""


def condition(case):
    """`true, 8 callers, 2 CPUs, +200 mounts` without what is usual."""
    words = [case["name"]]
    if case["callers"] != 1:
        words.append(f"{case['callers']} callers")
    words.append(f"{case['cpus']} CPU" + ("s" if case["cpus"] != 1 else ""))
    if case["extra_mounts"]:
        words.append(f"{case['extra_mounts']} mounts more")
    return ", ".join(words)


def progress(case):
    medians = ", ".join(f"{mean} {figures['p50_us']:.0f}" for mean, figures in case["means"].items())
    return f"bench: {condition(case)}: {medians} us"


def table(result):
    lines = [f"{'':34} {'':12} {'p10 us':>8} {'p50 us':>8} {'p99 us':>8} {'per s':>7} {'ratio':>6}"]
    for case in result["cases"]:
        label = condition(case)
        native = case["means"]["native"]["p50_us"]
        for mean, figures in case["means"].items():
            ratio = f"{figures['p50_us'] / native:6.2f}" if mean != "native" else ""
            lines.append(f"{label:34} {mean:12} {figures['p10_us']:8.0f} {figures['p50_us']:8.0f} "
                         f"{figures['p99_us']:8.0f} {figures['per_second']:7} {ratio}".rstrip())
            label = ""
    lines.append("")
    for name, kilobytes in result["memory_kb"].items():
        lines.append(f"{'resident memory of ' + name:47} {kilobytes} KiB")
    return "\n".join(lines)


def find(result, wanted):
    """The case a target speaks of."""
    for case in result["cases"]:
        if all(case[key] == value for key, value in wanted.items()):
            return case
    raise SystemExit(f"bench: targets.json wants {wanted}, which is not measured")


def measured(target, result):
    """(value, what it comes from) of one target."""
    if target["kind"] == "memory":
        value = result["memory_kb"].get(target["of"])
        return value, f"{target['of']} {value} KiB"
    means = find(result, target["case"])["means"]
    figure = "per_second" if target["kind"] == "throughput" else "p50_us"
    unit = "/s" if figure == "per_second" else " us"
    of = means[target["of"]][figure]
    source = f"{target['of']} {of}{unit}"
    if target["kind"] == "median":
        return of, source
    to = means[target["to"]][figure]
    source += f", {target['to']} {to}{unit}"
    return (round(of - to, 1) if target["kind"] == "difference" else round(of / to, 3)), source


def judge(targets, result):
    """Each target with what was measured and whether it is met."""
    judged = []
    for target in targets:
        value, source = measured(target, result)
        met = value is not None and (value <= target["at_most"] if "at_most" in target
                                     else value >= target["at_least"])
        judged.append(dict(target, value=value, source=source, met=met))
    return judged


def verdicts(judged):
    lines = [""]
    for target in judged:
        bound = (f"at most {target['at_most']}" if "at_most" in target
                 else f"at least {target['at_least']}")
        lines.append(f"{'met   ' if target['met'] else 'MISSED'} {target['what']}: {target['value']} "
                     f"({bound}; {target['source']})")
    return "\n".join(lines)
