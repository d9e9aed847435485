package io.sluice.manifest.redis;

import io.sluice.manifest.ManifestException;
import io.sluice.manifest.ManifestIndex;
import io.sluice.manifest.ModelSummary;
import io.sluice.manifest.TagMove;
import io.sluice.manifest.VersionSummary;
import io.sluice.model.Digest;
import io.sluice.model.ErrorKind;
import io.sluice.model.SluiceException;
import io.sluice.redis.RedisClient;
import io.sluice.redis.Script;
import io.vertx.redis.client.Response;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;

/**
 * The index in Redis. All of it lies in one generation, and the key {@code current} names the
 * generation that is read: without that key the index is incomplete, and setting it swaps the whole
 * index at once.
 *
 * <pre>
 * &lt;prefix&gt;manifest:1:current              the generation that is read
 * &lt;prefix&gt;manifest:1:generations          every generation that has keys
 * &lt;prefix&gt;manifest:1:building             the generation that is being built, expires
 * &lt;prefix&gt;manifest:1:changed              models that changed since the build began
 * &lt;prefix&gt;manifest:1:&lt;g&gt;:names            sorted set of the models of generation g
 * &lt;prefix&gt;manifest:1:&lt;g&gt;:model:&lt;name&gt;     hash: v:&lt;hex&gt; and t:&lt;tag&gt; to lines of numbers
 * </pre>
 *
 * <p>Every read and change is one script, hence atomic. The prefix holds a hash tag, so all keys
 * are in one slot. The 1 is the version of this layout: another one is another index, which is
 * incomplete until it is rebuilt.
 */
public final class RedisManifestIndex implements ManifestIndex {
  private static final Duration BUILD_LEASE = Duration.ofSeconds(60);
  private static final int PAGE = 256;

  private static final Script FIND =
      Script.of(
          "manifest-find",
          """
          local current = redis.call('GET', KEYS[1] .. 'current')
          if not current then return false end
          return redis.call('HGETALL', KEYS[1] .. current .. ':model:' .. ARGV[1])
          """);

  /** A model without its hash was evicted: then the index is no longer complete. */
  private static final Script LIST =
      Script.of(
          "manifest-list",
          """
          local current = redis.call('GET', KEYS[1] .. 'current')
          if not current then return false end
          local page = {current}
          if ARGV[1] ~= '' and ARGV[1] ~= current then return page end
          local after = ARGV[2] == '' and '-' or '(' .. ARGV[2]
          local root = KEYS[1] .. current .. ':'
          for _, name in ipairs(redis.call(
              'ZRANGEBYLEX', root .. 'names', after, '+', 'LIMIT', 0, ARGV[3])) do
            local model = redis.call('HGETALL', root .. 'model:' .. name)
            if #model == 0 then
              redis.call('DEL', KEYS[1] .. 'current')
              return false
            end
            page[#page + 1] = {name, model}
          end
          return page
          """);

  /** A move of a tag starts with its sequence in 20 digits, so text order is order of moves. */
  private static final Script APPLY =
      Script.of(
          "manifest-apply",
          """
          if redis.call('EXISTS', KEYS[1] .. 'building') == 1 then
            redis.call('SADD', KEYS[1] .. 'changed', ARGV[1])
          end
          local current = redis.call('GET', KEYS[1] .. 'current')
          if not current then return 0 end
          local root = KEYS[1] .. current .. ':'
          local model = root .. 'model:' .. ARGV[1]
          for i = 2, #ARGV, 3 do
            local change, field, value = ARGV[i], ARGV[i + 1], ARGV[i + 2]
            if change == 'drop' then
              redis.call('HDEL', model, field)
            elseif change == 'put' then
              redis.call('HSET', model, field, value)
            else
              local old = redis.call('HGET', model, field)
              if not old or string.sub(old, 1, 20) < string.sub(value, 1, 20) then
                redis.call('HSET', model, field, value)
              end
            end
          end
          if redis.call('EXISTS', model) == 1 then
            redis.call('ZADD', root .. 'names', 0, ARGV[1])
          else
            redis.call('ZREM', root .. 'names', ARGV[1])
          end
          return 1
          """);

  private static final Script BEGIN =
      Script.of(
          "manifest-rebuild-begin",
          """
          if not redis.call('SET', KEYS[1] .. 'building', ARGV[1], 'NX', 'PX', ARGV[2]) then
            return 0
          end
          redis.call('DEL', KEYS[1] .. 'changed')
          redis.call('SADD', KEYS[1] .. 'generations', ARGV[1])
          return 1
          """);

