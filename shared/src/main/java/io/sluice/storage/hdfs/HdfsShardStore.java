package io.sluice.storage.hdfs;

import io.sluice.http.HttpAnswer;
import io.sluice.http.HttpFailure;
import io.sluice.http.HttpTransport;
import io.sluice.model.ByteRange;
import io.sluice.model.ErrorKind;
import io.sluice.storage.ObjectInfo;
import io.sluice.storage.ObjectKeys;
import io.sluice.storage.ReadObserver;
import io.sluice.storage.SegmentFiller;
import io.sluice.storage.ShardStore;
import io.sluice.storage.StorageException;
import io.sluice.storage.TransientStorageException;
import io.sluice.storage.UnfinishedWrite;
import io.sluice.storage.rest.RestErrors;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.function.BiConsumer;
import java.util.function.Consumer;

/**
 * Objects as files of HDFS below a root folder, over WebHDFS or HttpFS. They have their keys as
 * names, so that any other program finds them there ({@code hdfs dfs -get}); see {@link HdfsNames}
 * for the few characters that are written otherwise.
 *
 * <p>An object is written to a file in {@value HdfsNames#TEMP} below the root and renamed when it
 * is whole, by the rename that the name node refuses if the name is taken. A file keeps its number
 * when it is renamed, which tells who won if an answer got lost. What killed writers leave is
 * listed as unfinished.
 *
 * <p>A part of a key between slashes has at most 238 bytes, a colon or percent sign counting three.
 * A key that goes on behind a slash where another key ends cannot be stored: a file is no folder.
 * Folders stay when their objects are deleted.
 *
 * <p>Etags are made of size, time of modification and number of a file. A read that pins one asks
 * for it when the bytes are in place.
 */
public final class HdfsShardStore implements ShardStore {
  private final WebHdfs hdfs;
  private final HdfsNames names;
  private final String where;

  /**
   * @param transport stays open when this store is closed
   */
  public HdfsShardStore(HttpTransport transport, HdfsSettings settings) {
    this.hdfs = new WebHdfs(Objects.requireNonNull(transport, "transport"), settings);
    this.names = new HdfsNames(settings.root());
    this.where = "HDFS at " + settings.nameNodes();
  }

  /** A request that may fail. */
  private interface Request<T> {
    T ask() throws IOException;
  }

  private <T> T call(String key, Request<T> request) {
    try {
      return request.ask();
    } catch (IOException e) {
      throw HdfsErrors.translate(key, where, e);
    }
  }

  // ---- reading

  @Override
  public ObjectInfo head(String key) {
    String path = names.path(key);
    return look(key, path)
        .filter(WebHdfs.Status::file)
        .map(status -> info(key, status))
        .orElseThrow(() -> StorageException.missing(key, null));
  }

  /** What lies at a path, if anything does. */
  private Optional<WebHdfs.Status> look(String key, String path) {
    try {
      return Optional.of(hdfs.status(path));
    } catch (HdfsRefusal e) {
      if (e.is("FileNotFoundException") || e.isBehindFile()) {
        return Optional.empty();
      }
      throw HdfsErrors.translate(key, where, e);
    } catch (IOException e) {
      throw HdfsErrors.translate(key, where, e);
    }
  }

  private static ObjectInfo info(String key, WebHdfs.Status status) {
    return new ObjectInfo(
        key,
        status.length(),
        Long.toHexString(status.length())
            + "-"
            + Long.toHexString(status.modified())
            + "-"
            + Long.toHexString(status.id()),
        Instant.ofEpochMilli(status.modified()));
  }

