package io.sluice.functions.engine;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.job.Worker;
import io.sluice.job.WorkerRegistry;
import io.sluice.manifest.ManifestRepository;
import io.sluice.memory.HeldShards;
import io.sluice.memory.SlabPool;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.inject.Inject;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;

/** Frees models from memory. */
@ApplicationScoped
public class UnloadService {
  private static final Duration RELEASE = Duration.ofSeconds(30);

  @Inject ManifestRepository manifests;
  @Inject WorkerRegistry workers;
  @Inject WorkerInvoker invoker;
  @Inject HeldShards held;
  @Inject SlabPool pool;
  @Inject LocalWorker self;

  /** Asks every worker to release a model. */
  public JsonNode unload(ModelRef model) throws InterruptedException {
    Digest version = manifests.resolve(model).version();
    ObjectNode input = JsonNodeFactory.instance.objectNode().put("version", version.toString());
    List<FutureTask<JsonNode>> answers = new ArrayList<>();
    for (Worker worker : workers.live()) {
      FutureTask<JsonNode> answer =
          new FutureTask<>(
              () -> invoker.invoke(URI.create(worker.address()), "release", input, RELEASE));
      answers.add(answer);
      Thread.ofVirtual().name("sluice-release-" + worker.id()).start(answer);
    }
    long freed = 0;
    ArrayNode list = JsonNodeFactory.instance.arrayNode();
    for (FutureTask<JsonNode> answer : answers) {
      JsonNode one = get(answer);
      freed += one.get("freedBytes").longValue();
      list.add(one);
    }
    ObjectNode json =
        JsonNodeFactory.instance
            .objectNode()
            .put("model", model.name())
            .put("version", version.toString())
            .put("freedBytes", freed);
    json.set("workers", list);
    return json;
  }

  /** Releases a version from the memory of this worker. */
  public JsonNode release(Digest version) {
    long before = pool.freeBytes();
    held.release(version);
    self.tell();
    long freed = Math.max(0, pool.freeBytes() - before);
    return JsonNodeFactory.instance.objectNode().put("id", self.id()).put("freedBytes", freed);
  }

  private static JsonNode get(FutureTask<JsonNode> answer) throws InterruptedException {
    try {
      return answer.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException failure) {
        throw failure;
      }
      throw new IllegalStateException(e.getCause());
    }
  }
}
