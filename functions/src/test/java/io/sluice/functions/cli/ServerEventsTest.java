package io.sluice.functions.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class ServerEventsTest {
  private final AtomicInteger lines = new AtomicInteger();

  private List<ServerEvents.Event> read(String stream) throws IOException {
    ServerEvents events = new ServerEvents(new StringReader(stream), "7-0");
    List<ServerEvents.Event> all = new ArrayList<>();
    for (var event = events.next(lines::incrementAndGet);
        event != null;
        event = events.next(lines::incrementAndGet)) {
      all.add(event);
    }
    return all;
  }

  @Test
  void eventsHaveIdTypeAndData() throws IOException {
    assertThat(read("id: 8-0\nevent: task\ndata: {\"a\":1}\n\nid: 9-0\nevent: state\ndata: x\n\n"))
        .containsExactly(
            new ServerEvents.Event("8-0", "task", "{\"a\":1}"),
            new ServerEvents.Event("9-0", "state", "x"));
  }

  @Test
  void commentsAreSignsOfLifeAndNothingElse() throws IOException {
    assertThat(read(": still here\n\n: still here\n\n")).isEmpty();
    assertThat(lines).hasValue(4);
  }

  @Test
  void aMissingIdIsTheLastOne() throws IOException {
    assertThat(read("data: a\n\nid:8-1\ndata:b\n\ndata: c\n\n"))
        .extracting(ServerEvents.Event::id)
        .containsExactly("7-0", "8-1", "8-1");
  }

  @Test
  void linesOfDataAreJoinedAndOneSpaceIsDropped() throws IOException {
    assertThat(read("data: a\ndata:  b\ndata\n\n"))
        .containsExactly(new ServerEvents.Event("7-0", "message", "a\n b\n"));
  }

  @Test
  void allEndsOfLinesWillDo() throws IOException {
    assertThat(read("data: a\r\n\r\ndata: b\r\rdata: c\n\n"))
        .extracting(ServerEvents.Event::data)
        .containsExactly("a", "b", "c");
  }

  @Test
  void anEventThatIsCutOffIsNone() throws IOException {
    assertThat(read("id: 8-0\ndata: a\n\nid: 9-0\ndata: b\n")).hasSize(1);
  }

  @Test
  void endlessDataIsRefused() {
    String line = "data: " + "x".repeat(1 << 16) + "\n";
    assertThatThrownBy(() -> read(line.repeat(17)))
        .isInstanceOf(IOException.class)
        .hasMessageContaining("1048576");
  }
}
