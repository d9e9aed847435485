package io.sluice.pull;

import io.sluice.manifest.ModelManifest;
import io.sluice.model.ByteRange;
import io.sluice.model.Keys;
import io.sluice.model.ShardDescriptor;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * A shard or skeleton, and where its bytes belong.
 *
 * @param key its key in the store
 * @param descriptor its size and checksums
 * @param extents in order of offset; two of them are the same bytes or share none
 */
record StoredObject(String key, ShardDescriptor descriptor, List<Extent> extents) {
  /**
   * Bytes of an object that belong into a file.
   *
   * @param offset where they start in the object
   * @param length how many they are
   * @param file index of the file
   * @param position where they start in the file
   */
  record Extent(long offset, long length, int file, long position) {
    long end() {
      return offset + length;
    }
  }

  /** Every object of a version with every byte of every file. */
  static List<StoredObject> of(ModelManifest manifest) {
    Map<String, List<Extent>> extents = new LinkedHashMap<>();
    manifest.objects().keySet().forEach(key -> extents.put(key, new ArrayList<>()));
    int next = 0;
    for (int file = 0; file < manifest.files().size(); file++) {
      List<ByteRange> gaps = new ArrayList<>();
      long end = 0;
      for (; next < manifest.tensors().size(); next++) {
        ModelManifest.Tensor tensor = manifest.tensors().get(next);
        if (tensor.file() != file) {
          break;
        }
        // A tensor that shares its bytes with the one before lies where that one ends.
        if (tensor.info().bytes() > 0 && tensor.fileOffset() >= end) {
          gaps.add(ByteRange.between(end, tensor.fileOffset()));
          end = tensor.fileOffset() + tensor.info().bytes();
          addPieces(manifest, tensor, extents);
        }
      }
      gaps.add(ByteRange.between(end, manifest.files().get(file).size()));
      addSkeleton(manifest, file, gaps, extents);
    }
    List<StoredObject> objects = new ArrayList<>();
    manifest
        .objects()
        .forEach(
            (key, descriptor) -> {
              List<Extent> list = extents.get(key);
              list.sort(Comparator.comparingLong(Extent::offset));
              objects.add(new StoredObject(key, descriptor, list));
            });
    return objects;
  }

  /** The extents that share bytes with a range of the object, in order. */
  List<Extent> overlapping(ByteRange range) {
    int low = 0;
    int high = extents.size();
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (extents.get(middle).end() <= range.offset()) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    int to = low;
    while (to < extents.size() && extents.get(to).offset() < range.end()) {
      to++;
    }
    return extents.subList(low, to);
  }

  private static void addPieces(
      ModelManifest manifest, ModelManifest.Tensor tensor, Map<String, List<Extent>> extents) {
    long position = tensor.fileOffset();
    for (ModelManifest.Piece piece : tensor.pieces()) {
      String key = Keys.shard(manifest.shards().get(piece.shard()).digest());
      extents.get(key).add(new Extent(piece.offset(), piece.length(), tensor.file(), position));
      position += piece.length();
    }
  }

  private static void addSkeleton(
      ModelManifest manifest, int file, List<ByteRange> gaps, Map<String, List<Extent>> extents) {
    manifest
        .files()
        .get(file)
        .skeleton()
        .ifPresent(
            skeleton -> {
              List<Extent> list = extents.get(Keys.skeleton(skeleton.digest()));
              long offset = 0;
              for (ByteRange gap : gaps) {
                if (gap.length() > 0) {
                  list.add(new Extent(offset, gap.length(), file, gap.offset()));
                  offset += gap.length();
                }
              }
            });
  }
}
