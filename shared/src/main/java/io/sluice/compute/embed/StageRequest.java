package io.sluice.compute.embed;

import io.sluice.job.Worker;
import io.sluice.model.Digest;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

/**
 * What a worker gets to execute its parts of an encoder on a micro-batch, and to hand on.
 *
 * <p>As bytes, little-endian:
 *
 * <pre>
 *  0  4  "SLAC"
 *  4  1  version of the format, 1
 *  5  1  0: token ids follow (I32), 1: activations (F32)
 *  6  1  pooling: 0 mean, 1 cls
 *  7  1  1: normalise
 *  8 32  version of the model
 * 40 16  trace
 * 56  4  number of the micro-batch
 * 60  4  ε (F32)
 * 64  2  heads
 * 66  2  first part to execute
 * 68  2  hops h
 * 70  2  bytes of the name of the model
 * 72  4  sequences n
 * 76  4  floats of a token: H, or 1 for ids
 * 80     name; h × (end U16, bytes of id U8, id); n × length U16; tokens × floats × 4 bytes
 * </pre>
 *
 * @param model name of the model
 * @param version of the model
 * @param trace 16 bytes that all requests of one call bear
 * @param batch number of the micro-batch
 * @param settings of the encoder
 * @param first part to execute
 * @param hops who executes which parts, the receiver first
 * @param lengths tokens of each sequence
 * @param ids of the tokens; null unless the first part is the embeddings
 * @param activations [tokens, H]; null if there are ids
 */
