package io.sluice.functions.cli;

/** What a command needs before it can run. */
enum Needs {
  /** Nothing at all. */
  NOTHING,
  /** The functions of a running server, over HTTP. */
  ENDPOINT,
  /** The store and Redis, from this process. */
  STORE,
  /** An embedded store and Redis of its own. */
  STACK,
  /** To be a server. */
  SERVER
}
