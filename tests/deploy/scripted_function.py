#!/usr/bin/env python3
"""A Lambda function in the place of hub-sweep, for the checks of the state machine: it answers as its variables say.

PAYLOADS is the file to which it adds each payload as a line. ANSWERS is a JSON object with a list of answers for each
operation; the last answer of a list repeats. An answer {"error": TYPE} fails the invocation.
"""

import json
import os
import urllib.request

API = f"http://{os.environ['AWS_LAMBDA_RUNTIME_API']}/2018-06-01/runtime/invocation"
ANSWERS = json.loads(os.environ["ANSWERS"])


def post(path, document):
    request = urllib.request.Request(f"{API}/{path}", data=json.dumps(document).encode(), method="POST")
    urllib.request.urlopen(request).close()


def main():
    while True:
        with urllib.request.urlopen(f"{API}/next") as invocation:
            identity = invocation.headers["Lambda-Runtime-Aws-Request-Id"]
            payload = json.load(invocation)
        with open(os.environ["PAYLOADS"], "a", encoding="utf-8") as opened:
            opened.write(json.dumps(payload) + "\n")
        answers = ANSWERS[payload["detail"]["operation"]]
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if "error" in answer:
            post(f"{identity}/error", {"errorType": answer["error"], "errorMessage": "as the check demands"})
        else:
            post(f"{identity}/response", answer)


if __name__ == "__main__":
    main()
