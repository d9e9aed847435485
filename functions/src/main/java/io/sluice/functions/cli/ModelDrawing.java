package io.sluice.functions.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.PrintWriter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;

/**
 * A model as a picture of text: a bar for each shard, as long as the shard is large, with a letter
 * for each of its tensors or blocks of rows; then what each worker holds.
 */
final class ModelDrawing {
  private static final int BAR = 48;
  private static final int SHARDS = 20;
  private static final int PIECES = 5;
  private static final int NAME = 64;
  private static final String LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

  private final JsonNode model;
  private final JsonNode workers;
  private final boolean all;
  private final List<List<Block>> blocks = new ArrayList<>();

  /** A tensor, or some of its rows, in a shard. */
  private record Block(JsonNode tensor, JsonNode piece) {
    long offset() {
      return piece.path("offset").asLong();
    }

    long bytes() {
      return piece.path("bytes").asLong();
    }

    String describe() {
      String rows =
          tensor.path("pieces").size() == 1
              ? ""
              : " rows %d to %d"
                  .formatted(
                      piece.path("firstRow").asLong(),
                      piece.path("firstRow").asLong() + piece.path("rows").asLong() - 1);
      return "%s  %s %s%s, %s"
          .formatted(
              ResultText.shorten(tensor.path("name").asText(), NAME),
              tensor.path("dtype").asText(),
              tensor.path("shape"),
              rows,
              ByteSize.format(bytes()));
    }
  }

  /**
   * @param model the document of a version
   * @param workers the document of the workers
   * @param all whether a large model is drawn to its end
   */
  ModelDrawing(JsonNode model, JsonNode workers, boolean all) {
    this.model = model;
    this.workers = workers;
    this.all = all;
    for (int i = 0; i < model.path("shards").size(); i++) {
      blocks.add(new ArrayList<>());
    }
    for (JsonNode tensor : model.path("tensors")) {
      for (JsonNode piece : tensor.path("pieces")) {
        blocks.get(piece.path("shard").asInt()).add(new Block(tensor, piece));
      }
    }
    blocks.forEach(list -> list.sort(Comparator.comparingLong(Block::offset)));
  }

  void draw(PrintWriter out) {
    JsonNode plan = model.path("plan");
    out.printf("%s  %s%n", model.path("model").asText(), model.path("version").asText());
    out.printf(
        "S = %s in %d shards, %d tensors; cut by %s, shards of %s, chunks of %s%n%n",
        ByteSize.format(model.path("S").asLong()),
        model.path("shards").size(),
        model.path("tensors").size(),
        plan.path("strategy").asText(),
        ByteSize.format(plan.path("shardBytes").asLong()),
        ByteSize.format(plan.path("chunkBytes").asLong()));
    files(out);
    shards(out);
    workers(out);
  }

  private void files(PrintWriter out) {
    Table table = new Table("FILE", "SIZE", "FORMAT", "SHA-256");
    int shown = 0;
    for (JsonNode file : model.path("files")) {
      if (shown++ == SHARDS && !all) {
        break;
      }
      table.row(
          file.path("path").asText(),
          new Table.Right(ByteSize.format(file.path("size").asLong())),
          file.path("format").asText(),
          ResultText.shortDigest(file.path("digest").asText()));
    }
    table.print(out);
    more(model.path("files").size(), "files", out);
    out.println();
  }

  private void shards(PrintWriter out) {
    long largest = 1;
    for (JsonNode shard : model.path("shards")) {
      largest = Math.max(largest, shard.path("size").asLong());
    }
    int shown = 0;
    for (JsonNode shard : model.path("shards")) {
      if (shown == SHARDS && !all) {
        break;
      }
      shard(shard, blocks.get(shown), largest, out);
      shown++;
    }
    more(blocks.size(), "shards", out);
  }

  private void shard(JsonNode shard, List<Block> inside, long largest, PrintWriter out) {
    long size = shard.path("size").asLong();
    List<String> holders = new ArrayList<>();
    shard.path("workers").forEach(worker -> holders.add(worker.asText()));
    out.printf(
        "shard %d  %s  %s  %s%n",
        shard.path("index").asInt(),
        ResultText.shortDigest(shard.path("digest").asText()),
        ByteSize.format(size),
        holders.isEmpty() ? "on no worker" : "on " + String.join(", ", holders));
    int width = (int) Math.max(1, Math.round((double) BAR * size / largest));
    out.println("  |" + bar(inside, size, width) + "|");
    List<Integer> order = new ArrayList<>();
    for (int i = 0; i < inside.size(); i++) {
      order.add(i);
    }
    if (!all && inside.size() > PIECES) {
      // The largest, in the order in which they lie.
      order.sort(Comparator.comparingLong((Integer i) -> inside.get(i).bytes()).reversed());
      order = order.subList(0, PIECES).stream().sorted().toList();
    }
    long told = 0;
    for (int i : order) {
      out.printf("  %c %s%n", letter(i), inside.get(i).describe());
      told += inside.get(i).bytes();
    }
    if (order.size() < inside.size()) {
      long sum = inside.stream().mapToLong(Block::bytes).sum();
      out.printf(
          "  and %d smaller ones, %s%n", inside.size() - order.size(), ByteSize.format(sum - told));
    }
  }

  /** Each cell shows the block that has its middle; a dot is header or padding. */
  private static String bar(List<Block> inside, long size, int width) {
    StringBuilder bar = new StringBuilder();
    int block = 0;
    for (int cell = 0; cell < width; cell++) {
      long at = (long) ((cell + 0.5) / width * size);
      while (block < inside.size() && end(inside.get(block)) <= at) {
        block++;
      }
      boolean in = block < inside.size() && inside.get(block).offset() <= at;
      bar.append(in ? letter(block) : '.');
    }
    return bar.toString();
  }

  private static long end(Block block) {
    return block.offset() + block.bytes();
  }

  private static char letter(int index) {
    return LETTERS.charAt(index % LETTERS.length());
  }

  private void workers(PrintWriter out) {
    out.println();
    Table table = new Table("WORKER", "MEMORY", "USED", "OF THIS MODEL", "SHARDS");
    for (JsonNode worker : workers.path("workers")) {
      String id = worker.path("id").asText();
      long bytes = 0;
      List<String> held = new ArrayList<>();
      for (JsonNode shard : model.path("shards")) {
        for (JsonNode holder : shard.path("workers")) {
          if (holder.asText().equals(id)) {
            bytes += shard.path("size").asLong();
            held.add(shard.path("index").asText());
          }
        }
      }
      long budget = worker.path("budgetBytes").asLong();
      table.row(
          id,
          new Table.Right(ByteSize.format(budget)),
          new Table.Right(ByteSize.format(budget - worker.path("freeBytes").asLong())),
          new Table.Right(ByteSize.format(bytes)),
          all ? String.join(" ", held) : ResultText.shorten(String.join(" ", held), NAME));
    }
    table.print(out);
  }

  private void more(int count, String what, PrintWriter out) {
    if (count > SHARDS && !all) {
      out.printf("and %d more %s; --all shows them%n", count - SHARDS, what);
    }
  }
}
