package io.sluice.format;

import io.sluice.model.ByteRange;
import io.sluice.model.DType;
import io.sluice.model.TensorInfo;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * Reads ONNX files: the initializers of the model's graph, inside the file or in external data
 * files. A hand-written walk over the protobuf wire format; tensor data is stepped over, never
 * read.
 *
 * <p>Tensors are those whose bytes lie in one piece as row-major little-endian elements: {@code
 * raw_data}, packed {@code float_data} and {@code double_data}, and external data. Everything else
 * stays in the skeleton: varint-coded {@code int32_data}, {@code int64_data} and {@code
 * uint64_data}, strings, sparse initializers, constants inside nodes, and types without a {@link
 * DType} (4-bit and 2-bit integers, COMPLEX128). The walk goes four messages deep (model, graph,
 * initializer, external data entry) and steps over deeper ones, so nesting costs nothing.
 *
 * <p>Exporters give folded matrices names like {@code onnx::MatMul_885}. Their layer is that of the
 * nodes that take them as inputs ({@code /encoder/layer.3/attention/…}), if these agree; the path
 * of the node that multiplies by one gives its role ({@code encoder.layer.3.attention.….weight}).
 *
 * <p>Codes: those of {@link ProtoReader}; {@code onnx-no-graph}, {@code onnx-repeated}, {@code
 * onnx-tensor-type}, {@code onnx-tensor-data}, {@code onnx-external}, {@code onnx-string-length},
 * {@code onnx-utf8}; {@code tensor-shape-invalid}, {@code tensor-name-invalid}, {@code
 * tensor-name-duplicate}, {@code tensor-count}. Source: onnx.proto.
 */
public final class OnnxReader {
  /** Bytes of the longest name: every character of a tensor name in UTF-8. */
  private static final int MAX_NAME_BYTES = 3 * TensorInfo.MAX_NAME;

  private static final int MAX_LOCATION_BYTES = 3 * Names.MAX_PATH;
  private static final int SHARED = -1;

  private final ByteSource source;
  private final ProtoReader in;
  private final List<Initializer> initializers = new ArrayList<>();
  private final Set<String> names = new HashSet<>();
  private ByteRange graph;
  private ByteRange nodes;

  /**
   * What an ONNX file says about itself and about its external data files.
   *
   * @param layout the file itself
   * @param externals its tensors in other files
   */
  public record Model(FileLayout layout, List<External> externals) {}

  /**
   * A tensor in an external data file.
   *
   * @param name name of the initializer
   * @param info what it is; empty if its type has no {@link DType}, then its bytes stay skeleton
   * @param location path of the data file, relative to the ONNX file, not yet checked
   * @param range its bytes in the data file
   * @param layer its layer, if known
   * @param role what the graph uses it as, if its own name does not say so
   */
  public record External(
      String name,
      Optional<TensorInfo> info,
      String location,
      ByteRange range,
      OptionalInt layer,
      Optional<String> role) {
    public External {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(info, "info");
      Objects.requireNonNull(location, "location");
      Objects.requireNonNull(range, "range");
      Objects.requireNonNull(layer, "layer");
      Objects.requireNonNull(role, "role");
    }
  }

  /** An initializer whose place is known: in this file if {@code location} is null. */
  private record Initializer(
      String name, Optional<TensorInfo> info, String location, ByteRange range) {}

  /** A TensorProto while its fields come in. */
  private static final class Proto {
    final List<Long> dims = new ArrayList<>(4);
    final Map<String, String> external = new HashMap<>();
    final Set<Integer> singular = new HashSet<>();
    String name = "";
    int type;
    ByteRange raw;
    ByteRange floats;
    ByteRange doubles;
    boolean scattered;
    boolean isExternal;
    long end;
  }

  private OnnxReader(ByteSource source) {
    this.source = source;
    this.in = new ProtoReader(source);
  }

  /** Reads a file through a window of 64 KiB. */
  public static Model read(ByteSource source) {
    return new OnnxReader(source).read();
  }

  /** The type of an ONNX data type id, if its elements have a {@link DType}. */
  static Optional<DType> type(int id) {
    return Optional.ofNullable(
        switch (id) {
          case 1 -> DType.F32;
          case 2 -> DType.U8;
          case 3 -> DType.I8;
          case 4 -> DType.U16;
          case 5 -> DType.I16;
          case 6 -> DType.I32;
          case 7 -> DType.I64;
          case 9 -> DType.BOOL;
          case 10 -> DType.F16;
          case 11 -> DType.F64;
          case 12 -> DType.U32;
          case 13 -> DType.U64;
          case 14 -> DType.C64;
          case 16 -> DType.BF16;
          case 17 -> DType.F8_E4M3;
          case 18 -> DType.F8_E4M3FNUZ;
          case 19 -> DType.F8_E5M2;
          case 20 -> DType.F8_E5M2FNUZ;
          case 23 -> DType.F4;
          case 24 -> DType.F8_E8M0;
          default -> null;
        });
  }

