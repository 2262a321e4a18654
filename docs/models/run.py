"""Runs every model and compares the results with the recorded ones. Exits with 1 if one differs.

usage: python3 run.py          (no packages; under 20 seconds)
       python3 MODEL.py        one model, with a shortest path to each kind of bad end
"""

import importlib
import sys
import time
from concurrent.futures import ProcessPoolExecutor

RECORDED = {
    "confirm": {
        "all rules": (5274, {}),
        "without the confirm": (988, {"unequal": 13}),
        "without the rewrite": (5230, {"unequal": 1}),
    },
    "crash": {
        "all rules, 1 crash": (135867, {"visibly different": 2}),
        "all rules, 2 crashes, histories of up to two changes": (6737, {}),
        "provenance names versions alone, 1 crash": (31753, {"visibly different": 2, "silently different": 1}),
    },
    "lag": {
        "all rules, 1 stale read": (80540, {"visibly different": 24}),
        "all rules, 2 stale reads and 1 crash, up to two changes": (23872, {"visibly different": 85}),
        "provenance names versions alone, 1 stale read": (28272, {"visibly different": 17, "silently different": 1}),
    },
    "ownership": {
        "all rules": (1102, {}),
        "the last writer alone": (1176, {"lost, never reported": 50, "lost, reported once": 98}),
        "every unexpected version is another writer's": (835, {"false alarm": 82}),
    },
    "tags": {
        "all rules": (1180, {}),
        "the confirm reads the version alone": (537, {"different": 5}),
    },
    "failback": {
        "all rules": (6410, {}),
        "no rule": (9423, {"stuck": 489, "lost, never reported": 934, "lost, reported once": 351}),
        "without `drain`": (7029, {"lost, reported once": 29}),
        "without `history`": (4885, {"lost, reported once": 356, "lost, never reported": 165}),
        "without `equal`": (6888, {}),
        "without `take over`": (3605, {"stuck": 302}),
        "without `lock`": (22565, {"lost, reported once": 214, "lost, never reported": 138}),
        "without `confirm b`": (3734, {}),
        "without `answered`": (9583, {"lost, never reported": 636, "lost, reported once": 245}),
    },
}


def found(model, variant):
    """The result of one variant, in the form of the recorded ones."""
    result = importlib.import_module(model).result_of(variant)
    return result.states, result.bad


def main():
    """Compares, prints a table, and returns the exit code."""
    begun, different = time.monotonic(), 0
    named = [(model, variant) for model in RECORDED for variant in importlib.import_module(model).VARIANTS]
    expected = {(model, variant): result for model, results in RECORDED.items() for variant, result in results.items()}
    # The largest first, so that both processes are busy to the end.
    order = sorted(named, key=lambda one: -expected.get(one, (0, {}))[0])
    with ProcessPoolExecutor(2) as pool:
        results = dict(zip(order, pool.map(found, *zip(*order))))
    for one in expected | dict.fromkeys(named):
        is_same = results.get(one) == expected.get(one)
        different += not is_same
        print(": ".join(one), results.get(one), "" if is_same else f"DIFFERS FROM {expected.get(one)}")
    print(f"{different} results differ from the recorded ones; {time.monotonic() - begun:.1f} s")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
