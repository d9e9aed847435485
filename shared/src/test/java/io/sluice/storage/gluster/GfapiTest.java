package io.sluice.storage.gluster;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.model.ErrorKind;
import io.sluice.storage.StorageException;
import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.AddressLayout;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.ValueLayout;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class GfapiTest {
  private static final String METADATA =
      "/META-INF/native-image/io.sluice/sluice-shared/reachability-metadata.json";

  /** What is not listed there fails in native executables only, at the first call. */
  @ParameterizedTest
  @EnumSource(Gfapi.Function.class)
  void everySignatureIsKnownToNativeExecutables(Gfapi.Function function) throws IOException {
    Set<String> known = new HashSet<>();
    try (InputStream in = GfapiTest.class.getResourceAsStream(METADATA)) {
      for (JsonNode call : new ObjectMapper().readTree(in).at("/foreign/downcalls")) {
        if (call.at("/options/captureCallState").asBoolean()) {
          known.add(call.path("returnType").asText() + " " + call.path("parameterTypes"));
        }
      }
    }
    FunctionDescriptor descriptor = function.descriptor();
    assertThat(known)
        .contains(
            name(descriptor.returnLayout().orElseThrow())
                + " "
                + new ObjectMapper()
                    .valueToTree(
                        descriptor.argumentLayouts().stream().map(GfapiTest::name).toList()));
  }

  private static String name(MemoryLayout layout) {
    return switch (layout) {
      case AddressLayout _ -> "void*";
      case ValueLayout.OfInt _ -> "jint";
      case ValueLayout.OfLong _ -> "jlong";
      default -> throw new AssertionError(layout);
    };
  }

  @Test
  void aLibraryThatIsNotThereIsNamed() {
    GlusterSettings settings =
        new GlusterSettings(
            java.util.List.of(GlusterSettings.server("localhost")),
            "volume",
            "",
            1,
            "libgfapi-that-is-not-there.so.9",
            java.util.Optional.empty());
    StorageException e =
        catchThrowableOfType(StorageException.class, () -> new GlusterShardStore(settings));
    assertThat(e.kind()).isEqualTo(ErrorKind.FATAL);
    assertThat(e.code()).isEqualTo("gluster-library-missing");
    assertThat(e).hasMessageContaining("libgfapi-that-is-not-there.so.9");
  }
}
