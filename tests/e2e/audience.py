# SPDX-License-Identifier: Apache-2.0
"""Watchers of many clients at once, played by the test: every NOTIFY is answered while something else is waited for, and none may show its client offline."""
import rig


class Audience:
    """One subscription a client."""

    def __init__(self, watcher, users):
        self.watcher = watcher
        self.subscriptions = {user: watcher.watch(user) for user in users}
        self.ends = {}         # the last NOTIFY to those that are over
        self.seen_online = {user for user, subscription in self.subscriptions.items() if subscription.uris}

    def look(self):
        """Take and answer what has come."""
        by_call = {subscription.call_id: user for user, subscription in self.subscriptions.items()}
        while True:
            try:
                message = self.watcher.hear(lambda m: m.status is None and m.one("call-id") in by_call, 0.01)
            except TimeoutError:
                return
            user = by_call[message.one("call-id")]
            subscription = self.subscriptions[user]
            told = subscription.look_at(message)
            subscription.answer(message)
            for contact in told.document.contacts if told.document else []:
                assert contact["state"] == "active", f"{user} went offline for his watcher: {contact}"
            if subscription.uris:
                self.seen_online.add(user)
            assert subscription.uris or user not in self.seen_online, f"{user} went offline for his watcher"
            if told.state == "terminated":
                self.ends[user] = told

    def wait_for(self, what, condition, timeout_s):
        def is_so():
            self.look()
            return condition()

        return rig.wait_for(what, is_so, timeout_s)
