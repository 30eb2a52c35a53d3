"""The differences that stay, each with its reason (differences.tsv)."""
import os
import re

import implementations


class Explanations(object):

    def __init__(self, profile, path=os.path.join(implementations.HERE, 'differences.tsv')):
        self.rows = []
        with open(path) as lines:
            for line in lines:
                if line.strip() and not line.startswith('#'):
                    wanted, pattern, reason = line.rstrip('\n').split('\t')
                    if wanted == profile:
                        self.rows.append((re.compile(pattern), reason))

    def reason(self, text):
        """Why this difference stays, or None."""
        return next((reason for pattern, reason in self.rows if pattern.search(text)), None)