  @Override
  public void read(
      String key,
      Optional<String> etag,
      ByteRange range,
      MemorySegment target,
      ReadObserver observer) {
    String path = names.path(key);
    new SegmentFiller(key, range, target); // checks the target
    if (range.length() == 0) {
      return;
    }
    long came = 0;
    try (HttpAnswer answer = hdfs.open(path, range.offset(), range.length())) {
      if (answer.length().orElse(range.length()) >= range.length()) {
        came = receive(key, answer, range, target, observer);
      }
    } catch (HdfsRefusal e) {
      if (!e.isBehindFile() && !e.says("out of the range") && e.status() != 416) {
        throw HdfsErrors.translate(key, where, e);
      }
      // Below it is found out what is there.
    } catch (IOException e) {
      throw HdfsErrors.translate(key, where, e);
    }
    if (came < range.length()) {
      ObjectInfo info = head(key);
      check(key, etag, info);
      if (range.end() > info.size()) {
        throw StorageException.rangeInvalid(key, range, info.size());
      }
      throw new TransientStorageException(
          key,
          came,
          "the body of object '" + key + "' ended " + (range.length() - came) + " bytes early",
          null);
    }
    if (etag.isPresent()) {
      // The number of a file is not used again: if it is the same now, it was when it was opened.
      check(key, etag, head(key));
    }
  }

  private long receive(
      String key, HttpAnswer answer, ByteRange range, MemorySegment target, ReadObserver observer) {
    try {
      return answer.receive(target.asSlice(0, range.length()), observer::received);
    } catch (HttpFailure e) {
      throw RestErrors.unanswered(key, e.received(), where, e);
    }
  }

  private static void check(String key, Optional<String> etag, ObjectInfo info) {
    if (etag.isPresent() && !etag.get().equals(info.etag())) {
      throw StorageException.changed(key, null);
    }
  }

  // ---- writing

  @Override
  public boolean putIfAbsent(String key, MemorySegment bytes) {
    String path = names.path(key);
    Optional<WebHdfs.Status> there = look(key, path);
    if (there.isPresent()) {
      if (there.get().folder()) {
        throw HdfsErrors.blocked(key, null);
      }
      return false;
    }
    String id = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
    String temp = names.tempPath(key, id);
    boolean renamed = false;
    try {
      write(key, temp, bytes);
      renamed = publish(key, temp, path, bytes.byteSize());
      return renamed;
    } finally {
      if (!renamed) {
        drop(key, temp);
      }
    }
  }

  private void write(String key, String temp, MemorySegment bytes) {
    try {
      hdfs.create(temp, bytes);
    } catch (HdfsRefusal e) {
      if (HdfsErrors.isWithoutPlace(e) && isFull(bytes.byteSize())) {
        throw StorageException.full(
            key, where + " has no room for the " + bytes.byteSize() + " bytes of '" + key + "'", e);
      }
      throw HdfsErrors.translate(key, where, e);
    } catch (IOException e) {
      throw HdfsErrors.translate(key, where, e);
    }
  }

  /** Whether it is for want of room that no data node took a block. */
  private boolean isFull(long length) {
    try {
      return hdfs.remaining() < length;
    } catch (IOException e) {
      return false; // then it is not known to be full: HttpFS and old releases do not tell
    }
  }

  /**
   * @return whether the file that was written has become the object
   */
  private boolean publish(String key, String temp, String path, long length) {
    WebHdfs.Status written = call(key, () -> hdfs.status(temp));
    if (written.length() != length) {
      throw new TransientStorageException(
          key,
          0,
          where
              + " stored "
              + written.length()
              + " of the "
              + length
              + " bytes of '"
              + key
              + "' and reported success",
          null);
    }
    try {
      rename(temp, path);
      return true;
    } catch (IOException e) {
      return published(key, path, written, e);
    }
  }

  private void rename(String temp, String path) throws IOException {
    try {
      hdfs.rename(temp, path);
    } catch (HdfsRefusal e) {
      if (!e.is("FileNotFoundException")) {
        throw e;
      }
      hdfs.makeFolder(path.substring(0, Math.max(1, path.lastIndexOf('/'))));
      hdfs.rename(temp, path);
    }
  }

  /** Finds out what became of a rename that did not succeed, or of which the answer got lost. */
  private boolean published(String key, String path, WebHdfs.Status written, IOException failure) {
    Optional<WebHdfs.Status> there = look(key, path);
    if (there.isPresent() && there.get().file()) {
      return written.id() != 0 && there.get().id() == written.id();
    }
    if (there.isPresent()) {
      throw HdfsErrors.blocked(key, failure);
    }
    StorageException e = HdfsErrors.translate(key, where, failure);
    if (e.kind() == ErrorKind.MISSING) {
      // What was written is gone: somebody took it for left over.
      throw new TransientStorageException(
          key, 0, "the unfinished write of '" + key + "' was given up by another", failure);
    }
    throw e;
  }

