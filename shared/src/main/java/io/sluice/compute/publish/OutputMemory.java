package io.sluice.compute.publish;

import java.lang.foreign.MemorySegment;

/** Memory for shards on their way into the store: bounded, and whoever wants some waits for it. */
public interface OutputMemory {
  /** The bound: the largest loan. */
  long bytes();

  /**
   * Waits for memory.
   *
   * @throws io.sluice.model.SluiceException of kind CAPACITY if {@code bytes} exceed the bound
   */
  Loan acquire(long bytes) throws InterruptedException;

  /** Memory on loan. */
  interface Loan extends AutoCloseable {
    /** At least as many bytes as were asked for, of any content. */
    MemorySegment segment();

    @Override
    void close();
  }
}
