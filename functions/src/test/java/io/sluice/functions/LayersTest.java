package io.sluice.functions;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideOutsideOfPackages;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** The direction of packages in the application. */
class LayersTest {
  private static final JavaClasses CLASSES =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("io.sluice.functions");

  @Test
  void onlyWiringNamesAdapters() {
    noClasses()
        .that()
        .resideOutsideOfPackages("io.sluice.functions.wiring", "io.sluice.functions.engine.lambda")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage(
            "io.sluice.storage.s3",
            "io.sluice.storage.file",
            "io.sluice.storage.http",
            "io.sluice.storage.gluster",
            "io.sluice.storage.cassandra..",
            "io.sluice.storage.hbase",
            "io.sluice.storage.hdfs",
            "io.sluice.job.redis",
            "io.sluice.event.redis",
            "io.sluice.cache.disk",
            "io.sluice.cache.redis",
            "io.sluice.cache.memcached",
            "io.sluice.cache.peer",
            "io.sluice.manifest.redis",
            "software.amazon.awssdk..",
            "io.vertx.redis..")
        .check(CLASSES);
  }

  @Test
  void whatWorksDoesNotKnowWhoAsks() {
    noClasses()
        .that()
        .resideInAPackage("io.sluice.functions.engine..")
        .should()
        .dependOnClassesThat()
        .resideInAnyPackage("io.sluice.functions.web", "io.sluice.functions.cli")
        .check(CLASSES);
  }

  @Test
  void problemsKnowOnlyTheModel() {
    noClasses()
        .that()
        .resideInAPackage("io.sluice.functions.problem")
        .should()
        .dependOnClassesThat(
            resideInAPackage("io.sluice..")
                .and(resideOutsideOfPackages("io.sluice.functions.problem", "io.sluice.model")))
        .check(CLASSES);
  }

  @Test
  void functionsAndRoutesDoNotKnowTheCommandLine() {
    noClasses()
        .that()
        .resideInAnyPackage(
            "io.sluice.functions.function..",
            "io.sluice.functions.web",
            "io.sluice.functions.engine..",
            "io.sluice.functions.wiring")
        .should()
        .dependOnClassesThat()
        .resideInAPackage("io.sluice.functions.cli")
        .check(CLASSES);
  }
}
