package io.sluice.compute.publish;

import io.sluice.upload.TransferMemory;
import java.lang.foreign.MemorySegment;

/** Output memory of computations out of that of uploads, as the application has it. */
public record TransferLoans(TransferMemory memory) implements OutputMemory {
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
