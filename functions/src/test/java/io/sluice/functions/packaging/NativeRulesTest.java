package io.sluice.functions.packaging;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.tngtech.archunit.core.domain.Dependency;
import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaStaticInitializer;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.sluice.functions.docs.Repository;
import java.io.IOException;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * What works in Java and fails in a native executable, or stays there what it was on the machine
 * that built it, is in no class that becomes part of one. docs/native.md has the reasons.
 */
class NativeRulesTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("io.sluice");

  private static final String METADATA =
      "shared/src/main/resources/META-INF/native-image/io.sluice/sluice-shared/"
          + "reachability-metadata.json";

  private static final String FOREIGN = "io.sluice.memory.VirtualMemory";

  /** Looks for its one implementation, which is registered beside it in infra/cassandra. */
  private static final String CASSANDRA = "io.sluice.storage.cassandra.CassandraStores";

  private static final String GLUSTER = "io.sluice.storage.gluster.Gfapi";

  private static final Pattern REFLECTION =
      Pattern.compile(
          "java\\.lang\\.Class\\.(forName|getDeclared\\w+|getMethods?|getFields?|getConstructors?"
              + "|newInstance)"
              + "|java\\.lang\\.invoke\\.MethodHandles\\$Lookup\\.(find|unreflect|define)\\w*");

  private static final Pattern BINDING =
      Pattern.compile(
          "com\\.fasterxml\\.jackson\\.databind\\..*\\."
              + "(readValues?|treeToValue|valueToTree|convertValue)");

  private static final Pattern FORBIDDEN_TYPES =
      Pattern.compile(
          "java\\.lang\\.reflect\\..*|java\\.util\\.ServiceLoader|java\\.io\\.ObjectInputStream"
              + "|sun\\.misc\\.Unsafe|org\\.openjdk\\.jmh\\..*");

  /** What depends on the moment and the machine. */
  private static final Pattern RUN_TIME =
      Pattern.compile(
          "java\\.lang\\.System\\.(getenv|getProperty|nanoTime|currentTimeMillis)"
              + "|java\\.lang\\.Runtime\\.(availableProcessors|maxMemory)"
              + "|java\\.lang\\.Thread\\.(<init>|start|startVirtualThread|ofVirtual|ofPlatform)"
              + "|java\\.lang\\.ProcessHandle\\.current"
              + "|java\\.lang\\.foreign\\.(Linker|Arena|SymbolLookup)\\..*"
              + "|java\\.net\\.InetAddress\\..*"
              + "|java\\.net\\.http\\.HttpClient\\..*"
              + "|java\\.nio\\.file\\.Files\\..*"
              + "|java\\.security\\.SecureRandom\\..*"
              + "|java\\.time\\.Instant\\.now"
              + "|java\\.util\\.Random\\.<init>"
              + "|java\\.util\\.UUID\\.randomUUID"
              + "|java\\.util\\.concurrent\\.ThreadLocalRandom\\.current"
              + "|java\\.util\\.concurrent\\.Executors\\..*"
              + "|javax\\.net\\.ssl\\.SSLContext\\..*"
              + "|jdk\\.incubator\\.vector\\.VectorShape\\.preferredShape");

  @Test
  void allCodeOfTheExecutableIsLookedAt() {
    for (String type :
        List.of(FOREIGN, "io.sluice.launcher.Launch", "io.sluice.functions.SluiceMain")) {
      assertThat(CLASSES.contain(type)).as(type).isTrue();
    }
    assertThat(accesses(named(Pattern.compile("java\\.util\\.List\\.of")))).isNotEmpty();
  }

  @Test
  void nothingIsFoundByReflection() {
    // Whose one implementation is registered beside it, in infra/cassandra.
    assertThat(
            accesses(named(REFLECTION).and(outside("io.sluice.storage.cassandra.CassandraStores"))))
        .isEmpty();
    assertThat(
            CLASSES.stream()
                .flatMap(type -> type.getDirectDependenciesFromSelf().stream())
                .filter(on -> FORBIDDEN_TYPES.matcher(on.getTargetClass().getName()).matches())
                .filter(on -> !on.getOriginClass().getName().equals(CASSANDRA))
                .map(Dependency::getDescription))
        .isEmpty();
  }

  @Test
  void jsonIsReadAsTreesAndNotBoundToClasses() {
    assertThat(accesses(named(BINDING))).isEmpty();
  }

  @Test
  void resourcesAreReadWhereTheyAreRegistered() {
    assertThat(
            accesses(
                named(Pattern.compile(".*\\.getResource(s|AsStream)?"))
                    .and(outside("io.sluice.functions.web.OpenApiRoute"))))
        .isEmpty();
  }

  @Test
  void foreignFunctionsAreCalledInTwoPlacesAndAllRegistered() throws IOException {
    assertThat(
            accesses(
                named(Pattern.compile("java\\.lang\\.foreign\\.Linker\\..*"))
                    .and(outside(FOREIGN))
                    .and(outside(GLUSTER))))
        .isEmpty();
    Set<String> registered = new HashSet<>();
    JsonNode metadata = new ObjectMapper().readTree(Repository.read(METADATA));
    // Those of GlusterFS tell their errno; GfapiTest compares them.
    for (JsonNode call : metadata.at("/foreign/downcalls")) {
      if (!call.at("/options/captureCallState").asBoolean()) {
        registered.add(call.toString());
      }
    }
    assertThat(
            accesses(
                named(Pattern.compile("java\\.lang\\.foreign\\.Linker\\.downcallHandle"))
                    .and(outside(GLUSTER))))
        .as("calls of C, each with a signature of its own")
        .hasSize(registered.size());
    assertThat(accesses(named(Pattern.compile("java\\.lang\\.foreign\\.Arena\\.ofShared"))))
        .isEmpty();
  }

  @Test
  void whatBelongsToRunTimeIsNotDoneWhenClassesAreInitialised() {
    assertThat(
            accesses(
                named(RUN_TIME)
                    .and(
                        access ->
                            access.getOrigin() instanceof JavaStaticInitializer
                                && !access.isDeclaredInLambda())))
        .isEmpty();
  }

  @Test
  void widthsOfVectorsAreFixed() {
    assertThat(accesses(named(Pattern.compile(".*\\.(SPECIES_(PREFERRED|MAX)|ofPreferred)"))))
        .isEmpty();
  }

  @Test
  void vectorsAreReadFromSegmentsOnlyWhereNativeExecutablesDoNot() {
    // Vectors.reading() chooses these three in Java processes only.
    assertThat(
            accesses(
                named(Pattern.compile(".*\\.fromMemorySegment"))
                    .and(outside("io.sluice.compute.stats.SegmentSums"))
                    .and(outside("io.sluice.compute.convert.SegmentRows"))
                    .and(outside("io.sluice.compute.kernel.VectorDots"))))
        .isEmpty();
  }

  private static List<String> accesses(Predicate<JavaAccess<?>> which) {
    return CLASSES.stream()
        .flatMap(type -> type.getAccessesFromSelf().stream())
        .filter(which)
        .map(JavaAccess::getDescription)
        .toList();
  }

  /** Accesses whose target, as {@code package.Class.member}, is one of these. */
  private static Predicate<JavaAccess<?>> named(Pattern targets) {
    return access ->
        targets.matcher(access.getTargetOwner().getName() + "." + access.getName()).matches();
  }

  private static Predicate<JavaAccess<?>> outside(String type) {
    return access -> {
      JavaClass from = access.getOriginOwner();
      return !(from.getName() + "$").startsWith(type + "$");
    };
  }
}
