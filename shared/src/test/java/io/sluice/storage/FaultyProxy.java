package io.sluice.storage;

import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Predicate;

/**
 * A proxy in front of an HTTP/1.1 server that breaks answers on purpose. It passes the Host header
 * through, so that signed requests stay valid, and carries one request per connection.
 *
 * <p>Each {@link Fault} is planned for requests that match it and used up once; requests that match
 * none pass unharmed.
 */
public final class FaultyProxy implements AutoCloseable {
  /** What goes wrong with an answer. */
  public sealed interface Fault {
    /** The body ends after so many bytes, as if that were all. */
    record Truncate(int bytes) implements Fault {}

    /** The connection is reset (RST) after so many bytes of the body. */
    record Reset(int bytes) implements Fault {}

    /** The body stops after so many bytes, and the connection stays open. */
    record Stall(int bytes) implements Fault {}

    /** One byte of the body is another one. */
    record Corrupt(int index) implements Fault {}

    /** The answer comes late. */
    record Delay(Duration delay) implements Fault {}

    /** The answer comes when somebody lets it. */
    record Hold(CountDownLatch until) implements Fault {}

    /** The server is not asked; an S3 error comes instead. */
    record Refuse(int status, String code) implements Fault {}

    /** One byte of the body of the request is another one. */
    record CorruptRequest(int index) implements Fault {}

    /** The server does what it was asked, but its answer is lost in a reset. */
    record LoseAnswer() implements Fault {}
  }

  /** The head of a request as the server got it. */
  public record Request(String method, String path, String range) {}

  /** So little that a client has read most of what could be written to it. */
  private static final int SEND_BUFFER = 64 << 10;

  private record Planned(Predicate<Request> where, Fault fault) {}

  private final URI upstream;
  private final ServerSocket listener;
  private final List<Planned> plan = new ArrayList<>();
  private final List<Request> seen = new CopyOnWriteArrayList<>();
  private final List<Socket> open = new CopyOnWriteArrayList<>();
  private final AtomicReference<Exception> defect = new AtomicReference<>();

  public FaultyProxy(URI upstream) throws IOException {
    this.upstream = upstream;
    this.listener = new ServerSocket(0, 512, InetAddress.getLoopbackAddress());
    Thread.ofVirtual().name("faulty-proxy").start(this::accept);
  }

  /** Where clients connect to. */
  public URI endpoint() {
    return URI.create("http://127.0.0.1:" + listener.getLocalPort());
  }

  /** Breaks the next answers to requests of this method, one fault each. */
  public void plan(String method, Fault... faults) {
    synchronized (plan) {
      for (Fault fault : faults) {
        plan.add(new Planned(request -> request.method().equals(method), fault));
      }
    }
  }

  /** Breaks the next answers to requests that match, one fault each. */
  public void plan(Predicate<Request> where, Fault... faults) {
    synchronized (plan) {
      for (Fault fault : faults) {
        plan.add(new Planned(where, fault));
      }
    }
  }

  /** Every request so far. */
  public List<Request> seen() {
    return List.copyOf(seen);
  }

  /** Forgets what was planned and seen. */
  public void clear() {
    synchronized (plan) {
      plan.clear();
    }
    seen.clear();
  }

  @Override
  public void close() throws IOException {
    listener.close();
    for (Socket socket : open) {
      socket.close();
    }
    if (defect.get() != null) {
      throw new IllegalStateException("the proxy itself failed", defect.get());
    }
  }

  private void accept() {
    while (!listener.isClosed()) {
      try {
        Socket client = listener.accept();
        client.setSendBufferSize(SEND_BUFFER);
        open.add(client);
        Thread.ofVirtual().start(() -> serve(client));
      } catch (IOException e) {
        if (!listener.isClosed()) {
          defect.set(e);
        }
      }
    }
  }

  private void serve(Socket client) {
    try (client) {
      String head = readHead(client.getInputStream());
      Request request = parse(head);
      seen.add(request);
      Optional<Fault> fault = take(request);
      if (fault.isPresent() && fault.get() instanceof Fault.Refuse refuse) {
        refuse(client, refuse);
      } else {
        forward(client, head, fault);
      }
    } catch (SocketException | EOFException e) {
      return; // the client gave up, or the connection was idle
    } catch (IOException | InterruptedException e) {
      defect.set(e);
    } finally {
      open.remove(client);
    }
  }

  private Optional<Fault> take(Request request) {
    synchronized (plan) {
      Iterator<Planned> each = plan.iterator();
      while (each.hasNext()) {
        Planned planned = each.next();
        if (planned.where().test(request)) {
          each.remove();
          return Optional.of(planned.fault());
        }
      }
      return Optional.empty();
    }
  }

