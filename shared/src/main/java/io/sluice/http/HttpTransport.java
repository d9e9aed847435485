package io.sluice.http;

import io.sluice.http.HttpFailure.Reason;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.SocketTimeoutException;
import java.net.StandardSocketOptions;
import java.net.UnknownHostException;
import java.nio.channels.SocketChannel;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;

/**
 * Sends requests over connections that are kept and used again. Calls block; as many run at once as
 * there are threads that call. Safe for many threads.
 *
 * <p>A kept connection that turns out to be dead before anything of the answer came is replaced by
 * a new one, once, if the request may be repeated or its body was not begun. Nothing else is
 * repeated, and no redirect followed: that is for adapters, who know what a request means.
 *
 * <p>Interrupting a thread ends its request and its connection.
 */
public final class HttpTransport implements AutoCloseable {
  private static final int MAX_TICK_MILLIS = 200;
  private static final int MIN_TICK_MILLIS = 10;

  private final TransportSettings settings;
  private final TransportMetrics metrics;
  private final Map<Origin, Deque<Connection>> idle = new HashMap<>();
  private final Set<Connection> active = ConcurrentHashMap.newKeySet();
  private final AtomicInteger nextAddress = new AtomicInteger();
  private Thread watch;
  private volatile boolean closed;

  public HttpTransport(TransportSettings settings) {
    this(settings, TransportMetrics.NONE);
  }

  public HttpTransport(TransportSettings settings, TransportMetrics metrics) {
    this.settings = Objects.requireNonNull(settings, "settings");
    this.metrics = Objects.requireNonNull(metrics, "metrics");
  }

  /**
   * Sends a request and waits for the head of its answer, whatever its status. The answer must be
   * closed.
   */
  public HttpAnswer send(HttpCall call) throws HttpFailure {
    long deadline = deadline(call.deadline());
    Connection kept = take(call.origin());
    if (kept != null) {
      try {
        return exchange(kept, call, deadline);
      } catch (HttpFailure e) {
        boolean dead = e.reason() == Reason.BROKEN && !kept.answerBegan();
        if (!dead || (kept.bodyBegan() && !call.repeatable())) {
          throw counted(call.origin(), e);
        }
        dropIdle(call.origin()); // they are older still
      }
    }
    try {
      return exchange(connect(call.origin(), deadline), call, deadline);
    } catch (HttpFailure e) {
      throw counted(call.origin(), e);
    }
  }

  private HttpFailure counted(Origin origin, HttpFailure e) {
    metrics.failed(origin, e.reason());
    return e;
  }

  private HttpAnswer exchange(Connection connection, HttpCall call, long deadline)
      throws HttpFailure {
    connection.begin(deadline);
    register(connection);
    boolean answered = false;
    try {
      AnswerHead head = connection.exchange(call, (int) settings.continueTimeout().toMillis());
      answered = true;
      metrics.answered(call.origin(), head.status());
      return new HttpAnswer(
          this, connection, head, call.method().equals("HEAD"), settings.maxHead());
    } finally {
      if (!answered) {
        release(connection, false);
      }
    }
  }

  void failed(Origin origin, Reason reason) {
    metrics.failed(origin, reason);
  }

  /** Takes a connection back, to keep or to end it. */
  void release(Connection connection, boolean reusable) {
    active.remove(connection);
    connection.end();
    long now = System.nanoTime();
    if (reusable && now - connection.born < settings.maxAge().toNanos()) {
      synchronized (idle) {
        Deque<Connection> kept = idle.computeIfAbsent(connection.origin, o -> new ArrayDeque<>());
        if (!closed && kept.size() < settings.maxIdle()) {
          connection.idleSince = now;
          kept.push(connection);
          return;
        }
      }
    }
    connection.close();
  }

  /** The connection that was used last, if there is one. */
  private Connection take(Origin origin) throws HttpFailure {
    List<Connection> old = new ArrayList<>(0);
    Connection found = null;
    synchronized (idle) {
      if (closed) {
        throw new HttpFailure(Reason.CANCELLED, 0, "the transport is closed", null);
      }
      Deque<Connection> kept = idle.get(origin);
      long now = System.nanoTime();
      while (found == null && kept != null && !kept.isEmpty()) {
        Connection next = kept.pop();
        if (isFresh(next, now)) {
          found = next;
        } else {
          old.add(next);
        }
      }
    }
    old.forEach(Connection::close);
    return found;
  }

  private boolean isFresh(Connection connection, long now) {
    return now - connection.idleSince < settings.idleTimeout().toNanos()
        && now - connection.born < settings.maxAge().toNanos();
  }

  private void dropIdle(Origin origin) {
    Deque<Connection> dropped;
    synchronized (idle) {
      dropped = idle.remove(origin);
    }
    if (dropped != null) {
      dropped.forEach(Connection::close);
    }
  }

  // ---- connecting

  private Connection connect(Origin origin, long deadline) throws HttpFailure {
    InetAddress[] addresses;
    try {
      addresses = InetAddress.getAllByName(origin.host());
    } catch (UnknownHostException e) {
      throw new HttpFailure(
          Reason.LOOKUP, 0, "the host '" + origin.host() + "' cannot be looked up", e);
    }
    // Stores answer with many addresses, so that readers spread over their servers.
    int first = Math.floorMod(nextAddress.getAndIncrement(), addresses.length);
    HttpFailure failure = null;
    for (int i = 0; i < addresses.length; i++) {
      InetAddress address = addresses[(first + i) % addresses.length];
      try {
        return connect(origin, address, deadline);
      } catch (HttpFailure e) {
        if (failure != null) {
          e.addSuppressed(failure);
        }
        failure = e;
        boolean next = e.reason() == Reason.REFUSED || e.reason() == Reason.CONNECT_TIMEOUT;
        if (!next || (deadline != 0 && System.nanoTime() - deadline > 0)) {
          break;
        }
      }
    }
    throw failure;
  }