  private Model read() {
    while (in.next()) {
      if (in.field() == 7) { // ModelProto.graph
        if (graph != null) {
          throw malformed("repeated", "has two graphs");
        }
        readGraph();
      } else {
        in.skip();
      }
    }
    if (graph == null) {
      throw malformed("no-graph", "is no ONNX model: it has no graph");
    }
    Map<String, Use> uses = usesOfInputs();
    List<SourceTensor> tensors = new ArrayList<>();
    List<External> externals = new ArrayList<>();
    for (Initializer initializer : initializers) {
      OptionalInt layer = layer(initializer.name(), uses);
      Optional<String> role = role(initializer.name(), uses);
      if (initializer.location() != null) {
        externals.add(
            new External(
                initializer.name(),
                initializer.info(),
                initializer.location(),
                initializer.range(),
                layer,
                role));
      } else {
        tensors.add(
            new SourceTensor(initializer.info().orElseThrow(), initializer.range(), layer, role));
      }
    }
    return new Model(
        new FileLayout(source.path(), source.size(), FileFormat.ONNX, tensors),
        List.copyOf(externals));
  }

  private void readGraph() {
    long outer = in.enter();
    long begin = in.position();
    while (in.next()) {
      switch (in.field()) {
        case 1 -> { // GraphProto.node
          in.expect(ProtoReader.BYTES);
          ByteRange node = in.range();
          nodes = nodes == null ? node : ByteRange.between(nodes.offset(), node.end());
        }
        case 5 -> readInitializer(); // GraphProto.initializer
        default -> in.skip();
      }
    }
    graph = ByteRange.between(begin, in.position());
    in.leave(outer);
  }

  private void readInitializer() {
    Tensors.checkCount(source.path(), names.size() + 1L);
    long outer = in.enter();
    Proto proto = new Proto();
    while (in.next()) {
      readTensorField(proto);
    }
    proto.end = in.position();
    in.leave(outer);
    Names.checkTensor(source.path(), proto.name);
    if (!names.add(proto.name)) {
      throw FormatException.malformed(
          "tensor-name-duplicate",
          source.path(),
          "two initializers are named '" + proto.name + "'");
    }
    place(proto);
  }

  private void readTensorField(Proto proto) {
    int field = in.field();
    switch (field) { // of TensorProto
      case 1 -> readDims(proto);
      case 2 -> {
        once(proto, field);
        proto.type = (int) in.varintField();
      }
      case 3 -> { // segment: a part of a tensor
        proto.scattered = true;
        in.skip();
      }
      case 4 -> proto.floats = packed(proto, proto.floats, ProtoReader.FIXED32);
      case 5, 6, 7, 11 -> { // int32_data, string_data, int64_data, uint64_data
        if (in.wire() != ProtoReader.BYTES || field == 6) {
          proto.scattered = true;
          in.skip();
        } else {
          proto.scattered |= in.range().length() > 0;
        }
      }
      case 8 -> {
        once(proto, field);
        proto.name = in.string(MAX_NAME_BYTES, "an initializer's name");
      }
      case 9 -> {
        once(proto, field);
        in.expect(ProtoReader.BYTES);
        proto.raw = in.range();
      }
      case 10 -> proto.doubles = packed(proto, proto.doubles, ProtoReader.FIXED64);
      case 13 -> readExternalEntry(proto);
      case 14 -> {
        once(proto, field);
        long location = in.varintField();
        if (location < 0 || location > 1) {
          throw malformed("external", "data_location is 0 or 1, got " + Tensors.unsigned(location));
        }
        proto.isExternal = location == 1;
      }
      default -> in.skip();
    }
  }

  private void readDims(Proto proto) {
    if (in.wire() == ProtoReader.VARINT) {
      addDim(proto, in.varint());
      return;
    }
    long outer = in.enter();
    while (in.more()) {
      addDim(proto, in.varint());
    }
    in.leave(outer);
  }

