"""Pure mathematics: numbers in, numbers out, no state. Callable from compiled and from plain code."""