  private static final Script RENEW =
      Script.of(
          "manifest-rebuild-renew",
          """
          if redis.call('GET', KEYS[1] .. 'building') ~= ARGV[1] then return 0 end
          redis.call('PEXPIRE', KEYS[1] .. 'building', ARGV[2])
          return 1
          """);

  private static final Script PUT =
      Script.of(
          "manifest-rebuild-put",
          """
          if redis.call('GET', KEYS[1] .. 'building') ~= ARGV[1] then return 0 end
          redis.call('PEXPIRE', KEYS[1] .. 'building', ARGV[2])
          local root = KEYS[1] .. ARGV[1] .. ':'
          local model = root .. 'model:' .. ARGV[3]
          redis.call('DEL', model)
          redis.call('ZREM', root .. 'names', ARGV[3])
          for i = 4, #ARGV, 2 do
            redis.call('HSET', model, ARGV[i], ARGV[i + 1])
            redis.call('ZADD', root .. 'names', 0, ARGV[3])
          end
          return 1
          """);

  private static final Script FINISH =
      Script.of(
          "manifest-rebuild-finish",
          """
          if redis.call('GET', KEYS[1] .. 'building') ~= ARGV[1] then return false end
          local changed = redis.call('SMEMBERS', KEYS[1] .. 'changed')
          if #changed > 0 then
            redis.call('DEL', KEYS[1] .. 'changed')
            redis.call('PEXPIRE', KEYS[1] .. 'building', ARGV[2])
          else
            redis.call('SET', KEYS[1] .. 'current', ARGV[1])
            redis.call('DEL', KEYS[1] .. 'building')
          end
          return changed
          """);

  private static final Script ABANDON =
      Script.of(
          "manifest-rebuild-abandon",
          """
          if redis.call('GET', KEYS[1] .. 'building') == ARGV[1] then
            redis.call('DEL', KEYS[1] .. 'building', KEYS[1] .. 'changed')
          end
          return 1
          """);

  /** Deletes a part of a generation that is neither read nor built; 1 when nothing is left. */
  private static final Script PURGE =
      Script.of(
          "manifest-purge",
          """
          if redis.call('GET', KEYS[1] .. 'current') == ARGV[1]
              or redis.call('GET', KEYS[1] .. 'building') == ARGV[1] then
            return 1
          end
          local root = KEYS[1] .. ARGV[1] .. ':'
          local names = redis.call('ZRANGE', root .. 'names', 0, ARGV[2])
          for _, name in ipairs(names) do
            redis.call('UNLINK', root .. 'model:' .. name)
            redis.call('ZREM', root .. 'names', name)
          end
          if #names > 0 then return 0 end
          redis.call('SREM', KEYS[1] .. 'generations', ARGV[1])
          return 1
          """);

  private final RedisClient redis;
  private final String root;

  /**
   * @param prefix of all keys, such as <code>{sluice}:</code>
   */
  public RedisManifestIndex(RedisClient redis, String prefix) {
    this.redis = Objects.requireNonNull(redis, "redis");
    this.root = prefix + "manifest:1:";
  }

  @Override
  public boolean complete() {
    return redis.call("EXISTS", root + "current").toInteger() == 1;
  }

  @Override
  public Optional<ModelSummary> find(String name) {
    return Optional.ofNullable(eval(FIND, name)).map(fields -> model(name, fields));
  }

  @Override
  public Optional<List<ModelSummary>> list() {
    List<ModelSummary> models = new ArrayList<>();
    String generation = "";
    String after = "";
    while (true) {
      Response page = eval(LIST, generation, after, Integer.toString(PAGE));
      if (page == null) {
        return Optional.empty();
      }
      String current = page.get(0).toString();
      if (!generation.isEmpty() && !generation.equals(current)) {
        // Swapped between two pages: begin again, so that the list is of one index.
        generation = "";
        after = "";
        models.clear();
        continue;
      }
      generation = current;
      for (int i = 1; i < page.size(); i++) {
        after = page.get(i).get(0).toString();
        models.add(model(after, page.get(i).get(1)));
      }
      if (page.size() <= PAGE) {
        return Optional.of(models);
      }
    }
  }

  @Override
  public void apply(String name, List<Change> changes) {
    List<String> args = new ArrayList<>();
    args.add(name);
    for (Change change : changes) {
      args.addAll(
          switch (change) {
            case Change.Version(VersionSummary summary) ->
                List.of("put", field(summary.version()), line(summary));
            case Change.NoVersion(Digest version) -> List.of("drop", field(version), "");
            case Change.Tag(TagMove move) -> List.of("tag", field(move), line(move));
          });
    }
    redis.eval(APPLY, List.of(root), args);
  }

