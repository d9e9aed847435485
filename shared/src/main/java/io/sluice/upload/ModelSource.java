package io.sluice.upload;

import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ShardReader;
import java.util.List;

/** The files of a model that is to be uploaded, wherever they lie. */
public interface ModelSource extends AutoCloseable {
  /** Looks up the files, in order of path; a file's key is its path inside the model. */
  List<ObjectInfo> files();

  /** Reads the files by their path. */
  ShardReader reader();

  /** Frees connections. */
  @Override
  void close();
}
