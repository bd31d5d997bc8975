"""Share requests, what station and hub do alike: judging an event, its clocks, attachments."""
