package io.sluice.pull;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Runs tasks side by side, each with a block of memory of its own; as many as there are blocks. The
 * first failure stops the rest.
 */
final class BlockWindow implements AutoCloseable {
  /** A task. */
  @FunctionalInterface
  interface Task {
    void run(MemorySegment block) throws IOException;
  }

  private final BlockingQueue<MemorySegment> blocks;
  private final int count;
  private final Set<Thread> running = ConcurrentHashMap.newKeySet();
  private final AtomicReference<Throwable> failure = new AtomicReference<>();
  private volatile boolean closed;

  BlockWindow(int count, int blockBytes) {
    this.count = count;
    this.blocks = new ArrayBlockingQueue<>(count);
    for (int i = 0; i < count; i++) {
      blocks.add(Arena.ofAuto().allocate(blockBytes, 64));
    }
  }

  /** Starts a task as soon as a block is free; throws the failure of an earlier one. */
  void submit(Task task) throws InterruptedException {
    MemorySegment block = blocks.take();
    if (failure.get() != null) {
      blocks.add(block);
      throwFailure();
    }
    Thread thread = Thread.ofVirtual().name("sluice-pull").unstarted(() -> run(task, block));
    running.add(thread);
    thread.start();
  }

  /** Waits for all tasks; throws the first failure. */
  void await() throws InterruptedException {
    awaitAll();
    throwFailure();
  }

  /** Stops what still runs: when this returns, nothing does any more. */
  @Override
  public void close() {
    closed = true;
    boolean interrupted = Thread.interrupted();
    running.forEach(Thread::interrupt);
    while (true) {
      try {
        awaitAll();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private void run(Task task, MemorySegment block) {
    try {
      if (failure.get() == null && !closed) {
        task.run(block);
      }
    } catch (IOException | RuntimeException | Error e) {
      failure.compareAndSet(null, e);
    } finally {
      running.remove(Thread.currentThread());
      blocks.add(block);
    }
  }

  /** All blocks are back: all tasks have ended. */
  private void awaitAll() throws InterruptedException {
    List<MemorySegment> back = new ArrayList<>();
    try {
      while (back.size() < count) {
        back.add(blocks.take());
      }
    } finally {
      blocks.addAll(back);
    }
  }

  private void throwFailure() {
    switch (failure.get()) {
      case null -> {
        // all is well
      }
      case RuntimeException e -> throw e;
      case Error e -> throw e;
      case IOException e -> throw PullException.of("cannot write the files", e);
      case Throwable e -> throw new IllegalStateException(e);
    }
  }
}
