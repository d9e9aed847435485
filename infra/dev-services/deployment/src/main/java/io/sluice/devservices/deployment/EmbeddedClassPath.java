package io.sluice.devservices.deployment;

import io.quarkus.bootstrap.model.ApplicationModel;
import io.quarkus.maven.dependency.ArtifactCoords;
import io.quarkus.maven.dependency.ArtifactKey;
import io.quarkus.maven.dependency.ResolvedDependency;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The class path of {@code sluice-embedded}, cut out of the application's: the artifact itself, in
 * dev mode its class folder, and what it depends on, in the versions that the build chose.
 */
final class EmbeddedClassPath {
  private static final ArtifactKey EMBEDDED =
      ArtifactKey.of(
          "io.sluice",
          "sluice-embedded",
          ArtifactCoords.DEFAULT_CLASSIFIER,
          ArtifactCoords.TYPE_JAR);

  private EmbeddedClassPath() {}

  static List<Path> of(ApplicationModel model) {
    Map<ArtifactKey, ResolvedDependency> byKey = new HashMap<>();
    for (ResolvedDependency dependency : model.getDependencies()) {
      byKey.put(dependency.getKey(), dependency);
    }
    if (!byKey.containsKey(EMBEDDED)) {
      throw new IllegalStateException(EMBEDDED + " is not among the dependencies of the build");
    }
    List<Path> classPath = new ArrayList<>();
    Set<ArtifactKey> seen = new HashSet<>();
    Deque<ArtifactKey> pending = new ArrayDeque<>(List.of(EMBEDDED));
    while (!pending.isEmpty()) {
      ArtifactKey key = pending.removeFirst();
      ResolvedDependency dependency = byKey.get(key);
      // Not every declared dependency is resolved: test scope, optional and excluded ones are not.
      if (dependency != null && seen.add(key)) {
        dependency.getResolvedPaths().forEach(classPath::add);
        dependency.getDependencies().stream().map(ArtifactCoords::getKey).forEach(pending::addLast);
      }
    }
    return classPath;
  }
}
