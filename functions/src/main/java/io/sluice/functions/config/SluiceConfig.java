package io.sluice.functions.config;

import io.quarkus.runtime.configuration.MemorySize;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.WithDefault;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/** Every setting of Sluice. The tables of docs/configuration.md are generated from it. */
@ConfigMapping(prefix = "sluice")
public interface SluiceConfig {

  /** Where shards and manifests lie; what each store needs is said below. */
  @WithDefault("s3")
  StoreKind store();

  /** The S3 store; connection, region and credentials are the `quarkus.s3.*` settings. */
  S3 s3();

  /** The file store. */
  File file();

  /** The GlusterFS store. */
  Gluster gluster();

  /** The Cassandra store. */
  Cassandra cassandra();

  /** How functions are invoked: over `http`, or by AWS `lambda`. */
  @WithDefault("http")
  Engine engine();

  /** The engine `lambda`. */
  Lambda lambda();

  /** The HDFS store. */
  Hdfs hdfs();

  /** The HBase store. */
  Hbase hbase();

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

  /** Training and predicting. */
  Train train();

  /** Embeddings. */
  Embed embed();

  /** Caches in front of the store. */
  Cache cache();

  /** Computations. */
  Compute compute();

  /** Where the `upload` function may read from. */
  Sources sources();

  /** CloudEvents about uploads, sent and received. */
  Events events();

  /** Who may call. */
  Auth auth();

  /** Traces. */
  Trace trace();

  /** Garbage collection. */
  Gc gc();

  /** Repetition of failed store requests. */
  Retry retry();

  /** The stores that Sluice has adapters for. */
  enum StoreKind {
    S3,
    FILE,
    GLUSTER,
    CASSANDRA,
    HDFS,
    HBASE;

    /** As settings, options and metrics spell it. */
    public String text() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** The ways in which functions are invoked. */
  enum Engine {
    /** This process is a server; workers are servers too and call one another. */
    HTTP,
    /** This process is an instance of a Lambda function; workers are instances that jobs start. */
    LAMBDA
  }

  /** The engine `lambda`: instances of AWS Lambda functions. */
  interface Lambda {
    /** Name or ARN of the function whose instances are workers; needed with the engine `lambda`. */
    Optional<String> worker();

    /** Instances that each job is given. */
    @WithDefault("8")
    int fanOut();

    /** How long the first workers of a job wait for the others before they plan without them. */
    @WithDefault("5s")
    Duration muster();

    /** Time limit of the function, where the invocation does not say it. */
    @WithDefault("15m")
    Duration timeLimit();

    /** The service that workers are started by; that of the region if absent. */
    Optional<URI> endpoint();

    /** Region of the worker function; where this function runs if absent. */
    Optional<String> region();
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

    /** Objects larger than this are sent in parts; at most 5G. */
    @WithDefault("128M")
    MemorySize multipartThreshold();

    /** Least bytes of a part; S3 wants 5M or more. */
    @WithDefault("32M")
    MemorySize partSize();

    /** Parts of one object that are sent at once. */
    @WithDefault("8")
    int partParallelism();

    /** Send the CRC32C of what is written, so that the store checks it; AWS and others know it. */
    @WithDefault("false")
    boolean checksums();
  }

  /** The file store: a local directory, or a mounted GlusterFS or NFS volume. */
  interface File {
    /** Directory that holds the objects; needed when `sluice.store` is `file`. */
    Optional<Path> root();
  }

  /** The GlusterFS store, which reaches a volume without mounting it. */
  interface Gluster {
    /**
     * Some servers of the volume as `host` or `host:port`; needed when a store is `gluster`. They
     * say of what the volume is made; further ones are asked when the first is down.
     */
    Optional<List<String>> servers();

    /** The volume; needed when a store is `gluster`. */
    Optional<String> volume();

    /** Directory in the volume below which the objects lie; made when it is needed. */
    @WithDefault("/")
    String root();

