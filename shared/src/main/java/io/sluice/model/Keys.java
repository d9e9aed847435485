package io.sluice.model;

/** Where things lie in a store. Every key of Sluice is made here and nowhere else. */
public final class Keys {
  /** Prefix of all shards. */
  public static final String SHARDS = "shards/";

  /** Prefix of all skeletons. */
  public static final String SKELETONS = "skeletons/";

  /** Prefix of all manifests and tags. */
  public static final String MODELS = "models/";

  private Keys() {}

  /** {@code shards/<hex>.safetensors}. */
  public static String shard(Digest digest) {
    return SHARDS + digest.hex() + ".safetensors";
  }

  /** {@code skeletons/<hex>.bin}. */
  public static String skeleton(Digest digest) {
    return SKELETONS + digest.hex() + ".bin";
  }
}
