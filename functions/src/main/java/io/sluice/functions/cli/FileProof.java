package io.sluice.functions.cli;

import io.sluice.model.Digest;
import io.sluice.source.FolderSource;
import io.sluice.storage.ObjectInfo;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * Compares files by their SHA-256, from scratch: it believes neither a manifest nor what upload and
 * pull have computed.
 *
 * @param path of the file
 * @param size bytes of the file that went in, -1 if there was none
 * @param before SHA-256 of the file that went in, if there was one
 * @param after SHA-256 of the file that came out, if there is one
 */
record FileProof(String path, long size, String before, String after) {
  /** A file that was seen. */
  record Seen(Path file, long size) {}

  boolean equal() {
    return before.equals(after);
  }

  /** The files of a folder, or the one file. */
  static Map<String, Seen> look(Path path) {
    Map<String, Seen> seen = new TreeMap<>();
    Path folder = Files.isRegularFile(path) ? path.toAbsolutePath().getParent() : path;
    try (FolderSource source = new FolderSource(path, real -> true)) {
      for (ObjectInfo file : source.files()) {
        seen.put(file.key(), new Seen(folder.resolve(file.key()), file.size()));
      }
    }
    return seen;
  }

  /** Compares what went in with what came out; a file that only one side has is not equal. */
  static List<FileProof> compare(Map<String, Seen> before, Path pulled) throws IOException {
    Map<String, Seen> after = look(pulled);
    TreeSet<String> paths = new TreeSet<>(before.keySet());
    paths.addAll(after.keySet());
    List<FileProof> proofs = new ArrayList<>();
    for (String path : paths) {
      Seen in = before.get(path);
      Seen out = after.get(path);
      proofs.add(
          new FileProof(
              path,
              in == null ? -1 : in.size(),
              in == null ? "" : sha256(in.file()),
              out == null ? "" : sha256(out.file())));
    }
    return proofs;
  }

  private static String sha256(Path file) throws IOException {
    MessageDigest digest = Digest.hasher();
    try (InputStream in = new DigestInputStream(Files.newInputStream(file), digest)) {
      byte[] buffer = new byte[1 << 20];
      while (in.read(buffer) >= 0) {
        // The stream feeds the digest.
      }
    }
    return Digest.of(digest.digest()).hex();
  }
}
