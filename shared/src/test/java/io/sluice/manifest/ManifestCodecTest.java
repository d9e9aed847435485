package io.sluice.manifest;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.sluice.manifest.ModelManifest.File;
import io.sluice.manifest.ModelManifest.Piece;
import io.sluice.manifest.ModelManifest.Plan;
import io.sluice.manifest.ModelManifest.Tensor;
import io.sluice.model.ChunkChecksums;
import io.sluice.model.DType;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.InvalidValueException;
import io.sluice.model.ShardDescriptor;
import io.sluice.model.SluiceException;
import io.sluice.model.TensorInfo;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

class ManifestCodecTest {
  private static final ManifestCodec CODEC = new ManifestCodec();

  /** One of everything the format can say. */
  static ModelManifest everything() {
    Plan plan = new Plan("size", 256, 128);
    List<ShardDescriptor> shards =
        List.of(object("shard 0", 242, 0x01020304, 0xfffefdfc), object("shard 1", 126, -1));
    List<File> files =
        List.of(
            file("config.json", 17, "OPAQUE", Optional.of(object("config", 17, 0))),
            file("empty", 0, "OPAQUE", Optional.empty()),
            file("sub/gewichte \"ü\" 模型.gguf", 226, "GGUF", Optional.of(object("gguf", 20, 5))),
            file("weights.bin", 34, "OPAQUE", Optional.empty()));
    List<Piece> tied = List.of(new Piece(0, 64, 0, 11, 176), new Piece(1, 64, 11, 1, 16));
    OptionalInt none = OptionalInt.empty();
    List<Tensor> tensors =
        List.of(
            tensor("a.zero", DType.F64, List.of(0L, 7L), 2, 20, none, List.of()),
            tensor("blk.0.weight", DType.F32, List.of(12L, 4L), 2, 20, OptionalInt.of(0), tied),
            tensor("tied.weight", DType.F32, List.of(12L, 4L), 2, 20, none, tied),
            tensor(
                "scalar\n\u0001é😀",
                DType.BF16,
                List.of(),
                2,
                212,
                OptionalInt.of(31),
                List.of(new Piece(0, 240, 0, 1, 2))),
            tensor(
                "F4", DType.F4, List.of(3L, 8L), 2, 214, none, List.of(new Piece(1, 80, 0, 3, 12))),
            tensor(
                "weights.bin",
                DType.Q8_0,
                List.of(1L, 32L),
                3,
                0,
                none,
                List.of(new Piece(1, 92, 0, 1, 34))));
    return ModelManifest.of(plan, files, tensors, shards);
  }

  private static ShardDescriptor object(String content, long size, int... crcs) {
    return new ShardDescriptor(
        Digest.sha256(content.getBytes(UTF_8)), new ChunkChecksums(size, 128, crcs));
  }

  private static File file(
      String path, long size, String format, Optional<ShardDescriptor> skeleton) {
    return new File(path, size, Digest.sha256(path.getBytes(UTF_8)), format, skeleton);
  }

  private static Tensor tensor(
      String name,
      DType dtype,
      List<Long> shape,
      int file,
      long offset,
      OptionalInt layer,
      List<Piece> pieces) {
    return new Tensor(new TensorInfo(name, dtype, shape), file, offset, layer, pieces);
  }

  private static byte[] golden(String name) throws IOException {
    try (InputStream in = ManifestCodecTest.class.getResourceAsStream("/manifest/" + name)) {
      return in.readAllBytes();
    }
  }

  @Test
  void writesTheGoldenManifestByteForByte() throws IOException {
    assertThat(new String(CODEC.encode(everything()), UTF_8))
        .isEqualTo(new String(golden("manifest-v1.json"), UTF_8));
  }

  @Test
  void readsTheGoldenManifest() throws IOException {
    assertThat(CODEC.decode(golden("manifest-v1.json"))).isEqualTo(everything());
  }

  private static ModelManifest derived() {
    return everything()
        .with(
            new ModelManifest.Provenance(
                "convert",
                "{\"to\":\"I8\",\"output\":\"modell/ü\"}",
                List.of(
                    new ModelManifest.Provenance.Parent(
                        "org/base", Digest.sha256("base".getBytes(UTF_8))))));
  }