  private Connection connect(Origin origin, InetAddress address, long deadline) throws HttpFailure {
    long begin = System.nanoTime();
    long limit = settings.connectTimeout().toNanos();
    if (deadline != 0) {
      limit = Math.min(limit, deadline - begin);
    }
    SocketChannel channel = null;
    boolean connected = false;
    try {
      channel = SocketChannel.open();
      channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
      channel
          .socket()
          .connect(
              new InetSocketAddress(address, origin.port()),
              Math.clamp(limit / 1_000_000, 1, Integer.MAX_VALUE));
      Connection connection = secure(origin, channel, begin + limit);
      connected = true;
      metrics.connected(origin, System.nanoTime() - begin);
      return connection;
    } catch (SocketTimeoutException e) {
      throw new HttpFailure(
          Reason.CONNECT_TIMEOUT,
          0,
          "no connection to "
              + origin
              + " ("
              + address.getHostAddress()
              + ") in "
              + limit / 1_000_000
              + " ms",
          e);
    } catch (HttpFailure e) {
      throw e;
    } catch (IOException e) {
      boolean given = Thread.currentThread().isInterrupted();
      throw new HttpFailure(
          given ? Reason.CANCELLED : Reason.REFUSED,
          0,
          "no connection to "
              + origin
              + " ("
              + address.getHostAddress()
              + "): "
              + Connection.text(e),
          e);
    } finally {
      if (!connected && channel != null) {
        closeQuietly(channel);
      }
    }
  }

  private static void closeQuietly(SocketChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      // Nothing was sent on it yet, and why it failed is on its way already.
    }
  }

  private Connection secure(Origin origin, SocketChannel channel, long until) throws HttpFailure {
    if (!origin.tls()) {
      return new Connection(origin, new PlainWire(channel), settings.maxHead());
    }
    SSLEngine engine = context().createSSLEngine(origin.host(), origin.port());
    engine.setUseClientMode(true);
    SSLParameters parameters = engine.getSSLParameters();
    parameters.setEndpointIdentificationAlgorithm("HTTPS");
    engine.setSSLParameters(parameters);
    TlsWire wire = new TlsWire(channel, engine);
    Connection connection = new Connection(origin, wire, settings.maxHead());
    connection.begin(until == 0 ? 1 : until);
    register(connection);
    try {
      wire.handshake();
      return connection;
    } catch (SSLException e) {
      throw new HttpFailure(
          Reason.UNTRUSTED, 0, origin + " is not trusted: " + Connection.text(e), e);
    } catch (IOException e) {
      HttpFailure failure = connection.failed(e);
      throw failure.reason() == Reason.DEADLINE
          ? new HttpFailure(
              Reason.CONNECT_TIMEOUT, 0, "no TLS connection to " + origin + " in time", e)
          : failure;
    } finally {
      active.remove(connection);
      connection.end();
    }
  }

  private SSLContext context() throws HttpFailure {
    try {
      return settings.tls().isPresent() ? settings.tls().get() : SSLContext.getDefault();
    } catch (NoSuchAlgorithmException e) {
      throw new HttpFailure(Reason.UNTRUSTED, 0, "this platform has no TLS", e);
    }
  }

  // ---- watching

  private static long deadline(Duration limit) {
    if (limit.isZero()) {
      return 0;
    }
    long deadline = System.nanoTime() + limit.toNanos();
    return deadline == 0 ? 1 : deadline;
  }

  private void register(Connection connection) {
    active.add(connection);
    synchronized (idle) {
      if (watch == null) {
        watch = Thread.ofPlatform().daemon().name("sluice-http-watch").start(this::watch);
      }
    }
  }

  /** Ends requests that wait for too long, and connections that nobody uses. */
  private void watch() {
    long stall = settings.stallTimeout().toNanos();
    long tick =
        Math.clamp(settings.stallTimeout().toMillis() / 20, MIN_TICK_MILLIS, MAX_TICK_MILLIS);
    while (true) {
      try {
        Thread.sleep(tick);
      } catch (InterruptedException e) {
        // Nobody but the end of the process has a reason to; deadlines still hold until then.
        continue;
      }
      long now = System.nanoTime();
      for (Connection connection : active) {
        connection.check(now, stall);
      }
      List<Connection> old = new ArrayList<>(0);
      boolean done;
      synchronized (idle) {
        Iterator<Deque<Connection>> origins = idle.values().iterator();
        while (origins.hasNext()) {
          Deque<Connection> kept = origins.next();
          while (!kept.isEmpty() && !isFresh(kept.peekLast(), now)) {
            old.add(kept.pollLast());
          }
          if (kept.isEmpty()) {
            origins.remove();
          }
        }
        done = idle.isEmpty() && active.isEmpty();
        if (done) {
          watch = null;
        }
      }
      old.forEach(Connection::close);
      if (done) {
        return;
      }
    }
  }

  /** Number of connections that are kept for later. */
  int idleConnections() {
    synchronized (idle) {
      return idle.values().stream().mapToInt(Deque::size).sum();
    }
  }

  /** Ends all connections; what is under way fails as CANCELLED. */
  @Override
  public void close() {
    List<Connection> dropped = new ArrayList<>();
    synchronized (idle) {
      closed = true;
      idle.values().forEach(dropped::addAll);
      idle.clear();
    }
    dropped.forEach(Connection::close);
    active.forEach(connection -> connection.kill(Reason.CANCELLED));
  }
}
