package io.sluice.functions.web;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.functions.function.dto.ModelDocument;
import io.sluice.job.Worker;
import io.sluice.job.WorkerRegistry;
import io.sluice.manifest.ManifestRepository;
import io.sluice.manifest.ModelManifest;
import io.sluice.model.Digest;
import io.sluice.model.ModelRef;
import io.sluice.model.ShardDescriptor;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * What models and workers there are: {@code GET /models}, {@code /models/{name}}, {@code /workers}.
 */
@ApplicationScoped
public class ModelRoutes {
  @Inject ManifestRepository manifests;
  @Inject WorkerRegistry workers;

  void register(@Observes Router router) {
    router.get("/models").handler(BlockingRoute.of(this::models));
    router.get("/models/:name").handler(BlockingRoute.of(this::model));
    router.get("/models/:org/:name").handler(BlockingRoute.of(this::model));
    router.get("/workers").handler(BlockingRoute.of(this::workers));
  }

  private ObjectNode models(RoutingContext context) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    ArrayNode list = json.putArray("models");
    manifests.list().forEach(model -> list.add(ModelDocument.summary(model)));
    return json;
  }

  private ObjectNode model(RoutingContext context) {
    String org = context.pathParam("org");
    String name = (org == null ? "" : org + "/") + context.pathParam("name");
    ModelRef ref =
        new ModelRef(
            name,
            Optional.ofNullable(context.request().getParam("tag")),
            Optional.ofNullable(context.request().getParam("version")).map(Digest::parse));
    Digest version = manifests.resolve(ref).version();
    ModelManifest manifest = manifests.load(name, version);
    Map<Digest, Set<String>> holders = new HashMap<>();
    workers
        .holders(manifest.shards().stream().map(ShardDescriptor::digest).toList())
        .forEach((shard, coverages) -> holders.put(shard, coverages.keySet()));
    return ModelDocument.version(name, version, manifest, holders);
  }

  private ObjectNode workers(RoutingContext context) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    ArrayNode list = json.putArray("workers");
    for (Worker worker : workers.live()) {
      list.addObject()
          .put("id", worker.id())
          .put("address", worker.address())
          .put("startedAt", worker.startedAt().toString())
          .put("budgetBytes", worker.budgetBytes())
          .put("freeBytes", worker.freeBytes())
          .put("shards", worker.heldShards());
    }
    return json;
  }
}
