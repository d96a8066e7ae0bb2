"""As many groups as an account may have."""

import unittest

from databricks.sdk.errors import AlreadyExists, InvalidParameterValue

from deployment import PARENT, catalogs, group, name, with_token

MANY = 100


class ManyGroups(unittest.TestCase):
    def test_a_hundred_groups_come_in_pages_and_one_more_is_refused(self):
        account = with_token()
        dr, all_catalogs = account.disaster_recovery, catalogs()
        # The first two went through another group's life and have replicas already.
        free = iter(all_catalogs[2:])
        there = {g.name for g in dr.list_failover_groups(PARENT)}
        ids = [f"many-{number:03}" for number in range(MANY - len(there))]
        for group_id in ids:
            dr.create_failover_group(PARENT, group(next(free)), group_id)
        expected = sorted(there | {name(i) for i in ids})
        self.assertEqual(len(expected), MANY)
        for page_size in (None, 0, 1, 7, 100, 1000):
            found = [g.name for g in dr.list_failover_groups(PARENT, page_size=page_size)]
            self.assertEqual(found, expected, f"page_size {page_size}")
        with self.assertRaises(InvalidParameterValue):
            dr.create_failover_group(PARENT, group(next(free)), "one-too-many")
        with self.assertRaises((InvalidParameterValue, AlreadyExists)):
            dr.create_failover_group(PARENT, group(all_catalogs[2]), "taken")


if __name__ == "__main__":
    unittest.main()
