package io.sluice.functions.web;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.functions.function.dto.JobDocument;
import io.sluice.job.JobStore;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import jakarta.inject.Inject;

/** Looks at jobs and stops them: {@code GET /jobs}, {@code GET /jobs/{id}}, cancel. */
@ApplicationScoped
public class JobRoutes {
  private static final int DEFAULT_LIMIT = 50;

  @Inject JobStore jobs;

  void register(@Observes Router router) {
    router.get("/jobs").handler(BlockingRoute.of(this::list));
    router
        .get("/jobs/:id")
        .handler(BlockingRoute.of(c -> JobDocument.write(jobs.get(c.pathParam("id")))));
    router.post("/jobs/:id/cancel").handler(BlockingRoute.of(this::cancel));
  }

  private ObjectNode list(RoutingContext context) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    ArrayNode list = json.putArray("jobs");
    jobs.list(limit(context)).forEach(job -> list.add(JobDocument.write(job)));
    return json;
  }

  private ObjectNode cancel(RoutingContext context) {
    String id = context.pathParam("id");
    jobs.cancel(id);
    return JobDocument.write(jobs.get(id));
  }

  private static int limit(RoutingContext context) {
    String text = context.request().getParam("limit");
    if (text == null) {
      return DEFAULT_LIMIT;
    }
    if (!text.matches("[1-9][0-9]{0,3}") || Integer.parseInt(text) > JobStore.MAX_PAGE) {
      throw new SluiceException(
          ErrorKind.INVALID,
          "field-invalid",
          "limit is a whole number from 1 to " + JobStore.MAX_PAGE + ", got '" + text + "'");
    }
    return Integer.parseInt(text);
  }
}
