package io.sluice.functions.wiring;

import io.sluice.compute.publish.OutputMemory;
import io.sluice.upload.TransferMemory;
import java.lang.foreign.MemorySegment;

/** What computations store waits for the same memory as what is uploaded. */
final class TransferOutput implements OutputMemory {
  private final TransferMemory memory;

  TransferOutput(TransferMemory memory) {
    this.memory = memory;
  }

  @Override
  public long bytes() {
    return memory.bytes();
  }

  @Override
  public Loan acquire(long bytes) throws InterruptedException {
    TransferMemory.Buffer buffer = memory.acquire(bytes);
    return new Loan() {
      @Override
      public MemorySegment segment() {
        return buffer.segment();
      }

      @Override
      public void close() {
        buffer.close();
      }
    };
  }
}
