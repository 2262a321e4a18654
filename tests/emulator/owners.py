"""What owners of accounts do in an emulator, for the integration tests: one process, since each start of boto3 takes a second.

It reads one request a line, `{"url": …, "script": "furnish" | "aside", "arguments": […]}`, and answers with one line,
`{"done": …}` or `{"failed": …}`. It ends when its input does.
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
    except (Exception, SystemExit):  # the boundary: the test that asked shows it
        return {"failed": traceback.format_exc()}


def main():
    for line in sys.stdin:
        print(json.dumps(answer(line)), flush=True)


if __name__ == "__main__":
    main()
