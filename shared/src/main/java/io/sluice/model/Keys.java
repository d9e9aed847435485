package io.sluice.model;

import java.util.Locale;

/** Where things lie in a store. Every key of Sluice is made here and nowhere else. */
public final class Keys {
  /** Prefix of all shards. */
  public static final String SHARDS = "shards/";

  /** Prefix of all skeletons. */
  public static final String SKELETONS = "skeletons/";

  /** Prefix of all manifests and tags. */
  public static final String MODELS = "models/";

  /** Prefix of what jobs leave for their own later steps. */
  public static final String SCRATCH = "scratch/";

  private Keys() {}

  /** {@code shards/<hex>.safetensors}. */
  public static String shard(Digest digest) {
    return SHARDS + digest.hex() + ".safetensors";
  }

  /** {@code skeletons/<hex>.bin}. */
  public static String skeleton(Digest digest) {
    return SKELETONS + digest.hex() + ".bin";
  }

  /** {@code scratch/<name>.bin}: bytes of a running job; {@code name} starts with its id. */
  public static String scratch(String name) {
    return SCRATCH + name + ".bin";
  }

  /** {@code models/<name>/}: what a model has lies under it, and so may other models. */
  public static String model(String name) {
    return MODELS + name + "/";
  }

  /** {@code models/<name>/versions/<hex>.json}: a manifest. */
  public static String manifest(String name, Digest version) {
    return model(name) + "versions/" + version.hex() + ".json";
  }

  /** {@code models/<name>/tags/<tag>/}: every move of a tag lies under it. */
  public static String tag(String name, String tag) {
    return model(name) + "tags/" + tag + "/";
  }

  /** {@code models/<name>/tags/<tag>/<sequence, 20 digits>.json}: one move of a tag. */
  public static String tagMove(String name, String tag, long sequence) {
    return tag(name, tag) + String.format(Locale.ROOT, "%020d", sequence) + ".json";
  }

  /** {@code models/<name>/deleted/<hex>.json}: the mark of a version to be collected. */
  public static String deleteMark(String name, Digest version) {
    return model(name) + "deleted/" + version.hex() + ".json";
  }
}
