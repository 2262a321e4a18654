"""docs/costs.md has the computed table, and the table counts what the templates contain."""

import costs
import templates

from .base import Check


def next_states(state):
    return {state.get("Next"), state.get("Default"), *(choice["Next"] for choice in state.get("Choices", []))}


class CostsCheck(Check):
    def test_the_page_has_the_computed_table(self):
        page = (templates.ROOT / "docs" / "costs.md").read_text(encoding="utf-8")
        self.assertIn(costs.table(), page)

    def test_the_counted_states_are_a_path_through_the_state_machines(self):
        sweep = templates.definition("sweep.asl.json")
        batch = sweep["States"]["SweepBatches"]["ItemProcessor"]
        for machine, way in (
            (sweep, costs.BEGIN + costs.END),
            (batch, costs.OF_A_BATCH),
            (templates.definition("daily-sweep.asl.json"), costs.STARTER),
        ):
            states = machine["States"]
            self.assertEqual(machine["StartAt"], way[0])
            for state, following in zip(way, way[1:]):
                self.assertIn(following, next_states(states[state]), state)
            last = states[way[-1]]
            self.assertTrue(last["Type"] == "Succeed" or last.get("End"), way[-1])
        loop = [*costs.MORE, costs.MORE[0]]
        for state, following in zip(loop, loop[1:]):
            self.assertIn(following, next_states(sweep["States"][state]), state)

    def test_the_counted_resources_are_those_of_the_template(self):
        hub = templates.load(templates.HUB)
        self.assertEqual(costs.HUB_ALARMS, len(templates.resources(hub, "AWS::CloudWatch::Alarm")))
        self.assertEqual(costs.BATCH, hub["Parameters"]["SweepBatch"]["Default"])
        megabytes = hub["Parameters"]["SweepMemory"]["Default"], hub["Parameters"]["EventsMemory"]["Default"]
        self.assertEqual((costs.SWEEP_GB * 1024, costs.EVENT_GB * 1024), megabytes)
        self.assertEqual(26, len(templates.actions_of_the_code()), "METRICS counts one metric for each action")

    def test_more_accounts_cost_more_and_the_total_contains_every_part(self):
        for few, many in zip(costs.ORGANIZATIONS, costs.ORGANIZATIONS[1:]):
            cheap, dear = costs.monthly(few), costs.monthly(many)
            for part in cheap:
                self.assertLessEqual(cheap[part], dear[part], part)
        self.assertEqual(2 + 10 + 4, costs.transitions(1))
        self.assertEqual(2 + 10 + 5 + 40 * 4, costs.transitions(1000))
