package io.sluice.source;

import io.sluice.model.ErrorKind;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ShardReader;
import io.sluice.storage.ShardStore;
import io.sluice.storage.StorageException;
import io.sluice.upload.ModelSource;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/** A model under a prefix of an object store. */
public final class StoreSource implements ModelSource {
  private final ShardStore store;
  private final String only;
  private final String name;

  /**
   * @param store its keys are the paths of the model
   * @param only if not empty, the single file that is wanted
   * @param name for messages
   */
  public StoreSource(ShardStore store, String only, String name) {
    this.store = store;
    this.only = only;
    this.name = name;
  }

  /**
   * {@inheritDoc}
   *
   * @throws StorageException MISSING if there is no file
   */
  @Override
  public List<ObjectInfo> files() {
    List<ObjectInfo> found = new ArrayList<>();
    if (only.isEmpty()) {
      store.list(
          "",
          info -> {
            // Consoles mark folders by empty objects whose key ends with a slash.
            if (!info.key().isEmpty() && !info.key().endsWith("/") && !hidden(info.key())) {
              found.add(info);
            }
            if (found.size() > FolderSource.MAX_FILES) {
              throw new StorageException(
                  ErrorKind.INVALID,
                  "source-too-large",
                  name,
                  name + " has more than " + FolderSource.MAX_FILES + " files",
                  null);
            }
          });
    } else {
      found.add(store.head(only));
    }
    found.sort(Comparator.comparing(ObjectInfo::key));
    if (found.isEmpty()) {
      throw new StorageException(
          ErrorKind.MISSING, "source-missing", name, "no object under " + name, null);
    }
    return List.copyOf(found);
  }

  @Override
  public ShardReader reader() {
    return store;
  }

  @Override
  public void close() {
    store.close();
  }

  private static boolean hidden(String key) {
    return key.startsWith(".") || key.contains("/.");
  }
}
