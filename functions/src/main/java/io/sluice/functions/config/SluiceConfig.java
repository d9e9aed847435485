package io.sluice.functions.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Every setting of Sluice. The tables of docs/configuration.md are generated from it. */
@ConfigMapping(prefix = "sluice")
public interface SluiceConfig {

  /** Where shards and manifests lie: `s3` or `file`. */
  @WithDefault("s3")
  StoreKind store();

  /** The S3 store; connection, region and credentials are the `quarkus.s3.*` settings. */
  S3 s3();

  /** The file store. */
  File file();

  /** Redis as index, job table and worker registry; the connection is `quarkus.redis.hosts`. */
  Redis redis();

  /** This process as a worker. */
  Worker worker();

  /** Jobs, their leases and how long they are kept. */
  Job job();

  /** Uploads. */
  Upload upload();

  /** Loads. */
  Load load();

  /** Embeddings. */
  Embed embed();

  /** Where the `upload` function may read from. */
  Sources sources();

  /** Garbage collection. */
  Gc gc();

  /** Repetition of failed store requests. */
  Retry retry();

  /** The stores that Sluice has adapters for. */
  enum StoreKind {
    S3,
    FILE
  }

  /** The S3 store. */
  interface S3 {
    /** The bucket; it must exist. */
    @WithDefault("sluice")
    String bucket();

    /** Put in front of every key, such as `models/prod/`; empty for none. */
    Optional<String> prefix();

    /** How long making a connection may take. */
    @WithDefault("5s")
    Duration connectTimeout();

    /** How long a connection may bring nothing before its request is given up and tried again. */
    @WithDefault("30s")
    Duration stallTimeout();

    /** Sign the SHA-256 of what is sent over plain HTTP, for stores that take nothing else. */
    @WithDefault("false")
    boolean signBodies();
  }

  /** The file store: a local directory, or a mounted GlusterFS or NFS volume. */
  interface File {
    /** Directory that holds the objects; needed when `sluice.store` is `file`. */
    Optional<Path> root();
  }

  /** Redis. */
  interface Redis {
    /** Put in front of every Redis key; the braces keep all keys in one cluster slot. */
    @WithDefault("{sluice}:")
    String prefix();

    /** How long one command may take. */
    @WithDefault("10s")
    Duration timeout();
  }

  /** This process as a worker. */
  interface Worker {
    /** Whether a serving process takes part as a worker. */
    @WithDefault("true")
    boolean enabled();

    /** Name of the worker, unique in the cluster; made up from host name and port if absent. */
    Optional<String> id();

    /** Base URL at which other workers reach this one; `http://<host>:<port>` if absent. */
    Optional<URI> address();

    /** Budget of off-heap memory for shards. */
    @WithDefault("1G")
    MemorySize memory();

    /** How often a worker says that it lives. */
    @WithDefault("1s")
    Duration heartbeat();

    /** After how long without a heartbeat a worker counts as dead. */
    @WithDefault("5s")
    Duration ttl();

    /** End the process when its standard input ends: ties a child to its parent. */
    @WithDefault("false")
    boolean exitWithStdin();
  }

  /** Jobs. */
  interface Job {
    /** How long a claimed task stays claimed without renewal. */
    @WithDefault("10s")
    Duration lease();

    /** How often a task is tried before its job fails. */
    @WithDefault("4")
    int attempts();

    /** How long a finished job can be looked up. */
    @WithDefault("24h")
    Duration keep();

    /** How long a call with `"wait": true` waits before it answers with the running job. */
    @WithDefault("15m")
    Duration waitLimit();

    /** Tasks that one worker executes at once. */
    @WithDefault("4")
    int parallelism();
  }

  /** Uploads. */
  interface Upload {
    /** Memory for shards on their way into the store; bounds the largest shard. */
    @WithDefault("512M")
    MemorySize memory();
  }

  /** Loads. */
  interface Load {
    /** Chunks that one worker reads at once. */
    @WithDefault("16")
    int parallelism();

    /** How often a chunk with a wrong checksum is read anew before the shard counts as corrupt. */
    @WithDefault("3")
    int verifyAttempts();
  }

  /** Embeddings. */
  interface Embed {
    /** Heap memory for weights that are prepared for encoders; at most half of the heap is used. */
    @WithDefault("512M")
    MemorySize memory();
  }

  /** Where the `upload` function may read from. */
  interface Sources {
    /** Local directories below which `file:` sources are allowed; none if absent. */
    Optional<List<Path>> roots();

    /** Hosts that `https:` sources may name although they are private, over `http:` too. */
    Optional<Set<String>> hosts();

    /** Value of the `Authorization` header for `https:` sources, such as `Bearer hf_…`. */
    Optional<String> authorization();
  }

  /** Garbage collection. */
  interface Gc {
    /** Objects younger than this are never collected. */
    @WithDefault("1h")
    Duration grace();
  }

  /** Repetition of failed store requests. */
  interface Retry {
    /** Tries of one request without any progress. */
    @WithDefault("6")
    int attempts();

    /** Longest total time spent on one request. */
    @WithDefault("2m")
    Duration deadline();
  }
}
