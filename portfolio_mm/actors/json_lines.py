"""Words of a process that has no terminal, for who collects them."""

import json
import logging


class JsonLines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Time (Unix s), level, where, what."""
        line = {"time": round(record.created, 3), "level": record.levelname, "who": record.name}
        return json.dumps(line | {"text": record.getMessage()})