    /** Calls to GlusterFS that one process has under way at once. */
    @WithDefault("16")
    int threads();

    /** File or name of GlusterFS's client library, which has to be installed. */
    @WithDefault("libgfapi.so.0")
    String library();

    /** File to which the library writes its warnings and errors; nowhere if absent. */
    Optional<Path> log();
  }

  /** The Cassandra store. */
  interface Cassandra {
    /** Some nodes as `host` or `host:port`; needed when a store is `cassandra`. */
    Optional<List<String>> contactPoints();

    /** The data center whose nodes are asked; needed when a store is `cassandra`. */
    Optional<String> datacenter();

    /** Keyspace of the tables. */
    @WithDefault("sluice")
    String keyspace();

    /** How many replicas answer a read or a write. */
    @WithDefault("local-quorum")
    Consistency consistency();

    /** Make the keyspace and its tables if they are not there. Let one process do it, once. */
    @WithDefault("false")
    boolean createSchema();

    /** Replicas of a keyspace that is made, for each data center: `dc1:3,dc2:2`. */
    Optional<List<String>> replication();

    /** User, if the cluster asks for one. */
    Optional<String> username();

    /** Password of the user. */
    Optional<String> password();

    /** Encrypt connections, and check the names of nodes against their certificates. */
    @WithDefault("false")
    boolean tls();

    /** File of the certificates that are believed; those of Java if absent. */
    Optional<Path> trustStore();

    /** Password of that file. */
    Optional<String> trustStorePassword();

    /** Rows of 1 MiB of one object that are under way at once. */
    @WithDefault("4")
    int window();

    /** How long one request may take. */
    @WithDefault("10s")
    Duration timeout();
  }

  /** How many replicas of Cassandra have to answer. */
  enum Consistency {
    ONE,
    LOCAL_ONE,
    QUORUM,
    LOCAL_QUORUM,
    EACH_QUORUM,
    ALL
  }

  /** The HDFS store, over WebHDFS or HttpFS. */
  interface Hdfs {
    /**
     * Web addresses of the name nodes that can become active, such as
     * `http://nn1:9870,http://nn2:9870`; needed when `sluice.store` is `hdfs`.
     */
    Optional<List<URI>> nameNodes();

    /** The folder that holds the objects; it is made when the first is written. */
    @WithDefault("/sluice")
    String root();

    /** As whom to ask, where HDFS takes one's word for it; the user of the process if absent. */
    Optional<String> user();

    /** A delegation token, which takes the place of the user where HDFS wants Kerberos. */
    Optional<String> token();

    /** Copies of each block; what the cluster has by default if absent. */
    Optional<Integer> replication();

    /** Bytes of a block, a multiple of 512; what the cluster has by default if absent. */
    Optional<MemorySize> blockSize();
  }

  /** The HBase store, over its REST gateway. */
  interface Hbase {
    /**
     * Addresses of the REST gateways of one cluster, such as
     * `http://hbase1:8080,http://hbase2:8080`; needed when `sluice.store` is `hbase`.
     */
    Optional<List<URI>> gateways();

    /** The table, with a namespace and a colon in front or without. */
    @WithDefault("sluice")
    String table();

    /** Make the table if it is not there, in one region that HBase splits as it grows. */
    @WithDefault("true")
    boolean create();

    /** Cells of 1 MiB of one object that are read or written at once. */
    @WithDefault("8")
    int parallelism();
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

    /**
     * How much of the memory that is freed stays with the process for the next shards of the same
     * size, instead of going back to the system, which would have to zero it again.
     */
    @WithDefault("0")
    MemorySize keepMemory();

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

    /** Ranges of the source that are read at once for one shard. */
    @WithDefault("4")
    int reads();
  }

  /** Loads. */
  interface Load {
    /** Requests that one worker has in flight at once; fewer while the store throttles. */
    @WithDefault("16")
    int parallelism();

