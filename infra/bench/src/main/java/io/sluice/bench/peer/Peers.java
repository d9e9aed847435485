package io.sluice.bench.peer;

import com.fasterxml.jackson.databind.JsonNode;
import io.sluice.measure.StoreAccess;
import io.sluice.measure.Subject;
import io.sluice.measure.SubjectProcess;
import io.sluice.measure.TransferSpec;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import software.amazon.awssdk.http.crt.AwsCrtAsyncHttpClient;
import software.amazon.awssdk.http.nio.netty.NettyNioAsyncHttpClient;
import software.amazon.awssdk.http.urlconnection.UrlConnectionHttpClient;

/** The clients of others, by name. */
public final class Peers {
  private Peers() {}

  /** Serves as a subject until standard input ends; the exit code. */
  public static int serve(String name) throws IOException {
    PrintWriter out = new PrintWriter(System.out, true, StandardCharsets.UTF_8);
    System.setOut(System.err); // no library may write between the lines of the protocol
    return SubjectProcess.serve(System.in, out, work -> create(name, work));
  }

  private static Subject create(String name, JsonNode work) {
    TransferSpec spec = TransferSpec.read(work);
    StoreAccess access = spec.access();
    int connections = spec.connections();
    return new SdkReader(
        spec,
        switch (name) {
          case "sdk-crt" ->
              new AsyncClient(
                  access, connections, AwsCrtAsyncHttpClient.builder().maxConcurrency(connections));
          case "sdk-netty" ->
              new AsyncClient(
                  access,
                  connections,
                  NettyNioAsyncHttpClient.builder().maxConcurrency(connections));
          case "sdk-url" -> new SyncClient(access, connections, UrlConnectionHttpClient.builder());
          default -> throw new IllegalArgumentException("there is no peer '" + name + "'");
        });
  }
}
