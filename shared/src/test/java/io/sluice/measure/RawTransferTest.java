package io.sluice.measure;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.embedded.EmbeddedStack;
import io.sluice.model.ContentHasher;
import io.sluice.model.Digest;
import io.sluice.model.Keys;
import io.sluice.model.ShardDescriptor;
import io.sluice.storage.S3Fixture;
import io.sluice.storage.ShardStore;
import io.sluice.storage.s3.S3ShardStore;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.s3.S3Client;

/** Raw sockets against the embedded S3, which checks signatures. */
class RawTransferTest {
  private static final int CHUNK = 1 << 20;
  private static final int SHARD = 3 * CHUNK + 123;

  private final EmbeddedStack.S3 server = S3Fixture.server();
  private final StoreAccess access =
      new StoreAccess(
              server.endpoint(),
              true,
              server.region(),
              server.bucket(),
              "measure/",
              server.accessKey(),
              server.secretKey(),
              "")
          .below(UUID.randomUUID() + "/");

  @TempDir Path folder;

  private ShardStore store() {
    S3Client client = S3Fixture.client();
    return new S3ShardStore(client, access.bucket(), access.prefix());
  }

  private List<ShardDescriptor> store(ShardStore store, int count) {
    List<ShardDescriptor> shards = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      MemorySegment bytes = MemorySegment.ofArray(new byte[SHARD]);
      GeneratedBytes.fill(i, 0, bytes);
      ContentHasher hasher = new ContentHasher(SHARD, CHUNK);
      hasher.update(bytes);
      ShardDescriptor shard = hasher.finish();
      store.putIfAbsent(Keys.shard(shard.digest()), bytes);
      shards.add(shard);
    }
    return shards;
  }

  @Test
  void aRangeArrivesInMemory() throws IOException {
    try (ShardStore store = store();
        Arena arena = Arena.ofConfined()) {
      ShardDescriptor shard = store(store, 1).getFirst();
      MemorySegment expected = arena.allocate(SHARD);
      GeneratedBytes.fill(0, 0, expected);
      var url = new PresignedUrls(access).of("GET", Keys.shard(shard.digest()));
      try (RawConnection connection = RawConnection.open(url)) {
        for (long[] range : new long[][] {{0, SHARD}, {5, 1}, {CHUNK, CHUNK}, {SHARD - 9, 9}}) {
          MemorySegment target = arena.allocate(range[1]);
          connection.get(url, range[0], target);
          assertThat(target.mismatch(expected.asSlice(range[0], range[1]))).isEqualTo(-1);
        }
      }
    }
  }

  @Test
  void aRefusalIsAnError() throws IOException {
    var url = new PresignedUrls(access).of("GET", "missing");
    try (RawConnection connection = RawConnection.open(url);
        Arena arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> connection.get(url, 0, arena.allocate(8)))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("404");
    }
    var other = new PresignedUrls(access).of("PUT", "missing"); // signed for another method
    try (RawConnection connection = RawConnection.open(other);
        Arena arena = Arena.ofConfined()) {
      assertThatThrownBy(() -> connection.get(other, 0, arena.allocate(8)))
          .isInstanceOf(IOException.class)
          .hasMessageContaining("403");
    }
  }

  @Test
  void aFileIsStoredAndDeleted() throws IOException {
    Path file = folder.resolve("file");
    byte[] bytes = new byte[SHARD];
    GeneratedBytes.fill(7, 0, MemorySegment.ofArray(bytes));
    Files.write(file, bytes);
    PresignedUrls signed = new PresignedUrls(access);
    try (ShardStore store = store();
        FileChannel channel = FileChannel.open(file);
        RawConnection connection = RawConnection.open(signed.of("PUT", "object"))) {
      connection.put(signed.of("PUT", "object"), channel, 100, SHARD - 100);
      byte[] read = new byte[SHARD - 100];
      store.read(
          "object",
          java.util.Optional.empty(),
          new io.sluice.model.ByteRange(0, read.length),
          MemorySegment.ofArray(read));
      assertThat(read).isEqualTo(java.util.Arrays.copyOfRange(bytes, 100, SHARD));
      connection.delete(signed.of("DELETE", "object"));
      List<String> left = new ArrayList<>();
      store.list("", object -> left.add(object.key()));
      assertThat(left).isEmpty();
    }
  }

  @Test
  void aReaderIsMeasuredAsAProcessWouldBe() throws IOException {
    try (ShardStore store = store()) {
      List<ShardDescriptor> shards = store(store, 3);
      TransferSpec spec = new TransferSpec(access, 2, shards);
      String work = spec.toJson().toString();
      assertThat(TransferSpec.read(new ObjectMapper().readTree(work))).isEqualTo(spec);
      StringWriter said = new StringWriter();
      int exit =
          SubjectProcess.serve(
              new ByteArrayInputStream(
                  (work + "\nround\nround\n").getBytes(StandardCharsets.UTF_8)),
              new PrintWriter(said),
              json -> new RawReader(TransferSpec.read(json)));
      assertThat(exit).isZero();
      List<String> lines = said.toString().lines().toList();
      assertThat(lines).hasSize(3);
      assertThat(lines.getFirst()).isEqualTo("{\"ready\":true}");
      for (String line : lines.subList(1, 3)) {
        Round round = Round.read(new ObjectMapper().readTree(line));
        assertThat(round.bytes()).isEqualTo(3L * SHARD).isEqualTo(round.storeBytes());
        assertThat(round.requests()).isEqualTo(12);
        assertThat(round.seconds()).isPositive();
        assertThat(round.cpuSeconds()).isNotNegative();
        assertThat(round.peakBytes())
            .satisfiesAnyOf(
                peak -> assertThat(peak).isEqualTo(-1),
                peak -> assertThat(peak).isGreaterThanOrEqualTo(3L * SHARD));
      }
    }
  }

  @Test
  void aWriterStoresTheWholeFileAndTidiesUp() throws Exception {
    Path file = folder.resolve("file");
    Files.write(file, new byte[SHARD]);
    ObjectNode work =
        JsonNodeFactory.instance
            .objectNode()
            .put("path", file.toString())
            .put("shardBytes", CHUNK)
            .put("connections", 3);
    work.set("access", access.toJson());
    try (RawWriter writer = new RawWriter(work);
        ShardStore store = store()) {
      Round round = writer.round();
      assertThat(round.bytes()).isEqualTo(SHARD);
      assertThat(round.requests()).isEqualTo(4);
      List<String> left = new ArrayList<>();
      store.list("", object -> left.add(object.key()));
      assertThat(left).isEmpty();
    }
  }

  @Test
  void whatFailsIsTold() throws IOException {
    TransferSpec spec =
        new TransferSpec(
            access,
            1,
            List.of(
                new ShardDescriptor(
                    Digest.sha256(new byte[] {1}),
                    new io.sluice.model.ChunkChecksums(8, 8, new int[1]))));
    StringWriter said = new StringWriter();
    int exit =
        SubjectProcess.serve(
            new ByteArrayInputStream(
                (spec.toJson() + "\nround\n").getBytes(StandardCharsets.UTF_8)),
            new PrintWriter(said),
            json -> new RawReader(TransferSpec.read(json)));
    assertThat(exit).isEqualTo(1);
    assertThat(said.toString()).contains("\"error\"").contains("404");
    assertThat(spec.toString()).doesNotContain(access.secretKey());
  }
}