record StageRequest(
    String model,
    Digest version,
    byte[] trace,
    int batch,
    EncoderSettings settings,
    int first,
    List<Hop> hops,
    int[] lengths,
    int[] ids,
    float[] activations) {
  /** Most tokens of a micro-batch. */
  static final int MAX_TOKENS = 4096;

  private static final int MAGIC = 0x43414c53;
  private static final int FORMAT = 1;
  private static final int HEADER = 80;
  private static final int MAX_HOPS = 1 + EncoderShape.MAX_LAYERS;

  /**
   * A worker on the way of a micro-batch.
   *
   * @param worker its id
   * @param end one after the last part that it executes
   */
  record Hop(String worker, int end) {}

  StageRequest {
    hops = List.copyOf(hops);
    if (hops.isEmpty() || hops.size() > MAX_HOPS) {
      throw EmbedException.activations(
          "there are 1 to " + MAX_HOPS + " workers on the way, got " + hops.size());
    }
    int at = first;
    for (Hop hop : hops) {
      if (hop.end() <= at || hop.end() > 1 + EncoderShape.MAX_LAYERS) {
        throw EmbedException.activations(
            "each worker executes at least one part of at most "
                + (1 + EncoderShape.MAX_LAYERS)
                + ", got parts "
                + at
                + " to "
                + hop.end());
      }
      at = hop.end();
    }
    if (lengths.length == 0 || tokens(lengths) > MAX_TOKENS) {
      throw EmbedException.activations(
          "a micro-batch has 1 to "
              + MAX_TOKENS
              + " tokens, got "
              + tokens(lengths)
              + " in "
              + lengths.length
              + " sequences");
    }
    for (int length : lengths) {
      if (length < 1) {
        throw EmbedException.activations("a sequence has at least 1 token, got " + length);
      }
    }
    if ((ids == null) == (activations == null) || (ids == null) != (first > 0)) {
      throw EmbedException.activations(
          "part 0 takes token ids, others take activations; this is part " + first);
    }
  }

  private static long tokens(int[] lengths) {
    return Arrays.stream(lengths).asLongStream().sum();
  }

  /** Number of tokens. */
  int tokens() {
    return (int) tokens(lengths);
  }

  /** What the next worker gets. */
  StageRequest next(float[] output) {
    return new StageRequest(
        model,
        version,
        trace,
        batch,
        settings,
        hops.getFirst().end(),
        hops.subList(1, hops.size()),
        lengths,
        null,
        output);
  }

  byte[] encode() {
    byte[] name = model.getBytes(StandardCharsets.UTF_8);
    List<byte[]> workers =
        hops.stream().map(hop -> hop.worker().getBytes(StandardCharsets.US_ASCII)).toList();
    int values = ids != null ? ids.length : activations.length;
    int size =
        HEADER
            + name.length
            + workers.stream().mapToInt(id -> 3 + id.length).sum()
            + 2 * lengths.length
            + 4 * values;
    ByteBuffer out = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN);
    out.putInt(MAGIC).put((byte) FORMAT).put((byte) (ids != null ? 0 : 1));
    out.put((byte) settings.pooling().ordinal()).put((byte) (settings.normalize() ? 1 : 0));
    out.put(HexFormat.of().parseHex(version.hex())).put(trace);
    out.putInt(batch).putFloat(settings.epsilon()).putShort((short) settings.heads());
    out.putShort((short) first).putShort((short) hops.size()).putShort((short) name.length);
    out.putInt(lengths.length).putInt(values / tokens());
    out.put(name);
    for (int i = 0; i < hops.size(); i++) {
      out.putShort((short) hops.get(i).end()).put((byte) workers.get(i).length);
      out.put(workers.get(i));
    }
    for (int length : lengths) {
      out.putShort((short) length);
    }
    if (ids != null) {
      out.asIntBuffer().put(ids);
    } else {
      out.asFloatBuffer().put(activations);
    }
    return out.array();
  }

  /**
   * Reads what {@link #encode} wrote. Nothing is allocated by a number that the bytes do not bear
   * out.
   *
   * @throws EmbedException {@code activations-invalid}
   */
  static StageRequest decode(byte[] bytes) {
    ByteBuffer in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    need(in, HEADER, "the header");
    int magic = in.getInt();
    int format = in.get();
    if (magic != MAGIC || format != FORMAT) {
      throw EmbedException.activations(
          "they start with 'SLAC' and format 1, got %08x and %d"
              .formatted(Integer.reverseBytes(magic), format));
    }
    int kind = flag(in, "the kind");
    int pooling = flag(in, "the pooling");
    int normalize = flag(in, "the flag to normalise");
    byte[] digest = new byte[32];
    in.get(digest);
    byte[] trace = new byte[16];
    in.get(trace);
    int batch = in.getInt();
    float epsilon = in.getFloat();
    int heads = in.getShort() & 0xffff;
    int first = in.getShort() & 0xffff;
    int hopCount = in.getShort() & 0xffff;
    int nameLength = in.getShort() & 0xffff;
    int sequences = in.getInt();
    int width = in.getInt();
    String model = text(in, nameLength, "the name of the model");
    List<Hop> hops = new ArrayList<>();
    for (int i = 0; i < hopCount; i++) {
      need(in, 3, "a worker on the way");
      int end = in.getShort() & 0xffff;
      String id = text(in, in.get() & 0xff, "the id of a worker");
      Worker.checkId(id);
      hops.add(new Hop(id, end));
    }
    if (sequences < 1 || sequences > MAX_TOKENS) {
      throw EmbedException.activations(
          "a micro-batch has 1 to " + MAX_TOKENS + " sequences, got " + sequences);
    }
    need(in, 2L * sequences, "the lengths");
    int[] lengths = new int[sequences];
    for (int i = 0; i < sequences; i++) {
      lengths[i] = in.getShort() & 0xffff;
    }
    long tokens = tokens(lengths);
    if (tokens > MAX_TOKENS
        || width < 1
        || width > EncoderShape.MAX_WIDTH
        || kind == 0 && width > 1) {
      throw EmbedException.activations(
          "a micro-batch has at most "
              + MAX_TOKENS
              + " tokens of at most "
              + EncoderShape.MAX_WIDTH
              + " floats (ids: 1), got "
              + tokens
              + " of "
              + width);
    }
    if (in.remaining() != tokens * width * 4) {
      throw EmbedException.activations(
          tokens
              + " tokens of "
              + width
              + " values take "
              + tokens * width * 4
              + " bytes, got "
              + in.remaining());
    }
    int[] ids = null;
    float[] activations = null;
    if (kind == 0) {
      ids = new int[(int) tokens];
      in.asIntBuffer().get(ids);
    } else {
      activations = new float[(int) tokens * width];
      in.asFloatBuffer().get(activations);
    }
    return new StageRequest(
        model,
        Digest.of(digest),
        trace,
        batch,
        new EncoderSettings(heads, epsilon, Pooling.values()[pooling], normalize == 1),
        first,
        hops,
        lengths,
        ids,
        activations);
  }

  private static int flag(ByteBuffer in, String what) {
    int value = in.get();
    if (value < 0 || value > 1) {
      throw EmbedException.activations(what + " is 0 or 1, got " + value);
    }
    return value;
  }

  private static String text(ByteBuffer in, int length, String what) {
    need(in, length, what);
    byte[] bytes = new byte[length];
    in.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }

  private static void need(ByteBuffer in, long bytes, String what) {
    if (in.remaining() < bytes) {
      throw EmbedException.activations(
          "they end after "
              + in.limit()
              + " bytes, in "
              + what
              + " of "
              + bytes
              + " bytes at byte "
              + in.position());
    }
  }
}
