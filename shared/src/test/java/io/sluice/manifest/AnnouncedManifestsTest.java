package io.sluice.manifest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.sluice.event.AnnouncedManifests;
import io.sluice.event.CloudEvent;
import io.sluice.event.EventException;
import io.sluice.event.ModelUploaded;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.ModelRef;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AnnouncedManifestsTest {
  private static final Optional<Digest> ANY = Optional.empty();

  @TempDir Path root;
  private final List<CloudEvent> told = new ArrayList<>();
  private TestBed bed;
  private AnnouncedManifests manifests;

  @BeforeEach
  void open() {
    bed = new TestBed(root);
    manifests = new AnnouncedManifests(bed.manifests, "/here", bed.clock, told::add);
  }

  @AfterEach
  void close() {
    bed.close();
  }

  private void publish(TestModel model, String tag) {
    model.upload(bed.store);
    manifests.publish("org/m", model.manifest(), Optional.ofNullable(tag), ANY);
  }

  @Test
  void theSameMoveOfATagIsTheSameEvent() {
    TestModel one = TestModel.of(1, 2);
    TestModel two = TestModel.of(3);
    publish(one, "latest");
    publish(one, "latest");
    publish(two, "latest");
    publish(one, "latest");
    publish(one, "stable");
    publish(one, null);
    assertThat(told).hasSize(6);
    assertThat(told.get(1)).as("repeated").isEqualTo(told.get(0));
    assertThat(told.stream().map(CloudEvent::key).distinct()).hasSize(5);
    CloudEvent first = told.getFirst();
    assertThat(first.source()).isEqualTo("/here");
    assertThat(first.type()).isEqualTo("io.sluice.ModelUploaded");
    assertThat(first.subject()).contains("org/m");
    assertThat(first.data().get("tag").textValue()).isEqualTo("latest");
    assertThat(first.data().get("S").longValue()).isEqualTo(one.manifest().totalBytes());
    assertThat(first.data().get("shards").intValue()).isEqualTo(2);
    assertThat(told.getLast().data().has("tag")).isFalse();
    for (CloudEvent event : told) {
      Digest version = ModelUploaded.read(event).model().version().orElseThrow();
      assertThat(manifests.load("org/m", version).shards()).isNotEmpty();
    }
  }

  @Test
  void whatCannotBeToldIsPublishedAllTheSame() {
    TestModel model = TestModel.of(1).upload(bed.store);
    for (RuntimeException failure :
        List.of(
            new EventException(ErrorKind.TRANSIENT, "redis-unavailable", "no Redis"),
            new IllegalStateException("a defect"))) {
      new AnnouncedManifests(
              bed.manifests,
              "/here",
              bed.clock,
              event -> {
                throw failure;
              })
          .publish("m", model.manifest(), Optional.of("latest"), ANY);
      assertThat(manifests.resolve(ModelRef.parse("m")).version()).isEqualTo(model.version());
    }
  }

  @Test
  void whatIsNotPublishedIsNotTold() {
    assertThatThrownBy(
            () -> manifests.publish("m", TestModel.of(9).manifest(), Optional.of("latest"), ANY))
        .isInstanceOf(ManifestException.class);
    assertThat(told).isEmpty();
  }
}
