"""The monthly costs of the hub, from counted calls and list prices. Prints the table of docs/costs.md.

tests/integration/budget.rs counts the calls of a sweep and of a change; the definition of the state machine gives the
transitions. The prices are for us-east-1 in USD, from secondary sources of November 2026, so check them.
"""

import math

DAYS = 30
# The assumed contents of an account, in its one source Region with one target.
PARAMETERS, SECRETS, CHANGES_A_DAY = 100, 10, 20
BATCH, ACCOUNTS_A_CALL = 25, 500
ORGANIZATIONS = (10, 100, 1000)

PRICES = {
    "Lambda, GB second, x86_64": 0.0000166667,
    "Lambda, request": 0.20e-6,
    "EventBridge, event to another account": 1.00e-6,
    "SQS, request": 0.40e-6,
    "Step Functions, transition": 0.025e-3,
    "Secrets Manager, replica": 0.40,
    "Secrets Manager, call": 0.05e-4,
    "KMS, request": 0.03e-4,
    "CloudWatch, metric": 0.30,
    "CloudWatch, alarm": 0.10,
    "CloudWatch Logs, GB": 0.50,
    "DynamoDB, write unit": 0.625e-6,
    "DynamoDB, read unit": 0.125e-6,
    "DynamoDB, GB a month with point-in-time recovery": 0.25 + 0.20,
}

# The states of a sweep without failures, and the states for each further 500 accounts and for each batch.
BEGIN = ("Begin", "HasBatches", "ListAccounts", "ListSucceeded", "SweepBatches", "CountFailures", "HasNextPage")
END = ("Finish", "HasFailed", "Complete")
MORE = ("ListAccounts", "ListSucceeded", "SweepBatches", "CountFailures", "HasNextPage")
OF_A_BATCH = ("SweepBatch", "AccountsRemain", "BatchSwept")
STARTER = ("StartSweep", "Started")

# A sweep waits for the slowest list, DescribeParameters of the source: 2 pages at 1 a second, plus latency.
SWEEP_SECONDS, SWEEP_GB = 5, 0.5
# Upper limit: one invocation for each change. CloudTrail and the service both send an event.
EVENT_SECONDS, EVENT_GB, EVENTS_OF_A_CHANGE = 3, 0.25, 2
# Send, receive and delete. An idle queue has five pollers, each with a request every 20 seconds.
REQUESTS_OF_AN_EVENT, IDLE_POLLS = 3, 5 * 3 * 60 * 24 * DAYS
# All parameters are SecureStrings with a customer key: read the source, write the replica, read the replica back.
KEY_USES_OF_A_CHANGE = 3
# Lists of secrets in source and target, 100 a page. Existing replicas need no further calls.
SECRET_CALLS_OF_A_SWEEP = 2 * math.ceil(SECRETS / 100)
# Upper limit, with all metrics in use: 10 without a dimension, 6 accounts by status, 2 x 14 items by kind and outcome,
# 16 failures by kind, 26 calls.
METRICS = 10 + 6 + 28 + 16 + 26
HUB_ALARMS = 9
# A sweep writes the account's name and two results of its route, and reads them at its end. An invocation reads the
# state of the route, and reads it again each 5 seconds while it writes. An item has at most 1 KB; results stay 90 days.
WRITES_OF_AN_ACCOUNT, READS_OF_AN_ACCOUNT, SECONDS_A_READ = 3, 2, 5
KEPT_DAYS, GB_OF_AN_ITEM = 90, 1e-6
LOG_GB_OF_AN_INVOCATION = 6e-6


def transitions(accounts):
    """The transitions of one day's sweep. The start of each batch's execution counts as one."""
    pages = math.ceil(accounts / ACCOUNTS_A_CALL)
    batches = math.ceil(accounts / BATCH)
    return len(STARTER) + len(BEGIN) + (pages - 1) * len(MORE) + batches * (1 + len(OF_A_BATCH)) + len(END)


def table_costs(accounts, batches, changes):
    """The monthly costs of the table."""
    reads = math.ceil(SWEEP_SECONDS / SECONDS_A_READ) + 1
    read = batches * reads + changes * (math.ceil(EVENT_SECONDS / SECONDS_A_READ) + 1)
    read += accounts * DAYS * READS_OF_AN_ACCOUNT
    written = accounts * DAYS * WRITES_OF_AN_ACCOUNT
    stored = accounts * (WRITES_OF_AN_ACCOUNT + KEPT_DAYS) * GB_OF_AN_ITEM
    return (
        read * PRICES["DynamoDB, read unit"]
        + written * PRICES["DynamoDB, write unit"]
        + stored * PRICES["DynamoDB, GB a month with point-in-time recovery"]
    )


def monthly(accounts):
    """The monthly costs in USD, by part."""
    changes = accounts * CHANGES_A_DAY * DAYS
    events = changes * EVENTS_OF_A_CHANGE
    batches = math.ceil(accounts / BATCH) * DAYS
    gb_seconds = batches * SWEEP_SECONDS * SWEEP_GB + changes * EVENT_SECONDS * EVENT_GB
    # Lists, and one `finish` a day.
    invocations = batches + DAYS * (math.ceil(accounts / ACCOUNTS_A_CALL) + 1) + changes
    return {
        "Lambda": gb_seconds * PRICES["Lambda, GB second, x86_64"] + invocations * PRICES["Lambda, request"],
        "EventBridge": events * PRICES["EventBridge, event to another account"],
        "SQS": (events * REQUESTS_OF_AN_EVENT + IDLE_POLLS) * PRICES["SQS, request"],
        "Step Functions": transitions(accounts) * DAYS * PRICES["Step Functions, transition"],
        "DynamoDB": table_costs(accounts, batches, changes),
        "KMS": changes * KEY_USES_OF_A_CHANGE * PRICES["KMS, request"],
        "calls of Secrets Manager": accounts * DAYS * SECRET_CALLS_OF_A_SWEEP * PRICES["Secrets Manager, call"],
        "metrics, the hub's alarms": METRICS * PRICES["CloudWatch, metric"] + HUB_ALARMS * PRICES["CloudWatch, alarm"],
        "logs": invocations * LOG_GB_OF_AN_INVOCATION * PRICES["CloudWatch Logs, GB"],
        "spokes' dead-letter alarms (may be off)": accounts * PRICES["CloudWatch, alarm"],
        "**the hub, in all**": 0.0,
        "replicas of secrets": accounts * SECRETS * PRICES["Secrets Manager, replica"],
    }


def table():
    """The table of docs/costs.md, with a row for each part."""
    columns = []
    for accounts in ORGANIZATIONS:
        parts = monthly(accounts)
        parts["**the hub, in all**"] = sum(parts.values()) - parts["replicas of secrets"]
        columns.append(parts)
    lines = [
        "| USD a month | " + " | ".join(f"{accounts:,} accounts" for accounts in ORGANIZATIONS) + " |",
        "|---|" + "---:|" * len(ORGANIZATIONS),
    ]
    for part in columns[0]:
        lines.append(f"| {part} | " + " | ".join(f"{parts[part]:,.2f}" for parts in columns) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