  private void addDim(Proto proto, long dim) {
    if (proto.dims.size() == TensorInfo.MAX_RANK) {
      throw FormatException.malformed(
          "tensor-shape-invalid",
          source.path(),
          "an initializer has more than " + TensorInfo.MAX_RANK + " dimensions");
    }
    proto.dims.add(dim);
  }

  /** Where packed floats lie; floats one by one or in several packs are scattered. */
  private ByteRange packed(Proto proto, ByteRange before, int single) {
    if (in.wire() == single) {
      proto.scattered = true;
      in.skip();
      return before;
    }
    in.expect(ProtoReader.BYTES);
    ByteRange range = in.range();
    if (range.length() == 0) {
      return before;
    }
    proto.scattered |= before != null;
    return range;
  }

  private void readExternalEntry(Proto proto) {
    String key = "";
    String value = "";
    long outer = in.enter();
    while (in.next()) {
      switch (in.field()) {
        case 1 -> key = in.string(64, "a key of external_data");
        case 2 -> value = in.string(MAX_LOCATION_BYTES, "a value of external_data");
        default -> in.skip();
      }
    }
    in.leave(outer);
    if (proto.external.size() == 16 || proto.external.put(key, value) != null) {
      throw malformed(
          "external",
          "external_data has at most 16 different keys, '"
              + Names.printable(key)
              + "' is repeated or one too many");
    }
  }

  private void once(Proto proto, int field) {
    if (!proto.singular.add(field)) {
      throw malformed("repeated", "an initializer has its field " + field + " twice");
    }
  }

  /** Decides what an initializer is: a tensor here, one in another file, or skeleton. */
  private void place(Proto proto) {
    if (proto.type <= 0) {
      throw malformed(
          "tensor-type", "initializer '" + proto.name + "' has the data type " + proto.type);
    }
    checkOneSource(proto);
    Optional<DType> dtype =
        type(proto.type).filter(type -> !(proto.scattered && !proto.isExternal));
    Optional<TensorInfo> info =
        dtype
            .filter(type -> type != DType.F4 || isEven(proto.dims))
            .map(type -> Tensors.info(source.path(), proto.name, type, proto.dims));
    if (proto.isExternal) {
      placeExternal(proto, info);
    } else if (info.isPresent()) {
      placeHere(proto, info.get());
    }
  }

  private void checkOneSource(Proto proto) {
    int sources = 0;
    sources += proto.isExternal ? 1 : 0;
    sources += proto.raw != null && proto.raw.length() > 0 ? 1 : 0;
    sources += proto.scattered || proto.floats != null || proto.doubles != null ? 1 : 0;
    if (sources > 1 || (proto.floats != null && proto.doubles != null)) {
      throw malformed(
          "tensor-data", "initializer '" + proto.name + "' has its data in more than one field");
    }
  }

  /** ONNX pads an odd number of 4-bit elements; {@link DType#F4} has whole bytes only. */
  private static boolean isEven(List<Long> dims) {
    return dims.stream().anyMatch(dim -> dim % 2 == 0);
  }

  private void placeHere(Proto proto, TensorInfo info) {
    boolean isFloat = info.dtype() == DType.F32 || info.dtype() == DType.C64;
    if ((proto.floats != null && !isFloat)
        || (proto.doubles != null && info.dtype() != DType.F64)) {
      throw malformed(
          "tensor-data",
          "initializer '"
              + info.name()
              + "' of "
              + info.dtype()
              + " has its data in a field of another type");
    }
    ByteRange range =
        proto.floats != null ? proto.floats : proto.doubles != null ? proto.doubles : proto.raw;
    if (range == null) {
      range = new ByteRange(proto.end, 0);
    }
    if (range.length() != info.bytes()) {
      throw malformed(
          "tensor-data",
          "initializer '"
              + info.name()
              + "' of "
              + info.dtype()
              + info.shape()
              + " takes "
              + info.bytes()
              + " bytes, its data has "
              + range.length());
    }
    initializers.add(new Initializer(info.name(), Optional.of(info), null, range));
  }

  private void placeExternal(Proto proto, Optional<TensorInfo> info) {
    String location = proto.external.get("location");
    if (location == null || location.isEmpty()) {
      throw malformed("external", "initializer '" + proto.name + "' names no location");
    }
    long offset = number(proto, "offset", 0);
    long length = number(proto, "length", info.map(TensorInfo::bytes).orElse(0L));
    if (offset > Long.MAX_VALUE - length) {
      throw malformed(
          "external",
          "initializer '" + proto.name + "' ends past 2^63 - 1: " + offset + " + " + length);
    }
    if (info.isPresent() && length != info.get().bytes()) {
      throw malformed(
          "external",
          "initializer '"
              + proto.name
              + "' of "
              + info.get().dtype()
              + info.get().shape()
              + " takes "
              + info.get().bytes()
              + " bytes, its external data has "
              + length);
    }
    initializers.add(new Initializer(proto.name, info, location, new ByteRange(offset, length)));
  }

