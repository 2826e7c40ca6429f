"""Who looks on while a run goes: a display, a state that others can follow, event files."""
