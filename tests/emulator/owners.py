"""Runs the actions of account owners in an emulator for the integration tests.

One process runs all actions, because each start of boto3 takes a second.

Each input line is a request, `{"url": …, "script": "furnish" | "aside", "arguments": […]}`. Each output line is the
answer, `{"done": …}` or `{"failed": …}`. The process ends with its input.
"""

import functools
import json
import sys
import traceback

import aside
import furnish

SCRIPTS = {"furnish": furnish.main, "aside": aside.main}

running_at = functools.cache(furnish.Running)


def answer(line):
    request = json.loads(line)
    try:
        return {"done": SCRIPTS[request["script"]](running_at(request["url"]), request["arguments"])}
    except (Exception, SystemExit):  # the test that sent the request reports the error
        return {"failed": traceback.format_exc()}


def main():
    for line in sys.stdin:
        print(json.dumps(answer(line)), flush=True)


if __name__ == "__main__":
    main()
