package io.sluice.compute.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorSpecies;

/**
 * Whether and how kernels use vector instructions.
 *
 * <p>The species is fixed at 256 bits: a preferred one would be chosen when a native executable is
 * built, for a machine that need not be the one it runs on. In such an executable vectors are
 * loaded from arrays only, as loads from segments can crash (oracle/graal issue 14255). A process
 * of Java may load them from segments, and use wider ones where the result is the same.
 */
public final class Vectors {
  private Vectors() {}

  /**
   * Whether the process runs with {@code --add-modules jdk.incubator.vector}. Without it, classes
   * that name vectors cannot be loaded.
   */
  public static boolean present() {
    return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
  }

  /**
   * Whether kernels use vectors: they are {@link #present}, and the processor has them of 256 bits.
   * Where it has less they would be emulated, slower than scalar loops.
   */
  public static boolean available() {
    return present() && (inNativeExecutable() ? builtForVectors() : preferredBits() >= 256);
  }

  /** The profiles that build executables choose AVX2 on x86-64, and only 128 bits on Arm. */
  private static boolean builtForVectors() {
    return System.getProperty("os.arch", "").equals("amd64");
  }

  private static boolean inNativeExecutable() {
    return System.getProperty("org.graalvm.nativeimage.imagecode") != null;
  }

  private static int preferredBits() {
    return VectorShape.preferredShape().vectorBitSize();
  }

  /** How kernels read what they work on; results are the same. */
  public enum Reading {
    /** Without vectors. */
    SCALARS,
    /** Copied to arrays, then with vectors of 256 bits. */
    ARRAYS,
    /** With vectors from where it lies. */
    SEGMENTS
  }

  /** The fastest that this process can do. */
  public static Reading reading() {
    if (!available()) {
      return Reading.SCALARS;
    }
    return inNativeExecutable() ? Reading.ARRAYS : Reading.SEGMENTS;
  }

  /**
   * Whether the processor has vectors of 512 bits; for {@link Reading#SEGMENTS} only, as native
   * executables have their width fixed.
   */
  public static boolean wide() {
    return preferredBits() >= 512;
  }

  /** Shape of the vectors of floats, 8 lanes. */
  static final class Floats {
    static final VectorSpecies<Float> SPECIES = FloatVector.SPECIES_256;

    private Floats() {}
  }
}