  private long number(Proto proto, String key, long absent) {
    String text = proto.external.get(key);
    if (text == null) {
      return absent;
    }
    boolean digits =
        !text.isEmpty() && text.length() <= 19 && text.chars().allMatch(c -> c >= '0' && c <= '9');
    if (digits) {
      long value = Long.parseUnsignedLong(text);
      if (value >= 0) {
        return value;
      }
    }
    throw malformed(
        "external",
        "the "
            + key
            + " of initializer '"
            + proto.name
            + "' is an integer in [0, 2^63), got '"
            + Names.printable(text)
            + "'");
  }

  /** How nodes use an initializer: their layer, {@code SHARED} if they differ, and its role. */
  private record Use(int layer, String role) {
    static Use either(Use a, Use b) {
      return new Use(
          a.layer == b.layer ? a.layer : SHARED,
          a.role != null && a.role.equals(b.role) ? a.role : null);
    }
  }

  private static OptionalInt layer(String name, Map<String, Use> uses) {
    OptionalInt own = LayerNames.layer(name);
    Use use = uses.get(name);
    return own.isPresent() || use == null || use.layer() == SHARED
        ? own
        : OptionalInt.of(use.layer());
  }

  private static Optional<String> role(String name, Map<String, Use> uses) {
    return Optional.ofNullable(uses.get(name))
        .map(Use::role)
        .filter(role -> !role.equals(name) && Names.tensorFault(role) == null);
  }

  /**
   * How every initializer whose own name has no layer is used by the nodes that take it. A second
   * walk, so that only names of initializers are kept, however many nodes there are.
   */
  private Map<String, Use> usesOfInputs() {
    Set<String> anonymous = new HashSet<>();
    for (Initializer initializer : initializers) {
      if (LayerNames.layer(initializer.name()).isEmpty()) {
        anonymous.add(initializer.name());
      }
    }
    Map<String, Use> uses = new HashMap<>();
    if (anonymous.isEmpty() || nodes == null) {
      return uses;
    }
    in.restrict(graph);
    while (in.position() < nodes.end() && in.next()) {
      if (in.field() == 1) {
        readNode(anonymous, uses);
      } else {
        in.skip();
      }
    }
    return uses;
  }

  private void readNode(Set<String> anonymous, Map<String, Use> uses) {
    Map<Integer, String> inputs = new HashMap<>(2);
    int position = 0;
    String node = "";
    String operator = "";
    OptionalInt byOutput = OptionalInt.empty();
    long outer = in.enter();
    while (in.next()) {
      switch (in.field()) { // of NodeProto
        case 1 -> {
          String input = in.string(MAX_NAME_BYTES, "a node's input");
          if (anonymous.contains(input)) {
            inputs.put(position, input);
          }
          position++;
        }
        case 2 -> {
          String output = in.string(MAX_NAME_BYTES, "a node's output");
          byOutput = byOutput.isPresent() ? byOutput : LayerNames.layer(output);
        }
        case 3 -> node = in.string(MAX_NAME_BYTES, "a node's name");
        case 4 -> operator = in.string(MAX_NAME_BYTES, "a node's operator");
        default -> in.skip();
      }
    }
    in.leave(outer);
    OptionalInt byName = LayerNames.layer(node);
    int layer = (byName.isPresent() ? byName : byOutput).orElse(SHARED);
    for (Map.Entry<Integer, String> input : inputs.entrySet()) {
      uses.merge(
          input.getValue(), new Use(layer, role(node, operator, input.getKey())), Use::either);
    }
  }

  /**
   * The role of what a node multiplies by: exporters name nodes by the path of the module, {@code
   * /encoder/layer.3/attention/self/query/MatMul}.
   */
  private static String role(String node, String operator, int position) {
    int end = node.lastIndexOf('/');
    boolean weight = position == 1 && (operator.equals("MatMul") || operator.equals("Gemm"));
    return weight && end > 1 && node.charAt(0) == '/'
        ? node.substring(1, end).replace('/', '.') + ".weight"
        : null;
  }

  private FormatException malformed(String suffix, String message) {
    return FormatException.malformed("onnx-" + suffix, source.path(), message);
  }
}
