package io.sluice.load;

import io.sluice.http.HttpTransport;
import io.sluice.http.TransportSettings;
import io.sluice.memory.HeldShards;
import io.sluice.memory.SlabPool;
import io.sluice.model.ByteRange;
import io.sluice.model.ChunkChecksums;
import io.sluice.model.Digest;
import io.sluice.model.Keys;
import io.sluice.model.ShardDescriptor;
import io.sluice.storage.RetryPolicy;
import io.sluice.storage.RetryingShardStore;
import io.sluice.storage.s3.S3ShardStore;
import io.sluice.storage.s3.S3Transport;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import software.amazon.awssdk.auth.credentials.AwsBasicCredentials;
import software.amazon.awssdk.auth.credentials.StaticCredentialsProvider;
import software.amazon.awssdk.core.checksums.RequestChecksumCalculation;
import software.amazon.awssdk.core.checksums.ResponseChecksumValidation;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.s3.S3Client;

/**
 * A process that loads shards and tells its resident memory before the load and its peak, as {@code
 * before=… peak=… loaded=…} in bytes. Started by {@link LoadFootprintTest}.
 *
 * <p>Arguments: endpoint, region, bucket, access key, secret key, size of a shard, size of a chunk;
 * then for each shard its digest and its checksums in base64.
 */
final class LoadFootprint {
  private LoadFootprint() {}

  public static void main(String[] args) throws Exception {
    long size = Long.parseLong(args[5]);
    int chunk = Integer.parseInt(args[6]);
    HttpTransport transport = new HttpTransport(TransportSettings.defaults());
    S3Client client =
        S3Transport.install(
                S3Client.builder()
                    .endpointOverride(URI.create(args[0]))
                    .region(Region.of(args[1]))
                    .credentialsProvider(
                        StaticCredentialsProvider.create(
                            AwsBasicCredentials.create(args[3], args[4])))
                    .forcePathStyle(true)
                    .requestChecksumCalculation(RequestChecksumCalculation.WHEN_REQUIRED)
                    .responseChecksumValidation(ResponseChecksumValidation.WHEN_REQUIRED),
                transport,
                false)
            .build();
    RetryingShardStore store =
        new RetryingShardStore(new S3ShardStore(client, args[2], ""), RetryPolicy.DEFAULT);
    List<ShardDescriptor> shards = new ArrayList<>();
    for (int i = 7; i < args.length; i += 2) {
      shards.add(
          new ShardDescriptor(
              Digest.parse(args[i]), ChunkChecksums.fromBase64(size, chunk, args[i + 1])));
    }
    store.head(Keys.shard(shards.getFirst().digest())); // classes and code are no part of it
    SlabPool pool = new SlabPool(shards.size() * size);
    ChunkReader chunks =
        new ChunkReader(store, ReadSettings.defaults(), Optional.of(pool), ReadMetrics.NONE);
    ShardLoader loader = new ShardLoader(chunks, pool, new HeldShards());
    Digest owner = Digest.sha256(new byte[0]);
    long before = resident("VmRSS:");
    List<Thread> threads = new ArrayList<>();
    for (ShardDescriptor shard : shards) {
      threads.add(
          Thread.ofVirtual()
              .start(
                  () -> {
                    try {
                      loader.load(owner, shard, List.of(new ByteRange(0, size)), n -> {});
                    } catch (InterruptedException e) {
                      throw new IllegalStateException(e);
                    }
                  }));
    }
    for (Thread thread : threads) {
      thread.join();
    }
    System.out.println(
        "before=" + before + " peak=" + resident("VmHWM:") + " loaded=" + pool.usedBytes());
    client.close();
    transport.close();
  }

  private static long resident(String field) throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith(field)) {
        return 1024 * Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    throw new IOException("no " + field);
  }
}
