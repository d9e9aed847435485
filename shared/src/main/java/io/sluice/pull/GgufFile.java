package io.sluice.pull;

import io.sluice.format.GgufWriter;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.Keys;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.TensorInfo;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.SequencedMap;

/**
 * The tensors of a version as a GGUF file.
 *
 * @param layout its header and where the tensors go
 * @param objects the shards with the places of their bytes in the file
 */
record GgufFile(GgufWriter.Layout layout, List<StoredObject> objects) {
  private static final int QUANTIZATION_VERSION = 2;

  static GgufFile of(ModelManifest manifest, String name) {
    List<ModelManifest.Tensor> tensors =
        manifest.tensors().stream()
            .filter(t -> !manifest.files().get(t.file()).format().equals("OPAQUE"))
            .toList();
    List<TensorInfo> infos = tensors.stream().map(ModelManifest.Tensor::info).toList();
    SequencedMap<String, Object> metadata = new LinkedHashMap<>();
    metadata.put("general.architecture", "sluice");
    metadata.put("general.name", name);
    metadata.put("general.quantization_version", QUANTIZATION_VERSION);
    GgufWriter.Layout layout = GgufWriter.layout(metadata, infos);
    List<List<StoredObject.Extent>> extents = new ArrayList<>();
    manifest.shards().forEach(shard -> extents.add(new ArrayList<>()));
    for (int i = 0; i < tensors.size(); i++) {
      long position = layout.offsets().get(i);
      for (ModelManifest.Piece piece : tensors.get(i).pieces()) {
        extents
            .get(piece.shard())
            .add(new StoredObject.Extent(piece.offset(), piece.length(), 0, position));
        position += piece.length();
      }
    }
    List<StoredObject> objects = new ArrayList<>();
    for (int i = 0; i < manifest.shards().size(); i++) {
      ShardDescriptor shard = manifest.shards().get(i);
      extents.get(i).sort(Comparator.comparingLong(StoredObject.Extent::offset));
      objects.add(new StoredObject(Keys.shard(shard.digest()), shard, extents.get(i)));
    }
    return new GgufFile(layout, objects);
  }

  /** Writes the header and makes the file as long as it will be, with zeros. */
  void begin(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      ByteBuffer header = ByteBuffer.wrap(layout.header());
      while (header.hasRemaining()) {
        channel.write(header);
      }
      if (channel.size() < layout.size()) {
        channel.write(ByteBuffer.allocate(1), layout.size() - 1);
      }
    }
  }
}