  private static void refuse(Socket client, Fault.Refuse refuse) throws IOException {
    String body = "<Error><Code>" + refuse.code() + "</Code><Message>planned</Message></Error>";
    String answer =
        "HTTP/1.1 "
            + refuse.status()
            + " Planned\r\nContent-Type: application/xml\r\nConnection: close\r\nContent-Length: "
            + body.length()
            + "\r\n\r\n"
            + body;
    client.getOutputStream().write(answer.getBytes(StandardCharsets.US_ASCII));
    client.shutdownOutput();
    // Taking what the client still sends keeps the answer from being lost in a reset.
    client.getInputStream().transferTo(OutputStream.nullOutputStream());
  }

  private void forward(Socket client, String head, Optional<Fault> fault)
      throws IOException, InterruptedException {
    try (Socket server = new Socket(upstream.getHost(), upstream.getPort())) {
      server.getOutputStream().write(oneRequest(head).getBytes(StandardCharsets.ISO_8859_1));
      int broken = fault.orElse(null) instanceof Fault.CorruptRequest c ? c.index() : -1;
      Thread.ofVirtual().start(() -> pump(client, server, broken));
      InputStream in = server.getInputStream();
      String answer = readHead(in);
      while (answer.startsWith("HTTP/1.1 1")) { // interim answers, such as 100 Continue
        client.getOutputStream().write(answer.getBytes(StandardCharsets.ISO_8859_1));
        answer = readHead(in);
      }
      byte[] bytes = answer.getBytes(StandardCharsets.ISO_8859_1);
      OutputStream out = client.getOutputStream();
      switch (fault.orElse(null)) {
        case null -> {
          out.write(bytes);
          in.transferTo(out);
        }
        case Fault.CorruptRequest done -> {
          out.write(bytes);
          in.transferTo(out);
        }
        case Fault.Truncate truncate -> {
          out.write(bytes);
          out.write(in.readNBytes(truncate.bytes()));
        }
        case Fault.Reset reset -> {
          out.write(bytes);
          out.write(in.readNBytes(reset.bytes()));
          Thread.sleep(50); // let what was sent be read before the reset discards it
          client.setSoLinger(true, 0);
        }
        case Fault.Stall stall -> {
          out.write(bytes);
          out.write(in.readNBytes(stall.bytes()));
          Thread.sleep(Duration.ofMinutes(1)); // until the client or close() ends it
        }
        case Fault.Corrupt corrupt -> {
          out.write(bytes);
          byte[] before = in.readNBytes(corrupt.index() + 1);
          before[corrupt.index()] ^= 0x10;
          out.write(before);
          in.transferTo(out);
        }
        case Fault.Delay delay -> {
          Thread.sleep(delay.delay());
          out.write(bytes);
          in.transferTo(out);
        }
        case Fault.Hold hold -> {
          hold.until().await();
          out.write(bytes);
          in.transferTo(out);
        }
        case Fault.LoseAnswer lose -> {
          in.transferTo(OutputStream.nullOutputStream());
          client.setSoLinger(true, 0);
        }
        case Fault.Refuse refuse -> throw new IllegalStateException("handled before " + refuse);
      }
    }
  }

  /** Carries the body of the request, and ends with either connection. */
  private static void pump(Socket client, Socket server, int broken) {
    try {
      if (broken >= 0) {
        byte[] before = client.getInputStream().readNBytes(broken + 1);
        before[broken] ^= 0x10;
        server.getOutputStream().write(before);
      }
      client.getInputStream().transferTo(server.getOutputStream());
    } catch (IOException e) {
      return; // the answer tells, or its absence
    }
  }

  /** Asks the server to close its connection after the answer, so that its end is the body's. */
  private static String oneRequest(String head) {
    StringBuilder changed = new StringBuilder();
    for (String line : head.split("\r\n")) {
      if (!line.toLowerCase(Locale.ROOT).startsWith("connection:")) {
        changed.append(line).append("\r\n");
      }
    }
    return changed.append("Connection: close\r\n\r\n").toString();
  }

  private static Request parse(String head) {
    String[] lines = head.split("\r\n");
    String[] first = lines[0].split(" ");
    String range = "";
    for (String line : lines) {
      if (line.toLowerCase(Locale.ROOT).startsWith("range:")) {
        range = line.substring("range:".length()).strip();
      }
    }
    return new Request(first[0], first[1], range);
  }

  private static String readHead(InputStream in) throws IOException {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    int end = 0;
    while (end < 4) {
      int b = in.read();
      if (b < 0) {
        throw new EOFException("the connection ended within a head");
      }
      head.write(b);
      end = b == (end % 2 == 0 ? '\r' : '\n') ? end + 1 : b == '\r' ? 1 : 0;
    }
    return head.toString(StandardCharsets.ISO_8859_1);
  }
}
