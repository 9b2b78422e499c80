"""The digest: pure code, run where it is called."""

import re


def clean(text):
    return re.sub(r"\s+", " ", text).strip()


class Digest:
    def __init__(self, template):
        self.template = template
        self.parts = {}

    def add(self, number, text):
        self.parts[number] = text

    def __len__(self):
        return len(self.parts)

    def render(self, moment):
        lines = [f"{number}: {text}" for number, text in sorted(self.parts.items())]
        return self.template.format(date=f"{moment:%Y-%m-%d}", lines="\n".join(lines))
