package io.sluice.cache.disk;

import io.sluice.cache.CacheException;
import io.sluice.cache.ChunkKey;
import io.sluice.model.ContentHasher;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Random;

/** A process that fills a disk cache until it is killed, and says a word for each chunk. */
public final class DiskWriter {
  private DiskWriter() {}

  /** Folder, bound, seed. */
  public static void main(String[] args) {
    try (DiskCache cache = new DiskCache(Path.of(args[0]), Long.parseLong(args[1]))) {
      Random random = new Random(Long.parseLong(args[2]));
      while (true) {
        byte[] bytes = new byte[200_000 + random.nextInt(900_000)];
        random.nextBytes(bytes);
        ContentHasher hasher = new ContentHasher(bytes.length, bytes.length);
        hasher.update(MemorySegment.ofArray(bytes));
        ChunkKey key = ChunkKey.of(hasher.finish(), 0);
        try {
          System.out.println(cache.put(key, MemorySegment.ofArray(bytes)) ? "STORED" : "REFUSED");
        } catch (CacheException e) {
          System.out.println("ERROR");
        }
      }
    }
  }
}