  @Override
  public Optional<Rebuild> rebuild() {
    Generation generation = new Generation(UUID.randomUUID().toString());
    if (eval(BEGIN, generation.id, millis(BUILD_LEASE)).toInteger() == 0) {
      return Optional.empty();
    }
    purge();
    return Optional.of(generation);
  }

  /** Deletes the generations that are neither read nor built. */
  private void purge() {
    for (Response generation : redis.call("SMEMBERS", root + "generations")) {
      while (eval(PURGE, generation.toString(), Integer.toString(PAGE)).toInteger() == 0) {
        // The next part.
      }
    }
  }

  private Response eval(Script script, String... args) {
    return redis.eval(script, List.of(root), List.of(args));
  }

  private static String millis(Duration duration) {
    return Long.toString(duration.toMillis());
  }

  private static String field(Digest version) {
    return "v:" + version.hex();
  }

  private static String field(TagMove move) {
    return "t:" + move.tag();
  }

  private static String line(VersionSummary summary) {
    return String.join(
        " ",
        Long.toString(summary.totalBytes()),
        Long.toString(summary.sourceBytes()),
        Integer.toString(summary.files()),
        Integer.toString(summary.tensors()),
        Integer.toString(summary.shards()),
        Long.toString(summary.manifestBytes()),
        Long.toString(summary.createdAt().toEpochMilli()));
  }

  private static String line(TagMove move) {
    return String.format(
        Locale.ROOT,
        "%020d %s %d",
        move.sequence(),
        move.target().map(Digest::hex).orElse("-"),
        move.movedAt().toEpochMilli());
  }

  private static ModelSummary model(String name, Response fields) {
    List<VersionSummary> versions = new ArrayList<>();
    List<TagMove> tags = new ArrayList<>();
    for (int i = 0; i + 1 < fields.size(); i += 2) {
      String field = fields.get(i).toString();
      String line = fields.get(i + 1).toString();
      try {
        String key = field.substring(2);
        if (field.startsWith("v:")) {
          versions.add(version(new Digest(key), line.split(" ", -1)));
        } else {
          tags.add(move(key, line.split(" ", -1)));
        }
      } catch (IndexOutOfBoundsException | NumberFormatException | SluiceException e) {
        throw new ManifestException(
            ErrorKind.CORRUPT,
            "index-corrupt",
            "the index says of model '"
                + name
                + "' in field '"
                + field
                + "' what nobody wrote there: '"
                + line
                + "'; rebuild it",
            e);
      }
    }
    return new ModelSummary(name, versions, tags);
  }

  private static VersionSummary version(Digest version, String[] line) {
    return new VersionSummary(
        version,
        Long.parseLong(line[0]),
        Long.parseLong(line[1]),
        Integer.parseInt(line[2]),
        Integer.parseInt(line[3]),
        Integer.parseInt(line[4]),
        Long.parseLong(line[5]),
        Instant.ofEpochMilli(Long.parseLong(line[6])));
  }

  private static TagMove move(String tag, String[] line) {
    return new TagMove(
        tag,
        Long.parseLong(line[0]),
        line[1].equals("-") ? Optional.empty() : Optional.of(new Digest(line[1])),
        Instant.ofEpochMilli(Long.parseLong(line[2])));
  }

  /** A generation that is being built. */
  private final class Generation implements Rebuild {
    private final String id;

    Generation(String id) {
      this.id = id;
    }

    @Override
    public void renew() {
      check(eval(RENEW, id, millis(BUILD_LEASE)).toInteger() == 1);
    }

    @Override
    public void put(ModelSummary model) {
      List<String> args = new ArrayList<>(List.of(id, millis(BUILD_LEASE), model.name()));
      for (VersionSummary summary : model.versions()) {
        args.add(field(summary.version()));
        args.add(line(summary));
      }
      for (TagMove move : model.tags()) {
        args.add(field(move));
        args.add(line(move));
      }
      check(redis.eval(PUT, List.of(root), args).toInteger() == 1);
    }

    @Override
    public Set<String> finish() {
      Response changed = eval(FINISH, id, millis(BUILD_LEASE));
      check(changed != null);
      Set<String> names = new TreeSet<>();
      for (Response name : changed) {
        names.add(name.toString());
      }
      return names;
    }

    @Override
    public void close() {
      eval(ABANDON, id);
      purge();
    }

    private void check(boolean alive) {
      if (!alive) {
        throw new ManifestException(
            ErrorKind.TRANSIENT,
            "index-rebuild-lost",
            "the rebuild of the index was silent for more than "
                + BUILD_LEASE.toSeconds()
                + " s, or the index was lost again");
      }
    }
  }
}