  /** Deletes what did not become an object; the error that may be on its way says more. */
  private void drop(String key, String temp) {
    try {
      hdfs.delete(temp);
    } catch (IOException e) {
      // It stays listed as unfinished, where the garbage collection finds it.
    }
  }

  @Override
  public void delete(String key) {
    String path = names.path(key);
    try {
      hdfs.delete(path);
    } catch (HdfsRefusal e) {
      // A folder is no object, and behind a file there is none.
      if (!e.is("PathIsNotEmptyDirectoryException") && !e.isBehindFile()) {
        throw HdfsErrors.translate(key, where, e);
      }
    } catch (IOException e) {
      throw HdfsErrors.translate(key, where, e);
    }
  }

  // ---- listing

  @Override
  public void list(String prefix, Consumer<ObjectInfo> each) {
    ObjectKeys.checkPrefix(prefix);
    walk(
        prefix,
        names.folder(),
        (path, status) ->
            HdfsNames.key(path)
                .filter(key -> key.startsWith(prefix))
                .ifPresent(key -> each.accept(info(key, status))));
  }

  @Override
  public void unfinished(String prefix, Consumer<UnfinishedWrite> each) {
    ObjectKeys.checkPrefix(prefix);
    walk(
        prefix,
        names.temp(),
        (path, status) ->
            HdfsNames.tempKey(path)
                .filter(found -> found[0].startsWith(prefix))
                .ifPresent(
                    found ->
                        each.accept(
                            new UnfinishedWrite(
                                found[0], found[1], Instant.ofEpochMilli(status.modified())))));
  }

  @Override
  public void abandon(UnfinishedWrite write) {
    if (!write.id().matches("[0-9a-f]{16}")) {
      throw StorageException.invalid(
          "write-invalid", write.key(), "no unfinished write has the id '" + write.id() + "'");
    }
    String temp = names.tempPath(write.key(), write.id());
    call(
        write.key(),
        () -> {
          hdfs.delete(temp);
          return temp;
        });
  }

  /**
   * Calls with every file below a folder whose key may begin with a prefix, and its path from
   * there.
   */
  private void walk(String prefix, String folder, BiConsumer<String, WebHdfs.Status> each) {
    Deque<String> folders = new ArrayDeque<>();
    folders.push(HdfsNames.encode(prefix.substring(0, prefix.lastIndexOf('/') + 1)));
    while (!folders.isEmpty()) {
      String inner = folders.pop();
      String behind = "";
      for (boolean more = true; more; ) {
        WebHdfs.Page page = page(prefix, folder + "/" + inner, behind);
        for (WebHdfs.Status entry : page.entries()) {
          String path = inner + entry.name();
          if (entry.file()) {
            each.accept(path, entry);
          } else if (entry.folder() && leads(path, prefix)) {
            folders.push(path + "/");
          }
          behind = entry.name();
        }
        more = page.more();
      }
    }
  }

  private static boolean leads(String path, String prefix) {
    return HdfsNames.key(path)
        .map(key -> key + "/")
        .filter(key -> key.startsWith(prefix) || prefix.startsWith(key))
        .isPresent();
  }

  private WebHdfs.Page page(String key, String folder, String behind) {
    try {
      return hdfs.list(folder.replaceAll("/+$", ""), behind);
    } catch (HdfsRefusal e) {
      if (e.is("FileNotFoundException")) {
        return new WebHdfs.Page(List.of(), false); // deleted meanwhile, or never made
      }
      throw HdfsErrors.translate(key, where, e);
    } catch (IOException e) {
      throw HdfsErrors.translate(key, where, e);
    }
  }

  /** Does nothing: the transport belongs to who made it. */
  @Override
  public void close() {}

  @Override
  public String toString() {
    return where + " below " + names.folder();
  }
}
