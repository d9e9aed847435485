package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import io.sluice.plan.PlanOptions;
import io.sluice.plan.PlanStrategy;
import jakarta.inject.Inject;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code upload}: a local folder or file from this process, a URL by the workers. */
@Command(
    name = "upload",
    description = {
      "Uploads a model.",
      "A local folder or file goes straight to the store; s3:, https: and file: URLs are read by"
          + " the workers of the server. An upload that was cut off goes on when it is started"
          + " again."
    })
final class UploadCommand extends JobCommand {
  private static final Pattern URL = Pattern.compile("(s3|https?|file):.*");

  @Parameters(index = "0", paramLabel = "PATH|URL", description = "Folder or file of the model.")
  String source;

  @Parameters(index = "1", paramLabel = "MODEL", description = "Name, with or without a tag.")
  ModelRef model;

  @Option(
      names = "--strategy",
      paramLabel = "size|count|layer",
      description = "How tensors are cut into shards (default: size, with --shards count).")
  String strategy;

  @Option(
      names = "--shard-size",
      paramLabel = "SIZE",
      description = "Most bytes of a shard (default: 64MiB).")
  ByteSize shardSize = new ByteSize(PlanOptions.DEFAULT_SHARD_BYTES);

  @Option(names = "--shards", paramLabel = "N", description = "Number of shards.")
  Integer shards;

  @Option(
      names = "--chunk-size",
      paramLabel = "SIZE",
      description = "Bytes that are transferred and verified together (default: 8MiB).")
  ByteSize chunkSize = new ByteSize(PlanOptions.DEFAULT_CHUNK_BYTES);

  @Option(
      names = "--expect",
      paramLabel = "sha256:...",
      description = "Move the tag only if it names this version now.")
  Digest expect;

  @Option(
      names = "--file-digests",
      description = "Store the SHA-256 of each whole file too; costs a second hash of every byte.")
  boolean fileDigests;

  @Inject LocalUpload localUpload;

  @Override
  Needs needs() {
    return remote() ? Needs.ENDPOINT : Needs.STORE;
  }

  @Override
  public Integer call() throws InterruptedException {
    if (remote()) {
      return submit("upload", request());
    }
    if (noWait) {
      throw usage("--no-wait needs a URL: a local upload runs in this process");
    }
    JsonNode result;
    try (ProgressView progress = progress("upload")) {
      result =
          localUpload.upload(
              Path.of(source),
              model,
              options(),
              Optional.ofNullable(expect),
              fileDigests,
              progress);
    }
    print(result, out -> text(result, out));
    return 0;
  }

  @Override
  void text(JsonNode result, PrintWriter out) {
    ResultText.upload(result, out);
  }

  private boolean remote() {
    return URL.matcher(source).matches();
  }

  private PlanOptions options() {
    return new PlanOptions(
        chosen(),
        shardSize.bytes(),
        shards == null ? OptionalInt.empty() : OptionalInt.of(shards),
        chunkBytes());
  }

  private PlanStrategy chosen() {
    if (strategy != null) {
      return PlanStrategy.parse(strategy);
    }
    return shards == null ? PlanStrategy.SIZE : PlanStrategy.COUNT;
  }

  private int chunkBytes() {
    return (int) Math.min(chunkSize.bytes(), Integer.MAX_VALUE);
  }

  private ObjectNode request() {
    PlanOptions options = options();
    ObjectNode request =
        JsonNodeFactory.instance
            .objectNode()
            .put("source", source)
            .put("model", model.toString())
            .put("strategy", options.strategy().text())
            .put("shardBytes", options.shardBytes())
            .put("chunkBytes", options.chunkBytes());
    options.count().ifPresent(n -> request.put("shards", n));
    if (expect != null) {
      request.put("expect", expect.toString());
    }
    if (fileDigests) {
      request.put("fileDigests", true);
    }
    return request;
  }
}
