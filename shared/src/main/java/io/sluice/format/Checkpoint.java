package io.sluice.format;

import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The files of one model, read: weights, configuration, tokenizer and whatever else lies with them.
 *
 * @param files layouts in order of path; paths are unique and sane, tensor names are unique across
 *     all files
 */
public record Checkpoint(List<FileLayout> files) {
  public Checkpoint {
    files = files.stream().sorted(Comparator.comparing(FileLayout::path)).toList();
    if (files.isEmpty()) {
      throw FormatException.malformed("checkpoint-empty", ".", "a model has at least one file");
    }
    Set<String> paths = HashSet.newHashSet(files.size());
    Set<String> names = new HashSet<>();
    for (FileLayout file : files) {
      Names.checkPath(file.path());
      if (!paths.add(file.path())) {
        throw FormatException.malformed(
            "path-duplicate", file.path(), "two files of the model have this path");
      }
      for (SourceTensor tensor : file.tensors()) {
        Names.checkTensor(file.path(), tensor.info().name());
        if (!names.add(tensor.info().name())) {
          throw FormatException.malformed(
              "tensor-name-duplicate",
              file.path(),
              "two tensors of the model are named '" + tensor.info().name() + "'");
        }
      }
    }
    for (String path : paths) {
      checkParents(path, paths);
    }
  }

  /** Bytes of all files. */
  public long bytes() {
    return files.stream().mapToLong(FileLayout::size).sum();
  }

  /** Number of tensors of all files. */
  public long tensorCount() {
    return files.stream().mapToLong(file -> file.tensors().size()).sum();
  }

  private static void checkParents(String path, Set<String> paths) {
    for (int slash = path.indexOf('/'); slash >= 0; slash = path.indexOf('/', slash + 1)) {
      if (paths.contains(path.substring(0, slash))) {
        throw FormatException.malformed(
            "path-duplicate", path, "'" + path.substring(0, slash) + "' is a file and a folder");
      }
    }
  }
}
