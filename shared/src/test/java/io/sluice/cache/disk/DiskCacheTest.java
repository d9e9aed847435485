package io.sluice.cache.disk;

import static io.sluice.Eventually.eventually;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.cache.CacheException;
import io.sluice.cache.CacheKit;
import io.sluice.cache.ChunkCache;
import io.sluice.model.Digest;
import io.sluice.redis.TestSignals;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DiskCacheTest extends CacheKit {
  @TempDir Path root;

  private final AtomicReference<Instant> now = new AtomicReference<>(Instant.now());

  @Override
  protected ChunkCache open() {
    InstantSource clock = () -> now.updateAndGet(t -> t.plusMillis(1));
    return new DiskCache(root, bound(), clock);
  }

  @Override
  protected boolean hasServer() {
    return false;
  }

  @Override
  protected void corrupt(Chunk chunk) {
    Path file = fileOf(chunk);
    try {
      byte[] bytes = Files.readAllBytes(file);
      bytes[bytes.length / 2] ^= 1;
      Files.write(file, bytes);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path fileOf(Chunk chunk) {
    return files().stream()
        .filter(f -> f.getFileName().toString().equals(chunk.key().text()))
        .findFirst()
        .orElseThrow();
  }

  private List<Path> files() {
    try (Stream<Path> all = Files.walk(root)) {
      return all.filter(Files::isRegularFile)
          .filter(f -> !f.getFileName().toString().equals("ledger"))
          .toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private long bytesOnDisk() {
    return files().stream()
        .mapToLong(
            f -> {
              try {
                return Files.size(f);
              } catch (IOException e) {
                throw new UncheckedIOException(e);
              }
            })
        .sum();
  }

  private boolean get(Chunk chunk) {
    return cache().get(chunk.key(), MemorySegment.ofArray(new byte[chunk.key().length()]));
  }

  @Test
  void whatWasUsedLastStays() {
    List<Chunk> chunks = new ArrayList<>();
    for (int i = 0; i < 16; i++) {
      chunks.add(chunk(1 << 20));
      give(cache(), chunks.getLast());
    }
    assertThat(get(chunks.get(0))).isTrue();
    assertThat(get(chunks.get(3))).isTrue();
    give(cache(), chunk(1 << 20));
    assertThat(get(chunks.get(0))).isTrue();
    assertThat(get(chunks.get(3))).isTrue();
    assertThat(get(chunks.get(1))).isFalse();
    assertThat(bytesOnDisk()).isEqualTo(((DiskCache) cache()).usedBytes());
  }

  @Test
  void aFileThatWasCutShortIsAMissAndDropped() throws IOException {
    Chunk chunk = chunk(5000);
    give(cache(), chunk);
    Path file = fileOf(chunk);
    Files.write(file, new byte[4999]);
    assertThat(get(chunk)).isFalse();
    assertThat(file).doesNotExist();
    give(cache(), chunk);
    assertThat(get(chunk)).isTrue();
  }

  @Test
  void rubbishIsLeftAloneWhileItMayBeSomebodysAndThenDeleted() throws IOException {
    Path home = root.resolve("sluice-chunks");
    Path foreign = Files.writeString(root.resolve("mine.txt"), "not the cache's");
    Path left = Files.write(home.resolve("incoming/left-by-a-killed-process"), new byte[3000]);
    Files.createDirectories(home.resolve("v1/zz"));
    Path odd = Files.writeString(home.resolve("v1/zz/README"), "odd");
    FileTime now = FileTime.from(this.now.get());
    Files.setLastModifiedTime(left, now);
    Files.setLastModifiedTime(odd, now);
    new DiskCache(root, bound(), this.now::get).close();
    assertThat(left).exists();
    assertThat(((DiskCache) cache()).usedBytes()).isEqualTo(3003);
    this.now.updateAndGet(t -> t.plus(Ledger.ABANDONED).plusSeconds(1));
    new DiskCache(root, bound(), this.now::get).close();
    assertThat(left).doesNotExist();
    assertThat(odd).doesNotExist();
    assertThat(foreign).exists();
    assertThat(((DiskCache) cache()).usedBytes()).isZero();
  }

  @Test
  void aLedgerOfNonsenseIsCountedAnew() throws IOException {
    Chunk chunk = chunk(7000);
    give(cache(), chunk);
    Files.writeString(root.resolve("sluice-chunks/ledger"), "nonsense that is too long");
    assertThat(((DiskCache) cache()).usedBytes()).isEqualTo(7000);
    Files.write(root.resolve("sluice-chunks/ledger"), new byte[] {-1, 0, 0, 0, 0, 0, 0, 0});
    assertThat(((DiskCache) cache()).usedBytes()).isEqualTo(7000);
    assertThat(get(chunk)).isTrue();
  }

  @Test
  void aCountThatIsTooHighIsPutRightWhenRoomIsNeeded() throws IOException {
    Chunk chunk = chunk(7000);
    give(cache(), chunk);
    byte[] full = java.nio.ByteBuffer.allocate(8).putLong(bound()).array();
    Files.write(root.resolve("sluice-chunks/ledger"), full);
    give(cache(), chunk(1000));
    assertThat(get(chunk)).isTrue();
    assertThat(((DiskCache) cache()).usedBytes()).isEqualTo(8000);
  }

  @Test
  void aFolderThatIsAFileIsRefused() throws IOException {
    Path file = Files.writeString(root.resolve("file"), "");
    assertThatThrownBy(() -> new DiskCache(file, bound()))
        .isInstanceOf(CacheException.class)
        .hasMessageContaining(file.toString());
  }

  @Test
  void processesThatShareAFolderAndAreKilledLeaveItWholeAndWithinItsBound() throws Exception {
    // Three rounds: writers are killed while they write, at moments that nobody has chosen.
    for (int round = 0; round < 3; round++) {
      List<Process> writers = new ArrayList<>();
      try {
        for (int i = 0; i < 3; i++) {
          writers.add(writer(100 + i % 2, List.of()));
        }
        for (Process writer : writers) {
          awaitLines(writer, 30 + 7 * round);
        }
        // Files that come and go while they are added up would be more than are ever there, and
        // a process that is told to stop may finish what it is at.
        for (Process writer : writers) {
          TestSignals.stop(writer.pid());
        }
        eventually("files within the bound", () -> bytesOnDisk() <= bound());
      } finally {
        for (Process writer : writers) {
          writer.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
        }
      }
      assertThat(bytesOnDisk()).isLessThanOrEqualTo(bound());
    }
    // Every file that has the name of a chunk is that chunk: these shards have one chunk each.
    int found = 0;
    for (Path file : files()) {
      String name = file.getFileName().toString();
      if (name.length() > 64 && name.charAt(64) == '-') {
        byte[] bytes = Files.readAllBytes(file);
        assertThat(name).isEqualTo(Digest.sha256(bytes).hex() + "-0-" + bytes.length);
        found++;
      }
    }
    assertThat(found).isPositive();
    // And it still takes new ones.
    Chunk chunk = chunk(1 << 20);
    give(cache(), chunk);
    assertThat(get(chunk)).isTrue();
    assertThat(bytesOnDisk()).isLessThanOrEqualTo(bound());
  }

  @Test
  void aDiskThatIsFullCanStillBeReadAndLeavesNoRubbish() throws Exception {
    // A process that may write files of 512 KiB at most: the system refuses larger ones.
    Process writer = writer(200, List.of("bash", "-c", "ulimit -f 512; exec \"$0\" \"$@\""));
    try {
      List<String> lines = awaitLines(writer, 40);
      assertThat(lines).contains("ERROR", "STORED");
    } finally {
      writer.destroyForcibly().waitFor(10, TimeUnit.SECONDS);
    }
    assertThat(files())
        .allSatisfy(file -> assertThat(Files.size(file)).isLessThanOrEqualTo(512 << 10));
  }

  private Process writer(int seed, List<String> wrapper) throws IOException {
    List<String> command = new ArrayList<>(wrapper);
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xmx128m",
            "-XX:TieredStopAtLevel=1",
            "-XX:-UsePerfData",
            "-cp",
            System.getProperty("java.class.path"),
            DiskWriter.class.getName(),
            root.toString(),
            Integer.toString(bound()),
            Integer.toString(seed)));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static List<String> awaitLines(Process process, int count) throws IOException {
    List<String> lines = new ArrayList<>();
    BufferedReader reader =
        new BufferedReader(
            new java.io.InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    while (lines.size() < count) {
      String line = reader.readLine();
      if (line == null) {
        throw new AssertionError("the writer has ended:\n" + String.join("\n", lines));
      }
      lines.add(line);
    }
    return lines;
  }
}
