package io.sluice.storage.gluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.sluice.model.ByteRange;
import io.sluice.servers.GlusterServer;
import io.sluice.servers.RealServer;
import io.sluice.storage.ShardStore;
import io.sluice.storage.ShardStoreKit;
import io.sluice.storage.file.FileShardStore;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The file store on a mounted volume: the same contract, and the same objects as without a mount.
 */
class MountedGlusterTest extends ShardStoreKit {
  @TempDir static Path folder;
  private static GlusterServer server;
  private static ShardStore store;
  private static ShardStore mounted;

  @BeforeAll
  static void mount() {
    RealServer.GLUSTER.assumeThere();
    server = GlusterServer.start();
    store =
        new GlusterShardStore(
            GlusterSettings.of(server.volume(), GlusterSettings.server(server.address()))
                .below("models"));
    String answer = server.mount(folder);
    assumeThat(answer).as("SKIPPED: the volume cannot be mounted: %s", answer).isEqualTo("ok");
    store.putIfAbsent("first", MemorySegment.ofArray(new byte[1])); // makes the folder
    mounted = new FileShardStore(folder.resolve("models"));
  }

  @AfterAll
  static void unmount() {
    if (server != null) {
      server.unmount();
      server.close();
    }
  }

  @Override
  protected ShardStore store() {
    return mounted;
  }

  @Override
  protected boolean unicodeKeys() {
    return "UTF-8".equals(System.getProperty("sun.jnu.encoding"));
  }

  @Override
  protected int manyObjects() {
    return 200;
  }

  @Test
  void whatOneStoreWritesTheOtherReads() {
    mounted.putIfAbsent(base + "by-file", MemorySegment.ofArray(random(1000)));
    store.putIfAbsent(base + "by-library", MemorySegment.ofArray(random(2000)));
    for (ShardStore reader : List.of(store, mounted)) {
      assertThat(GlusterShardStoreTest.list(reader, base))
          .containsExactlyInAnyOrder(base + "by-file", base + "by-library");
      for (int size : new int[] {1000, 2000}) {
        byte[] read = new byte[size];
        reader.read(
            base + (size == 1000 ? "by-file" : "by-library"),
            Optional.empty(),
            new ByteRange(0, size),
            MemorySegment.ofArray(read));
        assertThat(read).isEqualTo(random(size));
      }
    }
  }
}