  @Test
  void whatMadeAVersionFollowsTheTensors() throws IOException {
    assertThat(new String(CODEC.encode(derived()), UTF_8))
        .isEqualTo(new String(golden("manifest-v1-provenance.json"), UTF_8));
    assertThat(CODEC.decode(golden("manifest-v1-provenance.json"))).isEqualTo(derived());
  }

  @Test
  void theVersionOfTheGoldenManifestIsFrozen() throws IOException {
    assertThat(Digest.sha256(golden("manifest-v1.json")))
        .hasToString("sha256:8daf713549a11b7ebd0f78a6858c09dc8ec1762245abee468417fa8a1e894b91");
  }

  @Test
  void writesGoldenTagsAndMarks() throws IOException {
    Instant at = Instant.parse("2026-01-02T03:04:05.678Z");
    Optional<Digest> target = Optional.of(Digest.sha256("x".getBytes(UTF_8)));
    assertThat(StoreCatalog.encode(new TagMove("latest", 7, target, at)))
        .isEqualTo(golden("tag-v1.json"));
    assertThat(StoreCatalog.encode(new TagMove("latest", 8, Optional.empty(), at)))
        .isEqualTo(golden("tag-off-v1.json"));
    assertThat(StoreCatalog.encodeMark(at)).isEqualTo(golden("delete-mark-v1.json"));
  }

  @ParameterizedTest
  @MethodSource("otherVersions")
  void refusesOtherVersionsOfTheFormat(String number) throws IOException {
    byte[] other = replace("\"version\":1", "\"version\":" + number);
    assertThatThrownBy(() -> CODEC.decode(other))
        .isInstanceOfSatisfying(
            ManifestException.class,
            e -> {
              assertThat(e.code()).isEqualTo("manifest-version-unsupported");
              assertThat(e).hasMessageContaining("version " + number);
              assertThat(e).hasMessageContaining("reads version 1");
            });
  }

  static Stream<String> otherVersions() {
    return Stream.of("0", "3", "17");
  }

  /** As {@link #everything}, with checksums of files, and digests of those that have no tensor. */
  static ModelManifest withChecksums() {
    ModelManifest old = everything();
    List<File> files = new ArrayList<>();
    for (File file : old.files()) {
      boolean plain = file.format().equals("OPAQUE") && !file.path().equals("weights.bin");
      files.add(
          new File(
              file.path(),
              file.size(),
              plain ? file.digest() : Optional.empty(),
              OptionalInt.of(file.path().hashCode()),
              file.format(),
              file.skeleton()));
    }
    return ModelManifest.of(old.plan(), files, old.tensors(), old.shards());
  }

  @Test
  void versionTwoHasItsGoldenManifest() throws IOException {
    byte[] golden = golden("manifest-v2.json");
    assertThat(new String(CODEC.encode(withChecksums()), UTF_8))
        .isEqualTo(new String(golden, UTF_8));
    assertThat(CODEC.decode(golden)).isEqualTo(withChecksums());
  }

