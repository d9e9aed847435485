package io.sluice.servers;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Properties;
import java.util.stream.Stream;
import org.assertj.core.api.Assertions;
import org.assertj.core.api.Assumptions;

/**
 * The servers that can be started: each a folder of {@code infra/servers} with a main class, {@code
 * jvm.options} and, once it is built, {@code target/classes} and {@code target/classpath}; or with
 * a script, for one that is no Java.
 */
public enum RealServer {
  HDFS("hdfs", "io.sluice.servers.HdfsServer", false),
  /** HBase 2.6 was built for it. */
  HBASE("hbase", "io.sluice.servers.HbaseServer", true),
  /** Cassandra 5 does not run on later Javas. */
  CASSANDRA("cassandra", "io.sluice.servers.CassandraServer", true),
  /** Of the system, which it takes root to start; see {@link GlusterServer}. */
  GLUSTER("gluster", null, false) {
    @Override
    Optional<String> missing() {
      if (!"root".equals(System.getProperty("user.name"))) {
        return Optional.of("only root can start it");
      }
      boolean installed =
          Stream.of("/usr/sbin/glusterd", "/usr/local/sbin/glusterd")
              .map(Path::of)
              .anyMatch(Files::isExecutable);
      return installed ? Optional.empty() : Optional.of("there is no glusterd; install GlusterFS");
    }

    @Override
    List<String> command() {
      return List.of(home().resolve("server").toString());
    }
  };

  /** Where the folders are; set by the build. */
  private static final String HOME = "sluice.servers";

  private final String folder;
  private final String mainClass;
  private final boolean java17;

  /**
   * @param java17 whether it runs on Java 17 only, else on the Java of the test
   */
  RealServer(String folder, String mainClass, boolean java17) {
    this.folder = folder;
    this.mainClass = mainClass;
    this.java17 = java17;
  }

  /**
   * Skips the test if this server cannot be started here, unless the environment variable {@code
   * SLUICE_REQUIRE_<NAME>} is true: then it fails.
   */
  public void assumeThere() {
    String required = "SLUICE_REQUIRE_" + name();
    Optional<String> missing = missing();
    if ("true".equals(System.getenv(required))) {
      Assertions.assertThat(missing)
          .as("what is missing of %s, which %s demands", name(), required)
          .isEmpty();
    }
    Assumptions.assumeThat(missing)
        .as("SKIPPED: %s cannot be started: %s", name(), missing.orElse(""))
        .isEmpty();
  }

  Optional<String> missing() {
    if (!Files.isReadable(classPathFile())) {
      return Optional.of(
          "it is not built; ./mvnw -pl infra/servers/" + folder + " -am process-classes builds it");
    }
    if (java().isEmpty()) {
      return Optional.of("there is no JDK 17; set SLUICE_JDK17 to one");
    }
    return Optional.empty();
  }

  /** The command up to the arguments of the program. */
  List<String> command() {
    try {
      return List.of(
          java().orElseThrow().toString(),
          "@" + home().resolve("jvm.options"),
          "-cp",
          home().resolve("target/classes") + ":" + Files.readString(classPathFile()).strip(),
          mainClass);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  final Path home() {
    String home = System.getProperty(HOME);
    if (home == null) {
      throw new IllegalStateException("the system property " + HOME + " is not set");
    }
    return Path.of(home).toAbsolutePath().normalize().resolve(folder);
  }

  private Path classPathFile() {
    return home().resolve("target/classpath");
  }

  private Optional<Path> java() {
    return java17 ? java17() : Optional.of(Path.of(System.getProperty("java.home"), "bin", "java"));
  }

  private static Optional<Path> java17() {
    List<Path> homes = new ArrayList<>();
    for (String name : List.of("SLUICE_JDK17", "JAVA_HOME_17", "JAVA_HOME_17_X64")) {
      Optional.ofNullable(System.getenv(name)).map(Path::of).ifPresent(homes::add);
    }
    Path usual = Path.of("/usr/lib/jvm");
    if (Files.isDirectory(usual)) {
      try (Stream<Path> jdks = Files.list(usual)) {
        jdks.sorted().forEach(homes::add);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
    return homes.stream()
        .filter(RealServer::is17)
        .map(home -> home.resolve("bin/java"))
        .filter(Files::isExecutable)
        .findFirst();
  }

  /** Whether the file {@code release} of a JDK says so. */
  private static boolean is17(Path home) {
    Path release = home.resolve("release");
    if (!Files.isReadable(release)) {
      return false;
    }
    Properties properties = new Properties();
    try (var in = Files.newBufferedReader(release)) {
      properties.load(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return properties.getProperty("JAVA_VERSION", "").startsWith("\"17.");
  }
}
