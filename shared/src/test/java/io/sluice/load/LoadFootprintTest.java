package io.sluice.load;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.embedded.EmbeddedStack;
import io.sluice.model.ContentHasher;
import io.sluice.model.Keys;
import io.sluice.model.ShardDescriptor;
import io.sluice.storage.RetryPolicy;
import io.sluice.storage.RetryingShardStore;
import io.sluice.storage.S3Fixture;
import io.sluice.storage.s3.S3ShardStore;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import software.amazon.awssdk.services.s3.S3Client;

/** A load takes the memory of what it loads, and little more: measured in a process of its own. */
class LoadFootprintTest {
  private static final int SHARD = 64 << 20;
  private static final int SHARDS = 8;
  private static final int CHUNK = 8 << 20;

  /** The kernel counts resident pages in batches. */
  private static final long SLACK = 4 << 20;

  /** Code, metadata and stacks that 512 MiB of loading leave behind. */
  private static final long FIXED = 64 << 20;

  @Test
  @EnabledOnOs(OS.LINUX)
  void thePeakIsWhatIsLoadedAndATenthAndSomethingFixed() throws Exception {
    EmbeddedStack.S3 s3 = S3Fixture.server();
    List<String> command =
        new ArrayList<>(
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                // All of the heap is resident before the load, however much of it is garbage.
                "-Xms96m",
                "-Xmx96m",
                "-XX:+AlwaysPreTouch",
                "-XX:+UseSerialGC",
                "--enable-native-access=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                LoadFootprint.class.getName(),
                s3.endpoint().toString(),
                s3.region(),
                s3.bucket(),
                s3.accessKey(),
                s3.secretKey(),
                String.valueOf(SHARD),
                String.valueOf(CHUNK)));
    List<String> keys = new ArrayList<>();
    try (S3Client client = S3Fixture.client()) {
      RetryingShardStore store =
          new RetryingShardStore(new S3ShardStore(client, s3.bucket(), ""), RetryPolicy.DEFAULT);
      byte[] bytes = new byte[SHARD];
      new Random(8).nextBytes(bytes);
      for (int i = 0; i < SHARDS; i++) {
        bytes[0] = (byte) i;
        ContentHasher hasher = new ContentHasher(SHARD, CHUNK);
        hasher.update(MemorySegment.ofArray(bytes));
        ShardDescriptor shard = hasher.finish();
        keys.add(Keys.shard(shard.digest()));
        store.putIfAbsent(keys.getLast(), MemorySegment.ofArray(bytes));
        command.add(shard.digest().toString());
        command.add(shard.checksums().toBase64());
      }
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor()).as(said).isZero();
      Matcher told = Pattern.compile("before=(\\d+) peak=(\\d+) loaded=(\\d+)").matcher(said);
      assertThat(told.find()).as(said).isTrue();
      long loaded = Long.parseLong(told.group(3));
      long grown = Long.parseLong(told.group(2)) - Long.parseLong(told.group(1));
      assertThat(loaded).isEqualTo((long) SHARDS * SHARD);
      System.out.printf("[measured] a load of %d MiB took %d MiB%n", loaded >> 20, grown >> 20);
      assertThat(grown).as(said).isBetween(loaded - SLACK, loaded + loaded / 10 + FIXED);
      keys.forEach(store::delete);
    }
  }
}
