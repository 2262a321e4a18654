"""What the hub costs in a month, from counted calls and list prices: prints the table of docs/costs.md.

The calls of a sweep and of a change are those that tests/integration/budget.rs counts; the transitions are those of the
state machine's definition. The prices are of us-east-1 in USD, as found in November 2026 in secondary texts.
Check them.
"""

import math

DAYS = 30
# What an account is taken to have, in its one source Region and its one target.
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
}

# The states of a sweep in which nothing goes wrong, and those that each further 500 accounts and each batch add.
BEGIN = ("Begin", "AreGiven", "ListAccounts", "AreListed", "SweepBatches", "Count", "AreThereMore", "Complete")
MORE = ("ListAccounts", "AreListed", "SweepBatches", "Count", "AreThereMore")
OF_A_BATCH = ("SweepBatch", "RemainAccounts", "Swept")
STARTER = ("StartSweep", "Begun")

# A sweep waits for the slowest list, DescribeParameters of the source: 2 pages at 1 a second, and some latency.
SWEEP_SECONDS, SWEEP_GB = 5, 0.5
# Each change in an invocation of its own, the most that it can come to; CloudTrail and the service both tell of it.
EVENT_SECONDS, EVENT_GB, EVENTS_OF_A_CHANGE = 3, 0.25, 2
# Send, receive, delete; and the pollers of an idle queue, five that ask every 20 seconds.
REQUESTS_OF_AN_EVENT, IDLE_POLLS = 3, 5 * 3 * 60 * 24 * DAYS
# Every parameter a SecureString under a customer key: the source read, the replica written, the replica read back.
KEY_USES_OF_A_CHANGE = 3
# Lists of secrets in source and target, 100 a page; the replicas of those that are there are not looked at one by one.
SECRET_CALLS_OF_A_SWEEP = 2 * math.ceil(SECRETS / 100)
# Without a dimension 6; accounts by status 6; items by kind and outcome 2 x 14; failures by kind 15; calls 21. All of
# them in use would be the most.
METRICS = 6 + 6 + 28 + 15 + 21
HUB_ALARMS = 8
LOG_GB_OF_AN_INVOCATION = 6e-6


def transitions(accounts):
    """Of one day's sweep; the start of each batch's own execution counts as one."""
    pages = math.ceil(accounts / ACCOUNTS_A_CALL)
    batches = math.ceil(accounts / BATCH)
    return len(STARTER) + len(BEGIN) + (pages - 1) * len(MORE) + batches * (1 + len(OF_A_BATCH))


def monthly(accounts):
    """The cost of each part, in USD a month."""
    changes = accounts * CHANGES_A_DAY * DAYS
    events = changes * EVENTS_OF_A_CHANGE
    batches = math.ceil(accounts / BATCH) * DAYS
    gb_seconds = batches * SWEEP_SECONDS * SWEEP_GB + changes * EVENT_SECONDS * EVENT_GB
    invocations = batches + DAYS * math.ceil(accounts / ACCOUNTS_A_CALL) + changes
    return {
        "Lambda": gb_seconds * PRICES["Lambda, GB second, x86_64"] + invocations * PRICES["Lambda, request"],
        "EventBridge": events * PRICES["EventBridge, event to another account"],
        "SQS": (events * REQUESTS_OF_AN_EVENT + IDLE_POLLS) * PRICES["SQS, request"],
        "Step Functions": transitions(accounts) * DAYS * PRICES["Step Functions, transition"],
        "KMS": changes * KEY_USES_OF_A_CHANGE * PRICES["KMS, request"],
        "calls of Secrets Manager": accounts * DAYS * SECRET_CALLS_OF_A_SWEEP * PRICES["Secrets Manager, call"],
        "metrics, the hub's alarms": METRICS * PRICES["CloudWatch, metric"] + HUB_ALARMS * PRICES["CloudWatch, alarm"],
        "logs": invocations * LOG_GB_OF_AN_INVOCATION * PRICES["CloudWatch Logs, GB"],
        "spokes' dead-letter alarms (may be off)": accounts * PRICES["CloudWatch, alarm"],
        "**the hub, in all**": 0.0,
        "replicas of secrets": accounts * SECRETS * PRICES["Secrets Manager, replica"],
    }


def table():
    """The table of docs/costs.md, one row for each part."""
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
