package io.sluice.functions.web;

import io.vertx.core.http.HttpHeaders;
import io.vertx.ext.web.Router;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;

/** The description of all functions and routes: {@code GET /openapi}, OpenAPI 3.1 in YAML. */
@ApplicationScoped
public class OpenApiRoute {
  /** Registered for the native image by {@code quarkus.native.resources.includes}. */
  static final String RESOURCE = "/openapi/sluice.yaml";

  void register(@Observes Router router) {
    router
        .get("/openapi")
        .handler(
            context ->
                context
                    .response()
                    .putHeader(HttpHeaders.CONTENT_TYPE, "application/yaml")
                    .end(text()));
  }

  static String text() {
    try (InputStream in = OpenApiRoute.class.getResourceAsStream(RESOURCE)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("cannot read " + RESOURCE, e);
    }
  }
}