    /** About how much one request reads; smaller chunks that are neighbours are read together. */
    @WithDefault("16M")
    MemorySize request();

    /** How long one request may take, its repetitions included, before it is made anew. */
    @WithDefault("2m")
    Duration deadline();

    /** How many of the last, slow requests of a shard are made a second time; 0 for none. */
    @WithDefault("2")
    int hedges();

    /** How long a request is waited for at least before it is made a second time. */
    @WithDefault("200ms")
    Duration hedgeDelay();

    /**
     * Most bytes between wanted chunks that are read along with them: the bandwidth of one
     * connection times the latency of a request, which is 90 MB/s × 25 ms at AWS.
     */
    @WithDefault("2M")
    MemorySize gap();

    /** How often a chunk with a wrong checksum is read anew before the shard counts as corrupt. */
    @WithDefault("3")
    int verifyAttempts();

    /**
     * Most bytes a second that one worker reads from the store for loads; no bound if absent.
     * Requests wait for their turn, which counts against their deadline; none is hedged.
     */
    Optional<MemorySize> bandwidth();
  }

  /** Training and predicting. */
  interface Train {
    /** Memory of the heap for rows of datasets; bounds the largest partition. */
    @WithDefault("256M")
    MemorySize memory();
  }

  /** Caches in front of the store. */
  interface Cache {
    /**
     * Where chunks are looked for, in this order, before the store is asked. `memory`, what the
     * worker holds, is first in any case; `disk`, `redis` and `memcached` take part only if their
     * place is configured.
     */
    @WithDefault("memory,peer,disk,redis,memcached")
    List<CacheKind> tiers();

    /** Chunks that may wait to be written into a cache; more are let go. */
    @WithDefault("1024")
    int fillQueue();

    /** Other workers that hold a shard. */
    CachePeer peer();

    /** A local folder. */
    CacheDisk disk();

    /** A Redis of its own for hot chunks; give it `maxmemory` and an eviction policy. */
    CacheRedis redis();

    /** Memcached servers for hot chunks. */
    CacheMemcached memcached();
  }

  /** The caches that there are. */
  enum CacheKind {
    MEMORY,
    PEER,
    DISK,
    REDIS,
    MEMCACHED
  }

  /** Other workers. */
  interface CachePeer {
    /** How long connecting to another worker may take. */
    @WithDefault("1s")
    Duration connectTimeout();

    /** How long one chunk from another worker may take, its turn there included. */
    @WithDefault("15s")
    Duration timeout();

    /** Chunks that a worker gives to others at once; further requests wait. */
    @WithDefault("16")
    int serving();

    /** How long a claim of reading a shard from the store outlives its worker. */
    @WithDefault("5s")
    Duration lease();

    /** How long a load waits for another worker that reads the same shard from the store. */
    @WithDefault("1m")
    Duration waitLimit();
  }

  /** A local folder. */
  interface CacheDisk {
    /** The folder; processes of one machine may share it. No disk cache if absent. */
    Optional<Path> root();

    /** Most bytes of all chunks in it. */
    @WithDefault("10G")
    MemorySize maxBytes();
  }

  /** Redis as a cache. */
  interface CacheRedis {
    /**
     * Its address, `redis://[user:password@]host[:port][/database]` or `rediss://`: another server
     * than that of the jobs, or another database of it. No Redis cache if absent.
     */
    Optional<String> url();

    /** Put in front of every key. */
    @WithDefault("sluice:chunk:")
    String prefix();

    /** How long a chunk stays after it was put. */
    @WithDefault("1h")
    Duration ttl();

    /** How long one command may take. */
    @WithDefault("1s")
    Duration timeout();

    /** Chunks on their way at a time, and connections. */
    @WithDefault("4")
    int connections();
  }

  /** Memcached. */
  interface CacheMemcached {
    /** Servers as `host:port`, named alike for all workers. No Memcached if absent. */
    Optional<List<String>> servers();

