package io.sluice.storage.gluster;

import java.util.Optional;

/**
 * The parts over which a volume distributes its files (sets of replicas, dispersed sets, single
 * bricks), and whether this client can ask all of them now.
 *
 * <p>It has to be asked for, since a distributed volume answers for those parts that it reaches: a
 * file of another one is "not there" (ENOENT), and left out of listings. The translators of the
 * client are asked what they know:
 *
 * <ul>
 *   <li>the attribute {@code dht.subvol.status} (since 2019): 0 if any part has no brick that is
 *       connected;
 *   <li>{@code /.meta/graphs/active/VOLUME-dht/subvolumes/N/private}, where each part tells of
 *       itself: {@code up = 0} if it is below its quorum, so that it may refuse to answer.
 * </ul>
 *
 * <p>Where a client tells neither, all parts are taken to be there.
 */
final class VolumeParts {
  private static final String STATUS = "dht.subvol.status";
  private static final String DOWN = "0";
  private static final String BELOW_QUORUM = "up = 0";

  private final GlusterVolume volume;
  private final String parts;

  /**
   * @param name of the volume
   */
  VolumeParts(GlusterVolume volume, String name) {
    this.volume = volume;
    this.parts = "/.meta/graphs/active/" + name + "-dht/subvolumes/";
  }

  /**
   * @throws GlusterFailure ENOTCONN if a part cannot be asked now
   */
  void requireAll() throws GlusterFailure {
    if (partDown() || partBelowQuorum()) {
      throw new GlusterFailure("looking for all parts", GlusterFailure.ENOTCONN);
    }
  }

  private boolean partDown() throws GlusterFailure {
    try {
      return volume.attribute("/", STATUS).equals(DOWN);
    } catch (GlusterFailure e) {
      if (e.errno() == GlusterFailure.ENODATA || e.errno() == GlusterFailure.EOPNOTSUPP) {
        return false;
      }
      throw e;
    }
  }

  private boolean partBelowQuorum() throws GlusterFailure {
    for (int part = 0; ; part++) {
      Optional<String> state = volume.text(parts + part + "/private");
      if (state.isEmpty()) {
        return false;
      }
      if (state.get().lines().anyMatch(BELOW_QUORUM::equals)) {
        return true;
      }
    }
  }
}
