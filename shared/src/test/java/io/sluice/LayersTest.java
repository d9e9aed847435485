package io.sluice;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.Arrays;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The direction of packages, as the design has it. */
class LayersTest {
  private static final String ROOT = "io.sluice.";

  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .withImportOption(location -> location.contains("/shared/"))
          .importPackages("io.sluice");

  /** Classes of Sluice, in this module, outside of the packages. */
  private static DescribedPredicate<JavaClass> ofSluiceOutside(Set<String> packages) {
    return DescribedPredicate.describe(
        "of Sluice outside of " + packages,
        type ->
            (type.getPackageName() + ".").startsWith(ROOT)
                && !packages.contains(type.getPackageName()));
  }

  private static void check(ArchRule rule) {
    rule.allowEmptyShould(true).check(CLASSES);
  }

  /** A package may import itself and the others named. Adapters are packages of their own. */
  @ParameterizedTest
  @CsvSource({
    "model,",
    "format, model",
    "plan, model",
    "storage, model",
    "cache, model",
    "manifest, model storage",
    "job, model",
    "memory, model",
    "redis, model",
    "json, model",
    "http, model",
    "measure, model memory",
    "pins, model job manifest",
    "placement, model plan manifest job memory",
    "source, model storage upload",
    "copy, model json storage manifest job upload",
    "upload, model json format plan storage cache manifest job memory",
    "load, model json placement plan storage cache manifest job memory",
    "compute, model json placement plan storage cache manifest job memory",
    "compute.kernel, model",
    "compute.train, model json plan storage manifest job placement compute compute.kernel"
        + " compute.publish",
    "compute.train.redis, model redis compute.train",
    "compute.stats, model json compute compute.kernel",
    "compute.embed, model json plan placement storage manifest job memory compute compute.kernel"
        + " compute.publish",
    "compute.compare, model json placement plan manifest job compute compute.kernel compute.stats",
    "compute.product, model json plan placement manifest job compute compute.kernel"
        + " compute.publish",
    "compute.publish, model format plan storage manifest job",
    "compute.convert, model json placement plan manifest job compute compute.kernel compute.publish"
        + " compute.stats",
    "pull, model format storage manifest",
    "event, model json manifest job",
    "event.redis, model redis event",
    "storage.s3, model storage http",
    "storage.file, model storage",
    "storage.hdfs, model storage storage.rest http",
    "storage.hbase, model storage storage.rest http",
    "storage.rest, model storage http",
    "storage.http, model storage",
    "storage.gluster, model storage",
    "storage.cassandra, model storage",
    "cache.disk, model cache",
    "cache.redis, model cache redis",
    "cache.memcached, model cache",
    "cache.peer, model cache http",
    "manifest.redis, model manifest redis",
    "job.redis, model job redis",
  })
  void aPackageImportsOnly(String name, String others) {
    Set<String> allowed = new HashSet<>(Set.of(ROOT + name));
    if (others != null) {
      Arrays.stream(others.split(" ")).map(ROOT::concat).forEach(allowed::add);
    }
    check(
        noClasses()
            .that()
            .resideInAPackage(ROOT + name)
            .should()
            .dependOnClassesThat(ofSluiceOutside(allowed)));
  }

  @Test
  void everyPackageHasItsRule() {
    Set<String> known = new HashSet<>(Set.of("io.sluice"));
    CsvSource rules = rulesOfPackages();
    Arrays.stream(rules.value()).map(line -> ROOT + line.split(",")[0]).forEach(known::add);
    check(
        classes()
            .that()
            .resideInAPackage("io.sluice..")
            .should()
            .resideInAnyPackage(known.toArray(String[]::new)));
  }

  private static CsvSource rulesOfPackages() {
    try {
      return LayersTest.class
          .getDeclaredMethod("aPackageImportsOnly", String.class, String.class)
          .getAnnotation(CsvSource.class);
    } catch (NoSuchMethodException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void pureValuesAndPlansNeedTheJdkOnly() {
    check(
        classes()
            .that()
            .resideInAnyPackage(ROOT + "model", ROOT + "plan", ROOT + "memory")
            .should()
            .onlyDependOnClassesThat()
            .resideInAnyPackage("java..", "io.sluice.model", "io.sluice.plan", "io.sluice.memory"));
  }

  @Test
  void packagesFormNoCycle() {
    check(slices().matching("io.sluice.(**)").should().beFreeOfCycles());
  }

  @Test
  void nothingUsesSharedArenas() {
    check(
        noClasses()
            .should()
            .callMethod(java.lang.foreign.Arena.class, "ofShared")
            .because("closing a shared arena fails in native executables"));
  }
}
