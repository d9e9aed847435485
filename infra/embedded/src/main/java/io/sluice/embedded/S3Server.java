package io.sluice.embedded;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import org.gaul.s3proxy.S3Proxy;
import org.gaul.s3proxy.auth.AuthenticationType;
import org.gaul.s3proxy.nio2blob.FilesystemNio2BlobStore;

/** S3 over a directory, by S3Proxy. It checks signatures (Signature Version 4 only). */
final class S3Server implements AutoCloseable {
  /**
   * The largest body signed as a whole by its SHA-256. S3Proxy buffers such a body in memory to
   * check it before a byte is stored; bodies signed in chunks or left unsigned are streamed, of any
   * size.
   */
  private static final long MAX_BUFFERED_BODY = 1L << 30;

  private final S3Proxy proxy;
  private final FilesystemNio2BlobStore store;
  private boolean open = true;

  private S3Server(S3Proxy proxy, FilesystemNio2BlobStore store) {
    this.proxy = proxy;
    this.store = store;
  }

  /**
   * @param objects an absolute path (S3Proxy lists nothing under a relative one); created if absent
   * @param port 0 for any free one
   */
  static S3Server start(Path objects, String bucket, int port, Options.Credentials credentials)
      throws IOException {
    requireWritable(objects);
    UnfinishedFiles.delete(objects);
    if (port != 0) {
      Loopback.requireFree("S3", port);
    }
    FilesystemNio2BlobStore store = new FilesystemNio2BlobStore(objects.toString());
    if (!store.containerExists(bucket)) {
      store.createContainer(bucket);
    }
    S3Proxy proxy =
        S3Proxy.builder()
            .blobStore(store)
            .endpoint(URI.create("http://" + Loopback.HOST + ":" + port))
            .awsAuthentication(
                AuthenticationType.AWS_V4, credentials.accessKey(), credentials.secretKey())
            .ignoreUnknownHeaders(true)
            .v4MaxNonChunkedRequestSize(
                Math.min(MAX_BUFFERED_BODY, Runtime.getRuntime().maxMemory() / 4))
            .stopTimeout(0) // do not wait for idle keep-alive connections
            .build();
    S3Server server = new S3Server(proxy, store);
    try {
      proxy.start();
    } catch (Exception e) { // all that S3Proxy declares
      server.close();
      throw new IOException(
          "S3 cannot start on " + Loopback.HOST + ":" + port + ": " + e.getMessage(), e);
    }
    return server;
  }

  private static void requireWritable(Path directory) throws IOException {
    try {
      Files.createDirectories(directory);
      Files.delete(Files.createTempFile(directory, ".writable-", ""));
    } catch (IOException e) {
      throw new IOException("data directory " + directory + " cannot be written: " + e, e);
    }
  }

  int port() {
    return proxy.getPort();
  }

  @Override
  public void close() throws IOException {
    if (!open) {
      return;
    }
    open = false;
    try {
      proxy.stop();
    } catch (Exception e) { // all that S3Proxy declares
      throw new IOException("S3 did not stop: " + e.getMessage(), e);
    } finally {
      store.close();
    }
  }
}
