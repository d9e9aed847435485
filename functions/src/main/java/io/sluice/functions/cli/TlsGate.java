package io.sluice.functions.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import org.jboss.logging.Logger;

/**
 * TLS in front of a server on this machine that has none: ends the connections of clients and
 * passes their bytes on. Its certificate is made for the occasion, for 127.0.0.1, and trusted by
 * whoever is started with {@link #trust}.
 */
final class TlsGate implements AutoCloseable {
  private static final Logger LOG = Logger.getLogger(TlsGate.class);
  private static final String HOST = "127.0.0.1";
  private static final int BLOCK = 128 << 10;

  private final InetSocketAddress target;
  private final SSLServerSocket server;
  private final Path keys;
  private final String password;
  private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
  private volatile boolean closed;

  private TlsGate(InetSocketAddress target, SSLServerSocket server, Path keys, String password) {
    this.target = target;
    this.server = server;
    this.keys = keys;
    this.password = password;
  }

  /**
   * Opens a gate on a free port.
   *
   * @param target where the bytes go, {@code http://host:port}
   * @param folder where its key is kept
   */
  static TlsGate open(URI target, Path folder) throws IOException, InterruptedException {
    Path keys = folder.resolve("tls.p12");
    String password = UUID.randomUUID().toString();
    makeKey(keys, password);
    SSLServerSocket server;
    try {
      KeyStore store = KeyStore.getInstance(keys.toFile(), password.toCharArray());
      KeyManagerFactory managers =
          KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
      managers.init(store, password.toCharArray());
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(managers.getKeyManagers(), null, null);
      server =
          (SSLServerSocket)
              context
                  .getServerSocketFactory()
                  .createServerSocket(0, 1024, InetAddress.getByName(HOST));
    } catch (GeneralSecurityException e) {
      throw new IOException("cannot serve TLS with the key of " + keys, e);
    }
    TlsGate gate =
        new TlsGate(
            new InetSocketAddress(target.getHost(), target.getPort()), server, keys, password);
    Thread.ofPlatform().daemon().name("tls-gate").start(gate::accept);
    return gate;
  }

  /** With the tool of the JDK, since its libraries sign no certificates. */
  private static void makeKey(Path keys, String password) throws IOException, InterruptedException {
    Path own = Path.of(System.getProperty("java.home", ""), "bin", "keytool");
    List<String> command =
        List.of(
            Files.isExecutable(own) ? own.toString() : "keytool",
            "-genkeypair",
            "-alias",
            "gate",
            "-keyalg",
            "EC",
            "-groupname",
            "secp256r1",
            "-dname",
            "CN=" + HOST,
            "-ext",
            "SAN=ip:" + HOST,
            "-validity",
            "2",
            "-storetype",
            "PKCS12",
            "-keystore",
            keys.toString(),
            "-storepass",
            password);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String said = new String(process.getInputStream().readAllBytes());
    if (process.waitFor() != 0) {
      throw new IOException("keytool cannot make a key: " + said.strip());
    }
  }

  /** Where clients connect to. */
  URI endpoint() {
    return URI.create("https://" + HOST + ":" + server.getLocalPort());
  }

  /** Words for a program of Java, or a native one of ours, to trust the certificate. */
  List<String> trust() {
    return List.of(
        "-Djavax.net.ssl.trustStore=" + keys,
        "-Djavax.net.ssl.trustStoreType=PKCS12",
        "-Djavax.net.ssl.trustStorePassword=" + password);
  }

  private void accept() {
    while (!closed) {
      try {
        Socket client = server.accept();
        Thread.ofPlatform().daemon().name("tls-gate-in").start(() -> connect(client));
      } catch (IOException e) {
        if (!closed) {
          LOG.warnf("the TLS gate accepts no more connections: %s", e.getMessage());
        }
        return;
      }
    }
  }

  /** Passes on what the client sends, and lets another thread pass on what it gets. */
  private void connect(Socket client) {
    Socket plain = new Socket();
    sockets.add(client);
    sockets.add(plain);
    try {
      plain.connect(target);
      plain.setTcpNoDelay(true);
      client.setTcpNoDelay(true);
      Thread.ofPlatform().daemon().name("tls-gate-out").start(() -> pass(plain, client));
    } catch (IOException e) {
      LOG.debugf("the TLS gate cannot reach %s: %s", target, e.getMessage());
      end(client, plain);
      return;
    }
    pass(client, plain);
  }

  /** Until either side ends; then both do. */
  private void pass(Socket from, Socket to) {
    byte[] block = new byte[BLOCK];
    try {
      InputStream in = from.getInputStream();
      OutputStream out = to.getOutputStream();
      for (int count = in.read(block); count >= 0; count = in.read(block)) {
        out.write(block, 0, count);
      }
    } catch (IOException e) {
      LOG.debugf("a connection of the TLS gate broke: %s", e.getMessage());
    } finally {
      end(from, to);
    }
  }

  private void end(Socket... ended) {
    for (Socket socket : ended) {
      sockets.remove(socket);
      try {
        socket.close();
      } catch (IOException e) {
        LOG.debugf("a connection of the TLS gate was gone: %s", e.getMessage());
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    try {
      server.close();
    } catch (IOException e) {
      LOG.debugf("the TLS gate was closed: %s", e.getMessage());
    }
    end(sockets.toArray(Socket[]::new));
  }
}
