package io.sluice.measure;

import com.sun.management.OperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;

/** What this process uses while it does something. */
public final class ProcessMeter {
  private static final Path STATUS = Path.of("/proc/self/status");
  private static final Path CLEAR = Path.of("/proc/self/clear_refs");

  private ProcessMeter() {}

  /**
   * What was transferred.
   *
   * @param bytes in all
   * @param requests that were sent
   * @param retries requests that were sent again
   * @param storeBytes bytes that came from or went to the store
   */
  public record Transferred(long bytes, long requests, long retries, long storeBytes) {}

  /** Runs a transfer and measures it; what others do in this process counts as well. */
  public static Round measure(Callable<Transferred> transfer) throws Exception {
    OperatingSystemMXBean system = ManagementFactory.getPlatformMXBean(OperatingSystemMXBean.class);
    boolean reset = resetPeak();
    long held = status("VmRSS:");
    long cpu = system.getProcessCpuTime();
    long start = System.nanoTime();
    Transferred done = transfer.call();
    long nanos = System.nanoTime() - start;
    long cpuNanos = system.getProcessCpuTime() - cpu;
    return new Round(
        done.bytes(),
        nanos / 1e9,
        cpuNanos / 1e9,
        reset ? status("VmHWM:") : -1,
        held,
        done.requests(),
        done.retries(),
        done.storeBytes());
  }

  /** Makes the kernel forget the largest resident set so far; only Linux can. */
  private static boolean resetPeak() {
    try {
      Files.writeString(CLEAR, "5");
      return true;
    } catch (IOException e) {
      return false; // told as an unknown peak
    }
  }

  private static long status(String field) {
    try {
      return Files.readAllLines(STATUS).stream()
          .filter(line -> line.startsWith(field))
          .mapToLong(line -> 1024 * Long.parseLong(line.replaceAll("[^0-9]", "")))
          .findFirst()
          .orElse(-1);
    } catch (IOException e) {
      return -1; // no /proc: told as unknown
    }
  }
}