  @Test
  void theFieldsOfEachVersionAreItsOwn() throws IOException {
    String two = new String(golden("manifest-v2.json"), UTF_8);
    for (String bad :
        List.of(
            two.replace("\"version\":2", "\"version\":1"),
            new String(replace("\"version\":1", "\"version\":2"), UTF_8),
            two.replaceFirst(
                ",\"crc32c\":\"[^\"]{8}\",\"format\":\"GGUF\"", ",\"format\":\"GGUF\""),
            two.replaceFirst(
                "\"crc32c\":\"[^\"]{8}\",\"format\"", "\"crc32c\":\"AAAA\",\"format\""))) {
      assertThat(bad).isNotEqualTo(two);
      assertThatThrownBy(() -> CODEC.decode(bad.getBytes(UTF_8)))
          .isInstanceOfSatisfying(
              SluiceException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID));
    }
  }

  @ParameterizedTest(name = "{2}")
  @MethodSource("malformed")
  void refusesWhatIsNotTheFormat(String from, String to, String complaint) throws IOException {
    byte[] bad = replace(from, to);
    assertThatThrownBy(() -> CODEC.decode(bad))
        .isInstanceOfSatisfying(
            SluiceException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INVALID))
        .hasMessageContaining(complaint);
  }

  static Stream<Arguments> malformed() {
    String max = Long.toString(Long.MAX_VALUE);
    return Stream.of(
        Arguments.of("{\"sluice\":\"manifest\"", "{\"sluice\":\"other\"", "does not start with"),
        Arguments.of("{\"sluice\"", "\uFEFF{\"sluice\"", "does not start with"),
        Arguments.of("\"version\":1,", "\"version\":1,\"extra\":1,", "expected field 'plan'"),
        Arguments.of("\"plan\":{", "\"plan\":{},\"plan\":{", "expected field 'strategy'"),
        Arguments.of("\"strategy\":\"size\",", "", "expected field 'strategy'"),
        Arguments.of("\"chunkBytes\":128", "\"chunkBytes\":128,\"chunkBytes\":128", "expected }"),
        Arguments.of("\"shardBytes\":256", "\"shardBytes\":256.0", "expected a whole number"),
        Arguments.of("\"shardBytes\":256", "\"shardBytes\":\"256\"", "expected a whole number"),
        Arguments.of("\"shardBytes\":256", "\"shardBytes\":-1", "from 0 to"),
        Arguments.of("\"shardBytes\":256", "\"shardBytes\":" + max + "0", "out of range"),
        Arguments.of("\"shardBytes\":256", "\"shardBytes\":null", "expected a whole number"),
        Arguments.of("\"totalBytes\":368", "\"totalBytes\":369", "sum to 368"),
        Arguments.of("\"size\":242", "\"size\":" + max, "takes 9223372036854775807 characters"),
        Arguments.of("\"size\":242", "\"size\":243", "sum to 369"),
        Arguments.of("AQIDBP/+/fw=", "AQIDBP/+/f*=", "not base64"),
        Arguments.of("AQIDBP/+/fw=", "AQIDBA==", "characters, got 8"),
        Arguments.of("\"dtype\":\"BF16\"", "\"dtype\":\"bf16\"", "unknown dtype 'bf16'"),
        Arguments.of("\"shape\":[12,4]", "\"shape\":[12,5]", "blk.0.weight"),
        Arguments.of("\"shape\":[12,4]", "\"shape\":[12,[4]]", "expected a whole number"),
        Arguments.of(
            "\"shape\":[12,4]", "\"shape\":[" + "1,".repeat(32) + "1]", "more than 32 dimensions"),
        Arguments.of("[0,64,11]", "[0,64,11,7]", "expected ]"),
        Arguments.of("[0,64,11]", "[0,64]", "expected a whole number"),
        Arguments.of("[0,64,11]", "[0,64,13]", "'rows' is from 0 to 12"),
        Arguments.of("[0,64,11]", "[0,67,11]", "lies outside its shard"),
        Arguments.of("[0,64,11]", "[0,65,11]", "overlap in part"),
        Arguments.of("[0,64,11]", "[9,64,11]", "lies outside its shard"),
        Arguments.of("\"path\":\"empty\"", "\"path\":\"../empty\"", "'../empty'"),
        Arguments.of("\"path\":\"empty\"", "\"path\":\"a\\ud800\"", "path of a file"),
        Arguments.of("\"skeleton\":{", "\"skeleton\":null,\"x\":{", "expected {"),
        Arguments.of("]}]}", "]}]} ]", "Unexpected close marker"),
        Arguments.of("]}]}", "]}]}{}", "after its end comes"),
        Arguments.of("]}]}", "]}]", "manifest"));
  }

  @Test
  void refusesInvalidUtf8() throws IOException {
    byte[] bad = golden("manifest-v1.json");
    int at = new String(bad, StandardCharsets.ISO_8859_1).indexOf("config.json");
    bad[at] = (byte) 0xc0;
    assertThatThrownBy(() -> CODEC.decode(bad)).isInstanceOf(ManifestException.class);
  }

  @Test
  void refusesDocumentsOverTheBound() throws IOException {
    byte[] golden = golden("manifest-v1.json");
    ManifestCodec exact = new ManifestCodec(golden.length);
    ManifestCodec small = new ManifestCodec(golden.length - 1);
    assertThat(exact.decode(exact.encode(everything()))).isEqualTo(everything());
    for (ManifestException e :
        List.of(
            catchThrowableOfType(ManifestException.class, () -> small.decode(golden)),
            catchThrowableOfType(ManifestException.class, () -> small.encode(everything())))) {
      assertThat(e.code()).isEqualTo("manifest-too-large");
      assertThat(e).hasMessageContaining(Integer.toString(golden.length - 1));
    }
  }

  @Test
  void mutationsGiveAManifestOrAClearError() throws IOException {
    byte[] golden = golden("manifest-v1.json");
    String[] words = {
      "9223372036854775807",
      "-1",
      "0",
      "null",
      "\"",
      "{",
      "}",
      "[",
      "]",
      ",",
      ":",
      "\\u0000",
      "\"size\":",
      "\"crc32c\":\"\"",
      "1e9",
      "99999999999999999999",
      "true",
      "\"skeleton\":",
      "\\ud800"
    };
    Random random = new Random(42);
    int read = 0;
    for (int i = 0; i < 60_000; i++) {
      byte[] mutant = golden.clone();
      for (int n = random.nextInt(3); n >= 0; n--) {
        int at = random.nextInt(mutant.length);
        mutant =
            switch (random.nextInt(5)) {
              case 0 -> splice(mutant, at, 1, new byte[] {(byte) random.nextInt(256)});
              case 1 -> splice(mutant, at, random.nextInt(20), new byte[0]);
              case 2 ->
                  splice(
                      mutant,
                      at,
                      0,
                      Arrays.copyOfRange(
                          mutant, at, Math.min(mutant.length, at + random.nextInt(40))));
              case 3 ->
                  splice(
                      mutant,
                      at,
                      random.nextInt(6),
                      words[random.nextInt(words.length)].getBytes(UTF_8));
              default -> digit(mutant, at, random);
            };
      }
      try {
        ModelManifest manifest = CODEC.decode(mutant);
        assertThat(CODEC.decode(CODEC.encode(manifest))).isEqualTo(manifest);
        read++;
      } catch (ManifestException | InvalidValueException e) {
        assertThat(e.getMessage()).isNotBlank();
      }
    }
    assertThat(read).isBetween(100, 30_000);
  }

  /** Changes the next digit from {@code at} on, so that many mutants stay well-formed. */
  private static byte[] digit(byte[] bytes, int at, Random random) {
    for (int i = at; i < bytes.length; i++) {
      if (bytes[i] >= '0' && bytes[i] <= '9') {
        return splice(bytes, i, 1, new byte[] {(byte) ('0' + random.nextInt(10))});
      }
    }
    return bytes;
  }

  private static byte[] splice(byte[] bytes, int at, int remove, byte[] insert) {
    int from = Math.min(bytes.length, at + remove);
    byte[] spliced = new byte[at + insert.length + bytes.length - from];
    System.arraycopy(bytes, 0, spliced, 0, at);
    System.arraycopy(insert, 0, spliced, at, insert.length);
    System.arraycopy(bytes, from, spliced, at + insert.length, bytes.length - from);
    return spliced;
  }

  /** The golden manifest with the first occurrence of a text replaced. */
  private static byte[] replace(String from, String to) throws IOException {
    String golden = new String(golden("manifest-v1.json"), UTF_8);
    int at = golden.indexOf(from);
    assertThat(at).as(from).isNotNegative();
    return (golden.substring(0, at) + to + golden.substring(at + from.length())).getBytes(UTF_8);
  }

  @Test
  void roleOfTensorIsKept() {
    ModelManifest plain = everything();
    List<Tensor> tensors = new java.util.ArrayList<>(plain.tensors());
    Tensor first = tensors.getFirst();
    tensors.set(
        0,
        new Tensor(
            first.info(),
            first.file(),
            first.fileOffset(),
            first.layer(),
            Optional.of("encoder.layer.0.x.weight"),
            first.pieces()));
    ModelManifest manifest =
        new ModelManifest(plain.plan(), plain.files(), tensors, plain.shards(), plain.totalBytes());
    byte[] document = CODEC.encode(manifest);
    assertThat(new String(document, UTF_8))
        .contains("\"role\":\"encoder.layer.0.x.weight\",\"pieces\"");
    assertThat(CODEC.decode(document)).isEqualTo(manifest);
    assertThat(CODEC.decode(document).tensors().getFirst().meaning())
        .isEqualTo("encoder.layer.0.x.weight");
  }
}
