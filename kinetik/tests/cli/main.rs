//! The real program, from outside: a file a command.
