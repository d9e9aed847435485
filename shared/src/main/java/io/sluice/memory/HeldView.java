package io.sluice.memory;

import java.lang.foreign.MemorySegment;

/** Bytes of a held shard; they stay where they are until the view is closed. */
public final class HeldView implements AutoCloseable {
  private final MemorySegment segment;
  private Runnable onClose;

  HeldView(MemorySegment segment, Runnable onClose) {
    this.segment = segment;
    this.onClose = onClose;
  }

  /** The bytes, read-only; not to be touched after {@link #close}. */
  public MemorySegment segment() {
    return segment;
  }

  /** Lets the bytes go; a second call does nothing. */
  @Override
  public void close() {
    Runnable action;
    synchronized (this) {
      action = onClose;
      onClose = null;
    }
    if (action != null) {
      action.run();
    }
  }
}
