"""Charts as inline SVG: pure functions from a part of the report to markup, without scripts or inline styles."""
