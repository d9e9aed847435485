package io.sluice.compute.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * Whether and how kernels use vector instructions.
 *
 * <p>The species is fixed at 256 bits: a preferred one would be chosen when a native executable is
 * built, for a machine that need not be the one it runs on. Vectors are loaded from arrays only.
 */
public final class Vectors {
  private Vectors() {}

  /**
   * Whether the process runs with {@code --add-modules jdk.incubator.vector}. Without it, classes
   * that name vectors cannot be loaded, and kernels are scalar loops.
   */
  public static boolean available() {
    return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
  }

  /** Shape of the vectors of floats, 8 lanes. */
  static final class Floats {
    static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_256;

    private Floats() {}
  }
}