    /** How long a chunk stays after it was put, up to 30 days. */
    @WithDefault("1h")
    Duration ttl();

    /** How long connecting to a server may take. */
    @WithDefault("500ms")
    Duration connectTimeout();

    /** How long getting or putting one chunk may take. */
    @WithDefault("1s")
    Duration timeout();

    /** Most connections to one server. */
    @WithDefault("4")
    int connections();
  }

  /** Embeddings. */
  interface Embed {
    /** Heap memory for weights that are prepared for encoders; at most half of the heap is used. */
    @WithDefault("512M")
    MemorySize memory();
  }

  /** Computations. */
  interface Compute {
    /** Kernels that one worker runs at once, whatever the number of tasks; 0 for one a core. */
    @WithDefault("0")
    int threads();
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

  /** CloudEvents about uploads. */
  interface Events {
    /**
     * Where every publication is told by a `io.sluice.ModelUploaded` event, such as a broker of
     * Knative, whose bindings set it as `K_SINK`; nobody is told if absent.
     */
    @WithDefault("${K_SINK:}")
    Optional<URI> sink();

    /** Who says it: the `source` of the events, a URI reference that names this installation. */
    @WithDefault("/sluice")
    String source();

    /** Value of the `Authorization` header for the sink. */
    Optional<String> authorization();

    /** How long each attempt of a delivery goes on, with growing pauses, before it has failed. */
    @WithDefault("5m")
    Duration patience();

    /** How long a received event is remembered, so that it starts no second load. */
    @WithDefault("24h")
    Duration remember();
  }

  /** Who may call. */
  interface Auth {
    /**
     * `required`: who calls needs a token. `open`: everybody who reaches the server may do
     * everything. `auto`: required if there are tokens, open on loopback in dev mode and on Lambda,
     * else the server does not start.
     */
    @WithDefault("auto")
    AuthMode mode();

    /** Tokens that count, each `name:role:sha256` with a role of `read`, `write` or `admin`. */
    Optional<List<String>> tokens();

    /** A file with more of them, one a line; empty lines and those with `#` do not count. */
    Optional<Path> tokensFile();

    /** What workers know each other by: at least 32 characters, the same for all of them. */
    Optional<String> clusterSecret();

    /** A file with the secret of the workers instead. */
    Optional<Path> clusterSecretFile();

    /** Let everybody read `/q/metrics`, as a Prometheus without a token does. */
    @WithDefault("false")
    boolean openMetrics();

    /** Let everybody deliver events, as a broker without a token does. */
    @WithDefault("false")
    boolean openEvents();

    /** Requests that one caller may make in a second, twice as many at once; 0 for no bound. */
    @WithDefault("100")
    int requestsPerSecond();

    /** JSON Web Tokens, as an OpenID provider issues them. */
    AuthJwt jwt();
  }

  /** Whether callers need tokens. */
  enum AuthMode {
    AUTO,
    REQUIRED,
    OPEN
  }

  /** JSON Web Tokens. */
  interface AuthJwt {
    /** The issuer, `iss` of the tokens; none count if absent. */
    Optional<URI> issuer();

    /** Whom the tokens must be for, `aud`; needed with an issuer. */
    Optional<String> audience();

    /** File or URL of the issuer's keys (JWKS); as its OpenID configuration says if absent. */
    Optional<String> keys();

    /** The claim that names roles, a text or a list; dots lead into objects. */
    @WithDefault("roles")
    String roleClaim();

    /** What stands before `read`, `write` or `admin` in it. */
    @WithDefault("sluice-")
    String rolePrefix();

    /** How long keys are kept before they are read again. */
    @WithDefault("10m")
    Duration refresh();
  }

  /** Traces. */
  interface Trace {
    /**
     * Base URL of an OpenTelemetry collector that takes OTLP over HTTP in JSON, such as
     * `http://collector:4318`; no traces if absent.
     */
    Optional<URI> endpoint();
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
