package io.sluice.format;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Whatever happens to a good file, it is refused by a {@link FormatException} or gives a layout
 * from which it can be put together again. The seed is fixed, so a failure can be repeated.
 */
class FormatFuzzTest {
  private static final int ROUNDS = 6_000;

  private static final long[] NASTY = {
    0, 1, -1, 0x7f, 0x80, 0xff, 1L << 31, -(1L << 31), 1L << 32, 1L << 45, Long.MAX_VALUE, 1L << 63
  };

  @ParameterizedTest
  @CsvSource({
    "types.safetensors, model.safetensors",
    "types.gguf, model.gguf",
    "types.onnx, model.onnx",
    "types.gguf, blob",
    "types.safetensors, blob"
  })
  void mutatedFilesAreRefusedOrRoundTrip(String resource, String path) {
    byte[] file = GoldenFilesTest.resource(resource);
    Random random = new Random(resource.hashCode());
    int accepted = 0;
    for (int round = 0; round < ROUNDS; round++) {
      byte[] mutant = mutate(file, random);
      accepted += survives(Map.of(path, mutant)) ? 1 : 0;
    }
    // Some mutations hit tensor data or free text, and what only looks like a format is opaque.
    assertThat(accepted).isBetween(ROUNDS / 100, path.equals("blob") ? ROUNDS : ROUNDS * 99 / 100);
  }

  @Test
  void mutatedExternalDataIsRefusedOrRoundTrips() {
    Random random = new Random(7);
    byte[] model = GoldenFilesTest.resource("external/model.onnx");
    byte[] data = GoldenFilesTest.resource("external/model.onnx_data");
    int accepted = 0;
    for (int round = 0; round < ROUNDS; round++) {
      Map<String, byte[]> files = new TreeMap<>();
      files.put("model.onnx", mutate(model, random));
      files.put("model.onnx_data", random.nextInt(4) == 0 ? mutate(data, random) : data);
      accepted += survives(files) ? 1 : 0;
    }
    assertThat(accepted).isBetween(ROUNDS / 100, ROUNDS * 99 / 100);
  }

  @Test
  void mutatedIndexesAreRefusedOrRight() {
    Random random = new Random(11);
    byte[] file = MalformedFiles.one("U8", "4", "0,4");
    byte[] index =
        MalformedFiles.utf8("{\"metadata\":{\"n\":4},\"weight_map\":{\"a\":\"m.safetensors\"}}");
    int accepted = 0;
    for (int round = 0; round < ROUNDS; round++) {
      Map<String, byte[]> files = new TreeMap<>();
      files.put("m.safetensors", file);
      files.put("m.safetensors.index.json", mutate(index, random));
      accepted += survives(files) ? 1 : 0;
    }
    assertThat(accepted).isBetween(ROUNDS / 100, ROUNDS * 99 / 100);
  }

  private static boolean survives(Map<String, byte[]> files) {
    try {
      for (FileLayout layout : CheckpointReader.read(MemorySource.of(files)).files()) {
        byte[] file = files.get(layout.path());
        assertThat(Reassembler.roundTrip(layout, file)).isEqualTo(file);
      }
      return true;
    } catch (FormatException refused) {
      assertThat(refused.getMessage()).doesNotContain("\n");
      return false;
    } catch (RuntimeException | Error e) {
      String hex = HexFormat.of().formatHex(files.values().iterator().next());
      throw new AssertionError("neither refused nor read: " + hex, e);
    }
  }

  private static byte[] mutate(byte[] file, Random random) {
    byte[] mutant = file.clone();
    int changes = 1 + random.nextInt(3);
    for (int i = 0; i < changes && mutant.length > 0; i++) {
      // Headers come first: aim at them more often than at data.
      int reach = random.nextBoolean() ? Math.min(mutant.length, 256) : mutant.length;
      int at = random.nextInt(reach);
      mutant =
          switch (random.nextInt(7)) {
            case 0 -> Arrays.copyOf(mutant, at);
            case 1 -> without(mutant, at, 1 + random.nextInt(9));
            case 2 -> with(mutant, at, random.nextInt(mutant.length), 1 + random.nextInt(64));
            case 3 -> number(mutant, at, NASTY[random.nextInt(NASTY.length)], 8);
            case 4 -> number(mutant, at, NASTY[random.nextInt(NASTY.length)], 4);
            case 5 -> number(mutant, at, random.nextInt(256), 1);
            default -> number(mutant, at, mutant[at] ^ (1 << random.nextInt(8)), 1);
          };
    }
    return mutant;
  }

  private static byte[] without(byte[] bytes, int at, int count) {
    int removed = Math.min(count, bytes.length - at);
    byte[] result = Arrays.copyOf(bytes, bytes.length - removed);
    System.arraycopy(bytes, at + removed, result, at, result.length - at);
    return result;
  }

  /** A run of the file copied into another place of it. */
  private static byte[] with(byte[] bytes, int at, int from, int count) {
    int added = Math.min(count, bytes.length - from);
    byte[] result = Arrays.copyOf(bytes, bytes.length + added);
    System.arraycopy(bytes, from, result, at, added);
    System.arraycopy(bytes, at, result, at + added, bytes.length - at);
    return result;
  }

  private static byte[] number(byte[] bytes, int at, long value, int count) {
    for (int i = 0; i < count && at + i < bytes.length; i++) {
      bytes[at + i] = (byte) (value >>> (8 * i));
    }
    return bytes;
  }
}
